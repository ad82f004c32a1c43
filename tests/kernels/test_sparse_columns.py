"""Sums over sparse columns, against dense arithmetic."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse

from skreg._kernels.sparse_columns import column_products, column_sums
from skreg._solvers.features import Columns


@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("part", [slice(0, 9), slice(3, 7), slice(4, 4)])
def test_sums_are_those_of_the_dense_columns(index, dtype, part):
    rng = np.random.default_rng(0)
    A = (rng.normal(size=(7, 9)) * (rng.random((7, 9)) < 0.5)).astype(dtype)
    A[:, 5] = 0
    X = sparse.csc_array(A)
    X.indices, X.indptr = X.indices.astype(index), X.indptr.astype(index)
    columns, v, own = Columns.of(X), rng.uniform(0, 2, 7), A.astype(float)[:, part]
    squares, sizes, products = (np.full(own.shape[1], np.nan) for _ in range(3))
    column_sums(*columns, v, part.start, squares, sizes)
    assert_allclose(squares, v @ own**2, rtol=1e-14)
    assert_allclose(sizes, np.abs(own).sum(axis=0), rtol=1e-14)
    column_sums(*columns, np.empty(0), part.start, squares, sizes)
    assert_allclose(squares, np.sum(own**2, axis=0), rtol=1e-14)
    column_products(*columns, v, part.start, products)
    assert_allclose(products, own.T @ v, atol=1e-14)
