import numpy as np
import pytest
from scipy import sparse

from skreg._solvers.design import centre, defer
from skreg._solvers.factorization import decompose
from skreg._solvers.normal_equations import refine, solve
from skreg._solvers.products import smaller_gram
from tests import reference


def data(shape, seed=0, targets=2, shift=1.0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=shape) * (rng.random(shape) < 0.5) + shift
    return X, rng.normal(size=(shape[0], targets)), rng.uniform(0.5, 2, shape[0])


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array, sparse.csc_array])
@pytest.mark.parametrize("shape", [(25, 6), (6, 25), (1, 1), (3, 1), (1, 3)])
def test_gram_is_that_of_the_centred_weighted_rows(shape, make):
    X, y, v = data(shape)
    Xc = np.sqrt(v)[:, None] * (X - v @ X / v.sum())
    expected = Xc @ Xc.T if shape[0] <= shape[1] else Xc.T @ Xc
    np.testing.assert_allclose(smaller_gram(centre(make(X), y, v)), expected, atol=1e-12)


@pytest.mark.parametrize("alpha", [[1.0, 1.0], [0.1, 10.0]], ids=["one alpha", "two alphas"])
@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("shape", [(25, 6), (6, 25), (7, 7), (1, 1)])
def test_equals_the_oracle(shape, make, alpha):
    X, y, v = data(shape)
    solution = solve(centre(make(X), y, v), np.array(alpha))
    np.testing.assert_allclose(
        solution.coef, reference.ridge(X, y, alpha, v)[0], rtol=1e-11, atol=1e-14
    )
    assert solution.residual < 1e-12
    assert solution.solver == "cholesky"


def test_units_of_the_features_do_not_count():
    """Columns sixteen orders of magnitude apart stay certified, and right to the last digits."""
    X, y, _ = data((60, 5))
    unit = 10.0 ** np.array([-8, -4, 0, 4, 8])
    solution = solve(centre(X * unit, y), np.zeros(2))
    expected = reference.ridge(X, y, 0)[0] / unit
    np.testing.assert_allclose(solution.coef, expected, rtol=1e-11)


@pytest.mark.parametrize("alpha", [[0.0, 0.0], [0.0, 1.0], [1e-14, 1e-14]])
@pytest.mark.parametrize("shape", [(30, 8), (8, 30)])
def test_declines_what_is_nearly_singular(shape, alpha):
    """For some of these, rounding lets a factorization pass, and the corrections vanish too."""
    for seed in range(20):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(shape[0], 3)) @ rng.normal(size=(3, shape[1]))
        if seed % 2:  # two equal columns
            X = rng.integers(-3, 4, size=shape)[:, [*range(shape[1]), 0]].astype(float)
            X *= shape[0] > shape[1] or np.arange(shape[1] + 1) < 3
        assert solve(centre(X, rng.normal(size=(shape[0], 2))), np.array(alpha)) is None


@pytest.mark.parametrize("scale", [1e-170, 1e170])
def test_declines_what_overflows_or_vanishes(scale):
    X, y, _ = data((20, 4))
    assert solve(centre(X * scale, y), np.zeros(2)) is None


def test_refinement_gains_the_digits_that_the_product_lost():
    """At condition 1e5, X'X has lost 10 digits; the refined solution is that of the SVD."""
    rng = np.random.default_rng(0)
    Q = np.linalg.qr(rng.normal(size=(80, 6)))[0]
    V = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    X = Q * np.logspace(0, -4.5, 6) @ V.T
    y = X @ rng.normal(size=(6, 1))
    design = centre(X, y, fit_intercept=False)
    solution, naive = solve(design, np.zeros(1)), np.linalg.solve(X.T @ X, X.T @ y).T
    exact = reference.ridge(X, y, 0, fit_intercept=False)[0]
    best = np.abs(decompose(design, exact=True).coef(0.0) - exact).max()
    assert np.abs(solution.coef - exact).max() < 10 * best
    assert np.abs(naive - exact).max() > 1000 * np.abs(solution.coef - exact).max()


def test_refinement_gives_up_when_corrections_do_not_shrink():
    class Wrong:
        def solve(self, B):
            return 0.3 * B

    b = np.ones((3, 1))
    assert refine(Wrong(), b, lambda W: b - W) is None


def test_a_gram_matrix_given_is_used():
    X, y, _ = data((20, 4))
    design = centre(X, y)
    alpha = np.ones(2)
    given = solve(design, alpha, smaller_gram(design))
    np.testing.assert_array_equal(given.coef, solve(design, alpha).coef)
    assert solve(design, alpha, -np.eye(4)) is None


def test_float32_stays_float32():
    X, y, v = data((50, 6))
    design = centre(X.astype(np.float32), y, v.astype(np.float32))
    for alpha in ([1.0, 1.0], [1.0, 2.0]):
        coef = solve(design, np.array(alpha)).coef
        assert coef.dtype == np.float32
        np.testing.assert_allclose(coef, reference.ridge(X, y, alpha, v)[0], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("condition", [1e4, 3e4])
def test_the_last_correction_of_wide_data_counts(condition):
    rng = np.random.default_rng(0)
    U = np.linalg.qr(rng.normal(size=(40, 40)))[0]
    V = np.linalg.qr(rng.normal(size=(90, 40)))[0]
    s = np.geomspace(1, 1 / condition, 40)
    X, y = (U * s) @ V.T, rng.normal(size=40)
    design = defer(X, y, fit_intercept=False).in_double_precision()
    found = solve(design, np.array([s[-1] ** 2])).coef[0]
    u, t, vt = np.linalg.svd(X, full_matrices=False)
    expected = vt.T @ (t / (t * t + s[-1] ** 2) * (u.T @ y))
    error = np.linalg.norm(found - expected)
    assert error < 6e-15 * condition * np.linalg.norm(expected)
