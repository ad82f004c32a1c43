"""How exact the sparse models are: agreement with R's glmnet, optimality, scikit-learn."""

import importlib
import shutil
import subprocess

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import ElasticNet

from tests.test_benchmarks import problems, sparse_regression

glmnet_agreement, optimality = map(importlib.import_module, ["glmnet_agreement", "optimality"])


# Agreement with glmnet -------------------------------------------------------------------------


def by_hand(problem, alpha):
    """Minimize the objective of glmnet's documentation, by proximal gradient steps."""
    X = problem.X - np.average(problem.X, axis=0, weights=problem.weight)
    share = problem.weight / problem.weight.sum()
    factors = np.where(np.isinf(problem.penalty), 1.0, problem.penalty)
    factors = factors * len(factors) / factors.sum()
    l1, l2 = alpha * problem.l1_ratio * factors, alpha * (1 - problem.l1_ratio) * factors
    step = 1 / np.linalg.norm(X.T @ (share[:, None] * X), 2)
    w = np.zeros(X.shape[1])
    for _ in range(20_000):
        moved = w + step * X.T @ (share * (problem.y - X @ w))
        moved = np.sign(moved) * np.maximum(np.abs(moved) - step * l1, 0) / (1 + step * l2)
        moved[np.isinf(problem.penalty)] = 0.0
        w = np.clip(moved, problem.lower, problem.upper)
    return w


def stated(terms, l1_ratio=0.5):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 8)) + 1
    problem = glmnet_agreement.state(X, X @ np.arange(8.0) + 4, terms, l1_ratio)
    return problem._replace(alphas=problem.alphas[[0, 10, 29]])


@pytest.mark.parametrize("terms", glmnet_agreement.TERMS)
def test_ours_solves_glmnets_problem_at_the_converted_alphas(terms):
    problem = stated(terms)
    assert_allclose(np.average(problem.y**2, weights=problem.weight), 1.0)
    expected = np.transpose([by_hand(problem, alpha) for alpha in problem.glmnet_alphas])
    assert glmnet_agreement.difference(glmnet_agreement.with_skreg(problem), expected) < 1e-7
    assert np.any(expected != 0)
    at_bound = np.isin(expected.T, [problem.lower, problem.upper])
    assert np.any(at_bound & (expected.T != 0)) == (terms in ("bounds", "all three"))


def has_glmnet():
    if shutil.which("Rscript") is None:
        return False
    return not subprocess.run(["Rscript", "-e", "library(glmnet)"], capture_output=True).returncode


@pytest.mark.skipif(not has_glmnet(), reason="R's glmnet is not installed")
def test_glmnet_agrees(monkeypatch):
    X, _ = problems.sparse_data(60, 20, density=0.3)
    monkeypatch.setattr(glmnet_agreement, "cases", lambda: {"sparse": (X, X @ np.arange(20.0))})
    monkeypatch.setattr(glmnet_agreement, "TERMS", ("all three",))
    assert glmnet_agreement.main() == 0
    dense = stated("all three")
    (theirs,) = glmnet_agreement.with_glmnet([dense])
    expected = np.transpose([by_hand(dense, alpha) for alpha in dense.glmnet_alphas])
    assert glmnet_agreement.difference(theirs, expected) < glmnet_agreement.LIMIT
    with pytest.raises(RuntimeError, match="R failed"):
        glmnet_agreement.with_glmnet([dense._replace(lower=dense.lower + 1)])


def test_difference_is_relative_to_the_largest_coefficient():
    coefs = np.array([[1.0, 4.0], [0.0, -2.0]])
    assert glmnet_agreement.difference(coefs, coefs + [[0, 0], [0.4, 0]]) == pytest.approx(0.1)


# Exactness -------------------------------------------------------------------------------------


def test_draws_take_turns_in_all_terms():
    draws = [optimality.draw(seed) for seed in range(32)]
    found = {
        (d.X.dtype, *(d.is_of(k) for k in ("weights", "positive", "intercept", "sparse")))
        for d in draws
    }
    assert len(found) == 32
    assert any(d.is_of("more columns than rows") for d in draws)
    active = [
        np.count_nonzero(ElasticNet(**d.parameters).fit(d.X, d.y, d.weight).coef_)
        for d in draws
        if d.X.dtype == np.float64
    ]
    assert np.count_nonzero(active) >= 14


def test_exactness_is_told_and_its_lack_is_an_error(monkeypatch, capsys):
    def absent():
        raise problems.DataAbsentError("get them there")

    cases = [
        problems.Case("small path", lambda: sparse_regression(fractions=(1.0, 0.3, 0.1))),
        problems.Case("small, lost", absent),
        problems.Case("other", lambda: sparse_regression(seed=1)),
    ]
    monkeypatch.setattr(problems, "lasso_cases", lambda *_, **__: cases)
    monkeypatch.setattr(optimality.agreement, "__defaults__", (6,))
    assert optimality.main(["--cases", "small"]) == 0
    out = capsys.readouterr().out
    assert "small path" in out
    assert "other" not in out
    assert "lost: left out, get them there" in " ".join(out.replace("│", " ").split())
    assert "more columns than rows" in out

    right = optimality.path
    monkeypatch.setattr(optimality, "path", lambda problem: right(problem) * (1 + 1e-5))
    assert optimality.main([]) == 1
    monkeypatch.setattr(optimality, "path", right)
    monkeypatch.setattr(optimality, "difference", lambda problem: 1e-3)
    assert optimality.main([]) == 1
