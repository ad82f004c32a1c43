"""What stands between two matrix products: bias, activation and inverted dropout.

Forward, in place:   a = keep(f(z + bias)) / (1 - rate)
Backward, in place:  delta <- delta * da/dz, and the bias gradient is its column sum.

The derivative is taken from the value a, and the mask is computed again from its key, so neither
z nor the mask is stored. Matrices are row-major and contiguous.
"""

from cython cimport floating
from libc.math cimport exp, expf, tanh, tanhf
from libc.stdint cimport uint64_t

from skreg._kernels.dropout cimport dropped, mask_key, mask_threshold

KINDS = {"identity": IDENTITY, "logistic": LOGISTIC, "tanh": TANH, "relu": RELU}


cdef inline floating activation(floating z, int kind) noexcept nogil:
    if kind == RELU:
        # NaN must pass through, so the test is for z < 0.
        return 0 if z < 0 else z
    if kind == TANH:
        return tanhf(z) if floating is float else tanh(z)
    if kind == LOGISTIC:
        return 1 / (1 + (expf(-z) if floating is float else exp(-z)))
    return z


cdef inline floating derivative(floating a, int kind) noexcept nogil:
    """f'(z) from the value a = f(z)."""
    if kind == RELU:
        return 1 if a > 0 else 0
    if kind == TANH:
        return 1 - a * a
    if kind == LOGISTIC:
        return a * (1 - a)
    return 1


cdef void bias_activate(
    floating* z, Py_ssize_t rows, Py_ssize_t cols, const floating* bias,
    int kind, double rate, uint64_t key,
) noexcept nogil:
    cdef floating scale = <floating> (1 / (1 - rate))
    cdef uint64_t threshold = mask_threshold(rate)
    cdef Py_ssize_t i, j
    for i in range(rows):
        for j in range(cols):
            z[j] = activation(z[j] + bias[j], kind)
        if rate > 0:
            for j in range(cols):
                z[j] = 0 if dropped(key, i * cols + j, threshold) else z[j] * scale
        z += cols


cdef void bias_activate_backward(
    const floating* a, floating* delta, Py_ssize_t rows, Py_ssize_t cols, floating* bias_gradient,
    int kind, double rate, uint64_t key,
) noexcept nogil:
    """bias_gradient is added to, so that it can run over several blocks of rows."""
    cdef floating keep = <floating> (1 - rate)
    cdef floating scale = <floating> (1 / (1 - rate))
    cdef uint64_t threshold = mask_threshold(rate)
    cdef Py_ssize_t i, j
    for i in range(rows):
        # A dropped ReLU already has derivative 0, because its value is 0.
        if rate > 0 and kind != RELU:
            for j in range(cols):
                delta[j] = 0 if dropped(key, i * cols + j, threshold) else delta[j]
        for j in range(cols):
            delta[j] *= scale * derivative(a[j] * keep, kind)
            bias_gradient[j] += delta[j]
        a += cols
        delta += cols


def activate(
    floating[:, ::1] z, const floating[::1] bias, int kind,
    double rate=0, uint64_t seed=0, uint64_t step=0, uint64_t layer=0,
):
    """Forward, in place, for one layer."""
    if z.shape[0] and z.shape[1]:
        with nogil:
            bias_activate(
                &z[0, 0], z.shape[0], z.shape[1], &bias[0], kind, rate,
                mask_key(seed, step, layer),
            )


def activate_backward(
    const floating[:, ::1] a, floating[:, ::1] delta, floating[::1] bias_gradient, int kind,
    double rate=0, uint64_t seed=0, uint64_t step=0, uint64_t layer=0,
):
    """Backward, in place, for one layer."""
    if a.shape[0] and a.shape[1]:
        with nogil:
            bias_activate_backward(
                &a[0, 0], &delta[0, 0], a.shape[0], a.shape[1], &bias_gradient[0], kind, rate,
                mask_key(seed, step, layer),
            )
