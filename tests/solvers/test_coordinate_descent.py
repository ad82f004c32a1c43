import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import sparse

from skreg._solvers.coordinate_descent import (
    Penalty,
    QuadraticProblem,
    duality_gap,
    newton_on_support,
    objective,
    solve,
)
from skreg._solvers.design import centre


def problem(seed=0, shape=(40, 12), container=np.asfortranarray, gram=False):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal(shape) @ np.diag(rng.random(shape[1]) + 0.1)
    X[rng.random(shape) < 0.3] = 0
    y = X[:, :3].sum(axis=1) + rng.standard_normal(shape[0])
    design = centre(container(X), y, rng.random(shape[0]) + 0.1, order="F")
    Q = design.X.T @ design.X if gram else None
    return QuadraticProblem(design, Q), design.y[:, 0].copy()


FORMS = [
    {},
    {"gram": True},
    {"container": sparse.csc_array},
    {"shape": (12, 40)},
    {"shape": (12, 40), "container": sparse.csc_array},
]
PENALTIES = [
    Penalty(2.0, 0.0, False),
    Penalty(2.0, 3.0, False),
    Penalty(0.0, 3.0, False),
    Penalty(2.0, 0.0, True),
    Penalty(1.0, 3.0, True),
    Penalty(0.0, 3.0, True),
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("penalty", PENALTIES)
def test_the_gap_closes(form, penalty):
    quadratic, y = problem(**form)
    w = np.zeros(quadratic.X.shape[1])
    solution = solve(quadratic, y, w, penalty, tol=1e-10, max_iter=5000)
    assert solution.converged
    assert 0 <= solution.gap <= 1e-10 * (y @ y)
    assert solution.n_iter < 5000
    if penalty.positive:
        assert w.min() >= 0


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 1000), st.sampled_from(FORMS), st.sampled_from(PENALTIES), st.floats(0.0, 3.0)
)
def test_the_gap_bounds_the_distance_to_the_minimum(seed, form, penalty, spread):
    quadratic, y = problem(seed, **form)
    best = np.zeros(quadratic.X.shape[1])
    solve(quadratic, y, best, penalty, tol=1e-13, max_iter=20000)
    minimum = objective(best, quadratic.residual(y, best), penalty)
    w = best + spread * np.random.default_rng(seed).standard_normal(best.shape)
    if penalty.positive:
        w = np.maximum(w, 0)
    r = quadratic.residual(y, w)
    gap = duality_gap(quadratic, y, w, r, penalty)
    assert gap >= objective(w, r, penalty) - minimum - 1e-9 * (y @ y)


def test_gap_at_zero_and_above_the_largest_penalty():
    quadratic, y = problem()
    zero = np.zeros(12)
    largest = np.abs(quadratic.gradient(y)).max()
    assert duality_gap(quadratic, y, zero, y, Penalty(largest, 0.0, False)) == pytest.approx(0)
    assert duality_gap(quadratic, y, zero, y, Penalty(0.9 * largest, 0.0, False)) > 0


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1000), st.sampled_from(FORMS), st.sampled_from(PENALTIES))
def test_newton_never_raises_the_objective_nor_flips_a_sign(seed, form, penalty):
    quadratic, y = problem(seed, **form)
    w = np.random.default_rng(seed).standard_normal(quadratic.X.shape[1])
    w[::3] = 0
    if penalty.positive:
        w = np.abs(w)
    before, signs = objective(w, quadratic.residual(y, w), penalty), np.sign(w)
    r, _ = newton_on_support(quadratic, y, w, quadratic.residual(y, w), penalty)
    assert_allclose(r, quadratic.residual(y, w))
    assert objective(w, r, penalty) <= before
    assert np.all((np.sign(w) == signs) | (w == 0))


def test_newton_solves_the_support_at_once():
    quadratic, y = problem()
    penalty = Penalty(2.0, 0.5, False)
    best = np.zeros(12)
    solve(quadratic, y, best, penalty, tol=1e-13, max_iter=5000)
    w = best * 1.01
    _, whole = newton_on_support(quadratic, y, w, quadratic.residual(y, w), penalty)
    assert whole
    assert_allclose(w, best, atol=1e-12)


def test_newton_leaves_a_singular_support_to_the_sweeps():
    X = np.asfortranarray(np.repeat(np.arange(6.0)[:, None], 2, axis=1))
    design = centre(X, np.arange(6.0), order="F")
    quadratic, y = QuadraticProblem(design), design.y[:, 0].copy()
    solution = solve(quadratic, y, np.zeros(2), Penalty(1.0, 0.0, False), tol=1e-12, max_iter=100)
    assert solution.converged
    assert np.all(np.isfinite(solution.coef))


@pytest.mark.parametrize("container", [np.asfortranarray, sparse.csc_array])
@pytest.mark.parametrize("value", [0.0, 1.0, 0.1, 1e6 / 3])
def test_a_constant_column_is_not_fitted(container, value):
    X = np.column_stack([np.full(50, value), np.linspace(-1, 1, 50)])
    design = centre(container(X), np.linspace(3, 4, 50) ** 2, order="F")
    assert QuadraticProblem(design).curvature[0] == 0
    assert QuadraticProblem(design).curvature[1] > 0


def test_not_converged_says_so():
    quadratic, y = problem(shape=(200, 60))
    solution = solve(quadratic, y, np.zeros(60), Penalty(0.01, 0.0, False), tol=1e-15, max_iter=1)
    assert not solution.converged
    assert solution.n_iter == 1
    assert solution.gap > 0


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("factor", [1 - 1e-15, 1.0, 1 + 1e-15])
def test_flickering_about_zero_at_the_largest_penalty_ends(form, factor):
    for seed in range(20):
        quadratic, y = problem(seed, **form)
        largest = factor * np.abs(quadratic.gradient(y)).max()
        w = np.zeros(quadratic.X.shape[1])
        solution = solve(quadratic, y, w, Penalty(largest, 0.0, False), tol=1e-4, max_iter=10_000)
        assert solution.converged
        assert solution.n_iter <= 20


def flicker(w, *arguments):
    """Stands in for the sweeps: a coefficient that comes and goes at the level of rounding."""
    w[0] = 0.0 if w[0] else 1e-17
    return 10, 1e-17, 1e-17, 0.0


def test_changes_below_rounding_do_not_keep_the_descent_going(monkeypatch):
    quadratic, y = problem()
    largest = np.abs(quadratic.gradient(y)).max()
    monkeypatch.setattr("skreg._solvers.coordinate_descent.sweeps", flicker)
    solution = solve(
        quadratic, y, np.zeros(12), Penalty(largest, 0, False), tol=1e-4, max_iter=500
    )
    assert solution.converged
    assert solution.n_iter == 10
