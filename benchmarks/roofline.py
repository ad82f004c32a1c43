"""The limit of a training step: what BLAS takes for its matrix products alone.

Every product is timed on one BLAS thread, on all of them, and cut into as many parts as there are
cores, each in a thread of its own with one BLAS thread (which pays where BLAS's own threads wait
for each other). The fastest of the three counts. The operands stay in the caches and nobody waits
for the next product, so that a training cannot be faster; only a call from Python costs each
product a few tenths of a microsecond, which matters for nets of two microseconds a product.

The parts are multiplied by NumPy, since SciPy's wrappers of BLAS hold the interpreter's lock.
"""

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
from contest import settle
from scipy.linalg import get_blas_funcs
from threadpoolctl import ThreadpoolController

SAMPLE = 0.004  # seconds that repetitions of one product should take at least


class Roofline:
    """Seconds of the products of one step of a `NetworkTraining`, sampled round by round."""

    def __init__(self, problem, cores):
        shapes = problem.products
        self.steps, self.cores = problem.steps, cores
        self.operands = [
            operands(kind, *shape, problem.dtype) for kind in shapes for shape in shapes[kind]
        ]
        self.flop = sum(2 * m * k * n for kind in shapes for m, k, n in shapes[kind])
        self.ways = [(1, whole)] if cores == 1 else [(1, whole), (1, parts), (cores, whole)]
        self.samples = [[[] for _ in self.ways] for _ in self.operands]
        self.pools = ThreadpoolController()

    def sample(self):
        """Time every product in every way once."""
        with ThreadPoolExecutor(self.cores) as workers:
            for way, (threads, calls) in enumerate(self.ways):
                with self.pools.limit(limits=threads, user_api="blas"):
                    for samples, pair in zip(self.samples, self.operands, strict=True):
                        samples[way].append(seconds(calls(*pair, self.cores), workers))
                settle()

    @property
    def seconds(self):
        """Seconds of all products of a step, each in its fastest way."""
        return sum(min(map(statistics.median, samples)) for samples in self.samples)

    def share(self, median):
        """How much of a training's seconds its products would take."""
        return self.seconds * self.steps / median

    def __str__(self):
        rate = 1e-9 * self.flop / self.seconds
        return (
            f"of BLAS: the matrix products of a step, {1e6 * self.seconds:.1f} us at BLAS's best "
            f"({rate:.0f} GFLOP/s), over the time of a step"
        )


def operands(kind, m, k, n, dtype):
    """Two matrices (m, k) and (k, n) of the memory order that they have in a training step."""
    rng = np.random.default_rng(0)
    left = rng.random((k, m) if kind == "gradient" else (m, k)).astype(dtype)
    right = rng.random((n, k) if kind == "delta" else (k, n)).astype(dtype)
    return left.T if kind == "gradient" else left, right.T if kind == "delta" else right


def whole(left, right, cores):
    """One call of BLAS for the product, whose transpose in column order is the same memory."""
    gemm = get_blas_funcs("gemm", (left, right))
    (a, a_transposed), (b, b_transposed) = in_columns(right.T), in_columns(left.T)
    out = np.zeros((right.shape[1], left.shape[0]), left.dtype, order="F")
    return [partial(gemm, 1.0, a, b, 0.0, out, a_transposed, b_transposed, 1)]


def in_columns(matrix):
    """An array in column order, and whether it is the matrix's transpose."""
    return (matrix, 0) if matrix.flags.f_contiguous else (matrix.T, 1)


def parts(left, right, cores):
    """One call for each of so many parts of the product's rows."""
    outs = np.array_split(np.zeros((left.shape[0], right.shape[1]), left.dtype), cores)
    lefts = np.array_split(left, cores)
    return [partial(np.matmul, left, right, out) for left, out in zip(lefts, outs, strict=True)]


def seconds(calls, workers):
    """Time that the calls take side by side: the mean of repetitions, as many as make a sample."""
    count = 1
    while (spent := repeated(calls, count, workers)) < SAMPLE:
        count = 1 + int(count * min(1.3 * SAMPLE / spent, 100))
    return spent / count


def repeated(calls, count, workers):
    """Seconds until every call was made so many times."""

    def repeat(call):
        for _ in range(count):
            call()

    start = time.perf_counter()
    if len(calls) == 1:
        repeat(calls[0])
    else:
        list(workers.map(repeat, calls))
    return time.perf_counter() - start
