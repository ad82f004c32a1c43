"""One pass of stochastic average gradients over rows, dense or CSR: SAG and SAGA for ridge.

The formulas stand in `skreg/_solvers/stochastic.py`. A step costs as much as its row has
entries, though the average gradient moves every coefficient and the rows are centred:

    w = scale (u + q mean)        the decay of the penalty only touches `scale`
    sum of gradients = H - h mean, with H = sum g_i x_i and h = sum g_i root_i

so H moves u by the same multiple in each step. `lag` sums these multiples, and a coefficient
takes what it has missed since `last` when a row next needs it. mean'u and mean'H are carried
along as scalars.
"""

from libc.stdint cimport int32_t, int64_t

from cython cimport floating

ctypedef fused index:
    int32_t
    int64_t

# Below this scale, u is brought up to date so that 1 / scale keeps its digits.
cdef double SMALLEST_SCALE = 1e-4


cdef struct State:
    double scale
    double q
    double h
    double lag
    double mean_u
    double mean_h


cdef void settle(
    State* s, double[::1] u, const double[::1] H, double[::1] last, const double[::1] mean,
) noexcept nogil:
    """Bring every coefficient up to date, so that w = u."""
    cdef Py_ssize_t j
    s.mean_u = s.mean_h = 0
    for j in range(u.shape[0]):
        u[j] = s.scale * (u[j] - H[j] * (s.lag - last[j]) + s.q * mean[j])
        last[j] = 0
        s.mean_u += mean[j] * u[j]
        s.mean_h += mean[j] * H[j]
    s.scale = 1
    s.q = s.lag = 0


cdef double step_row(
    State* s, const floating* x, const index* columns, Py_ssize_t count, floating y,
    double root, double norm_mean, double g, double step, double decay, Py_ssize_t n,
    double share, const double[::1] mean, double[::1] u, double[::1] H, double[::1] last,
) noexcept nogil:
    """One step on one row; returns the change of its gradient."""
    cdef Py_ssize_t k, j
    cdef double xu = 0, xm = 0, change, move, kick
    for k in range(count):
        j = k if columns == NULL else <Py_ssize_t> columns[k]
        u[j] -= H[j] * (s.lag - last[j])
        xu += x[k] * u[j]
        xm += x[k] * mean[j]
    change = s.scale * (xu + s.q * (xm - root * norm_mean) - root * s.mean_u) - y - g
    s.scale *= 1 - step * decay
    move = step / (n * s.scale)
    kick = share * step * change / s.scale
    s.mean_u -= s.mean_h * move + kick * xm
    s.q += s.h * move + kick * root
    s.lag += move
    for k in range(count):
        j = k if columns == NULL else <Py_ssize_t> columns[k]
        u[j] -= H[j] * move + kick * x[k]
        H[j] += change * x[k]
        last[j] = s.lag
    s.mean_h += change * xm
    s.h += change * root
    return change


def sag_pass(
    const floating[::1] data, const index[::1] columns, const index[::1] starts,
    const floating[::1] y, const double[::1] root, const double[::1] mean,
    const int64_t[::1] order, double step, double decay, bint saga,
    double[::1] w, double[::1] g, double[::1] H, double[::1] last,
):
    """Update w, the rows' gradients g and H = sum g_i x_i by one step for each row in `order`.

    Rows lie in `data` one after the other; `columns` and `starts` are CSR's, or empty where the
    rows are dense. `last` is workspace of w's size, zero before and after.
    """
    cdef Py_ssize_t i, k, start, count = w.shape[0], n = y.shape[0]
    cdef bint dense = starts.shape[0] == 0
    cdef double share = 1.0 if saga else 1.0 / n, norm_mean = 0
    cdef const floating* values = &data[0] if data.shape[0] > 0 else NULL
    cdef const index* row = NULL
    cdef State s = State(1, 0, 0, 0, 0, 0)
    with nogil:
        settle(&s, w, H, last, mean)
        for k in range(mean.shape[0]):
            norm_mean += mean[k] * mean[k]
        for k in range(n):
            s.h += g[k] * root[k]
        for k in range(order.shape[0]):
            i = order[k]
            start = i * count if dense else <Py_ssize_t> starts[i]
            if not dense:
                count = <Py_ssize_t> starts[i + 1] - start
                if count > 0:
                    row = &columns[start]
            g[i] += step_row(
                &s, values + start, row, count, y[i], root[i], norm_mean, g[i], step, decay, n,
                share, mean, w, H, last,
            )
            if s.scale < SMALLEST_SCALE:
                settle(&s, w, H, last, mean)
        settle(&s, w, H, last, mean)
