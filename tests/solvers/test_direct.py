import numpy as np
import pytest
from scipy import sparse

from skreg._solvers import direct as module
from skreg._solvers.design import centre
from skreg._solvers.direct import automatic, direct, has_cheap_gram
from tests import reference


def test_a_good_matrix_is_factorized_and_a_bad_one_decomposed():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 6)), rng.normal(size=40)
    assert direct(centre(X, y), np.ones(1)).solver == "cholesky"
    assert direct(centre(X[:, [0, 0, 1]], y), np.zeros(1)).solver == "svd"


@pytest.mark.parametrize("large", [2**22, 0])
@pytest.mark.parametrize("shape", [(40, 10), (10, 40)])
def test_a_sparse_matrix_without_full_rank_gets_the_minimum_norm(monkeypatch, shape, large):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(shape[0], 4)) @ rng.normal(size=(4, shape[1]))
    y, sparse_X = rng.normal(size=shape[0]), sparse.csr_array(X)
    monkeypatch.setattr(module, "DENSE_SIZE", large)
    solution = direct(centre(sparse_X, y), np.zeros(1))
    assert solution.solver == ("svd" if large else "lsqr")
    np.testing.assert_allclose(solution.coef, direct(centre(X, y), np.zeros(1)).coef, atol=1e-11)


def test_polynomials_of_condition_1e8_keep_their_digits():
    """alpha = 1e-14 on monomials: X'X has no digit left, the answer has seven."""
    t = np.linspace(0, 1, 200)
    X, y = t[:, None] ** np.arange(1, 13), np.cos(4 * t)
    solution = direct(centre(X, y), np.array([1e-14]))
    expected = reference.ridge(X, y, 1e-14)[0]
    prediction, best = X @ solution.coef[0], X @ expected[0]
    assert solution.solver == "svd"
    np.testing.assert_allclose(prediction, best, atol=1e-9)


def test_a_sparse_gram_matrix_is_cheap_only_when_small_and_thin():
    rng = np.random.default_rng(0)
    thin = sparse.random_array((5000, 300), density=0.01, rng=rng, format="csr")
    assert has_cheap_gram(thin)
    assert has_cheap_gram(thin.T.tocsr())
    assert has_cheap_gram(thin.T.tocsc())
    assert not has_cheap_gram(sparse.csr_array(np.ones((1200, 1000))))
    assert not has_cheap_gram(sparse.eye_array(2001).tocsr())


def test_large_sparse_data_go_to_conjugate_gradients():
    rng = np.random.default_rng(0)
    X = sparse.random_array((2500, 2200), density=0.002, rng=rng, format="csr")
    y = X @ rng.normal(size=2200)
    solution = automatic(centre(X, y), np.ones(1), tol=1e-12)
    assert solution.solver == "sparse_cg"
    exact = direct(centre(X, y), np.ones(1))
    assert exact.solver == "cholesky"
    np.testing.assert_allclose(solution.coef, exact.coef, atol=1e-9)


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
def test_float32_data_get_a_second_chance_in_float64(make):
    """At condition 3e3, X'X keeps no digit in float32, and singular values keep three."""
    rng = np.random.default_rng(0)
    Q, V = np.linalg.qr(rng.normal(size=(80, 6)))[0], np.linalg.qr(rng.normal(size=(6, 6)))[0]
    X, y = (Q * np.logspace(0, -3.5, 6) @ V.T).astype(np.float32), rng.normal(size=80)
    design = centre(make(X), y.astype(np.float32), fit_intercept=False)
    solution = direct(design, np.zeros(1))
    expected = reference.ridge(X, y.astype(np.float32), 0, fit_intercept=False)[0]
    assert solution.solver == "cholesky"
    assert solution.coef.dtype == np.float32
    np.testing.assert_allclose(solution.coef, expected, rtol=1e-5)
