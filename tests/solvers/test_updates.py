"""Update rules: what happens to the learning rate, and that state survives."""

import copy
import pickle

import numpy as np
import pytest

from skreg._solvers import updates


def sgd(schedule, lr=1.0, power_t=0.5):
    return updates.sgd(
        3, float, learning_rate=lr, momentum=0.9, nesterov=True, schedule=schedule, power_t=power_t
    )


def test_constant_rate_stays():
    update = sgd("constant")
    update.epoch_ends(100)
    assert not update.slow_down()
    assert update.learning_rate == 1.0


@pytest.mark.parametrize("power_t", [0.0, 0.5, 1.0])
def test_inverse_scaling_is_a_power_of_the_samples(power_t):
    update = sgd("invscaling", power_t=power_t)
    for seen in (0, 99, 9999):
        update.epoch_ends(seen)
        assert update.learning_rate == (seen + 1) ** -power_t
    assert not update.slow_down()


def test_adaptive_rate_is_divided_by_five_until_it_is_tiny():
    update = sgd("adaptive")
    update.epoch_ends(1000)
    rates = [update.learning_rate]
    while update.slow_down():
        rates.append(update.learning_rate)
    np.testing.assert_allclose(np.divide(rates[:-1], rates[1:]), 5)
    assert rates[-1] <= 1e-6 < rates[-2]


def test_the_kernel_gets_the_current_rate_and_the_living_moments():
    update = sgd("invscaling")
    update.epoch_ends(3)
    arguments = update.kernel_arguments()
    np.testing.assert_array_equal(arguments["hyper"], [0.5, 0.9, 1.0])
    assert arguments["moments"] is update.moments
    assert arguments["steps"] is update.steps


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda u: pickle.loads(pickle.dumps(u))])
def test_state_survives_copies_and_is_not_shared(copied):
    update = updates.adam(3, np.float32, learning_rate=0.1, beta_1=0.9, beta_2=0.99, epsilon=1e-8)
    update.moments[:] = 2
    update.steps[0] = 7
    twin = copied(update)
    update.moments[:] = 3
    assert twin.steps[0] == 7
    assert twin.moments.dtype == np.float32
    assert (twin.moments == 2).all()
