"""One step of an update rule on the flat parameter vector, in one pass.

g is the gradient times the clipping factor; then

SGD (Polyak momentum; Nesterov's form as in Sutskever et al. 2013):
    v <- momentum v - lr g;   p = v,  or  momentum v - lr g  (Nesterov)

Adam (Kingma and Ba 2015), at step t = 1, 2, ...:
    m <- b1 m + (1 - b1) g;   v <- b2 v + (1 - b2) g^2
    p = -lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + epsilon)

and with decoupled decay (AdamW, SGDW: Loshchilov and Hutter 2019) and the proximal step of an L1
penalty, which biases do not have,

    u = w - lr decay w + p;   w <- sign(u) max(|u| - threshold, 0).

The constants of a rule travel as one array:
    SGD   (momentum, nesterov)      Adam   (b1, b2, epsilon)
"""

from cython cimport floating
from libc.math cimport copysign, copysignf, fabs, fabsf, pow, sqrt, sqrtf

from skreg._kernels.simd cimport cloned_void, flush_denormals, restore_denormals

RULES = {"sgd": SGD, "adam": ADAM}


cdef inline floating shrunk(floating u, floating threshold) noexcept nogil:
    """The nearest value that pays for its size; NaN stays NaN."""
    cdef floating size, moved, nothing = 0
    # Doubles in between would keep the compiler from vectorizing the loop.
    if floating is float:
        size = fabsf(u) - threshold
        moved = copysignf(size, u)
    else:
        size = fabs(u) - threshold
        moved = copysign(size, u)
    return nothing if size <= 0 else moved


cdef inline floating square_root(floating x) noexcept nogil:
    if floating is float:
        return sqrtf(x)
    else:
        return sqrt(x)


cdef cloned_void sgd_step(
    floating* w, const floating* g, floating* v, Py_ssize_t n,
    floating lr, floating clip, floating momentum, bint nesterov, floating keep,
    floating threshold,
) noexcept nogil:
    cdef floating ahead = momentum if nesterov else 1, more = lr * clip if nesterov else 0
    cdef Py_ssize_t j
    for j in range(n):
        v[j] = momentum * v[j] - lr * clip * g[j]
        w[j] = shrunk(keep * w[j] + ahead * v[j] - more * g[j], threshold)


cdef cloned_void adam_step(
    floating* w, const floating* g, floating* m, floating* v, Py_ssize_t n,
    floating lr, floating clip, floating b1, floating c1, floating b2, floating c2,
    floating root, floating epsilon, floating keep, floating threshold,
) noexcept nogil:
    cdef floating gradient, size
    cdef Py_ssize_t j
    for j in range(n):
        gradient = clip * g[j]
        m[j] = b1 * m[j] + c1 * gradient
        v[j] = b2 * v[j] + c2 * gradient * gradient
        size = square_root(v[j]) * root + epsilon
        w[j] = shrunk(keep * w[j] - lr * m[j] / size, threshold)


cdef void adam(
    floating* w, const floating* g, floating* m, floating* v, Py_ssize_t n,
    const double* constants, Step step,
) noexcept nogil:
    cdef double b1 = constants[0], b2 = constants[1]
    adam_step(
        w, g, m, v, n, <floating> (step.learning_rate / (1 - pow(b1, step.t))),
        <floating> step.clip, <floating> b1, <floating> (1 - b1), <floating> b2,
        <floating> (1 - b2), <floating> (1 / sqrt(1 - pow(b2, step.t))),
        <floating> constants[2], <floating> (1 - step.learning_rate * step.decay),
        <floating> step.threshold,
    )


cdef void apply_part(
    int rule, const double* constants, Step step, Py_ssize_t start, Py_ssize_t stop,
    Py_ssize_t n, floating* w, const floating* g, floating* moments,
) noexcept nogil:
    cdef Py_ssize_t size = stop - start
    w, g, moments = w + start, g + start, moments + start
    if rule == SGD:
        sgd_step(
            w, g, moments, size, <floating> step.learning_rate, <floating> step.clip,
            <floating> constants[0], constants[1] != 0,
            <floating> (1 - step.learning_rate * step.decay), <floating> step.threshold,
        )
    else:
        adam(w, g, moments, moments + n, size, constants, step)


cdef void apply_update(
    int rule, const double* constants, Step step, Py_ssize_t start, Py_ssize_t stop,
    Py_ssize_t n_weights, Py_ssize_t n, floating* w, const floating* g, floating* moments,
) noexcept nogil:
    """Move entries start to stop; those from n_weights on are biases: no decay, no L1."""
    cdef Py_ssize_t middle = min(max(n_weights, start), stop)
    cdef unsigned int mode = 0
    flush_denormals(mode)
    if start < middle:
        apply_part(rule, constants, step, start, middle, n, w, g, moments)
    if middle < stop:
        step.decay = step.threshold = 0
        apply_part(rule, constants, step, middle, stop, n, w, g, moments)
    restore_denormals(mode)


cdef cloned_void average_step(
    floating* average, const floating* w, Py_ssize_t n, floating share
) noexcept nogil:
    cdef Py_ssize_t j
    for j in range(n):
        average[j] += share * (w[j] - average[j])


cdef void move_average(
    floating* average, const floating* w, Py_ssize_t n, double share
) noexcept nogil:
    """average <- (1 - share) average + share w"""
    average_step(average, w, n, <floating> share)


def update(
    int rule, const double[::1] constants, dict step, Py_ssize_t n_weights,
    floating[::1] w, const floating[::1] g, floating[:, ::1] moments,
):
    """One step of the rule, in place on w and its moments (one row each)."""
    cdef Step numbers = step
    if w.shape[0]:
        with nogil:
            apply_update(
                rule, &constants[0], numbers, 0, w.shape[0], n_weights, w.shape[0],
                &w[0], &g[0], &moments[0, 0],
            )


def averaged(floating[::1] average, const floating[::1] w, double share):
    """Move the average towards w by its share."""
    if w.shape[0]:
        with nogil:
            move_average(&average[0], &w[0], w.shape[0], share)
