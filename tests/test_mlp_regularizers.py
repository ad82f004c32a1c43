"""What is new in MLPClassifier: decay, dropout, smoothing; best weights, interruption."""

import builtins
from copy import deepcopy

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from skreg import MLPClassifier
from tests.mlp_cases import TABLES, digits, held_out, parameters, quiet_fit


def test_weight_decay_is_usual_for_adamw_and_possible_for_all_that_take_steps():
    X, y = digits(100)
    params = {"max_iter": 5, "random_state": 0}

    def fitted(solver, weight_decay=None):
        model = MLPClassifier(solver=solver, weight_decay=weight_decay, **params)
        return parameters(quiet_fit(model, X, y))

    for solver, usual in {"adamw": 0.01, "adam": 0.0, "sgd": 0.0}.items():
        assert_array_equal(fitted(solver), fitted(solver, usual))
        assert np.abs(fitted(solver) - fitted(solver, 5.0)).max() > 1e-3
    assert_array_equal(fitted("adam", 1.0), fitted("adamw", 1.0))


def test_weight_decay_shrinks_weights_by_a_fixed_share_each_step():
    # With all inputs 0 no gradient reaches the first layer: all that moves it is the decay.
    X, y = np.zeros((20, 3)), np.arange(20) % 2
    params = {"random_state": 0, "alpha": 0.0, "learning_rate_init": 0.1, "batch_size": 5}
    start, after = (
        MLPClassifier(solver="adamw", weight_decay=d, **params).partial_fit(X, y, classes=[0, 1])
        for d in (0.0, 0.3)
    )
    assert_allclose(after.coefs_[0], start.coefs_[0] * (1 - 0.1 * 0.3) ** 4, rtol=1e-12)
    assert np.abs(after.coefs_[0]).min() > 0


def test_dropout_is_off_at_prediction_and_on_in_training():
    X, y = digits()
    params = {"max_iter": 3, "random_state": 0, "solver": "adamw"}
    plain = quiet_fit(MLPClassifier(**params), X, y)
    dropped = quiet_fit(MLPClassifier(dropout=0.5, **params), X, y)
    assert_array_equal(dropped.predict_proba(X), dropped.predict_proba(X))
    # Prediction is the plain forward pass of the fitted weights.
    plain.coefs_, plain.intercepts_ = dropped.coefs_, dropped.intercepts_
    assert_array_equal(plain.predict_proba(X), dropped.predict_proba(X))
    fresh = quiet_fit(MLPClassifier(**params), X, y)
    assert np.abs(parameters(fresh) - parameters(dropped)).max() > 1e-3


def test_dropout_repeats_with_the_seed_and_only_then():
    X, y = digits(100)
    a, b, c = (
        parameters(quiet_fit(MLPClassifier(dropout=0.3, max_iter=2, random_state=s), X, y))
        for s in (0, 0, 1)
    )
    assert_array_equal(a, b)
    assert np.abs(a - c).max() > 1e-3


def test_the_random_state_decides_on_the_masks():
    X, y = digits(100)
    start = MLPClassifier(max_iter=1, random_state=0, warm_start=True, shuffle=False, dropout=0.3)
    start = quiet_fit(start, X, y)
    # Same weights to start from, same order of rows: only the masks can differ.
    a, b, c = (
        parameters(quiet_fit(deepcopy(start).set_params(random_state=s), X, y)) for s in (1, 1, 2)
    )
    assert_array_equal(a, b)
    assert np.abs(a - c).max() > 1e-4


def test_one_rate_a_layer():
    X, y = digits(100)

    def fitted(dropout):
        model = MLPClassifier((8, 6), dropout=dropout, max_iter=2, random_state=0)
        return parameters(quiet_fit(model, X, y))

    assert_array_equal(fitted(0.3), fitted([0.3, 0.3]))
    assert_array_equal(fitted(0.0), fitted(np.zeros(2)))
    assert np.abs(fitted((0.3, 0.0)) - fitted((0.0, 0.3))).max() > 1e-3


def test_every_partial_fit_draws_new_masks():
    X, y = digits(100)
    model = MLPClassifier(dropout=0.5, random_state=0, learning_rate_init=1e-12, alpha=0.0)
    for _ in range(3):
        model.partial_fit(X, y, classes=np.arange(10))
    # The weights hardly move: only the masks can tell the losses apart.
    assert np.ptp(model.loss_curve_) > 1e-4


def test_dropout_without_hidden_layers_changes_nothing():
    X, y = digits(100)
    a, b = (
        quiet_fit(MLPClassifier((), dropout=d, max_iter=3, random_state=0), X, y)
        for d in (0.0, [])
    )
    assert_array_equal(parameters(a), parameters(b))


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.3])
@pytest.mark.parametrize("table", TABLES)
def test_at_the_optimum_the_output_is_the_smoothed_target(table, smoothing):
    # One indicator column for each distinct target: the network can output anything.
    n_classes = {"binary": 2, "multiclass": 4, "multilabel": 3}[table]
    X, y = np.eye(n_classes), np.arange(n_classes)
    target = np.full((n_classes, n_classes), smoothing / (n_classes - 1))
    if table == "multilabel":
        y, target = np.eye(3, dtype=int), np.full((3, 3), smoothing)
    np.fill_diagonal(target, 1 - smoothing)
    model = MLPClassifier(
        (), solver="lbfgs", label_smoothing=smoothing, alpha=0, tol=1e-9, max_iter=2000,
        random_state=0,
    )  # fmt: skip
    quiet_fit(model, X, y)
    assert_allclose(model.predict_proba(X), target, atol=2e-4)


def test_uniform_targets_teach_nothing():
    X, y = digits(200)
    model = MLPClassifier(label_smoothing=0.9, max_iter=100, learning_rate_init=0.01, alpha=0)
    assert_allclose(quiet_fit(model, X, y).predict_proba(X), 0.1, atol=0.02)


# --- early stopping and interruption ---


@pytest.mark.parametrize("as_sparse", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_early_stopping_restores_the_best_weights(as_sparse, weighted):
    X, y = digits()
    weight = np.random.default_rng(0).uniform(0, 2, len(y)) if weighted else None
    model = MLPClassifier(
        (20,), solver="sgd", learning_rate_init=1.0, momentum=0.0, early_stopping=True,
        validation_fraction=0.3, max_iter=40, n_iter_no_change=40, random_state=0,
    )  # fmt: skip
    quiet_fit(model, sparse.csc_array(X) if as_sparse else X, y, sample_weight=weight)
    held = held_out(X, y, 0, 0.3, 20)
    scores = model.validation_scores_
    assert model.best_validation_score_ == max(scores) > scores[-1]
    found = model.score(X[held], y[held], sample_weight=weight[held] if weighted else None)
    assert_allclose(found, max(scores), rtol=1e-12)
    assert model.best_loss_ is None


class Interrupt:
    """Stand-in for print that raises KeyboardInterrupt at the given epoch."""

    def __init__(self, epoch):
        self.epoch = epoch

    def __call__(self, line):
        if line.startswith(f"Iteration {self.epoch},"):
            raise KeyboardInterrupt


@pytest.mark.parametrize("solver", ["lbfgs", "sgd", "adamw"])
def test_interrupted_fit_keeps_the_model(solver, monkeypatch):
    X, y = digits()
    params = {"solver": solver, "random_state": 0}
    monkeypatch.setattr(builtins, "print", Interrupt(3))
    with pytest.warns(UserWarning, match="interrupted"):
        model = MLPClassifier(verbose=True, **params).fit(X, y)
    monkeypatch.undo()
    assert model.n_iter_ == 3
    whole = quiet_fit(MLPClassifier(max_iter=3, **params), X, y)
    assert_array_equal(parameters(model), parameters(whole))
    assert model.predict(X).shape == y.shape


def test_interrupted_early_stopping_keeps_the_best(monkeypatch):
    X, y = digits()
    params = {
        "solver": "sgd", "learning_rate_init": 1.0, "momentum": 0.0, "early_stopping": True,
        "hidden_layer_sizes": (20,), "random_state": 0, "validation_fraction": 0.3,
    }  # fmt: skip
    monkeypatch.setattr(builtins, "print", Interrupt(30))
    with pytest.warns(UserWarning, match="interrupted"):
        model = MLPClassifier(verbose=True, n_iter_no_change=99, **params).fit(X, y)
    monkeypatch.undo()
    held = held_out(X, y, 0, 0.3, 20)
    assert len(model.validation_scores_) == 29
    assert_allclose(model.score(X[held], y[held]), max(model.validation_scores_), rtol=1e-12)


def test_ctrl_c_gets_through_in_the_middle_of_an_epoch(interrupt_after):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20_000, 300)).astype(np.float32), rng.integers(0, 3, 20_000)
    # Small batches and many parameters: an epoch takes seconds on any machine.
    model = MLPClassifier((2000,), batch_size=10, max_iter=2)
    interrupt_after(0.3)
    with pytest.warns(UserWarning, match="interrupted"):
        model.fit(X, y)
    # 2000 batches make an epoch: it was left in the middle.
    assert 0 < model._state.update.steps[0] < 2000
    assert model.n_iter_ == 0
    assert model.predict(X[:5]).shape == (5,)
