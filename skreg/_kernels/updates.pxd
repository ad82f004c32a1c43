from cython cimport floating

cdef enum:
    SGD
    ADAM

cdef struct Step:
    double learning_rate
    double decay  # decoupled: w loses learning_rate * decay * w
    double threshold  # of the L1 proximal step, on the scale of w
    double clip  # what the gradient is multiplied by
    double t  # number of the step, from 1

cdef void apply_update(
    int rule, const double* constants, Step step, Py_ssize_t start, Py_ssize_t stop,
    Py_ssize_t n_weights, Py_ssize_t n, floating* w, const floating* g, floating* moments,
) noexcept nogil

cdef void move_average(
    floating* average, const floating* w, Py_ssize_t n, double share
) noexcept nogil
