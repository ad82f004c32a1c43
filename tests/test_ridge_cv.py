"""RidgeCV against scikit-learn, against refits, and by its invariances."""

import warnings

import numpy as np
import pytest
import sklearn
import sklearn.linear_model
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import get_scorer, make_scorer, max_error
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, PredefinedSplit, ShuffleSplit
from sklearn.utils.estimator_checks import parametrize_with_checks

from skreg import Ridge, RidgeCV
from skreg._solvers.filters import FILTERS
from skreg._solvers.rules import RULES
from tests.solvers.slow_spectrum import SlowSpectrum

ALPHAS = np.geomspace(0.01, 1e3, 12)
TALL, WIDE = (40, 6), (15, 30)
NOISE = 2.0
FOLDS = "the check sets cv, which goes with rule='loo' only"


def data(shape=TALL, targets=None, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=shape) + 1
    W = rng.normal(size=(shape[1], targets or 1))
    y = X @ W + NOISE * rng.normal(size=(shape[0], targets or 1))
    return X, y if targets else y[:, 0], rng.uniform(0.2, 3, shape[0])


def quietly(model, *args, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(*args, **options)


@parametrize_with_checks(
    [
        RidgeCV(),
        RidgeCV(cv=3),
        RidgeCV(alphas="auto"),
        RidgeCV(alphas=20, cv=3, choose="one_se", filter="damped_svd"),
    ]
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_scikit_learn_contract(estimator, check):
    check(estimator)


@parametrize_with_checks(
    [RidgeCV(rule="gcv")],
    expected_failed_checks=lambda _: {
        "check_sample_weight_equivalence_on_dense_data": FOLDS,
        "check_sample_weight_equivalence_on_sparse_data": FOLDS,
    },
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_scikit_learn_contract_of_rules(estimator, check):
    check(estimator)


# Leave-one-out ----------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [
    {}, {"gcv_mode": "svd"}, {"scoring": "neg_mean_absolute_error"}, {"alpha_per_target": True},
    {"alpha_per_target": True, "scoring": "r2"},
], ids=str)  # fmt: skip
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("targets", [None, 3])
@pytest.mark.parametrize("shape", [TALL, WIDE])
def test_leave_one_out_equals_scikit_learn(shape, targets, weighted, fit_intercept, options):
    X, y, weight = data(shape, targets)
    if targets is None and options.get("scoring") == "r2":
        options = {"scoring": "r2"}  # scikit-learn indexes columns that are not there
    options = options | {"fit_intercept": fit_intercept, "store_cv_results": True}
    weight = weight if weighted else None
    ours = RidgeCV(ALPHAS, **options).fit(X, y, weight)
    theirs = sklearn.linear_model.RidgeCV(ALPHAS, **options).fit(X, y, weight)
    assert_array_equal(ours.alpha_, theirs.alpha_)
    for name in ("best_score_", "coef_", "intercept_", "cv_results_"):
        ours_, theirs_ = getattr(ours, name), getattr(theirs, name)
        assert np.shape(ours_) == np.shape(theirs_), name
        assert_allclose(ours_, theirs_, rtol=1e-8, atol=1e-10, err_msg=name)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("shape", [TALL, WIDE])
def test_leave_one_out_equals_refits(shape, fit_intercept):
    X, y, weight = data(shape, 2)
    model = RidgeCV(ALPHAS, fit_intercept=fit_intercept, alpha_per_target=True)
    found = model.fit(X, y, weight).cv_results_
    errors = np.empty((len(X), len(ALPHAS), 2))
    for i in range(len(X)):
        rest = np.arange(len(X)) != i
        for a, alpha in enumerate(ALPHAS):
            one = Ridge(alpha, fit_intercept=fit_intercept).fit(X[rest], y[rest], weight[rest])
            errors[i, a] = y[i] - one.predict(X[[i]])[0]
    squares = weight[:, None, None] * errors**2
    assert_allclose(found["mean_test_score"], -squares.mean(axis=0), rtol=1e-9)
    error = squares.std(axis=0, ddof=1) / np.sqrt(len(X))
    assert_allclose(found["std_error"], error, rtol=1e-9)
    shared = RidgeCV(ALPHAS, fit_intercept=fit_intercept).fit(X, y, weight).cv_results_
    error = squares.mean(axis=2).std(axis=0, ddof=1) / np.sqrt(len(X))
    assert_allclose(shared["std_error"], error, rtol=1e-9)


def test_scorer_sees_leave_one_out_predictions_of_samples_with_weight():
    X, y, weight = data()
    weight[:5] = 0
    found = RidgeCV(ALPHAS, scoring="neg_median_absolute_error").fit(X, y, weight)
    alone = RidgeCV(ALPHAS, scoring="neg_median_absolute_error").fit(X[5:], y[5:], weight[5:])
    assert_allclose(found.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"])


def test_zero_is_no_alpha_for_leave_one_out():
    X, y, _ = data()
    with pytest.raises(ValueError, match=r"alphas\[1\] == 0.0, must be finite and > 0.0 .*cv="):
        RidgeCV([1.0, 0.0]).fit(X, y)
    zero = RidgeCV([0.0], cv=3).fit(X, y)
    assert_allclose(zero.coef_, sklearn.linear_model.LinearRegression().fit(X, y).coef_)


# Folds ------------------------------------------------------------------------------------------


SPLITTERS = {
    "int": 4,
    "shuffled": KFold(5, shuffle=True, random_state=0),
    "random": ShuffleSplit(4, test_size=0.3, train_size=0.4, random_state=0),
    "predefined": PredefinedSplit(np.repeat([-1, 0, 1, 0], [5, 3, 4, 3])),
    "masks": [(np.arange(15) > 4, np.arange(15) <= 4)],
}


@pytest.mark.parametrize("name", SPLITTERS)
@pytest.mark.parametrize("scoring", [None, "neg_mean_squared_error", "explained_variance"])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("targets", [None, 2])
@pytest.mark.parametrize("shape", [(15, 4), WIDE])
def test_folds_equal_grid_search(shape, targets, weighted, scoring, name):
    X, y, weight = data(shape, targets)
    params = {"sample_weight": weight} if weighted else {}
    cv = SPLITTERS[name]
    ours = RidgeCV(ALPHAS, cv=cv, scoring=scoring).fit(X, y, **params)
    ridge = sklearn.linear_model.Ridge(solver="svd")
    theirs = GridSearchCV(ridge, {"alpha": ALPHAS}, cv=cv, scoring=scoring).fit(X, y, **params)
    for key in ("mean_test_score", "split0_test_score"):
        assert_allclose(ours.cv_results_[key], theirs.cv_results_[key], rtol=1e-9, atol=1e-9)
    splits = theirs.n_splits_
    assert sum(key.startswith("split") for key in ours.cv_results_) == splits
    if splits > 1:
        error = theirs.cv_results_["std_test_score"] / np.sqrt(splits - 1)
        assert_allclose(ours.cv_results_["std_error"], error, rtol=1e-7)
    assert ours.alpha_ == theirs.best_params_["alpha"]
    assert_allclose(ours.best_score_, theirs.best_score_, rtol=1e-9)
    assert_allclose(ours.coef_, theirs.best_estimator_.coef_, rtol=1e-9)


@pytest.mark.parametrize("cv", [None, 3])
@pytest.mark.parametrize("alphas", [ALPHAS, "auto"], ids=["given", "auto"])
@pytest.mark.parametrize("scoring", [None, "neg_mean_absolute_error"])
def test_alpha_per_target_equals_targets_alone(cv, alphas, scoring):
    X, y, weight = data(TALL, 3)
    options = {"cv": cv, "scoring": scoring}
    model = quietly(RidgeCV(alphas, alpha_per_target=True, **options), X, y, weight)
    assert model.alpha_.shape == model.best_score_.shape == (3,)
    for k in range(3):
        alone = quietly(RidgeCV(alphas, **options), X, y[:, k], weight)
        assert_allclose(model.alpha_[k], alone.alpha_, rtol=1e-3)
        assert_allclose(model.best_score_[k], alone.best_score_, rtol=1e-6)
        assert_allclose(model.coef_[k], alone.coef_, rtol=1e-3)
        for key, value in alone.cv_results_.items():
            found = model.cv_results_[key]
            assert_allclose(found[:, k] if found.ndim == 2 else found, value, rtol=1e-8)


@pytest.mark.parametrize("scoring", [None, "neg_mean_squared_error"])
def test_weights_equal_repeated_rows_of_the_same_fold(scoring):
    X, y, _ = data()
    rng = np.random.default_rng(0)
    count = rng.integers(0, 4, len(X))
    fold = np.arange(len(X)) % 3
    weighted = RidgeCV(ALPHAS, cv=PredefinedSplit(fold), scoring=scoring).fit(X, y, count)
    repeated = RidgeCV(ALPHAS, cv=PredefinedSplit(np.repeat(fold, count)), scoring=scoring)
    repeated.fit(np.repeat(X, count, axis=0), np.repeat(y, count))
    assert_allclose(weighted.coef_, repeated.coef_, rtol=1e-9)
    for key, value in repeated.cv_results_.items():
        assert_allclose(weighted.cv_results_[key], value, rtol=1e-9)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_rules_count_rows_so_that_weights_do_not_equal_repeated_rows(fit_intercept):
    X, y, _ = data()
    options = {"rule": "gcv", "fit_intercept": fit_intercept, "store_spectrum": True}
    weighted = RidgeCV(ALPHAS, **options).fit(X, y, np.full(len(X), 2))
    repeated = RidgeCV(ALPHAS, **options).fit(np.repeat(X, 2, axis=0), np.repeat(y, 2))
    dof = weighted.spectrum_.dof(ALPHAS)  # the fits are the same, and so is what they leave over
    for name in ("dof", "residual_norm"):
        one, other = (getattr(m.spectrum_, name)(ALPHAS) for m in (weighted, repeated))
        assert_allclose(one, other, rtol=1e-9)
    factor = [n / (n - dof) ** 2 for n in (len(X), 2 * len(X))]
    scores = [model.cv_results_["score"] for model in (weighted, repeated)]
    assert_allclose(scores[0] / scores[1], factor[0] / factor[1], rtol=1e-9)


@pytest.mark.parametrize("container", [sparse.csr_array, sparse.csc_array])
@pytest.mark.parametrize("options", [{}, {"cv": 3}, {"rule": "gcv"}, {"gcv_mode": "svd"}], ids=str)
@pytest.mark.parametrize("shape", [TALL, WIDE])
def test_sparse_equals_dense(shape, options, container):
    X, y, weight = data(shape)
    X[np.abs(X) < 0.7] = 0
    dense = RidgeCV(ALPHAS, **options).fit(X, y, weight)
    found = RidgeCV(ALPHAS, **options).fit(container(X), y, weight)
    assert found.alpha_ == dense.alpha_
    assert_allclose(found.best_score_, dense.best_score_, rtol=1e-9)
    assert_allclose(found.coef_, dense.coef_, rtol=1e-9, atol=1e-12)


# Rules, filters and the choice ------------------------------------------------------------------


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("weighted", [True, False])
def test_rules_score_the_spectrum(rule, weighted):
    X, y, weight = data(TALL, 2)
    weight = weight if weighted else None
    noise = [NOISE, 1.5 * NOISE] if rule in ("upre", "discrepancy") else None
    options = {} if noise is None else {"noise_std": np.array(noise)}
    model = RidgeCV(ALPHAS, rule=rule, noise_std=noise, alpha_per_target=True)
    quietly(model, X, y, weight)
    scores = RULES[rule].score(SlowSpectrum(X, y, weight), ALPHAS, **options)
    key = "mean_test_score" if rule == "loo" else "score"
    assert_allclose(model.cv_results_[key], -scores, rtol=1e-7, atol=1e-12)
    finite = np.isfinite(scores).any(axis=0)
    assert finite.any()
    assert_array_equal(model.alpha_[finite], ALPHAS[scores.argmin(axis=0)][finite])
    assert_array_equal(model.best_score_[finite], model.cv_results_[key].max(axis=0)[finite])
    shared = quietly(RidgeCV(ALPHAS, rule=rule, noise_std=noise), X, y, weight)
    assert_allclose(shared.cv_results_[key], -scores.mean(axis=1), rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize("options", [
    {"rule": "loo"}, {"rule": "gcv"}, {"rule": "upre"}, {"rule": "evidence"}, {"cv": 4},
    {"scoring": "neg_mean_absolute_error"}, {"rule": "robust_gcv", "filter": "damped_svd"},
], ids=str)  # fmt: skip
@pytest.mark.parametrize("shape", [TALL, (30, 25)])
def test_auto_finds_a_minimum_no_worse_than_a_fine_grid(shape, options):
    X, y, _ = data(shape, seed=3)
    found = quietly(RidgeCV("auto", **options), X, y)
    assert len(found.cv_results_["alpha"]) == 100
    fine = np.geomspace(found.cv_results_["alpha"][0], found.cv_results_["alpha"][-1], 2000)
    best = quietly(RidgeCV(fine, **options), X, y)
    assert found.best_score_ >= best.best_score_ - 1e-6 * abs(best.best_score_)
    assert_allclose(found.alpha_, best.alpha_, rtol=0.05)


def test_a_number_of_alphas():
    X, y, _ = data()
    model = RidgeCV(7, rule="gcv").fit(X, y)
    alphas = model.cv_results_["alpha"]
    assert len(alphas) == 7
    assert model.alpha_ in alphas
    assert_allclose(np.diff(np.log(alphas), 2), 0, atol=1e-9)
    s = np.linalg.svd(X - X.mean(axis=0), compute_uv=False)
    assert alphas[0] < s[-1] ** 2 < s[0] ** 2 < alphas[-1]
    assert RidgeCV(5.0).fit(X, y).alpha_ == 5.0
    assert RidgeCV([5]).fit(X, y).alpha_ == 5.0


@pytest.mark.parametrize("options", [{}, {"cv": 5}, {"cv": 5, "filter": "truncated_svd"}], ids=str)
def test_one_standard_error(options):
    X, y, _ = data((60, 12), 3, seed=2)
    alphas = np.arange(1.0, 13) if "filter" in options else ALPHAS
    options = options | {"choose": "one_se", "alpha_per_target": True}
    model = RidgeCV(alphas, **options).fit(X, y)
    score, error = (model.cv_results_[key] for key in ("mean_test_score", "std_error"))
    for k in range(3):
        best = score[:, k].argmax()
        within = alphas[score[:, k] >= score[best, k] - error[best, k]]
        assert model.alpha_[k] == (within.min() if "filter" in options else within.max())
        assert model.best_score_[k] == score[alphas == model.alpha_[k], k][0]
    assert np.any(model.alpha_ != alphas[score.argmax(axis=0)])


def test_one_standard_error_of_a_range():
    X, y, _ = data((60, 12))
    model = RidgeCV("auto", choose="one_se").fit(X, y)
    given = RidgeCV(model.cv_results_["alpha"], choose="one_se").fit(X, y)
    assert model.alpha_ == given.alpha_ > RidgeCV("auto").fit(X, y).alpha_


@pytest.mark.parametrize("name", FILTERS)
def test_filters_give_the_coefficients_of_ridge(name):
    X, y, weight = data(TALL, 2)
    options = {"filter": name, "filter_order": 3}
    alphas = [1.0, 2.0, 4.0]
    model = RidgeCV(alphas, rule="gcv", alpha_per_target=True, **options).fit(X, y, weight)
    ridge = Ridge(model.alpha_, **options).fit(X, y, weight)
    assert_allclose(model.coef_, ridge.coef_, rtol=1e-10)
    assert_allclose(model.intercept_, ridge.intercept_, rtol=1e-10)


def test_own_filter():
    X, y, _ = data()
    own = quietly(RidgeCV("auto", rule="gcv", filter=lambda s, a: s**2 / (s**2 + a)), X, y)
    assert_allclose(own.alpha_, quietly(RidgeCV("auto", rule="gcv"), X, y).alpha_, rtol=1e-3)


# Data in any state ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options", [{}, {"cv": 3}, {"rule": "gcv"}, {"rule": "evidence"}], ids=str
)
@pytest.mark.parametrize(
    ("c", "d"), [(1e-150, 1), (1e150, 1), (1, 1e-200), (1, 1e200), (1e9, 1e-9)]
)
@pytest.mark.parametrize("shape", [TALL, WIDE])
def test_scaled_data_give_the_scaled_solution(shape, c, d, options):
    X, y, weight = data(shape)
    plain = quietly(RidgeCV("auto", **options), X, y, weight)
    scaled = quietly(RidgeCV("auto", **options), X * c, y * d, weight)
    assert_allclose(scaled.alpha_ / c / c, plain.alpha_, rtol=1e-3)
    assert_allclose(scaled.coef_ * c / d, plain.coef_, rtol=1e-3, atol=1e-6)
    if options.get("cv"):
        assert_allclose(scaled.best_score_, plain.best_score_, rtol=1e-8)


@pytest.mark.parametrize("rule", ["loo", "gcv", "discrepancy"])
def test_targets_out_of_range_of_their_squares(rule):
    X, y, _ = data(TALL, 2)
    noise = [NOISE, 1.1 * NOISE] if rule == "discrepancy" else None
    options = {"rule": rule, "alpha_per_target": True}
    plain = RidgeCV(ALPHAS, noise_std=noise, **options).fit(X, y)
    size = np.array([1e60, 1e-60])
    noise = None if noise is None else noise * size
    scaled = RidgeCV(ALPHAS, noise_std=noise, **options).fit(X, y * size)
    assert_array_equal(scaled.alpha_, plain.alpha_)
    assert_allclose(scaled.best_score_, plain.best_score_ * size**2, rtol=1e-9)
    for key in scaled.cv_results_.keys() - {"alpha"}:
        assert_allclose(scaled.cv_results_[key], plain.cv_results_[key] * size**2, rtol=1e-9)


def test_a_shared_alpha_heeds_the_sizes_of_the_targets():
    X, y, _ = data(TALL, 2, seed=1)
    first, second = (RidgeCV(ALPHAS).fit(X, y[:, k]).alpha_ for k in range(2))
    assert first != second
    assert RidgeCV(ALPHAS).fit(X, y * [1e60, 1]).alpha_ == first
    assert RidgeCV(ALPHAS).fit(X, y * [1, 1e60]).alpha_ == second


@settings(max_examples=25, deadline=None)
@given(
    n=st.integers(4, 25),
    p=st.integers(1, 30),
    seed=st.integers(0, 99),
    cv=st.sampled_from([None, 2]),
    weighted=st.booleans(),
)
def test_order_of_samples_and_features_does_not_matter(n, p, seed, cv, weighted):
    X, y, weight = data((n, p), seed=seed)
    rng = np.random.default_rng(seed)
    rows, columns = rng.permutation(n), rng.permutation(p)
    fold = np.arange(n) % 2
    cvs = (cv and PredefinedSplit(f) for f in (fold, fold[rows]))
    weights = (weight, weight[rows]) if weighted else (None, None)
    tables = ((X, y), (X[rows][:, columns], y[rows]))
    first, second = (
        RidgeCV(ALPHAS, cv=c).fit(*t, w) for c, t, w in zip(cvs, tables, weights, strict=True)
    )
    assert_allclose(second.best_score_, first.best_score_, rtol=1e-8, atol=1e-10)
    assert_allclose(
        second.cv_results_["mean_test_score"], first.cv_results_["mean_test_score"], rtol=1e-8
    )
    if first.alpha_ == second.alpha_:  # else two scores are equal up to rounding
        assert_allclose(second.coef_, first.coef_[columns], rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("options", [{}, {"cv": 3}, {"rule": "gcv"}, {"scoring": "r2"}], ids=str)
@pytest.mark.parametrize("shape", [TALL, WIDE])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_float32(shape, options, fit_intercept):
    X, y, weight = data(shape)
    tables = [(X.astype(t), y.astype(t), weight.astype(t)) for t in (np.float32, np.float64)]
    single, double = (
        RidgeCV(ALPHAS, fit_intercept=fit_intercept, **options).fit(*table) for table in tables
    )
    assert single.coef_.dtype == np.float32
    assert single.alpha_ == double.alpha_
    assert_allclose(single.coef_, double.coef_, rtol=1e-4, atol=1e-5)
    assert_allclose(single.best_score_, double.best_score_, rtol=1e-5)
    stored = RidgeCV(ALPHAS, store_cv_results=True).fit(*tables[0])
    assert stored.cv_results_.dtype == np.float32


def test_polynomial_of_condition_4e8_at_a_tiny_alpha():
    x = np.linspace(0, 1, 200)
    X = x[:, None] ** np.arange(1, 13)
    y = np.sin(6 * x) + 0.01 * np.random.default_rng(0).normal(size=200)
    found = RidgeCV([1e-14]).fit(X, y).best_score_
    # Leverages and residuals by QR of the stacked matrix, which keeps its digits.
    A = np.hstack([np.ones((200, 1)), X])
    Q, _ = np.linalg.qr(np.vstack([A, np.sqrt(1e-14) * np.eye(13)[1:]]))
    Q = Q[:200]
    errors = (y - Q @ (Q.T @ y)) / (1 - np.einsum("ij,ij->i", Q, Q))
    assert_allclose(found, -np.mean(errors**2), rtol=1e-6)


@pytest.mark.parametrize("options", [{}, {"cv": 3}, {"rule": "gcv"}], ids=str)
@pytest.mark.parametrize("X", [np.ones((12, 3)), sparse.csr_array((12, 3))], ids=["ones", "zeros"])
def test_constant_features_leave_the_mean(X, options):
    y = np.arange(12.0)
    model = RidgeCV(**options).fit(X, y)
    assert_array_equal(model.coef_, np.zeros(3))
    assert model.intercept_ == 5.5


def test_duplicated_columns_share_the_coefficient():
    X, y, _ = data()
    model = RidgeCV(ALPHAS, cv=3).fit(np.hstack([X, X[:, :1]]), y)
    assert_allclose(model.coef_[0], model.coef_[-1], rtol=1e-9)


def test_one_sample():
    X, y = np.array([[1.0, 2.0]]), np.array([3.0])
    with pytest.raises(ValueError, match=r"n_samples = 1 .*Use fit_intercept=False"):
        RidgeCV().fit(X, y)
    alone = RidgeCV([1.0], fit_intercept=False).fit(X, y)
    assert_allclose(alone.coef_, [0.5, 1.0])
    assert_allclose(alone.best_score_, -9)


# Errors and warnings ----------------------------------------------------------------------------


@pytest.mark.parametrize(("options", "message"), [
    ({"rule": "gcv", "cv": 3}, "rule='gcv' needs no test samples, but cv was given"),
    ({"rule": "gcv", "scoring": "r2"}, "but scoring was given"),
    ({"filter": "landweber"}, "rule='loo' is for filter='tikhonov' only, not filter='landweber'"),
    ({"rule": "evidence", "filter": "damped_svd"}, "rule='evidence' is for filter='tikhonov'"),
    ({"rule": "l_curve", "filter": "truncated_svd"}, "rule='l_curve' needs a filter"),
    ({"rule": "gcv", "choose": "one_se"}, "choose='one_se' needs .*rule='gcv'"),
    ({"scoring": "r2", "choose": "one_se"}, "choose='one_se' needs .*scoring='r2'"),
    ({"cv": ShuffleSplit(1), "choose": "one_se"}, "choose='one_se' .* has a single split"),
    ({"rule": "discrepancy"}, "rule='discrepancy' needs noise_std"),
    ({"rule": "discrepancy", "noise_std": [1.0, 2.0]}, "noise_std must be one positive number"),
    ({"rule": "upre", "noise_std": [-1.0]}, "noise_std must be one positive number"),
    ({"alphas": 1}, "alphas=1 is a number of candidates.* give 1.0"),
    ({"alphas": []}, "alphas is empty"),
    ({"alphas": [1.0, np.nan]}, r"alphas\[1\] == nan, must be finite"),
    ({"alphas": [-1.0], "cv": 3}, r"alphas\[0\] == -1.0, must be finite and >= 0.0"),
    ({"alphas": 0}, "'alphas' parameter"),
    ({"alphas": "all"}, "'alphas' parameter"),
    ({"rule": "best"}, "'rule' parameter"),
    ({"choose": "max"}, "'choose' parameter"),
    ({"noise_std": -1.0}, "'noise_std' parameter"),
    ({"cv": 40}, "cv=40 gives a test set of 1 sample, where R.2"),
    ({"cv": [(np.arange(40), np.array([], int))]}, "Split 0 of cv has no test samples"),
    ({"cv": 3, "scoring": lambda *_: "good"}, "scoring must give one number"),
])  # fmt: skip
def test_errors_name_the_parameter_and_the_way_out(options, message):
    X, y, _ = data()
    with pytest.raises(ValueError, match=message):
        RidgeCV(**options).fit(X, y)


def test_upre_estimates_the_noise_where_it_can():
    X, y, _ = data((200, 6))
    assert_allclose(
        RidgeCV(ALPHAS, rule="upre").fit(X, y).best_score_,
        RidgeCV(ALPHAS, rule="upre", noise_std=NOISE).fit(X, y).best_score_,
        atol=0.5,
    )
    with pytest.raises(ValueError, match="noise_std=None"):
        RidgeCV(ALPHAS, rule="upre").fit(*data(WIDE)[:2])


@pytest.mark.parametrize("alphas", ["auto", ALPHAS], ids=["auto", "given"])
def test_a_rule_without_an_answer_says_so(alphas):
    X, y, _ = data(TALL, 2)
    with pytest.warns(ConvergenceWarning, match="rule='discrepancy' found no answer for target 0"):
        model = RidgeCV(
            alphas, rule="discrepancy", noise_std=[1e-3, NOISE], alpha_per_target=True
        ).fit(X, y)
    assert model.alpha_[0] == model.cv_results_["alpha"][0]
    assert model.best_score_[0] == -np.inf
    assert np.isfinite(model.best_score_[1])


def test_an_edge_of_the_own_range_is_told_and_of_a_given_one_is_not():
    X, y, _ = data()
    y = y - Ridge(0).fit(X, y).predict(X)  # nothing left to be found
    for options in ({}, {"rule": "gcv"}, {"cv": 3}):
        with pytest.warns(ConvergenceWarning, match="at the largest of the alphas .* upper edge"):
            RidgeCV("auto", **options).fit(X, y)
        assert RidgeCV([1.0, 2.0], **options).fit(X, y).alpha_ == 2.0


def test_the_warning_points_at_the_caller():
    X, y, _ = data()
    with pytest.warns(ConvergenceWarning) as caught:
        RidgeCV(rule="discrepancy", noise_std=1e-3).fit(X, y)
    assert caught[0].filename == __file__


def test_scores_that_are_not_numbers_are_no_answer():
    X, y, _ = data()
    scorer = make_scorer(lambda y, z: np.nan)
    with pytest.warns(ConvergenceWarning, match="cv=3 found no answer"):
        RidgeCV(ALPHAS, cv=3, scoring=scorer).fit(X, y)
    half = make_scorer(lambda y, z: np.nan if np.ptp(z) > 6 else np.ptp(z))
    for alphas in (ALPHAS, "auto"):
        found = quietly(RidgeCV(alphas, cv=3, scoring=half), X, y)
        assert np.isfinite(found.best_score_)
        assert np.isnan(found.cv_results_["mean_test_score"]).any()


def test_equal_scores_go_to_the_first_alpha():
    X, y, _ = data()
    same = make_scorer(lambda y, z: 1.0)
    for options in ({"cv": 3}, {}):
        assert RidgeCV([3.0, 9.0, 1.0], scoring=same, **options).fit(X, y).alpha_ == 3.0


# Weights of scores and metadata -----------------------------------------------------------------


@pytest.mark.parametrize("cv", [None, 3])
def test_a_scorer_without_weights_is_named(cv):
    X, y, weight = data()
    scorer = make_scorer(max_error, greater_is_better=False)
    with pytest.warns(UserWarning, match=r"scoring=.*max_error.* takes no sample_weight"):
        RidgeCV(ALPHAS, scoring=scorer, cv=cv).fit(X, y, weight)

    def own(model, X, y):
        return -max_error(y, model.predict(X))

    with pytest.warns(UserWarning, match="takes no sample_weight"):
        RidgeCV(ALPHAS, scoring=own, cv=cv).fit(X, y, weight)


def test_groups_reach_the_splitter_and_weights_the_scorer():
    X, y, weight = data()
    groups = np.arange(len(X)) % 4
    with sklearn.config_context(enable_metadata_routing=True):
        scorer = get_scorer("neg_mean_squared_error").set_score_request(sample_weight=True)
        cv = GroupKFold(4)
        model = RidgeCV(ALPHAS, cv=cv, scoring=scorer)
        found = model.fit(X, y, sample_weight=weight, groups=groups)
        unweighted = get_scorer("neg_mean_squared_error").set_score_request(sample_weight=False)
        other = RidgeCV(ALPHAS, cv=cv, scoring=unweighted)
        other.fit(X, y, sample_weight=weight, groups=groups)
        one_out = RidgeCV(ALPHAS, scoring=scorer).fit(X, y, sample_weight=weight)
    same = RidgeCV(ALPHAS, cv=PredefinedSplit(groups), scoring="neg_mean_squared_error")
    same.fit(X, y, weight)
    assert_allclose(found.best_score_, same.best_score_, rtol=1e-9)
    assert abs(other.best_score_ - same.best_score_) > 1e-3
    plain = RidgeCV(ALPHAS, scoring="neg_mean_squared_error").fit(X, y, weight)
    assert_allclose(one_out.best_score_, plain.best_score_)
    with pytest.raises(ValueError, match="enable_metadata_routing"):
        RidgeCV(cv=GroupKFold(4)).fit(X, y, groups=groups)


# What is stored ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options", [{}, {"cv": 3}, {"rule": "gcv", "filter": "exponential"}], ids=str
)
@pytest.mark.parametrize("shape", [TALL, WIDE])
def test_stored_spectrum(shape, options):
    X, y, weight = data(shape, 2)
    y = y * 1e200
    model = RidgeCV(ALPHAS, store_spectrum=True, **options).fit(X, y, weight)
    assert_allclose(model.spectrum_.coef(model.alpha_), model.coef_, rtol=1e-8)
    assert model.spectrum_.design is None
    assert not hasattr(model.set_params(store_spectrum=False).fit(X, y, weight), "spectrum_")


def test_standard_deviations_as_ridge_gives_them():
    X, y, weight = data()
    model = RidgeCV(ALPHAS, store_spectrum=True).fit(X, y, weight)
    ridge = Ridge(model.alpha_, store_spectrum=True).fit(X, y, weight)
    assert_allclose(model.predict(X, return_std=True), ridge.predict(X, return_std=True))


def test_the_data_stay_as_they_are():
    X, y, weight = data()
    before = X.copy(), y.copy(), weight.copy()
    for cv in (None, 3):
        RidgeCV(ALPHAS, cv=cv).fit(X, y, weight)
    for now, then in zip((X, y, weight), before, strict=True):
        assert_array_equal(now, then)


def test_alphas_are_one_list_and_cv_has_splits():
    X, y = np.eye(6), np.arange(6.0)
    with pytest.raises(ValueError, match=r"alphas has shape \(2, 2\): give one list"):
        RidgeCV([[1, 2], [3, 4]]).fit(X, y)
    with pytest.raises(ValueError, match=r"cv=\[\] gives no splits"):
        RidgeCV(cv=[]).fit(X, y)


def test_squares_beyond_the_largest_number_are_infinite_without_a_warning():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 3)), rng.normal(size=20)
    model = RidgeCV(store_cv_results=True).fit(X, y * 1e200)
    assert np.isinf(model.cv_results_).any()
    np.testing.assert_allclose(model.coef_, RidgeCV().fit(X, y).coef_ * 1e200, rtol=1e-12)


def test_auto_goes_down_as_far_as_it_pays():
    X, y, _ = data((200, 5))
    y = X @ np.arange(1.0, 6) + 0.1 * y / y.std()
    model = RidgeCV("auto", rule="evidence").fit(X, y)
    grid = model.cv_results_["alpha"]
    exact = sklearn.linear_model.BayesianRidge(
        alpha_1=0, alpha_2=0, lambda_1=0, lambda_2=0, tol=1e-14, max_iter=10000
    )
    exact.fit(X, y)
    assert_allclose(model.alpha_, exact.lambda_ / exact.alpha_, rtol=1e-3)
    assert len(grid) > 100
    assert len(grid) == len(model.cv_results_["score"])
    assert np.all(np.diff(grid) > 0)
    folds = RidgeCV("auto", cv=4, choose="one_se").fit(X, y)  # and says nothing of an edge
    assert {len(v) for v in folds.cv_results_.values()} == {len(folds.cv_results_["alpha"])}
    flat = RidgeCV("auto", cv=4).fit(X, X @ np.ones(5))
    assert flat.score(X, X @ np.ones(5)) > 1 - 1e-6


def test_a_minimum_beside_what_a_rule_cannot_judge_is_an_edge():
    X, y, _ = data((200, 5))
    y = X @ np.arange(1.0, 6) + 0.1 * y / y.std()
    for alphas in ("auto", np.geomspace(1e-6, 1e8, 50)):
        with pytest.warns(ConvergenceWarning, match="quasi_optimality.* edge of their range"):
            RidgeCV(alphas, rule="quasi_optimality").fit(X, y)


def test_all_components_are_no_edge():
    X, y, _ = data((200, 5))
    y = X @ np.arange(1.0, 6) + 0.1 * y / y.std()
    assert RidgeCV("auto", filter="truncated_svd", rule="gcv").fit(X, y).alpha_ == 5


def test_parameters_of_other_rules_do_no_harm():
    X, y, _ = data(TALL)
    plain, other = RidgeCV(rule="gcv").fit(X, y), RidgeCV(rule="gcv", noise_std=3.0).fit(X, y)
    assert plain.alpha_ == other.alpha_
