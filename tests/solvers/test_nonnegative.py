import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.optimize import nnls

from skreg._solvers.design import centre
from skreg._solvers.nonnegative import Nonnegative, centred_norms, nonnegative


def data(shape, seed=0, shift=0.5):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=shape) * (rng.random(shape) < 0.7) + shift
    return X, rng.normal(size=(shape[0], 2)) + X @ rng.normal(size=(shape[1], 2))


def breach(X, y, alpha, w):
    """The largest violation of the optimality conditions of centred data."""
    assert np.all(w >= 0)
    g = X.T @ (y - X @ w) - alpha * w
    unit = np.linalg.norm(X, axis=0) * np.linalg.norm(y)
    return np.max(np.where(w > 0, np.abs(g), g) / np.where(unit > 0, unit, 1))


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 25),
    st.integers(1, 25),
    st.sampled_from([0.0, 1e-6, 1e-2, 1.0, 100.0]),
    st.integers(0, 10**6),
    st.booleans(),
)
def test_optimality_conditions_hold_to_rounding(n, p, alpha, seed, is_sparse):
    X, y = data((n, p), seed)
    dense, a = centre(X, y), np.full(2, alpha)
    design = centre(sparse.csr_array(X), y) if is_sparse else dense
    solution = nonnegative(design, a, tol=1e-4)
    assert solution.converged
    for k in range(2):
        if np.linalg.norm(dense.y[:, k]) > 1e-9:
            assert breach(dense.X, dense.y[:, k], alpha, solution.coef[k]) < 1e-10


@pytest.mark.parametrize("alpha", [0.0, 0.3])
@pytest.mark.parametrize("shape", [(60, 20), (40, 39)])
def test_equals_lawson_and_hanson_on_augmented_rows(shape, alpha):
    X, y = data(shape)
    design = centre(X, y)
    coef = nonnegative(design, np.array([alpha, 2 * alpha]), tol=1e-4).coef
    for k, a in enumerate([alpha, 2 * alpha]):
        rows = np.vstack([design.X, np.sqrt(a) * np.eye(shape[1])])
        expected = nnls(rows, np.concatenate([design.y[:, k], np.zeros(shape[1])]))[0]
        np.testing.assert_allclose(coef[k], expected, atol=1e-10)


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("alpha", [0.0, 1e-3, 1.0])
def test_many_more_features_than_samples(make, alpha):
    X, y = data((50, 600), shift=0)
    design = centre(X, y)
    solution = nonnegative(centre(make(X), y), np.full(2, alpha), tol=1e-4)
    assert solution.converged
    assert max(breach(design.X, design.y[:, k], alpha, solution.coef[k]) for k in (0, 1)) < 1e-11
    assert np.all(solution.n_iter < 150)


@pytest.mark.parametrize("alpha", [0.0, 1.0])
@pytest.mark.parametrize("start", ["zero", "ones", "solution"])
def test_the_active_set_alone_reaches_the_solution_from_anywhere(alpha, start):
    X, y = data((40, 25))
    design = centre(X, y[:, :1])
    expected = nonnegative(design, np.array([alpha]), tol=1e-4).coef[0]
    problem = Nonnegative(design, alpha, centred_norms(design), None)
    w = {"zero": np.zeros(25), "ones": np.ones(25), "solution": expected}[start]
    w, violation, steps = problem.polish(w, 1000)
    np.testing.assert_allclose(w, expected, atol=1e-10)
    assert violation < 1e-12
    assert steps == 1 if start == "solution" else steps > 1


def test_long_steps_drop_many_features_at_once():
    rng = np.random.default_rng(0)
    design = centre(rng.normal(size=(40, 300)), rng.normal(size=(40, 1)))
    problem = Nonnegative(design, 1.0, centred_norms(design), None)
    w, _, steps = problem.polish(np.ones(300), 1000)
    assert np.sum(w == 0) > 100
    assert steps < 30


@pytest.mark.parametrize("alpha", [0.0, 1e-4])
def test_the_active_set_descends_on_strongly_correlated_features(alpha):
    for seed in range(25):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(20, 36)) @ rng.normal(size=(36, 36)) ** 3
        design = centre(X, rng.normal(size=(20, 1)))
        problem = Nonnegative(design, alpha, centred_norms(design), None)
        _, violation, steps = problem.polish(np.zeros(36), 200)
        assert violation < 1e-10
        assert steps < 60


def test_an_interrupted_fit_is_feasible_and_told():
    X, y = data((100, 60))
    cut = nonnegative(centre(X, y), np.full(2, 1e-6), tol=1e-9, max_iter=1)
    assert not cut.converged
    assert cut.residual > 1e-9
    assert np.all(cut.coef >= 0)


def test_constant_columns_and_constant_targets():
    X, y = data((20, 4))
    X[:, 2], y[:, 1] = 3.0, 5.0
    for make in (np.asarray, sparse.csr_array):
        solution = nonnegative(centre(make(X), y), np.zeros(2), tol=1e-4)
        assert solution.converged
        assert not solution.coef[1].any()
        assert np.isfinite(solution.coef).all()


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
def test_norms_are_those_of_the_centred_columns(make):
    X, y = data((30, 5))
    np.testing.assert_allclose(
        centred_norms(centre(make(X), y)), np.linalg.norm(X - X.mean(axis=0), axis=0)
    )
