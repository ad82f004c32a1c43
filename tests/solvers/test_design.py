import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import sparse

from skreg._solvers.design import centre, weighted_mean


def data(dtype=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((11, 4)) * (rng.random((11, 4)) < 0.6) + [0, 0, 3, -2]
    return (
        X.astype(dtype),
        rng.standard_normal((11, 2)).astype(dtype),
        rng.random(11).astype(dtype),
    )


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dense_centring_is_orthogonal_to_the_roots(order, weighted, dtype):
    X, y, weight = data(dtype)
    weight = weight if weighted else None
    kept = X.copy()
    design = centre(X, y, weight, order=order)
    assert design.X.dtype == design.y.dtype == dtype
    assert design.X.flags.f_contiguous == (order == "F")
    tol = 1e-5 if dtype == np.float32 else 1e-13
    assert_allclose(design.root_weight @ design.X, 0, atol=tol)
    assert_allclose(design.root_weight @ design.y, 0, atol=tol)
    assert_allclose(design.X_mean, np.average(X, axis=0, weights=weight), rtol=10 * tol)
    np.testing.assert_array_equal(X, kept)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("fit_intercept", [False, True])
def test_the_sparse_operator_is_the_dense_design(weighted, fit_intercept):
    X, y, weight = data()
    weight = weight if weighted else None
    dense = centre(X, y, weight, fit_intercept=fit_intercept)
    for container in (sparse.csr_array, sparse.csc_matrix):
        design = centre(container(X), y, weight, fit_intercept=fit_intercept)
        assert design.X.format == container(X).format
        operator = design.operator()
        assert_allclose(operator @ np.eye(4), dense.X, atol=1e-14)
        assert_allclose(operator.T @ np.eye(11), dense.X.T, atol=1e-14)
        assert_allclose(operator.matvec(np.arange(4.0)), dense.X @ np.arange(4.0), atol=1e-13)
        assert_allclose(design.y, dense.y)


def test_overwrite_centres_in_place_only_when_allowed():
    X, y, _ = data()
    frozen = X.copy()
    frozen.flags.writeable = False
    assert not np.shares_memory(centre(frozen, y, overwrite=True).X, frozen)
    assert not np.shares_memory(centre(X, y).X, X)
    assert centre(X, y, overwrite=True).X is X


def test_integer_targets_keep_their_mean():
    X, _, _ = data()
    design = centre(X, np.arange(11) % 2)
    assert_allclose(design.y_mean, 5 / 11)
    assert design.y.dtype == np.float64


def test_float32_means_are_summed_in_float64():
    A = np.full((100_000, 1), 0.1, np.float32)
    A[::2] += np.float32(1000)
    assert_allclose(weighted_mean(A), A.mean(dtype=np.float64), rtol=1e-7)


@given(st.integers(0, 2**32 - 1), st.floats(1e-3, 1e3))
def test_a_common_factor_of_the_weights_leaves_the_means(seed, factor):
    X, y, weight = data(seed=seed % 97)
    one, other = centre(X, y, weight), centre(X, y, factor * weight)
    assert_allclose(one.X_mean, other.X_mean, rtol=1e-9, atol=1e-12)
    assert_allclose(one.X * np.sqrt(factor), other.X, rtol=1e-9, atol=1e-9)
