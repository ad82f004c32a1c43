"""scikit-learn's callbacks on sparse models."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skreg import ElasticNet, Lasso


class Recorder:
    """A callback that keeps what it is told."""

    def __init__(self):
        self.seen = []

    def setup(self, estimator, context):
        self.seen.append(("setup", context.task_name))

    def teardown(self, estimator, context):
        self.seen.append(("teardown", context.task_name))

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None, metadata=None):
        shapes = [None if a is None else np.shape(a) for a in (X, y)]
        self.seen.append(("begin", context.task_name, context.task_id, *shapes, metadata))

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None, X=None):
        score = None if fitted_estimator is None else fitted_estimator.predict(X).shape
        self.seen.append(("end", context.task_name, context.task_id, score))


def data(n_targets=None):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((30, 4))
    y = X[:, 0] + 0.1 * rng.standard_normal(30)
    return X, y if n_targets is None else np.column_stack([y] * n_targets)


def test_a_fit_is_one_task_that_ends_fitted():
    X, y = data()
    recorder = Recorder()
    weight = np.ones(30)
    model = Lasso(alpha=0.1).set_callbacks(recorder).fit(X, y, weight)
    assert recorder.seen == [
        ("setup", "fit"),
        ("begin", "fit", 0, (30, 4), (30,), {"sample_weight": weight}),
        ("end", "fit", 0, (30,)),
        ("teardown", "fit"),
    ]
    assert np.array_equal(model.coef_, Lasso(alpha=0.1).fit(X, y, weight).coef_)


def test_targets_are_subtasks():
    X, Y = data(3)
    recorder = Recorder()
    ElasticNet(alpha=0.1).set_callbacks(recorder).fit(X, Y)
    assert [entry[:3] for entry in recorder.seen[1:-1]] == [
        ("begin", "fit", 0),
        *((when, "target", k) for k in range(3) for when in ("begin", "end")),
        ("end", "fit", 0),
    ]


def test_an_error_ends_the_life_of_callbacks_but_not_the_task():
    X, y = data()
    recorder = Recorder()
    model = Lasso(alpha=0.1, precompute=np.eye(4)).set_callbacks(recorder)
    with pytest.raises(ValueError, match="did not pass validation"):
        model.fit(X - X.mean(axis=0), y)
    assert [entry[0] for entry in recorder.seen] == ["setup", "begin", "teardown"]
    assert "_callback_fit_ctx" not in vars(model)


def test_the_progress_bar_counts_targets(capsys):
    X, Y = data(5)
    ElasticNet(alpha=0.1).set_callbacks(ProgressBar()).fit(X, Y)
    out = capsys.readouterr().out
    assert "ElasticNet - fit" in out
    assert "100%" in out


def test_the_scoring_monitor_scores_the_fit():
    X, y = data()
    monitor = ScoringMonitor(scoring="r2")
    model = Lasso(alpha=0.01).set_callbacks(monitor).fit(X, y)
    (row,) = monitor.get_logs().data
    assert row["r2"] == pytest.approx(model.score(X, y))


def test_searches_and_pipelines_propagate_the_progress_bar(capsys):
    X, y = data()
    search = GridSearchCV(make_pipeline(StandardScaler(), Lasso()), {"lasso__alpha": [0.1, 1]})
    bar = ProgressBar(max_propagation_depth=None)
    search.set_callbacks(bar).fit(X, y)
    assert "Lasso - fit" in capsys.readouterr().out
    assert clone(Lasso().set_callbacks(bar))._skl_callbacks == [bar]
