from cython cimport floating

cdef double power_iteration(
    const floating* w, Py_ssize_t fan_in, Py_ssize_t fan_out, floating* left, floating* right,
) noexcept nogil

cdef void remove_growth(
    floating* g, const floating* w, Py_ssize_t fan_in, Py_ssize_t fan_out,
    floating* left, floating* right,
) noexcept nogil

cdef void scale_by(floating* x, Py_ssize_t n, double factor) noexcept nogil
