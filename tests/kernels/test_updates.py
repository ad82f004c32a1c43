"""One step of every update rule against its twin, over several steps; the moving average."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skreg._kernels.updates import RULES, averaged, update
from tests import reference

DTYPES = [np.float32, np.float64]
SIZES = [(0, 0), (1, 1), (1, 0), (9, 6), (257, 200)]  # (n, n_weights)
CONSTANTS = {
    "sgd": [(0.0, 0.0), (0.9, 0.0), (0.9, 1.0)],
    "adam": [(0.9, 0.99, 1e-8), (0.0, 0.5, 1e-3)],
}
RULES_AND_CONSTANTS = [(rule, c) for rule, options in CONSTANTS.items() for c in options]


def step(rule, constants, w, g, moments, n_weights, t=1, lr=0.1, decay=0.0, l1=0.0, clip=1.0):
    """One step in place."""
    numbers = {"learning_rate": lr, "decay": decay, "threshold": lr * l1, "clip": clip, "t": t}
    update(RULES[rule], np.array(constants), numbers, n_weights, w, g, moments)


def random_steps(n, dtype, rule, seed=0):
    """(parameters, five gradients, moments)."""
    rng = np.random.default_rng(seed)
    moments = np.zeros((2 if rule == "adam" else 1, n), dtype)
    return rng.normal(size=n).astype(dtype), rng.normal(size=(5, n)).astype(dtype), moments


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("n", "n_weights"), SIZES)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"decay": 0.3},
        {"l1": 2.0},
        {"clip": 0.25},
        {"decay": 0.3, "l1": 2.0, "clip": 0.25, "lr": 0.02},
    ],
)
@pytest.mark.parametrize(("rule", "constants"), RULES_AND_CONSTANTS)
def test_steps_equal_their_twin(rule, constants, options, n, n_weights, dtype):
    w, gradients, moments = random_steps(n, dtype, rule)
    expected = w.astype(float), moments.astype(float)
    for t, g in enumerate(gradients, 1):
        step(rule, constants, w, g, moments, n_weights, t, **options)
        expected = reference.update_step(
            rule, constants, expected[0], g.astype(float), expected[1], n_weights, t,
            **{"lr": 0.1, **options},
        )  # fmt: skip
    tolerance = 2e-6 if dtype == np.float32 else 1e-14
    np.testing.assert_allclose(w, expected[0], rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(moments, expected[1], rtol=tolerance, atol=tolerance)
    np.testing.assert_array_equal(w == 0, expected[0] == 0)


def test_first_adam_step_has_the_length_of_the_learning_rate():
    # After bias correction the first step is lr g / (|g| + epsilon): epsilon is not magnified.
    w, g = np.zeros(3), np.array([1e-3, -1e-8, 5.0])
    step("adam", (0.9, 0.999, 1e-8), w, g, np.zeros((2, 3)), 3)
    np.testing.assert_allclose(w, -0.1 * g / (np.abs(g) + 1e-8), rtol=1e-12)


@pytest.mark.parametrize("rule", RULES)
def test_decay_and_l1_spare_biases_and_moments(rule):
    w, g = np.ones(2), np.zeros(2)
    moments = np.zeros((2, 2))
    step(rule, CONSTANTS[rule][0], w, g, moments, 1, decay=0.5, l1=1.0)
    np.testing.assert_allclose(w, [0.95 - 0.1, 1.0], rtol=1e-15)
    assert not moments.any()


@settings(deadline=None)
@given(
    st.floats(-10, 10, allow_subnormal=False),
    st.floats(0, 5),
    st.sampled_from([np.float32, np.float64]),
)
def test_the_proximal_step_shortens_and_never_changes_the_sign(u, l1, dtype):
    w = np.array([u], dtype)
    before = w[0]
    step("sgd", (0.0, 0.0), w, np.zeros(1, dtype), np.zeros((1, 1), dtype), 1, lr=1.0, l1=l1)
    assert w[0] * before >= 0
    np.testing.assert_allclose(
        abs(w[0]), max(abs(before) - dtype(l1), 0), rtol=1e-6, atol=np.finfo(dtype).tiny
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("rule", RULES)
def test_what_is_not_finite_stays_so(rule, bad, dtype):
    w, g = np.ones(5, dtype), np.ones(5, dtype)
    moments = np.zeros((2, 5), dtype)
    w[1], g[3] = bad, np.nan
    step(rule, CONSTANTS[rule][0], w, g, moments, 5, l1=1.0)
    np.testing.assert_array_equal(np.isfinite(w), [True, False, True, False, True])


@pytest.mark.parametrize("rule", RULES)
def test_tiny_gradients_leave_no_denormal_moments(rule):
    tiny = np.finfo(np.float32).tiny
    w, moments = np.ones(100, np.float32), np.zeros((2, 100), np.float32)
    for t in range(1, 400):
        g = np.full(100, 1e-25 if t == 1 else 0, np.float32)
        step(rule, (0.9, 0.9, 1e-8)[: 3 if rule == "adam" else 2], w, g, moments, 90, t)
        assert np.all((moments == 0) | (np.abs(moments) >= tiny))
    assert not moments.any()  # 0.9^300 * 1e-25 is below the normal range
    # The calling thread does not stay like that.
    assert np.float32(1e-45) * np.float32(1) != 0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [0, 1, 37])
def test_the_average_moves_by_its_share(n, dtype):
    rng = np.random.default_rng(0)
    average, w = rng.normal(size=(2, n)).astype(dtype)
    expected = 0.7 * average.astype(float) + 0.3 * w
    averaged(average, w, 0.3)
    np.testing.assert_allclose(average, expected, rtol=1e-6 if dtype == np.float32 else 1e-14)
    averaged(average, w, 1.0)
    np.testing.assert_allclose(average, w, rtol=1e-6 if dtype == np.float32 else 1e-14)
