"""Scores of features, and the bounds that spare most of them, against their twins."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from skreg._kernels.screening import in_doubt, judge, judge_some
from skreg._solvers.features import Columns
from tests import reference


def draw(rng, p):
    """Random (l1, side)."""
    return rng.uniform(0.1, 2, p), rng.integers(0, 4, p).astype(np.int8)


@pytest.mark.parametrize("p", [0, 1, 9])
def test_judge_equals_its_twin(p):
    rng = np.random.default_rng(p)
    l1, side = draw(rng, p)
    c, found = rng.normal(size=p), np.full(p, np.nan)
    largest = judge(c, l1, side, found)
    expected = reference.scores(c, l1, side)
    assert_allclose(found, expected, rtol=1e-15)
    assert largest == found.max(initial=0)


def test_only_pulls_that_the_bounds_allow_count():
    c, l1, found = np.array([2.0, -2.0] * 4), np.full(8, 4.0), np.empty(8)
    judge(c, l1, np.repeat([0, 1, 2, 3], 2).astype(np.int8), found)
    assert_array_equal(found, [0, 0, 0.5, 0, 0, 0.5, 0.5, 0.5])


@pytest.mark.parametrize("p", [0, 1, 9])
@pytest.mark.parametrize("sums", [False, True])
@pytest.mark.parametrize("threshold", [0.0, 0.6, 5.0])
def test_in_doubt_equals_its_twin(p, sums, threshold):
    rng = np.random.default_rng(p)
    l1, side = draw(rng, p)
    known, norm = rng.normal(size=p), rng.uniform(0, 1, p)
    sum_norm, found = rng.uniform(0, 2, p), np.empty(p, np.int32)
    count = in_doubt(
        known, norm, 0.3, sum_norm if sums else np.empty(0), 0.2, l1, side, threshold, found
    )
    met = sum_norm if sums else np.full(p, np.inf)
    expected = reference.in_doubt(known, norm, 0.3, met, 0.2, l1, side, threshold)
    assert_array_equal(found[:count], expected)


@given(st.integers(0, 2**32 - 1), st.floats(0, 2))
def test_no_doubt_means_that_the_score_is_below(seed, threshold):
    rng = np.random.default_rng(seed)
    X, r, rest = rng.normal(size=(5, 8)), rng.normal(size=5), 0.2 * rng.normal(size=5)
    l1, side = draw(rng, 8)
    found, exact = np.empty(8, np.int32), np.empty(8)
    count = in_doubt(
        X.T @ r, np.linalg.norm(X, axis=0), np.linalg.norm(rest), np.abs(X).sum(axis=0),
        np.abs(rest).max(), l1, side, threshold, found,
    )  # fmt: skip
    judge(X.T @ (r + rest), l1, side, exact)
    sure = np.delete(exact, found[:count])
    assert np.all(sure <= threshold * (1 + 1e-12) + (threshold == 0))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("index", [None, np.int32, np.int64])
@pytest.mark.parametrize("shape", [(1, 1), (5, 7), (11, 3)])
@pytest.mark.parametrize("share", [0.0, 1.0])
def test_judge_some_equals_its_twin(dtype, index, shape, share):
    rng = np.random.default_rng(0)
    n, p = shape
    X = np.asfortranarray((rng.normal(size=shape) * (rng.random(shape) < 0.7)).astype(dtype))
    A = X
    if index is not None:
        A = sparse.csc_array(X)
        A.indices, A.indptr = A.indices.astype(index), A.indptr.astype(index)
    v, shift = rng.normal(size=n).astype(dtype), rng.normal(size=p)
    l1, side = draw(rng, p)
    which = rng.permutation(p)[: int(share * p)].astype(np.int32)
    found = np.full(p, -1.0)
    largest = judge_some(*Columns.of(A), v, shift, which, l1, side, found)
    products = X.astype(float).T @ v.astype(float) - shift
    rtol = 1e-5 if dtype == np.float32 else 1e-13
    expected = reference.scores(products, l1, side)[which]
    assert_allclose(found[which], expected, rtol=rtol, atol=rtol)
    assert np.all(np.delete(found, which) == -1)  # the others are not its business
    assert largest == found[which].max(initial=0)
