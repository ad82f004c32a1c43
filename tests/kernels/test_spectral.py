"""The largest singular value, followed by power iterations, and the gradient that respects it."""

import numpy as np
import pytest

from skreg._kernels.spectral import gradient_of_normalized, largest_singular_value
from tests import reference

DTYPES = [np.float32, np.float64]
SHAPES = [(1, 1), (5, 3), (3, 7), (1, 9), (40, 31)]


def start(shape, dtype, seed=0):
    """(weights, space for the left vector, a right vector of length 1)."""
    rng = np.random.default_rng(seed)
    W, right = rng.normal(size=shape), rng.normal(size=shape[1])
    right /= np.linalg.norm(right)
    return W.astype(dtype), np.zeros(shape[0], dtype), right.astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_an_iteration_equals_its_twin(shape, dtype):
    W, left, right = start(shape, dtype)
    expected = reference.power_iteration(W.astype(float), right.astype(float))
    sigma = largest_singular_value(W, left, right)
    tolerance = 1e-5 if dtype == np.float32 else 1e-13
    for found, twin in zip((sigma, left, right), expected, strict=True):
        np.testing.assert_allclose(found, twin, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_iterations_reach_the_singular_triple_from_below(shape, dtype):
    W, left, right = start(shape, dtype)
    W[:, 0] *= 4  # so that the second singular value is far below the first
    found = [largest_singular_value(W, left, right) for _ in range(300)]
    u, s, vt = np.linalg.svd(W.astype(float))
    tolerance = 1e-5 if dtype == np.float32 else 1e-12
    assert (np.diff(found) >= -tolerance * s[0]).all()
    np.testing.assert_allclose(found[-1], s[0], rtol=tolerance)
    np.testing.assert_allclose(abs(left @ u[:, 0]), 1, rtol=tolerance)
    np.testing.assert_allclose(abs(right @ vt[0]), 1, rtol=tolerance)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_the_gradient_equals_its_twin(shape, dtype):
    W, left, right = start(shape, dtype)
    largest_singular_value(W, left, right)
    g = np.random.default_rng(1).normal(size=shape).astype(dtype)
    expected = reference.normalized_gradient(g, W, left, right)
    gradient_of_normalized(g, W, left, right)
    tolerance = 1e-4 if dtype == np.float32 else 1e-13
    np.testing.assert_allclose(g, expected, rtol=tolerance, atol=tolerance)


def test_the_gradient_is_that_of_the_normalized_matrix():
    # f(W / sigma(W)) with f(V) = sum sin(V), against finite differences.
    W, left, right = start((4, 3), np.float64)
    W /= np.linalg.norm(W, 2)
    for _ in range(500):
        largest_singular_value(W, left, right)
    g = np.cos(W)
    gradient_of_normalized(g, W, left, right)

    def f(V):
        return np.sum(np.sin(V / np.linalg.norm(V, 2)))

    for at in np.ndindex(W.shape):
        step = np.zeros_like(W)
        step[at] = 1e-6
        np.testing.assert_allclose(g[at], (f(W + step) - f(W - step)) / 2e-6, atol=1e-8)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_matrix_of_zeros_has_norm_0_and_is_forgotten(dtype):
    # An L1 penalty may empty a matrix for a while.
    W, left, right = start((6, 4), dtype)
    assert largest_singular_value(np.zeros_like(W), left, right) == 0
    for _ in range(500):
        found = largest_singular_value(W, left, right)
    np.testing.assert_allclose(found, np.linalg.norm(W, 2), rtol=1e-5)


@pytest.mark.parametrize("dtype", DTYPES)
def test_weights_that_move_to_other_columns_are_found_again(dtype):
    # All weights lay in the first column, so that the right vector is 0 elsewhere.
    left, right = np.zeros(3, dtype), np.array([1, 0], dtype)
    W = np.array([[0, 0], [0, 3], [0, 4]], dtype)
    np.testing.assert_allclose(largest_singular_value(W, left, right), 5, rtol=1e-6)
    np.testing.assert_allclose(left, [0, 0.6, 0.8], rtol=1e-6)
    np.testing.assert_allclose(right, [0, 1], rtol=1e-6)


def test_nan_is_not_hidden():
    W, left, right = start((3, 3), np.float64)
    W[1, 1] = np.nan
    assert np.isnan(largest_singular_value(W, left, right))
