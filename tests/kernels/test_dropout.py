"""Dropout masks: the counter-based generator against its twin, and its statistics."""

import numpy as np
import pytest

from skreg._kernels.dropout import dropout_mask
from tests import reference


def mask(n, rate, seed=0, step=0, layer=0):
    out = np.full(n, 7, dtype=np.uint8)
    dropout_mask(out, seed, step, layer, rate)
    return out


@pytest.mark.parametrize("n", [0, 1, 7, 100])
@pytest.mark.parametrize("rate", [0.0, 1e-3, 0.3, 0.999])
def test_mask_equals_its_twin(n, rate):
    for seed, step, layer in [(0, 0, 0), (2**64 - 1, 2**63, 3), (12345, 17, 1)]:
        expected = reference.dropout_mask(n, rate, seed, step, layer)
        np.testing.assert_array_equal(mask(n, rate, seed, step, layer), expected)


def test_the_generator_is_splitmix64():
    # First outputs of the published generator from state 1234567.
    known = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    assert [reference.splitmix(1234567, i) for i in range(3)] == known


@pytest.mark.parametrize("rate", [0.01, 0.2, 0.5, 0.9])
def test_rate_within_four_standard_errors(rate):
    n = 200_000
    standard_error = np.sqrt(rate * (1 - rate) / n)
    for step in range(5):
        assert abs(mask(n, rate, seed=1, step=step).mean() - rate) < 4 * standard_error


def test_variance_of_counts_is_binomial():
    # Counts of dropped units over many steps; the variance of a variance estimate is 2 s^4 / k.
    n, k, rate = 400, 4000, 0.3
    counts = np.array([mask(n, rate, seed=5, step=step).sum() for step in range(k)])
    expected = n * rate * (1 - rate)
    assert abs(counts.var() - expected) < 4 * expected * np.sqrt(2 / k)


@pytest.mark.parametrize(
    "other", [{"seed": 4}, {"step": 1}, {"layer": 1}, {"seed": 4, "step": 1}, {"step": 2**40}]
)
def test_independent_between_seeds_steps_and_layers(other):
    n, rate = 200_000, 0.4
    a = mask(n, rate, **{"seed": 3, "step": 0, "layer": 0})
    b = mask(n, rate, **{"seed": 3, "step": 0, "layer": 0, **other})
    # Also between neighbours: shifted copies of one stream would show here.
    for shift in (0, 1, -1, 100):
        correlation = np.corrcoef(a, np.roll(b, shift))[0, 1]
        assert abs(correlation) < 4 / np.sqrt(n)


def test_neighbouring_units_are_independent():
    a = mask(200_000, 0.5)
    for shift in (1, 2, 64):
        assert abs(np.corrcoef(a, np.roll(a, shift))[0, 1]) < 4 / np.sqrt(len(a))


def test_a_mask_is_a_prefix_of_a_longer_one():
    np.testing.assert_array_equal(mask(10, 0.5), mask(1000, 0.5)[:10])
