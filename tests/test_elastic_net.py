import numpy as np
import pytest
import sklearn.linear_model as twins
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import parametrize_with_checks

from skreg import ElasticNet, Lasso
from tests.reference import enet_objective, enet_stationarity

TABLES = {"diabetes": load_diabetes, "breast cancer": load_breast_cancer, "digits": load_digits}


@parametrize_with_checks(
    [
        Lasso(),
        ElasticNet(),
        Lasso(positive=True),
        ElasticNet(precompute=True),
        ElasticNet(selection="random", random_state=0),
        Lasso(warm_start=True),
    ]
)
def test_scikit_learn_contract(estimator, check):
    check(estimator)


def objective(model, X, y, weight=None):
    l1_ratio = model.l1_ratio
    X = X.toarray() if sparse.issparse(X) else X
    return enet_objective(
        model.coef_, model.intercept_, X, y, model.alpha, l1_ratio, weight
    )  # fmt: skip


def random_case(seed):
    """A problem, weights, and options; every third one sparse, every fourth one wide."""
    rng = np.random.default_rng(seed)
    n, p = (30, 80) if seed % 4 == 3 else (80, 20)
    X = rng.standard_normal((n, p)) * (rng.random((n, p)) < 0.4) + rng.standard_normal(p)
    if seed % 5 == 4:
        X[:, 1] = X[:, 0]
    y = X[:, :4] @ rng.standard_normal(4) + rng.standard_normal(n) + 5
    options = {
        "fit_intercept": seed % 2 == 0,
        "positive": seed % 7 == 6,
        "l1_ratio": (1.0, 0.5, 0.9)[seed % 3],
        "alpha": (0.01, 0.1, 1.0)[rng.integers(3)],
    }
    weight = rng.integers(0, 4, n).astype(float) if seed % 2 else None
    return (sparse.csr_array(X) if seed % 3 == 1 else X), y, weight, options


@pytest.mark.parametrize("tol", [1e-4, 1e-8])
@pytest.mark.parametrize("seed", range(30))
def test_objective_not_above_scikit_learn_at_equal_tolerance(seed, tol):
    X, y, weight, options = random_case(seed)
    options |= {"tol": tol, "max_iter": 50_000}
    ours = ElasticNet(**options).fit(X, y, weight)
    theirs = twins.ElasticNet(**options).fit(X, y, weight)
    reached = objective(ours, X, y, weight)
    assert reached <= objective(theirs, X, y, weight) * (1 + 1e-12)
    assert ours.coef_.shape == theirs.coef_.shape
    assert np.shape(ours.intercept_) == np.shape(theirs.intercept_)


@pytest.mark.parametrize("seed", range(30))
def test_stationary_at_a_tight_tolerance(seed):
    X, y, weight, options = random_case(seed)
    model = ElasticNet(tol=1e-12, max_iter=50_000, **options).fit(X, y, weight)
    X = X.toarray() if sparse.issparse(X) else X
    if options["fit_intercept"]:
        y_scale = np.std(y)
        found = enet_stationarity(
            model.coef_, model.intercept_, X, y, model.alpha, model.l1_ratio, weight,
            model.positive,
        )  # fmt: skip
        assert found <= 1e-6 * model.alpha * y_scale


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("fraction", [0.5, 0.05, 0.005])
def test_agrees_with_scikit_learn_on_tables(name, fraction):
    X, y = TABLES[name](return_X_y=True)
    alpha = fraction * np.abs((X - X.mean(axis=0)).T @ (y - y.mean())).max() / len(y)
    ours = Lasso(alpha=alpha, max_iter=20_000).fit(X, y)
    theirs = twins.Lasso(alpha=alpha, max_iter=20_000).fit(X, y)
    assert objective(ours, X, y) <= objective(theirs, X, y) * (1 + 1e-12)
    certificate = enet_objective(ours.coef_, ours.intercept_, X, y, alpha, 1.0) - ours.dual_gap_
    assert certificate <= objective(theirs, X, y) * (1 + 1e-12)


def test_known_answer_on_orthonormal_columns():
    rng = np.random.default_rng(0)
    Q, _ = np.linalg.qr(rng.standard_normal((50, 5)))
    X = Q * np.sqrt(50)
    y = rng.standard_normal(50)
    z = X.T @ y / 50
    model = ElasticNet(alpha=0.1, l1_ratio=0.7, fit_intercept=False, tol=1e-12).fit(X, y)
    expected = np.sign(z) * np.maximum(np.abs(z) - 0.07, 0) / 1.03
    assert_allclose(model.coef_, expected, atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 500), st.floats(0.1, 0.9), st.floats(-2, 2), st.floats(-2, 2))
def test_scaling_and_shifting(seed, l1_ratio, log_factor, shift):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((40, 8)), rng.standard_normal(40)
    c = 10**log_factor
    base = ElasticNet(alpha=0.1, l1_ratio=l1_ratio, tol=1e-12, max_iter=10_000).fit(X, y)
    shifted = ElasticNet(alpha=0.1, l1_ratio=l1_ratio, tol=1e-12, max_iter=10_000).fit(
        X + shift, y + 3
    )
    assert_allclose(shifted.coef_, base.coef_, atol=1e-9)
    # Lasso: y -> c y with alpha -> c alpha scales the coefficients by c.
    lasso = Lasso(alpha=0.1, tol=1e-12).fit(X, y)
    scaled = Lasso(alpha=0.1 * c, tol=1e-12).fit(X, c * y)
    assert_allclose(scaled.coef_, c * lasso.coef_, atol=1e-9 * c)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 500), st.booleans())
def test_repeated_rows_are_weights_and_columns_permute(seed, as_sparse):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((25, 6)), rng.standard_normal(25)
    counts = rng.integers(0, 4, 25)
    counts[0] = 1
    container = sparse.csc_array if as_sparse else np.asarray
    options = {"alpha": 0.05, "tol": 1e-13}
    weighted = Lasso(**options).fit(container(X), y, sample_weight=counts)
    repeated = Lasso(**options).fit(container(np.repeat(X, counts, axis=0)), np.repeat(y, counts))
    assert_allclose(weighted.coef_, repeated.coef_, atol=1e-9)
    assert_allclose(weighted.intercept_, repeated.intercept_, atol=1e-9)
    order = rng.permutation(6)
    permuted = Lasso(**options).fit(container(X[:, order]), y, sample_weight=counts)
    assert_allclose(permuted.coef_, weighted.coef_[order], atol=1e-9)


@pytest.mark.parametrize("options", [{}, {"precompute": True}, {"selection": "random"}])
@pytest.mark.parametrize("fit_intercept", [False, True])
def test_every_route_reaches_the_same_point(options, fit_intercept):
    X, y, weight, _ = random_case(3)
    base = ElasticNet(alpha=0.1, fit_intercept=fit_intercept, tol=1e-13, random_state=0)
    expected = base.fit(X, y, weight).coef_
    for data in (X, np.asfortranarray(X), sparse.csc_array(X), sparse.csr_matrix(X)):
        model = base.set_params(**options).fit(data, y, weight)
        assert_allclose(model.coef_, expected, atol=1e-9)


def test_gram_given_by_the_user():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 7))
    X -= X.mean(axis=0)
    y = X[:, 0] + rng.standard_normal(60)
    expected = Lasso(alpha=0.1, tol=1e-12).fit(X, y).coef_
    model = Lasso(alpha=0.1, tol=1e-12, precompute=X.T @ X).fit(X, y)
    assert_allclose(model.coef_, expected, atol=1e-10)
    with pytest.raises(ValueError, match=r"precompute.*did not pass validation"):
        Lasso(precompute=2 * X.T @ X).fit(X, y)
    with pytest.raises(ValueError, match=r"precompute has shape \(3, 3\)"):
        Lasso(precompute=np.eye(3)).fit(X, y)
    with pytest.warns(UserWarning, match="computed anew"):
        shifted = Lasso(alpha=0.1, tol=1e-12, precompute=X.T @ X).fit(X + 1, y)
    assert_allclose(shifted.coef_, expected, atol=1e-10)


@pytest.mark.parametrize("scale", [1e-50, 1e50])
def test_a_gram_matrix_is_checked_in_any_units(scale):
    X, y, _, _ = random_case(0)
    X = (X - X.mean(axis=0)) * scale
    Lasso(alpha=scale, precompute=X.T @ X).fit(X, y)
    with pytest.raises(ValueError, match="did not pass validation"):
        Lasso(alpha=scale, precompute=(1 + 1e-5) * X.T @ X).fit(X, y)


def test_several_targets_are_separate_fits():
    X, y, weight, _ = random_case(0)
    Y = np.column_stack([y, -y, np.arange(len(y))])
    together = ElasticNet(alpha=0.05).fit(X, Y, weight)
    theirs = twins.ElasticNet(alpha=0.05).fit(X, Y, weight)
    assert together.coef_.shape == theirs.coef_.shape == (3, X.shape[1])
    assert together.dual_gap_.shape == theirs.dual_gap_.shape
    assert len(together.n_iter_) == 3
    for k in range(3):
        alone = ElasticNet(alpha=0.05).fit(X, Y[:, k], weight)
        assert_allclose(together.coef_[k], alone.coef_)
        assert_allclose(together.intercept_[k], alone.intercept_)
    column, their_column = (c.fit(X, Y[:, :1]) for c in (ElasticNet(), twins.ElasticNet()))
    assert column.coef_.shape == their_column.coef_.shape
    assert np.shape(column.intercept_) == np.shape(their_column.intercept_)


def test_warm_start_takes_few_sweeps_and_never_returns_a_stale_answer():
    X, y, _, _ = random_case(0)
    model = Lasso(alpha=0.01, tol=1e-8, warm_start=True).fit(X, y)
    cold = model.n_iter_
    assert model.fit(X, y).n_iter_ < cold
    model.set_params(alpha=0.0101).fit(X, y)
    assert_allclose(model.coef_, Lasso(alpha=0.0101, tol=1e-12).fit(X, y).coef_, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_dtypes(dtype):
    rng = np.random.default_rng(0)
    X = (10 * rng.standard_normal((50, 6))).astype(dtype)
    y = (X[:, 0] + X[:, 1]).astype(dtype)
    model = ElasticNet(alpha=0.1).fit(X, y)
    theirs = twins.ElasticNet(alpha=0.1).fit(X, y)
    for name in ("coef_", "intercept_"):
        assert np.asarray(getattr(model, name)).dtype == np.asarray(getattr(theirs, name)).dtype
    assert model.predict(X).dtype == theirs.predict(X).dtype
    assert_allclose(model.coef_, theirs.coef_, atol=1e-3)


def test_sparse_oddities():
    X, y, _, _ = random_case(0)
    expected = Lasso(alpha=0.1, tol=1e-12).fit(X, y).coef_
    C = sparse.csc_matrix(X)
    C.indices, C.indptr = C.indices.astype(np.int64), C.indptr.astype(np.int64)
    assert_allclose(Lasso(alpha=0.1, tol=1e-12).fit(C, y).coef_, expected, atol=1e-9)
    # Every entry twice, half its value each time.
    data, rows = np.repeat(X.ravel(order="F") / 2, 2), np.repeat(np.tile(np.arange(80), 20), 2)
    twice = sparse.csc_array((data, rows, np.arange(21) * 160), X.shape)
    assert_allclose(Lasso(alpha=0.1, tol=1e-12).fit(twice, y).coef_, expected, atol=1e-9)


@pytest.mark.parametrize("copy_X", [True, False])
def test_x_and_y_are_never_changed(copy_X):
    X, y, weight, _ = random_case(0)
    kept = X.copy(), y.copy(), weight
    for data in (np.asfortranarray(X), np.ascontiguousarray(X)):
        Lasso(alpha=0.1, copy_X=copy_X).fit(data, y, weight)
        assert_array_equal(data, kept[0])
        assert_array_equal(y, kept[1])


def test_degenerate_columns_and_targets():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((30, 5))
    X[:, 1] = 0
    X[:, 2] = 7
    X[:, 4] = X[:, 3]
    y = X[:, 0] + X[:, 3]
    for container in (np.asarray, sparse.csc_array):
        model = Lasso(alpha=1e-3, tol=1e-10).fit(container(X), y)
        assert_array_equal(model.coef_[[1, 2]], 0)
        assert_allclose(model.coef_[3] + model.coef_[4], 1, atol=0.01)
    constant = Lasso().fit(X, np.full(30, 2.5))
    assert_array_equal(constant.coef_, 0)
    assert constant.intercept_ == 2.5
    assert Lasso().fit([[1.0]], [2.0]).predict([[3.0]]) == [2.0]
    assert_array_equal(Lasso(alpha=1e6).fit(X, y).coef_, 0)


def test_alpha_zero_is_least_squares_with_advice():
    X, y, _, _ = random_case(0)
    with pytest.warns(UserWarning, match="alpha=0.*LinearRegression"):
        model = Lasso(alpha=0, tol=1e-10, max_iter=10_000).fit(X, y)
    expected = twins.LinearRegression().fit(X, y)
    assert_allclose(model.coef_, expected.coef_, rtol=1e-8)


def test_ridge_limit_has_a_certificate():
    X, y, _, _ = random_case(0)
    model = ElasticNet(alpha=0.3, l1_ratio=0, tol=1e-10).fit(X, y)
    expected = twins.Ridge(alpha=0.3 * len(y)).fit(X, y)
    assert_allclose(model.coef_, expected.coef_, rtol=1e-6)
    assert model.dual_gap_ <= 1e-10 * np.var(y)


def test_not_converged_names_gap_and_remedy():
    X, y, _, _ = random_case(3)
    with pytest.warns(ConvergenceWarning, match="duality gap is .* Increase max_iter"):
        model = Lasso(alpha=1e-4, tol=1e-14, max_iter=1).fit(X, y)
    assert model.n_iter_ == 1
    assert model.dual_gap_ > 0


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"alpha": -1.0}, "alpha"),
        ({"alpha": np.nan}, "alpha"),
        ({"l1_ratio": 1.5}, "l1_ratio"),
        ({"tol": -1e-3}, "tol"),
        ({"max_iter": 0}, "max_iter"),
        ({"selection": "best"}, "selection"),
        ({"precompute": "yes"}, "precompute"),
    ],
)
def test_parameters_out_of_range(options, name):
    with pytest.raises(ValueError, match=f"'{name}' parameter of ElasticNet"):
        ElasticNet(**options).fit([[0.0], [1.0]], [0.0, 1.0])


@pytest.mark.parametrize("weight", [[-1.0, 2.0, 1.0], [0.0, 0.0, 0.0], [1.0, np.nan, 1.0]])
def test_bad_weights(weight):
    with pytest.raises(ValueError, match=r"(?i)sample.weight"):
        Lasso().fit([[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0], sample_weight=weight)


@pytest.mark.parametrize("container", [np.asarray, sparse.csc_array])
def test_overflow_is_an_error(container):
    X = np.array([[1e200, 1.0], [-1e200, 2.0], [1e200, 0.5]])
    with pytest.raises((ValueError, ConvergenceWarning), match=r"(?i)scale the (data|features)"):
        Lasso(alpha=0.1).fit(container(X), [1.0, 2.0, 3.0])


def test_check_input_false_skips_the_checks():
    X, y, _, _ = random_case(0)
    expected = Lasso(alpha=0.1).fit(X, y).coef_
    model = Lasso(alpha=0.1).fit(np.asfortranarray(X), y, check_input=False)
    assert_allclose(model.coef_, expected)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int32])
def test_the_mean_of_a_coarse_target_is_not_rounded(dtype):
    X, _, _, _ = random_case(0)
    y = (1000 + 10 * X[:, 0]).astype(dtype)
    model = Lasso(alpha=1e-3).fit(X, y)
    assert abs(np.mean(y.astype(float) - model.predict(X))) < 1e-9


def test_a_warm_start_below_zero_does_not_survive_positive():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 6))
    y = 3 * X[:, 0] - 2 * X[:, 1] + rng.standard_normal(40)
    expected = Lasso(alpha=0.01, positive=True, tol=1e-10).fit(X, y).coef_
    for seed in range(20):
        model = Lasso(alpha=0.01, warm_start=True, selection="random", random_state=seed).fit(X, y)
        model.set_params(positive=True, tol=1e-10).fit(X, y)
        assert model.coef_.min() >= 0
        assert_allclose(model.coef_, expected, atol=1e-8)


@pytest.mark.parametrize("shape", [(30, 3), (30, 8)])
def test_warm_start_of_another_shape_is_refused(shape):
    model = Lasso(warm_start=True).fit(np.eye(30)[:, :6], np.arange(30.0))
    with pytest.raises(ValueError, match=r"warm_start=True needs .*coef_ has shape \(1, 6\)"):
        model.fit(np.ones(shape), np.arange(30.0))


@pytest.mark.parametrize("seed", range(20))
def test_small_l1_ratio_on_wide_data_is_not_above_scikit_learn(seed):
    rng = np.random.default_rng(1120 + seed)
    X = rng.standard_normal((20, 70))
    y = X @ (rng.standard_normal(70) * (rng.random(70) < 0.5)) + 0.1 * rng.standard_normal(20)
    options = {"alpha": 10 ** rng.uniform(-4, 0), "l1_ratio": 1e-3, "fit_intercept": False}
    models = [c(max_iter=20_000, **options).fit(X, y) for c in (ElasticNet, twins.ElasticNet)]
    ours, theirs = (objective(model, X, y) for model in models)
    assert ours <= theirs * (1 + 1e-12)


@pytest.mark.parametrize("container", [np.asarray, sparse.csc_array])
@pytest.mark.parametrize("scale", [1e-200, 1e-150, 1e150, 1e200])
def test_extreme_scales_give_the_scaled_solution(container, scale):
    X, y, weight, _ = random_case(3)
    base = ElasticNet(alpha=0.1, l1_ratio=1.0, tol=1e-10).fit(X, y, weight)
    model = ElasticNet(alpha=0.1 * scale, l1_ratio=1.0, tol=1e-10)
    model.fit(container(X * scale), y, weight)
    assert_allclose(model.coef_ * scale, base.coef_, atol=1e-9)
    assert_allclose(model.intercept_, base.intercept_, atol=1e-9)
    if scale < 1e154:  # or else the objective itself is beyond float64
        model.fit(X, y * scale, weight)
        assert_allclose(model.coef_ / scale, base.coef_, atol=1e-9)


def test_extreme_penalties_and_weights():
    X, y, weight, _ = random_case(3)
    assert_array_equal(Lasso(alpha=1e308).fit(X, y).coef_, 0)
    assert_array_equal(ElasticNet(alpha=1e308).fit(X, y).coef_, 0)
    expected = Lasso(alpha=0.1, tol=1e-10).fit(X, y, weight).coef_
    for factor in (1e-300, 1e300):
        found = Lasso(alpha=0.1, tol=1e-10).fit(X, y, weight * factor).coef_
        assert_allclose(found, expected, atol=1e-9)


def test_scalar_weights_are_checked_and_have_no_effect():
    X, y, _, _ = random_case(0)
    assert_array_equal(Lasso().fit(X, y, 3.0).coef_, Lasso().fit(X, y).coef_)
    for weight in (0.0, -1.0, np.nan):
        with pytest.raises(ValueError, match=r"(?i)sample.weight"):
            Lasso().fit(X, y, weight)


def test_sparse_targets_are_refused():
    X, y, _, _ = random_case(0)
    with pytest.raises(TypeError, match="y is sparse"):
        Lasso().fit(X, sparse.csr_array(y[:, None]))


def test_collinear_columns_do_not_stall():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 30))
    X = np.column_stack([X, X[:, :5] + X[:, 5:10], -X[:, 3]])
    y = X @ rng.standard_normal(36) + rng.standard_normal(60)
    model = Lasso(alpha=1e-4, tol=1e-10, max_iter=500).fit(X, y)
    assert model.n_iter_ < 300


def test_warnings_point_at_the_caller():
    X, y, _, _ = random_case(0)
    X = X - X.mean(axis=0)
    with pytest.warns(UserWarning, match="alpha=0") as caught:
        Lasso(alpha=0, tol=1e-3).fit(X, y)
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match="computed anew") as caught:
        Lasso(precompute=X.T @ X).fit(X + 1, y)
    assert caught[0].filename == __file__
    with pytest.warns(ConvergenceWarning) as caught:
        Lasso(alpha=1e-6, tol=1e-14, max_iter=1).fit(random_case(3)[0], random_case(3)[1])
    assert caught[0].filename == __file__
