"""How many threads BLAS may use: the one place that decides."""

import threading
from contextlib import nullcontext
from functools import cache

from threadpoolctl import ThreadpoolController

# Waking a second thread costs more than it saves on products with fewer multiply-adds than this,
# and threads that wait for each other on small products cost many times the product.
SMALL_PRODUCT = 2**24


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
