import numpy as np
import pytest
from numpy.testing import assert_allclose

from skreg import RidgeClassifierCV, RidgeCV
from skreg._solvers import dual_leave_one_out as module
from skreg._solvers.design import defer
from skreg._solvers.dual_leave_one_out import dual_errors, dual_pays
from skreg._solvers.factorization import decompose, frame_of
from skreg._solvers.filters import tikhonov
from skreg._solvers.products import smaller_gram
from skreg._solvers.spectrum import replace
from tests.solvers.test_leave_one_out import ALPHAS, data, mean_squares, refits


def frame_and_errors(X, y, v, alphas, fit_intercept=True):
    design = defer(X, y, v, fit_intercept=fit_intercept).in_double_precision()
    frame = frame_of(design, tikhonov)
    return frame, dual_errors(smaller_gram(design), frame, alphas), design


@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("shape", [(12, 25), (13, 13), (3, 4), (9, 40)])
def test_errors_are_those_of_refits(shape, fit_intercept, weighted):
    X, y, v = data(shape)
    v = v if weighted else np.ones(shape[0])
    frame, dual, _ = frame_and_errors(X, y, v if weighted else None, ALPHAS, fit_intercept)
    expected = np.stack([refits(X, y, v, a, fit_intercept) for a in ALPHAS], axis=1)
    (parts,) = dual.over_rows(ALPHAS, list)
    found = np.vstack([errors for _, errors in parts])
    assert_allclose(found, np.sqrt(v)[:, None, None] * expected, rtol=1e-9)
    square = v[:, None, None] * expected**2
    mean, error = mean_squares(replace(frame, implicit=dual), ALPHAS)
    assert_allclose(mean, square.mean(axis=0), rtol=1e-9)
    assert_allclose(error, square.std(axis=0, ddof=1) / np.sqrt(shape[0]), rtol=1e-8)


@pytest.mark.parametrize("alpha", [1e-1, 1e-4, 1e-7])  # the design has a condition of 1e3
def test_small_penalties_keep_their_digits(alpha):
    rng = np.random.default_rng(0)
    U, _, Vt = np.linalg.svd(rng.normal(size=(60, 90)), full_matrices=False)
    X, y = (U * np.geomspace(1, 1e-3, 60)) @ Vt + 3, rng.normal(size=(60, 1))
    frame, dual, design = frame_and_errors(X, y, None, np.array([alpha]))
    found = mean_squares(replace(frame, implicit=dual), np.array([alpha]))[0]
    expected = mean_squares(decompose(design, exact=True), np.array([alpha]))[0]
    assert_allclose(found, expected, rtol=1e-9)


def test_it_declines_what_would_lose_digits():
    X, y, _ = data((40, 60))
    X[20:] = X[:20]
    assert frame_and_errors(X, y, None, np.array([1e-2]))[1] is not None
    assert frame_and_errors(X, y, None, np.array([1e-5]))[1] is None
    assert frame_and_errors(X * 1e-160, y, None, np.array([1.0]))[1] is None


def test_it_is_for_many_samples_of_positive_weight_and_few_alphas():
    X, y, v = data((900, 901), targets=1)
    frame = frame_of(defer(X, y, v), tikhonov)
    assert dual_pays(frame, np.ones(100))
    assert not dual_pays(frame, np.ones(101))
    v[3] = 0
    assert not dual_pays(frame_of(defer(X, y, v), tikhonov), np.ones(100))
    small = frame_of(defer(X[:700], y[:700]), tikhonov)
    assert not dual_pays(small, np.ones(3))


@pytest.mark.parametrize("n_features", [800, 1100])
@pytest.mark.parametrize("options", [{}, {"fit_intercept": False}, {"choose": "one_se"}])
def test_ridge_cv_is_the_same_without_eigenvectors(monkeypatch, n_features, options):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(800, n_features)) + 1
    Y = X[:, :20] @ rng.normal(size=(20, 2)) + 3 * rng.normal(size=(800, 2))
    weight = rng.uniform(0.5, 2, 800)
    alphas = np.geomspace(1e-2, 1e5, 21)
    for y, alpha_per_target in ((Y[:, 0], False), (Y, False), (Y, True)):
        models = []
        for share in (1, np.inf):
            monkeypatch.setattr(module, "SHARE", share)
            model = RidgeCV(alphas, alpha_per_target=alpha_per_target, **options)
            models.append(model.fit(X, y, weight))
        short, long = models
        assert np.all(short.alpha_ == long.alpha_)
        assert np.all((alphas[0] < short.alpha_) & (short.alpha_ < alphas[-1]))
        assert_allclose(short.best_score_, long.best_score_, rtol=1e-10)
        for name, expected in long.cv_results_.items():
            assert_allclose(short.cv_results_[name], expected, rtol=1e-9, err_msg=name)
        assert_allclose(short.coef_, long.coef_, rtol=1e-9, atol=1e-12)
        assert_allclose(short.intercept_, long.intercept_, rtol=1e-9)


def test_classes_are_chosen_the_same_without_eigenvectors(monkeypatch):
    rng = np.random.default_rng(2)
    X = rng.normal(size=(800, 900))
    y = (X[:, :3] @ [1, 2, 3] + rng.normal(size=800) > 0).astype(int)
    models = []
    for share in (1, np.inf):
        monkeypatch.setattr(module, "SHARE", share)
        models.append(RidgeClassifierCV(np.geomspace(1e-2, 1e5, 15)).fit(X, y))
    assert models[0].alpha_ == models[1].alpha_
    assert_allclose(models[0].coef_, models[1].coef_, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("weight", [1e16, 1e18, 1e20])
def test_a_sample_that_fits_itself_is_infinitely_far(weight):
    alphas = np.array([0.1, 1.0])
    for seed in range(10):
        rng = np.random.default_rng(seed)
        X, y, v = rng.normal(size=(12, 25)), rng.normal(size=12), np.ones(12)
        v[4] = weight
        _, dual, _ = frame_and_errors(X, y, v, alphas)
        (parts,) = dual.over_rows(alphas, list)
        assert np.all(np.vstack([errors for _, errors in parts])[4] == np.inf)
