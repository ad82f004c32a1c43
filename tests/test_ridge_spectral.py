"""What Ridge offers beyond one solution: filters, general form, bounds, posteriors, streams."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse
from scipy.linalg import LinAlgWarning
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import BayesianRidge
from sklearn.utils.estimator_checks import parametrize_with_checks

from skreg import KernelRidgeCV, Ridge, RidgeCV
from skreg._solvers.filters import FILTERS

SHAPES = [(30, 8), (8, 30), (9, 9)]


def data(shape=(40, 6), targets=None, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=shape) * np.logspace(0, -1, shape[1]) + 2
    y = rng.normal(size=shape[0] if targets is None else (shape[0], targets))
    return X, y + X[:, :2].sum() / len(X), rng.uniform(0.5, 2, shape[0])


def centred(X, y, v):
    """Centred rows times the roots of their weights."""
    root = np.sqrt(v)[:, None]
    y = y.reshape(len(y), -1)
    return root * (X - np.average(X, axis=0, weights=v)), root * (
        y - np.average(y, axis=0, weights=v)
    )


@parametrize_with_checks(
    [
        Ridge(store_spectrum=True),
        Ridge(alpha=0.5, filter="exponential"),
        Ridge(alpha=0.1, filter="damped_svd", fit_intercept=False),
        Ridge(max_norm=0.5),
    ]
)
def test_scikit_learn_contract(estimator, check):
    check(estimator)


# Filters


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", FILTERS)
def test_filters_multiply_the_singular_components(name, shape):
    X, y, v = data(shape, targets=2)
    alpha = 3.0
    model = Ridge(alpha, filter=name, filter_order=3).fit(X, y, v)
    Xc, yc = centred(X, y, v)
    U, s, Vt = np.linalg.svd(Xc, full_matrices=False)
    keep = s > 1e-10 * s[0]
    U, s, Vt = U[:, keep], s[keep], Vt[keep]
    phi = {
        "tikhonov": s**2 / (s**2 + alpha),
        "iterated_tikhonov": 1 - (alpha / (s**2 + alpha)) ** 3,
        "truncated_svd": (np.arange(len(s)) < 3) * 1.0,
        "damped_svd": s / (s + np.sqrt(alpha)),
        "exponential": 1 - np.exp(-(s**2) / alpha),
        "landweber": 1 - (1 - (s / s[0]) ** 2) ** 3,
    }[name]
    assert_allclose(model.filter_factors_, phi, rtol=1e-10)
    assert_allclose(model.coef_, ((phi / s)[:, None] * (U.T @ yc)).T @ Vt, atol=1e-10)


@pytest.mark.parametrize("alpha", [0.5, [0.5, 2.0]])
@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("rows", [40, 5])
def test_plain_ridge_tells_its_filter_factors_when_asked(rows, make, alpha):
    X, y, v = data(targets=2)
    X, y, v = X[:rows], y[:rows], v[:rows]
    v[1] = 0
    s = np.linalg.svd(centred(X, y, v)[0], compute_uv=False)[: min(6, rows - 2)]
    expected = s**2 / (s**2 + np.reshape(alpha, (-1, 1)))
    expected = expected[0] if np.ndim(alpha) == 0 else expected
    model = Ridge(alpha).fit(make(X), y, v)
    assert_allclose(pickle.loads(pickle.dumps(model)).filter_factors_, expected, rtol=1e-10)
    assert_allclose(model.filter_factors_, expected, rtol=1e-10)
    stream = Ridge(alpha).partial_fit(X[:2], y[:2], v[:2]).partial_fit(X[2:], y[2:], v[2:])
    assert_allclose(stream.filter_factors_, expected, rtol=1e-10)
    with pytest.warns(ConvergenceWarning):
        assert not hasattr(
            Ridge(alpha, solver="lsqr", max_iter=1, tol=0).fit(X, y), "filter_factors_"
        )
    assert not hasattr(Ridge(alpha), "filter_factors_")


def test_plain_ridge_of_large_data_says_how_to_get_filter_factors():
    X = np.random.default_rng(0).normal(size=(140, 130))
    with pytest.raises(AttributeError, match="store_spectrum=True"):
        _ = Ridge().fit(X, X[:, 0]).filter_factors_


def test_landweber_is_gradient_descent_and_iterated_tikhonov_is_ridge_on_residuals():
    X, y, _ = data()
    Xc, yc = X - X.mean(axis=0), y - y.mean()
    w, step = np.zeros(6), 1 / np.linalg.norm(Xc, 2) ** 2
    for _ in range(7):
        w += step * Xc.T @ (yc - Xc @ w)
    assert_allclose(Ridge(7, filter="landweber").fit(X, y).coef_, w, rtol=1e-10)
    once = Ridge(2.0).fit(X, y).coef_
    twice = once + Ridge(2.0).fit(X, yc - Xc @ once).coef_
    assert_allclose(Ridge(2.0, filter="iterated_tikhonov").fit(X, y).coef_, twice, rtol=1e-10)


def test_a_callable_is_a_filter():
    X, y, _ = data()
    model = Ridge(0.7, filter=lambda s, alpha: s**2 / (s**2 + alpha)).fit(X, y)
    assert_allclose(model.coef_, Ridge(0.7).fit(X, y).coef_, rtol=1e-10)
    with pytest.raises(ValueError, match=r"filter=.* returned an array of shape \(2,\)"):
        Ridge(filter=lambda s, alpha: np.ones(2)).fit(X, y)
    with pytest.raises(ValueError, match=r"filter=.* expected finite"):
        Ridge(filter=lambda s, alpha: s * np.nan).fit(X, y)


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
def test_each_target_has_its_own_alpha_under_every_filter(make):
    X, y, v = data(targets=2)
    for name in FILTERS:
        both = Ridge([1, 3], filter=name).fit(make(X), y, v)
        one = Ridge(3, filter=name).fit(make(X), y[:, 1], v)
        assert_allclose(both.coef_[1], one.coef_, rtol=1e-9, atol=1e-12)
        if name != "tikhonov" or make is np.asarray:
            assert both.filter_factors_.shape == (2, 6)


# General form and prior


PENALTIES = {
    "first": np.diff(np.eye(6), axis=0),
    "second": np.diff(np.eye(6), n=2, axis=0),
    "weights": np.diag([1.0, 2, 3, 4, 5, 0]),
    "tall": np.vstack([np.eye(6), np.ones((2, 6))]),
}


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("name", PENALTIES)
@pytest.mark.parametrize("n", [40, 4])
def test_general_form_is_stacked_least_squares(name, n, fit_intercept):
    X, y, v = data((n, 6), targets=2)
    L, w0, alpha = PENALTIES[name], np.arange(6.0), 0.3
    given = name if name in ("first", "second") else L
    model = Ridge(alpha, penalty_matrix=given, prior_mean=w0, fit_intercept=fit_intercept)
    coef = model.fit(X, y, v).coef_
    Xc, yc = centred(X, y, v) if fit_intercept else (np.sqrt(v)[:, None] * a for a in (X, y))
    A = np.vstack([Xc, np.sqrt(alpha) * L])
    B = np.vstack([yc - Xc @ w0[:, None], np.zeros((len(L), 2))])
    assert_allclose(coef, w0 + np.linalg.lstsq(A, B, rcond=None)[0].T, atol=1e-9)


def test_sparse_operators_and_sparse_data():
    X, y, v = data()
    L = sparse.diags_array([-np.ones(5), np.ones(5)], offsets=[0, 1], shape=(5, 6))
    expected = Ridge(0.3, penalty_matrix="first").fit(X, y, v).coef_
    model = Ridge(0.3, penalty_matrix=L).fit(sparse.csr_array(X), y, v)
    assert_allclose(model.coef_, expected, rtol=1e-9)


def test_coefficients_tend_to_the_prior_mean():
    X, y, _ = data(targets=2)
    w0 = np.arange(12.0).reshape(2, 6)
    for extra in ({}, {"penalty_matrix": np.eye(6)}):
        model = Ridge(1e12, prior_mean=w0, **extra).fit(X, y)
        assert_allclose(model.coef_, w0, atol=1e-8)
        exact = Ridge(0.5, prior_mean=w0, **extra).fit(X, X @ w0.T + 1)
        assert_allclose(exact.coef_, w0, atol=1e-10)
        assert_allclose(exact.intercept_, 1)


# Norm bound


@pytest.mark.parametrize("shape", SHAPES)
def test_the_norm_bound_is_met_by_the_ridge_solution_of_that_alpha(shape):
    X, y, v = data(shape, targets=3)
    free = np.linalg.norm(Ridge(0.01).fit(X, y, v).coef_, axis=1)
    bound = free * [0.5, 0.1, 2]
    model = Ridge(0.01, max_norm=bound).fit(X, y, v)
    assert_allclose(np.linalg.norm(model.coef_, axis=1), np.minimum(bound, free), rtol=1e-9)
    assert model.alpha_[2] == 0.01
    assert np.all(model.alpha_[:2] > 0.01)
    assert_allclose(model.coef_, Ridge(model.alpha_).fit(X, y, v).coef_, rtol=1e-9, atol=1e-12)


def test_a_norm_bound_that_does_not_bind_changes_nothing():
    X, y, _ = data()
    model = Ridge(max_norm=1e6).fit(X, y)
    assert model.alpha_ == 1.0
    assert_allclose(model.coef_, Ridge().fit(X, y).coef_, rtol=1e-12)


def test_the_norm_bound_holds_the_penalized_part():
    X, y, _ = data()
    w0, L = np.ones(6), PENALTIES["first"]
    model = Ridge(0, max_norm=0.1, penalty_matrix=L, prior_mean=w0).fit(X, y)
    assert_allclose(np.linalg.norm(L @ (model.coef_ - w0)), 0.1, rtol=1e-9)


# The spectrum


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_spectrum_answers_for_every_alpha(shape, make):
    X, y, v = data(shape, targets=2)
    alphas = np.array([0.1, 1, 10])
    spectrum = Ridge(0.1, store_spectrum=True).fit(make(X), y, v).spectrum_
    coef = np.stack([Ridge(a).fit(X, y, v).coef_ for a in alphas])
    assert_allclose(spectrum.coef(alphas), coef, atol=1e-9)
    assert_allclose(spectrum.coef(1.0), coef[1], atol=1e-9)
    assert_allclose(spectrum.coef(np.array([[0.1, 10]]))[0], [coef[0, 0], coef[2, 1]], atol=1e-9)
    Xc, yc = centred(X, y, v)
    residual = np.stack([yc - Xc @ w.T for w in coef])
    assert_allclose(spectrum.residual_norm(alphas), np.linalg.norm(residual, axis=1), rtol=1e-9)
    assert_allclose(spectrum.residuals(alphas), np.moveaxis(residual, 0, 1), atol=1e-9)
    norms = np.linalg.norm(coef, axis=2)
    assert_allclose(spectrum.coef_norm(alphas), norms, rtol=1e-9)
    assert_allclose(spectrum.l_curve(alphas)[1], norms, rtol=1e-9)
    hats = [Xc @ np.linalg.solve(Xc.T @ Xc + a * np.eye(shape[1]), Xc.T) for a in alphas]
    dof = np.array([np.trace(H) + 1 for H in hats])
    assert_allclose(spectrum.dof(alphas), dof, rtol=1e-9)
    gcv = np.sum(residual**2, axis=1) / len(X) / (1 - dof[:, None] / len(X)) ** 2
    assert_allclose(spectrum.gcv(alphas), gcv, rtol=1e-8)
    inverse = np.linalg.inv(Xc.T @ Xc + np.eye(shape[1]))
    assert_allclose(spectrum.covariance(1.0), inverse, atol=1e-9)
    assert_allclose(spectrum.resolution(1.0), inverse @ Xc.T @ Xc, atol=1e-9)
    s = spectrum.s
    assert_allclose(
        spectrum.condition_number(alphas), (s[0] ** 2 + alphas) / (s[-1] ** 2 + alphas)
    )
    assert_allclose(spectrum.picard()[2], np.abs(spectrum.z) / s[:, None])
    for name in ("coef", "filter_factors", "dof", "loo", "gcv", "covariance", "resolution"):
        many = getattr(spectrum, name)(alphas)
        assert_allclose(getattr(spectrum, name)(10.0), many[2], rtol=1e-9, atol=1e-12)


def test_the_spectrum_is_kept_on_demand_only():
    X, y, _ = data()
    model = Ridge(store_spectrum=True).fit(X, y)
    assert model.spectrum_.design is None
    model.set_params(store_spectrum=False).fit(X, y)
    for name in ("covariance_", "noise_variance_"):
        with pytest.raises(AttributeError, match="store_spectrum=True"):
            getattr(model, name)


@pytest.mark.parametrize("cls", [Ridge, RidgeCV, KernelRidgeCV])
def test_the_spectrum_tells_how_to_get_it(cls):
    X, y, _ = data()
    model = cls()
    with pytest.raises(NotFittedError):
        _ = model.spectrum_
    for store in (False, True, False):
        model.set_params(store_spectrum=store).fit(X, y)
        for one in (model, pickle.loads(pickle.dumps(model))):
            assert hasattr(one, "spectrum_") is store
        assert not hasattr(clone(model), "spectrum_")
    message = rf"^spectrum_ needs .*: fit {cls.__name__} with store_spectrum=True\.$"
    with pytest.raises(AttributeError, match=message):
        _ = model.spectrum_


@pytest.mark.parametrize("scale", [1e-150, 1e150])
def test_a_spectrum_in_extreme_units_gives_the_scaled_solution(scale):
    X, y, v = data()
    model = Ridge(0, store_spectrum=True).fit(X * scale, y, v)
    assert_allclose(model.coef_ * scale, Ridge(0).fit(X, y, v).coef_, rtol=1e-9)
    assert_allclose(
        model.spectrum_.s / scale, Ridge(0, store_spectrum=True).fit(X, y, v).spectrum_.s
    )


@pytest.mark.parametrize("scale", [1e-100, 1e100])
def test_targets_in_extreme_units_give_scaled_coefficients(scale):
    X, y, v = data()
    model = Ridge(1, store_spectrum=True).fit(X, y * scale, v)
    expected = Ridge(1).fit(X, y, v).coef_
    assert_allclose(model.coef_ / scale, expected, rtol=1e-9)
    assert_allclose(model.spectrum_.coef(1.0)[0] / scale, expected, rtol=1e-9)


# The Bayesian reading


def test_posterior_equals_bayesian_ridge_at_its_own_alpha():
    X, y = load_diabetes(return_X_y=True)
    twin = BayesianRidge(alpha_1=0, alpha_2=0, lambda_1=0, lambda_2=0, tol=1e-12, max_iter=10_000)
    twin.fit(X, y)
    model = Ridge(twin.lambda_ / twin.alpha_, store_spectrum=True).fit(X, y)
    assert_allclose(model.coef_, twin.coef_, rtol=1e-8)
    assert_allclose(model.noise_variance_, 1 / twin.alpha_, rtol=1e-6)
    assert_allclose(model.prior_variance_, 1 / twin.lambda_, rtol=1e-6)
    assert_allclose(model.covariance_, twin.sigma_, rtol=1e-6, atol=1e-6 * np.max(twin.sigma_))
    mean, std = model.predict(X[:20], return_std=True)
    expected_mean, expected_std = twin.predict(X[:20], return_std=True)
    assert_allclose(mean, expected_mean, rtol=1e-9)
    assert_allclose(std, expected_std, rtol=1e-6)


def test_standard_deviations_of_several_targets():
    X, y, v = data(targets=2)
    both = Ridge([0.5, 2], store_spectrum=True).fit(X, y, v)
    mean, std = both.predict(X, return_std=True)
    assert mean.shape == std.shape == (40, 2)
    assert both.covariance_.shape == (2, 6, 6)
    for k, alpha in enumerate([0.5, 2]):
        one = Ridge(alpha, store_spectrum=True).fit(X, y[:, k], v)
        assert_allclose(std[:, k], one.predict(X, return_std=True)[1], rtol=1e-9)
        assert_allclose(both.covariance_[k], one.covariance_, rtol=1e-9)


def test_the_covariance_of_a_general_form_is_that_of_its_normal_equations():
    X, y, v = data()
    L = PENALTIES["second"]
    model = Ridge(0.3, penalty_matrix=L, store_spectrum=True).fit(X, y, v)
    Xc, _ = centred(X, y, v)
    expected = model.noise_variance_ * np.linalg.inv(Xc.T @ Xc + 0.3 * L.T @ L)
    assert_allclose(model.covariance_, expected, rtol=1e-8)


def test_other_filters_have_no_posterior():
    X, y, _ = data()
    model = Ridge(filter="exponential", store_spectrum=True).fit(X, y)
    with pytest.raises(AttributeError, match="filter='tikhonov' only"):
        model.predict(X, return_std=True)


# Streams


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("parameters", [{}, {"filter": "exponential"}, {"max_norm": 0.3}])
def test_blocks_give_what_all_the_data_give(make, parameters, fit_intercept):
    X, y, v = data((60, 6), targets=2)
    whole = Ridge(fit_intercept=fit_intercept, **parameters).fit(X, y, v)
    stream = Ridge(fit_intercept=fit_intercept, **parameters)
    for rows in (slice(0, 1), slice(1, 5), slice(5, 40), slice(40, 60)):
        stream.partial_fit(make(X[rows]), y[rows], v[rows])
    assert_allclose(stream.coef_, whole.coef_, rtol=1e-9)
    assert_allclose(stream.intercept_, whole.intercept_, rtol=1e-9)
    assert_allclose(stream.alpha_, whole.alpha_, rtol=1e-9)
    assert stream.n_samples_seen_ == 60


def test_a_stream_starts_anew_after_fit():
    X, y, _ = data()
    model = Ridge().partial_fit(X, y).fit(X[:10], y[:10])
    assert not hasattr(model, "n_samples_seen_")
    model.partial_fit(X[:20], y[:20])
    assert_allclose(model.coef_, Ridge().fit(X[:20], y[:20]).coef_, rtol=1e-9)


def test_a_stream_refuses_what_moments_cannot_give():
    X, y, _ = data()
    for name, value in {
        "penalty_matrix": "first",
        "prior_mean": [0] * 6,
        "positive": True,
    }.items():
        assert not hasattr(Ridge(**{name: value}), "partial_fit")
        with pytest.raises(AttributeError, match="partial_fit"):
            Ridge(**{name: value}).partial_fit(X, y)
    with pytest.raises(ValueError, match="y has 2 targets, but the first block had 1"):
        Ridge().partial_fit(X, y).partial_fit(X, np.stack([y, y], axis=1))
    with pytest.raises(ValueError, match="6 features"):
        Ridge().partial_fit(X, y).partial_fit(X[:, :3], y)
    with pytest.raises(ValueError, match="NaN"):
        Ridge().partial_fit(np.where(X > 3, np.nan, X), y)


def test_a_stream_that_loses_digits_says_so():
    t = np.linspace(0, 1, 200)
    X = t[:, None] ** np.arange(1, 13)
    text = "moments of the blocks are nearly singular"
    with pytest.warns(ConvergenceWarning, match=text) as record:
        Ridge(1e-14).partial_fit(X, np.cos(4 * t))
    assert record[0].filename == __file__


def test_a_stream_keeps_float32():
    X, y, _ = data()
    model = Ridge().partial_fit(X.astype(np.float32), y.astype(np.float32))
    assert model.coef_.dtype == np.float32
    assert_allclose(model.coef_, Ridge().fit(X, y).coef_, rtol=1e-5)


def test_a_refused_fit_leaves_the_model_as_it_was():
    X, y, _ = data()
    model = Ridge(store_spectrum=True).fit(X, y)
    before = model.predict(X, return_std=True)
    with pytest.raises(ValueError, match="produced non-finite values in coef_"):
        model.set_params(alpha=0).fit(X * 1e-200, y * 1e200)
    for old, new in zip(before, model.predict(X, return_std=True), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_stream_serves_the_spectrum():
    X, y, v = data()
    model = Ridge(store_spectrum=True).partial_fit(X[:15], y[:15], v[:15])
    model.partial_fit(X[15:], y[15:], v[15:])
    whole = Ridge(store_spectrum=True).fit(X, y, v)
    alphas = [0.1, 1, 10]
    assert_allclose(model.spectrum_.gcv(alphas), whole.spectrum_.gcv(alphas), rtol=1e-9)
    assert_allclose(model.covariance_, whole.covariance_, rtol=1e-9)


# Bad input


def test_a_duplicated_column_shares_the_weight():
    X, y, _ = data()
    doubled = np.column_stack([X, X[:, 0]])
    for alpha in (0.0, 1e-8, 1.0):
        if alpha:
            coef = Ridge(alpha).fit(doubled, y).coef_
        else:
            text = "rank 6 of 7 features after centring"
            with pytest.warns(LinAlgWarning, match=text) as record:
                coef = Ridge(alpha).fit(doubled, y).coef_
            assert record[0].filename == __file__
        assert_allclose(coef[0], coef[6], rtol=1e-6)


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({"filter": "exponential", "solver": "sag"}, "solver='sag' computes no spectrum, which f"),
        ({"store_spectrum": True, "solver": "lsqr"}, "which store_spectrum=True needs"),
        ({"positive": True, "max_norm": 1.0}, "positive=True does not go with max_norm=1.0"),
        ({"filter": "exponential", "max_norm": 1.0}, "max_norm=1.0 raises the alpha of ridge"),
        ({"max_norm": [1.0, 2.0, 3.0]}, "max_norm holds 3 bounds but y has 1 targets"),
        ({"max_norm": [-1.0]}, "max_norm must be finite and positive"),
        ({"max_norm": 0.0}, "max_norm"),
        ({"prior_mean": [1.0, 2.0]}, r"prior_mean has shape \(2,\); expected \(6,\)"),
        ({"prior_mean": [np.nan] * 6}, "prior_mean contains NaN"),
        ({"penalty_matrix": np.ones((2, 5))}, r"penalty_matrix has shape \(2, 5\)"),
        ({"penalty_matrix": "third"}, "penalty_matrix"),
        ({"filter": "wiener"}, "filter"),
        ({"filter_order": 0}, "filter_order"),
    ],
)
def test_errors_name_the_parameter_and_the_value(parameters, text):
    X, y, _ = data()
    with pytest.raises(ValueError, match=text):
        Ridge(**parameters).fit(X, y)


def test_one_sample_and_constant_data():
    X, y, _ = data()
    with pytest.raises(ValueError, match="minimum of 1 is required"):
        Ridge(store_spectrum=True).fit(np.empty((3, 0)), y[:3])
    for rows, Z in ((1, X), (5, np.ones_like(X))):
        model = Ridge(store_spectrum=True).fit(Z[:rows], y[:rows])
        assert_allclose(model.coef_, 0)
        assert_allclose(model.intercept_, y[:rows].mean())
        assert model.spectrum_.dof(1.0) == 1
        assert model.filter_factors_.shape == (0,)


def test_arrays_of_the_stream_are_not_those_of_the_data():
    X, y, _ = data()
    model, twin = Ridge().partial_fit(X, y), Ridge().partial_fit(X.copy(), y.copy())
    first = X[:1].copy(), y[:1].copy()
    X[:], y[:] = 0, 0
    assert_allclose(model.partial_fit(*first).coef_, twin.partial_fit(*first).coef_, rtol=1e-12)
