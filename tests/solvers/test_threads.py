import multiprocessing
import sys
import threading

import numpy as np
import pytest
from threadpoolctl import OpenBLASController, threadpool_info, threadpool_limits

from skreg._solvers.threads import (
    SMALL_FACTORIZATION,
    SMALL_PASS,
    SMALL_PRODUCT,
    available,
    blas_threads,
    controller,
    lapack_threads,
    limits,
    one_blas_thread,
    split,
)


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


def test_nested_limits_are_lifted_by_the_outermost():
    with threadpool_limits(2, user_api="blas"):
        before = counts()
        with blas_threads(10):
            with blas_threads(10):
                assert set(counts().values()) == {1}
            assert set(counts().values()) == {1}
        assert counts() == before


def test_fits_in_many_threads_leave_the_number_as_it_was():
    def hold():
        for _ in range(200):
            with blas_threads(10):
                np.ones((20, 20)) @ np.ones(20)

    with threadpool_limits(2, user_api="blas"):
        before = counts()
        others = [threading.Thread(target=hold) for _ in range(4)]
        for other in others:
            other.start()
        hold()
        for other in others:
            other.join()
        assert counts() == before


def test_the_limit_is_lifted_after_an_error():
    with threadpool_limits(2, user_api="blas"):
        before = counts()
        try:
            with blas_threads(10):
                raise KeyboardInterrupt
        except KeyboardInterrupt:
            assert counts() == before


def test_blas_is_held_back_but_for_large_factorizations():
    with threadpool_limits(2, user_api="blas"):
        before = counts()
        with one_blas_thread(), one_blas_thread():
            assert set(counts().values()) == {1}
            assert available() == 2
            with lapack_threads(SMALL_FACTORIZATION):
                assert counts() == before
            with lapack_threads(SMALL_FACTORIZATION - 1):
                assert set(counts().values()) == {1}
            assert set(counts().values()) == {1}
        assert counts() == before
        assert available() == 2


def test_work_is_split_among_the_threads_that_are_held_back():
    with threadpool_limits(2, user_api="blas"):
        before = counts()
        for context in (one_blas_thread, lambda: threadpool_limits(2, user_api="blas")):
            with context():
                inside = split(lambda a, b: (a, b, set(counts().values())), 11, 10**9)
                assert inside == [(0, 5, {1}), (5, 11, {1})]
                assert split(lambda a, b: (a, b), 11, 10) == [(0, 11)]
        assert counts() == before
    with threadpool_limits(1, user_api="blas"):
        assert split(lambda a, b: (a, b), 11, 10**9) == [(0, 11)]


def test_other_threads_do_not_touch_the_number():
    results = []

    def work():
        with one_blas_thread(), lapack_threads(10):
            results.append((counts(), split(lambda a, b: (a, b), 11, 10**9)))

    with threadpool_limits(2, user_api="blas"):
        before = counts()
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        assert results == [(before, [(0, 11)])]


def in_another_thread(limit):
    """The numbers of threads that a limit in a thread of the user's gives."""
    seen = []

    def work():
        with threadpool_limits(limit, user_api="blas"):
            seen.extend(counts().values())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return set(seen)


def test_the_user_s_threads_may_set_limits_when_ours_are_over():
    with one_blas_thread(), blas_threads(10):
        pass
    assert in_another_thread(1) == {1}


@pytest.mark.skipif(
    not hasattr(OpenBLASController, "clear_controlling_thread"),
    reason="this threadpoolctl heeds all threads",
)
def test_the_user_s_own_limit_stays_in_control():
    with threadpool_limits(1, user_api="blas"):
        with blas_threads(10):
            pass
        assert in_another_thread(2) == {1}


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", range(4))
@pytest.mark.parametrize("make", [one_blas_thread, lambda: blas_threads(10)])
def test_no_interrupt_between_libraries_keeps_their_threads(monkeypatch, make, at, when):
    kinds = {type(library) for library in controller().lib_controllers}
    if at >= 2 * len(controller().lib_controllers):
        pytest.skip("each library is set twice")
    calls = iter(range(1000))

    def interrupted(set_threads):
        def replacement(library, threads):
            due = next(calls) == at
            if not due or when == "after":
                set_threads(library, threads)
            if due:
                raise KeyboardInterrupt

        return replacement

    with threadpool_limits(2, user_api="blas"):
        before = counts()
        with monkeypatch.context() as patch:
            for kind in kinds:
                patch.setattr(kind, "set_num_threads", interrupted(kind.set_num_threads))
            with pytest.raises(KeyboardInterrupt), make():
                pass
        assert counts() == before
        assert not limits
        with one_blas_thread():  # nothing is left behind that would make this an inner context
            assert set(counts().values()) == {1}
        assert counts() == before


@pytest.mark.skipif(sys.platform != "linux", reason="forks beside threads are safe on Linux only")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_of_another_thread_has_all_its_threads():
    """The context of the main thread, which has BLAS held back, does not end in the child."""
    context = multiprocessing.get_context("fork")
    theirs, ours = context.Pipe()

    def report():
        with one_blas_thread():
            inside = set(counts().values())
        theirs.send((counts(), available(), inside))

    def fork():
        child = context.Process(target=report)
        child.start()
        child.join(60)

    with threadpool_limits(2, user_api="blas"):
        before = counts()
        with one_blas_thread():
            helper = threading.Thread(target=fork)
            helper.start()
            helper.join()
            assert ours.poll()
            assert ours.recv() == (before, 2, {1})
            assert set(counts().values()) == {1}
        assert counts() == before


def both_halves():
    with threadpool_limits(2, user_api="blas"):
        return split(lambda start, stop: stop - start, 10, SMALL_PASS)


@pytest.mark.skipif(sys.platform != "linux", reason="forks beside threads are safe on Linux only")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_starts_threads_of_its_own():
    """Those kept by its parent are not there."""
    assert both_halves() == [5, 5]
    context = multiprocessing.get_context("fork")
    theirs, ours = context.Pipe()
    child = context.Process(target=lambda: theirs.send(both_halves()))
    child.start()
    child.join(20)
    child.terminate()
    assert ours.poll()
    assert ours.recv() == [5, 5]
