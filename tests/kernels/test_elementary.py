"""exp, tanh and erf of our own, seen through the activations and losses made of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from skreg._kernels.losses import LOSSES, loss_and_gradient
from tests.kernels.test_activations import DTYPES, run

RANGE = {np.float32: 87, np.float64: 708}  # where exp(-x) is a normal number


def units_in_the_last_place(found, exact, dtype):
    """The largest relative error, in steps of the precision."""
    return np.max(np.abs((found - exact) / exact)) / np.finfo(dtype).eps


@pytest.mark.parametrize("dtype", DTYPES)
def test_exp_keeps_its_digits_over_the_whole_range(dtype):
    # SELU's slope left of 0 is a constant times exp(x); ELU's is exp(x).
    x = np.linspace(-RANGE[dtype], 0, 100_001).astype(dtype)
    found = run("elu", x)[1][0]
    assert units_in_the_last_place(found, np.exp(x.astype(np.longdouble)), dtype) < 1.5


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_left_tail_of_the_logistic_function_keeps_its_digits(dtype):
    x = np.linspace(-RANGE[dtype], 0, 100_001).astype(dtype)
    exact = 1 / (1 + np.exp(-x.astype(np.longdouble)))
    assert units_in_the_last_place(run("logistic", x)[0][0], exact, dtype) < 2


@pytest.mark.parametrize("dtype", DTYPES)
def test_tanh_keeps_its_digits_near_0_and_far_from_it(dtype):
    # The two formulas meet at 0.625.
    size = np.concatenate([np.geomspace(1e-35, 20, 50_001), np.linspace(0.6, 0.65, 5001)])
    x = np.concatenate([-size, size]).astype(dtype)
    exact = np.tanh(x.astype(np.longdouble))
    assert units_in_the_last_place(run("tanh", x)[0][0], exact, dtype) < 2


@pytest.mark.parametrize("dtype", DTYPES)
def test_tanh_of_tiny_numbers_is_the_number(dtype):
    x = np.array([0, np.finfo(dtype).tiny, -1e-30], dtype)
    np.testing.assert_array_equal(run("tanh", x)[0][0], x)


@pytest.mark.parametrize("dtype", DTYPES)
def test_exp_saturates_instead_of_reaching_0_or_infinity(dtype):
    far = np.array([-1e4, -1e30, -np.inf], dtype)
    bottom = run("elu", far)[1][0]
    assert (bottom > 0).all()
    assert (bottom < 2 * np.finfo(dtype).tiny).all()
    # The logistic function divides by 1 + exp(-x), which must not be infinite.
    assert (run("logistic", far)[0][0] > 0).all()


@settings(deadline=None)
@given(st.floats(allow_nan=False), st.floats(allow_nan=False))
def test_tanh_is_odd_and_grows_within_its_bounds(x, y):
    (a, b, c), _ = (part[0] for part in run("tanh", np.array([x, y, -x])))
    assert c == -a
    assert abs(a) <= 1
    # Rounding may bend it by a step, no more.
    assert x >= y or a <= b + 2 * np.finfo(float).eps


@settings(deadline=None)
@given(st.floats(-700, 700))
def test_both_sides_of_the_logistic_function_add_up_to_1(x):
    a = run("logistic", np.array([x, -x]))[0][0]
    np.testing.assert_allclose(a.sum(), 1, rtol=1e-15)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 2, 3, 7, 16, 33])
def test_every_length_gives_the_same_digits(n, dtype):
    # Wide registers and what is left over must not differ.
    x = np.linspace(-5, 5, 64).astype(dtype)[:n]
    for kind in ("tanh", "logistic", "elu", "silu", "mish"):
        alone = [run(kind, v)[0][0, 0] for v in x]
        np.testing.assert_array_equal(run(kind, x)[0][0], alone)


@pytest.mark.parametrize("dtype", DTYPES)
def test_softmax_of_many_classes_keeps_its_digits(dtype):
    z = np.linspace(-RANGE[dtype] + 1, 0, 1001).astype(dtype)
    exact = np.exp(z.astype(np.longdouble) - np.logaddexp.reduce(z.astype(np.longdouble)))
    found = z[None].copy()
    target, weight = np.zeros((1, 1001), dtype), np.ones(1, dtype)
    target[0, -1] = 1
    loss_and_gradient(LOSSES["softmax"], found, target, weight, 1.0, 0.0, np.zeros(1001))
    assert units_in_the_last_place(found[0, :-1], exact[:-1], dtype) < 8


@pytest.mark.parametrize("dtype", DTYPES)
def test_erf_is_right_to_a_few_units_of_one(dtype):
    # GELU is x times the normal distribution function, which is (1 + erf(x / sqrt(2))) / 2.
    x = np.concatenate([np.linspace(-9, 9, 100_000), np.geomspace(1e-30, 1e4, 1001)]).astype(dtype)
    found = run("gelu", x)[0][0]
    error = np.abs(found - x.astype(float) * special.ndtr(x.astype(float)))
    assert np.max(error / np.abs(x)) < 3 * np.finfo(dtype).eps
