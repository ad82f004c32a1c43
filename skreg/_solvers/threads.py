"""How many threads BLAS may use while a network trains: the one place that decides."""

from contextlib import nullcontext
from functools import cache
from itertools import pairwise

from threadpoolctl import ThreadpoolController

# Waking a second thread costs more than it saves on products with fewer multiply-adds than this.
SMALL_PRODUCT = 2**24


@cache
def controller():
    """The loaded BLAS libraries; looking for them takes milliseconds, so it is done once."""
    return ThreadpoolController()


def blas_threads(units, batch_rows):
    """A context that holds BLAS to one thread where the network's largest product is small."""
    if batch_rows * max(a * b for a, b in pairwise(units)) >= SMALL_PRODUCT:
        return nullcontext()
    return controller().limit(limits=1, user_api="blas")
