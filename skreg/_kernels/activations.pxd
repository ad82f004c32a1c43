from cython cimport floating

cdef enum:
    IDENTITY
    LOGISTIC
    TANH
    RELU
    LEAKY_RELU
    ELU
    SELU
    GELU
    SILU
    MISH

cdef void activate_rows(
    floating* z, floating* slope, Py_ssize_t rows, Py_ssize_t cols, const floating* bias,
    int kind,
) noexcept nogil

cdef void multiply(floating* x, const floating* factor, Py_ssize_t n) noexcept nogil
