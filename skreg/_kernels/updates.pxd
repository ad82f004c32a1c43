from cython cimport floating

cdef enum:
    SGD
    ADAM

cdef void apply_update(
    int rule, const double* hyper, double t, Py_ssize_t n_weights, Py_ssize_t n,
    floating* w, const floating* g, floating* moments,
) noexcept nogil
