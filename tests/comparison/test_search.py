"""The figures of a comparison equal those of a plain `GridSearchCV`."""

import time
import warnings

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Lasso, Ridge, RidgeClassifier
from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from threadpoolctl import threadpool_info

from skreg._comparison import search
from skreg._comparison.pairs import PAIRS, Pair
from skreg._comparison.progress import SearchProgress
from skreg._comparison.table import Table

ALPHAS = [100.0, 3.0, 0.01]


def alphas(table, seed):
    return {"alpha": ALPHAS}


def iris_grid(table, seed):
    return {"alpha": [1.0, 0.001], "max_iter": [20], "random_state": [seed]}


def table_of(load, task):
    X, y = load(return_X_y=True)
    return Table("a table", X, y, task, StandardScaler(), [])


def compare(pair, table, jobs=1, n_folds=3):
    cv = search.splitter(table.task, n_folds, seed=1)
    with SearchProgress("a table") as progress:
        return search.compare(pair, table, cv, seed=1, jobs=jobs, progress=progress)


@pytest.mark.parametrize("jobs", [1, 2])
def test_regression_figures_equal_a_direct_search(monkeypatch, jobs):
    monkeypatch.setattr(search, "REPEAT_BELOW", 0.0)
    table = table_of(load_diabetes, "regression")
    sides = compare(Pair("Lasso", "regression", Lasso, Ridge, alphas, alphas), table, jobs)
    for by, estimator in (("skreg", Lasso()), ("scikit-learn", Ridge())):
        direct = GridSearchCV(
            Pipeline([("scale", StandardScaler()), ("model", estimator)]),
            {"model__alpha": ALPHAS},
            cv=KFold(3, shuffle=True, random_state=1),
            scoring=["r2", "neg_root_mean_squared_error"],
            refit="r2",
        ).fit(table.X, table.y)
        results, best, found = direct.cv_results_, direct.best_index_, sides[by]
        assert found.chosen == {"alpha": direct.best_params_["model__alpha"]}
        assert found.scores == {
            "R²": (results["mean_test_r2"][best], results["std_test_r2"][best]),
            "RMSE": (
                -results["mean_test_neg_root_mean_squared_error"][best],
                results["std_test_neg_root_mean_squared_error"][best],
            ),
        }
        assert found.weakest == results["mean_test_r2"][2]
        assert found.n_nonzero == np.count_nonzero(direct.best_estimator_["model"].coef_)
        assert found.n_coef == 10
        assert found.n_fits == 9
        assert 0 < found.fit_seconds < found.seconds * jobs


def test_classification_figures_equal_a_direct_search():
    table = table_of(load_iris, "classification")
    pair = Pair("M", "classification", MLPClassifier, MLPClassifier, iris_grid, iris_grid)
    found = compare(pair, table)["skreg"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        direct = GridSearchCV(
            Pipeline([("s", StandardScaler()), ("m", MLPClassifier(max_iter=20, random_state=1))]),
            {"m__alpha": [1.0, 0.001]},
            cv=StratifiedKFold(3, shuffle=True, random_state=1),
            scoring=["accuracy", "neg_log_loss"],
            refit="accuracy",
        ).fit(table.X, table.y)
    best = direct.best_index_
    assert found.chosen == {"alpha": direct.best_params_["m__alpha"]}
    assert found.scores["accuracy"][0] == direct.best_score_
    assert found.scores["log loss"][0] == -direct.cv_results_["mean_test_neg_log_loss"][best]
    assert found.n_coef == 4 * 100 + 100 * 3
    assert found.max_iter == 20
    # Twenty epochs converge nowhere: each fit is counted, and none of them warns aloud.
    assert found.n_unconverged == found.n_fits == 6


def test_no_log_loss_without_probabilities():
    table = table_of(load_iris, "classification")
    pair = Pair("R", "classification", RidgeClassifier, RidgeClassifier, alphas, alphas)
    found = compare(pair, table)["skreg"]
    assert list(found.scores) == ["accuracy"]
    assert found.n_coef == 3 * 4
    assert found.n_unconverged == 0


class Recorder(RegressorMixin, BaseEstimator):
    """Predicts the mean; tells its name to a shared list at each fit."""

    calls = ()

    def __init__(self, alpha=1.0):
        self.alpha = alpha

    def fit(self, X, y):
        self.calls.append((type(self).__name__, self.alpha))
        self.coef_ = np.zeros(X.shape[1])
        self.mean_ = np.mean(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.mean_)


class Twin(Recorder):
    """The same under another name."""


class Slow(Recorder):
    """Takes ten milliseconds a fit."""

    def fit(self, X, y):
        time.sleep(0.01)
        return super().fit(X, y)


def test_time_of_the_fits_alone(monkeypatch):
    monkeypatch.setattr(search, "REPEAT_BELOW", 0.0)
    monkeypatch.setattr(Recorder, "calls", [])
    table = table_of(load_diabetes, "regression")
    table.prepare = FunctionTransformer(slowly)
    sides = compare(Pair("S", "regression", Slow, Recorder, alphas, alphas), table)
    # Nine fits on training folds; ten times the preprocessing is fitted, and nine times applied.
    assert sides["skreg"].fit_seconds >= 0.09
    for side in sides.values():
        assert side.seconds - side.fit_seconds >= 0.19


def slowly(X):
    time.sleep(0.01)
    return X


def searches(calls, n_fits):
    """Names of the runs of `n_fits` equal entries."""
    assert len(calls) % n_fits == 0
    runs = [calls[k : k + n_fits] for k in range(0, len(calls), n_fits)]
    assert all(len(set(run)) == 1 for run in runs)
    return [run[0] for run in runs]


@pytest.mark.parametrize(("limit", "n_runs"), [(0.0, 1), (60.0, 3)])
def test_sides_take_turns_after_a_warm_up(monkeypatch, limit, n_runs):
    monkeypatch.setattr(search, "REPEAT_BELOW", limit)
    monkeypatch.setattr(Recorder, "calls", calls := [])

    def one(table, seed):
        return {"alpha": [2.0]}

    table = table_of(load_diabetes, "regression")
    sides = compare(Pair("R", "regression", Recorder, Twin, one, one), table)
    turns = ["Recorder", "Twin", "Twin", "Recorder", "Recorder", "Twin"][: 2 * n_runs]
    # Three folds and the refit a search; the first two searches are the warm-up.
    assert [name for name, _ in searches(calls, 4)] == ["Recorder", "Twin", *turns]
    assert {outcome.n_runs for outcome in sides.values()} == {n_runs}


def test_equal_scores_choose_the_strongest_penalty(monkeypatch):
    monkeypatch.setattr(Recorder, "calls", [])
    table = table_of(load_diabetes, "regression")
    found = compare(Pair("R", "regression", Recorder, Recorder, alphas, alphas), table)["skreg"]
    assert found.chosen == {"alpha": 100.0}
    assert found.n_nonzero == 0


class Threads(RegressorMixin, BaseEstimator):
    """Predicts the number of threads that the numeric libraries may use."""

    def __init__(self, alpha=1.0):
        self.alpha = alpha

    def fit(self, X, y):
        self.coef_ = np.zeros(X.shape[1])
        return self

    def predict(self, X):
        return np.full(len(X), max(pool["num_threads"] for pool in threadpool_info()))


@pytest.mark.parametrize("jobs", [1, 2])
def test_every_process_keeps_to_one_thread(monkeypatch, jobs):
    monkeypatch.setattr(search, "REPEAT_BELOW", 0.0)
    table = table_of(load_diabetes, "regression")
    table.y = 1.0 + 1e-3 * (np.arange(len(table.y)) % 2)
    pair = Pair("T", "regression", Threads, Threads, alphas, alphas)
    assert compare(pair, table, jobs)["skreg"].scores["RMSE"][0] < 1e-2


class Warner(Recorder):
    """Warns of something else than convergence."""

    def fit(self, X, y):
        warnings.warn("the matrix is odd", RuntimeWarning)
        return super().fit(X, y)


def test_other_warnings_are_passed_on_once(monkeypatch):
    monkeypatch.setattr(Recorder, "calls", [])
    monkeypatch.setattr(search, "SHOWN", set())
    table = table_of(load_diabetes, "regression")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = compare(Pair("W", "regression", Warner, Recorder, alphas, alphas), table)["skreg"]
    assert [str(w.message) for w in caught] == ["the matrix is odd"]
    assert found.n_unconverged == 0


def test_guessing_scores():
    regression = table_of(load_diabetes, "regression")
    assert -0.1 < search.guess(regression, search.splitter("regression", 3, 0)) <= 0
    iris = table_of(load_iris, "classification")
    assert search.guess(iris, search.splitter("classification", 5, 0)) == pytest.approx(1 / 3)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_each_pair_names_twins_and_grids_of_equal_size(pair):
    assert pair.ours.__name__ == pair.twin.__name__ == pair.name
    assert pair.ours.__module__.startswith("skreg.")
    assert pair.twin.__module__.startswith("sklearn.")
    load = load_diabetes if pair.task == "regression" else load_iris
    table = table_of(load, pair.task)
    sizes = []
    for estimator, grid in ((pair.ours(), pair.grid), (pair.twin(), pair.twin_grid)):
        values = grid(table, 3)
        assert set(values) <= set(estimator.get_params())
        sizes.append(np.prod([len(v) for v in values.values()]))
    assert sizes[0] == sizes[1]


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_the_target_s_unit_does_not_change_the_choice(scale):
    lasso = next(pair for pair in PAIRS if pair.name == "Lasso")
    table = table_of(load_diabetes, "regression")
    found = compare(lasso, table)["skreg"]
    table.y = table.y * scale
    scaled = compare(lasso, table)["skreg"]
    assert scaled.chosen["alpha"] == pytest.approx(scale * found.chosen["alpha"])
    assert scaled.scores["R²"] == pytest.approx(found.scores["R²"], abs=1e-4)
    assert scaled.n_nonzero == found.n_nonzero


def test_no_coefficient_survives_the_strongest_l1_penalty():
    table = table_of(load_diabetes, "regression")
    lasso = next(pair for pair in PAIRS if pair.name == "Lasso")
    X = StandardScaler().fit_transform(table.X)
    strongest = lasso.grid(table, 0)["alpha"][0]
    assert np.count_nonzero(Lasso(alpha=strongest).fit(X, table.y).coef_) == 0
