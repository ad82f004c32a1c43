import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skreg._kernels.multi_task import block_sweeps
from tests.reference import block_sweep

SHAPES = [(1, 1, 1), (7, 1, 3), (1, 5, 2), (13, 7, 1), (5, 17, 4), (3, 0, 2)]


def state_of(X, Y, W, gram):
    R = Y - X @ W
    return np.ascontiguousarray((X.T @ R if gram else R).T)


def run(X, Y, W, gram, *, l1=0.3, l2=0.2, order=None, n=1, tol=0.0, spare=0):
    """Sweep in place; returns the state and what the kernel returns."""
    p, t = W.shape
    columns = np.ascontiguousarray(X.T)
    if gram:  # in a buffer with room for `spare` more rows
        columns = np.full((p + spare, p + spare), np.nan)
        columns[:p, :p] = X.T @ X
    state = state_of(X, Y, W, gram)
    order = np.arange(p) if order is None else order
    penalties = np.broadcast_to(l1, p).astype(float), np.broadcast_to(l2, p).astype(float)
    curvature = (X**2).sum(axis=0)
    result = block_sweeps(
        W, state, columns, curvature, *penalties, order, gram, np.empty(t), n, tol
    )
    return state, result


def problem(n, p, t, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, p)), rng.standard_normal((n, t)), rng.standard_normal((p, t))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("gram", [False, True])
@pytest.mark.parametrize("spare", [0, 3])
def test_one_sweep_equals_its_twin(shape, gram, spare):
    X, Y, start = problem(*shape)
    p = shape[1]
    l1, l2 = np.linspace(0, 2, p), np.linspace(0.5, 0, p)
    W = start.copy()
    state, (done, largest) = run(X, Y, W, gram, l1=l1, l2=l2, spare=spare)
    expected, step = block_sweep(start, X, Y, l1, l2, range(p))
    assert done == 1
    assert_allclose(W, expected, atol=1e-12)
    assert_allclose(largest, step, atol=1e-12)
    assert_allclose(state, state_of(X, Y, W, gram), atol=1e-12)


@pytest.mark.parametrize("gram", [False, True])
def test_only_the_rows_in_order_and_in_that_order(gram):
    X, Y, start = problem(11, 6, 3)
    W, order = start.copy(), np.array([4, 0, 3])
    run(X, Y, W, gram, order=order)
    expected, _ = block_sweep(start, X, Y, np.full(6, 0.3), np.full(6, 0.2), order)
    assert_allclose(W, expected, atol=1e-12)
    assert_array_equal(W[[1, 2, 5]], start[[1, 2, 5]])
    run(X, Y, other := start.copy(), gram, order=np.sort(order))
    assert np.abs(other - W).max() > 1e-3


@pytest.mark.parametrize("gram", [False, True])
def test_empty_columns_and_strong_penalties_give_rows_of_zeros(gram):
    X, Y, W = problem(9, 4, 2)
    X[:, 1] = 0
    run(X, Y, W, gram, l1=np.array([0.0, 0.0, 1e9, np.inf]))
    assert_array_equal(W[1:], 0)
    assert W[0].all()


def test_stops_when_no_step_is_large_and_not_before():
    rng = np.random.default_rng(2)
    Q, _ = np.linalg.qr(rng.standard_normal((20, 4)))
    W, Y = np.zeros((4, 3)), rng.standard_normal((20, 3))
    # On orthonormal columns the first sweep solves the problem, the second one sees it.
    _, (done, largest) = run(Q, Y, W, False, n=50, tol=1e-12)
    assert done == 2
    assert largest <= 1e-12
    assert run(Q, Y, np.zeros((4, 3)), False, n=50, tol=1e9)[1][0] == 1


def test_an_interrupt_is_answered_between_sweeps(interrupt_after):
    X, Y, W = problem(1000, 5, 3)
    interrupt_after(0.1)
    with pytest.raises(KeyboardInterrupt):
        # A negative tolerance is never met: without the interrupt this would take minutes.
        run(X, Y, W, False, n=2**26, tol=-1.0)
