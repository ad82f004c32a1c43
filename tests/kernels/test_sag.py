import numpy as np
import pytest
from scipy import sparse

from skreg._kernels.sag import sag_pass
from tests import reference

NONE = np.empty(0, np.int32)


def problem(shape, dtype, mean_size, seed=0):
    """Rows with zeros, a state in the middle of a run, and a random order."""
    rng = np.random.default_rng(seed)
    n, p = shape
    X = (rng.normal(size=shape) * (rng.random(shape) < 0.5)).astype(dtype)
    y, root = rng.normal(size=n).astype(dtype), rng.uniform(0, 2, n)
    mean, g, w = mean_size * rng.normal(size=p), rng.normal(size=n), rng.normal(size=p)
    return X, y, root, mean, rng.integers(n, size=3 * n), w, g, X.T @ g


@pytest.mark.parametrize("saga", [False, True])
@pytest.mark.parametrize("mean_size", [0, 1])
@pytest.mark.parametrize("layout", ["dense", np.int32, np.int64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (9, 1), (13, 7)])
def test_equals_its_twin(shape, dtype, layout, mean_size, saga):
    X, y, root, mean, order, w, g, H = problem(shape, dtype, mean_size)
    expected = reference.sag_pass(X, y, root, mean, order, 0.05, 0.3, saga, w, g, H)
    if layout == "dense":
        rows = X.ravel(), NONE, NONE
    else:
        S = sparse.csr_array(X)
        rows = S.data, S.indices.astype(layout), S.indptr.astype(layout)
    last = np.zeros(shape[1])
    sag_pass(*rows, y, root, mean, order, 0.05, 0.3, saga, w, g, H, last)
    for actual, desired in zip((w, g, H), expected, strict=True):
        np.testing.assert_allclose(actual, desired, rtol=1e-9, atol=1e-9)
    assert not last.any()


@pytest.mark.parametrize("saga", [False, True])
def test_strong_decay_over_many_steps(saga):
    """The scale falls below its limit many times, and below the smallest number without it."""
    X, y, root, mean, order, w, g, H = problem((400, 5), np.float64, 1)
    arguments = y, root, mean, np.tile(order, 3), 0.01, 49.0, saga
    expected = reference.sag_pass(X, *arguments, w, g, H)
    S = sparse.csr_array(X)
    sag_pass(S.data, S.indices, S.indptr, *arguments, w, g, H, np.zeros(5))
    for actual, desired in zip((w, g, H), expected, strict=True):
        np.testing.assert_allclose(actual, desired, rtol=1e-8, atol=1e-10)


def test_rows_without_entries_and_an_empty_order():
    S = sparse.csr_array((3, 2))
    w, g, H = np.ones(2), np.zeros(3), np.zeros(2)
    data, columns, starts = S.data, S.indices, S.indptr
    rest = np.ones(3), np.ones(3), np.zeros(2)
    sag_pass(data, columns, starts, *rest, np.arange(0), 0.1, 1.0, False, w, g, H, np.zeros(2))
    np.testing.assert_array_equal(w, 1)
    S = sparse.csr_array(np.array([[0.0, 0], [1, 0], [0, 0]]))
    order = np.array([0, 1, 2])
    expected = reference.sag_pass(S.toarray(), *rest, order, 0.1, 1.0, False, w, g, H)
    sag_pass(S.data, S.indices, S.indptr, *rest, order, 0.1, 1.0, False, w, g, H, np.zeros(2))
    np.testing.assert_allclose(w, expected[0])
    np.testing.assert_allclose(g, expected[1])
