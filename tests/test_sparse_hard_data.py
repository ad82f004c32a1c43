"""Data on which sparse solvers stumble: none may give NaN, go on for ever, or answer wrongly."""

from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from skreg import (
    ElasticNet,
    ElasticNetCV,
    Lasso,
    MultiTaskElasticNet,
    MultiTaskLasso,
    enet_path,
    lasso_path,
)
from tests.reference import enet_objective, enet_stationarity

CONTAINERS = [np.asarray, np.asfortranarray, sparse.csc_array, sparse.csr_array]
WIDE_AND_TALL = [(30, 8), (12, 40)]


def case(n, p, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p)) * (rng.random((n, p)) < 0.7)
    return X, X[:, 0] - 2 * X[:, 1] + 0.3 * rng.standard_normal(n)


def assert_optimal(model, X, y, share=1e-7):
    """The optimality conditions, to a share of alpha."""
    w, b = model.coef_, model.intercept_
    found = enet_stationarity(w, b, X, y, model.alpha, model.l1_ratio, positive=model.positive)
    assert found <= share * model.alpha


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("shape", WIDE_AND_TALL)
def test_zero_constant_and_repeated_columns(container, shape):
    X, y = case(*shape)
    X[:, 2], X[:, 3], X[:, 4], X[:, 5] = 0, 1 / 3, X[:, 0], -X[:, 1]
    for params in ({}, {"positive": True}, {"alpha": 1e-3}, {"alpha": 10.0}):
        model = Lasso(**({"alpha": 0.1, "tol": 1e-12} | params)).fit(container(X), y)
        assert_array_equal(model.coef_[[2, 3]], 0)
        assert_optimal(model, X, y)


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("shape", WIDE_AND_TALL)
def test_perfectly_collinear_columns(container, shape):
    X, y = case(*shape)
    X[:, 4:7] = X[:, :3] @ [[1.0, 2.0, 0.5], [1.0, 0.0, 0.5], [0.0, 1.0, 0.5]]
    for alpha in (1e-4, 1e-2, 0.3):
        assert_optimal(Lasso(alpha=alpha, tol=1e-13).fit(container(X), y), X, y)


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("value", [0.0, 0.1, -3e7])
def test_a_constant_target_has_no_coefficients(container, value):
    X, _ = case(30, 8)
    model = ElasticNet(alpha=1e-6).fit(container(X), np.full(30, value))
    assert_array_equal(model.coef_, 0)
    assert model.intercept_ == value
    assert model.dual_gap_ == 0


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("shape", WIDE_AND_TALL)
def test_above_the_largest_alpha_there_is_nothing_to_do(container, shape):
    X, y = case(*shape)
    largest = np.abs((X - X.mean(axis=0)).T @ y).max() / len(y)
    for factor in (1 + 1e-9, 2, 1e300):
        model = Lasso(alpha=factor * largest, tol=1e-13).fit(container(X), y)
        assert_array_equal(model.coef_, 0)
        assert model.n_iter_ <= 1
    assert np.count_nonzero(Lasso(alpha=0.999 * largest, tol=1e-13).fit(container(X), y).coef_)


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("shape", WIDE_AND_TALL)
def test_alpha_zero_is_least_squares(container, shape):
    X, y = case(*shape)
    with pytest.warns(UserWarning, match="alpha=0 is ordinary least squares"):
        model = Lasso(alpha=0, tol=1e-12, max_iter=100_000).fit(container(X), y)
    residual = y - model.predict(X)
    assert np.max(np.abs(X.T @ residual)) <= 1e-5 * np.linalg.norm(y) * np.linalg.norm(X)


@pytest.mark.parametrize("container", CONTAINERS)
def test_one_row_and_one_column(container):
    one = Lasso(alpha=0.1).fit(container([[1.0]]), [2.0])
    assert_array_equal(one.coef_, 0)
    assert one.intercept_ == 2
    row = Lasso(alpha=0.1, fit_intercept=False).fit(container([[1.0, 2.0]]), [2.0])
    assert_allclose(row.coef_, [0, 0.975])  # 2 (2 - 2 w) = 0.1
    X, y = case(30, 8)
    X = X[:, :1]
    column = Lasso(alpha=0.1, tol=1e-12).fit(container(X), y)
    centred = (X - X.mean())[:, 0]
    expected = np.sign(centred @ y) * (abs(centred @ y) - 3) / (centred @ centred)
    assert_allclose(column.coef_, [expected])
    assert one.predict([[5.0]]) == [2.0]


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("scale", [1e-150, 1e-30, 1e30, 1e150])
def test_scales_of_data(container, scale):
    X, y = case(12, 40)
    base = Lasso(alpha=0.05, tol=1e-12).fit(X, y)
    of_y = Lasso(alpha=0.05 * scale, tol=1e-12).fit(container(X), y * scale)
    assert_allclose(of_y.coef_ / scale, base.coef_, atol=1e-8)
    of_X = Lasso(alpha=0.05 * scale, tol=1e-12).fit(container(X * scale), y)
    assert_allclose(of_X.coef_ * scale, base.coef_, atol=1e-8)


@pytest.mark.parametrize("scale", [1e30, 1e150])
def test_squares_that_units_make_negligible(scale):
    # The L2 penalty of X * scale has 1 / scale of the share that it has for X: what remains is a
    # lasso, to be certified as one. A product may exceed l1 by rounding; its conjugate would not.
    X, y = case(60, 12)
    alphas, coefs, gaps = enet_path(X * scale, y, l1_ratio=0.5, alphas=30)
    assert np.max(gaps) <= 1e-4 * np.mean(y**2)
    for alpha, coef in zip(alphas[[5, 29]], coefs.T[[5, 29]], strict=True):
        lasso = Lasso(alpha=0.5 * alpha / scale, fit_intercept=False, tol=1e-13).fit(X, y)
        assert_allclose(coef * scale, lasso.coef_, atol=1e-6)
    assert ElasticNetCV(alphas=30).fit(X * scale, y).dual_gap_ <= 1e-4 * np.var(y)
    Y = np.column_stack([y, y[::-1]])
    tasks = MultiTaskElasticNet(alpha=0.05 * scale).fit(X * scale, Y)
    lasso = MultiTaskLasso(alpha=0.025, tol=1e-12).fit(X, Y)
    assert_allclose(tasks.coef_ * scale, lasso.coef_, atol=1e-2)
    assert tasks.n_iter_ < 100


def test_where_rounding_ends_a_fit_more_sweeps_are_no_advice():
    X, y = case(60, 12)
    X = X * np.logspace(-20, 20, 12)  # products with the largest columns are all rounding
    for fit in (Lasso(alpha=0.05).fit, partial(lasso_path, alphas=[0.05])):
        with pytest.warns(ConvergenceWarning, match="duality gap is .*scale the features") as said:
            fit(X, y)
        assert "max_iter" not in str(said[0].message)


@pytest.mark.parametrize("fit", [Lasso().fit, lasso_path])
def test_what_overflows_is_said(fit):
    X, y = case(30, 8)
    with pytest.raises(ValueError, match="too large for float64"):
        fit(X, y * 1e300)


@pytest.mark.parametrize("container", CONTAINERS)
def test_columns_of_very_unlike_scales(container):
    X, y = case(30, 8)
    factors = 10.0 ** np.array([0, 3, -3, 6, -6, 2, 1, -1])
    weights = factors  # the lasso of scaled columns
    base = Lasso(alpha=0.05, tol=1e-13).fit(X, y)
    model = Lasso(alpha=0.05, tol=1e-13, penalty_weights=weights).fit(container(X * factors), y)
    assert_allclose(model.coef_ * factors, base.coef_, atol=1e-7)


@pytest.mark.parametrize("container", CONTAINERS[:2])  # nothing is sparse about large means
def test_large_means_cost_no_digits(container):
    X, y = case(30, 8)
    base = Lasso(alpha=0.05, tol=1e-13).fit(X, y)
    model = Lasso(alpha=0.05, tol=1e-13).fit(container(X + 1e6), y + 1e6)
    assert_allclose(model.coef_, base.coef_, atol=1e-6)


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("shape", WIDE_AND_TALL)
@pytest.mark.parametrize("alpha", [0.1, 1e-3])
def test_means_of_whose_products_no_digit_is_left(container, shape, alpha):
    X, y = case(*shape)
    X = np.round(256 * X) / 256  # so that 2^30 takes no digits from X itself
    base = Lasso(alpha=alpha, tol=1e-13).fit(X, y)
    model = Lasso(alpha=alpha, tol=1e-13).fit(container(X + 2.0**30), y)
    assert_allclose(model.coef_, base.coef_, atol=1e-9)


@pytest.mark.parametrize("seed", range(10))
def test_warm_starts_forget_other_data(seed):
    X, y = case(*WIDE_AND_TALL[seed % 2], seed=seed)
    rng = np.random.default_rng(seed)
    model = Lasso(alpha=0.1, warm_start=True, tol=1e-10)
    for alpha in (1e-3, 0.5, 0.5 * (1 + 1e-7), 1e-2, 1e3, 0.1):
        other = y + rng.standard_normal(len(y))
        model.set_params(alpha=alpha).fit(X, other)
        cold = Lasso(alpha=alpha, tol=1e-10).fit(X, other)
        reached, best = (
            enet_objective(m.coef_, m.intercept_, X, other, alpha, 1.0) for m in (model, cold)
        )
        assert reached <= best + 1e-9 * np.var(other)


def test_a_warm_start_at_the_solution_ends_at_once():
    X, y = case(30, 8)
    model = Lasso(alpha=0.05, tol=1e-8, warm_start=True).fit(X, y)
    assert model.n_iter_ > 0
    before = model.coef_.copy()
    assert model.fit(X, y).n_iter_ <= 1
    assert_allclose(model.coef_, before, rtol=1e-8)


def test_rows_of_weight_zero_are_not_there():
    X, y = case(30, 8)
    weight = np.r_[np.zeros(10), np.ones(20)]
    spoiled = X.copy()
    spoiled[:10] = 1e8
    model = Lasso(alpha=0.05, tol=1e-12).fit(spoiled, y, weight)
    without = Lasso(alpha=0.05, tol=1e-12).fit(X[10:], y[10:])
    assert_allclose(model.coef_, without.coef_, atol=1e-8)
    one = Lasso(alpha=0.05).fit(X, y, np.r_[1.0, np.zeros(29)])
    assert_array_equal(one.coef_, 0)
    assert_allclose(one.intercept_, y[0])


@pytest.mark.parametrize("order", [1, -1])
def test_a_path_in_any_order_is_the_same(order):
    X, y = case(12, 40)
    given = np.geomspace(1, 1e-3, 12)[::order]
    alphas, coefs, _ = lasso_path(X, y, alphas=given, tol=1e-12)
    assert_array_equal(alphas, np.geomspace(1, 1e-3, 12))
    for k in (0, 5, 11):
        fit = Lasso(alpha=alphas[k], fit_intercept=False, tol=1e-12).fit(X, y)
        assert_allclose(coefs[:, k], fit.coef_, atol=1e-7)


@pytest.mark.parametrize("unit", [1e-120, 1e-40, 1e-10, 1e30])
@pytest.mark.parametrize(
    "params", [{}, {"positive": True}, {"lower": -np.inf, "upper": 0.0}, {"n_targets": 3}]
)
def test_gaps_of_an_elastic_net_in_any_unit_of_y(unit, params):
    # In a small unit of y the squares of the penalty are tiny beside its norms; an excess of
    # products by rounding, squared and divided by them, must not pass for a gap.
    X, y = case(30, 8)
    options = {"l1_ratio": 0.5, "alphas": 20, "tol": 1e-11, "max_iter": 200} | params
    Y = (y[:, None] + np.arange(options.pop("n_targets", 1)) * X[:, [3]]).squeeze() * unit
    _, coefs, gaps = enet_path(X, Y, **options)
    assert np.any(coefs[..., -1] != 0)
    assert np.all(gaps <= 1e-11 * np.vdot(Y, Y) / 30)


@pytest.mark.parametrize("container", [np.asarray, sparse.csc_array])
def test_the_gap_of_unpenalized_features_does_not_depend_on_units(container):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((50, 8)) * np.array([1e6, 1e-6, 1, 1, 1, 1, 1e-6, 1e6])
    y = X[:, 0] * 1e-6 + X[:, 1] * 1e6 + rng.standard_normal(50)
    v = np.array([0.0, 0, 1, 1, 1, 0, 1, 1])
    model = Lasso(alpha=0.1, tol=1e-12, penalty_weights=v).fit(container(X), y)
    assert model.dual_gap_ < 1e-12 * np.var(y)


def test_paths_where_unpenalized_features_fit_all():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((30, 5)) @ rng.standard_normal((5, 12))
    y = X[:, 0] + X[:, 3]
    v = np.r_[np.zeros(7), np.ones(5)]
    _, coefs, gaps = lasso_path(X, y, alphas=5, penalty_weights=v)
    assert_allclose(X @ coefs, np.column_stack([y] * coefs.shape[1]), atol=1e-8)
    assert np.all(gaps < 1e-12)
