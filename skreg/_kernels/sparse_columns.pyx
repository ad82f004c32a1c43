"""Sums over the entries of consecutive sparse columns, in double precision."""

from cython cimport floating
from libc.math cimport fabs

from skreg._kernels.columns cimport index_t


def column_sums(
    const floating[::1] data, const index_t[::1] rows, const index_t[::1] starts,
    const double[::1] weight, Py_ssize_t first, double[::1] squares, double[::1] sizes,
):
    """Of the columns from the `first` on, sum v_i x_ij^2 and |x_ij|; no weights v are ones."""
    cdef Py_ssize_t j, k
    cdef double square, size, x
    cdef bint weighted = weight.shape[0] > 0
    with nogil:
        for j in range(squares.shape[0]):
            square = size = 0
            for k in range(starts[first + j], starts[first + j + 1]):
                x = data[k]
                size += fabs(x)
                square += x * x * (weight[rows[k]] if weighted else 1)
            squares[j] = square
            sizes[j] = size


def column_products(
    const floating[::1] data, const index_t[::1] rows, const index_t[::1] starts,
    const double[::1] v, Py_ssize_t first, double[::1] out,
):
    """Set out_j = x_j'v for the columns from the `first` on."""
    cdef Py_ssize_t j, k
    cdef double total, second
    with nogil:
        for j in range(out.shape[0]):
            total = second = 0
            k = starts[first + j]
            while k + 2 <= starts[first + j + 1]:  # two sums side by side: none waits for itself
                total += data[k] * v[rows[k]]
                second += data[k + 1] * v[rows[k + 1]]
                k += 2
            if k < starts[first + j + 1]:
                total += data[k] * v[rows[k]]
            out[j] = total + second
