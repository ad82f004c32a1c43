"""The constrained form: max_l1_norm of Lasso and ElasticNet."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from skreg import ElasticNet, Lasso

TIGHT = {"tol": 1e-11, "max_iter": 20_000}


def case(seed, n=50, p=8):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p)) + rng.standard_normal((n, 1)) + 1
    return X, X[:, :4] @ [2.0, -3.0, 1.0, 0.5] + rng.standard_normal(n)


def norm(model, weights=1.0):
    return np.sum(weights * np.abs(model.coef_), axis=-1)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 500), st.floats(0.02, 0.98), st.sampled_from([0.0, 1e-3]))
def test_the_norm_of_a_lasso_leads_back_to_its_alpha(seed, share, alpha):
    X, y = case(seed)
    largest = np.abs((X - X.mean(axis=0)).T @ y).max() / len(y)
    lasso = Lasso(alpha=share * largest, **TIGHT).fit(X, y)
    found = Lasso(alpha=alpha, max_l1_norm=norm(lasso), **TIGHT).fit(X, y)
    assert_allclose(found.alpha_, lasso.alpha, rtol=1e-8)
    assert_allclose(found.coef_, lasso.coef_, atol=1e-8)
    assert_allclose(norm(found), norm(lasso), rtol=1.01e-10)


@pytest.mark.parametrize("seed", range(12))
def test_the_bound_holds_with_equality_and_alpha_is_its_price(seed):
    X, y = case(seed, *((50, 8), (20, 40))[seed % 2])
    X = sparse.csc_array(X) if seed % 3 == 2 else X
    weights = np.random.default_rng(seed).uniform(0.2, 2, X.shape[1])
    weights[:2] = 0.0, np.inf
    finite = np.where(np.isinf(weights), 0, weights)
    params = {"l1_ratio": (1.0, 0.7)[seed // 6], "penalty_weights": weights, "lower": -0.8}
    bound = 0.6 * norm(ElasticNet(alpha=1e-3, **params, **TIGHT).fit(X, y), finite)
    model = ElasticNet(alpha=1e-3, max_l1_norm=bound, **params, **TIGHT).fit(X, y)
    assert_allclose(norm(model, finite), bound, rtol=1.01e-10)
    assert model.alpha_ > 1e-3
    assert isinstance(model.alpha_, float)
    again = ElasticNet(alpha=model.alpha_, **params, **TIGHT).fit(X, y)
    assert_allclose(again.coef_, model.coef_, atol=1e-8)


def test_no_feasible_point_is_better():
    X, y = case(1)
    model = Lasso(alpha=0, max_l1_norm=2.0, **TIGHT).fit(X, y)
    best = np.mean((y - model.predict(X)) ** 2)
    rng = np.random.default_rng(0)
    for size in (1e-3, 1e-1, 1.0):
        for _ in range(200):
            w = model.coef_ + size * rng.standard_normal(8)
            w *= min(1, 2.0 / np.abs(w).sum())
            assert np.var(y - X @ w) >= best * (1 - 1e-12)
    shrunk = 0.999 * model.coef_
    assert np.var(y - X @ shrunk) > best


def test_known_answer_on_orthonormal_columns():
    Q, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((50, 3)))
    X = Q * np.sqrt(50)
    y = X @ [3.0, -2.0, 0.5]
    model = Lasso(alpha=0, max_l1_norm=3.0, fit_intercept=False, **TIGHT).fit(X, y)
    assert_allclose(model.coef_, [2.0, -1.0, 0.0], atol=1e-9)
    assert_allclose(model.alpha_, 1.0)


def test_a_bound_that_alpha_keeps_changes_nothing():
    X, y = case(2)
    lasso = Lasso(alpha=0.1, **TIGHT).fit(X, y)
    for factor in (1 + 1e-9, 2, 1e10):
        bounded = Lasso(alpha=0.1, max_l1_norm=factor * norm(lasso), **TIGHT).fit(X, y)
        assert bounded.alpha_ == lasso.alpha_ == 0.1
        assert_allclose(bounded.coef_, lasso.coef_, atol=1e-9)
    least_squares = Lasso(alpha=0, max_l1_norm=1e3, **TIGHT).fit(X, y)
    assert least_squares.alpha_ == 0
    centred = X - X.mean(axis=0)
    assert_allclose(least_squares.coef_, np.linalg.lstsq(centred, y)[0], rtol=1e-6)


def test_no_norm_means_no_coefficients():
    X, y = case(3)
    model = Lasso(alpha=0, max_l1_norm=0).fit(X, y)
    assert_array_equal(model.coef_, 0)
    largest = np.abs((X - X.mean(axis=0)).T @ y).max() / len(y)
    assert_allclose(model.alpha_, largest)
    free = Lasso(alpha=0, max_l1_norm=0, penalty_weights=[0] + [1] * 7, **TIGHT).fit(X, y)
    assert_array_equal(free.coef_[1:], 0)
    assert free.coef_[0] != 0
    least = Lasso(alpha=0, max_l1_norm=0.5, lower=[0.5] + [-np.inf] * 7).fit(X, y)
    assert_array_equal(least.coef_, [0.5] + [0] * 7)


def test_each_target_has_its_alpha():
    X, y = case(4)
    Y = np.column_stack([y, 5 * y, -0.1 * y])
    model = Lasso(alpha=1e-3, max_l1_norm=[1.0, 2.0, 50.0], **TIGHT).fit(X, Y)
    assert_allclose(norm(model)[:2], [1.0, 2.0], rtol=1.01e-10)
    assert model.alpha_.shape == (3,)
    assert model.alpha_[2] == 1e-3
    for k, bound in enumerate([1.0, 2.0, 50.0]):
        alone = Lasso(alpha=1e-3, max_l1_norm=bound, **TIGHT).fit(X, Y[:, k])
        assert_allclose(alone.alpha_, model.alpha_[k], rtol=1e-8)
        assert_allclose(alone.coef_, model.coef_[k], atol=1e-9)
    assert np.shape(Lasso(max_l1_norm=1.0).fit(X, Y).alpha_) == (3,)
    assert isinstance(Lasso().fit(X, Y).alpha_, float)


def test_alpha_zero_with_a_bound_needs_no_advice():
    X, y = case(5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Lasso(alpha=0, max_l1_norm=1.0).fit(X, y)
    with pytest.warns(UserWarning, match="alpha=0 is ordinary least squares"):
        Lasso(alpha=0, tol=1e-3).fit(X, y)


@pytest.mark.parametrize("scale", [1e-150, 1e-20, 1e20, 1e150])
def test_scales_do_not_matter(scale):
    X, y = case(6)
    base = Lasso(alpha=0, max_l1_norm=1.5, **TIGHT).fit(X, y)
    model = Lasso(alpha=0, max_l1_norm=1.5 * scale, **TIGHT).fit(X, y * scale)
    assert_allclose(model.coef_ / scale, base.coef_, atol=1e-8)
    assert_allclose(model.alpha_ / scale, base.alpha_, rtol=1e-8)
    model = Lasso(alpha=0, max_l1_norm=1.5 / scale, **TIGHT).fit(X * scale, y)
    assert_allclose(model.coef_ * scale, base.coef_, atol=1e-8)


def test_duplicated_columns_share_a_norm():
    X, y = case(7)
    twice = np.column_stack([X, X, np.zeros(len(y))])
    base = Lasso(alpha=0, max_l1_norm=2.0, **TIGHT).fit(X, y)
    model = Lasso(alpha=0, max_l1_norm=2.0, **TIGHT).fit(twice, y)
    assert_allclose(model.alpha_, base.alpha_, rtol=1e-8)
    assert_allclose(model.coef_[:8] + model.coef_[8:16], base.coef_, atol=1e-8)
    assert model.coef_[16] == 0


def test_float32_data_keep_the_bound():
    X, y = case(8)
    model = Lasso(alpha=1e-3, max_l1_norm=1.0).fit(X.astype(np.float32), y.astype(np.float32))
    assert model.coef_.dtype == np.float32
    assert_allclose(norm(model), 1.0, rtol=1e-6)
    assert_allclose(model.coef_, Lasso(alpha=1e-3, max_l1_norm=1.0).fit(X, y).coef_, atol=1e-5)
