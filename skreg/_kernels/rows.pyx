"""Rows of the training data in shuffled order: order[i] is the row that comes i-th.

A dense batch is gathered into a contiguous buffer for BLAS. A sparse (CSR) batch is multiplied
where it lies, at a cost of (non-zeros) x (columns): it is never made dense.
"""

from cython cimport floating
from libc.stdint cimport int64_t
from libc.string cimport memcpy, memset


cdef void gather_rows(
    const floating[:, :] X, const int64_t* order, Py_ssize_t rows, floating* out,
) noexcept nogil:
    cdef Py_ssize_t cols = X.shape[1]
    cdef bint packed = X.strides[1] == sizeof(floating)
    cdef Py_ssize_t i, j
    for i in range(rows):
        if packed:
            memcpy(out, &X[order[i], 0], cols * sizeof(floating))
        else:
            for j in range(cols):
                out[j] = X[order[i], j]
        out += cols


cdef double gather_targets(
    const int[:, ::1] targets, const floating[::1] weight, const int64_t* order, Py_ssize_t rows,
    int* target_out, floating* weight_out,
) noexcept nogil:
    """Return the sum of the weights; an empty weight stands for ones."""
    cdef Py_ssize_t cols = targets.shape[1]
    cdef bint weighted = weight.shape[0] > 0
    cdef double total = 0
    cdef Py_ssize_t i, j
    for i in range(rows):
        for j in range(cols):
            target_out[i * cols + j] = targets[order[i], j]
        weight_out[i] = weight[order[i]] if weighted else 1
        total += weight_out[i]
    return total


cdef void csr_product(
    const floating* data, const int* indices, const int64_t* indptr, const int64_t* order,
    Py_ssize_t rows, const floating* w, Py_ssize_t cols, floating* out,
) noexcept nogil:
    """out = X[order] @ w, with w of shape (n_features, cols)."""
    cdef Py_ssize_t i, j
    cdef int64_t p
    cdef const floating* row
    memset(out, 0, rows * cols * sizeof(floating))
    for i in range(rows):
        for p in range(indptr[order[i]], indptr[order[i] + 1]):
            row = w + indices[p] * cols
            for j in range(cols):
                out[j] += data[p] * row[j]
        out += cols


cdef void csr_transposed_product(
    const floating* data, const int* indices, const int64_t* indptr, const int64_t* order,
    Py_ssize_t rows, const floating* delta, Py_ssize_t cols, floating* out,
) noexcept nogil:
    """out += X[order].T @ delta, with out of shape (n_features, cols)."""
    cdef Py_ssize_t i, j
    cdef int64_t p
    cdef floating* row
    for i in range(rows):
        for p in range(indptr[order[i]], indptr[order[i] + 1]):
            row = out + indices[p] * cols
            for j in range(cols):
                row[j] += data[p] * delta[j]
        delta += cols


def gather(
    const floating[:, :] X, const int[:, ::1] targets, const floating[::1] weight,
    const int64_t[::1] order, floating[:, ::1] X_out, int[:, ::1] target_out,
    floating[::1] weight_out,
):
    """Fill the buffers with the rows of X, targets and weights; return the weight sum."""
    cdef double total = 0
    if order.shape[0]:
        with nogil:
            if X.shape[1]:
                gather_rows(X, &order[0], order.shape[0], &X_out[0, 0])
            total = gather_targets(
                targets, weight, &order[0], order.shape[0], &target_out[0, 0], &weight_out[0]
            )
    return total


def sparse_product(
    const floating[::1] data, const int[::1] indices, const int64_t[::1] indptr,
    const int64_t[::1] order, const floating[:, ::1] w, floating[:, ::1] out,
):
    """out = X[order] @ w."""
    if order.shape[0] and w.shape[1]:
        with nogil:
            csr_product(
                &data[0], &indices[0], &indptr[0], &order[0], order.shape[0],
                &w[0, 0], w.shape[1], &out[0, 0],
            )


def sparse_transposed_product(
    const floating[::1] data, const int[::1] indices, const int64_t[::1] indptr,
    const int64_t[::1] order, const floating[:, ::1] delta, floating[:, ::1] out,
):
    """out += X[order].T @ delta."""
    if order.shape[0] and delta.shape[1]:
        with nogil:
            csr_transposed_product(
                &data[0], &indices[0], &indptr[0], &order[0], order.shape[0],
                &delta[0, 0], delta.shape[1], &out[0, 0],
            )
