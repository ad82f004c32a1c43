"""How many threads work, in BLAS or above it: the one place that decides."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from functools import cache

from threadpoolctl import ThreadpoolController

# Waking a second thread costs more than it saves on products with fewer multiply-adds than this,
# and threads that wait for each other on small products cost many times the product.
SMALL_PRODUCT = 2**24
SMALL_PASS = 2**22  # multiply-adds below which threads of our own do not pay either
SMALL_FACTORIZATION = 750  # rows of a matrix that LAPACK factorizes as fast on one thread


@cache
def controller():
    """The loaded BLAS libraries; looking for them takes milliseconds, so it is done once."""
    return ThreadpoolController()


def blas_threads(multiply_adds):
    """A context for work whose largest matrix product has that many multiply-adds.

    The number of threads belongs to the process. Only the main thread lowers it: limits of
    several threads that overlap in time would restore each other's numbers.
    """
    in_main_thread = threading.current_thread() is threading.main_thread()
    if multiply_adds >= SMALL_PRODUCT or not in_main_thread:
        return nullcontext()
    return controller().limit(limits=1, user_api="blas")


def lapack_threads(size):
    """A context for the factorization of a matrix with that many rows."""
    return blas_threads(0 if size < SMALL_FACTORIZATION else SMALL_PRODUCT)


def split(work, size, multiply_adds):
    """Return the results of work(start, stop) on parts of range(size), one part a thread.

    There are as many parts as BLAS has threads, and each keeps BLAS to one: `work` then overlaps
    its memory traffic with the products of the others, and no two pools compete. (BLAS's own
    threads go on spinning for a while after a product, so nothing that comes before a pass over
    the data should wake them.) Small work is done in one part, and so is work outside the main
    thread, which must not lower BLAS's number.
    """
    parts = 1
    if multiply_adds >= SMALL_PASS and threading.current_thread() is threading.main_thread():
        blas = [lib.num_threads for lib in controller().lib_controllers if lib.user_api == "blas"]
        parts = max(1, min([size, *blas]))
    with blas_threads(0):
        if parts == 1:
            return [work(0, size)]
        edges = [size * k // parts for k in range(parts + 1)]
        with ThreadPoolExecutor(parts) as pool:
            return list(pool.map(work, edges[:-1], edges[1:]))
