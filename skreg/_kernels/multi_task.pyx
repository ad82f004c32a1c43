"""Block coordinate descent on min_W 1/2 ||Y - XW||^2 + sum_j l1_j |W_j| + l2_j/2 |W_j|^2.

W_j are the rows of W, one a feature, and |.| is their Euclidean norm.
"""

from cpython.exc cimport PyErr_CheckSignals
from libc.math cimport sqrt

from skreg._kernels.blas cimport gemv, ger

# Multiply-adds between two looks for Ctrl-C: about a tenth of a second.
cdef Py_ssize_t WORK_BETWEEN_SIGNALS = 200_000_000


cdef inline double shrink(
    int t, double* z, const double* w, double curvature, double l1, double l2
) noexcept nogil:
    """Turn the gradient z of a row w into the step to the row's minimizer; return |step|."""
    cdef double squares = 0, factor = 0
    cdef int k
    for k in range(t):
        z[k] += curvature * w[k]
        squares += z[k] * z[k]
    if squares > l1 * l1:
        factor = (1 - l1 / sqrt(squares)) / (curvature + l2)
    squares = 0
    for k in range(t):
        z[k] = factor * z[k] - w[k]
        squares += z[k] * z[k]
    return sqrt(squares)


def block_sweeps(
    double[:, ::1] W,
    double[:, ::1] state,
    const double[:, ::1] columns,
    const double[::1] curvature,
    const double[::1] l1,
    const double[::1] l2,
    const Py_ssize_t[::1] order,
    bint gram,
    double[::1] step,
    int max_sweeps,
    double tol,
):
    """Sweep over the rows `order` of W (k, t) until no step is larger than tol; in place.

    Where `gram` is set, `columns` holds the rows of X'X (those of a larger buffer may go on after
    k entries) and `state` the gradient X'(Y - XW), transposed (t, k). Otherwise they are the
    columns of X, one a row (k, n), and the residual Y - XW, transposed (t, n). Either way a step d
    in row j changes the state by -d times column j; only reading the gradient differs. A step is
    measured by what it changes in the gradient of its own row, curvature_j |d|. `step` (t,) is for
    work. Rows whose curvature_j = ||x_j||^2 is 0 become 0.

    Returns
    -------
    (sweeps done, largest step of the last sweep)
    """
    cdef Py_ssize_t a, j, work = 0
    cdef int i, t = <int> W.shape[1], m = <int> state.shape[1], done = 0
    cdef double size, largest = 0
    with nogil:
        while done < max_sweeps:
            done += 1
            largest = 0
            for a in range(order.shape[0]):
                j = order[a]
                if curvature[j] == 0:
                    for i in range(t):
                        W[j, i] = 0
                    continue
                if gram:
                    for i in range(t):
                        step[i] = state[i, j]
                else:
                    gemv(False, t, m, 1, &state[0, 0], m, &columns[j, 0], 0, &step[0])
                size = shrink(t, &step[0], &W[j, 0], curvature[j], l1[j], l2[j])
                if size != 0:
                    for i in range(t):
                        W[j, i] += step[i]
                    ger(t, m, -1, &step[0], &columns[j, 0], &state[0, 0], m)
                    largest = max(largest, curvature[j] * size)
                work += m * t
                if work > WORK_BETWEEN_SIGNALS:
                    work = 0
                    with gil:
                        PyErr_CheckSignals()
            if largest <= tol:
                break
    return done, largest
