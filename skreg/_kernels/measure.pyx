"""Norms of the layers of a parameter vector, in one pass."""

import numpy as np

from cython cimport floating
from libc.math cimport fabs

cdef enum:
    LANES = 16  # sums that run side by side


cdef void measure(
    const floating* x, Py_ssize_t n, double* squares, double* sizes, double* zeros,
) noexcept nogil:
    """Add the sums of x^2 and |x|, and the number of zeros."""
    cdef double square[LANES]
    cdef double size[LANES]
    cdef Py_ssize_t j, k, whole = n - n % LANES, count = 0
    for k in range(LANES):
        square[k] = size[k] = 0
    for j in range(0, whole, 16):
        for k in range(LANES):
            square[k] += <double> x[j + k] * x[j + k]
            size[k] += fabs(x[j + k])
            count += x[j + k] == 0
    for j in range(whole, n):
        square[0] += <double> x[j] * x[j]
        size[0] += fabs(x[j])
        count += x[j] == 0
    for k in range(LANES):
        squares[0] += square[k]
        sizes[0] += size[k]
    zeros[0] += count


def measure_layers(const floating[::1] params, const int[::1] units):
    """(sum of squares of weights and biases, sum of |weights|, number of zero weights) a layer."""
    cdef int depth = <int> units.shape[0] - 1, layer
    out = np.zeros((3, depth))
    cdef double[:, ::1] sums = out
    cdef double spare[2]
    cdef const floating* x = &params[0]
    with nogil:
        for layer in range(depth):
            measure(x, <Py_ssize_t> units[layer] * units[layer + 1], &sums[0, layer],
                    &sums[1, layer], &sums[2, layer])
            x += <Py_ssize_t> units[layer] * units[layer + 1]
        for layer in range(depth):
            measure(x, units[layer + 1], &sums[0, layer], spare, spare + 1)
            x += units[layer + 1]
    return out
