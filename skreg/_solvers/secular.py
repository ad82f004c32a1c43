"""The secular equation ||w(alpha)|| = bound: the norm constraint as a penalty.

The minimizer of ||y - Xw||^2 under ||w|| <= bound is w(alpha), the ridge solution, for alpha = 0
where that is short enough, and else for the one alpha at which its norm is the bound: the
Lagrange multiplier. In singular components w_i = s_i z_i / (s_i^2 + alpha).

1 / ||w(alpha)|| is increasing, concave and nearly linear between the s_i^2, so Newton's method
from the left climbs to the root without overshooting (Reinsch, Numer. Math. 16, 1971; More and
Sorensen, SIAM J. Sci. Stat. Comput. 4, 1983). Far from the root it climbs slowly past each s_i^2,
so its steps alternate with a bisection over decades. Each evaluation costs O(r t).

No scale enters. Since ||w(alpha)|| <= ||s z|| / alpha, the root is gamma ||s z|| / bound with
gamma in (0, 1], and gamma solves, with kappa_i = s_i^2 bound / ||s z||,

    || s_i z_i / (kappa_i + gamma) || = ||s z||.
"""

import numpy as np

from skreg._solvers.certificate import column_norms

STEPS = 60  # a few are taken; the bound keeps a stagnation at rounding level from going on
NEAR = 4.0  # the ratio of the bracket's ends from which Newton is left to itself
ROUNDING = 4 * np.finfo(np.float64).eps


def norm_bound_alpha(s, z, bound, alpha0=0.0):
    """The smallest alpha >= alpha0, for each target, with ||w(alpha)|| <= bound; shape (t,).

    `s` (r,) is positive and decreasing, by less than 150 decades; `z` (r, t) is U'y; `bound` > 0
    and `alpha0` >= 0 are numbers or (t,). Where alpha > alpha0, the norm is the bound to rounding;
    at 0, w is the least-squares solution of minimum norm.
    """
    s, z = np.asarray(s, np.float64), np.asarray(z, np.float64)
    bound = np.broadcast_to(np.asarray(bound, np.float64), z.shape[1:])
    alpha0 = np.broadcast_to(np.asarray(alpha0, np.float64), z.shape[1:])
    alpha = alpha0.copy()
    some = np.flatnonzero(np.any(z != 0, axis=0))
    if len(some) == 0:
        return alpha
    largest = np.max(np.abs(z[:, some]), axis=0)
    sigma, zeta = s / s[0], z[:, some] / largest
    c = column_norms(sigma[:, None] * zeta)
    kappa = ratio((s[0], bound[some]), (largest, c))
    start = ratio((alpha0[some], bound[some]), (largest, c, s[0]))
    # ||w|| >= ||s z|| / (s_1^2 + alpha), which bounds the root from below.
    low = np.maximum(start, 1 - kappa)
    binds = (low > start) | (column_norms(components(sigma, zeta, kappa, low)) > c)
    some, largest, c = some[binds], largest[binds], c[binds]
    gamma = root(sigma, zeta[:, binds], kappa[binds], c, low[binds])
    alpha[some] = ratio((gamma, largest, c, s[0]), (bound[some],))
    return alpha


def root(sigma, zeta, kappa, c, low):
    """The gamma (t,) at which the norm has come down to c, from `low` where it is larger."""

    def over(gamma):
        return column_norms(components(sigma, zeta, kappa, gamma)) > c

    high = np.maximum(low, 1.0)
    for _ in range(STEPS):
        step = newton_step(sigma, zeta, kappa, c, low)
        low, done = low + step, step <= ROUNDING * low
        if done.all():
            break
        wide = high > NEAR * low
        if wide.any():
            middle = np.sqrt(low) * np.sqrt(high)
            up = over(middle)
            low, high = np.where(wide & up, middle, low), np.where(wide & ~up, middle, high)
    return low


def newton_step(sigma, zeta, kappa, c, gamma):
    """Newton's step on 1 / norm - 1 / c, not below 0."""
    u = components(sigma, zeta, kappa, gamma)
    size = column_norms(u)
    weight = sigma[:, None] * (kappa * sigma[:, None]) + gamma
    slope = np.sum((u / size) ** 2 / weight, axis=0)
    return np.maximum((size / c - 1) / slope, 0)


def components(sigma, zeta, kappa, gamma):
    """sigma zeta / (kappa sigma^2 + gamma), (r, t), without forming the square."""
    sigma = sigma[:, None]
    with np.errstate(over="ignore"):  # gamma / sigma overflows only where the quotient vanishes
        return zeta / (kappa * sigma + gamma / sigma)


def ratio(above, below):
    """The product of `above` over that of `below`, right wherever the result is in range.

    Beyond, it is inf or 0, which here means that no bound binds, or the tightest there is.
    """
    mantissa, exponent = np.float64(1), np.int32(0)
    for factor in above:
        m, e = np.frexp(factor)
        mantissa, exponent = mantissa * m, exponent + e
    for factor in below:
        m, e = np.frexp(factor)
        mantissa, exponent = mantissa / m, exponent - e
    with np.errstate(over="ignore", under="ignore"):
        return np.ldexp(mantissa, exponent)
