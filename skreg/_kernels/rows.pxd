from cython cimport floating
from libc.stdint cimport int64_t

cdef void gather_rows(
    const floating[:, :] X, const int64_t* order, Py_ssize_t rows, floating* out,
) noexcept nogil

cdef double gather_targets(
    const int[:, ::1] targets, const floating[::1] weight, const int64_t* order, Py_ssize_t rows,
    int* target_out, floating* weight_out,
) noexcept nogil

cdef void csr_product(
    const floating* data, const int* indices, const int64_t* indptr, const int64_t* order,
    Py_ssize_t rows, const floating* w, Py_ssize_t cols, floating* out,
) noexcept nogil

cdef void csr_transposed_product(
    const floating* data, const int* indices, const int64_t* indptr, const int64_t* order,
    Py_ssize_t rows, const floating* delta, Py_ssize_t cols, floating* out,
) noexcept nogil
