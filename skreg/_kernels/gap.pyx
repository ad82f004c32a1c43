"""Penalties of coefficients and their conjugates, summed: what a duality gap is made of."""

from libc.math cimport INFINITY, fabs, fmax, fmin

cdef double CLEAR = 1 + 2.0**-50  # of a product, so that rounding leaves it where l1 holds it

cdef inline double conjugate(
    double u, double l1, double l2, double lower, double upper,
) noexcept nogil:
    """The largest u w - l1 |w| - l2/2 w^2 for w within the bounds, which must be finite."""
    cdef double excess = u - l1 if u > l1 else (u + l1 if u < -l1 else 0), w = 0
    if l2 > 0:
        w = excess / l2
    elif excess != 0:
        w = upper if excess > 0 else lower
    w = fmin(fmax(w, lower), upper)
    if fabs(w) == INFINITY:  # by rounding: the scale of u was chosen so that l1 holds it
        return 0
    return u * w - l1 * fabs(w) - l2 / 2 * w * w


def penalties(
    const double[::1] g, const double[::1] w, const double[::1] l1, const double[::1] l2,
    const double[::1] lower, const double[::1] upper, double others,
):
    """Return the penalty of w, and pairs of a scale s <= 1 and the conjugates' sum at s g.

    The first scale is the largest that keeps the conjugates finite and s `others` <= 1, the second
    brings all of g to where l1 holds it, but for coefficients that a bound holds; the third is 0.
    Without any penalty a coefficient counts as bounded by twice the largest.
    """
    cdef Py_ssize_t j
    cdef double size, least = fmax(1, others), most = 0, bound = 0
    cdef double value = 0, first = 0, second = 0, third = 0
    cdef double low, high
    with nogil:
        for j in range(w.shape[0]):
            value += l1[j] * fabs(w[j]) + l2[j] / 2 * w[j] * w[j]
            bound = fmax(bound, 2 * fabs(w[j]))
            size = fabs(g[j])
            if l1[j] > 0:
                if w[j] < upper[j] if g[j] > 0 else w[j] > lower[j]:
                    most = fmax(most, CLEAR * size / l1[j])
                if l2[j] == 0 and (upper[j] if g[j] > 0 else -lower[j]) == INFINITY:
                    least = fmax(least, size / l1[j])
        most = fmax(most, least)
        for j in range(w.shape[0]):
            low, high = lower[j], upper[j]
            if l1[j] == 0 and l2[j] == 0:
                low, high = fmax(low, -bound), fmin(high, bound)
            first += conjugate(g[j] / least, l1[j], l2[j], low, high)
            third += conjugate(0, l1[j], l2[j], low, high)
            if most > least:
                second += conjugate(g[j] / most, l1[j], l2[j], low, high)
    return value, (1 / least, first), (1 / most, second if most > least else first), (0.0, third)
