"""Gathering shuffled rows, dense and sparse, in any memory layout."""

import numpy as np
import pytest
from scipy import sparse

from skreg._kernels.rows import gather, sparse_product, sparse_transposed_product

LAYOUTS = {
    "C": np.ascontiguousarray,
    "F": np.asfortranarray,
    "strided": lambda X: np.repeat(np.repeat(X, 2, axis=0), 3, axis=1)[::2, ::3],
    "backwards": lambda X: np.ascontiguousarray(X[::-1, ::-1])[::-1, ::-1],
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", [(1, 1), (5, 3), (6, 1)])
@pytest.mark.parametrize("weighted", [False, True])
def test_gather_is_fancy_indexing(shape, layout, dtype, weighted):
    rng = np.random.default_rng(0)
    X = LAYOUTS[layout](rng.normal(size=shape).astype(dtype))
    X.flags.writeable = False
    targets = rng.integers(0, 9, (shape[0], 2), dtype=np.int32)
    weight = rng.random(shape[0] if weighted else 0).astype(dtype)
    order = rng.permutation(shape[0])[: max(1, shape[0] - 2)]
    out = [
        np.empty((len(order), shape[1]), dtype),
        np.empty((len(order), 2), np.int32),
        np.empty(len(order), dtype),
    ]
    total = gather(X, targets, weight, order, *out)
    np.testing.assert_array_equal(out[0], X[order])
    np.testing.assert_array_equal(out[1], targets[order])
    np.testing.assert_array_equal(out[2], weight[order] if weighted else 1)
    np.testing.assert_allclose(total, out[2].sum(dtype=float), rtol=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("density", [0.0, 0.3, 1.0])
@pytest.mark.parametrize(("shape", "cols"), [((1, 1), 1), ((7, 5), 3), ((7, 5), 8)])
def test_sparse_products_equal_dense_ones(shape, cols, density, dtype):
    rng = np.random.default_rng(1)
    X = sparse.random_array(shape, density=density, rng=rng, dtype=dtype).tocsr()
    triple = X.data, X.indices.astype(np.int32), X.indptr.astype(np.int64)
    order = rng.permutation(shape[0])
    w = rng.normal(size=(shape[1], cols)).astype(dtype)
    delta = rng.normal(size=(shape[0], cols)).astype(dtype)
    tolerance = 1e-5 if dtype == np.float32 else 1e-13

    out = np.full((shape[0], cols), 7, dtype)
    sparse_product(*triple, order, w, out)
    dense = X.toarray()[order]
    np.testing.assert_allclose(out, dense @ w, rtol=tolerance, atol=tolerance)

    out = np.ones((shape[1], cols), dtype)
    sparse_transposed_product(*triple, order, delta, out)
    np.testing.assert_allclose(out, 1 + dense.T @ delta, rtol=tolerance, atol=tolerance)


def test_repeated_entries_of_a_sparse_row_add_up():
    data, indices, indptr = np.array([1.0, 2.0]), np.array([0, 0], "i4"), np.array([0, 2])
    out = np.empty((1, 1))
    sparse_product(data, indices, indptr, np.array([0]), np.ones((1, 1)), out)
    assert out[0, 0] == 3
