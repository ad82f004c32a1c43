"""Coordinate descent on min_w 1/2 w'Qw - q'w + l1 |w|_1 + l2/2 |w|^2, w >= 0 on demand."""

from cpython.exc cimport PyErr_CheckSignals
from cython cimport floating
from libc.math cimport fabs
from libc.stdint cimport uint64_t

from skreg._kernels.columns cimport column_axpy, column_dot, index_t
from skreg._kernels.splitmix cimport counter_bits


# Entries read between two looks for Ctrl-C: about a tenth of a second.
cdef Py_ssize_t ENTRIES_BETWEEN_SIGNALS = 100_000_000


cdef inline floating soft_threshold(floating z, floating l1, bint positive) noexcept nogil:
    """The minimizer of 1/2 (w - z)^2 + l1 |w|, over w >= 0 where positive."""
    if z > l1:
        return z - l1
    if z < -l1 and not positive:
        return z + l1
    return 0


def sweeps(
    floating[::1] w,
    floating[::1] state,
    const floating[::1] data,
    const index_t[::1] rows,
    const index_t[::1] starts,
    const floating[::1] mean,
    const floating[::1] mass,
    const floating[::1] curvature,
    floating l1,
    floating l2,
    bint positive,
    bint gram,
    uint64_t seed,
    int max_sweeps,
    floating tol,
):
    """Sweep over all coordinates until the largest change is at most tol max|w|; in place.

    The state is the residual y - Xw of the columns x_j in (data, rows, starts) or, where gram is
    set, the gradient q - Qw of the columns of Q. Either way a step d in w_j changes it by
    -d times column j; only reading the gradient differs. Columns of X may be centred implicitly:
    the residual is then state + shift root with shift = sum_j d_j mean_j, and mass_j = x_j'root.
    A column with curvature_j = ||x_j||^2 = 0 gets w_j = 0. A seed of 0 walks in order, any other
    one draws the coordinates.

    Returns
    -------
    (sweeps done, largest change, largest coefficient, shift)
    """
    cdef Py_ssize_t n_features = w.shape[0], j, k
    cdef const index_t* row = &rows[0] if rows.shape[0] else NULL
    cdef floating gradient, new, step, change = 0, largest = 0, shift = 0
    cdef uint64_t drawn = 0
    cdef Py_ssize_t entries = 0
    cdef int done = 0
    with nogil:
        while done < max_sweeps:
            done += 1
            change = largest = 0
            for k in range(n_features):
                j = k
                if seed:
                    j = <Py_ssize_t> (counter_bits(seed, drawn) % <uint64_t> n_features)
                    drawn += 1
                if curvature[j] == 0:
                    w[j] = 0
                    continue
                entries += <Py_ssize_t> (starts[j + 1] - starts[j])
                if entries > ENTRIES_BETWEEN_SIGNALS:
                    entries = 0
                    with gil:
                        PyErr_CheckSignals()
                if gram:
                    gradient = state[j]
                else:
                    gradient = shift * mass[j] + column_dot(
                        &data[0], row, starts[j], starts[j + 1], &state[0]
                    )
                new = soft_threshold(gradient + w[j] * curvature[j], l1, positive)
                new /= curvature[j] + l2
                step = new - w[j]
                if step != 0:
                    w[j] = new
                    shift += step * mean[j]
                    column_axpy(-step, &data[0], row, starts[j], starts[j + 1], &state[0])
                change = max(change, <floating> fabs(step))
                largest = max(largest, <floating> fabs(new))
            if change <= tol * largest:
                break
    return done, change, largest, shift
