"""scikit-learn's callbacks on perceptrons: every epoch is a task, after which one may stop."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skreg import MLPClassifier, MLPRegressor
from tests.mlp_cases import Stop, after, digits, ignore_convergence, parameters

pytestmark = ignore_convergence
# ScoringMonitor(scoring=None) fails on every estimator of scikit-learn 1.9.
SCORING = {MLPClassifier: "accuracy", MLPRegressor: "r2"}
both = pytest.mark.parametrize("cls", [MLPClassifier, MLPRegressor])


def model(cls, **params):
    return cls(**{"hidden_layer_sizes": (6,), "max_iter": 5, "random_state": 0, **params})


class Recorder(Stop):
    """A callback that keeps what it is told, and never stops."""

    def __init__(self):
        super().__init__(np.inf)
        self.seen = 0
        self.told = []

    def on_fit_task_begin(self, estimator, context):
        self.told.append(("begin", context.task_name, context.task_id))

    def teardown(self, estimator, context):
        self.told.append(("teardown",))


@both
def test_every_epoch_is_a_task(cls):
    X, y = digits(100)
    recorder = Recorder()
    fitted = model(cls).set_callbacks(recorder).fit(X, y)
    assert recorder.told == [
        ("begin", "fit", 0), *(("begin", "epoch", k) for k in range(5)), ("teardown",)
    ]  # fmt: skip
    assert recorder.seen == 5
    assert_array_equal(parameters(fitted), parameters(model(cls).fit(X, y)))
    assert "_callback_fit_ctx" not in vars(fitted)
    assert "_task" not in vars(fitted)


@both
@pytest.mark.parametrize("average", [None, "ema"])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_the_scoring_monitor_logs_the_score_of_every_epoch(cls, average, early_stopping):
    X, y = digits(100)
    monitor = ScoringMonitor(scoring=SCORING[cls])
    fitted = model(cls, record="parameters", average=average, early_stopping=early_stopping)
    fitted.set_callbacks(monitor).fit(X, y)
    rows = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    final, whole = fitted.score(X, y), monitor.get_logs().data
    assert [row["task_id"] for row in rows] == list(range(5))
    (fit,) = (row for row in whole if row["task_name"] == "fit")
    assert_allclose(fit[SCORING[cls]], final)
    assert_allclose([row[SCORING[cls]] for row in rows],
                    [after(fitted, k).score(X, y) for k in range(5)])  # fmt: skip


@both
def test_the_scoring_monitor_gets_weights_and_names(cls):
    X, y = digits(100)
    X, weight = pd.DataFrame(X).rename(columns=str), np.linspace(0, 2, 100)
    monitor = ScoringMonitor(scoring=SCORING[cls])
    fitted = model(cls).set_callbacks(monitor).fit(X, y, weight)
    assert_allclose(monitor.get_logs().data[-1][SCORING[cls]], fitted.score(X, y, weight))


@both
def test_the_progress_bar_counts_epochs(cls, capsys):
    X, y = digits(100)
    model(cls).set_callbacks(ProgressBar()).fit(X, y)
    out = capsys.readouterr().out
    assert f"{cls.__name__} - fit" in out
    assert "100%" in out
    # An optimization without epochs has a bar, too.
    model(cls, solver="lbfgs").set_callbacks(ProgressBar()).fit(X, y)
    assert "100%" in capsys.readouterr().out


@both
@pytest.mark.parametrize("epoch", [1, 3])
def test_a_callback_can_stop_the_fit(cls, epoch):
    X, y = digits(100)
    stopped = model(cls, max_iter=50).set_callbacks(Recorder(), Stop(epoch)).fit(X, y)
    assert stopped.n_iter_ == len(stopped.loss_curve_) == len(stopped.history_["loss"]) == epoch
    assert_array_equal(parameters(stopped), parameters(model(cls, max_iter=epoch).fit(X, y)))
    # No warning of max_iter: who stops a training knows that it is not done.


@pytest.mark.filterwarnings("error::sklearn.exceptions.ConvergenceWarning")
def test_a_stop_is_no_reason_to_warn():
    X, y = digits(100)
    assert model(MLPClassifier).set_callbacks(Stop(2)).fit(X, y).n_iter_ == 2


def test_a_stop_keeps_the_best_epoch_of_early_stopping():
    X, y = digits(200)
    params = {"early_stopping": True, "solver": "sgd", "learning_rate_init": 1.0, "momentum": 0.0,
              "n_iter_no_change": 99, "max_iter": 50}  # fmt: skip
    stopped = model(MLPClassifier, **params).set_callbacks(Stop(8)).fit(X, y)
    same = model(MLPClassifier, **params | {"max_iter": 8}).fit(X, y)
    assert stopped.n_iter_ == 8 != stopped.best_epoch_
    assert_array_equal(parameters(stopped), parameters(same))


@both
def test_partial_fit_is_a_fit_of_one_epoch(cls):
    X, y = digits(100)
    recorder = Recorder()
    classes = {"classes": range(10)} if cls is MLPClassifier else {}
    part = model(cls).set_callbacks(recorder).partial_fit(X, y, **classes).partial_fit(X, y)
    assert recorder.told == 2 * [("begin", "fit", 0), ("begin", "epoch", 0), ("teardown",)]
    assert len(part.loss_curve_) == 2


class Breaks(Recorder):
    """A callback that fails at the end of the second epoch."""

    def on_fit_task_end(self, estimator, context):
        if context.task_name == "epoch" and context.task_id == 1:
            raise RuntimeError("out of order")


@pytest.mark.parametrize("what", ["callback", "scorer", "augmentation", "data", "divergence"])
def test_an_error_ends_the_life_of_callbacks_and_leaves_the_model(what):
    X, y = digits(100)
    recorder = Breaks() if what == "callback" else Recorder()
    fitted = model(MLPClassifier, warm_start=True).fit(X, y)
    before, curve, history = parameters(fitted).copy(), [*fitted.loss_curve_], fitted.history_
    calls = []

    def broken(*args):
        calls.append(0)
        if len(calls) > 1:
            raise RuntimeError("out of order")
        return args[:2] if what == "augmentation" else 1.0

    fitted.set_callbacks(recorder)
    if what == "data":
        X = X * np.nan
    elif what == "scorer":
        fitted.set_params(early_stopping=True, scoring=broken)
    elif what == "augmentation":
        fitted.set_params(batch_augment=broken)
    elif what == "divergence":
        fitted.set_params(solver="sgd", learning_rate_init=1e300, activation="identity")
    with pytest.raises((RuntimeError, ValueError), match=r"out of order|NaN|overflowed"):
        fitted.fit(X, y)
    assert recorder.told == [] if what == "data" else recorder.told[-1] == ("teardown",)
    assert {"_callback_fit_ctx", "_skl_callbacks_to_teardown", "_task"}.isdisjoint(vars(fitted))
    assert np.isfinite(parameters(fitted)).all()
    if what == "divergence":  # it keeps what it has learned, as far as that is finite
        return
    assert_array_equal(parameters(fitted), before)
    assert fitted.loss_curve_ == curve
    assert_array_equal(fitted.history_["loss"], history["loss"])
    # It goes on as if nothing had happened.
    fitted.set_callbacks().set_params(
        early_stopping=False, scoring=None, batch_augment=None, learning_rate_init=1e-3
    )
    assert np.isfinite(fitted.fit(*digits(100)).loss_)


def test_a_first_fit_that_fails_leaves_no_model():
    X, y = digits(100)
    failing = model(MLPClassifier).set_callbacks(Breaks())
    with pytest.raises(RuntimeError, match="out of order"):
        failing.fit(X, y)
    assert not [name for name in vars(failing) if name.endswith("_") and name[0] != "_"]
    assert failing.set_callbacks().fit(X, y).n_iter_ == 5


@both
def test_searches_and_pipelines_propagate_callbacks(cls, capsys):
    X, y = digits(100)
    name = cls.__name__.lower()
    pipeline = make_pipeline(StandardScaler(), model(cls))
    search = GridSearchCV(pipeline, {f"{name}__alpha": [0.1, 1]}, cv=3)
    bar = ProgressBar(max_propagation_depth=None)
    search.set_callbacks(bar).fit(X, y)
    assert f"{cls.__name__} - fit" in capsys.readouterr().out
    assert clone(model(cls).set_callbacks(bar))._skl_callbacks == [bar]


def test_a_monitor_inside_a_search_logs_every_fit():
    X, y = digits(100)
    monitor = ScoringMonitor(scoring="accuracy")
    search = GridSearchCV(model(MLPClassifier).set_callbacks(monitor), {"alpha": [0.1, 1]}, cv=3)
    search.fit(X, y)
    epochs = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert len(epochs) == 5 * (2 * 3 + 1)  # folds of two candidates, and the refit


def test_a_model_with_callbacks_can_be_pickled():
    X, y = digits(100)
    fitted = model(MLPClassifier).set_callbacks(ScoringMonitor(scoring="accuracy")).fit(X, y)
    again = pickle.loads(pickle.dumps(fitted))
    assert_array_equal(again.predict(X), fitted.predict(X))
    assert again.fit(X, y).n_iter_ == 5


@ignore_convergence
def test_callbacks_see_how_the_training_goes():
    seen = []

    class Watcher:
        def setup(self, estimator, context):
            pass

        teardown = on_fit_task_begin = setup

        def on_fit_task_end(self, estimator, context):
            if context.task_name == "epoch":
                seen.append((estimator.n_iter_, len(estimator.history_["loss"])))
                kept = {k for k in vars(estimator) if k.startswith("_task")}
                assert not kept  # nor any other hold on the training data

    X, y = np.random.default_rng(0).normal(size=(500, 30)), np.arange(500) % 2
    MLPClassifier((5,), max_iter=3).set_callbacks(Watcher()).fit(X, y)
    assert seen == [(1, 1), (2, 2), (3, 3)]
