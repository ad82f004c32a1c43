import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse

from skreg._kernels.coordinate_descent import sweeps
from tests.reference import soft_threshold, sweep

SHAPES = [(1, 1), (7, 1), (1, 5), (13, 7), (5, 17)]


def arguments(X, form):
    """(data, rows, starts) of dense columns, CSC columns, or the Gram matrix."""
    if form == "sparse":
        X = sparse.csc_array(X)
        return X.data, X.indices, X.indptr
    A = X.T @ X if form == "gram" else X
    starts = np.arange(A.shape[1] + 1, dtype=np.int64) * A.shape[0]
    return np.asfortranarray(A).ravel(order="F"), np.empty(0, np.int64), starts


def run(X, y, w, form, l1=0.3, l2=0.2, positive=False, seed=0, n=1, tol=0.0):
    zeros = np.zeros(X.shape[1], X.dtype)
    r = y - X @ w
    state = X.T @ r if form == "gram" else r.copy()
    result = sweeps(
        w, state, *arguments(X, form), zeros, zeros, (X**2).sum(axis=0), l1, l2, positive,
        form == "gram", seed, n, tol,
    )  # fmt: skip
    return state, result


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("form", ["dense", "sparse", "gram"])
@pytest.mark.parametrize("positive", [False, True])
def test_one_sweep_equals_its_twin(shape, dtype, form, positive):
    rng = np.random.default_rng(0)
    X = rng.standard_normal(shape).astype(dtype)
    X[rng.random(shape) < 0.3] = 0
    y = rng.standard_normal(shape[0]).astype(dtype)
    start = rng.standard_normal(shape[1]).astype(dtype)
    w = start.copy()
    state, (done, change, largest, shift) = run(X, y, w, form, positive=positive)
    expected = sweep(start.astype(float), X.astype(float), y.astype(float), 0.3, 0.2, positive)
    tol = 1e-4 if dtype == np.float32 else 1e-10
    assert_allclose(w, expected, atol=tol)
    assert (done, shift) == (1, 0)
    assert_allclose(largest, np.abs(expected[(X**2).sum(axis=0) > 0]).max(initial=0), atol=tol)
    assert_allclose(change, np.abs(w - start)[(X**2).sum(axis=0) > 0].max(initial=0), atol=tol)
    live = (X**2).sum(axis=0) > 0  # a zero column's coefficient is set without touching the state
    r = y - X[:, live] @ w[live]
    assert_allclose(state, X.T @ r if form == "gram" else r, atol=tol)


@pytest.mark.parametrize("index", [np.int32, np.int64])
def test_implicit_centring_equals_explicit(index):
    rng = np.random.default_rng(1)
    X = rng.random((30, 6)) * (rng.random((30, 6)) < 0.5)
    root = np.sqrt(rng.random(30))
    root *= np.sqrt(30) / np.linalg.norm(root)
    A = root[:, None] * X
    mean = root @ A / 30
    y = rng.standard_normal(30)
    y -= root * (root @ y) / 30
    centred = A - np.outer(root, mean)
    curvature = (centred**2).sum(axis=0)
    C = sparse.csc_array(A)
    w, state = np.zeros(6), y.copy()
    *_, shift = sweeps(
        w, state, C.data, C.indices.astype(index), C.indptr.astype(index), mean, 30 * mean,
        curvature, 0.1, 0.0, False, False, 0, 1, 0.0,
    )  # fmt: skip
    assert_allclose(w, sweep(np.zeros(6), centred, y, 0.1, 0.0), atol=1e-12)
    assert_allclose(state + shift * root, y - centred @ w, atol=1e-12)


def test_stops_when_nothing_changes_and_not_before():
    rng = np.random.default_rng(2)
    Q, _ = np.linalg.qr(rng.standard_normal((20, 4)))
    w = np.zeros(4)
    # On orthonormal columns the first sweep solves the problem, the second one sees it.
    _, (done, change, *_) = run(Q, rng.standard_normal(20), w, "dense", n=50, tol=1e-12)
    assert done == 2
    assert change <= 1e-12


def test_random_order_depends_on_the_seed_and_reaches_the_same_point():
    rng = np.random.default_rng(3)
    X, y = rng.standard_normal((40, 9)), rng.standard_normal(40)
    first, second, cyclic = np.zeros(9), np.zeros(9), np.zeros(9)
    run(X, y, first, "dense", seed=1)
    run(X, y, second, "dense", seed=2)
    assert np.abs(first - second).max() > 1e-3
    run(X, y, first, "dense", seed=1, n=500)
    run(X, y, cyclic, "dense", n=500)
    assert_allclose(first, cyclic, atol=1e-10)


@pytest.mark.parametrize("positive", [False, True])
def test_soft_threshold_minimizes(positive):
    grid = np.linspace(0 if positive else -4, 4, 80001)
    for z in (-2.0, -0.3, 0.0, 0.7, 3.0):
        values = 0.5 * (grid - z) ** 2 + 0.5 * np.abs(grid)
        assert_allclose(soft_threshold(z, 0.5, positive), grid[values.argmin()], atol=1e-4)


def test_an_interrupt_is_answered_between_sweeps(interrupt_after):
    rng = np.random.default_rng(4)
    X, y = rng.standard_normal((1000, 5)), rng.standard_normal(1000)
    interrupt_after(0.1)
    with pytest.raises(KeyboardInterrupt):
        # A negative tolerance is never met: without the interrupt this would take a minute.
        run(X, y, np.zeros(5), "dense", n=2**26, tol=-1.0)
