"""What is remembered of every epoch."""

from types import SimpleNamespace

import numpy as np
import pytest

from skreg._solvers.history import COSTLY, History
from skreg._solvers.state import Recipe
from skreg._solvers.updates import Numbers, sgd
from tests import reference
from tests.network_cases import case, network

NET = network((4, 5, 3))
ALWAYS = {
    "loss", "l2_penalty", "l1_penalty", "learning_rate", "parameter_norm",
    "layer_parameter_norm", "zero_share",
}  # fmt: skip


RISING = Numbers(learning_rate=lambda start, stop: np.arange(start, stop) / 8)


def after(steps):
    """An update rule after so many steps."""
    update = sgd(1, float, learning_rate=0.25, momentum=0.9, nesterov=False)
    update.steps[0] = steps
    return update


def record(names=(), numbers=RISING, steps=3):
    """(columns of one epoch, its objective, parameters, learned ones)."""
    parameters = case(NET, 1)[0]
    parameters[:7] = 0
    learned = 2 * parameters
    update = after(steps)
    state, history = SimpleNamespace(parameters=parameters, update=update), History()
    recipe = Recipe(NET, 4, 1, numbers, record=frozenset(names))
    watched = np.array([[12.0, 27.0], [3.0, 0.0]])
    objective = history.add_epoch(recipe, state, learned, 0.5, 0.25, watched, 3)
    return history.arrays(), objective, parameters, learned


def test_norms_are_those_of_the_last_step():
    columns, _, parameters, _ = record()
    assert set(columns) == ALWAYS
    squares = reference.layer_squares(parameters, NET.units)
    np.testing.assert_allclose(columns["layer_parameter_norm"][0], np.sqrt(squares), rtol=1e-14)
    np.testing.assert_allclose(columns["parameter_norm"], np.linalg.norm(parameters), rtol=1e-14)
    assert columns["zero_share"] == 7 / NET.n_weights


def test_the_objective_has_both_penalties():
    columns, objective, parameters, _ = record(numbers=Numbers(l1=0.1))
    l1 = 0.1 * np.abs(parameters[: NET.n_weights]).sum()
    np.testing.assert_allclose(columns["l1_penalty"], l1, rtol=1e-14)
    np.testing.assert_allclose(objective, 0.5 + 0.25 + l1, rtol=1e-14)
    assert (columns["loss"], columns["l2_penalty"]) == (0.5, 0.25)


def test_what_costs_more_is_recorded_where_it_is_asked_for():
    columns, _, _, learned = record(COSTLY)
    of_layers = {f"layer_{name}" for name in COSTLY[:3]}
    assert set(columns) == ALWAYS | set(COSTLY) - {"spectral_norm"} | of_layers
    # Root mean squares over three batches.
    np.testing.assert_allclose(columns["layer_gradient_norm"], [[2, 3]])
    np.testing.assert_allclose(columns["gradient_norm"], [np.sqrt(13)])
    np.testing.assert_allclose(columns["layer_update_norm"], [[1, 0]])
    np.testing.assert_allclose(columns["update_norm"], [1])
    np.testing.assert_array_equal(columns["parameters"], [learned])
    expected = [np.linalg.norm(W, 2) for W in reference.layers_of(learned, NET.units)[0]]
    np.testing.assert_allclose(columns["layer_spectral_norm"], [expected], rtol=1e-13)


@pytest.mark.parametrize("name", ["gradient_norm", "update_norm"])
def test_one_of_two_norms_may_be_asked_for(name):
    assert set(record([name])[0]) == ALWAYS | {name, f"layer_{name}"}


@pytest.mark.parametrize(("steps", "rate"), [(0, 0.0), (1, 0.0), (9, 1.0)])
def test_the_learning_rate_is_that_of_the_last_step(steps, rate):
    assert record(steps=steps)[0]["learning_rate"] == rate
    update = after(steps)
    assert update.last(Numbers().rate_of(update)) == 0.25


def test_schedules_count_from_the_clock_of_the_fit():
    update = after(9)
    update.clock = 7
    assert update.last(lambda start, stop: np.arange(start, stop)) == 1
    steps, _ = Numbers(alpha=lambda start, stop: 10 + np.arange(start, stop)).table(update, 2)
    assert 12 in steps[0]
    assert 13 in steps[1]


def test_recorded_parameters_do_not_change_later():
    history = History()
    history.add(a=1.0, b=[1, 2])
    history.add(a=2.0, b=[3, 4])
    np.testing.assert_array_equal(history.arrays()["b"], [[1, 2], [3, 4]])
    np.testing.assert_array_equal(history.arrays()["a"], [1, 2])
    columns, _, _, learned = record(["parameters"])
    learned[:] = 0
    assert columns["parameters"].any()


def test_norms_beyond_the_range_of_numbers_are_infinite_and_no_warning():
    state = SimpleNamespace(
        parameters=np.full(NET.n_parameters, 1e307),
        update=after(1),
    )
    history = History()
    recipe = Recipe(NET, 4, 1)
    objective = history.add_epoch(recipe, state, state.parameters, 1.0, 0.0, (), 3)
    assert objective == 1.0
    assert np.isinf(history.arrays()["parameter_norm"]).all()
