import numpy as np
import pytest
from scipy import sparse

from skreg._solvers.design import centre
from skreg._solvers.stochastic import rows, stochastic_gradients
from tests import reference


def data(shape, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=shape) * (rng.random(shape) < 0.5) + 0.5
    return X, rng.normal(size=(shape[0], 2)), rng.uniform(0.5, 2, shape[0])


@pytest.mark.parametrize("saga", [False, True])
@pytest.mark.parametrize(
    "make", [np.asarray, np.asfortranarray, sparse.csr_array, sparse.csc_array]
)
@pytest.mark.parametrize("shape", [(40, 7), (7, 20), (1, 1)])
def test_equals_the_oracle(shape, make, saga):
    X, y, v = data(shape)
    alpha = np.array([2.0, 20.0])
    design = centre(make(X), y, v)
    solution = stochastic_gradients(design, alpha, tol=1e-13, max_iter=5000, saga=saga)
    expected = reference.ridge(X, y, alpha, v)[0]
    np.testing.assert_allclose(solution.coef, expected, rtol=1e-8, atol=1e-11)
    assert solution.converged
    assert solution.residual < 1e-9


def test_the_seed_fixes_the_order_and_matters():
    design = centre(*data((50, 5))[:2])
    run = [
        stochastic_gradients(design, np.ones(2), tol=0, max_iter=3, seed=seed).coef
        for seed in (1, 1, 2)
    ]
    np.testing.assert_array_equal(run[0], run[1])
    assert np.abs(run[0] - run[2]).max() > 1e-6


def test_equal_targets_get_equal_coefficients():
    X, y, _ = data((30, 4))
    design = centre(X, y[:, [0, 0]])
    coef = stochastic_gradients(design, np.ones(2), tol=1e-6).coef
    np.testing.assert_array_equal(coef[0], coef[1])


@pytest.mark.parametrize("saga", [False, True])
def test_the_limit_of_passes_is_told(saga):
    design = centre(*data((50, 5))[:2])
    cut = stochastic_gradients(design, np.ones(2), tol=1e-12, max_iter=2, saga=saga)
    assert not cut.converged
    np.testing.assert_array_equal(cut.n_iter, 2)
    assert cut.residual > 1e-12


@pytest.mark.parametrize("saga", [False, True])
@pytest.mark.parametrize("alpha", [0.0, 1e30])
@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
def test_zero_data_and_overwhelming_penalties(make, alpha, saga):
    for X in (np.zeros((6, 3)), np.eye(6)[:, :3]):
        design = centre(make(X), np.arange(6.0))
        solution = stochastic_gradients(design, np.array([alpha]), tol=1e-6, saga=saga)
        assert solution.converged
        assert np.isfinite(solution.coef).all()
        if alpha or not X.any():
            assert np.abs(solution.coef).max() < 1e-29


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
def test_the_largest_row_is_that_of_the_centred_data(make):
    X, y, v = data((20, 6))
    Xc = np.sqrt(v)[:, None] * (X - v @ X / v.sum())
    square = rows(centre(make(X), y, v))[3]
    assert square == pytest.approx((Xc**2).sum(axis=1).max())
