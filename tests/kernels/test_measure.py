"""Norms of layers in one pass."""

from itertools import pairwise

import numpy as np
import pytest

from skreg._kernels.measure import measure_layers
from tests import reference


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("units", [(1, 1), (3, 5, 2), (4, 4), (17, 33, 1, 7)])
def test_layers_are_measured_like_their_matrices(units, dtype):
    rng = np.random.default_rng(0)
    n = sum(a * b + b for a, b in pairwise(units))
    parameters = (rng.normal(size=n) * (rng.random(n) < 0.7)).astype(dtype)
    found = measure_layers(parameters, np.array(units, np.int32))
    coefs, _ = reference.layers_of(parameters.astype(np.float64), units)
    squares = reference.layer_squares(parameters.astype(np.float64), units)
    np.testing.assert_allclose(found[0], squares, rtol=1e-13)
    np.testing.assert_allclose(found[1], [np.abs(W).sum() for W in coefs], rtol=1e-13)
    np.testing.assert_array_equal(found[2], [np.sum(W == 0) for W in coefs])


def test_squares_beyond_the_range_of_float32_are_no_trouble():
    found = measure_layers(np.full(2, 1e30, np.float32), np.array([1, 1], np.int32))
    np.testing.assert_allclose(found[0], 2e60, rtol=1e-6)


def test_nan_shows_and_is_not_counted_as_zero():
    found = measure_layers(np.array([np.nan, 0.0, 0.0, 0.0]), np.array([1, 2], np.int32))
    assert np.isnan(found[:2]).all()
    assert found[2, 0] == 1
