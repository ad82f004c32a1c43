"""LassoCV and ElasticNetCV: scikit-learn's answers, invariances, choices, criteria, contract."""

import pickle
import re
import time
from itertools import product
from math import log, pi

import numpy as np
import pandas as pd
import pytest
import sklearn
import sklearn.linear_model
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.callback import ProgressBar
from sklearn.datasets import load_diabetes, make_regression
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, ShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from skreg import ElasticNet, ElasticNetCV, Lasso, LassoCV

CLASSES = [LassoCV, ElasticNetCV]


def table(n=60, p=12, seed=0, noise=20.0):
    """Data with some large means, and weights."""
    X, y = make_regression(n, p, n_informative=4, noise=noise, random_state=seed)
    X += np.arange(p) / 4
    return X, y + 50, np.random.default_rng(seed).uniform(0.2, 3, n)


def theirs(cls, **params):
    return getattr(sklearn.linear_model, cls.__name__)(tol=1e-10, max_iter=10**6, **params)


def assert_same(ours, other, rtol=1e-6):
    """The attributes that scikit-learn's class has, too."""
    assert_allclose(ours.alphas_, other.alphas_, rtol=1e-10)
    assert ours.alpha_ == pytest.approx(other.alpha_, rel=1e-10)
    assert getattr(ours, "l1_ratio_", None) == getattr(other, "l1_ratio_", None)
    assert ours.mse_path_.shape == other.mse_path_.shape
    assert_allclose(ours.mse_path_, other.mse_path_, rtol=rtol)
    size = np.abs(other.coef_).max()
    assert_allclose(ours.coef_, other.coef_, rtol=rtol, atol=rtol * size)
    assert ours.intercept_ == pytest.approx(other.intercept_, rel=rtol, abs=rtol)


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"fit_intercept": False},
        {"positive": True},
        {"alphas": [0.3, 30.0, 3.0], "cv": 3},
        {"alphas": [2.0], "cv": KFold(4, shuffle=True, random_state=0)},
        {"eps": 0.1, "alphas": 7, "cv": ShuffleSplit(3, random_state=1)},
    ],
)
def test_answers_are_those_of_scikit_learn(cls, params, weighted):
    X, y, weight = table()
    weight = weight if weighted else None
    params = {"alphas": 15} | params
    ours = cls(tol=1e-10, **params).fit(X, y, weight)
    assert_same(ours, theirs(cls, **params).fit(X, y, weight))


@pytest.mark.parametrize("alphas", [9, [0.1, 5.0, 1.0]])
@pytest.mark.parametrize("weighted", [True, False])
def test_answers_for_several_l1_ratios_are_those_of_scikit_learn(alphas, weighted):
    X, y, weight = table(seed=3)
    params = {"l1_ratio": [0.2, 0.7, 1.0], "alphas": alphas, "cv": 3}
    weight = weight if weighted else None
    ours = ElasticNetCV(tol=1e-10, **params).fit(X, y, weight)
    assert_same(ours, theirs(ElasticNetCV, **params).fit(X, y, weight))


def test_more_features_than_samples():
    X, y, weight = table(30, 80)
    params = {"alphas": 12, "eps": 0.05}
    ours = LassoCV(tol=1e-10, **params).fit(X, y, weight)
    assert_same(ours, theirs(LassoCV, **params).fit(X, y, weight), rtol=1e-4)


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("weighted", [True, False])
def test_layout_and_format_do_not_matter(cls, weighted):
    X, y, weight = table(80, 10)
    X[np.abs(X) < 0.8] = 0
    weight = weight if weighted else None
    expected = cls(alphas=10, tol=1e-12).fit(X, y, weight)
    for container in (np.asfortranarray, sparse.csr_array, sparse.csc_matrix, sparse.coo_array):
        data = container(X)
        found = cls(alphas=10, tol=1e-12).fit(data, y, weight)
        assert_allclose(found.mse_path_, expected.mse_path_, rtol=1e-8)
        assert_allclose(found.coef_, expected.coef_, rtol=1e-6, atol=1e-9)
        assert_array_equal(data.toarray() if sparse.issparse(data) else data, X)


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_float32_stays_float32(cls, container):
    X, y, _ = table()
    found = cls(alphas=10).fit(container(X.astype(np.float32)), y.astype(np.float32))
    expected = cls(alphas=10).fit(X, y)
    assert found.coef_.dtype == found.dual_gap_.dtype == np.float32
    assert_allclose(found.coef_, expected.coef_, rtol=1e-3, atol=1e-3)
    assert_allclose(found.mse_path_, expected.mse_path_, rtol=1e-3)


@pytest.mark.parametrize(
    ("scale_X", "scale_y"),
    [*product([1e-150, 1.0, 1e150], [1e-150, 1.0, 1e150]), (1.0, 1e-200), (1e-100, 1e-200)],
)
@pytest.mark.parametrize("criterion", [None, "bic"])
def test_units_do_not_matter(criterion, scale_X, scale_y):
    X, y, _ = table()
    plain = LassoCV(alphas=10, criterion=criterion).fit(X, y)
    found = LassoCV(alphas=10, criterion=criterion).fit(X * scale_X, y * scale_y)
    assert_allclose(found.coef_ * scale_X / scale_y, plain.coef_, rtol=1e-7, atol=1e-10)
    assert found.alpha_ / scale_X / scale_y == pytest.approx(plain.alpha_, rel=1e-7)
    if criterion is None and scale_y != 1e-200:  # whose square is 0
        errors = found.cv_results_["std_error"] / scale_y / scale_y
        assert_allclose(errors, plain.cv_results_["std_error"], rtol=1e-6)


def test_bounds_are_in_the_units_of_the_data():
    X, y, _ = table()
    scale, bounds = 2.0**-600, np.array([-5.0, 20.0])
    plain = LassoCV(alphas=10, lower=bounds[0], upper=bounds[1]).fit(X, y)
    tiny = LassoCV(alphas=10, lower=bounds[0] * scale, upper=bounds[1] * scale).fit(X, y * scale)
    assert_allclose(tiny.coef_ / scale, plain.coef_, rtol=1e-9)
    assert (plain.coef_.min(), plain.coef_.max()) == tuple(bounds)


@pytest.mark.parametrize("p", [12, 80])
@pytest.mark.parametrize("weighted", [True, False])
def test_samples_drawn_more_than_once_count_as_often(p, weighted):
    X, y, weight = table(p=p)
    weight = weight if weighted else np.ones(len(X))
    train = np.random.default_rng(2).integers(0, 45, 60)
    test = np.array([50, 51, 51, 59])
    found = LassoCV(alphas=[3.0, 0.5], cv=[(train, test)], tol=1e-12).fit(X, y, weight)
    for alpha, error in zip(found.alphas_, found.mse_path_, strict=True):
        model = Lasso(alpha=alpha, tol=1e-12).fit(X[train], y[train], weight[train])
        residual = y[test] - model.predict(X[test])
        assert error == pytest.approx(np.average(residual**2, weights=weight[test]), rel=1e-7)


def test_order_of_samples_and_features_does_not_matter():
    X, y, weight = table()
    rng = np.random.default_rng(1)
    rows, columns = rng.permutation(len(X)), rng.permutation(X.shape[1])
    place = np.argsort(rows)
    splits = list(KFold(4).split(X))
    moved = [(place[train], place[test]) for train, test in splits]
    one = ElasticNetCV(alphas=10, cv=splits, tol=1e-12).fit(X, y, weight)
    other = ElasticNetCV(alphas=10, cv=moved, tol=1e-12)
    other.fit(X[np.ix_(rows, columns)], y[rows], weight[rows])
    assert_allclose(other.mse_path_, one.mse_path_, rtol=1e-8)
    assert_allclose(other.coef_, one.coef_[columns], rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("cls", CLASSES)
def test_weights_are_repeated_rows(cls):
    X, y, _ = table(30, 5)
    count = np.random.default_rng(0).integers(0, 4, 30)
    count[:10], count[10:20], count[20:] = count[:10] + 1, count[10:20] + 1, count[20:]
    original = np.repeat(np.arange(30), count)
    splits = list(KFold(3).split(X))
    repeated = [tuple(np.flatnonzero(np.isin(original, part)) for part in pair) for pair in splits]
    weighted = cls(alphas=10, cv=splits, tol=1e-12).fit(X, y, count)
    longer = cls(alphas=10, cv=repeated, tol=1e-12).fit(X[original], y[original])
    assert_allclose(weighted.alphas_, longer.alphas_, rtol=1e-10)
    assert_allclose(weighted.mse_path_, longer.mse_path_, rtol=1e-8)
    assert_allclose(weighted.coef_, longer.coef_, rtol=1e-6, atol=1e-8)


def test_only_ratios_of_weights_matter():
    X, y, weight = table()
    one, other = (LassoCV(alphas=10).fit(X, y, v) for v in (weight, 1e-3 * weight))
    assert_allclose(other.coef_, one.coef_, rtol=1e-8)
    assert_allclose(other.mse_path_, one.mse_path_, rtol=1e-8)
    assert_allclose(LassoCV(alphas=10).fit(X, y, 3.0).coef_, LassoCV(alphas=10).fit(X, y).coef_)


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("weighted", [True, False])
def test_the_model_is_that_of_a_fit_with_the_alpha_chosen(cls, weighted):
    X, y, weight = table(seed=4)
    weight = weight if weighted else None
    params = {"penalty_weights": np.linspace(0, 2, 12), "lower": -20.0, "upper": 30.0}
    found = cls(alphas=20, tol=1e-12, **params).fit(X, y, weight)
    ratio = {} if cls is LassoCV else {"l1_ratio": found.l1_ratio_}
    single = (Lasso if cls is LassoCV else ElasticNet)(found.alpha_, tol=1e-12, **ratio, **params)
    single.fit(X, y, weight)
    assert_allclose(found.coef_, single.coef_, rtol=1e-6, atol=1e-8)
    assert found.intercept_ == pytest.approx(single.intercept_)
    assert 0 <= found.dual_gap_ <= 1e-10 * np.var(y)
    assert found.coef_.min() >= -20
    assert found.coef_.max() == pytest.approx(30)


# Penalty weights and bounds


def test_weights_of_the_lasso_penalty_are_units_of_features():
    X, y, _ = table()
    v = np.random.default_rng(0).uniform(0.3, 3, X.shape[1])
    found = LassoCV(alphas=10, penalty_weights=v, tol=1e-12).fit(X, y)
    scaled = LassoCV(alphas=10, tol=1e-12).fit(X / v, y)
    assert_allclose(found.alphas_, scaled.alphas_)
    assert_allclose(found.mse_path_, scaled.mse_path_, rtol=1e-7)
    assert_allclose(found.coef_, scaled.coef_ / v, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("cls", CLASSES)
def test_an_infinite_weight_leaves_a_feature_out(cls):
    X, y, _ = table()
    v = np.ones(12)
    v[[1, 5]] = np.inf
    found = cls(alphas=10, penalty_weights=v, tol=1e-12).fit(X, y)
    without = cls(alphas=10, tol=1e-12).fit(np.delete(X, [1, 5], axis=1), y)
    assert_array_equal(found.coef_[[1, 5]], 0)
    assert_allclose(np.delete(found.coef_, [1, 5]), without.coef_, rtol=1e-6, atol=1e-8)
    assert_allclose(found.mse_path_, without.mse_path_, rtol=1e-7)


def test_a_weight_of_zero_leaves_a_feature_in():
    X, y, _ = table()
    v = np.ones(12)
    v[3] = 0
    found = LassoCV(alphas=10, penalty_weights=v, tol=1e-12).fit(X, y)
    alone = sklearn.linear_model.LinearRegression().fit(X[:, [3]], y)
    others = np.delete(X - X.mean(axis=0), 3, axis=1)
    largest = np.abs(others.T @ (y - alone.predict(X[:, [3]]))).max() / len(y)
    assert found.alphas_[0] == pytest.approx(largest)
    residual = y - found.predict(X)
    assert (X[:, 3] - X[:, 3].mean()) @ residual == pytest.approx(0, abs=1e-7)


def test_bounds():
    X, y, _ = table()
    positive = LassoCV(alphas=10, positive=True).fit(X, y)
    assert_allclose(LassoCV(alphas=10, lower=0).fit(X, y).coef_, positive.coef_)
    wide = LassoCV(alphas=10, lower=-1e6, upper=np.full(12, 1e6)).fit(X, y)
    assert_allclose(wide.mse_path_, LassoCV(alphas=10).fit(X, y).mse_path_, rtol=1e-7)


# The choice


def test_one_standard_error_from_the_errors_of_the_folds():
    X, y, _ = table(noise=60.0)
    best, found = (LassoCV(choose=how).fit(X, y) for how in ("min", "one_se"))
    mean = found.mse_path_.mean(axis=1)
    error = found.mse_path_.std(axis=1, ddof=1) / np.sqrt(5)
    limit = mean.min() + error[mean.argmin()]
    assert best.alpha_ == found.alphas_[mean.argmin()]
    assert found.alpha_ == found.alphas_[mean <= limit].max() > best.alpha_
    assert found.best_score_ == -mean[found.alphas_ == found.alpha_][0]
    assert 0 < np.count_nonzero(found.coef_) <= np.count_nonzero(best.coef_)


def test_results_make_a_table():
    X, y, _ = table()
    model = ElasticNetCV(l1_ratio=[0.5, 1.0], alphas=8, cv=3).fit(X, y)
    results = pd.DataFrame(model.cv_results_)
    assert list(results) == [
        "alpha", "l1_ratio", "mean_test_score", "std_error",
        "split0_test_score", "split1_test_score", "split2_test_score",
    ]  # fmt: skip
    assert_array_equal(results["alpha"], model.alphas_.ravel())
    assert_array_equal(results["l1_ratio"], [0.5] * 8 + [1.0] * 8)
    folds = model.mse_path_.reshape(16, 3)
    assert_array_equal(results.filter(like="split"), -folds)
    assert_allclose(results["mean_test_score"], -folds.mean(axis=1))
    assert_allclose(results["std_error"], folds.std(axis=1, ddof=1) / np.sqrt(3))
    best = results.loc[results["mean_test_score"].idxmax()]
    assert (best["alpha"], best["l1_ratio"]) == (model.alpha_, model.l1_ratio_)
    assert model.best_score_ == pytest.approx(best["mean_test_score"])
    assert "l1_ratio" not in LassoCV(alphas=3).fit(X, y).cv_results_


def test_a_single_split_has_no_standard_error():
    X, y, _ = table()
    cv = ShuffleSplit(1, random_state=0)
    model = LassoCV(alphas=4, cv=cv).fit(X, y)
    assert model.mse_path_.shape == (4,)
    assert "std_error" not in model.cv_results_
    with pytest.raises(ValueError, match=r"choose='one_se' needs a standard error.*single"):
        LassoCV(alphas=4, cv=cv, choose="one_se").fit(X, y)


@pytest.mark.parametrize("criterion", ["aic", "bic", "ebic"])
@pytest.mark.parametrize(
    ("cls", "scale"), [(LassoCV, 1.0), (LassoCV, 2.0**-600), (ElasticNetCV, 1.0)]
)
def test_criteria_from_scikit_learn_s_path(cls, criterion, scale):
    X, y, _ = table(noise=60.0)
    model = cls(alphas=20, tol=1e-12, criterion=criterion, ebic_gamma=0.5).fit(X, y * scale)
    Xc, yc, n = X - X.mean(axis=0), y - y.mean(), len(y)
    l1_ratio = 1.0 if cls is LassoCV else 0.5
    _, coefs, _ = sklearn.linear_model.enet_path(
        Xc, yc, l1_ratio=l1_ratio, alphas=model.alphas_ / scale, tol=1e-12, max_iter=10**6
    )
    scores, degrees = [], []
    for alpha, coef in zip(model.alphas_ / scale, coefs.T, strict=True):
        Z = Xc[:, coef != 0]
        k = Z.shape[1]
        l2 = n * alpha * (1 - l1_ratio)
        d = 1 + (k if l2 == 0 else np.trace(Z @ np.linalg.solve(Z.T @ Z + l2 * np.eye(k), Z.T)))
        variance = np.mean((yc - Xc @ coef) ** 2)
        value = n * (log(2 * pi * variance) + 2 * log(scale) + 1)
        value += d * (2 if criterion == "aic" else log(n))
        if criterion == "ebic":
            value += sum(log((12 - j) / (j + 1)) for j in range(k))
        scores.append(-value)
        degrees.append(d)
    assert_allclose(model.cv_results_["score"], scores, rtol=1e-6)
    assert_allclose(model.cv_results_["degrees_of_freedom"], degrees, rtol=1e-6)
    assert model.alpha_ == model.alphas_[np.argmax(scores)]
    assert 0 < np.argmax(scores) < 19
    assert model.best_score_ == pytest.approx(max(scores))
    assert_allclose(model.coef_ / scale, coefs[:, np.argmax(scores)], rtol=1e-5, atol=1e-6)


def test_a_criterion_finds_the_features_of_wide_data():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((100, 1000))
    y = X[:, :4] @ [3.0, -3.0, 2.0, 2.0] + rng.standard_normal(100)
    model = LassoCV(criterion="ebic").fit(X, y)
    support = np.flatnonzero(model.coef_)
    assert set(range(4)) <= set(support)
    assert len(support) < 10
    saturated = LassoCV(criterion="aic", eps=1e-6, alphas=50).fit(X, y)
    assert saturated.cv_results_["degrees_of_freedom"].max() > 50
    assert np.count_nonzero(saturated.coef_) < 50


def test_a_criterion_chooses_among_l1_ratios():
    X, y, _ = table()
    ratios = [0.3, 0.9]
    both = ElasticNetCV(l1_ratio=ratios, criterion="bic", alphas=20).fit(X, y)
    each = [ElasticNetCV(l1_ratio=r, criterion="bic", alphas=20).fit(X, y) for r in ratios]
    scores = [one.best_score_ for one in each]
    assert both.best_score_ == pytest.approx(max(scores))
    assert both.l1_ratio_ == ratios[int(np.argmax(scores))]
    assert_allclose(both.coef_, each[int(np.argmax(scores))].coef_)
    assert_allclose(both.cv_results_["score"], np.r_[*[one.cv_results_["score"] for one in each]])


def test_no_errors_of_folds_are_left_from_an_earlier_fit():
    X, y, _ = table()
    model = LassoCV(alphas=5).fit(X, y)
    model.set_params(criterion="bic").fit(X, y)
    assert not hasattr(model, "mse_path_")


# Threads


@pytest.mark.parametrize("n_jobs", [1, 2, -1])
def test_the_number_of_threads_does_not_matter(n_jobs, monkeypatch):
    monkeypatch.setattr("skreg._sparse_search.SMALL", 0)
    X, y, weight = table()
    expected = ElasticNetCV(l1_ratio=[0.5, 1.0], alphas=10).fit(X, y, weight)
    found = ElasticNetCV(l1_ratio=[0.5, 1.0], alphas=10, n_jobs=n_jobs).fit(X, y, weight)
    assert_array_equal(found.mse_path_, expected.mse_path_)
    assert_array_equal(found.coef_, expected.coef_)


def test_an_interrupt_ends_the_fit_within_a_second(interrupt_after):
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((400, 300)), rng.standard_normal(400)
    pressed = time.monotonic() + 0.5
    interrupt_after(0.5)
    with pytest.raises(KeyboardInterrupt):
        LassoCV(alphas=10**5, eps=1e-6).fit(X, y)
    assert 0 < time.monotonic() - pressed < 1


# Callbacks, messages


class Recorder:
    """A callback that keeps what it sees."""

    def __init__(self):
        self.begun, self.ended = [], []

    def setup(self, estimator, context):
        self.begun, self.ended = [], []

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        self.begun.append((context.task_name, context.max_subtasks))

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        self.ended.append((context.task_name, context.max_subtasks))
        if context.parent is None:
            self.prediction = fitted_estimator.predict(np.ones((1, 12)))


@pytest.mark.parametrize("criterion", [None, "bic"])
@pytest.mark.parametrize("small", [0, 10**9])
def test_callbacks_see_paths_and_alphas(criterion, small, monkeypatch):
    monkeypatch.setattr("skreg._sparse_search.SMALL", small)
    X, y, _ = table()
    recorder = Recorder()
    cv = None if criterion else 3
    model = ElasticNetCV(l1_ratio=[0.5, 1.0], alphas=7, cv=cv, criterion=criterion)
    model.set_callbacks(recorder).fit(X, y)
    n_paths = 2 if criterion else 6
    shown = model.alphas_[[0.5, 1.0].index(model.l1_ratio_)].tolist().index(model.alpha_) + 1
    tasks = {("path", 7): n_paths, ("refit", shown): 1, ("alpha", 0): 7 * n_paths + shown}
    tasks["fit", n_paths + 1] = 1
    for seen in (recorder.begun, recorder.ended):
        assert {task: seen.count(task) for task in set(seen)} == tasks
    assert recorder.prediction == model.predict(np.ones((1, 12)))
    plain = clone(model).set_callbacks().fit(X, y)
    assert_array_equal(plain.coef_, model.coef_)


def test_a_progress_bar(capsys):
    X, y, _ = table()
    LassoCV(alphas=5, cv=3).set_callbacks(ProgressBar()).fit(X, y)
    shown = capsys.readouterr().out
    for name in ("fit", "path #0", "path #2", "refit #3"):
        assert re.search(f"LassoCV - {name} .*100%", shown), name


def test_verbose_prints_a_line_for_each_path(capsys):
    X, y, _ = table()
    LassoCV(alphas=5, cv=3).fit(X, y)
    assert capsys.readouterr().out == ""
    LassoCV(alphas=5, cv=3, verbose=True, n_jobs=1).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == [f"[LassoCV] path {k}" for k in range(3)]


def test_fits_that_do_not_converge_are_told_of():
    X, y, _ = table(40, 200)
    with pytest.warns(ConvergenceWarning) as caught:
        LassoCV(alphas=[1.0, 1e-3], max_iter=1, tol=0.0).fit(X, y)
    folds, final = (str(warning.message) for warning in caught)
    assert "fits of cross-validation did not reach tol=0" in folds
    assert "Increase max_iter=1" in folds
    assert "LassoCV did not converge with the alpha chosen" in final
    assert all(warning.filename == __file__ for warning in caught)


def test_the_duality_gap_written_out():
    X, y, weight = table(40, 200)
    model = LassoCV(alphas=[1.0, 1e-3], max_iter=1, tol=0.0, cv=2)
    with pytest.warns(ConvergenceWarning):
        model.fit(X, y, weight)
    alpha, v = model.alpha_, weight / weight.mean()
    Xc, yc = X - np.average(X, axis=0, weights=v), y - np.average(y, weights=v)
    r = yc - Xc @ model.coef_
    primal = np.mean(v * r**2) / 2 + alpha * np.abs(model.coef_).sum()
    s = min(1.0, alpha / np.abs(Xc.T @ (v * r) / len(y)).max())
    dual = s * np.mean(v * r * yc) - s**2 * np.mean(v * r**2) / 2
    assert model.dual_gap_ > 1e-9 * np.var(y)
    assert model.dual_gap_ == pytest.approx(primal - max(dual, 0.0), rel=1e-4)  # s = 0 counts, too


# Metadata


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.mark.usefixtures("routing")
@pytest.mark.parametrize("cls", CLASSES)
def test_groups_reach_the_splitter(cls):
    X, y, weight = table()
    groups = np.random.default_rng(0).integers(0, 6, len(y))
    routed = cls(alphas=8, cv=GroupKFold(3)).fit(X, y, sample_weight=weight, groups=groups)
    splits = list(GroupKFold(3).split(X, y, groups))
    given = cls(alphas=8, cv=splits).fit(X, y, sample_weight=weight)
    assert_array_equal(routed.mse_path_, given.mse_path_)
    assert_array_equal(routed.coef_, given.coef_)


def test_groups_need_routing():
    X, y, _ = table()
    with pytest.raises(ValueError, match="enable_metadata_routing"):
        LassoCV(cv=GroupKFold(3)).fit(X, y, groups=np.arange(len(y)) % 3)


# Errors


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"alphas": [1.0, -1.0]}, "alphas must be finite and not negative"),
        ({"alphas": []}, "alphas must be a number of alphas or a list of at least one"),
        ({"alphas": 0}, "'alphas' parameter"),
        ({"eps": 0.0}, "'eps' parameter"),
        ({"l1_ratio": 1.5}, "'l1_ratio' parameter"),
        ({"l1_ratio": [0.5, 1.5]}, "l1_ratio must be a number from 0 to 1"),
        ({"l1_ratio": []}, "l1_ratio must be a number from 0 to 1"),
        ({"l1_ratio": 0}, "l1_ratio=0 has no largest useful alpha"),
        ({"penalty_weights": [1.0]}, r"penalty_weights has shape \(1,\)"),
        ({"lower": 1.0, "upper": 0.0}, "lower must not lie above upper"),
        ({"criterion": "bic", "cv": 3}, "criterion='bic' needs no folds, but cv=3"),
        ({"criterion": "bic", "choose": "one_se"}, "needs the standard error of folds"),
        ({"cv": []}, r"cv=\[\] gives no splits"),
        ({"cv": [([0, 1], [])]}, "gives fold 0 no test samples"),
        ({"ebic_gamma": 2.0}, "'ebic_gamma' parameter"),
    ],
)
def test_parameters_that_make_no_sense(params, message):
    X, y, _ = table()
    with pytest.raises(ValueError, match=message):
        ElasticNetCV(**params).fit(X, y)


def test_folds_without_weight():
    X, y, weight = table()
    weight[:12] = 0
    with pytest.raises(ValueError, match="gives fold 0 no test samples of positive weight"):
        LassoCV().fit(X, y, weight)
    weight[:12], weight[12:] = 1, 0
    with pytest.raises(ValueError, match="gives fold 0 no training samples of positive weight"):
        LassoCV().fit(X, y, weight)


def test_a_criterion_needs_samples():
    with pytest.raises(ValueError, match="found no model with at most half as many degrees"):
        LassoCV(criterion="bic").fit([[1.0]], [1.0])


def test_targets():
    X, y, _ = table()
    with pytest.raises(ValueError, match="use MultiTaskLassoCV"):
        LassoCV().fit(X, np.c_[y, y])
    with pytest.raises(TypeError, match="y is sparse"):
        LassoCV().fit(X, sparse.csr_array(y[:, None]))
    with pytest.warns(DataConversionWarning):
        column = LassoCV(alphas=5).fit(X, y[:, None])
    flat = LassoCV(alphas=5).fit(X, y)
    assert_array_equal(column.coef_, flat.coef_)
    assert column.predict(X).shape == y.shape


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("criterion", [None, "bic"])
def test_a_constant_target_has_no_coefficients(cls, criterion):
    X, _, _ = table()
    model = cls(criterion=criterion, alphas=5).fit(X, np.full(len(X), 7.0))
    assert_array_equal(model.coef_, 0)
    assert model.intercept_ == 7
    assert model.dual_gap_ == 0


def test_degenerate_features():
    X, y, _ = table()
    X[:, 0], X[:, 1], X[:, 2] = 0, 5, X[:, 3]
    model = LassoCV(alphas=[10.0, 1.0, 0.0]).fit(X, y)
    assert np.all(np.isfinite(model.mse_path_))
    assert_array_equal(model.coef_[:2], 0)
    assert LassoCV(alphas=5).fit(X[:, [1]], y).coef_ == 0


# The contract


def of_a_criterion(estimator):
    """A criterion counts samples: a weight says how exact one is, and makes no more of them."""
    name, reason = "check_sample_weight_equivalence_on_", "a sample of weight 2 is one sample"
    return {name + kind: reason for kind in ("dense_data", "sparse_data") if estimator.criterion}


@parametrize_with_checks(
    [LassoCV(), ElasticNetCV(), LassoCV(choose="one_se"), LassoCV(criterion="bic")],
    expected_failed_checks=of_a_criterion,
)
def test_scikit_learn_s_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("cls", CLASSES)
def test_in_searches_pipelines_and_pickles(cls):
    X, y, _ = table()
    pipeline = make_pipeline(StandardScaler(), cls(alphas=10))
    name = cls.__name__.lower()
    grid = {f"{name}__choose": ["min", "one_se"], f"{name}__alphas": [[1e-2, 1.0], [1e6]]}
    search = GridSearchCV(pipeline, grid, cv=3).fit(X, y)
    assert search.best_params_[f"{name}__alphas"] == [1e-2, 1.0]
    model = search.best_estimator_[-1]
    again = pickle.loads(pickle.dumps(model))
    assert_array_equal(again.predict(X), model.predict(X))
    copy = clone(model)
    assert copy.get_params() == model.get_params()
    assert not hasattr(copy, "coef_")


def test_random_problems_agree_with_scikit_learn():
    rng = np.random.default_rng(0)
    for seed, (positive, fit_intercept) in enumerate(product([True, False], repeat=2)):
        n, p = rng.integers(20, 60), rng.integers(1, 15)
        X, y, weight = table(n, p if p > 4 else p + 4, seed, noise=40.0)
        params = {"positive": positive, "fit_intercept": fit_intercept, "cv": 3, "alphas": 12}
        params["l1_ratio"] = rng.uniform(0.2, 1)
        ours = ElasticNetCV(tol=1e-10, **params).fit(X, y, weight)
        assert_same(ours, theirs(ElasticNetCV, **params).fit(X, y, weight))


def test_alpha_zero_is_chosen_with_advice():
    X, y = load_diabetes(return_X_y=True)
    with pytest.warns(UserWarning, match="alpha=0, ordinary least squares, was chosen"):
        model = LassoCV(alphas=[1e9, 0.0]).fit(X, y)
    expected = np.linalg.lstsq(X - X.mean(axis=0), y - y.mean())[0]
    assert_allclose(model.coef_, expected, rtol=1e-6)


def test_no_jobs_at_all_are_refused_for_small_data_too():
    with pytest.raises(ValueError, match="n_jobs == 0"):
        LassoCV(n_jobs=0).fit(np.eye(10), np.arange(10.0))
