"""The columns of a matrix, dense or sparse, behind two inline functions.

Column j holds the entries data[starts[j]:starts[j + 1]]. In the sparse case rows[k] is the row of
data[k] (CSC); where rows is NULL the column is dense and its k-th entry belongs to row k.
"""

from cython cimport floating
from libc.stdint cimport int32_t, int64_t

from skreg._kernels.blas cimport axpy, dot

ctypedef fused index_t:
    int32_t
    int64_t


cdef inline floating column_dot(
    const floating* data, const index_t* rows, Py_ssize_t start, Py_ssize_t stop,
    const floating* v,
) noexcept nogil:
    """x_j' v"""
    cdef floating total = 0, second = 0, third = 0, fourth = 0
    cdef Py_ssize_t k = start
    if rows == NULL:
        return dot(<int> (stop - start), data + start, v)
    while k + 4 <= stop:  # four sums side by side, as one would wait for itself at each term
        total += data[k] * v[rows[k]]
        second += data[k + 1] * v[rows[k + 1]]
        third += data[k + 2] * v[rows[k + 2]]
        fourth += data[k + 3] * v[rows[k + 3]]
        k += 4
    while k < stop:
        total += data[k] * v[rows[k]]
        k += 1
    return (total + second) + (third + fourth)


cdef inline void column_axpy(
    floating a, const floating* data, const index_t* rows, Py_ssize_t start, Py_ssize_t stop,
    floating* v,
) noexcept nogil:
    """v += a x_j"""
    cdef Py_ssize_t k
    if rows == NULL:
        axpy(<int> (stop - start), a, data + start, v)
        return
    for k in range(start, stop):
        v[rows[k]] += a * data[k]
