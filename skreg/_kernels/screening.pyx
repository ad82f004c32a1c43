"""Which features may come in: bounds of all products with a residual, exact ones in doubt."""

from cython cimport floating
from libc.math cimport fabs

from skreg._kernels.columns cimport column_dot, index_t

cdef enum:
    UP = 1  # a positive coefficient is allowed
    DOWN = 2  # a negative one is


cdef inline double score(double c, double l1, char side) noexcept nogil:
    """How far a product pulls a zero coefficient, beside the penalty that holds it."""
    if (c > 0 and side & UP) or (c < 0 and side & DOWN):
        return fabs(c) / l1
    return 0


def judge(
    const double[::1] c, const double[::1] l1, const char[::1] side, double[::1] scores,
):
    """Set the scores from exact products; return the largest."""
    cdef Py_ssize_t j
    cdef double largest = 0
    with nogil:
        for j in range(c.shape[0]):
            scores[j] = score(c[j], l1[j], side[j]) if side[j] else 0
            largest = max(largest, scores[j])
    return largest


def in_doubt(
    const double[::1] known, const double[::1] norm, double distance,
    const double[::1] sum_norm, double farthest, const double[::1] l1, const char[::1] side,
    double threshold, int[::1] found,
):
    """List the features whose score may reach a threshold; return how many.

    The residual is one with `known` products plus something of length `distance` whose largest
    entry is `farthest`; `sum_norm` (p,), or nothing, are the sums of the sizes of the entries that
    this meets.
    """
    cdef Py_ssize_t j, count = 0
    cdef double beyond
    cdef bint both = sum_norm.shape[0] > 0
    with nogil:
        for j in range(norm.shape[0]):
            if not side[j]:
                continue
            beyond = norm[j] * distance
            if both:
                beyond = min(beyond, sum_norm[j] * farthest)
            if fabs(known[j]) + beyond >= threshold * l1[j]:
                found[count] = <int> j
                count += 1
    return count


def judge_some(
    const floating[::1] data, const index_t[::1] rows, const index_t[::1] starts,
    const floating[::1] v, const double[::1] shift, const int[::1] which,
    const double[::1] l1, const char[::1] side, double[::1] scores,
):
    """Set the scores of some features, from their products x_j'v - shift_j; return the largest."""
    cdef Py_ssize_t i
    cdef int j
    cdef const index_t* row = &rows[0] if rows.shape[0] else NULL
    cdef double largest = 0
    with nogil:
        for i in range(which.shape[0]):
            j = which[i]
            scores[j] = score(
                column_dot(&data[0], row, starts[j], starts[j + 1], &v[0]) - shift[j],
                l1[j], side[j],
            )
            largest = max(largest, scores[j])
    return largest
