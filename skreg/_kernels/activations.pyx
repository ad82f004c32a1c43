"""Bias and activation in one pass, which leaves the derivative behind for the way back.

    z <- f(z + bias),   slope <- f'(z + bias)

Dropout then multiplies both, so that the way back is one product with `slope`, whatever the
activation. Matrices are row-major and contiguous.
"""

from cython cimport floating
from libc.math cimport M_SQRT1_2, erf, erff

from skreg._kernels.elementary cimport exponential, hyperbolic_tangent
from skreg._kernels.simd cimport cloned_void

KINDS = {
    "identity": IDENTITY, "logistic": LOGISTIC, "tanh": TANH, "relu": RELU,
    "leaky_relu": LEAKY_RELU, "elu": ELU, "selu": SELU, "gelu": GELU, "silu": SILU, "mish": MISH,
}

cdef double LEAK = 0.01  # slope of the leaky ReLU for negative values
# Klambauer et al. (2017): mean 0 and variance 1 are a fixed point of the activations.
cdef double SELU_ALPHA = 1.6732632423543772848
cdef double SELU_SCALE = 1.0507009873554804934
cdef double INV_SQRT_2PI = 0.39894228040143267794


cdef inline floating within_range(floating x) noexcept nogil:
    """x no further out than where exp saturates: a huge x would make that tiny number count."""
    cdef floating far
    if floating is float:
        far = 88
    else:
        far = 709
    x = far if x > far else x
    return -far if x < -far else x


cdef cloned_void add_bias(
    floating* z, floating* slope, Py_ssize_t n, const floating* bias
) noexcept nogil:
    cdef Py_ssize_t j
    for j in range(n):
        z[j] += bias[j]
    if slope != NULL:
        for j in range(n):
            slope[j] = 1


cdef cloned_void logistic(
    floating* z, floating* slope, Py_ssize_t n, const floating* bias
) noexcept nogil:
    cdef Py_ssize_t j
    cdef floating a
    for j in range(n):
        a = 1 / (1 + exponential(-(z[j] + bias[j])))
        z[j] = a
        slope[j] = a * (1 - a)


cdef cloned_void tanh(
    floating* z, floating* slope, Py_ssize_t n, const floating* bias
) noexcept nogil:
    cdef Py_ssize_t j
    cdef floating a
    for j in range(n):
        a = hyperbolic_tangent(z[j] + bias[j])
        z[j] = a
        slope[j] = 1 - a * a


cdef cloned_void rectify(
    floating* z, floating* slope, Py_ssize_t n, const floating* bias, floating leak
) noexcept nogil:
    cdef Py_ssize_t j
    cdef floating x
    for j in range(n):
        x = z[j] + bias[j]
        slope[j] = 1 if x > 0 else leak
        # NaN must pass through, so the test is for x < 0, and -inf must not meet a leak of 0.
        z[j] = (0 if leak == 0 else leak * x) if x < 0 else x


cdef cloned_void exponential_linear(
    floating* z, floating* slope, Py_ssize_t n, const floating* bias,
    floating alpha, floating scale,
) noexcept nogil:
    cdef Py_ssize_t j
    cdef floating x, e
    for j in range(n):
        x = z[j] + bias[j]
        e = scale * alpha * exponential(0 if x > 0 else x)
        z[j] = scale * x if x > 0 else e - scale * alpha
        slope[j] = scale if x > 0 else e


cdef void gelu(floating* z, floating* slope, Py_ssize_t n, const floating* bias) noexcept nogil:
    cdef Py_ssize_t j
    cdef floating x, normal
    for j in range(n):
        x = z[j] + bias[j]
        if floating is float:
            normal = <float> 0.5 * (1 + erff(x * <float> M_SQRT1_2))
        else:
            normal = 0.5 * (1 + erf(x * M_SQRT1_2))
        z[j] = x * normal
        x = within_range(x)
        slope[j] = normal + x * <floating> INV_SQRT_2PI * exponential(-x * x / 2)


cdef cloned_void silu(
    floating* z, floating* slope, Py_ssize_t n, const floating* bias
) noexcept nogil:
    cdef Py_ssize_t j
    cdef floating full, x, share
    for j in range(n):
        full = z[j] + bias[j]
        x = within_range(full)
        share = 1 / (1 + exponential(-x))
        z[j] = (full if full > 0 else x) * share
        slope[j] = share * (1 + x * (1 - share))


cdef cloned_void mish(
    floating* z, floating* slope, Py_ssize_t n, const floating* bias
) noexcept nogil:
    """With e = exp(x), tanh(log(1 + e)) = e (e + 2) / (e (e + 2) + 2); it is 1 from x = 20 on."""
    cdef Py_ssize_t j
    cdef floating full, x, e, t
    for j in range(n):
        full = z[j] + bias[j]
        x = within_range(full)
        e = exponential(20 if x > 20 else x)
        t = e * (e + 2) / (e * (e + 2) + 2)
        z[j] = (full if full > 0 else x) * t
        slope[j] = t + x * (1 - t * t) * e / (1 + e)


cdef void activate_rows(
    floating* z, floating* slope, Py_ssize_t rows, Py_ssize_t cols, const floating* bias,
    int kind,
) noexcept nogil:
    """In place for rows x cols entries; slope may be NULL for the identity."""
    cdef Py_ssize_t _i
    for _i in range(rows):
        if kind == RELU:
            rectify(z, slope, cols, bias, <floating> 0)
        elif kind == TANH:
            tanh(z, slope, cols, bias)
        elif kind == LOGISTIC:
            logistic(z, slope, cols, bias)
        elif kind == LEAKY_RELU:
            rectify(z, slope, cols, bias, <floating> LEAK)
        elif kind == ELU:
            exponential_linear(z, slope, cols, bias, <floating> 1, <floating> 1)
        elif kind == SELU:
            exponential_linear(
                z, slope, cols, bias, <floating> SELU_ALPHA, <floating> SELU_SCALE
            )
        elif kind == GELU:
            gelu(z, slope, cols, bias)
        elif kind == SILU:
            silu(z, slope, cols, bias)
        elif kind == MISH:
            mish(z, slope, cols, bias)
        else:
            add_bias(z, slope, cols, bias)
        z += cols
        slope = NULL if slope == NULL else slope + cols


cdef cloned_void multiply_entries(
    floating* x, const floating* factor, Py_ssize_t n
) noexcept nogil:
    cdef Py_ssize_t j
    for j in range(n):
        x[j] *= factor[j]


cdef void multiply(floating* x, const floating* factor, Py_ssize_t n) noexcept nogil:
    multiply_entries(x, factor, n)


def activate(floating[:, ::1] z, floating[:, ::1] slope, const floating[::1] bias, int kind):
    """z becomes the activations, slope their derivatives."""
    if z.shape[0] and z.shape[1]:
        with nogil:
            activate_rows(&z[0, 0], &slope[0, 0], z.shape[0], z.shape[1], &bias[0], kind)
