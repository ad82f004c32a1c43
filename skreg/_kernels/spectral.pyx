"""The largest singular value of a weight matrix, followed from step to step.

One power iteration a step (Miyato et al. 2018) keeps up with weights that move slowly:

    left <- W right / ||W right||,   right <- W' left / sigma,   sigma = ||W' left||

Where W right = 0, as after an L1 penalty has emptied columns, `right` starts anew from a row of W.
"""

from cython cimport floating
from libc.math cimport sqrt
from libc.string cimport memcpy

from skreg._kernels.blas cimport dot, gemv, ger
from skreg._kernels.simd cimport cloned_void


cdef cloned_void scale_entries(floating* x, Py_ssize_t n, floating factor) noexcept nogil:
    cdef Py_ssize_t j
    for j in range(n):
        x[j] *= factor


cdef void scale_by(floating* x, Py_ssize_t n, double factor) noexcept nogil:
    scale_entries(x, n, <floating> factor)


cdef double to_unit_length(floating* x, Py_ssize_t n) noexcept nogil:
    """Return the length; a vector of zeros stays."""
    cdef double length = sqrt(dot(<int> n, x, x))
    if length > 0:
        scale_by(x, n, 1 / length)
    return length


cdef bint start_anew(
    const floating* w, Py_ssize_t fan_in, Py_ssize_t fan_out, floating* right,
) noexcept nogil:
    """Let right be the first row of w that is not 0; return whether there is one."""
    cdef Py_ssize_t i
    for i in range(fan_in):
        if dot(<int> fan_out, w + i * fan_out, w + i * fan_out) > 0:
            memcpy(right, w + i * fan_out, fan_out * sizeof(floating))
            to_unit_length(right, fan_out)
            return True
    return False


cdef double power_iteration(
    const floating* w, Py_ssize_t fan_in, Py_ssize_t fan_out, floating* left, floating* right,
) noexcept nogil:
    """Return the estimate of the largest singular value; left and right move towards its
    vectors."""
    gemv(0, <int> fan_in, <int> fan_out, <floating> 1, w, <int> fan_out, right, <floating> 0, left)
    if to_unit_length(left, fan_in) == 0:
        if not start_anew(w, fan_in, fan_out, right):
            return 0
        gemv(0, <int> fan_in, <int> fan_out, <floating> 1, w, <int> fan_out, right, <floating> 0,
             left)
        to_unit_length(left, fan_in)
    gemv(1, <int> fan_in, <int> fan_out, <floating> 1, w, <int> fan_out, left, <floating> 0, right)
    return to_unit_length(right, fan_out)


cdef void remove_growth(
    floating* g, const floating* w, Py_ssize_t fan_in, Py_ssize_t fan_out,
    floating* left, floating* right,
) noexcept nogil:
    """From the gradient for W / sigma(W) that for W, where sigma(W) = 1:
    g <- g - <g, W> left right'."""
    cdef floating along = 0
    cdef Py_ssize_t i
    for i in range(fan_in):
        along += dot(<int> fan_out, g + i * fan_out, w + i * fan_out)
    ger(<int> fan_in, <int> fan_out, -along, left, right, g, <int> fan_out)


def largest_singular_value(
    const floating[:, ::1] w, floating[::1] left, floating[::1] right
):
    """One power iteration from `right`."""
    cdef double sigma
    with nogil:
        sigma = power_iteration(&w[0, 0], w.shape[0], w.shape[1], &left[0], &right[0])
    return sigma


def gradient_of_normalized(
    floating[:, ::1] g, const floating[:, ::1] w, floating[::1] left, floating[::1] right
):
    """The gradient for W of a function of W / sigma(W), in place."""
    with nogil:
        remove_growth(&g[0, 0], &w[0, 0], w.shape[0], w.shape[1], &left[0], &right[0])
