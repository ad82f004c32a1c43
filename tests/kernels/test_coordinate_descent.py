"""Descent on columns, implicitly centred and weighted, against the twin on explicit ones."""

from typing import NamedTuple

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from skreg._kernels.coordinate_descent import products, subtract, sweeps
from skreg._solvers.features import Columns
from tests import reference

LAYOUTS = [None, np.int32, np.int64]  # dense, and the indices of a CSC matrix
SHAPES = [(1, 1), (7, 5), (9, 15)]


class Case(NamedTuple):
    """Data in the kernel's form, and as they are meant."""

    columns: Columns
    centred: np.ndarray
    y: np.ndarray
    v: np.ndarray
    weight: np.ndarray  # what the kernel takes: nothing where v = 1
    mean: np.ndarray
    which: np.ndarray


def case(shape, dtype, index, weighted, *, intercept=True, seed=0):
    rng = np.random.default_rng(seed)
    X = np.asfortranarray((rng.normal(size=shape) * (rng.random(shape) < 0.8)).astype(dtype))
    A = X
    if index is not None:
        A = sparse.csc_array(X)
        A.indices, A.indptr = A.indices.astype(index), A.indptr.astype(index)
    v = rng.uniform(0.2, 2, shape[0]) if weighted else np.ones(shape[0])
    mean, y = np.zeros(shape[1]), rng.normal(size=shape[0])
    if intercept:
        mean, y = v @ X.astype(float) / v.sum(), y - v @ y / v.sum()
    which = np.sort(rng.permutation(shape[1])[: max(1, 3 * shape[1] // 4)]).astype(np.int32)
    weight = v if weighted else np.empty(0)
    return Case(Columns.of(A), X.astype(float) - mean, y, v, weight, mean, which)


def run(c, w, l1, l2, lower, upper, enough=0.0, most=50, everywhere=True, given_up=0):
    """Sweep from w; return w, the sweeps, whether they ended, and v (y - Xw)."""
    w = w.copy()
    e = c.v * (c.y - c.centred[:, c.which] @ w)
    raw = c.centred + c.mean
    done, shift, ended = sweeps(
        *c.columns, c.weight, c.mean, c.v @ raw, c.v @ c.centred**2, c.which, w, e, l1, l2, lower,
        upper, enough, most, everywhere, np.array([given_up], np.int32),
    )  # fmt: skip
    return w, done, ended, e + shift * c.v


def terms(c, rng):
    """Random (l1, l2, lower, upper) of the columns listed."""
    m = len(c.which)
    lower = rng.choice([-np.inf, -0.1, 0.0], m)
    upper = np.maximum(lower, rng.choice([np.inf, 0.1, 0.0], m))
    return rng.choice([0.0, 0.1, 1.0], m), rng.choice([0.2, 1.0], m), lower, upper


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("index", LAYOUTS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("most", [0, 1, 2, 60])
@pytest.mark.parametrize(("intercept", "everywhere"), [(False, True), (True, True), (True, False)])
def test_sweeps_equal_their_twin(shape, dtype, index, weighted, most, intercept, everywhere):
    c = case(shape, dtype, index, weighted, intercept=intercept)
    rng = np.random.default_rng(1)
    penalty = terms(c, rng)
    w = np.clip(rng.normal(size=len(c.which)) * rng.integers(0, 2, len(c.which)), *penalty[2:])
    found, done, ended, e = run(c, w, *penalty, 1e-4, most, everywhere)
    expected, *end = reference.weighted_sweeps(
        c.centred, c.y, c.v, c.which, w, *penalty, 1e-4, most, everywhere
    )
    assert_allclose(found, expected, atol=1e-12)
    assert [done, ended] == end
    assert_allclose(e, c.v * (c.y - c.centred[:, c.which] @ found), atol=1e-12)


@pytest.mark.parametrize("index", LAYOUTS)
def test_sweeps_end_at_the_minimum(index):
    c = case((9, 15), np.float64, index, True)
    penalty = terms(c, np.random.default_rng(1))
    w, _, ended, _ = run(c, np.clip(np.zeros(len(c.which)), *penalty[2:]), *penalty, 1e-28, 10_000)
    root = np.sqrt(c.v)
    Z = root[:, None] * c.centred[:, c.which]
    assert ended
    assert reference.bounded_enet_violation(w, Z, root * c.y, *penalty) < 1e-12


@pytest.mark.parametrize("index", LAYOUTS)
def test_a_column_of_zeros_keeps_its_coefficient(index):
    c = case((7, 5), np.float64, index, False, intercept=False)
    c.centred[:, 1] = 0
    columns = sparse.csc_array(c.centred) if index else np.asfortranarray(c.centred)
    c = c._replace(columns=Columns.of(columns), which=np.arange(5, dtype=np.int32))
    none = np.zeros(len(c.which))
    penalty = none + 0.1, none, none - np.inf, none + np.inf
    found, done, ended, _ = run(c, none + 0.5, *penalty, 1e-10)
    expected, *end = reference.weighted_sweeps(
        c.centred, c.y, c.v, c.which, none + 0.5, *penalty, 1e-10, 50
    )
    assert found[1] == 0.5
    assert_allclose(found, expected, atol=1e-12)
    assert [done, ended] == end


def test_sweeps_that_were_given_up_do_nothing():
    c = case((7, 5), np.float64, None, False)
    penalty = terms(c, np.random.default_rng(1))
    w = np.clip(np.zeros(len(c.which)), *penalty[2:])
    found, done, ended, _ = run(c, w, *penalty, given_up=1)
    assert_array_equal(found, w)
    assert (done, ended) == (0, False)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("index", LAYOUTS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("nothing", [False, True])
def test_subtract_and_products_are_those_of_the_columns(shape, dtype, index, weighted, nothing):
    c = case(shape, dtype, index, weighted)
    rng, raw = np.random.default_rng(2), c.centred + c.mean
    which = c.which[:0] if nothing else c.which
    coef, e, taken = rng.normal(size=len(which)), c.y.copy(), rng.normal(size=shape[1])
    subtract(*c.columns, c.weight, which, coef, e)
    assert_allclose(e, c.y - c.v * (raw[:, which] @ coef), atol=1e-13)
    out = np.empty(len(which))
    products(*c.columns, e, taken, which, out)
    assert_allclose(out, raw[:, which].T @ e - taken[which], atol=1e-13)
