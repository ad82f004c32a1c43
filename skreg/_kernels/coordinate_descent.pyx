"""Coordinate descent on min_w 1/2 w'Qw - q'w + l1 |w|_1 + l2/2 |w|^2, w >= 0 on demand."""

from cython cimport floating
from libc.math cimport fabs
from libc.stdint cimport uint64_t

from skreg._kernels.columns cimport column_axpy, column_dot, index_t


cdef inline floating soft_threshold(floating z, floating l1, bint positive) noexcept nogil:
    """The minimizer of 1/2 (w - z)^2 + l1 |w|, over w >= 0 where positive."""
    if z > l1:
        return z - l1
    if z < -l1 and not positive:
        return z + l1
    return 0


cdef inline uint64_t next_random(uint64_t* state) noexcept nogil:
    """SplitMix64 (Steele, Lea and Flood, OOPSLA 2014)."""
    state[0] += <uint64_t> 0x9E3779B97F4A7C15
    cdef uint64_t z = state[0]
    z = (z ^ (z >> 30)) * <uint64_t> 0xBF58476D1CE4E5B9
    z = (z ^ (z >> 27)) * <uint64_t> 0x94D049BB133111EB
    return z ^ (z >> 31)


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
    cdef uint64_t random = seed
    cdef int done = 0
    with nogil:
        while done < max_sweeps:
            done += 1
            change = largest = 0
            for k in range(n_features):
                j = <Py_ssize_t> (next_random(&random) % n_features) if seed else k
                if curvature[j] == 0:
                    w[j] = 0
                    continue
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
