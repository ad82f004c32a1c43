import numpy as np
import pytest
from numpy.testing import assert_allclose

from skreg._solvers import eigen as module
from skreg._solvers.eigen import eigen


def gram(m, seed=0):
    X = np.random.default_rng(seed).normal(size=(m + 3, m))
    return X.T @ X


@pytest.mark.parametrize("large", [True, False])
@pytest.mark.parametrize("m", [2, 3, 40])
def test_values_and_vectors_are_those_of_the_matrix(monkeypatch, m, large):
    monkeypatch.setattr(module, "SMALL_FACTORIZATION", 0 if large else m + 1)
    G = gram(m)
    values, V = eigen(G.copy())
    assert_allclose(values, np.linalg.eigvalsh(G)[::-1], rtol=1e-12)
    B = np.random.default_rng(1).normal(size=(m, 2))
    product, back = V.times(B), V.transposed_times(B)
    first = V.first(m // 2 + 1)
    assert (V.reflectors is not None) == large
    some = first.times(B[: m // 2 + 1])
    A = V.array()
    assert V.reflectors is None
    assert_allclose(A.T @ A, np.eye(m), atol=1e-13)
    assert_allclose(G @ A, A * values, atol=1e-12 * values[0])
    assert_allclose(product, A @ B, atol=1e-13)
    assert_allclose(back, A.T @ B, atol=1e-13)
    assert_allclose(some, A[:, : m // 2 + 1] @ B[: m // 2 + 1], atol=1e-13)
    assert_allclose(first.array(), A[:, : m // 2 + 1], atol=1e-13)


@pytest.mark.parametrize("scale", [0.0, 1e-300, 1e300, np.inf, np.nan])
def test_entries_out_of_range_are_declined(scale):
    assert eigen(gram(3) * scale) == (None, None)


@pytest.mark.parametrize("large", [True, False])
def test_repeated_and_zero_values(monkeypatch, large):
    monkeypatch.setattr(module, "SMALL_FACTORIZATION", 0 if large else 100)
    values, V = eigen(np.diag([2.0, 0.0, 2.0, 0.0, 1.0]))
    assert_allclose(values, [2, 2, 1, 0, 0], atol=1e-15)
    assert_allclose((V.array() * values) @ V.array().T, np.diag([2, 0, 2, 0, 1]), atol=1e-14)
