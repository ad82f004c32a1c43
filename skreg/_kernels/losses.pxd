from cython cimport floating

cdef enum:
    SOFTMAX
    LOGISTIC_LOSS
    SQUARED_ERROR
    ABSOLUTE_ERROR
    HUBER
    QUANTILE
    POISSON

cdef double output_loss(
    int loss, floating* z, Py_ssize_t rows, Py_ssize_t cols, const floating* target,
    const floating* weight, double scale, double smoothing, const double* level,
) noexcept nogil
