"""Cross-entropies with label smoothing: loss and gradient in one pass over the logits.

With row weights v_i and smoothed targets t, both return sum_i v_i * loss_i and turn the logits z
into scale * v_i * (p - t), the gradient of scale * sum_i v_i * loss_i.

softmax   loss_i = log sum_k exp(z_k) - sum_k t_k z_k,
          t = 1 - eps for the true class, eps / (K - 1) for the others
logistic  loss_i = sum_k log(1 + exp(z_k)) - t_k z_k,
          t = 1 - eps where the label is 1, eps where it is 0

Both are computed from the logits, so nothing needs clipping.
"""

from cython cimport floating
from libc.math cimport exp, expf, fabs, log, log1p

LOSSES = {"softmax": SOFTMAX, "logistic": LOGISTIC_LOSS}


cdef inline floating exponential(floating z) noexcept nogil:
    return expf(z) if floating is float else exp(z)


cdef double softmax_loss(
    floating* z, Py_ssize_t rows, Py_ssize_t cols, const int* target, const floating* weight,
    double scale, double smoothing,
) noexcept nogil:
    """target holds one class code a row."""
    cdef floating other = <floating> (smoothing / (cols - 1)) if cols > 1 else 0
    cdef floating extra = <floating> (1 - smoothing) - other
    cdef floating top, total, shifted, z_sum, z_true, factor
    cdef double result = 0
    cdef Py_ssize_t i, k
    for i in range(rows):
        top = z[0]
        for k in range(1, cols):
            top = z[k] if z[k] > top else top
        z_true = z[target[i]] - top
        total = z_sum = 0
        for k in range(cols):
            shifted = z[k] - top
            z_sum += shifted
            z[k] = exponential(shifted)
            total += z[k]
        result += weight[i] * (log(total) - extra * z_true - other * z_sum)
        factor = <floating> (scale * weight[i])
        for k in range(cols):
            z[k] = factor * (z[k] / total - other)
        z[target[i]] -= factor * extra
        z += cols
    return result


cdef double logistic_loss(
    floating* z, Py_ssize_t rows, Py_ssize_t cols, const int* target, const floating* weight,
    double scale, double smoothing,
) noexcept nogil:
    """target holds cols labels, 0 or 1, a row."""
    cdef floating t, e, factor
    cdef double row, result = 0
    cdef Py_ssize_t i, k
    for i in range(rows):
        factor = <floating> (scale * weight[i])
        row = 0
        for k in range(cols):
            t = <floating> (1 - smoothing if target[k] else smoothing)
            e = exponential(-<floating> fabs(z[k]))
            row += (z[k] if z[k] > 0 else 0) - t * z[k] + log1p(e)
            z[k] = factor * ((1 / (1 + e) if z[k] > 0 else e / (1 + e)) - t)
        result += weight[i] * row
        z += cols
        target += cols
    return result


cdef double output_loss(
    int loss, floating* z, Py_ssize_t rows, Py_ssize_t cols, const int* target,
    const floating* weight, double scale, double smoothing,
) noexcept nogil:
    if loss == SOFTMAX:
        return softmax_loss(z, rows, cols, target, weight, scale, smoothing)
    return logistic_loss(z, rows, cols, target, weight, scale, smoothing)


def loss_and_gradient(
    int loss, floating[:, ::1] z, const int[:, ::1] target, const floating[::1] weight,
    double scale, double smoothing,
):
    """Return the weighted sum of losses; z becomes the gradient."""
    cdef double result = 0
    if z.shape[0]:
        with nogil:
            result = output_loss(
                loss, &z[0, 0], z.shape[0], z.shape[1], &target[0, 0], &weight[0], scale, smoothing
            )
    return result
