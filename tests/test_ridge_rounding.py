"""What rounding of means, units and eigenvalues must not do to ridge and its choice of alpha."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.linalg import LinAlgWarning
from sklearn.linear_model import LinearRegression

from skreg import Ridge, RidgeCV
from skreg._solvers import dual_leave_one_out
from skreg._solvers.design import defer
from skreg._solvers.dual_leave_one_out import dual_pays
from skreg._solvers.factorization import frame_of
from skreg._solvers.filters import tikhonov


def left_out(X, y, alpha, weight=None):
    """Weighted mean squared error of refits without each sample, in float64."""
    X, y = X.astype(np.float64), y.astype(np.float64)
    weight = np.ones(len(y)) if weight is None else weight
    errors = []
    for i in range(len(y)):
        rest = np.delete(np.arange(len(y)), i)
        fit = Ridge(alpha, solver="svd").fit(X[rest] - X[rest].mean(axis=0), y[rest], weight[rest])
        errors.append(y[i] - fit.predict(X[i : i + 1] - X[rest].mean(axis=0))[0])
    return np.mean(weight * np.square(errors))


# Means


@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("options", [{}, {"gcv_mode": "svd"}, {"store_spectrum": True}])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_rounding_of_means_is_no_feature(options, weighted, dtype):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, size=(20, 30)).astype(dtype) + 1000
    X[-1] = X[0]
    y = (X[:, 0] / 100 + rng.normal(size=20)).astype(dtype)
    weight = np.arange(1.0, 21) if weighted else None
    model = RidgeCV([1e-1, 10.0], **options).fit(X, y, weight)
    expected = [left_out(X, y, alpha, weight) for alpha in (1e-1, 10.0)]
    assert_allclose(-model.cv_results_["mean_test_score"], expected, rtol=1e-5)


def test_least_squares_beside_large_means_have_minimum_norm():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(65, 80)) + 100, rng.normal(size=65)
    X[60:] = X[:5]
    with pytest.warns(LinAlgWarning, match="rank 59 of 80"):
        model = Ridge(0.0).fit(X, y)
    assert_allclose(model.coef_, LinearRegression().fit(X, y).coef_, rtol=1e-6, atol=1e-9)
    a, b = rng.integers(0, 10**6, size=(2, 100)).astype(float)
    X = np.column_stack([a, b, a + b])
    with pytest.warns(LinAlgWarning, match="rank 2 of 3"):
        tall = Ridge(0.0).fit(X, a + y[0])
    assert_allclose(tall.coef_, LinearRegression().fit(X, a + y[0]).coef_, atol=1e-9)


@pytest.mark.parametrize("shape", [(20, 19), (30, 8), (12, 25)])
def test_float32_is_summed_and_centred_in_float64(shape):
    rng = np.random.default_rng(1)
    X = (rng.normal(size=shape) + 1e4).astype(np.float32)
    y = (X[:, 0] - 1e4 + rng.normal(size=shape[0])).astype(np.float32)
    alphas = [1e-4, 1.0]
    single, double = (RidgeCV(alphas).fit(X.astype(t), y.astype(t)) for t in ("f4", "f8"))
    scores = [m.cv_results_["mean_test_score"] for m in (single, double)]
    assert_allclose(scores[0], scores[1], rtol=1e-6)
    assert single.coef_.dtype == np.asarray(single.intercept_).dtype == np.float32
    identity = np.eye(30, dtype=np.float32)
    y = rng.normal(size=30).astype(np.float32)
    found, expected = (RidgeCV([1e-6]).fit(identity.astype(t), y) for t in ("f4", "f8"))
    assert_allclose(found.best_score_, expected.best_score_, rtol=1e-6)


# Eigenvalues


def test_what_a_large_penalty_lets_through_is_not_cut_off():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(50, 60)) + 1e6, rng.normal(size=50)
    alpha = 1e-6 * np.linalg.norm(X) ** 2
    expected = Ridge(alpha, fit_intercept=False, solver="svd").fit(X, y).coef_
    for model in (
        RidgeCV([alpha], fit_intercept=False),
        Ridge(alpha, fit_intercept=False, max_norm=1e9),
    ):
        assert_allclose(model.fit(X, y).coef_, expected, atol=1e-8 * np.abs(expected).max())
    X = rng.normal(size=(1000, 3)) * [1e9, 1, 1]
    expected = Ridge(1e14, solver="svd").fit(X, X[:, 1]).coef_
    for model in (RidgeCV([1e14]), Ridge(1e14, max_norm=1e9)):
        assert_allclose(model.fit(X, X[:, 1]).coef_, expected, rtol=1e-8)


# Units


@pytest.mark.parametrize("units", [(2.0**300, 1.0), (1e-145, 1e20), (1e-140, 1e38), (1e150, 1e-9)])
@pytest.mark.parametrize("cv", [None, 3])
def test_scores_do_not_depend_on_units(monkeypatch, cv, units):
    monkeypatch.setattr(dual_leave_one_out, "SMALL_FACTORIZATION", 0)
    of_X, of_y = units
    X = np.linspace(0, 1, 40)[:, None] ** np.arange(1, 46)  # of condition 1e17
    y = np.sin(9 * X[:, 0]) + np.random.default_rng(0).normal(size=40)
    alphas = np.array([1e-12, 1e-2])
    plain = RidgeCV(alphas, cv=cv).fit(X, y)
    with np.errstate(over="ignore"):
        other = RidgeCV(alphas * of_X**2, cv=cv).fit(X * of_X, y * of_y)
    unit = of_y**2 if cv is None else 1.0
    expected = plain.cv_results_["mean_test_score"]
    assert_allclose(other.cv_results_["mean_test_score"] / unit, expected, rtol=1e-5)
    assert_allclose(other.coef_ * of_X / of_y, plain.coef_, rtol=1e-5, atol=1e-6)


def test_a_sample_with_nearly_all_the_weight_is_left_to_eigenvectors():
    rng = np.random.default_rng(0)
    X, y, weight = rng.normal(size=(800, 900)), rng.normal(size=(800, 1)), np.ones(800)
    for heavy, pays in ((100.0, True), (1e6, False)):
        weight[0] = heavy
        frame = frame_of(defer(X, y, weight), tikhonov)
        assert dual_pays(frame, np.ones(3)) is pays


def test_no_warning_is_left_over_from_extreme_units():
    X, y = np.eye(9) * 1e-150, np.arange(9.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = RidgeCV([1e-300, 1e-299]).fit(X, y)
    assert_allclose(model.coef_ * 1e-150, RidgeCV([1.0, 10.0]).fit(np.eye(9), y).coef_, atol=1e-9)


@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize("penalty", [None, "second"])
def test_a_penalty_makes_the_digits_of_float32_data_count(penalty, stored):
    rng = np.random.default_rng(0)
    raw = np.cumsum(rng.normal(size=(80, 100)), axis=1)
    y = raw[:, 30:50].mean(axis=1) + rng.normal(size=80)
    model = Ridge(0.01, penalty_matrix=penalty, store_spectrum=stored)
    single = model.fit(raw.astype(np.float32), y).coef_
    double = model.fit(raw.astype(np.float32).astype(np.float64), y).coef_
    assert_allclose(single, double, atol=1e-5 * np.abs(double).max())
