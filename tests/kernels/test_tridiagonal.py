import numpy as np
import pytest

from skreg._kernels.tridiagonal import factorize, inverse_diagonal
from tests import reference


@pytest.mark.parametrize("m", [1, 2, 8, 9, 23])
def test_equals_its_twin_from_any_row_on(m):
    rng = np.random.default_rng(m)
    diagonal, beside = rng.uniform(2.5, 4, m), rng.uniform(-1, 1, m - 1)
    Q, alphas = rng.normal(size=(m - 1, m - 1)), np.array([0.1, 3.0, 100.0, 1.0])
    ratio, inverse = np.empty((2, len(alphas), m))
    factorize(diagonal, beside, alphas, ratio, inverse)
    for start, stop in ((0, m), (m // 2, m), (0, 1), (m, m)):
        found = np.empty((len(alphas), stop - start))
        inverse_diagonal(np.asfortranarray(Q), ratio, inverse, np.empty((m, 8)), found, start)
        expected = reference.inverse_diagonal(diagonal, beside, Q, alphas)[:, start:stop]
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_the_factors_are_those_of_the_shifted_matrix():
    diagonal, beside, alphas = np.array([3.0, 4, 5]), np.array([1.0, -2]), np.array([0.0, 7])
    ratio, inverse = np.empty((2, 2, 3))
    factorize(diagonal, beside, alphas, ratio, inverse)
    for k, alpha in enumerate(alphas):
        L = np.eye(3) + np.diag(ratio[k, 1:], -1)
        T = np.diag(diagonal + alpha) + np.diag(beside, 1) + np.diag(beside, -1)
        assert ratio[k, 0] == 0
        np.testing.assert_allclose(L @ np.diag(1 / inverse[k]) @ L.T, T, rtol=1e-14, atol=1e-14)
