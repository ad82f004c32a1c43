"""Features outside of a working set: no one that has to come in is ever passed over."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skreg._solvers import sparse_screening as module
from skreg._solvers.features import Features
from skreg._solvers.penalty import penalty
from skreg._solvers.sparse_screening import Outside, sides
from tests.reference import scores
from tests.solvers.sparse_cases import CONTAINERS, data, explicit, weights

SETTINGS = {"by default": {}, "few known": {"MOST": 1}, "in doubt only": {"MANY": 1},
            "all each time": {"MANY": 10**9}}  # fmt: skip


def residuals(n, seed=0):
    """Residuals as along a path: shrinking slowly, with some jumps, repeats and zeros."""
    rng = np.random.default_rng(seed)
    r = rng.normal(size=n)
    r -= r.mean()
    for k in range(30):
        yield r
        change = rng.normal(size=n) * (1.0 if k % 10 == 9 else 1e-3)
        r = 0.98 * r + (0 if k % 5 == 4 else change - change.mean())
    yield 0 * r


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scores_above_the_threshold_are_exact(container, weighted, setting, dtype, monkeypatch):
    for name, value in SETTINGS[setting].items():
        monkeypatch.setattr(module, name, value)
    n, p = 20, 60
    X, y = data(n, p)
    X = X.astype(dtype)
    weight = weights(n) if weighted else None
    features = Features.of(CONTAINERS[container](X), weight)
    Z, _ = explicit(X, y, weight)
    rng = np.random.default_rng(1)
    lower = rng.choice([-np.inf, 0.0], p)
    upper = rng.choice([np.inf, 0.0], p)
    held = penalty(p, 1, weights=rng.uniform(0.5, 2, p), lower=lower, upper=upper)
    outside = Outside(features, held)
    tol = 1e-4 if dtype == np.float32 else 1e-11
    spared = 0
    for r in residuals(n):
        r = features.root_weight * r
        if weighted:
            r -= features.root_weight * (features.root_weight @ r) / weight.sum()
        expected = scores(Z.T @ r, held.l1, sides(held, np.linalg.norm(Z, axis=0)))
        threshold = 0.7 * expected.max()
        found = outside.judge(r, threshold)
        above = expected > threshold * (1 + tol)
        assert_allclose(outside.scores[above], expected[above], rtol=tol)
        assert np.all((outside.scores == 0) | (np.abs(outside.scores - expected) <= tol))
        assert_allclose(found, outside.scores.max())
        k = outside.known
        assert k <= module.MOST
        basis = outside.basis[:, :k]
        assert_allclose(basis.T @ basis, np.eye(k), atol=1e-9)
        assert_allclose(outside.products[:, :k], Z.T @ basis, atol=tol * 1e3)
        spared += np.count_nonzero((outside.scores == 0) & (expected > tol))
    if container == "C":  # whose columns are not contiguous
        assert outside.known == 0
    else:
        assert (spared > 0) == (setting != "all each time")


@pytest.mark.parametrize("container", ["F", "CSC"])
def test_who_has_left_has_no_score(container):
    X, y = data(20, 60)
    features = Features.of(CONTAINERS[container](X))
    r, _ = features.target(y)
    outside = Outside(features, penalty(60, 20))
    before = outside.judge(r, 0.0)
    first = outside.best(before, 1)
    assert outside.scores[first] == before
    outside.leave(first)
    after = outside.judge(r, 0.0)
    assert 0 < after < before
    assert outside.scores[first] == 0


def test_the_best_are_those_with_the_largest_scores():
    X, y = data(20, 60)
    features = Features.of(X)
    outside = Outside(features, penalty(60, 20))
    outside.judge(features.target(y)[0], 0.0)
    ranks = np.argsort(-outside.scores)
    assert_array_equal(np.sort(outside.best(0.0, 5)), np.sort(ranks[:5]))
    assert_array_equal(np.sort(outside.best(outside.scores[ranks[2]], 5)), np.sort(ranks[:3]))
    assert len(outside.best(0.0, 100)) == np.count_nonzero(outside.scores)
    assert len(outside.best(np.inf, 5)) == 0


def test_sides_are_what_bounds_leave():
    held = penalty(6, 1, weights=[1, 1, 1, 1, 0, 1], lower=[-1, 0, -1, 0, -1, -1],
                   upper=[1, 1, 0, 0, 1, 1])  # fmt: skip
    assert_array_equal(sides(held, np.array([1, 1, 1, 1, 1, 0])), [3, 1, 2, 0, 0, 0])
