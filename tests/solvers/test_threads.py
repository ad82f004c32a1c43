"""BLAS threads: limited while small networks train, given back afterwards."""

import threading

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from skreg._solvers.threads import blas_threads


def blas_counts():
    return {lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"}


@pytest.fixture
def two_threads():
    with threadpool_limits(2, user_api="blas"):
        if blas_counts() != {2}:
            pytest.skip("this BLAS does not let its threads be set")
        yield


@pytest.mark.usefixtures("two_threads")
def test_small_products_run_on_one_thread_and_large_ones_do_not():
    with blas_threads((64, 100, 10), 32):
        assert blas_counts() == {1}
    assert blas_counts() == {2}
    with blas_threads((1000, 1000, 10), 200):
        assert blas_counts() == {2}


@pytest.mark.usefixtures("two_threads")
def test_the_limit_is_lifted_after_an_error():
    with pytest.raises(KeyboardInterrupt), blas_threads((2, 2), 1):
        raise KeyboardInterrupt
    assert blas_counts() == {2}


@pytest.mark.usefixtures("two_threads")
def test_overlapping_fits_leave_the_number_as_they_found_it():
    inside, leave = threading.Event(), threading.Event()

    def other_fit():
        with blas_threads((2, 2), 1):
            inside.set()
            leave.wait()

    thread = threading.Thread(target=other_fit)
    with blas_threads((2, 2), 1):
        thread.start()
        inside.wait()
        leave.set()
        thread.join()
        assert blas_counts() == {1}
    assert blas_counts() == {2}
