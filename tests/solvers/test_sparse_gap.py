"""Duality gaps bound what is left of the objective, wherever they are taken."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from skreg._solvers.penalty import penalty
from skreg._solvers.sparse_gap import duality_gap
from tests.reference import bounded_enet
from tests.solvers.sparse_cases import objective

TERMS = ["lasso", "elastic net", "bounds", "one end open", "all"]


def terms(rng, p, kind):
    lower = np.full(p, -np.inf) if kind == "one end open" else rng.choice([-1.0, 0.0, 0.1], p)
    bounds = {"lower": lower, "upper": np.maximum(lower, rng.choice([1.0, 0.3], p))}
    return {
        "lasso": {},
        "elastic net": {"l1_ratio": 0.4},
        "bounds": bounds,
        "one end open": bounds,
        "all": {"l1_ratio": 0.4, "weights": rng.choice([0.5, 2.0], p)} | bounds,
    }[kind]


def gap(X, y, w, given, alpha=1.0, outside=()):
    """The gap at w, some zero coefficients being `outside` of what is looked at one by one."""
    r = y - X @ w
    g = X.T @ r
    others = max([abs(g[j]) / (alpha * given.l1[j]) for j in outside], default=0.0)
    inside = np.delete(np.arange(len(w)), list(outside))
    parts = [part[inside] for part in given]
    parts = type(given)(alpha * parts[0], alpha * parts[1], *parts[2:])
    return duality_gap(r @ r, r @ y, g[inside], w[inside], parts, others)


@given(st.integers(0, 2**32 - 1), st.sampled_from(TERMS), st.floats(1e-3, 1e3))
def test_it_is_above_the_distance_to_the_minimum(seed, kind, size):
    rng = np.random.default_rng(seed)
    n, p = rng.integers(1, 12), rng.integers(1, 5)
    X, y = rng.normal(size=(n, p)), rng.normal(size=n)
    held = penalty(p, 1, **terms(rng, p, kind))
    alpha = rng.choice([0.01, 0.3, 3.0])
    arguments = X, y, alpha * held.l1, alpha * held.l2, held.lower, held.upper
    lowest = objective(bounded_enet(*arguments, sweeps=300), X, y, alpha, held)
    w = np.clip(size * rng.normal(size=p), held.lower, held.upper)
    left = objective(w, X, y, alpha, held) - lowest
    assert gap(X, y, w, held, alpha) >= left - 1e-12 * (1 + abs(left))


@pytest.mark.parametrize("kind", TERMS)
@pytest.mark.parametrize("seed", range(5))
def test_it_vanishes_at_the_minimum_and_nowhere_else(kind, seed):
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(20, 4)), rng.normal(size=20)
    held = penalty(4, 1, **terms(rng, 4, kind))
    w = bounded_enet(X, y, *held)
    assert gap(X, y, w, held) < 1e-13
    moved = np.clip(w + rng.choice([-0.1, 0.1], 4), held.lower, held.upper)
    assert gap(X, y, moved, held) > 1e-4


@pytest.mark.parametrize("kind", ["lasso", "one end open"])
def test_features_outside_count_by_the_largest_score_alone(kind):
    rng = np.random.default_rng(3)
    X, y = rng.normal(size=(20, 6)), rng.normal(size=20)
    held = penalty(6, 1, **terms(rng, 6, kind))
    w = np.where(np.arange(6) < 3, 0.2, 0.0)
    with_all = gap(X, y, w, held)
    lowest = objective(bounded_enet(X, y, *held), X, y, 1.0, held)
    found = gap(X, y, w, held, outside=(3, 4, 5))
    assert found >= objective(w, X, y, 1.0, held) - lowest
    if kind == "lasso":
        assert_allclose(found, with_all)


def test_a_known_gap():
    # P(0) = 1/2 4^2 and the best dual point is y / 4, where x'y = 4 comes to l1 = 1.
    one = np.ones(1)
    given = penalty(1, 1)
    assert_allclose(duality_gap(16, 16, 4 * one, 0 * one, given, 0.0), 8 - 4 + 0.5)
    # Where the penalty is a square there is nothing to scale: its conjugate is 4^2 / 2.
    given = penalty(1, 1, l1_ratio=0.0)
    assert_allclose(duality_gap(16, 16, 4 * one, 0 * one, given, 0.0), 8 - 16 + 8 + 8)


def test_rounding_makes_no_negative_gap():
    one = np.ones(1)
    assert duality_gap(1.0, 1.0 + 1e-9, one, 0 * one, penalty(1, 1), 0.0) == 0
