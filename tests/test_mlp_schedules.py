"""Schedules of the perceptrons: the values are used, step by step, and checked."""

from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from skreg import MLPClassifier, MLPRegressor
from skreg.schedules import (
    Constant,
    Cosine,
    CosLog4,
    Cyclic,
    LinearWarmup,
    OneCycle,
    PowerLaw,
    Step,
)
from tests.mlp_cases import digits, ignore_convergence, parameters

pytestmark = ignore_convergence
SOLVERS = ("sgd", "adam", "adamw")
NUMBERS = {"learning_rate": 0.02, "alpha": 3.0, "weight_decay": 0.5, "dropout": 0.25,
           "input_dropout": 0.25}  # fmt: skip
READY = [
    Step(0.05, every=7), PowerLaw(0.05, tau=9), Cosine(0.05), Cosine(0.05, n_cycles=2),
    LinearWarmup(0.05, 4), LinearWarmup(Cosine(0.05), 0.2), OneCycle(0.05),
    Cyclic(0.01, 0.05, period=6), CosLog4(0.05),
]  # fmt: skip


def fitted(cls=MLPClassifier, n=90, **params):
    X, y = digits(n)
    settings = {"hidden_layer_sizes": (6,), "random_state": 0, "batch_size": 30, "max_iter": 4}
    return cls(**{**settings, **params}).fit(X, y)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("name", NUMBERS)
def test_a_constant_schedule_is_the_number(name, solver):
    value = NUMBERS[name]
    number = {"learning_rate_init": value} if name == "learning_rate" else {name: value}
    expected = fitted(solver=solver, **number)
    assert np.abs(parameters(expected) - parameters(fitted(solver=solver))).max() > 1e-4
    for schedule in (Constant(value), Step(value, factor=1.0, every=1), lambda t: value):
        found = fitted(solver=solver, **{name: schedule})
        assert_array_equal(parameters(found), parameters(expected))
        assert_array_equal(found.history_["learning_rate"], expected.history_["learning_rate"])


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("schedule", READY, ids=repr)
def test_every_ready_schedule_is_the_learning_rate(schedule, solver):
    # 4 epochs of 3 steps: what the schedule plans is what it gets.
    values = schedule.over(12)
    found = fitted(solver=solver, learning_rate=schedule)
    assert_array_equal(found.history_["learning_rate"], values([2, 5, 8, 11]))
    by_hand = fitted(solver=solver, learning_rate=lambda t: values(t))
    assert_array_equal(parameters(found), parameters(by_hand))


@pytest.mark.parametrize("name", NUMBERS)
def test_a_schedule_is_asked_for_every_step_and_no_other(name):
    asked = []

    def ask(t):
        asked.append(t)
        return 0.01

    fitted(**{name: ask})
    assert sorted(set(asked)) == list(range(12))


def test_a_learning_rate_of_zero_freezes_the_network():
    def until(k, t):
        return 0.05 if t < k else 0.0

    params = {"record": "parameters", "solver": "adamw", "l1": 0.1, "weight_decay": 0.1}
    still = fitted(learning_rate=partial(until, 6), **params).history_["parameters"]
    moving = fitted(learning_rate=partial(until, 99), **params).history_["parameters"]
    assert_array_equal(still[:2], moving[:2])
    assert_array_equal(still[2], still[1])
    assert_array_equal(still[3], still[1])


@pytest.mark.parametrize("name", ["alpha", "weight_decay", "dropout", "input_dropout"])
def test_a_schedule_changes_what_follows_and_not_what_came_before(name):
    params = {"record": "parameters", "weight_decay": 0.0, "alpha": 0.0}
    late = lambda t: NUMBERS[name] * (t >= 6)  # noqa: E731
    found = fitted(**params | {name: late}).history_["parameters"]
    without = fitted(**params | {name: lambda t: 0.0}).history_["parameters"]
    assert_array_equal(found[1], without[1])
    assert np.abs(found[2] - without[2]).max() > 1e-6


@pytest.mark.parametrize("solver", SOLVERS)
def test_weight_decay_follows_its_schedule(solver):
    # With all inputs 0 no gradient reaches the first layer: all that moves it is the decay.
    X, y = np.zeros((20, 3)), np.arange(20) % 2
    params = {"solver": solver, "random_state": 0, "alpha": 0.0, "learning_rate": Step(
        0.1, factor=0.5, every=2), "batch_size": 5}  # fmt: skip
    decay = Cosine(0.8, n_steps=4)
    start, after = (
        MLPClassifier(weight_decay=d, **params).partial_fit(X, y, classes=[0, 1])
        for d in (0.0, decay)
    )
    share = np.prod(1 - np.array([0.1, 0.1, 0.05, 0.05]) * decay(range(4)))
    assert_allclose(after.coefs_[0], start.coefs_[0] * share, rtol=1e-12)


def test_the_penalty_that_is_recorded_follows_alpha():
    found = fitted(alpha=lambda t: float(t >= 6), record="parameters")
    penalty = found.history_["l2_penalty"]
    assert_array_equal(penalty[:2], 0)
    assert (penalty[2:] > 0).all()


def test_one_schedule_a_layer():
    def two(dropout):
        return parameters(fitted(hidden_layer_sizes=(6, 5), dropout=dropout))

    assert_array_equal(two([0.2, Constant(0.4)]), two([0.2, 0.4]))
    assert_array_equal(two(Cosine(0.3)), two([Cosine(0.3), Cosine(0.3)]))
    assert np.abs(two([Cosine(0.3), 0.0]) - two([0.0, Cosine(0.3)])).max() > 1e-4


def test_monte_carlo_dropout_takes_the_rate_of_the_last_step():
    X = digits(90)[0]
    model = fitted(dropout=lambda t: 0.5 if t == 11 else 0.0, hidden_layer_sizes=(50,))
    other = fitted(dropout=0.5, hidden_layer_sizes=(50,))
    other.coefs_, other.intercepts_ = model.coefs_, model.intercepts_
    assert_array_equal(
        model.sample_proba(X, 3, random_state=1), other.sample_proba(X, 3, random_state=1)
    )
    gone = fitted(dropout=lambda t: 0.5 if t < 11 else 0.0)
    with pytest.raises(ValueError, match="trained with dropout"):
        gone.sample_proba(X)


def test_the_horizon_counts_rows_that_are_trained_on():
    # 81 of the 90 rows: 3 steps an epoch still, of which the last one is short.
    found = fitted(n=90, learning_rate=Cosine(0.1), early_stopping=True)
    assert_array_equal(found.history_["learning_rate"], Cosine(0.1, n_steps=12)([2, 5, 8, 11]))


def test_schedules_can_be_cloned_and_searched():
    X, y = digits(200)
    search = GridSearchCV(
        MLPClassifier((6,), max_iter=5, random_state=0),
        {"learning_rate": ["constant", Cosine(0.05), OneCycle(0.05)], "alpha": [Constant(0.1)]},
        cv=2,
    ).fit(X, y)
    assert search.best_params_["learning_rate"] != "constant"
    assert clone(search.best_estimator_).learning_rate == search.best_params_["learning_rate"]


def test_a_regressor_takes_schedules_too():
    found = fitted(MLPRegressor, learning_rate=Cosine(0.05), alpha=Step(1.0, every=5))
    assert_array_equal(found.history_["learning_rate"], Cosine(0.05, n_steps=12)([2, 5, 8, 11]))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"learning_rate": lambda t: -1.0}, r"learning_rate: .* gives -1 in step 0"),
        ({"alpha": lambda t: 1 - t}, r"alpha: .* gives -1 in step 2.*in \[0, inf\)"),
        ({"weight_decay": lambda t: 5.0 - t}, r"weight_decay: .* gives -1 in step 6"),
        ({"weight_decay": lambda t: np.nan}, r"weight_decay: .* returned nan for t=0"),
        ({"learning_rate": lambda t: np.inf}, r"learning_rate: .* returned inf for t=0"),
        ({"alpha": lambda t: "much"}, "returned 'much' for t=0; return a finite number"),
        ({"alpha": lambda t: None}, "returned None for t=0"),
        ({"alpha": Cosine}, "return a finite number for every t"),
        ({"dropout": lambda t: 1.0}, r"dropout: .* gives 1 in step 0.*in \[0, 1\)"),
        ({"dropout": [lambda t: 0.5 * t]}, r"dropout: .* gives 1 in step 2"),
        ({"dropout": [Cosine(0.5), 0.2]}, "one for each of the 1 hidden layers"),
        ({"dropout": Constant(1.0)}, "gives 1 in step 0"),
        ({"input_dropout": Constant(2.0)}, "input_dropout: .* gives 2 in step 0"),
        ({"learning_rate": 0.1}, "'learning_rate' parameter"),
        ({"learning_rate": "cosine"}, "'learning_rate' parameter"),
        ({"learning_rate": LinearWarmup(0.1, 50)}, "n_warmup=50 leaves none of the 12 updates"),
        ({"learning_rate": Cosine(0.1, n_cycles=99)}, "n_cycles=99 are more than the 12"),
        *(({"solver": "lbfgs", name: Cosine(0.1)}, rf"{name}=.*Cosine.*solver='lbfgs'")
          for name in NUMBERS),
    ],
)  # fmt: skip
def test_bad_schedules(params, message):
    with pytest.raises(ValueError, match=message):
        fitted(**params)


@ignore_convergence
def test_every_fit_of_a_warm_start_begins_its_schedules_anew():
    X, y = digits(100)
    params = {"max_iter": 4, "learning_rate": Cosine(0.1), "warm_start": True, "batch_size": 50}
    model = MLPClassifier((5,), **params).fit(X, y)
    first = model.history_["learning_rate"]
    assert_array_equal(model.fit(X, y).history_["learning_rate"], first)
    assert first[0] > first[-1]
