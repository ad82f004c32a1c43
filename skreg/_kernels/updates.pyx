"""One step of an update rule on the flat parameter vector, in one pass.

SGD (Polyak momentum; Nesterov's form as in Sutskever et al. 2013):
    v <- momentum v - lr g;   w <- w + v,  or  w + momentum v - lr g  (Nesterov)

Adam (Kingma and Ba 2015) and AdamW (Loshchilov and Hutter 2019), at step t = 1, 2, ...:
    m <- b1 m + (1 - b1) g;   v <- b2 v + (1 - b2) g^2
    w <- w - lr decay w - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + epsilon)

The numbers of a rule travel as one array:
    SGD   (lr, momentum, nesterov)      Adam   (lr, b1, b2, epsilon, decay)
"""

from cython cimport floating
from libc.math cimport pow, sqrt, sqrtf

RULES = {"sgd": SGD, "adam": ADAM}


cdef void sgd_step(
    floating* w, const floating* g, floating* v, Py_ssize_t n,
    floating lr, floating momentum, bint nesterov,
) noexcept nogil:
    cdef Py_ssize_t j
    for j in range(n):
        v[j] = momentum * v[j] - lr * g[j]
        w[j] += momentum * v[j] - lr * g[j] if nesterov else v[j]


cdef void adam_step(
    floating* w, const floating* g, floating* m, floating* v, Py_ssize_t n,
    const double* hyper, double t, double weight_decay,
) noexcept nogil:
    cdef double lr = hyper[0]
    cdef floating b1 = <floating> hyper[1], c1 = <floating> (1 - hyper[1])
    cdef floating b2 = <floating> hyper[2], c2 = <floating> (1 - hyper[2])
    cdef floating step = <floating> (lr / (1 - pow(hyper[1], t)))
    cdef floating root = <floating> (1 / sqrt(1 - pow(hyper[2], t)))
    cdef floating epsilon = <floating> hyper[3], decay = <floating> (lr * weight_decay)
    cdef Py_ssize_t j
    for j in range(n):
        m[j] = b1 * m[j] + c1 * g[j]
        v[j] = b2 * v[j] + c2 * g[j] * g[j]
        w[j] -= decay * w[j] + step * m[j] / (
            (sqrtf(v[j]) if floating is float else sqrt(v[j])) * root + epsilon
        )


cdef void apply_update(
    int rule, const double* hyper, double t, Py_ssize_t n_weights, Py_ssize_t n,
    floating* w, const floating* g, floating* moments,
) noexcept nogil:
    """The first n_weights parameters are weights and decay; the rest are biases and do not."""
    cdef Py_ssize_t k = n_weights
    if rule == SGD:
        sgd_step(
            w, g, moments, n, <floating> hyper[0], <floating> hyper[1], hyper[2] != 0
        )
    else:
        adam_step(w, g, moments, moments + n, k, hyper, t, hyper[4])
        adam_step(w + k, g + k, moments + k, moments + n + k, n - k, hyper, t, 0)


def update(
    int rule, const double[::1] hyper, double t, Py_ssize_t n_weights,
    floating[::1] w, const floating[::1] g, floating[:, ::1] moments,
):
    """Step number t of the rule, in place on w and its moments (one row each)."""
    if w.shape[0]:
        with nogil:
            apply_update(
                rule, &hyper[0], t, n_weights, w.shape[0], &w[0], &g[0], &moments[0, 0]
            )
