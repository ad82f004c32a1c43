"""Update rules: what happens to their numbers from step to step, and that state survives."""

import copy
import pickle

import numpy as np
import pytest

from skreg._kernels.training import STEP_COLUMNS
from skreg._solvers import updates
from skreg._solvers.updates import Numbers


def sgd(schedule="constant", lr=1.0, power_t=0.5):
    return updates.sgd(
        3, float, learning_rate=lr, momentum=0.9, nesterov=True, schedule=schedule, power_t=power_t
    )


def test_constant_rate_stays():
    update = sgd()
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


def test_the_kernel_gets_the_constants_and_the_living_number_of_steps():
    update = sgd()
    arguments = update.kernel_arguments()
    np.testing.assert_array_equal(arguments["constants"], [0.9, 1.0])
    assert arguments["steps"] is update.steps
    adam = updates.adam(4, np.float32, learning_rate=0.1, beta_1=0.8, beta_2=0.9, epsilon=1e-8)
    np.testing.assert_array_equal(adam.kernel_arguments()["constants"], [0.8, 0.9, 1e-8])
    assert adam.moments.shape == (2, 4)


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


def columns(numbers, update, n_steps):
    steps, rates = numbers.table(update, n_steps)
    return {name: steps[:, k] for name, k in STEP_COLUMNS.items()}, rates


def test_numbers_stand_in_every_row_of_the_table():
    numbers = Numbers(alpha=0.1, weight_decay=0.2, dropout=(0.3, 0.0), l1=0.4)
    found, rates = columns(numbers, sgd(lr=0.5), 3)
    expected = {"alpha": 0.1, "weight_decay": 0.2, "l1": 0.4, "learning_rate": 0.5, "average": 0}
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], [value] * 3)
    np.testing.assert_array_equal(rates, [[0.3, 0.0]] * 3)


def test_functions_are_asked_for_the_steps_to_come():
    update = sgd()
    update.steps[0] = 5
    asked = []

    def schedule(start, stop):
        asked.append((start, stop))
        return np.arange(start, stop) / 10

    numbers = Numbers(schedule, schedule, schedule, dropout=(0.1, schedule))
    found, rates = columns(numbers, update, 4)
    assert set(asked) == {(5, 9)}
    for name in ("learning_rate", "alpha", "weight_decay"):
        np.testing.assert_array_equal(found[name], [0.5, 0.6, 0.7, 0.8])
    np.testing.assert_array_equal(rates[:, 1], [0.5, 0.6, 0.7, 0.8])
    np.testing.assert_array_equal(rates[:, 0], 0.1)


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.999])
def test_shares_make_an_exponential_average_without_a_start(decay):
    # After t steps x_s has the weight decay^(t - s), over the sum of all weights.
    update, x = sgd(), np.random.default_rng(0).normal(size=6)
    average = 0.0
    for first in (0, 4):  # two epochs
        update.steps[0] = first
        shares = columns(Numbers(average_decay=decay), update, 4)[0]["average"]
        for share, value in zip(shares, x[first:], strict=False):
            average += share * (value - average)
    np.testing.assert_allclose(average, np.average(x, weights=decay ** np.arange(5.0, -1, -1)))


@pytest.mark.parametrize(
    ("rates", "drops"), [((0.0, 0.0), False), ((0.1, 0.0), True), ((0.0, np.zeros_like), True)]
)
def test_whether_anything_is_dropped(rates, drops):
    assert Numbers(dropout=rates).drops() == drops
