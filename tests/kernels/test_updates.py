"""One step of every update rule against its twin, over several steps."""

import numpy as np
import pytest

from skreg._kernels.updates import RULES, update
from tests import reference


def random_steps(n, dtype, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=n).astype(dtype), rng.normal(size=(5, n)).astype(dtype)


def tolerance(dtype):
    return 2e-5 if dtype == np.float32 else 1e-13


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [0, 1, 5, 257])
@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_sgd_equals_its_twin(n, dtype, momentum, nesterov):
    w, gradients = random_steps(n, dtype)
    expected, velocity = w.astype(float), np.zeros(n)
    moments = np.zeros((1, n), dtype)
    hyper = np.array([0.1, momentum, nesterov], dtype=float)
    for t, g in enumerate(gradients, 1):
        update(RULES["sgd"], hyper, t, n, w, g, moments)
        expected, velocity = reference.sgd_step(expected, g, velocity, 0.1, momentum, nesterov)
    np.testing.assert_allclose(w, expected, rtol=tolerance(dtype), atol=tolerance(dtype))
    np.testing.assert_allclose(moments[0], velocity, rtol=tolerance(dtype), atol=tolerance(dtype))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("n", "n_weights"), [(0, 0), (1, 1), (1, 0), (9, 6), (257, 200)])
@pytest.mark.parametrize("weight_decay", [0.0, 0.3])
def test_adam_and_adamw_equal_their_twin(n, n_weights, dtype, weight_decay):
    w, gradients = random_steps(n, dtype)
    expected, m, v = w.astype(float), np.zeros(n), np.zeros(n)
    decay = np.where(np.arange(n) < n_weights, weight_decay, 0.0)
    moments = np.zeros((2, n), dtype)
    numbers = (0.05, 0.9, 0.99, 1e-8)
    for t, g in enumerate(gradients, 1):
        update(RULES["adam"], np.array([*numbers, weight_decay]), t, n_weights, w, g, moments)
        expected, m, v = reference.adam_step(expected, g, m, v, t, *numbers, decay)
    np.testing.assert_allclose(w, expected, rtol=tolerance(dtype), atol=tolerance(dtype))
    np.testing.assert_allclose(moments, [m, v], rtol=tolerance(dtype), atol=tolerance(dtype))


def test_first_adam_step_has_the_length_of_the_learning_rate():
    # After bias correction the first step is lr g / (|g| + epsilon): epsilon is not magnified.
    w, g = np.zeros(3), np.array([1e-3, -1e-8, 5.0])
    hyper = np.array([0.1, 0.9, 0.999, 1e-8, 0.0])
    update(RULES["adam"], hyper, 1, 3, w, g, np.zeros((2, 3)))
    np.testing.assert_allclose(w, -0.1 * g / (np.abs(g) + 1e-8), rtol=1e-12)


def test_decay_does_not_enter_the_moments():
    w, g, moments = np.ones(2), np.zeros(2), np.zeros((2, 2))
    update(RULES["adam"], np.array([0.1, 0.9, 0.999, 1e-8, 0.5]), 1, 1, w, g, moments)
    np.testing.assert_allclose(w, [0.95, 1.0], rtol=1e-15)
    assert not moments.any()
