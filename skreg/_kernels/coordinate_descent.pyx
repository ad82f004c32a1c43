"""Coordinate descent on columns of X: min 1/2 ||y - Xw||^2 + sum l1_j |w_j| + 1/2 sum l2_j w_j^2.

The state is e = v (y - Xw), v the weights of the rows, and columns are centred implicitly: what
the means m_j take off, e has as shift v, so that x_j'e + shift x_j'v is the product of a centred
column.
"""

from cpython.exc cimport PyErr_CheckSignals
from cython cimport floating
from libc.math cimport fabs

from skreg._kernels.columns cimport column_dot, index_t

cdef Py_ssize_t ENTRIES_BETWEEN_SIGNALS = 100_000_000  # about a tenth of a second


cdef inline double product(
    const floating* data, const index_t* rows, Py_ssize_t start, Py_ssize_t stop, const double* e,
) noexcept nogil:
    """x_j'e, summed in double precision."""
    cdef double total = 0
    cdef Py_ssize_t k
    if floating is double:
        return column_dot(data, rows, start, stop, e)
    for k in range(start, stop):
        total += data[k] * e[rows[k] if rows != NULL else k - start]
    return total


cdef inline void add_column(
    double a, const floating* data, const index_t* rows, Py_ssize_t start, Py_ssize_t stop,
    const double* weight, double* e,
) noexcept nogil:
    """e += a v x_j, where v = 1 if there are no weights."""
    cdef Py_ssize_t k, i
    if rows != NULL and weight == NULL:
        for k in range(start, stop):
            e[rows[k]] += a * data[k]
        return
    for k in range(start, stop):
        i = rows[k] if rows != NULL else k - start
        e[i] += a * data[k] * (weight[i] if weight != NULL else 1)


cdef inline double best(
    double gradient, double w, double curvature, double l1, double l2, double lower, double upper,
) noexcept nogil:
    """The minimizer over one coefficient."""
    cdef double z = gradient + curvature * w
    if curvature + l2 == 0:
        return w
    z = (z - l1 if z > l1 else (z + l1 if z < -l1 else 0)) / (curvature + l2)
    return lower if z < lower else (upper if z > upper else z)


def subtract(
    const floating[::1] data, const index_t[::1] rows, const index_t[::1] starts,
    const double[::1] weight, const int[::1] which, const double[::1] coef, double[::1] e,
):
    """e -= v times the sum of coef_j x_j over some columns."""
    cdef const index_t* row = &rows[0] if rows.shape[0] else NULL
    cdef const double* v = &weight[0] if weight.shape[0] else NULL
    cdef Py_ssize_t i
    with nogil:
        for i in range(which.shape[0]):
            add_column(
                -coef[i], &data[0], row, starts[which[i]], starts[which[i] + 1], v, &e[0],
            )


def products(
    const floating[::1] data, const index_t[::1] rows, const index_t[::1] starts,
    const double[::1] e, const double[::1] taken, const int[::1] which, double[::1] out,
):
    """Set out_i = x_j'e - taken_j for the columns j = which_i."""
    cdef const index_t* row = &rows[0] if rows.shape[0] else NULL
    cdef Py_ssize_t i
    cdef int j
    with nogil:
        for i in range(which.shape[0]):
            j = which[i]
            out[i] = product(&data[0], row, starts[j], starts[j + 1], &e[0]) - taken[j]


def sweeps(
    const floating[::1] data, const index_t[::1] rows, const index_t[::1] starts,
    const double[::1] weight, const double[::1] mean, const double[::1] mass,
    const double[::1] curvature, const int[::1] which, double[::1] w, double[::1] e,
    const double[::1] l1, const double[::1] l2, const double[::1] lower, const double[::1] upper,
    double enough, int max_sweeps, bint everywhere, const int[::1] given_up,
):
    """Sweep over some columns, in between over those of nonzero coefficients only; in place.

    It begins with a sweep over all of them, if that is to go `everywhere`. `which` lists the
    columns, `mean`, `mass` (x_j'v) and `curvature` are of all features, the rest of those
    listed. It ends with a sweep over all whose slopes would make a duality gap of about `enough`:
    scaling the residual down until l1 holds the worst of them costs its share of sum l1_j |w_j|,
    and where there is l2 each may cost slope^2 / (2 l2) instead.

    Returns
    -------
    The sweeps done, the shift of e, and whether they ended by themselves.
    """
    cdef const index_t* row = &rows[0] if rows.shape[0] else NULL
    cdef const double* v = &weight[0] if weight.shape[0] else NULL
    cdef Py_ssize_t i, entries = 0
    cdef int j, done = 0
    cdef double new, change, slope, worst, stiff, square, free, held, shift = 0
    cdef bint ended = False
    with nogil:
        while done < max_sweeps and not given_up[0]:
            done += 1
            worst = stiff = square = free = held = 0
            for i in range(which.shape[0]):
                if not everywhere and w[i] == 0:
                    continue
                j = which[i]
                entries += starts[j + 1] - starts[j]
                new = best(
                    product(&data[0], row, starts[j], starts[j + 1], &e[0]) + shift * mass[j],
                    w[i], curvature[j], l1[i], l2[i], lower[i], upper[i],
                )
                change = new - w[i]
                held += l1[i] * max(fabs(new), fabs(w[i]))
                if change != 0:
                    w[i] = new
                    shift += change * mean[j]
                    add_column(-change, &data[0], row, starts[j], starts[j + 1], v, &e[0])
                    slope = fabs(change) * (curvature[j] + l2[i])
                    if l1[i] > 0:
                        worst = max(worst, slope / l1[i])
                        if l2[i] == 0:
                            stiff = max(stiff, slope / l1[i])
                        else:
                            square += slope * slope / (2 * l2[i])
                    else:
                        free += slope * slope / (2 * l2[i]) if l2[i] > 0 else slope * fabs(new)
            if entries > ENTRIES_BETWEEN_SIGNALS:
                entries = 0
                with gil:
                    PyErr_CheckSignals()
            if free + min(worst * held, stiff * held + square) <= enough:
                if everywhere:
                    ended = True
                    break
                everywhere = True
            else:
                everywhere = False
    return done, shift, ended
