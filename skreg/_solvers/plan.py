"""How the passes of a network are cut into tasks, and how many threads share them.

The cuts depend on the shapes alone, never on the threads: so neither does a bit of the result.
BLAS itself works on one thread meanwhile: on the products of a batch its own threads do not pay
(256 x 256 x 256 takes as long on two), where the same product cut in two takes half the time.
"""

from contextlib import nullcontext
from itertools import pairwise

import numpy as np

from skreg._kernels.team import Team
from skreg._kernels.training import PIECE_LENGTH
from skreg._solvers import threads

SMALL_BATCH = 2**21  # multiply-adds of one product with all weights: below, one thread does all
CHUNK = 128  # rows that BLAS multiplies at nearly full speed
BLOCK = 2**23  # multiply-adds of one task of a weight gradient, at least
NARROWEST = 64  # rows of a weight matrix below which a task does not get smaller
ONE_THREAD = 2**18  # multiply-adds of the largest product for which OpenBLAS wakes nobody
ALIGNED = 16  # rows that BLAS's kernels take at a time: other cuts leave them remainders


def chunk_rows(rows, n_weights):
    """Rows of a batch that go forward and backward together."""
    if rows * n_weights < SMALL_BATCH:
        return rows
    return -(-rows // max(2, rows // CHUNK))


def gradient_tasks(units, rows, is_sparse):
    """(layer, start, stop): the parts of the weight matrices whose gradients are one task."""
    small = rows * sum(a * b for a, b in pairwise(units)) < SMALL_BATCH
    tasks = []
    for layer, (fan_in, fan_out) in enumerate(pairwise(units)):
        most = min(rows * fan_in * fan_out // BLOCK, fan_in // NARROWEST)
        whole = small or most < 2 or (is_sparse and layer == 0)
        # A power of 2, as is the number of cores in most machines: none of them has to wait.
        parts = 1 if whole else 2 ** (most.bit_length() - 1)
        edges = [ALIGNED * round(fan_in * k / parts / ALIGNED) for k in range(parts)] + [fan_in]
        tasks += [(layer, start, stop) for start, stop in pairwise(edges)]
    return np.array(tasks, dtype=np.int64)


def n_partial(rows, chunk, n_parameters):
    """Length of the buffer for partial sums: one a chunk, two a piece of the parameters."""
    return max(-(-rows // chunk), 2 * -(-n_parameters // PIECE_LENGTH))


def training_team(multiply_adds):
    """A context for steps whose batch has that many multiply-adds; yields the team of threads."""
    return threads.team(multiply_adds >= SMALL_BATCH)


def prediction_team(rows, units):
    """The same for one pass, which for a few rows BLAS, too, does on one thread without asking."""
    sizes = [rows * fan_in * fan_out for fan_in, fan_out in pairwise(units)]
    tiny = max(sizes) <= ONE_THREAD
    return nullcontext(Team()) if tiny else training_team(sum(sizes))
