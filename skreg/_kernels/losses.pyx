"""Losses of the output layer: value and gradient in one pass.

With row weights v_i each returns sum_i v_i loss_i and turns the outputs z into
scale * v_i * d loss_i / dz, the gradient of scale * sum_i v_i loss_i. Sums run over outputs k:

softmax         t log sum_k exp(z_k) - sum_k t_k z_k,   t = sum_k t_k
logistic        log(1 + exp(z_k)) - t_k z_k
squared_error   (z_k - t_k)^2 / 2
absolute_error  |z_k - t_k|
huber           r^2 / 2 where |r| <= d, else d (|r| - d / 2);   r = z_k - t_k
quantile        q (t_k - z_k) where z_k < t_k, else (1 - q) (z_k - t_k)
poisson         exp(z_k) - t_k z_k - (t_k - t_k log t_k), half the deviance with a log link

The targets of the first two are probabilities, which label smoothing turns from p into
(1 - eps) p + eps (1 - p) / (K - 1), for a logistic output with K = 2: a class that is certain
keeps 1 - eps. d or q of each output comes in `level`. All is computed from z, nothing is clipped.
"""

from cython cimport floating
from libc.math cimport exp, fabs, log, log1p

from skreg._kernels.elementary cimport exponential
from skreg._kernels.simd cimport cloned_void

LOSSES = {
    "softmax": SOFTMAX, "logistic": LOGISTIC_LOSS, "squared_error": SQUARED_ERROR,
    "absolute_error": ABSOLUTE_ERROR, "huber": HUBER, "quantile": QUANTILE, "poisson": POISSON,
}


cdef inline floating smoothed(floating p, floating keep, floating other) noexcept nogil:
    return keep * p + other * (1 - p)


cdef cloned_void exponentials(floating* z, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t j
    for j in range(n):
        z[j] = exponential(z[j])


cdef inline void shift_row(floating* z, Py_ssize_t cols) noexcept nogil:
    """Shift z to a maximum of 0."""
    cdef floating top = z[0]
    cdef Py_ssize_t k
    for k in range(1, cols):
        top = z[k] if z[k] > top else top
    for k in range(cols):
        z[k] -= top


cdef double softmax_loss(
    floating* z, Py_ssize_t rows, Py_ssize_t cols, const floating* target,
    const floating* weight, double scale, double smoothing,
) noexcept nogil:
    cdef floating other = <floating> (smoothing / (cols - 1)) if cols > 1 else 0
    cdef floating keep = <floating> (1 - smoothing), total, mass, factor
    cdef double result = 0, linear
    cdef Py_ssize_t i, k
    for i in range(rows):
        shift_row(z + i * cols, cols)
        linear = 0
        for k in range(cols):
            linear += smoothed(target[i * cols + k], keep, other) * z[i * cols + k]
        result -= weight[i] * linear
    exponentials(z, rows * cols)
    for i in range(rows):
        total = mass = 0
        for k in range(cols):
            total += z[k]
            mass += smoothed(target[k], keep, other)
        result += weight[i] * mass * log(total)
        factor = <floating> (scale * weight[i])
        for k in range(cols):
            z[k] = factor * (mass * z[k] / total - smoothed(target[k], keep, other))
        z += cols
        target += cols
    return result


cdef double logistic_loss(
    floating* z, Py_ssize_t rows, Py_ssize_t cols, const floating* target,
    const floating* weight, double scale, double smoothing,
) noexcept nogil:
    cdef floating keep = <floating> (1 - smoothing), other = <floating> smoothing, t, e, factor
    cdef double row, result = 0
    cdef Py_ssize_t i, k
    for i in range(rows):
        factor = <floating> (scale * weight[i])
        row = 0
        for k in range(cols):
            t = smoothed(target[k], keep, other)
            e = exponential(-<floating> fabs(z[k]))
            row += (z[k] if z[k] > 0 else 0) - t * z[k] + log1p(e)
            z[k] = factor * ((1 / (1 + e) if z[k] > 0 else e / (1 + e)) - t)
        result += weight[i] * row
        z += cols
        target += cols
    return result


cdef inline double residual_loss(
    int loss, floating* z, floating target, double level
) noexcept nogil:
    """Return the loss of one output of a regression; z becomes its derivative."""
    cdef double r = z[0] - target, mean, row
    if loss == SQUARED_ERROR:
        z[0] = <floating> r
        return 0.5 * r * r
    if loss == ABSOLUTE_ERROR:
        z[0] = <floating> ((r > 0) - (r < 0)) if r == r else z[0]
        return fabs(r)
    if loss == HUBER:
        if fabs(r) <= level:
            z[0] = <floating> r
            return 0.5 * r * r
        z[0] = <floating> (level if r > 0 else -level)
        return level * (fabs(r) - 0.5 * level)
    if loss == QUANTILE:
        z[0] = <floating> (1 - level if r > 0 else (-level if r < 0 else 0))
        return (1 - level) * r if r > 0 else -level * r
    mean = exp(z[0])
    row = mean - target * <double> z[0] - target
    z[0] = <floating> (mean - target)
    return row + (target * log(target) if target > 0 else 0)


cdef double regression_loss(
    int loss, floating* z, Py_ssize_t rows, Py_ssize_t cols, const floating* target,
    const floating* weight, double scale, const double* level,
) noexcept nogil:
    cdef double row, result = 0
    cdef Py_ssize_t i, k
    for i in range(rows):
        row = 0
        for k in range(cols):
            row += residual_loss(loss, z + k, target[k], level[k])
            z[k] *= <floating> (scale * weight[i])
        result += weight[i] * row
        z += cols
        target += cols
    return result


cdef double output_loss(
    int loss, floating* z, Py_ssize_t rows, Py_ssize_t cols, const floating* target,
    const floating* weight, double scale, double smoothing, const double* level,
) noexcept nogil:
    if loss == SOFTMAX:
        return softmax_loss(z, rows, cols, target, weight, scale, smoothing)
    if loss == LOGISTIC_LOSS:
        return logistic_loss(z, rows, cols, target, weight, scale, smoothing)
    return regression_loss(loss, z, rows, cols, target, weight, scale, level)


def softmax(floating[:, ::1] z):
    """Outputs become probabilities, in place; what the exponential saturates at becomes 0."""
    cdef Py_ssize_t i, k, cols = z.shape[1]
    cdef floating total, least = exponential(<floating> -1000)
    if not (z.shape[0] and cols):
        return
    with nogil:
        for i in range(z.shape[0]):
            shift_row(&z[i, 0], cols)
        exponentials(&z[0, 0], z.shape[0] * cols)
        for i in range(z.shape[0]):
            total = 0
            for k in range(cols):
                z[i, k] = 0 if z[i, k] <= least else z[i, k]
                total += z[i, k]
            for k in range(cols):
                z[i, k] /= total


def loss_and_gradient(
    int loss, floating[:, ::1] z, const floating[:, ::1] target, const floating[::1] weight,
    double scale, double smoothing, const double[::1] level,
):
    """Return the weighted sum of losses; z becomes the gradient."""
    cdef double result = 0
    if z.shape[0]:
        with nogil:
            result = output_loss(
                loss, &z[0, 0], z.shape[0], z.shape[1], &target[0, 0], &weight[0], scale,
                smoothing, &level[0],
            )
    return result
