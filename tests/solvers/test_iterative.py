import numpy as np
import pytest
from scipy import sparse

from skreg._solvers.certificate import column_norms
from skreg._solvers.design import centre
from skreg._solvers.iterative import conjugate_gradients, lsqr
from tests import reference

SOLVERS = [conjugate_gradients, lsqr]


def data(shape, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=shape) * (rng.random(shape) < 0.5) + 0.5
    return X, rng.normal(size=(shape[0], 2)), rng.uniform(0.5, 2, shape[0])


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array, sparse.csc_array])
@pytest.mark.parametrize("shape", [(40, 7), (7, 40), (1, 1)])
@pytest.mark.parametrize("solver", SOLVERS)
def test_equals_the_oracle(solver, shape, make):
    X, y, v = data(shape)
    alpha = np.array([0.5, 5.0])
    solution = solver(centre(make(X), y, v), alpha, tol=1e-13)
    np.testing.assert_allclose(
        solution.coef, reference.ridge(X, y, alpha, v)[0], rtol=1e-9, atol=1e-12
    )
    assert solution.converged
    assert solution.residual < 1e-11
    assert solution.n_iter.dtype == np.int32


@pytest.mark.parametrize("solver", SOLVERS)
def test_tolerance_is_kept_and_the_limit_of_iterations_is_told(solver):
    X, y, _ = data((200, 60))
    design, alpha = centre(X, y), np.full(2, 1e-3)
    loose, tight = (solver(design, alpha, tol=tol) for tol in (1e-2, 1e-8))
    assert loose.residual <= 0.1
    assert tight.residual <= 1e-7
    assert np.all(loose.n_iter < tight.n_iter)
    cut = solver(design, alpha, tol=1e-8, max_iter=3)
    assert not cut.converged
    np.testing.assert_array_equal(cut.n_iter, 3)
    assert cut.residual > 1e-8


def test_conjugate_gradients_stop_on_the_true_residual():
    """At condition 1e10 the residual of the recursion says 1e-12 when the true one is larger."""
    rng = np.random.default_rng(0)
    Q, V = np.linalg.qr(rng.normal(size=(200, 50)))[0], np.linalg.qr(rng.normal(size=(50, 50)))[0]
    X = Q * np.logspace(0, -5, 50) @ V.T
    y = X @ rng.normal(size=(50, 1)) + rng.normal(size=(200, 1))
    solution = conjugate_gradients(centre(X, y), np.array([1e-12]), tol=1e-12, max_iter=20000)
    assert solution.converged
    assert solution.residual <= 1e-12


@pytest.mark.parametrize("solver", SOLVERS)
def test_minimum_norm_at_alpha_zero(solver):
    X, y, _ = data((8, 30))
    design = centre(X, y)
    expected = np.linalg.pinv(design.X, rcond=1e-10) @ design.y
    coef = solver(design, np.zeros(2), tol=1e-13).coef
    np.testing.assert_allclose(coef.T, expected, atol=1e-10)


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_zero_target_has_zero_coefficients(solver):
    X, y, _ = data((20, 4))
    y[:, 1] = 0
    solution = solver(centre(X, y), np.ones(2), tol=1e-10)
    assert not solution.coef[1].any()
    assert solution.converged


@pytest.mark.parametrize("scale", [1e-38, 1e-15, 1e15, 1e38])
def test_lsqr_does_not_depend_on_the_scale(scale):
    X, y, _ = data((40, 6))
    expected = lsqr(centre(X, y), np.ones(2), tol=1e-10)
    scaled = lsqr(centre(X * scale, y / scale), np.full(2, scale * scale), tol=1e-10)
    np.testing.assert_allclose(scaled.coef * scale * scale, expected.coef, rtol=1e-12)
    np.testing.assert_array_equal(scaled.n_iter, expected.n_iter)


@pytest.mark.parametrize("scale", [1e-300, 1e-150, 1, 1e150, 1e300])
def test_column_norms_at_any_scale(scale):
    A = np.array([[3.0, 0], [4, 0]]) * scale
    np.testing.assert_allclose(column_norms(A), [5 * scale, 0], rtol=1e-14)
