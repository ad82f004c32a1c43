"""Bias and activation in one pass, and the slope that it leaves, against the twins."""

import numpy as np
import pytest

from skreg._kernels.activations import KINDS, activate
from tests import reference

SHAPES = [(0, 3), (3, 0), (1, 1), (5, 7), (33, 17)]
DTYPES = [np.float32, np.float64]


def far_numbers(dtype):
    """Up to the largest number that there is."""
    return np.finfo(dtype).max / np.geomspace(1, 1e34, 50).astype(dtype)


def run(kind, z, bias=None):
    """(activations, slopes) of z + bias."""
    z = np.array(np.atleast_2d(z))
    slope = np.full_like(z, 7)
    activate(z, slope, np.zeros(z.shape[1], z.dtype) if bias is None else bias, KINDS[kind])
    return z, slope


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", KINDS)
def test_activation_and_slope_equal_their_twins(kind, shape, dtype):
    rng = np.random.default_rng(0)
    z, bias = (3 * rng.normal(size=s).astype(dtype) for s in (shape, shape[1]))
    a, slope = run(kind, z, bias)
    x = (z + bias).astype(np.float64)
    tolerance = 1e-6 if dtype == np.float32 else 2e-15
    np.testing.assert_allclose(a, reference.ACTIVATIONS[kind](x), rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(
        slope, reference.DERIVATIVES[kind](x), rtol=tolerance, atol=tolerance
    )


@pytest.mark.parametrize("kind", KINDS)
def test_slopes_are_those_of_the_activations(kind):
    x = np.linspace(-9.05, 9.05, 182)  # not at 0, where some have a kink
    up, down = run(kind, x + 1e-6)[0], run(kind, x - 1e-6)[0]
    np.testing.assert_allclose(run(kind, x)[1], (up - down) / 2e-6, atol=1e-8)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
def test_errors_are_a_few_units_in_the_last_place_of_1_or_of_x(kind, dtype):
    x = np.linspace(-40, 40, 40_001).astype(dtype)
    # SciPy's normal distribution knows no long doubles.
    exact = x.astype(np.float64 if kind == "gelu" else np.longdouble)
    unit = np.finfo(dtype).eps * np.maximum(np.abs(exact), 1)
    a, slope = run(kind, x)
    assert (np.abs(a[0] - reference.ACTIVATIONS[kind](exact)) / unit).max() < 2
    assert (np.abs(slope[0] - reference.DERIVATIVES[kind](exact)) / unit).max() < 2


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("place", ["z", "bias"])
@pytest.mark.parametrize("kind", KINDS)
def test_nan_is_not_hidden_and_does_not_spread(kind, place, dtype):
    # One of 37 units, wherever it lies in a register.
    for j in range(37):
        z, bias = np.ones((2, 37), dtype), np.ones(37, dtype)
        (z[1] if place == "z" else bias)[j] = np.nan
        a, _ = run(kind, z, bias)
        bad = np.zeros((2, 37), bool)
        bad[0 if place == "bias" else 1 :, j] = True
        np.testing.assert_array_equal(np.isnan(a), bad)


LEFT_END = {"relu": 0, "gelu": 0, "silu": 0, "mish": 0, "elu": -1}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", LEFT_END)
def test_far_out_rectifiers_are_constant_or_the_identity(kind, dtype):
    far = far_numbers(dtype)
    tiny = 1e-30
    a, slope = run(kind, -far)
    np.testing.assert_allclose(a[0], LEFT_END[kind], atol=tiny)
    np.testing.assert_allclose(slope[0], 0, atol=tiny)
    a, slope = run(kind, far)
    np.testing.assert_array_equal(a[0], far)
    np.testing.assert_array_equal(slope[0], 1)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", ["logistic", "tanh"])
def test_far_out_saturated_activations_have_no_slope(kind, dtype):
    far = np.append(far_numbers(dtype), np.inf).astype(dtype)
    for x, end in ((far, 1), (-far, 0 if kind == "logistic" else -1)):
        a, slope = run(kind, x)
        np.testing.assert_allclose(a[0], end, atol=1e-30)
        np.testing.assert_allclose(slope[0], 0, atol=1e-30)


def test_a_relu_of_minus_infinity_is_0():
    a, slope = run("relu", np.array([-np.inf, np.inf]))
    np.testing.assert_array_equal(a[0], [0, np.inf])
    np.testing.assert_array_equal(slope[0], [0, 1])
