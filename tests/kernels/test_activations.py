"""Bias, activation and dropout in one pass, forward and backward, against the twins."""

import numpy as np
import pytest

from skreg._kernels.activations import KINDS, activate, activate_backward
from tests import reference

SHAPES = [(0, 3), (1, 1), (3, 0), (5, 7), (32, 17)]


def case(shape, dtype, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=shape).astype(dtype), rng.normal(size=shape[1]).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("rate", [0.0, 0.3])
@pytest.mark.parametrize("kind", KINDS)
def test_forward_and_backward_equal_their_twins(kind, rate, shape, dtype):
    z, bias = case(shape, dtype)
    place = {"rate": rate, "seed": 9, "step": 4, "layer": 2}
    a = z.copy()
    activate(a, bias, KINDS[kind], **place)
    exact = z.astype(np.float64) + bias
    factor = reference.dropout_factor(shape, **place)
    rtol = 1e-6 if dtype == np.float32 else 1e-14
    np.testing.assert_allclose(
        a, reference.ACTIVATIONS[kind](exact) * factor, rtol=rtol, atol=rtol
    )

    delta = case(shape, dtype, seed=1)[0]
    expected = delta * reference.DERIVATIVES[kind](exact) * factor
    gradient = np.ones(shape[1], dtype)
    activate_backward(a, delta, gradient, KINDS[kind], **place)
    np.testing.assert_allclose(delta, expected, rtol=10 * rtol, atol=10 * rtol)
    np.testing.assert_allclose(gradient, 1 + expected.sum(axis=0), rtol=0, atol=100 * rtol)


@pytest.mark.parametrize("kind", KINDS)
def test_nan_is_not_hidden(kind):
    z = np.full((2, 3), np.nan)
    activate(z, np.zeros(3), KINDS[kind])
    assert np.isnan(z).all()


@pytest.mark.parametrize("kind", KINDS)
def test_far_values_saturate_without_overflow(kind):
    z = np.array([[-800.0, 800.0]])
    activate(z, np.zeros(2), KINDS[kind])
    expected = {
        "identity": [-800, 800], "relu": [0, 800], "tanh": [-1, 1], "logistic": [0, 1],
    }[kind]  # fmt: skip
    np.testing.assert_array_equal(z[0], expected)


def test_dropout_keeps_the_expectation():
    rate, n = 0.25, 200_000
    a = np.ones((1, n))
    activate(a, np.zeros(n), KINDS["identity"], rate=rate, seed=1)
    # A kept unit is 1 / (1 - p) with probability 1 - p: mean 1, variance p / (1 - p).
    assert abs(a.mean() - 1) < 4 * np.sqrt(rate / (1 - rate) / n)
    assert set(np.unique(a)) == {0, 1 / (1 - rate)}
