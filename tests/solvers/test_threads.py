import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

from skreg._solvers.threads import SMALL_PRODUCT, blas_threads


def counts():
    pools = (pool for pool in threadpool_info() if pool["user_api"] == "blas")
    return {pool["filepath"]: pool["num_threads"] for pool in pools}


def test_small_work_holds_blas_to_one_thread_and_gives_it_back():
    with threadpool_limits(2, user_api="blas"):
        before = counts()
        with blas_threads(1000):
            assert set(counts().values()) == {1}
            assert np.isfinite(np.ones((3, 3)) @ np.ones(3)).all()
        assert counts() == before
        with blas_threads(SMALL_PRODUCT):
            assert counts() == before


def test_overlapping_holders_lift_the_limit_once():
    with threadpool_limits(2, user_api="blas"):
        before = counts()
        first, second = blas_threads(10), blas_threads(10)
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        assert set(counts().values()) == {1}
        second.__exit__(None, None, None)
        assert counts() == before


def test_the_limit_is_lifted_after_an_error():
    with threadpool_limits(2, user_api="blas"):
        before = counts()
        try:
            with blas_threads(10):
                raise KeyboardInterrupt
        except KeyboardInterrupt:
            assert counts() == before
