"""Diagonals of Q (T + alpha I)^-1 Q' for many alphas, T tridiagonal.

With T + alpha I = L D L' the entry of a row q of Q is the sum of y_k^2 / D_k, where L y = q': one
pass of a recurrence, whose latency is hidden by doing several rows, and two alphas, side by side.
"""

from libc.string cimport memset

cdef enum:
    ROWS = 8  # two alphas of them fill the sixteen vector registers that every x86-64 has


def factorize(
    const double[::1] diagonal, const double[::1] beside, const double[::1] alphas,
    double[:, ::1] ratio, double[:, ::1] inverse,
):
    """For each alpha set the subdiagonal of L, after a zero, and the inverse of D: (A, m)."""
    cdef Py_ssize_t a, k
    with nogil:
        for a in range(alphas.shape[0]):
            ratio[a, 0] = 0
            inverse[a, 0] = 1 / (diagonal[0] + alphas[a])
            for k in range(1, diagonal.shape[0]):
                ratio[a, k] = beside[k - 1] * inverse[a, k - 1]
                inverse[a, k] = 1 / (diagonal[k] + alphas[a] - ratio[a, k] * beside[k - 1])


def inverse_diagonal(
    const double[::1, :] Q, const double[:, ::1] ratio, const double[:, ::1] inverse,
    double[:, ::1] rows, double[:, ::1] out, Py_ssize_t start,
):
    """Set out (A, n) to the entries of the n rows of diag(1, Q) from row start on.

    `rows` (m, 8) is for the entries of the rows at work. A is even.
    """
    cdef Py_ssize_t m = ratio.shape[1], a, block, i, j, k, count
    cdef double[ROWS] first, second
    with nogil:
        for block in range((out.shape[1] + ROWS - 1) // ROWS):
            i = block * ROWS
            count = min(ROWS, out.shape[1] - i)
            memset(&rows[0, 0], 0, m * ROWS * sizeof(double))
            for j in range(count):
                if start + i + j == 0:
                    rows[0, j] = 1
            for k in range(1, m):
                for j in range(start + i == 0, count):
                    rows[k, j] = Q[start + i + j - 1, k - 1]
            for a in range(ratio.shape[0] // 2):
                sums(
                    &rows[0, 0], m, &ratio[2 * a, 0], &inverse[2 * a, 0],
                    &ratio[2 * a + 1, 0], &inverse[2 * a + 1, 0], first, second,
                )
                for j in range(count):
                    out[2 * a, i + j] = first[j]
                    out[2 * a + 1, i + j] = second[j]


cdef void sums(
    const double* row, Py_ssize_t m, const double* ratio, const double* inverse,
    const double* next_ratio, const double* next_inverse, double* first, double* second,
) noexcept nogil:
    """The sums of eight rows for two alphas; separate loops, so that each becomes vectors."""
    cdef double[ROWS] x, y, u, v
    cdef Py_ssize_t j, k
    for j in range(ROWS):
        x[j] = y[j] = u[j] = v[j] = 0
    for k in range(m):
        for j in range(ROWS):
            x[j] = row[j] - ratio[k] * x[j]
        for j in range(ROWS):
            y[j] = row[j] - next_ratio[k] * y[j]
        for j in range(ROWS):
            u[j] += x[j] * (x[j] * inverse[k])
        for j in range(ROWS):
            v[j] += y[j] * (y[j] * next_inverse[k])
        row += ROWS
    for j in range(ROWS):
        first[j] = u[j]
        second[j] = v[j]
