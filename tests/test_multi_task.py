import warnings

import numpy as np
import pytest
import sklearn.linear_model
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.datasets import load_linnerud
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from skreg import Lasso, MultiTaskElasticNet, MultiTaskLasso
from tests.reference import multi_task_objective, multi_task_stationarity

TIGHT = {"tol": 1e-13, "max_iter": 20_000}
CLASSES = [MultiTaskLasso, MultiTaskElasticNet]
each = pytest.mark.parametrize("cls", CLASSES, ids=lambda c: c.__name__)


@parametrize_with_checks([MultiTaskLasso(), MultiTaskElasticNet()])
def test_scikit_learn_contract(estimator, check):
    check(estimator)


def problem(n=40, p=60, t=3, seed=0):
    rng = np.random.default_rng(seed)
    X, W = rng.standard_normal((n, p)), np.zeros((p, t))
    W[: min(p, 4)] = rng.standard_normal((min(p, 4), t))
    return X, X @ W + rng.standard_normal((n, t)) + 5


def violation(model, X, Y, weight=None, v=None):
    """Of the optimality conditions, in parts of alpha."""
    X = X.toarray() if sparse.issparse(X) else X
    ratio = model.l1_ratio
    args = model.coef_.T, model.intercept_, X, Y, model.alpha, ratio, weight, v
    return multi_task_stationarity(*args) / model.alpha


@pytest.mark.parametrize("seed", range(20))
def test_agreement_with_scikit_learn(seed):
    """Both dtypes, dense and sparse, with weights and without an intercept."""
    rng = np.random.default_rng(seed)
    n, p = (30, 45) if seed % 2 else (60, 9)
    X, Y = problem(n, p, t=1 + seed % 4, seed=seed)
    dtype = np.float32 if seed % 5 == 4 else np.float64
    X, Y = X.astype(dtype), Y.astype(dtype)
    if seed % 3 == 0:
        X[np.abs(X) < 0.6] = 0
    weight = rng.random(n) if seed % 4 < 2 else None
    options = {"alpha": 10 ** rng.uniform(-2, 0), "l1_ratio": [1.0, 0.7, 0.2][seed % 3]}
    options["fit_intercept"] = seed % 7 != 0
    given = sparse.csr_array(X) if seed % 3 == 0 else X
    ours = MultiTaskElasticNet(**options, tol=1e-10, max_iter=10_000).fit(given, Y, weight)
    theirs = sklearn.linear_model.MultiTaskElasticNet(
        **options, tol=1e-10 if dtype == np.float64 else 1e-6, max_iter=100_000
    ).fit(X, Y, weight)
    tol = 1e-5 if dtype == np.float64 else 5e-3
    assert_allclose(ours.coef_, theirs.coef_, atol=tol * np.abs(theirs.coef_).max() + 1e-12)
    assert_allclose(ours.intercept_, theirs.intercept_, rtol=tol)
    assert_allclose(ours.predict(given), theirs.predict(X), rtol=10 * tol, atol=10 * tol)
    assert ours.coef_.dtype == dtype
    assert_allclose(ours.eps_ / 1e-10, theirs.eps_ / theirs.tol, rtol=1e-4)
    assert ours.coef_.shape == theirs.coef_.shape
    assert np.shape(ours.intercept_) == np.shape(theirs.intercept_)


@settings(max_examples=30, deadline=None)
@given(
    st.integers(2, 30), st.integers(1, 30), st.integers(1, 4),
    st.floats(0.01, 1), st.floats(0.01, 1), st.integers(0, 10_000),
)  # fmt: skip
def test_optimality(n, p, t, alpha, l1_ratio, seed):
    X, Y = problem(n, p, t, seed)
    model = MultiTaskElasticNet(alpha=alpha, l1_ratio=l1_ratio, **TIGHT).fit(X, Y)
    assert violation(model, X, Y) < 1e-7
    assert model.dual_gap_ <= 1e-12 * np.mean((Y - Y.mean(axis=0)) ** 2) * t


@each
@pytest.mark.parametrize("shape", [(40, 60), (60, 10)])
def test_repeated_rows_are_weights(cls, shape):
    X, Y = problem(*shape)
    count = np.random.default_rng(1).integers(0, 3, len(X))
    weighted = cls(alpha=0.1, **TIGHT).fit(X, Y, sample_weight=count)
    repeated = cls(alpha=0.1, **TIGHT).fit(np.repeat(X, count, axis=0), np.repeat(Y, count, 0))
    assert_allclose(weighted.coef_, repeated.coef_, atol=1e-8)
    assert_allclose(weighted.intercept_, repeated.intercept_, atol=1e-8)
    scaled = cls(alpha=0.1, **TIGHT).fit(X, Y, sample_weight=7.5 * count)
    assert_allclose(scaled.coef_, weighted.coef_, atol=1e-8)
    equal = cls(alpha=0.1, **TIGHT).fit(X, Y, sample_weight=3.0)
    assert_array_equal(equal.coef_, cls(alpha=0.1, **TIGHT).fit(X, Y).coef_)


@pytest.mark.parametrize("layout", [np.asfortranarray, sparse.csr_array, sparse.csc_array])
@pytest.mark.parametrize("shape", [(40, 60), (60, 10)])
def test_weights_of_the_penalty(layout, shape):
    X, Y = problem(*shape)
    v = np.random.default_rng(2).choice([0.5, 2.0, np.inf], shape[1])
    v[5] = 0
    model = MultiTaskElasticNet(alpha=0.3, penalty_weights=v, **TIGHT).fit(layout(X), Y)
    assert violation(model, X, Y, v=v) < 1e-7
    assert_array_equal(model.coef_[:, np.isinf(v)], 0)
    assert model.coef_[:, 5].all()
    strong = MultiTaskElasticNet(alpha=1e6, penalty_weights=v, **TIGHT).fit(layout(X), Y)
    alone = np.linalg.lstsq(np.c_[np.ones(len(X)), X[:, 5]], Y)[0]
    assert_allclose(strong.coef_[:, 5], alone[1], rtol=1e-9)
    assert np.count_nonzero(strong.coef_) == Y.shape[1]


def test_one_column_is_the_lasso():
    X, Y = problem(t=1)
    ours = MultiTaskLasso(alpha=0.1, **TIGHT).fit(X, Y)
    assert_allclose(ours.coef_[0], Lasso(alpha=0.1, **TIGHT).fit(X, Y).coef_, atol=1e-8)
    assert ours.coef_.shape == (1, 60)
    assert ours.predict(X).shape == (40, 1)


def test_tasks_share_their_features():
    X, Y = load_linnerud(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    model = MultiTaskLasso(alpha=3.0).fit(X, Y)
    used = model.coef_ != 0
    assert_array_equal(used.all(axis=0), used.any(axis=0))
    assert 0 < used.any(axis=0).sum() < 3


@each
def test_above_the_largest_alpha_all_is_zero_at_once(cls):
    X, Y = problem()
    norms = np.linalg.norm((X - X.mean(axis=0)).T @ (Y - Y.mean(axis=0)), axis=1)
    largest = norms.max() / len(X) / (1.0 if cls is MultiTaskLasso else 0.5)
    above, below = (cls(alpha=c * largest).fit(X, Y) for c in (1.0001, 0.99))
    assert not above.coef_.any()
    assert above.n_iter_ <= 1
    assert_allclose(above.intercept_, Y.mean(axis=0))
    assert below.coef_.any()


def test_no_penalty_is_least_squares_with_advice():
    X, Y = problem(60, 8)
    with pytest.warns(UserWarning, match="alpha=0 is ordinary least squares"):
        model = MultiTaskLasso(alpha=0, **TIGHT).fit(X, Y)
    expected = sklearn.linear_model.LinearRegression().fit(X, Y)
    assert_allclose(model.coef_, expected.coef_, atol=1e-7)
    ridge = MultiTaskElasticNet(alpha=0.5, l1_ratio=0, **TIGHT).fit(X, Y)
    expected = sklearn.linear_model.Ridge(alpha=0.5 * 60).fit(X, Y)
    assert_allclose(ridge.coef_, expected.coef_, atol=1e-7)


@each
@pytest.mark.parametrize("unit", [1e-150, 1e150])
def test_huge_and_tiny_scales(cls, unit):
    X, Y = problem()
    plain = cls(alpha=0.2, l1_ratio=1.0, **TIGHT) if cls is MultiTaskElasticNet else cls(0.2)
    plain.set_params(**TIGHT).fit(X, Y)
    scaled = cls(**plain.get_params()).set_params(alpha=0.2 * unit).fit(X, Y * unit)
    assert_allclose(scaled.coef_, plain.coef_ * unit, rtol=1e-6, atol=1e-9 * unit)
    scaled.fit(X * unit, Y)
    assert_allclose(scaled.coef_ * unit, plain.coef_, rtol=1e-6, atol=1e-9)


@each
@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (6, 1)])
def test_smallest_data(cls, shape):
    X, Y = problem(*shape, t=2)
    model = cls(alpha=0.1).fit(X, Y)
    assert np.all(np.isfinite(model.coef_))
    if shape[0] == 1:
        assert_array_equal(model.coef_, 0)
        assert_allclose(model.intercept_, Y[0])


@each
def test_constant_features_and_targets(cls):
    X, Y = problem()
    X[:, 0], X[:, 1], X[:, 3] = 0, 7.1, X[:, 2]
    model = cls(alpha=0.1, **TIGHT).fit(X, Y)
    assert_array_equal(model.coef_[:, :2], 0)
    assert violation(model, X, Y) < 1e-7
    Y = np.full_like(Y, 1 / 3)
    model.fit(X, Y)
    assert_array_equal(model.coef_, 0)
    assert_allclose(model.intercept_, 1 / 3)
    assert model.dual_gap_ == 0


@each
def test_warm_start(cls):
    X, Y = problem()
    model = cls(alpha=0.2, warm_start=True, **TIGHT).fit(X, Y)
    first, sweeps = model.coef_.copy(), model.n_iter_
    model.fit(X, Y)
    assert_allclose(model.coef_, first, atol=1e-9)
    assert model.n_iter_ < sweeps
    # Other data: the old solution is a start, no more.
    X, Y = problem(seed=1)
    assert_allclose(
        model.fit(X, 1e3 * Y).coef_, cls(alpha=0.2, **TIGHT).fit(X, 1e3 * Y).coef_, atol=1e-5
    )
    with pytest.raises(ValueError, match=r"coef_ has shape \(3, 60\).*warm_start=False"):
        model.fit(X[:, :4], Y)


@each
def test_not_converged_says_the_gap_and_what_to_change(cls):
    X, Y = problem()
    with pytest.warns(ConvergenceWarning, match=r"duality gap is .* tolerance .*max_iter") as seen:
        model = cls(alpha=1e-3, tol=1e-12, max_iter=1).fit(X, Y)
    assert seen[0].filename == __file__
    assert f"{model.dual_gap_:.3g}" in str(seen[0].message)
    assert model.n_iter_ == 1
    best = cls(alpha=1e-3, **TIGHT).fit(X, Y)
    values = [
        multi_task_objective(m.coef_.T, m.intercept_, X, Y, 1e-3, m.l1_ratio)
        for m in (model, best)
    ]
    assert 0 < values[0] - values[1] <= model.dual_gap_


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"penalty_weights": [1.0, 2.0]}, r"penalty_weights has shape \(2,\)"),
        ({"penalty_weights": [-1.0] + [1.0] * 59}, r"penalty_weights\[0\] is -1.0"),
        ({"penalty_weights": [np.nan] * 60}, "penalty_weights must not be negative or NaN"),
        ({"l1_ratio": 1.1}, "'l1_ratio' parameter"),
        ({"tol": -1.0}, "'tol' parameter"),
        ({"max_iter": 0}, "'max_iter' parameter"),
        ({"selection": "best"}, "'selection' parameter"),
    ],
)
def test_bad_parameters(params, message):
    with pytest.raises(ValueError, match=message):
        MultiTaskElasticNet(**params).fit(*problem())


def test_bad_targets():
    X, Y = problem()
    with pytest.raises(ValueError, match="For mono-task outputs, use Lasso"):
        MultiTaskLasso().fit(X, Y[:, 0])
    with pytest.raises(ValueError, match="For mono-task outputs, use ElasticNet"):
        MultiTaskElasticNet().fit(X, Y[:, 0])
    with pytest.raises(TypeError, match=r"y.toarray\(\)"):
        MultiTaskLasso().fit(X, sparse.csr_array(Y))
    with pytest.raises(ValueError, match="Scale the data"):
        MultiTaskLasso(alpha=1e-300).fit(1e-200 * X, 1e200 * Y)


@each
def test_coefficients_in_sparse_form(cls):
    model = cls(alpha=0.5).fit(*problem())
    assert model.sparse_coef_.format == "csr"
    assert_array_equal(model.sparse_coef_.toarray(), model.coef_)


def test_data_are_left_alone():
    X, Y = problem()
    given = np.asfortranarray(X), Y.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        MultiTaskLasso(alpha=0.1, copy_X=False, selection="random").fit(*given)
    assert_array_equal(given[0], X)
    assert_array_equal(given[1], Y)


def test_grid_search_in_a_pipeline():
    X, Y = problem(200, 10)
    search = GridSearchCV(
        make_pipeline(StandardScaler(), MultiTaskElasticNet()),
        {"multitaskelasticnet__alpha": [1e-2, 0.1, 10.0]},
        cv=3,
    ).fit(X, Y)
    assert search.best_score_ > 0.3
    assert search.best_params_["multitaskelasticnet__alpha"] < 10


def test_an_interrupt_is_answered(interrupt_after):
    X, Y = problem(300, 1500, 20)
    endless = GridSearchCV(
        MultiTaskElasticNet(tol=0.0, max_iter=10**6),
        {"alpha": np.geomspace(1e-4, 1e-5, 500)},
    )
    interrupt_after(0.5)
    with pytest.raises(KeyboardInterrupt):
        endless.fit(X, Y)
