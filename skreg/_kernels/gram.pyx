"""X'X of a sparse X, row by row: each row adds the products of its own entries."""

from libc.stdint cimport int32_t, int64_t

from cython cimport floating

ctypedef fused index:
    int32_t
    int64_t


def add_gram(
    const floating[::1] data, const index[::1] columns, const index[::1] starts,
    double[:, ::1] G,
):
    """Add X'X to the upper triangle of G.

    X is CSR, its columns increasing within each row. The sums are in float64, because a column
    may have more entries than float32 can add.
    """
    cdef Py_ssize_t i, a, b
    cdef double x
    cdef double* row
    with nogil:
        for i in range(starts.shape[0] - 1):
            for a in range(starts[i], starts[i + 1]):
                x = data[a]
                row = &G[columns[a], 0]
                for b in range(a, starts[i + 1]):
                    row[columns[b]] += x * data[b]
