"""Data on which ridge and its kin once went wrong: units, precision, interpolation, memory."""

import pickle
import tracemalloc
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.linalg import LinAlgWarning
from scipy.signal import detrend
from sklearn.linear_model import Ridge as ScikitRidge
from sklearn.model_selection import GridSearchCV, KFold

from skreg import KernelRidge, KernelRidgeCV, Ridge, RidgeClassifier, RidgeClassifierCV, RidgeCV
from skreg._solvers import folds


def draw(n, p, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    return X, X.sum(axis=1) + rng.normal(size=n)


def peak(work):
    """Bytes that `work()` allocates at most."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


# Units


def test_a_clock_beside_a_standardized_feature_does_not_hide_it():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.random(2000) * 3e13, rng.normal(size=2000)])
    y = 2 * X[:, 1] + rng.normal(size=2000)
    assert_allclose(Ridge().fit(X, y).coef_[1], 2, atol=0.1)
    stream = Ridge()
    for rows in np.array_split(np.arange(2000), 3):
        stream.partial_fit(X[rows], y[rows])
    wide = Ridge(alpha=1.0).fit(np.column_stack([X, rng.normal(size=(2000, 200))]), y)
    assert_allclose(wide.coef_[1], 2, atol=0.1)


@pytest.mark.parametrize("shape", [(60, 6), (12, 30), (25, 25)])
@pytest.mark.parametrize("unit", [1e15, 1e-13])
def test_the_spectrum_keeps_features_of_very_unlike_units(shape, unit):
    X, y = draw(*shape)
    X[:, 2] *= unit
    size = X.std(axis=0)
    chosen = RidgeCV([1e-2, 1.0], store_spectrum=True).fit(X, y)
    for model in (
        chosen,
        RidgeCV([1.0, 1e-2], cv=5, choose="min").fit(X, y),
        Ridge(1e-2, store_spectrum=True).fit(X, y),
    ):
        expected = Ridge(getattr(model, "alpha_", 1e-2)).fit(X, y)
        assert_allclose(model.coef_ * size, expected.coef_ * size, rtol=1e-9, atol=1e-12)
    assert chosen.spectrum_.rank == min(shape[1], shape[0] - 1)
    for k, alpha in enumerate([1e-2, 1.0]):
        rest = [np.delete(np.arange(shape[0]), i) for i in range(shape[0])]
        left_out = [Ridge(alpha).fit(X[r], y[r]).predict(X)[i] for i, r in enumerate(rest)]
        loss = np.mean((y - left_out) ** 2)
        assert_allclose(-chosen.cv_results_["mean_test_score"][k], loss, rtol=1e-9)


def test_twins_share_beside_a_feature_of_very_unlike_unit():
    X, y = draw(50, 5)
    X[:, 0] *= 1e13
    X[:, 3] = X[:, 4]
    with pytest.warns(LinAlgWarning, match="rank 4 of 5"):
        model = Ridge(0.0, store_spectrum=True).fit(X, y)
    assert_allclose(model.coef_[3], model.coef_[4], rtol=1e-9)
    solved = np.linalg.lstsq(np.column_stack([np.ones(50), X[:, 0] / 1e13, X[:, 1:4]]), y)[0]
    assert_allclose(2 * model.coef_[3], solved[-1], rtol=1e-9)


@pytest.mark.parametrize("p", [6, 200])
def test_streams_do_not_depend_on_the_units_of_features(p):
    X, y = draw(600, p)
    X[:, 0] *= 1e4
    stream = Ridge(store_spectrum=False)
    for rows in (slice(0, 300), slice(300, 600)):
        stream.partial_fit(X[rows], y[rows])
    assert_allclose(stream.coef_, Ridge().fit(X, y).coef_, rtol=1e-8, atol=1e-12)


def test_float32_features_of_different_scale_are_kept():
    rng = np.random.default_rng(0)
    X = (rng.normal(size=(2000, 4)) * [1e4, 1, 1, 1]).astype(np.float32)
    y = (X @ np.float32([1e-4, 1, 2, -1]) + 0.1 * rng.normal(size=2000)).astype(np.float32)
    for model in (Ridge(), Ridge(solver="svd"), RidgeCV(), RidgeCV(cv=3), RidgeCV(rule="gcv")):
        assert model.fit(X, y).score(X, y) > 0.99


# Precision


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("shape", [(300, 8), (30, 90)])
def test_float32_data_are_summed_in_float64(shape, make):
    X, y = draw(*shape)
    X = (X * np.logspace(0, -3, shape[1])).astype(np.float32)
    options = {"fit_intercept": False, "alpha": 1e-3}
    for name in ("exponential", "damped_svd"):
        found = Ridge(filter=name, **options).fit(make(X), y).coef_
        assert_allclose(
            found, Ridge(filter=name, **options).fit(X.astype(float), y).coef_, rtol=1e-4
        )
    alphas = np.geomspace(1e-3, 1e3, 20)
    scores = [
        RidgeCV(alphas).fit(Z, y).cv_results_["mean_test_score"]
        for Z in (make(X), X.astype(float))
    ]
    assert_allclose(*scores, rtol=1e-5)


@pytest.mark.parametrize("mean", [1e5, 1e7])
def test_sparse_data_with_large_means_lose_no_digits(mean):
    X, y = draw(300, 5)
    X += mean
    S = sparse.csr_array(X)
    for options in ({"filter": "exponential"}, {"max_norm": 1.0}, {"store_spectrum": True}):
        assert_allclose(
            Ridge(**options).fit(S, y).coef_, Ridge(**options).fit(X, y).coef_, rtol=1e-5
        )
    dense = Ridge().fit(X, y).coef_
    assert_allclose(
        Ridge().partial_fit(S[:100], y[:100]).partial_fit(S[100:], y[100:]).coef_, dense, rtol=1e-5
    )
    for options in ({}, {"cv": 5}, {"rule": "gcv"}):
        scores = [RidgeCV(**options).fit(Z, y).best_score_ for Z in (S, X)]
        assert_allclose(*scores, rtol=1e-6)
    few = RidgeCV(cv=3, scoring="neg_mean_squared_error")
    wide = [few.fit(Z, y[:5]).best_score_ for Z in (sparse.csr_array(X[:5]), X[:5])]
    assert_allclose(*wide, rtol=1e-6)


def test_a_constant_column_of_sparse_data_counts_in_the_intercept():
    X, y = draw(40, 4)
    X[:, 1] = 5
    for options in ({"prior_mean": [1, 2, 3, 4]}, {"penalty_matrix": "first"}):
        model, twin = (Ridge(**options).fit(Z, y) for Z in (sparse.csr_array(X), X))
        assert_allclose(model.coef_, twin.coef_, rtol=1e-9)
        assert_allclose(model.predict(X), twin.predict(X), rtol=1e-9)
    std = [
        Ridge(store_spectrum=True).fit(Z, y).predict(X, return_std=True)[1]
        for Z in (sparse.csr_array(X), X)
    ]
    assert_allclose(*std, rtol=1e-9)


# Interpolation and small penalties


@pytest.mark.parametrize("shape", [(11, 10), (51, 50), (40, 200)])
def test_leave_one_out_where_a_fit_can_pass_through_all_samples(shape):
    rng = np.random.default_rng(1)
    r = min(shape)
    U, V = (np.linalg.qr(rng.normal(size=(m, r)))[0] for m in shape)
    X, y = U * np.logspace(0, -3.7 if shape[1] > 100 else -1, r) @ V.T, rng.normal(size=shape[0])
    alphas = np.array([1e-16, 1e-13, 1e-10])
    fast = RidgeCV(alphas).fit(X, y).cv_results_["mean_test_score"]
    safe = RidgeCV(alphas, gcv_mode="svd").fit(X, y).cv_results_["mean_test_score"]
    assert_allclose(fast, safe, rtol=1e-7)


@pytest.mark.parametrize("decades", [1, 4, 6])
def test_one_sample_more_than_features_is_solved_to_the_last_digits(decades):
    rng = np.random.default_rng(0)
    U, V = (np.linalg.qr(rng.normal(size=(m, 50)))[0] for m in (51, 50))
    X, y = 10 * U * np.logspace(0, -decades, 50) @ V.T, rng.normal(size=51)
    for alpha in (1e-3, 1.0):
        model, twin = (Ridge(alpha, solver=s, store_spectrum=True) for s in ("auto", "svd"))
        assert_allclose(model.fit(X, y).coef_, twin.fit(X, y).coef_, rtol=1e-9, atol=1e-11)
        scores = [RidgeCV([alpha], gcv_mode=mode).fit(X, y).best_score_ for mode in (None, "svd")]
        assert_allclose(*scores, rtol=1e-9)


def test_folds_of_ill_conditioned_wide_data():
    rng = np.random.default_rng(1)
    U, _, V = np.linalg.svd(rng.normal(size=(14, 60)), full_matrices=False)
    X, y = (U * np.geomspace(100, 3e-3, 14)) @ V, rng.normal(size=14)
    alphas, cv = [1e-8, 1e-4, 1e-2], KFold(4)
    found = RidgeCV(alphas, cv=cv, scoring="neg_mean_squared_error").fit(X, y).cv_results_
    expected = [
        -np.mean(
            [
                np.mean(
                    (y[test] - Ridge(a, solver="svd").fit(X[train], y[train]).predict(X[test]))
                    ** 2
                )
                for train, test in cv.split(X)
            ]
        )
        for a in alphas
    ]
    assert_allclose(found["mean_test_score"], expected, rtol=1e-8)


def test_a_stored_spectrum_serves_smaller_alphas_than_the_fitted_one():
    t = np.linspace(0, 1, 200)
    X, y = t[:, None] ** np.arange(1, 13), np.cos(4 * t)
    exact = Ridge(1e-14, solver="svd", store_spectrum=True).fit(X, y).spectrum_
    for model in (Ridge(1.0, store_spectrum=True), RidgeCV([1.0, 10.0], store_spectrum=True)):
        spectrum = model.fit(X, y).spectrum_
        assert_allclose(spectrum.s, exact.s, rtol=1e-6)
        assert_allclose(spectrum.loo(1e-14), exact.loo(1e-14), rtol=1e-6)


def test_deviations_where_features_outnumber_samples():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 60)) * 1e3, rng.normal(size=20)
    model = Ridge(1e-9, store_spectrum=True).fit(X, y)
    new = rng.normal(size=(5, 60)) * 1e3
    _, std = model.predict(new, return_std=True)
    _, _, Vt = np.linalg.svd(X - X.mean(axis=0))
    outside = (new - X.mean(axis=0)) @ Vt[19:].T
    assert_allclose(
        std, np.sqrt(model.noise_variance_ * np.sum(outside**2, axis=1) / 1e-9), rtol=1e-5
    )


def test_an_unpenalized_direction_beyond_the_samples_is_not_fitted():
    X = np.array(
        [
            [2.63374921590793, 6.839229073721184, 18.67175572837084],
            [2.6165675296062174, 6.830043743633307, 18.30810330583522],
        ]
    )
    y = np.array([-0.08669425274473325, 1.1474267214564584])
    model = Ridge(1.0, penalty_matrix="second", store_spectrum=True).fit(X, y)
    Xc, L = X - X.mean(axis=0), np.array([[1.0, -2, 1]])
    expected = np.linalg.lstsq(np.vstack([Xc, L]), np.append(y - y.mean(), 0), rcond=1e-12)[0]
    assert_allclose(model.coef_, expected, rtol=1e-6)
    assert model.spectrum_.dof(1.0) <= 2 + 1e-9


def test_prior_means_are_part_of_the_spectrum():
    X, y = draw(40, 6)
    for options in ({}, {"penalty_matrix": "second"}):
        for scale in (1.0, 1e40, 1e-100):
            w0 = np.arange(6.0) * scale
            model = Ridge(prior_mean=w0, store_spectrum=True, **options).fit(X, y * scale)
            assert_allclose(model.spectrum_.coef(1.0)[0], model.coef_, rtol=1e-9)


# Kernels and degenerate data


def test_a_singular_kernel_is_never_certified_by_chance():
    y = np.random.default_rng(0).normal(size=12)
    with pytest.warns(LinAlgWarning, match="has rank 1"):
        model = KernelRidge(0, kernel="rbf").fit(np.ones((12, 3)), y)
    assert_allclose(model.predict(np.ones((1, 3))), y.mean())


def test_folds_and_residuals_of_data_without_variation():
    X = np.zeros((10, 1))
    X[:2] = 1
    assert np.isfinite(
        KernelRidgeCV(cv=5, scoring="neg_mean_squared_error").fit(X, X[:, 0]).alpha_
    )
    model = RidgeCV(rule="ncp").fit(np.ones((12, 3)), np.arange(12.0))
    assert_allclose(model.predict(np.ones((1, 3))), 5.5)


# Weights, state, messages


def test_samples_without_weight_do_not_move_the_one_standard_error_choice():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 10))
    y = X @ rng.normal(size=10) + 3 * rng.normal(size=40)
    alphas = np.geomspace(0.01, 1e4, 40)
    weight = np.r_[np.ones(40), np.zeros(200)]
    more = np.vstack([X, np.zeros((200, 10))]), np.r_[y, np.zeros(200)], weight
    for kind in (RidgeCV, KernelRidgeCV):
        model = kind(alphas, choose="one_se")
        assert model.fit(*more).alpha_ == kind(alphas, choose="one_se").fit(X, y).alpha_


@pytest.mark.parametrize("kind", [RidgeClassifier, RidgeClassifierCV])
def test_a_refused_refit_leaves_a_classifier_as_it_was(kind):
    X, y = draw(30, 3)
    model = kind().fit(X, np.where(y > 0, "yes", "no"))
    before = model.predict(X)
    broken = X.copy()
    broken[0, 0] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        model.fit(broken, np.array(["a", "b", "c"])[np.arange(30) % 3])
    assert_array_equal(model.predict(X), before)


def test_scorers_of_folds_see_the_data():
    """A scorer that weighs errors by the first feature, with two targets."""
    X, y = draw(60, 4)
    Y = np.stack([y, y**2], axis=1)

    def score(model, X, y):
        return -np.average(np.abs(model.predict(X) - y).mean(axis=1), weights=np.abs(X[:, 0]))

    alphas = [0.1, 10.0, 1000.0]
    search = GridSearchCV(ScikitRidge(), {"alpha": alphas}, cv=4, scoring=score).fit(X, Y)
    model = RidgeCV(alphas, cv=4, scoring=score).fit(X, Y)
    expected = search.cv_results_["mean_test_score"]
    assert_allclose(model.cv_results_["mean_test_score"], expected, rtol=1e-9)


def own_filter(s, alpha):
    return s**2 / (s**2 + alpha)


@pytest.mark.parametrize("kind", [Ridge, RidgeCV])
def test_a_stored_spectrum_with_a_filter_of_ones_own_can_be_pickled(kind):
    X, y = draw(30, 3)
    options = {} if kind is Ridge else {"rule": "gcv"}
    model = kind(filter=own_filter, store_spectrum=True, **options).fit(X, y)
    again = pickle.loads(pickle.dumps(model))
    assert_allclose(again.spectrum_.coef(2.0), model.spectrum_.coef(2.0))


def test_what_a_spectrum_cannot_answer_it_says():
    X, y = draw(30, 3)
    stream = Ridge(store_spectrum=True).partial_fit(X, y)
    for name in ("loo", "residuals"):
        with pytest.raises(ValueError, match=f"{name} needs the samples"):
            getattr(stream.spectrum_, name)(1.0)
    other = Ridge(filter="exponential", store_spectrum=True).fit(X, y).spectrum_
    for name in ("loo", "covariance"):
        with pytest.raises(ValueError, match="tikhonov"):
            getattr(other, name)(1.0)
    with pytest.raises(ValueError, match="resolution takes alphas"):
        other.resolution(np.ones((2, 2)))
    with pytest.raises(ValueError, match="fit_intercept=False was True"):
        stream.set_params(fit_intercept=False).partial_fit(X, y)
    X[:, 0] = X[:, 1]
    with pytest.warns(LinAlgWarning):
        singular = Ridge(0, store_spectrum=True).fit(X, y)
    assert not hasattr(singular, "covariance_")
    assert "Ridge" in singular._repr_html_()


# Memory and work


def test_sparse_wide_data_never_take_a_matrix_of_all_features():
    S = sparse.random_array((40, 20_000), density=0.01, rng=np.random.default_rng(0), format="csr")
    y = np.arange(40.0)

    def work():
        Ridge(1e-8, filter="exponential").fit(S, y)
        RidgeCV([1e-9, 1.0], gcv_mode="svd").fit(S, y)

    assert peak(work) < 12 * 40 * 20_000 * 8


def test_leave_one_out_errors_are_never_held_for_all_samples():
    X, y = draw(50_000, 5)
    Y = np.stack([y] * 10, axis=1)
    model = RidgeCV(np.geomspace(1e-3, 1e3, 100))
    assert peak(lambda: model.fit(X, Y)) < Y.nbytes * 10  # all errors are 100 times Y


@pytest.mark.filterwarnings("ignore:cv=5 ended")
def test_an_automatic_search_factorizes_each_fold_once(monkeypatch):
    made = []
    make = folds.GramFolds._make
    monkeypatch.setattr(
        folds.GramFolds, "_make", lambda self, k, alpha: made.append(k) or make(self, k, alpha)
    )
    X, y = draw(60, 100)
    y += 30 * np.cos(np.arange(60.0) ** 2)  # so that the best alpha is within the grid
    RidgeCV("auto", cv=5).fit(X, y)
    assert sorted(set(made)) == [0, 1, 2, 3, 4]
    assert len(made) <= 10


def test_overflow_in_threads_is_an_error_of_ours_or_none():
    X, y = draw(2000, 200)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_allclose(
            Ridge(0).fit(X * 1e155, y).coef_ * 1e155, Ridge(0).fit(X, y).coef_, rtol=1e-6
        )
        X[5, 5] = np.inf
        with pytest.raises(ValueError, match="infinity"):
            Ridge().fit(X, y)


@pytest.mark.parametrize("options", [{}, {"solver": "svd"}, {"store_spectrum": True}])
def test_the_precision_of_the_data_decides_what_is_collinear(options):
    X, y = draw(40, 3)
    single = X.astype(np.float32)
    single[:, 2] = single[:, 0] + single[:, 1]  # to the last digit of float32 only
    with pytest.warns(LinAlgWarning, match="rank 2 of 3"):
        model = Ridge(0.0, **options).fit(single, y.astype(np.float32))
    assert np.abs(model.coef_).max() < 10
    double = single.astype(np.float64)
    double[:, 2] *= 1 + 1e-8 * np.sign(X[:, 0])
    assert Ridge(0.0, solver="svd", store_spectrum=True).fit(double, y).spectrum_.rank == 3


@pytest.mark.parametrize(("dtype", "tol"), [(np.float64, 1e-9), (np.float32, 1e-3)])
@pytest.mark.parametrize("shape", [(80, 100), (30, 300), (200, 60)])
def test_second_differences_of_spectra_without_trend(dtype, tol, shape):
    """Straight lines cost no penalty, and X maps them to zero, or to rounding of its own type."""
    rng = np.random.default_rng(0)
    raw = np.cumsum(rng.normal(size=shape), axis=1)
    X, y = (a.astype(dtype) for a in (detrend(raw, axis=1), raw[:, 30:50].mean(axis=1)))
    model = Ridge(1e4, penalty_matrix="second").fit(X, y)
    X, y = (a.astype(np.float64) for a in (X, y))
    # Of least norm, so without a line: w = back v, where v are its second differences.
    back = np.linalg.pinv(np.diff(np.eye(shape[1]), 2, axis=0))
    rows = np.vstack([(X - X.mean(axis=0)) @ back, 100 * np.eye(back.shape[1])])
    target = np.r_[y - y.mean(), np.zeros(back.shape[1])]
    expected = back @ np.linalg.lstsq(rows, target)[0]
    assert np.linalg.norm(model.coef_ - expected) < tol * np.linalg.norm(expected)


@pytest.mark.parametrize("batch", [200, 50])
def test_constant_sparse_columns_get_no_coefficient_from_batches(batch):
    rng = np.random.default_rng(0)
    X = sparse.random_array((200, 3), density=0.3, rng=rng, data_sampler=rng.standard_normal)
    X = np.c_[X.toarray(), np.ones(200)]
    y = X[:, 0] + 0.1 * rng.standard_normal(200) + 1000
    model = Ridge(1e-12)
    for start in range(0, 200, batch):
        rows = slice(start, start + batch)
        model.partial_fit(sparse.csr_array(X[rows]), y[rows])
    assert_allclose(model.coef_, Ridge(1e-12).fit(X, y).coef_, atol=1e-9)
    assert model.coef_[3] == 0


def test_what_the_free_directions_leave_of_others_is_rounding():
    """The first column is free and in the third, too; the other two remain equal, but for it."""
    for seed in range(20):
        a, b = np.random.default_rng(seed).normal(size=(2, 30))
        X, L = np.c_[1e6 * a, b, b + 1e6 * a], np.diag([0.0, 1.0, 1.0])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LinAlgWarning)
            model = Ridge(0.0, penalty_matrix=L, fit_intercept=False).fit(X, a + b)
        assert_allclose(model.coef_[1:], 0.5, rtol=1e-6)
