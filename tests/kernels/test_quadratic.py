"""The active-set method against descent on the data, and against the optimality conditions."""

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from skreg._kernels.quadratic import GONE, minimize
from tests import reference

EPS = np.finfo(np.float64).eps


class Penalty(NamedTuple):
    l1: np.ndarray
    l2: np.ndarray
    lower: np.ndarray
    upper: np.ndarray


class Problem:
    """min 1/2 ||y - Xw||^2 + penalty, with the factor that the kernel keeps between calls.

    `spare` rows and columns of Q and the buffers stay empty; `free` is the factor's size.
    """

    def __init__(self, X, y, spare=0, free=None):
        self.X, self.y, self.m = X, y, X.shape[1]
        m, room = self.m, self.m + spare
        free = room if free is None else free
        self.Q, self.q = np.full((room, room), np.nan), X.T @ y
        self.Q[:m, :m] = X.T @ X
        self.R, self.Z = (np.full((free, k), np.nan, order="F") for k in (free, GONE))
        self.M = np.full((GONE, GONE), np.nan, order="F")
        self.order, self.gone, self.new = (np.zeros(k, np.int32) for k in (free, GONE, room))
        self.place, self.counts = np.full(room, -1, np.int32), np.zeros(2, np.int32)
        self.work, self.given_up = np.empty((4, room)), np.zeros(1, np.int32)
        self.noise = 16 * EPS * np.linalg.norm(y) * np.linalg.norm(X, axis=0)
        self.g = np.zeros(m)

    def solve(self, penalty, w, max_iter=500):
        """Minimize from w, in place; return the steps and whether they ended by themselves."""
        return minimize(
            self.Q, self.q, *penalty, w, self.g, self.R, self.Z, self.M, self.order, self.place,
            self.gone, self.counts, self.new, self.work, 10 * self.m * EPS, self.noise,
            64 * EPS * self.y @ self.y, max_iter,
            self.given_up,
        )  # fmt: skip

    def objective(self, penalty, w):
        r = self.y - self.X @ w
        return r @ r / 2 + penalty.l1 @ np.abs(w) + penalty.l2 @ w**2 / 2

    def size(self, w):
        """Of the terms that residuals are made of: rounding is a share of it."""
        return np.linalg.norm(self.y) + np.linalg.norm(self.X, axis=0) @ np.abs(w)

    def violation(self, penalty, w):
        """Of the optimality conditions, beside what rounding makes of products of this size."""
        found = reference.bounded_enet_violation(w, self.X, self.y, *penalty)
        return found / (np.linalg.norm(self.X, axis=0).max() * self.size(w) + penalty.l1.max())

    def error_of_gradient(self, w):
        """Of that which the kernel left, as a share of its size."""
        norms = np.linalg.norm(self.X, axis=0)
        error = self.g - self.X.T @ (self.y - self.X @ w)
        return np.max(np.abs(error)) / (norms.max() * self.size(w))

    def rise(self, penalty, w, before):
        """Of the objective since w was `before`, in the same sense."""
        rise = self.objective(penalty, w) - self.objective(penalty, before)
        sizes = max(self.size(w), self.size(before)), np.linalg.norm(self.y)
        return rise / (self.objective(penalty, before) + np.prod(sizes))


KINDS = ["plain", "repeated columns", "collinear columns", "nearly one column"]


def columns(rng, n, m, kind):
    X = rng.standard_normal((n, m))
    if kind == "repeated columns":
        X = X[:, rng.integers(0, m, m)] * rng.choice([-1, 1], m)
    elif kind == "collinear columns":
        X[:, m // 2 :] = X[:, : m - m // 2] @ rng.standard_normal((m - m // 2, m - m // 2))
    elif kind == "nearly one column":
        X = X[:, :1] + 1e-4 * X
    return X


def terms(rng, q):
    """A penalty with features of all kinds."""
    m = len(q)
    size = np.max(np.abs(q)) * rng.choice([0, 1e-6, 1e-3, 0.1, 0.5, 1.1])
    l2 = rng.choice([0, 0, 1e-3, 1.0]) * rng.choice([0, 1, 1], m)
    lower, upper = np.full(m, -np.inf), np.full(m, np.inf)
    if rng.random() < 0.5:
        lower = rng.choice([-np.inf, 0, -0.1, 0.05], m)
        upper = np.maximum(lower, rng.choice([np.inf, 0, 0.1, 0.3], m))
    return Penalty(size * rng.choice([0, 1, 1, 1, 2], m), l2, lower, upper)


def draw(seed, **kwargs):
    """A random problem, its penalty, and a feasible point far from the solution, or zero."""
    rng = np.random.default_rng(seed)
    n, m = rng.integers(1, 30), rng.integers(1, 40)
    X = columns(rng, n, m, rng.choice(KINDS))
    problem = Problem(X, rng.standard_normal(n) + X[:, 0], **kwargs)
    penalty = terms(rng, problem.q)
    w = np.clip(rng.integers(0, 2) * rng.standard_normal(m), penalty.lower, penalty.upper)
    return rng, problem, penalty, w


@settings(max_examples=300)
@given(st.integers(0, 2**32 - 1))
def test_it_ends_at_the_minimum_without_going_up(seed):
    _, problem, penalty, w = draw(seed, spare=3)
    before = w.copy()
    n_iter, done = problem.solve(penalty, w)
    assert done
    assert n_iter <= 500
    assert np.all((penalty.lower <= w) & (w <= penalty.upper))
    assert problem.violation(penalty, w) < 1e-12
    assert problem.rise(penalty, w, before) < 1e-12
    assert problem.error_of_gradient(w) < 1e-14


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("shape", [(1, 1), (12, 1), (12, 5), (5, 9)])
def test_it_equals_its_twin(seed, shape):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal(shape)
    problem = Problem(X, rng.standard_normal(shape[0]))
    penalty = terms(rng, problem.q)._replace(l2=rng.uniform(0.3, 1, shape[1]))  # one minimum only
    expected = reference.bounded_enet(X, problem.y, *penalty)
    w = np.clip(rng.standard_normal(shape[1]), penalty.lower, penalty.upper)
    assert problem.solve(penalty, w)[1]
    assert_allclose(w, expected, atol=1e-12)


@settings(max_examples=100)
@given(st.integers(0, 2**32 - 1))
def test_a_factor_kept_from_call_to_call_tells_the_same(seed):
    rng, problem, penalty, w = draw(seed)
    for factor in rng.choice([1.0, 0.9, 1.1, 0.3, 4.0, 1e-3, 30.0], 12):
        now = penalty._replace(l1=factor * penalty.l1)
        before = w.copy()
        assert problem.solve(now, w)[1]
        assert problem.violation(now, w) < 1e-12
        assert problem.rise(now, w, before) < 1e-12


def test_a_factor_survives_more_coordinates_leaving_than_it_has_marks_for():
    rng = np.random.default_rng(0)
    m = 3 * GONE
    problem = Problem(rng.standard_normal((2 * m, m)), rng.standard_normal(2 * m))
    none = np.zeros(m)
    w, counts = none.copy(), []
    for share in [*np.geomspace(0.9, 1e-6, 8), 0.4, 0.5, 1e-3, 0.3, 0.35, 2.0]:
        l1 = np.full(m, share * np.max(np.abs(problem.q)))
        penalty = Penalty(l1, none, none - np.inf, none + np.inf)
        assert problem.solve(penalty, w)[1]
        assert problem.violation(penalty, w) < 1e-14
        counts.append((np.count_nonzero(w), problem.counts[1]))
    sizes, gone = np.transpose(counts)
    assert sizes.max() > 0.9 * m  # all came in at once,
    assert gone.max() > 10  # some were marked,
    assert sizes.min() == 0  # and all left at once


@pytest.mark.parametrize("max_iter", [0, 1, 2, 3, 7])
@pytest.mark.parametrize("seed", range(5))
def test_max_iter_is_the_most(max_iter, seed):
    _, problem, penalty, w = draw(seed)
    before = w.copy()
    n_iter, done = problem.solve(penalty, w, max_iter)
    assert n_iter <= max_iter
    assert not (done and max_iter == 0)
    assert problem.error_of_gradient(w) < 1e-14
    assert problem.rise(penalty, w, before) < 1e-12
    if not done:
        assert n_iter == max_iter
        assert problem.solve(penalty, w)[1]  # and it goes on from there
        assert problem.violation(penalty, w) < 1e-12


def test_work_that_was_given_up_is_not_begun():
    _, problem, penalty, w = draw(0)
    problem.given_up[:] = 1
    before = w.copy()
    assert problem.solve(penalty, w) == (0, False)
    assert_array_equal(w, before)


@pytest.mark.parametrize("free", [1, 4, 12])
def test_a_factor_too_small_leaves_the_rest_to_descent(free):
    rng = np.random.default_rng(0)
    problem = Problem(rng.standard_normal((60, 12)), rng.standard_normal(60), free=free)
    none = np.zeros(12)
    penalty = Penalty(none + 0.01, none, none - np.inf, none + np.inf)
    w = none.copy()
    assert problem.solve(penalty, w)[1]
    assert np.count_nonzero(w) > 4
    assert problem.violation(penalty, w) < 1e-13


def test_one_coefficient_is_the_soft_threshold():
    X, y = np.array([[2.0]]), np.array([3.0])
    for l1, l2, lower, upper, expected in [
        (1.0, 0.0, -np.inf, np.inf, 1.25),
        (1.0, 1.0, -np.inf, np.inf, 1.0),
        (6.0, 0.0, -np.inf, np.inf, 0.0),
        (7.0, 0.0, -np.inf, np.inf, 0.0),
        (0.0, 0.0, -np.inf, np.inf, 1.5),
        (1.0, 0.0, -np.inf, 0.5, 0.5),
        (1.0, 0.0, 2.0, np.inf, 2.0),
        (1.0, 0.0, -3.0, -1.0, -1.0),
    ]:
        penalty = Penalty(*(np.array([v]) for v in (l1, l2, lower, upper)))
        for start in (0.0, 5.0, -5.0):
            w = np.clip([start], lower, upper)
            assert Problem(X, y).solve(penalty, w)[1]
            assert_allclose(w, expected, atol=1e-13)
