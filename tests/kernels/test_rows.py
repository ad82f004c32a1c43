"""Gathering shuffled rows, dense and sparse, in any memory layout; sparse products."""

import numpy as np
import pytest
from scipy import sparse

from skreg._kernels.dropout import dropout_factor
from skreg._kernels.rows import (
    gather,
    gather_sparse,
    sparse_product,
    sparse_transposed_product,
)

LAYOUTS = {
    "C": np.ascontiguousarray,
    "F": np.asfortranarray,
    "strided": lambda X: np.repeat(np.repeat(X, 2, axis=0), 3, axis=1)[::2, ::3],
    "backwards": lambda X: np.ascontiguousarray(X[::-1, ::-1])[::-1, ::-1],
}
DTYPES = [np.float32, np.float64]


def gathered(X, codes, targets, weight, order, cols):
    """(rows of X, targets, weights, sum of weights)."""
    n, dtype = len(order), X.dtype
    out = [np.full(s, 7, dtype) for s in ((n, X.shape[1]), (n, cols), n)]
    total = gather(X, codes, targets, weight, order, *out)
    return *out, total


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", [(1, 1), (5, 3), (6, 1), (4, 0)])
@pytest.mark.parametrize("weighted", [False, True])
def test_gather_is_fancy_indexing(shape, layout, dtype, weighted):
    rng = np.random.default_rng(0)
    X = LAYOUTS[layout](rng.normal(size=shape).astype(dtype))
    targets = rng.normal(size=(shape[0], 2)).astype(dtype)
    weight = rng.random(shape[0] if weighted else 0).astype(dtype)
    for array in (X, targets, weight):
        array.flags.writeable = False
    order = rng.permutation(shape[0])[: max(1, shape[0] - 2)]
    found = gathered(X, np.empty(0, np.int32), targets, weight, order, 2)
    np.testing.assert_array_equal(found[0], X[order])
    np.testing.assert_array_equal(found[1], targets[order])
    np.testing.assert_array_equal(found[2], weight[order] if weighted else 1)
    np.testing.assert_allclose(found[3], found[2].sum(dtype=float), rtol=1e-14)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("cols", [1, 2, 4])
def test_codes_become_probabilities(cols, dtype):
    # One column is the probability of class 1, several are those of their classes.
    codes = np.array([0, 1, 1, 0] if cols == 1 else [0, cols - 1, 1, 0], np.int32)
    order = np.array([3, 1, 1])
    no_targets, no_weight = np.empty((0, 0), dtype), np.empty(0, dtype)
    found = gathered(np.zeros((4, 1), dtype), codes, no_targets, no_weight, order, cols)[1]
    expected = codes[order][:, None] if cols == 1 else np.eye(cols)[codes[order]]
    np.testing.assert_array_equal(found, expected)


def test_no_rows_have_no_weight():
    X, codes, empty = np.ones((3, 2)), np.zeros(3, np.int32), np.empty(0)
    assert gathered(X, codes, np.empty((0, 0)), empty, np.empty(0, np.int64), 1)[3] == 0


def csr(shape, density, dtype, seed=1):
    """(dense X, its CSR triple as the kernels take it)."""
    rng = np.random.default_rng(seed)
    X = sparse.random_array(shape, density=density, rng=rng, dtype=dtype).tocsr()
    return X.toarray(), (X.data, X.indices.astype(np.int32), X.indptr.astype(np.int64))


def gathered_sparse(triple, order, cols, rate=0.0, seed=0, step=0):
    """The gathered CSR matrix, made dense."""
    dtype, entries = triple[0].dtype, len(order) * cols
    out = np.full(entries, 7, dtype), np.zeros(entries, np.int32), np.full(len(order) + 1, 7)
    gather_sparse(*triple, order, *out, cols, seed, step, rate)
    return sparse.csr_array(out, shape=(len(order), cols)).toarray()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("density", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("shape", [(1, 1), (7, 5), (4, 33)])
@pytest.mark.parametrize("rate", [0.0, 0.4])
def test_sparse_rows_are_the_dense_ones_with_the_same_dropout(shape, density, rate, dtype):
    X, triple = csr(shape, density, dtype)
    order = np.random.default_rng(0).integers(0, shape[0], shape[0] + 2)
    expected = X[order]
    dropout_factor(expected, 5, 6, 0, rate)
    np.testing.assert_array_equal(gathered_sparse(triple, order, shape[1], rate, 5, 6), expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("density", [0.0, 0.3, 1.0])
@pytest.mark.parametrize(("shape", "cols"), [((1, 1), 1), ((7, 5), 3), ((7, 5), 17), ((0, 3), 2)])
def test_sparse_products_equal_dense_ones(shape, cols, density, dtype):
    rng = np.random.default_rng(1)
    X, triple = csr(shape, density, dtype)
    w = rng.normal(size=(shape[1], cols)).astype(dtype)
    delta = rng.normal(size=(shape[0], cols)).astype(dtype)
    tolerance = 1e-6 if dtype == np.float32 else 1e-14

    out = np.full((shape[0], cols), 7, dtype)
    sparse_product(*triple, w, out)
    np.testing.assert_allclose(out, X @ w, rtol=tolerance, atol=tolerance)

    out = np.ones((shape[1], cols), dtype)
    sparse_transposed_product(*triple, delta, out)
    np.testing.assert_allclose(out, 1 + X.T @ delta, rtol=tolerance, atol=tolerance)


def test_repeated_entries_of_a_sparse_row_add_up():
    data, indices, indptr = np.array([1.0, 2.0]), np.array([0, 0], "i4"), np.array([0, 2])
    out = np.empty((1, 1))
    sparse_product(data, indices, indptr, np.ones((1, 1)), out)
    assert out[0, 0] == 3


def test_nan_of_a_sparse_row_reaches_its_outputs_alone():
    triple = csr((3, 4), 1.0, np.float64)[1]
    triple[0][4] = np.nan
    out = np.empty((3, 2))
    sparse_product(*triple, np.ones((4, 2)), out)
    np.testing.assert_array_equal(np.isnan(out), [[False] * 2, [True] * 2, [False] * 2])
