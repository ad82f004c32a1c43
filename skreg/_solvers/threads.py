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


class SingleThread:
    """One BLAS thread for as long as somebody holds it.

    The limit belongs to the process. Fits that overlap in time count their holders, or the first
    to leave would lift it and the last to leave would restore the lowered number for good.
    """

    def __init__(self):
        self.lock = threading.Lock()
        self.holders = 0
        self.limiter = None

    def __enter__(self):
        with self.lock:
            self.holders += 1
            if self.holders == 1:
                self.limiter = controller().limit(limits=1, user_api="blas")

    def __exit__(self, *exception):
        with self.lock:
            self.holders -= 1
            if self.holders == 0:
                self.limiter.restore_original_limits()


single_thread = SingleThread()


def blas_threads(multiply_adds):
    """A context for work whose largest matrix product has that many multiply-adds."""
    return nullcontext() if multiply_adds >= SMALL_PRODUCT else single_thread
