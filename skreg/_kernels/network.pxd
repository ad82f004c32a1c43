from cython cimport floating
from libc.stdint cimport int64_t, uint64_t

cdef struct Network:
    int depth  # number of weight matrices
    const int* units  # depth + 1 widths, inputs first
    const int* kinds  # depth activations, the last one identity
    const double* rates  # depth dropout rates, the last one 0
    int loss
    double smoothing
    Py_ssize_t n_weights  # weights lie before biases in the parameter vector

cdef Network describe(
    const int[::1] units, const int[::1] kinds, const double[::1] rates, int loss,
    double smoothing,
) noexcept nogil

cdef double batch_gradient(
    const Network* net, Py_ssize_t rows,
    const floating* data, const int* indices, const int64_t* indptr, const int64_t* order,
    const int* target, const floating* weight, double scale, bint accumulate,
    const floating* params, floating* grads, floating* hidden, floating* deltas,
    uint64_t seed, uint64_t step,
) noexcept nogil
