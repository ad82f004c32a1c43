"""Dropout masks: the counter-based generator against its twin, and its statistics."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skreg._kernels.dropout import dropout_factor
from tests import reference

PLACE = {"seed": 3, "step": 0, "layer": 0}


def factor(shape, rate, dtype=np.float64, seed=0, step=0, layer=0, first_row=0):
    out = np.ones(shape, dtype)
    dropout_factor(out, seed, step, layer, rate, first_row)
    return out


def dropped(n, rate, **place):
    return factor((1, n), rate, **place)[0] == 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (1, 1), (5, 7), (3, 4), (300, 5), (2, 2051)])
@pytest.mark.parametrize("rate", [0.0, 1e-3, 0.3, 0.5, 0.999, 1 - 1e-9])
def test_mask_equals_its_twin(rate, shape, dtype):
    for place in [(0, 0, 0), (2**64 - 1, 2**63, 3), (12345, 17, 1)]:
        expected = reference.dropout_factor(shape, rate, *place).astype(dtype)
        np.testing.assert_array_equal(factor(shape, rate, dtype, *place), expected)


def test_the_generator_is_splitmix64():
    # First outputs of the published generator from state 1234567.
    known = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    assert [reference.splitmix(1234567, i) for i in range(3)] == known


@settings(deadline=None)
@given(st.integers(0, 20), st.integers(1, 2500), st.floats(0, 0.999), st.integers(0, 2**64 - 1))
def test_a_part_of_the_rows_has_the_same_mask(first_row, cols, rate, seed):
    whole = factor((23, cols), rate, seed=seed)
    part = factor((3, cols), rate, seed=seed, first_row=first_row)
    np.testing.assert_array_equal(part, whole[first_row : first_row + 3])


@pytest.mark.parametrize("step", range(3))
@pytest.mark.parametrize("rate", [0.01, 0.2, 0.5, 0.9])
def test_mean_and_variance_within_four_standard_errors(rate, step):
    # A unit becomes 0 with probability p, else 1 / (1 - p), with p in steps of 2^-16.
    p, n = round(rate * 2**16) / 2**16, 200_000
    variance = p / (1 - p)
    kurtosis = (p + p**4 / (1 - p) ** 3) / variance**2
    a = factor((400, n // 400), rate, step=step)
    assert abs(a.mean() - 1) < 4 * np.sqrt(variance / n)
    assert abs(np.mean((a - 1) ** 2) / variance - 1) < 1e-12 + 4 * np.sqrt((kurtosis - 1) / n)


def test_variance_of_counts_is_binomial():
    # Counts of dropped units over many steps; the variance of a variance estimate is 2 s^4 / k.
    n, k, rate = 400, 4000, 0.3
    counts = np.array([dropped(n, rate, seed=5, step=step).sum() for step in range(k)])
    expected = n * rate * (1 - rate)
    assert abs(counts.var() - expected) < 4 * expected * np.sqrt(2 / k)


@pytest.mark.parametrize(
    "other", [{"seed": 4}, {"step": 1}, {"layer": 1}, {"seed": 4, "step": 1}, {"step": 2**40}]
)
def test_independent_between_seeds_steps_and_layers(other):
    n, rate = 200_000, 0.4
    a = dropped(n, rate, **PLACE)
    b = dropped(n, rate, **{**PLACE, **other})
    # Also between neighbours: shifted copies of one stream would show here.
    for shift in (0, 1, -1, 4, 100):
        assert abs(np.corrcoef(a, np.roll(b, shift))[0, 1]) < 4 / np.sqrt(n)


def test_neighbouring_units_are_independent():
    a = dropped(200_000, 0.5)
    for shift in (1, 2, 3, 4, 64):
        assert abs(np.corrcoef(a, np.roll(a, shift))[0, 1]) < 4 / np.sqrt(len(a))


def test_rows_are_independent():
    a = factor((2, 200_000), 0.5) == 0
    assert abs(np.corrcoef(*a)[0, 1]) < 4 / np.sqrt(a.shape[1])


def test_a_larger_rate_drops_more_of_the_same_units():
    few, many = dropped(1000, 0.2), dropped(1000, 0.5)
    assert (few <= many).all()
    assert few.sum() < many.sum()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_is_not_dropped(bad):
    out = np.full((20, 20), bad)
    dropout_factor(out, 0, 0, 0, 0.5)
    assert not np.isfinite(out).any()
