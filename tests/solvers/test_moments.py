import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse

from skreg._solvers import moments as module
from skreg._solvers.design import centre
from skreg._solvers.moments import moments

FIELDS = ["n_samples", "weight", "X_mean", "y_mean", "XX", "Xy", "yy"]


def data(n=60, p=5, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * (rng.random((n, p)) < 0.6) + [0, 0, 3, -2, 100]
    return X, rng.normal(size=(n, 2)), rng.uniform(0.5, 2, n) * (rng.random(n) < 0.9)


def assert_same(one, other, rtol=1e-11):
    for name in FIELDS:
        expected = getattr(other, name)
        atol = rtol * np.max(np.abs(expected))
        assert_allclose(getattr(one, name), expected, rtol=rtol, atol=atol, err_msg=name)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("make", [np.asarray, np.asfortranarray, sparse.csr_array])
def test_they_are_the_products_of_the_centred_data(monkeypatch, make, weighted, fit_intercept):
    monkeypatch.setattr(module, "SHORTEST", 7)
    monkeypatch.setattr(module, "BLOCK", 7)
    X, y, v = data()
    v = v if weighted else None
    design = centre(X, y, v, fit_intercept=fit_intercept)
    found = moments(make(X), y, v, fit_intercept=fit_intercept)
    assert found.n_samples == (np.count_nonzero(v) if weighted else 60)
    rtol = 1e-12
    assert_allclose(found.X_mean, design.X_mean, rtol=rtol, atol=rtol)
    assert_allclose(found.y_mean, design.y_mean, rtol=rtol, atol=rtol)
    size = np.abs(design.X.T @ design.X).max()
    # A sparse block is centred after its product, which costs digits where means are large.
    scale = 1e-11 if make is sparse.csr_array else 1e-13
    assert_allclose(found.XX, design.X.T @ design.X, atol=scale * size)
    assert_allclose(found.Xy, design.X.T @ design.y, atol=scale * size)
    assert_allclose(found.yy, np.sum(design.y**2, axis=0), rtol=rtol)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_they_add_and_subtract(fit_intercept):
    X, y, v = data()
    options = {"fit_intercept": fit_intercept}
    whole, first = moments(X, y, v, **options), moments(X[:20], y[:20], v[:20], **options)
    rest = moments(X[20:], y[20:], v[20:], **options)
    assert_same(first + rest, whole)
    assert_same(whole - first, rest)
    assert_same(whole - rest, first)


def test_rows_are_those_asked_for():
    X, y, v = data()
    rows = np.array([3, 50, 7, 7])
    assert_same(moments(X, y, v, rows=rows), moments(X[rows], y[rows], v[rows]))


def test_samples_without_weight_add_nothing():
    X, y, v = data()
    none = moments(X, y, np.zeros(60))
    assert none.n_samples == none.weight == 0
    whole = moments(X, y, v)
    assert_same(whole + none, whole)
    assert_same(none + whole, whole)
    assert_same(whole - none, whole)


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
def test_constant_columns_have_exactly_no_variance(make):
    X, y, _ = data(3000)
    X[:, 1] = 0.1
    found = moments(make(X[:1500]), y[:1500]) + moments(make(X[1500:]), y[1500:])
    assert found.X_mean[1] == 0.1
    assert found.XX[1].max() == found.XX[1].min() == 0


def test_weights_count_samples():
    X, y, _ = data()
    v = np.arange(60) % 3.0
    rows = np.repeat(np.arange(60), v.astype(int))
    weighted, repeated = moments(X, y, v), moments(X, y, rows=rows)
    for name in FIELDS[1:]:
        expected = getattr(repeated, name)
        assert_allclose(
            getattr(weighted, name), expected, rtol=1e-11, atol=1e-10 * np.max(np.abs(expected))
        )


@pytest.mark.parametrize("weighted", [True, False])
def test_constant_columns_of_sparse_data_have_no_moments(weighted):
    X, y, v = data()
    X = X - [0, 0, 3, -2, 100]  # so that sparse products keep their digits
    X[:, 3] = 3
    found = moments(sparse.csr_array(X), y + 1000, v if weighted else None)
    assert found.X_mean[3] == 3
    assert not found.XX[3].any()
    assert not found.XX[:, 3].any()
    assert not found.Xy[3].any()
    assert found.Xy[[0, 1, 2, 4]].all()


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
def test_squared_errors_are_those_of_the_samples(weighted, fit_intercept):
    X, y, v = data()
    v = v if weighted else None
    rng = np.random.default_rng(1)
    W, X_mean, y_mean = rng.normal(size=(3, 2, 5)), np.zeros(5), np.zeros(2)
    if fit_intercept:  # of other samples
        X_mean, y_mean = X.mean(axis=0) + 0.1, y.mean(axis=0) - 0.2
    test = moments(X, y, v, fit_intercept=fit_intercept)
    errors = y - y_mean - np.einsum("ip,atp->ait", X - X_mean, W)
    expected = np.einsum("i,ait->at", np.ones(60) if v is None else v, errors**2)
    assert_allclose(test.squared_errors(W, X_mean, y_mean), expected, rtol=1e-9)


def test_squared_errors_that_lost_their_digits_are_not_told():
    X, _, _ = data()
    W = np.ones((1, 1, 5))
    test = moments(X, X @ W[0].T)
    assert test.squared_errors(W, test.X_mean, test.y_mean) is None
