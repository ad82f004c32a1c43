from cython cimport floating
from libc.stdint cimport int64_t, uint64_t

cdef void gather_rows(
    const char* source, Py_ssize_t row_stride, Py_ssize_t column_stride, const int64_t* order,
    Py_ssize_t start, Py_ssize_t stop, Py_ssize_t cols, floating* out,
) noexcept nogil

cdef double gather_targets(
    const int* codes, const floating* targets, const floating* weight, const int64_t* order,
    Py_ssize_t rows, Py_ssize_t cols, floating* target_out, floating* weight_out,
) noexcept nogil

cdef void gather_csr(
    const floating* data, const int* indices, const int64_t* indptr, const int64_t* order,
    Py_ssize_t rows, floating* data_out, int* indices_out, int64_t* indptr_out,
    Py_ssize_t cols, uint64_t key, double rate,
) noexcept nogil

cdef void csr_product(
    const floating* data, const int* indices, const int64_t* indptr,
    Py_ssize_t start, Py_ssize_t stop, const floating* w, Py_ssize_t cols, floating* out,
) noexcept nogil

cdef void csr_transposed_product(
    const floating* data, const int* indices, const int64_t* indptr,
    Py_ssize_t rows, const floating* delta, Py_ssize_t cols, Py_ssize_t first, Py_ssize_t last,
    floating* out,
) noexcept nogil
