"""Weights, bounds and the norm of coefficients: Lasso and ElasticNet beyond scikit-learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone

from skreg import ElasticNet, Lasso, Ridge
from skreg._sparse_parameters import alpha_grid, check_penalty, row_weights
from tests.reference import bounded_enet, bounded_enet_violation

CONTAINERS = [np.asarray, np.asfortranarray, sparse.csc_array, sparse.csr_array]


def bounded_case(seed):
    """Data, weights of rows, and the parameters of a fit with weights and bounds of features."""
    rng = np.random.default_rng(seed)
    n, p = (25, 40) if seed % 3 == 2 else (60, 12)
    X = rng.standard_normal((n, p)) * (rng.random((n, p)) < 0.6) + rng.standard_normal(p)
    y = X[:, :5] @ [3.0, -2.0, 1.5, 1.0, -1.0] + rng.standard_normal(n) + 2
    weights = rng.choice([0.0, 0.3, 1.0, 4.0, np.inf], p, p=[0.1, 0.2, 0.4, 0.2, 0.1])
    lower = rng.choice([-np.inf, -1.0, -0.05, 0.0, 0.2], p)
    upper = np.maximum(lower, rng.choice([np.inf, 1.0, 0.05, 0.0, -0.2], p))
    lower, upper = (np.where(np.isinf(weights), side, b) for side, b in ((-1, lower), (1, upper)))
    params = {
        "alpha": (0.02, 0.1, 0.5)[seed % 3],
        "l1_ratio": (1.0, 0.5, 0.8, 0.0)[seed % 4],
        "fit_intercept": seed % 5 != 0,
        "penalty_weights": weights,
        "lower": lower,
        "upper": upper,
    }
    return X, y, rng.integers(0, 4, n).astype(float) if seed % 2 else None, params


def solver_scale(X, y, weight, params):
    """The arguments of `bounded_enet` that stand for a fit."""
    n = len(y)
    weight = np.ones(n) if weight is None else weight * n / weight.sum()
    if params["fit_intercept"]:
        X, y = X - weight @ X / n, y - weight @ y / n
    root = np.sqrt(weight)
    v = params["penalty_weights"]
    l1 = np.full(len(v), np.inf)
    l2 = np.zeros(len(v))
    here = np.isfinite(v)
    l1[here] = n * params["alpha"] * params["l1_ratio"] * v[here]
    l2[here] = n * params["alpha"] * (1 - params["l1_ratio"]) * v[here]
    return root[:, None] * X, root * y, l1, l2, params["lower"], params["upper"]


@pytest.mark.parametrize("seed", range(40))
def test_weights_and_bounds_meet_the_optimality_conditions(seed):
    X, y, weight, params = bounded_case(seed)
    container = CONTAINERS[seed % 4]
    model = ElasticNet(tol=1e-11, max_iter=20_000, **params).fit(container(X), y, weight)
    problem = solver_scale(X, y, weight, params)
    scale = len(y) * params["alpha"]
    assert bounded_enet_violation(model.coef_, *problem) <= 1e-7 * scale
    if X.shape[0] > X.shape[1]:  # else the solution may not be unique
        slow = bounded_enet(*problem)
        assert bounded_enet_violation(slow, *problem) <= 1e-7 * scale
        assert_allclose(model.coef_, slow, atol=1e-6)
    assert 0 <= model.dual_gap_ <= 1e-11 * np.mean(y**2)


def test_the_violation_sees_a_wrong_coefficient():
    X, y, weight, params = bounded_case(1)
    problem = solver_scale(X, y, weight, params)
    slow = bounded_enet(*problem)
    for j in np.flatnonzero(params["lower"] < params["upper"]):
        wrong = slow.copy()
        inside = np.clip([slow[j] - 1e-3, slow[j] + 1e-3], params["lower"][j], params["upper"][j])
        wrong[j] = inside[np.argmax(np.abs(inside - slow[j]))]
        assert bounded_enet_violation(wrong, *problem) > 1e-5


@pytest.mark.parametrize("container", CONTAINERS)
def test_an_infinite_weight_drops_the_column(container):
    X, y, weight, _ = bounded_case(1)
    keep = np.arange(X.shape[1]) % 3 != 1
    model = ElasticNet(alpha=0.1, tol=1e-11, penalty_weights=np.where(keep, 1.0, np.inf))
    without = clone(model).set_params(penalty_weights=None)
    found = model.fit(container(X), y, weight)
    expected = without.fit(container(X[:, keep]), y, weight)
    assert_array_equal(found.coef_[~keep], 0)
    assert_allclose(found.coef_[keep], expected.coef_, atol=1e-10)


def test_a_weight_of_zero_leaves_a_feature_to_least_squares():
    X, y, _, _ = bounded_case(0)
    free = X[:, :2]
    basis = np.linalg.qr(np.column_stack([np.ones(len(y)), free]))[0]
    rest = X[:, 2:] - basis @ (basis.T @ X[:, 2:])
    weights = np.r_[0, 0, np.ones(X.shape[1] - 2)]
    model = Lasso(alpha=0.1, tol=1e-11, penalty_weights=weights).fit(X, y)
    partial = Lasso(alpha=0.1, tol=1e-11).fit(rest, y - basis @ (basis.T @ y))
    assert_allclose(model.coef_[2:], partial.coef_, atol=1e-9)
    assert np.max(np.abs(free.T @ (y - model.predict(X)))) < 1e-8
    alone = Lasso(alpha=1e3, tol=1e-11, penalty_weights=weights).fit(X, y)
    assert_array_equal(alone.coef_[2:], 0)
    assert_allclose(alone.coef_[:2], Ridge(alpha=0).fit(free, y).coef_, rtol=1e-8)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 500), st.floats(-2, 2))
def test_weights_of_the_lasso_are_scales_of_columns(seed, log_factor):
    X, y, weight, _ = bounded_case(3 * (seed // 3))
    v = 10 ** np.random.default_rng(seed).uniform(-1, 1, X.shape[1])
    weighted = Lasso(alpha=0.05, tol=1e-11, penalty_weights=v).fit(X, y, weight)
    scaled = Lasso(alpha=0.05, tol=1e-11).fit(X / v, y, weight)
    assert_allclose(weighted.coef_ * v, scaled.coef_, atol=1e-8)
    # They are not rescaled: a common factor is one of alpha.
    c = 10**log_factor
    again = Lasso(alpha=0.05 / c, tol=1e-11, penalty_weights=c * v).fit(X, y, weight)
    assert_allclose(again.coef_, weighted.coef_, atol=1e-8)


def test_bounds_that_others_express():
    X, y, weight, _ = bounded_case(1)
    fit = {"alpha": 0.05, "tol": 1e-11}
    positive = Lasso(positive=True, **fit).fit(X, y, weight).coef_
    assert_allclose(Lasso(lower=0, **fit).fit(X, y, weight).coef_, positive)
    assert_allclose(-Lasso(upper=0.0, **fit).fit(-X, y, weight).coef_, positive)
    both = Lasso(positive=True, lower=[-np.inf] * 12, upper=1.0, **fit).fit(X, y, weight)
    assert_allclose(both.coef_, Lasso(lower=0, upper=1, **fit).fit(X, y, weight).coef_)
    assert both.coef_.max() == 1
    # A coefficient that its bounds fix is taken from the target.
    lower, upper = np.full(12, -np.inf), np.full(12, np.inf)
    lower[3] = upper[3] = 0.7
    fixed = Lasso(lower=lower, upper=upper, **fit).fit(X, y, weight)
    rest = np.delete(np.arange(12), 3)
    without = Lasso(**fit).fit(X[:, rest], y - 0.7 * X[:, 3], weight)
    assert fixed.coef_[3] == 0.7
    assert_allclose(fixed.coef_[rest], without.coef_, atol=1e-9)
    assert_allclose(fixed.intercept_, without.intercept_, atol=1e-9)


def test_bounds_without_zero_hold_however_strong_the_penalty():
    X, y, _, _ = bounded_case(0)
    model = ElasticNet(alpha=1e5, lower=np.r_[0.5, np.full(11, -1)], upper=1.0).fit(X, y)
    assert_array_equal(model.coef_, np.r_[0.5, np.zeros(11)])


def test_warm_starts_move_into_new_bounds():
    X, y, _, _ = bounded_case(0)
    model = Lasso(alpha=0.01, warm_start=True, tol=1e-11).fit(X, y)
    model.set_params(lower=-0.1, upper=0.1, penalty_weights=np.r_[np.inf, np.ones(11)]).fit(X, y)
    params = {name: value for name, value in model.get_params().items() if name != "warm_start"}
    assert_allclose(model.coef_, Lasso(**params).fit(X, y).coef_, atol=1e-9)
    assert model.coef_[0] == 0
    assert np.abs(model.coef_).max() == 0.1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_parameters_may_be_lists_series_and_integers(dtype):
    X, y, _, _ = bounded_case(0)
    X = X.astype(dtype)
    model = Lasso(alpha=0.1, penalty_weights=[1] * 12, lower=[-2] * 12, upper=2).fit(X, y)
    assert model.coef_.dtype == dtype
    assert_allclose(model.coef_, np.clip(model.coef_, -2, 2))
    assert_allclose(model.coef_, Lasso(alpha=0.1, lower=-2.0, upper=2.0).fit(X, y).coef_)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"penalty_weights": [1.0, -2.0, 1.0]}, r"penalty_weights\[1\] is -2.0: use 0"),
        ({"penalty_weights": [1.0, 1.0, np.nan]}, r"penalty_weights\[2\] is nan"),
        ({"penalty_weights": [1.0, 1.0]}, r"penalty_weights has shape \(2,\), but X has 3"),
        ({"penalty_weights": [[1.0], [1.0], [1.0]]}, r"penalty_weights has shape \(3, 1\)"),
        ({"penalty_weights": ["a", "b", "c"]}, "penalty_weights must hold numbers"),
        ({"penalty_weights": 2.0}, "'penalty_weights' parameter"),
        ({"lower": [0.0, 1.0]}, r"lower has shape \(2,\), but X has 3 features"),
        ({"upper": np.nan}, "upper must not be NaN or -inf, but for feature 0 it is nan"),
        ({"lower": [0.0, np.inf, 0.0]}, "lower must not be NaN or inf, but for feature 1"),
        ({"upper": -np.inf}, "use inf for no bound"),
        ({"lower": "0"}, "'lower' parameter"),
        ({"lower": [0, 2, 3], "upper": 1}, "for feature 1 they are 2.0 and 1.0, and for 2 of 3"),
        ({"positive": True, "lower": [0.0, 0.0, -1.0]}, r"means lower=0, but lower\[2\] is -1"),
        ({"positive": True, "upper": -1.0}, r"lower \(0, as positive=True\) must not lie above"),
        (
            {"penalty_weights": [1, np.inf, 1], "lower": 0.5},
            r"penalty_weights\[1\] is inf, which excludes feature 1, but lower for it is 0.5",
        ),
        (
            {"penalty_weights": [1, 1, np.inf], "upper": [1, 1, -1]},
            r"penalty_weights\[2\] is inf.*but upper for it is -1",
        ),
        ({"max_l1_norm": -1.0}, "'max_l1_norm' parameter"),
        ({"max_l1_norm": [1.0, 2.0]}, "max_l1_norm holds 2 bounds but y has 1 targets"),
        ({"max_l1_norm": [-1.0]}, "max_l1_norm must be finite and non-negative"),
        ({"max_l1_norm": [np.inf]}, "max_l1_norm must be finite"),
        ({"max_l1_norm": 1.0, "lower": 0.5}, r"max_l1_norm=1.0 cannot be kept: .* below 1.5"),
        ({"max_l1_norm": 1.0, "l1_ratio": 0.0}, r"max_l1_norm=1.0 is kept by an L1 penalty"),
    ],
)
def test_contradictions_are_told(params, message):
    X, y = np.eye(4)[:, :3], np.arange(4.0)
    with pytest.raises(ValueError, match=message):
        ElasticNet(**params).fit(X, y)


def test_weights_of_rows_sum_to_their_number():
    X = np.zeros((3, 1))
    assert row_weights(None, X) is None
    assert row_weights(2, X) is None
    assert_allclose(row_weights([1, 0, 3], X), [0.75, 0, 2.25])
    assert_allclose(row_weights([1e300, 0, 1e300], X), [1.5, 0, 1.5])
    assert_allclose(row_weights([1e-300, 0, 1e-300], X), [1.5, 0, 1.5])


def test_penalties_beyond_the_largest_number_exclude():
    penalty = check_penalty(2, 10, 0.5, penalty_weights=[1e308, 1.0])
    assert_array_equal(penalty.l1, [np.inf, 5.0])
    X, y, _, _ = bounded_case(0)
    model = Lasso(alpha=0.1, penalty_weights=np.r_[1e308, np.ones(11)]).fit(X, y)
    assert model.coef_[0] == 0
    assert model.coef_[1] != 0


def test_a_grid_descends_in_equal_ratios():
    assert_allclose(alpha_grid(8.0, 4, 1 / 8), [8, 4, 2, 1])
    assert alpha_grid(8.0, 4, 1 / 8)[0] == 8.0
    assert np.all(alpha_grid(0.0, 3, 0.1) > 0)
