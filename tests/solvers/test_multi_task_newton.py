import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import linalg

from skreg._solvers.multi_task_newton import (
    cost,
    direction,
    inverse_from_columns,
    inverse_from_gram,
)


def hessian(Q, W, l1, l2):
    """Of 1/2 <W, QW> + sum l1_j |W_j| + l2_j/2 |W_j|^2, in the entries of W, row by row."""
    k, t = W.shape
    H = np.kron(Q, np.eye(t))
    for j in range(k):
        norm = np.linalg.norm(W[j])
        u, part = W[j] / norm, slice(j * t, (j + 1) * t)
        H[part, part] += l1[j] / norm * (np.eye(t) - np.outer(u, u)) + l2[j] * np.eye(t)
    return H


@pytest.mark.parametrize(("n", "k"), [(20, 1), (20, 7), (6, 11)])
@pytest.mark.parametrize("t", [1, 4])
def test_the_direction_solves_the_whole_system(n, k, t):
    rng = np.random.default_rng(0)
    A, W, slope = rng.standard_normal((k, n)), rng.standard_normal((k, t)), np.ones((k, t))
    l1, l2 = rng.random(k), 0.5 + rng.random(k)
    l1[0] = 0  # a row without the penalty on norms
    norms = np.linalg.norm(W, axis=1)
    d = l1 / norms + l2
    inverse = inverse_from_gram(A @ A.T, d)
    if k > n:
        assert_allclose(inverse_from_columns(A, d), inverse, rtol=1e-10, atol=1e-12)
    D = direction(inverse, slope, W, norms, l1)
    expected = np.linalg.solve(hessian(A @ A.T, W, l1, l2), slope.ravel())
    assert_allclose(D.ravel(), expected, rtol=1e-9)


def test_a_singular_gram_matrix_is_solved_or_refused():
    a = np.random.default_rng(0).standard_normal(9)
    A = np.vstack([a, a, 2 * a])
    inverse = inverse_from_gram(A @ A.T, np.zeros(3))
    assert np.all(np.isfinite(inverse))
    with pytest.raises(linalg.LinAlgError):
        inverse_from_gram(-np.eye(3), np.zeros(3))


def test_cost_grows_with_the_support_and_knows_of_few_samples():
    assert cost(10, 3, 1000) < cost(20, 3, 1000)
    assert cost(500, 3, 50) < cost(500, 3, 5000)
