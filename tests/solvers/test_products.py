import signal
import threading
import time

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from threadpoolctl import threadpool_limits

from skreg._solvers import products as module
from skreg._solvers import threads
from skreg._solvers.design import centre, defer
from skreg._solvers.products import (
    correlate_residual,
    gram_and_correlation,
    is_wide,
    primal_and_fit,
    smaller_gram,
    times,
    transposed_times,
)

SHAPES = [(61, 5), (5, 61), (7, 7), (1, 1), (1, 4), (4, 1)]
KINDS = {
    "deferred": lambda X: X,
    "deferred, Fortran": np.asfortranarray,
    "deferred, strided": lambda X: np.repeat(X, 2, axis=1)[:, ::2],
    "sparse": sparse.csr_array,
}


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Blocks of seven rows or columns, and threads for all of them."""
    monkeypatch.setattr(module, "BLOCK", 7)
    monkeypatch.setattr(module, "SHORTEST", 7)
    monkeypatch.setattr(threads, "SMALL_PASS", 0)


def designs(shape, kind, weighted, fit_intercept, dtype=np.float64):
    """The design under test, and the same one centred at once."""
    rng = np.random.default_rng(0)
    X = (rng.normal(size=shape) + 3).astype(dtype)
    y = rng.normal(size=(shape[0], 2)).astype(dtype)
    v = rng.uniform(0.5, 2, shape[0]).astype(dtype) if weighted else None
    options = {"fit_intercept": fit_intercept}
    return defer(KINDS[kind](X), y, v, **options), centre(X, y, v, **options)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", SHAPES)
def test_products_are_those_of_the_centred_data(shape, kind, weighted, fit_intercept):
    design, twin = designs(shape, kind, weighted, fit_intercept)
    before = design.X.copy()
    X, y = twin.X, twin.y
    rng = np.random.default_rng(1)
    W, R = rng.normal(size=(shape[1], 2)), rng.normal(size=(shape[0], 2))
    tight = {"rtol": 1e-11, "atol": 1e-12}
    assert_allclose(times(design, W), X @ W, **tight)
    assert_allclose(transposed_times(design, R), X.T @ R, **tight)
    assert_allclose(correlate_residual(design, W), X.T @ (y - X @ W), rtol=1e-10, atol=1e-11)
    primal, fit = primal_and_fit(design, R)
    assert_allclose(primal, X.T @ R, **tight)
    assert_allclose(fit, X @ (X.T @ R), rtol=1e-10, atol=1e-11)
    gram, correlation = gram_and_correlation(design)
    assert_allclose(gram, X @ X.T if is_wide(design) else X.T @ X, rtol=1e-10, atol=1e-11)
    assert_allclose(smaller_gram(design), gram, rtol=1e-12, atol=1e-12)
    if is_wide(design):
        assert correlation is None
    else:
        assert_allclose(correlation, X.T @ y, rtol=1e-10, atol=1e-11)
    if not sparse.issparse(design.X):
        assert_array_equal(design.X, before)


@pytest.mark.parametrize("shape", [(61, 5), (5, 61)])
def test_float32_data_are_summed_in_float64(shape):
    design, _ = designs(shape, "deferred", True, True, np.float32)
    double = design.double()
    assert smaller_gram(design).dtype == np.float64
    assert_allclose(smaller_gram(design), smaller_gram(double), rtol=1e-13)


def test_large_means_cost_no_digits():
    """A raw product corrected afterwards would be wrong in the fourth digit here."""
    rng = np.random.default_rng(0)
    X = rng.integers(-5, 5, size=(64, 3)) + 2.0**26
    exact = (X - X.mean(axis=0)).T @ (X - X.mean(axis=0))
    assert_allclose(smaller_gram(defer(X, X[:, 0])), exact, rtol=1e-14)
    wide = X.T.copy()
    exact = (wide - wide.mean(axis=0)) @ (wide - wide.mean(axis=0)).T
    assert_allclose(smaller_gram(defer(wide, wide[:, 0])), exact, rtol=1e-14)


def test_nothing_of_the_size_of_x_is_allocated():
    import tracemalloc

    X = np.random.default_rng(0).normal(size=(20_000, 40))
    design = defer(X, X[:, 0])
    for work in (smaller_gram, lambda d: correlate_residual(d, np.ones((40, 1)))):
        tracemalloc.start()
        work(design)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < X.nbytes / 4


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="Windows has no such signals")
def test_an_interrupt_ends_all_threads_at_their_next_block(interrupt_after):
    started = time.perf_counter()

    def slow(start, stop):
        while not threads.is_given_up():
            time.sleep(0.01)
            assert time.perf_counter() - started < 30

    with threadpool_limits(2, user_api="blas"):
        interrupt_after(3600)  # for the handler; a lock is left for a real signal only
        main = threading.main_thread().ident
        threading.Timer(0.3, signal.pthread_kill, (main, signal.SIGINT)).start()
        with pytest.raises(KeyboardInterrupt):
            threads.split(slow, 100, 10**9)
    assert time.perf_counter() - started < 10
    assert not threads.is_given_up()
    X = np.ones((50, 3))
    assert smaller_gram(defer(X, X[:, 0], fit_intercept=False)).max() == 50


def test_errors_come_through_the_threads():
    def fail(start, stop):
        raise FloatingPointError(f"rows {start} to {stop}")

    with pytest.raises(FloatingPointError, match="rows 0 to"):
        threads.split(fail, 100, 10**9)


def test_blocks_end_where_they_are_given_up():
    given_up = threads.GivenUp()
    token = threads.stop.set(given_up)
    try:
        parts = module.blocks(defer(np.ones((50, 3)), np.ones(50)), 0, 50)
        next(parts)
        given_up.set()
        assert list(parts) == []
    finally:
        threads.stop.reset(token)
