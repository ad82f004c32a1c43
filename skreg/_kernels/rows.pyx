"""Rows of the training data in shuffled order: order[i] is the row that comes i-th.

A batch is gathered into contiguous buffers: rows for BLAS, or for sparse X a small CSR matrix,
which is multiplied at a cost of (non-zeros) x (columns) and never made dense.
"""

from cython cimport floating
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memcpy, memset

from skreg._kernels.dropout cimport kept_share, mask_key
from skreg._kernels.simd cimport cloned_void, prefetch

cdef enum:
    AHEAD = 2  # rows from the one that is copied to the one that is asked for
    LINE = 64  # bytes of a cache line


cdef void gather_rows(
    const char* source, Py_ssize_t row_stride, Py_ssize_t column_stride, const int64_t* order,
    Py_ssize_t start, Py_ssize_t stop, Py_ssize_t cols, floating* out,
) noexcept nogil:
    """out[i] = X[order[i]] for i from start to stop; strides are in bytes.

    Shuffled rows come from anywhere in memory, so that each is asked for in advance.
    """
    cdef const char* row
    cdef Py_ssize_t lines = (cols * sizeof(floating) + LINE - 1) // LINE, i, j
    out += start * cols
    for i in range(start, stop):
        row = source + order[i] * row_stride
        if column_stride == sizeof(floating):
            for j in range(lines if i + AHEAD < stop else 0):
                prefetch(source + order[i + AHEAD] * row_stride + j * LINE)
            memcpy(out, row, cols * sizeof(floating))
        else:
            for j in range(cols):
                out[j] = (<const floating*> (row + j * column_stride))[0]
        out += cols


cdef double gather_targets(
    const int* codes, const floating* targets, const floating* weight, const int64_t* order,
    Py_ssize_t rows, Py_ssize_t cols, floating* target_out, floating* weight_out,
) noexcept nogil:
    """Return the sum of the weights; NULL stands for ones.

    Class codes, unless they are NULL, become probabilities: one column is that of class 1.
    """
    cdef bint weighted = weight != NULL, coded = codes != NULL
    cdef double total = 0
    cdef Py_ssize_t i
    if coded:
        memset(target_out, 0, rows * cols * sizeof(floating))
    for i in range(rows):
        if not coded:
            memcpy(target_out, targets + order[i] * cols, cols * sizeof(floating))
        elif cols == 1:
            target_out[0] = codes[order[i]]
        else:
            target_out[codes[order[i]]] = 1
        target_out += cols
        weight_out[i] = weight[order[i]] if weighted else 1
        total += weight_out[i]
    return total


cdef void gather_csr(
    const floating* data, const int* indices, const int64_t* indptr, const int64_t* order,
    Py_ssize_t rows, floating* data_out, int* indices_out, int64_t* indptr_out,
    Py_ssize_t cols, uint64_t key, double rate,
) noexcept nogil:
    """The rows order[0], order[1], ... as a CSR matrix of their own, with input dropout."""
    cdef int64_t start, size, filled = 0, p
    cdef Py_ssize_t i
    indptr_out[0] = 0
    for i in range(rows):
        start = indptr[order[i]]
        size = indptr[order[i] + 1] - start
        if size:
            memcpy(data_out + filled, data + start, size * sizeof(floating))
            memcpy(indices_out + filled, indices + start, size * sizeof(int))
        if rate > 0:
            for p in range(filled, filled + size):
                data_out[p] *= <floating> kept_share(key, i, cols, indices_out[p], rate)
        filled += size
        indptr_out[i + 1] = filled


cdef cloned_void add_scaled(
    floating* out, const floating* x, floating factor, Py_ssize_t n
) noexcept nogil:
    cdef Py_ssize_t j
    for j in range(n):
        out[j] += factor * x[j]


cdef void csr_product(
    const floating* data, const int* indices, const int64_t* indptr,
    Py_ssize_t start, Py_ssize_t stop, const floating* w, Py_ssize_t cols, floating* out,
) noexcept nogil:
    """Rows start to stop of out = X @ w, with w of shape (n_features, cols)."""
    cdef Py_ssize_t i
    cdef int64_t p
    out += start * cols
    memset(out, 0, (stop - start) * cols * sizeof(floating))
    for i in range(start, stop):
        for p in range(indptr[i], indptr[i + 1]):
            add_scaled(out, w + indices[p] * cols, data[p], cols)
        out += cols


cdef void csr_transposed_product(
    const floating* data, const int* indices, const int64_t* indptr,
    Py_ssize_t rows, const floating* delta, Py_ssize_t cols, Py_ssize_t first, Py_ssize_t last,
    floating* out,
) noexcept nogil:
    """Columns first to last of out += X.T @ delta, with out of shape (n_features, cols)."""
    cdef Py_ssize_t i
    cdef int64_t p
    for i in range(rows):
        for p in range(indptr[i], indptr[i + 1]):
            add_scaled(out + indices[p] * cols + first, delta + first, data[p], last - first)
        delta += cols


def gather(
    const floating[:, :] X, const int[::1] codes, const floating[:, ::1] targets,
    const floating[::1] weight, const int64_t[::1] order, floating[:, ::1] X_out,
    floating[:, ::1] target_out, floating[::1] weight_out,
):
    """Fill the buffers with the rows of X, targets and weights; return the weight sum."""
    cdef double total = 0
    if order.shape[0]:
        with nogil:
            if X.shape[1]:
                gather_rows(
                    <const char*> &X[0, 0], X.strides[0], X.strides[1], &order[0], 0,
                    order.shape[0], X.shape[1], &X_out[0, 0],
                )
            total = gather_targets(
                &codes[0] if codes.shape[0] else NULL,
                &targets[0, 0] if targets.shape[0] else NULL,
                &weight[0] if weight.shape[0] else NULL, &order[0], order.shape[0],
                target_out.shape[1], &target_out[0, 0], &weight_out[0],
            )
    return total


def gather_sparse(
    const floating[::1] data, const int[::1] indices, const int64_t[::1] indptr,
    const int64_t[::1] order, floating[::1] data_out, int[::1] indices_out,
    int64_t[::1] indptr_out, Py_ssize_t cols, uint64_t seed, uint64_t step, double rate,
):
    """Fill the buffers with the rows of a CSR matrix of cols columns, with input dropout."""
    if data.shape[0]:
        with nogil:
            gather_csr(
                &data[0], &indices[0], &indptr[0], &order[0], order.shape[0], &data_out[0],
                &indices_out[0], &indptr_out[0], cols, mask_key(seed, step, 0), rate,
            )
    else:
        indptr_out[:] = 0


def sparse_product(
    const floating[::1] data, const int[::1] indices, const int64_t[::1] indptr,
    const floating[:, ::1] w, floating[:, ::1] out,
):
    """out = X @ w."""
    if out.shape[0] and w.shape[1]:
        with nogil:
            csr_product(
                &data[0], &indices[0], &indptr[0], 0, out.shape[0], &w[0, 0], w.shape[1],
                &out[0, 0],
            )


def sparse_transposed_product(
    const floating[::1] data, const int[::1] indices, const int64_t[::1] indptr,
    const floating[:, ::1] delta, floating[:, ::1] out,
):
    """out += X.T @ delta."""
    if delta.shape[0] and delta.shape[1]:
        with nogil:
            csr_transposed_product(
                &data[0], &indices[0], &indptr[0], delta.shape[0], &delta[0, 0], delta.shape[1],
                0, delta.shape[1], &out[0, 0],
            )
