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
    const floating* data, const index_t* rows, index_t start, index_t stop, const floating* v
) noexcept nogil:
    """x_j' v"""
    cdef floating total = 0
    cdef index_t k
    if rows == NULL:
        return dot(<int> (stop - start), data + start, v)
    for k in range(start, stop):
        total += data[k] * v[rows[k]]
    return total


cdef inline void column_axpy(
    floating a, const floating* data, const index_t* rows, index_t start, index_t stop,
    floating* v,
) noexcept nogil:
    """v += a x_j"""
    cdef index_t k
    if rows == NULL:
        axpy(<int> (stop - start), a, data + start, v)
        return
    for k in range(start, stop):
        v[rows[k]] += a * data[k]
