from cython cimport floating
from libc.stdint cimport uint64_t

cdef enum:
    IDENTITY
    LOGISTIC
    TANH
    RELU

cdef void bias_activate(
    floating* z, Py_ssize_t rows, Py_ssize_t cols, const floating* bias,
    int kind, double rate, uint64_t key,
) noexcept nogil

cdef void bias_activate_backward(
    const floating* a, floating* delta, Py_ssize_t rows, Py_ssize_t cols, floating* bias_gradient,
    int kind, double rate, uint64_t key,
) noexcept nogil
