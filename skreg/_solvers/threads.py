"""How many threads work, in BLAS or above it: the one place that decides."""

import os
import threading
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar, copy_context
from functools import cache

import numpy as np
from threadpoolctl import ThreadpoolController

from skreg._kernels.team import Team

# Waking a second thread costs more than it saves on products with fewer multiply-adds than this,
# and threads that wait for each other on small products cost many times the product.
SMALL_PRODUCT = 2**24
TINY_PASS = 2**17  # multiply-adds that BLAS itself does on one thread
SMALL_PASS = 2**24  # multiply-adds below which threads of our own do not pay: half a millisecond
READ = 16  # multiply-adds that take as long as to read a number and centre it
LOOK = 0.2  # seconds between looks at whether threads are done
SMALL_FACTORIZATION = 750  # rows of a matrix whose eigenvalues take as long on one thread
SMALL_CHOLESKY = 1500  # rows below which BLAS's threads save less than their spinning costs later


@cache
def controller():
    """The loaded BLAS libraries; looking for them takes milliseconds, so it is done once."""
    return ThreadpoolController().select(user_api="blas")


@cache
def no_library():
    """A controller of nothing, whose limits threadpoolctl counts all the same: with the last one
    of this thread, the user's included, other threads may set limits again."""
    return controller().select(user_api="none")


def in_main_thread():
    """Whether BLAS's number of threads may be changed here.

    It belongs to the process: limits of several threads that overlap in time would restore each
    other's numbers. So only the main thread changes it, as threadpoolctl 3.8, too, heeds one
    thread at a time.
    """
    return threading.current_thread() is threading.main_thread()


def blas_threads(multiply_adds):
    """A context for work whose largest matrix product has that many multiply-adds."""
    if multiply_adds >= SMALL_PRODUCT or not in_main_thread():
        return nullcontext()
    return limited(1)


GIVE_BACKS = 10  # interrupts that giving BLAS's threads back survives
limits = []  # the numbers of threads that each context of `limited` found, the outermost first


@contextmanager
def limited(threads):
    """A context in which BLAS has that many threads, and whose end no interrupt prevents.

    One library is set after the other, so that Ctrl-C in between must not leave some of them with
    the limit for good.
    """
    depth, found = len(limits), blas_counts()
    with no_library().limit(limits=None):
        try:
            limits.append(found)
            for library, _ in found:
                library.set_num_threads(threads)
            yield
        finally:
            try:
                give_back(found)
            finally:
                del limits[depth:]


def blas_counts():
    """Pairs of each BLAS library and its number of threads."""
    return [(library, library.num_threads) for library in controller().lib_controllers]


def give_back(counts):
    """Restore the numbers of threads; an interrupt meanwhile is raised when that is done."""
    interrupt = None
    for _ in range(GIVE_BACKS):
        try:
            for library, threads in counts:
                if library.num_threads != threads:
                    library.set_num_threads(threads)
            break
        except BaseException as error:  # handlers of other signals raise what they like
            interrupt = error
    if interrupt is not None:
        raise interrupt


@cache
def workers():
    """Threads that are kept, as many as work at a time: starting one lasts as long as a pass."""
    return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="skreg")


@cache
def helpers():
    """Threads for teams, which keep them for long; `split` must not wait for these to end."""
    return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="skreg-team")


def give_back_in_child():
    """In a forked process no context will end that the forking thread had not entered itself."""
    workers.cache_clear()
    helpers.cache_clear()
    if limits:
        give_back(limits[0])
    limits.clear()
    held_back.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=give_back_in_child)

stop = ContextVar("stop", default=None)  # an event: the work of which this is part was given up
held_back = []  # the number of threads that `one_blas_thread` took away, while it does


@contextmanager
def one_blas_thread():
    """A context for work that makes threads of its own: BLAS has one, but in `lapack_threads`.

    BLAS's own threads go on spinning for a while after a product. In between passes over the data
    they would compete with ours, so that a product of a few rows can cost a whole pass.
    """
    if held_back or not in_main_thread():
        yield
        return
    try:
        held_back.append(available())
        with limited(1):
            yield
    finally:
        held_back.clear()


def available():
    """The number of threads that may work."""
    if held_back:
        return held_back[0] if in_main_thread() else 1
    return max(1, min((threads for _, threads in blas_counts()), default=1))


def lapack_threads(size, small=SMALL_FACTORIZATION):
    """A context for the factorization of a matrix with that many rows, by SciPy's LAPACK only.

    NumPy may have a BLAS of its own, whose threads would go on spinning beside SciPy's. Below
    `small` rows the factorization has one thread.
    """
    if not in_main_thread():
        return nullcontext()
    limit = 1 if size < small else available()
    if limit == 1 and held_back:
        return nullcontext()
    return limited(limit)


@contextmanager
def team(worth_it=True):
    """A context with a `Team` of all threads that may work, and with one BLAS thread for each.

    Outside the main thread, where BLAS has threads of its own, and for work that is not worth it,
    nobody helps.
    """
    with one_blas_thread():
        crew, running = Team(available() - 1 if worth_it and in_main_thread() else 0), []
        try:
            # In here, as an interrupt in the middle must not leave a helper that nobody closes.
            running += [helpers().submit(crew.help) for _ in range(crew.threads - 1)]
            yield crew
        finally:
            crew.close()
            # One that never got a thread is cancelled, and not waited for.
            wait([helper for helper in running if not helper.cancel()])


class GivenUp(threading.Event):
    """An event that kernels see as well, in an int: they cannot ask without the lock."""

    def __init__(self):
        super().__init__()
        self.flag = np.zeros(1, np.int32)

    def set(self):
        """Give the work up."""
        self.flag[:] = 1
        super().set()


def given_up():
    """The int (1,) that is no more 0 when the work, of which what asks is part, is given up."""
    event = stop.get()
    return np.zeros(1, np.int32) if event is None else event.flag


def is_given_up():
    """Whether nobody waits any more for the part of `split` that asks."""
    event = stop.get()
    return event is not None and event.is_set()


def split(work, size, multiply_adds):
    """Return the results of work(start, stop) on parts of range(size), one part a thread.

    There are as many parts as threads may work, and each keeps BLAS to one: `work` then overlaps
    its memory traffic with the products of the others, and no two pools compete. Small work is
    done in one part, and so is work outside the main thread.
    """
    parts = 1
    if multiply_adds >= SMALL_PASS and in_main_thread():
        parts = min(size, available())
    with one_blas_thread() if multiply_adds >= TINY_PASS else nullcontext():
        if parts <= 1:
            return [work(0, size)]
        edges = [size * k // parts for k in range(parts + 1)]
        giving_up = GivenUp()
        token = stop.set(giving_up)
        # NumPy keeps how it treats overflow in a context, too, which threads do not inherit.
        contexts = [copy_context() for _ in range(parts)]
        stop.reset(token)
        running = []
        try:
            for context, start, end in zip(contexts, edges[:-1], edges[1:], strict=True):
                running.append(workers().submit(context.run, work, start, end))
            return [part.result() for part in running]
        except BaseException:
            giving_up.set()  # the others end at their next block
            wait(running)
            raise


def side_by_side(tasks, threads, idle=None):
    """The results of functions without arguments, run in threads, in the order of the functions.

    idle(finished) runs in a thread that finds no more tasks, until the event `finished` is set.
    After an error, or Ctrl-C, tasks that run end at their next look at `is_given_up`.
    """
    if min(threads, len(tasks)) <= 1:
        return [task() for task in tasks]
    giving_up, finished = GivenUp(), threading.Event()
    token = stop.set(giving_up)
    contexts = [copy_context() for _ in range(len(tasks) + 1)]
    stop.reset(token)
    with ThreadPoolExecutor(min(threads, len(tasks))) as pool:
        running = [
            pool.submit(context.run, task)
            for context, task in zip(contexts[1:], tasks, strict=True)
        ]
        last = [] if idle is None else [pool.submit(contexts[0].run, idle, finished)]
        try:
            wait_for(running)
            finished.set()
            wait_for(last)
            return [task.result() for task in running]
        except BaseException:
            giving_up.set()
            for task in running + last:
                task.cancel()
            wait(running + last)
            raise


def wait_for(running):
    """Wait until all are done, or raise the first error; awake often enough to see Ctrl-C."""
    while running:
        done, running = wait(running, timeout=LOOK, return_when=FIRST_EXCEPTION)
        for task in done:
            task.result()
