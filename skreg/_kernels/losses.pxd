from cython cimport floating

cdef enum:
    SOFTMAX
    LOGISTIC_LOSS

cdef double output_loss(
    int loss, floating* z, Py_ssize_t rows, Py_ssize_t cols, const int* target,
    const floating* weight, double scale, double smoothing,
) noexcept nogil
