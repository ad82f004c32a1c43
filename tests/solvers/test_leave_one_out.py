from decimal import Decimal, localcontext

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse

from skreg._solvers import leave_one_out as module
from skreg._solvers.design import defer
from skreg._solvers.factorization import decompose
from skreg._solvers.leave_one_out import expanded, mean_squares, residuals, short_cut

ALPHAS = np.array([0.1, 1.0, 30.0])


def data(shape, targets=2, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=shape) + 1
    return X, rng.normal(size=(shape[0], targets)) + X[:, :1], rng.uniform(0.3, 2, shape[0])


def refits(X, y, v, alpha, fit_intercept):
    """Errors of predicting each sample by a fit without it, from stacked least squares."""
    errors = np.empty(y.shape)
    for i in range(len(X)):
        rest = np.arange(len(X)) != i
        A, b, w = X[rest], y[rest], np.sqrt(v[rest])[:, None]
        centre = [np.average(a, axis=0, weights=v[rest]) * fit_intercept for a in (A, b)]
        stacked = np.vstack([w * (A - centre[0]), np.sqrt(alpha) * np.eye(X.shape[1])])
        target = np.vstack([w * (b - centre[1]), np.zeros((X.shape[1], y.shape[1]))])
        coef = np.linalg.lstsq(stacked, target, rcond=None)[0]
        errors[i] = y[i] - centre[1] - (X[i] - centre[0]) @ coef
    return errors


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("shape", [(30, 6), (12, 25), (13, 13), (14, 13), (3, 1)])
def test_errors_are_those_of_refits(shape, make, fit_intercept, weighted, exact):
    X, y, v = data(shape)
    v = v if weighted else np.ones(shape[0])
    design = defer(make(X), y, v if weighted else None, fit_intercept=fit_intercept)
    spectrum = decompose(design, ALPHAS.min(), exact=exact)
    expected = np.stack([refits(X, y, v, a, fit_intercept) for a in ALPHAS], axis=1)
    assert_allclose(residuals(spectrum, ALPHAS), expected, rtol=1e-9)
    square = v[:, None, None] * expected**2
    mean, error = mean_squares(spectrum, ALPHAS)
    assert_allclose(mean, square.mean(axis=0), rtol=1e-9)
    assert_allclose(error, square.std(axis=0, ddof=1) / np.sqrt(shape[0]), rtol=1e-8)
    assert_allclose(spectrum.loo(ALPHAS), mean, rtol=1e-12)
    each = np.array([[0.1, 30.0]])
    assert_allclose(spectrum.loo(each)[0], [mean[0, 0], mean[2, 1]], rtol=1e-9)


def test_samples_without_weight_count_nothing():
    X, y, v = data((30, 6))
    v[3:7] = 0
    kept = v > 0
    mean = mean_squares(decompose(defer(X, y, v), 0.1), ALPHAS)[0]
    fewer = mean_squares(decompose(defer(X[kept], y[kept], v[kept]), 0.1), ALPHAS)[0]
    assert_allclose(mean * 30, fewer * 26, rtol=1e-10)


@pytest.mark.parametrize("shape", [(300, 40), (40, 300)])
def test_the_short_cut_changes_nothing(monkeypatch, shape):
    X, y, v = data(shape)
    spectrum = decompose(defer(X, y, v), 1.0)
    alphas = np.geomspace(1, 1e4, 100)
    short = mean_squares(spectrum, alphas)
    phi, psi = spectrum.factors(alphas)
    left, _ = short_cut((psi if spectrum.U is not None else phi)[:, 0].T)
    assert left.shape[1] < 30
    monkeypatch.setattr(module, "SIMILAR", 2.0)
    long = mean_squares(spectrum, alphas)
    assert_allclose(short[0], long[0], rtol=1e-11)
    assert_allclose(short[1], long[1], rtol=1e-10)


def test_without_penalty_an_interpolating_fit_has_its_limit():
    """At alpha = 0 and p > n both parts of the ratio vanish; their limit is the refit's error."""
    X, y, v = data((10, 25))
    spectrum = decompose(defer(X, y, v), 0.0)
    limit = spectrum.loo(np.array([0.0]))
    assert_allclose(limit, spectrum.loo(np.array([1e-9])), rtol=1e-6)
    X, y, v = data((30, 6))
    at_zero = residuals(decompose(defer(X, y, v), 0.0), np.array([0.0]))[:, 0]
    assert_allclose(at_zero, refits(X, y, v, 0.0, True), rtol=1e-9)


def test_a_sample_that_fits_itself_has_no_finite_error():
    X = np.zeros((8, 2))
    X[0, 0] = 1
    X[:, 1] = np.arange(8)
    spectrum = decompose(defer(X, np.arange(8.0) ** 2), 0.0)
    assert spectrum.loo(0.0) == np.inf
    assert np.isfinite(spectrum.loo(1e-3))


def exact_loo(X, y, alpha):
    """Mean squared leave-one-out error with intercept, in decimal numbers of 60 digits."""
    with localcontext(prec=60):
        A, b = (np.vectorize(Decimal, otypes=[object])(a) for a in (X, y))
        A, b = A - A.sum(axis=0) / len(A), b - b.sum() / len(b)
        p = A.shape[1]
        # Gauss-Jordan elimination of [A'A + alpha I | A'b, A'] gives coefficients and leverages.
        M = np.column_stack([A.T @ A, A.T @ b, A.T])
        M[np.arange(p), np.arange(p)] += Decimal(alpha)
        for j in range(p):
            M[j] = M[j] / M[j, j]
            for i in range(p):
                if i != j:
                    M[i] = M[i] - M[i, j] * M[j]
        residual = b - A @ M[:, p]
        leverage = np.array([A[i] @ M[:, p + 1 + i] for i in range(len(A))]) + 1 / Decimal(len(A))
        return float(np.sum((residual / (1 - leverage)) ** 2) / len(A))


def test_polynomials_of_condition_4e8_keep_their_digits():
    """200 x 12 monomials at alpha = 1e-14, where a Gram matrix has no digit left."""
    t = np.linspace(0, 1, 200)
    X = t[:, None] ** np.arange(1, 13)
    y = np.cos(4 * t) + 0.01 * np.random.default_rng(0).normal(size=200)
    Xc = X - X.mean(axis=0)
    assert 1e7 < np.linalg.cond(Xc) < 1e10
    spectrum = decompose(defer(X, y), 1e-14)
    assert_allclose(spectrum.loo(1e-14), exact_loo(X, y, 1e-14), rtol=1e-2)


@pytest.mark.parametrize("alpha", [1e-15, 1e-17, 1e-30])
def test_a_sample_that_no_other_predicts_has_no_finite_error(alpha):
    X, y, _ = data((30, 4))
    X[:, 0] = np.arange(30) == 7
    spectrum = decompose(defer(X, y, fit_intercept=False), alpha)
    assert spectrum.U is None  # by differences, of which rounding leaves nothing
    found = residuals(spectrum, np.array([alpha]))
    assert np.all(np.isinf(found[7]))
    assert np.all(np.isfinite(np.delete(found, 7, axis=0)))


@pytest.mark.parametrize("ends", [(-12, -6), (-6, 3), (-9, -8), (-4, 0), (-7, -3)])
def test_the_short_cut_keeps_the_digits_of_the_smallest_factor(ends):
    squares, alphas = np.geomspace(1, 1e-8, 30)[:, None], np.logspace(*ends, 60)
    for factors in (squares / (squares + alphas), alphas / (squares + alphas)):
        assert_allclose(expanded(*short_cut(factors)), factors, rtol=1e-10)
