"""Benchmarks of the lasso: two targets, cross-validation, memory, the summary."""

import csv
import importlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import sparse
from sklearn.linear_model import LassoCV, lasso_path

from tests.test_benchmarks import (
    FAMILIAR,
    Runner,
    certify,
    contest,
    execute,
    lassos,
    objective,
    of_job,
    problems,
    rivals,
    run,
    sparse_regression,
)

folds, lasso_cvs, memory, summary = map(
    importlib.import_module, ["folds", "lasso_cvs", "memory", "summary"]
)


def cross_validation(n=62, p=20, size=8, seed=0):
    """A choice that has something to choose, on columns off centre."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p)) + 2
    y = X[:, :4].sum(axis=1) + 2 * rng.standard_normal(n)
    return problems.cross_validation(np.asfortranarray(X), y, np.geomspace(1, 1e-2, size))


# Two targets -----------------------------------------------------------------------------------


def test_rivals_may_stop_earlier_and_the_table_says_so():
    problem = sparse_regression(fractions=(0.5, 0.1))
    ladder = (1e-2, 1e-4, 1e-6, 1e-12)

    class ScikitLearn(Runner):
        def __init__(self, name, ours):
            super().__init__(name, [], ladder=ladder)
            self.ours = ours

        def solve(self, tolerance):
            problem = self.problem
            return lasso_path(problem.X, problem.y, alphas=problem.alphas, tol=tolerance)[1]

    both = [ScikitLearn("skreg", True), ScikitLearn("rival", False)]
    ours, rival = contest.race(problem, both, repeats=1, limit=10.0, cores=1)
    assert (ours.target, rival.target) == (1e-6, 1e-4)
    assert ours.tolerance < rival.tolerance
    assert ours.reached
    assert rival.reached
    # A rival between the two targets counts, one of ours does not.
    for entry in (ours, rival):
        entry.certificate = 1e-5
    contest.judge([ours, rival])
    assert (ours.reached, rival.reached) == (False, True)
    lines = list(run.table("case", problem, [ours, rival]).caption.splitlines())
    assert "duality gap: at most 1e-06; of rivals 1e-04" in lines
    rows = run.rows("case", problem, [ours, rival])
    assert [row["target"] for row in rows] == [1e-6, 1e-4]


def test_one_target_for_all_is_not_told_twice():
    entries = [contest.Entry(Runner(name, []), problems.ridge_cases) for name in "ab"]
    for entry in entries:
        entry.problem = objective.RidgeRegression(np.eye(3), np.ones(3), 1.0)
        entry.seconds, entry.certificate = [1.0], 0.0
    entries[0].contestant.ours = True
    assert {entry.target for entry in entries} == {1e-8}
    assert "of rivals" not in (run.table("c", entries[0].problem, entries).caption or "")


# Conditions of optimality ----------------------------------------------------------------------


@pytest.mark.parametrize("l1_ratio", [1.0, 0.4])
def test_violation_vanishes_at_the_closed_form_solution(l1_ratio):
    n = 30
    rng = np.random.default_rng(0)
    X = np.linalg.qr(rng.standard_normal((n, 10)))[0] * np.sqrt(n)
    y = X @ np.linspace(-2, 2, 10) + 0.1 * rng.standard_normal(n)
    problem = problems.regression(X, y, np.array([0.5, 0.1]), l1_ratio)
    correlation = (X.T @ problem.y / n)[:, None]
    shrunk = np.maximum(np.abs(correlation) - problem.alphas * l1_ratio, 0)
    coefs = np.sign(correlation) * shrunk / (1 + problem.alphas * (1 - l1_ratio))
    assert problem.violation(coefs) < 1e-12
    # A step d of one coefficient moves its gradient by d (1 + l2), and no other.
    coefs[0, 1] += 1e-3
    step = 1e-3 * (1 / problem.alphas[1] + 1 - l1_ratio)
    assert_allclose(problem.violation(coefs), step, rtol=1e-6)


@settings(max_examples=20, deadline=None)
@given(fraction=st.floats(1e-3, 1.0), l1_ratio=st.sampled_from([1.0, 0.5]))
def test_violation_of_zero_coefficients_is_known(fraction, l1_ratio):
    """At w = 0 the largest gradient is alpha_max l1_ratio, alpha l1_ratio being allowed."""
    problem = sparse_regression(l1_ratio=l1_ratio, fractions=(fraction,))
    expected = l1_ratio * (1 / fraction - 1)
    assert_allclose(problem.violation(np.zeros((60, 1))), expected, atol=1e-12)


# Contestants and cases -------------------------------------------------------------------------


def test_scikit_learns_default_is_one_of_its_forms():
    residuals, gram = lassos.ScikitLearnLasso(), lassos.ScikitLearnLassoGram()
    tall, wide = {"n": 90, "p": 60}, {"n": 40, "p": 60}
    for shape, fractions, form, default in [
        (tall, (1.0, 0.1), np.asarray, gram),
        (wide, (1.0, 0.1), np.asarray, residuals),
        (tall, (0.1,), np.asarray, residuals),
        (tall, (1.0, 0.1), sparse.csc_array, residuals),
    ]:
        problem = sparse_regression(**shape, fractions=fractions, form=form)
        assert [c for c in (residuals, gram) if c.is_default(problem)] == [default]
    problem = cross_validation()
    found = lasso_cvs.ScikitLearnLassoCV(), lasso_cvs.ScikitLearnLassoCVGram()
    assert [c.is_default(problem) for c in found] == [False, True]
    assert not any(c.is_default(problem) for c in (lasso_cvs.SkregLassoCV(), lassos.SkregLasso()))


def test_quick_choices_have_folds_of_one_size():
    made = {case.name: case.make for case in problems.lasso_cv_cases(quick=True)}
    assert list(made) == [case.name for case in problems.lasso_cv_cases()]
    for name in ("diabetes, cubic features", "tall", "wide, correlated"):
        problem = made[name]()
        sizes = {len(test) for _, test in problem.cv.split(problem.X)}
        assert len(sizes) == 1
        largest = np.abs(problem.X.T @ problem.y).max() / len(problem.y)
        assert_allclose(problem.alphas[[0, -1]], [largest, largest / 1000])
        assert_allclose([problem.X.mean(axis=0).max(), problem.y.std()], [0, 1], atol=1e-10)


# Cross-validation ------------------------------------------------------------------------------


def by_scikit_learn(problem, **options):
    model = LassoCV(alphas=problem.alphas, cv=problem.cv, tol=1e-12, max_iter=100_000, **options)
    return model.fit(problem.X, problem.y)


def test_the_curve_is_that_of_refitting():
    problem = cross_validation()
    expected = by_scikit_learn(problem).mse_path_.mean(axis=1)
    assert_allclose(problem.curve, expected, rtol=1e-6)
    assert 0 < np.argmin(problem.curve) < len(problem.alphas) - 1


def test_a_wrong_curve_choice_fit_or_intercept_counts():
    problem = cross_validation()
    model = by_scikit_learn(problem)
    curve, alphas = problem.curve, problem.alphas
    right = [alphas, curve, model.alpha_, model.coef_, model.intercept_]
    assert problem.certificate(right) < 1e-5

    def error(**changed):
        names = ["alphas", "curve", "alpha", "coef", "intercept"]
        return problem.certificate(changed.get(k, v) for k, v in zip(names, right, strict=True))

    assert_allclose(error(curve=curve * (1 + 1e-2 * (alphas == alphas[2]))), 1e-2)
    assert error(alpha=alphas[0]) >= curve[0] / curve.min() - 1
    assert error(intercept=model.intercept_ + 0.01 * problem.y.std()) == pytest.approx(0.01)
    # A prediction that is off by d (relative to y) has a gap of at least d^2.
    moved = model.coef_ + 0.01 * np.eye(20)[0]
    X = problem.X - problem.X.mean(axis=0)
    off = np.linalg.norm(X @ (moved - model.coef_)) / np.linalg.norm(problem.y)
    assert error(coef=moved) >= off * (1 - 1e-6)
    with pytest.raises(ValueError, match="not in the grid"):
        error(alpha=model.alpha_ * 1.01)
    with pytest.raises(ValueError, match="not those of the problem"):
        error(alphas=alphas[::-1])
    with pytest.raises(ValueError, match="shape"):
        error(curve=curve[:-1])


def test_a_reference_with_a_gap_judges_nobody(monkeypatch):
    monkeypatch.setattr(folds.LassoCrossValidation, "reference_gap", -1.0)
    with pytest.raises(ArithmeticError, match="gap of the reference"):
        _ = cross_validation().curve


@of_job("lasso-cv")
@pytest.mark.parametrize("p", [20, 90])
def test_contestants_choose_alike(kind, p):
    problem = cross_validation(p=p)
    result = certify(kind, problem)
    assert result.certificate <= result.target


# The command -----------------------------------------------------------------------------------


def familiar(monkeypatch):
    """Only the contestants that are always installed."""
    found = [kind for kind in rivals.CONTESTANTS if kind.package in FAMILIAR]
    monkeypatch.setattr(rivals, "CONTESTANTS", found)


def written(path):
    lines = [line for line in path.read_text().splitlines() if not line.startswith("# ")]
    return {row["contestant"]: row for row in csv.DictReader(lines)}


def test_a_run_of_cross_validation_ends_with_a_summary(monkeypatch, tmp_path):
    familiar(monkeypatch)
    cases = [problems.Case("small choice", cross_validation)]
    monkeypatch.setattr(problems, "lasso_cv_cases", lambda quick: cases)
    status, text = execute("lasso-cv", "--quick", "--repeats", "1", "--csv", tmp_path / "r.csv")
    assert status == 0
    assert "error: at most 1e-03; of rivals 1e-01" in text
    assert "all cases" in text
    assert "as the best rival in" in text
    rows = written(tmp_path / "r.csv")
    assert set(rows) == {"skreg", "scikit-learn, residuals", "scikit-learn, Gram"}
    assert all(row["reached"] == "True" for row in rows.values())


def test_the_summary_counts_wins_losses_and_means():
    results = [
        summary.Result("a", 1.0, 2.0, "x", 8.0),
        summary.Result("b", 1.0, 1.5, "y", 2.0),
        summary.Result("c", 4.0, 1.0, "x", None),
        summary.Result("d", None, 1.0, "x", 1.0),
        summary.Result("e", 1.0, None, "nobody", None),
    ]
    assert [result.gain for result in results] == [2.0, 1.5, 0.25, 0.0, None]
    first, second = summary.conclusions(results)
    assert first.endswith("in 1 of 4 cases; lost: c; d")
    assert "takes 4 times as long (geometric mean of 2 cases)" in second
    assert len(summary.summary(results).columns) == 7
    without = [result._replace(default=None) for result in results]
    assert len(list(summary.conclusions(without))) == 1
    assert len(summary.summary(without).columns) == 5
    (first,) = summary.conclusions([results[0]._replace(default=None)])
    assert first.endswith("in 1 of 1 cases; lost: none")


def test_a_result_keeps_the_fastest_who_reached_the_target():
    class Default(Runner):
        def is_default(self, problem):
            return self.name == "default"

    seconds = {"ours": 3.0, "worse": 4.0, "rival": 2.0, "default": 6.0, "wrong": 1.0}
    entries = [
        contest.Entry(Default(name, []), sparse_regression(), seconds=[s], reached=True)
        for name, s in seconds.items()
    ]
    for entry in entries[:2]:
        entry.contestant.ours = True
    entries[-1].reached = False
    result = summary.Result.of("case", entries[0].problem, entries)
    assert result == ("case", 3.0, 2.0, "rival", 6.0)
    assert summary.Result.of("case", None, entries[-1:]) == ("case", None, None, "nobody", None)


# Memory ----------------------------------------------------------------------------------------


def test_the_bound_of_memory_counts_the_active_features():
    problem = sparse_regression(fractions=(0.5, 0.1))
    coefs = np.zeros((60, 2))
    coefs[:3, 0] = coefs[2:7, 1] = 1.0
    assert problem.memory_bound(coefs) == 0.2 * 40 * 60 * 8 + 8 * 7**2 + 60 * 2 * 8
    X = sparse.csc_array((np.ones(2), np.array([0, 3]), np.array([0, 1, 1, 2])), (4, 3))
    assert objective.n_bytes(X) == 2 * 8 + sum(a.nbytes for a in (X.indices, X.indptr))


@pytest.mark.skipif(not memory.can_measure(), reason="this system keeps no peak")
@pytest.mark.parametrize("form", [np.asfortranarray, sparse.csc_array], ids=["dense", "sparse"])
def test_a_path_in_a_process_of_its_own_is_measured(form):
    """scikit-learn's Gram form holds the Gram matrix of all features beside the coefficients."""
    problem = sparse_regression(n=6_000, p=500, fractions=(0.5, 0.3), form=form)
    kind = lassos.ScikitLearnLassoGram if form is np.asfortranarray else lassos.ScikitLearnLasso
    entry = contest.Entry(kind(), problem, 1e-4, 1, [0.1], certificate=0.0, reached=True)
    run.measure_memory([entry], limit=10.0)
    assert entry.note == ""
    assert entry.bound >= 0.2 * objective.n_bytes(problem.X) + 500 * 2 * 8
    assert entry.peak < 1.5 * objective.n_bytes(problem.X)
    if form is np.asfortranarray:
        assert entry.peak > 500**2 * 8 / 2
    caption = run.table("case", problem, [entry]).caption
    assert f"the coefficients is {entry.bound / objective.n_bytes(problem.X):.2f}" in caption
    (row,) = run.rows("case", problem, [entry])
    assert_allclose(row["bound_over_X"], entry.bound / objective.n_bytes(problem.X))
