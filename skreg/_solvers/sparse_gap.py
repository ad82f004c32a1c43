"""The duality gap of sparse models.

With h_j(w) = l1_j |w| + l2_j/2 w^2 on [lower_j, upper_j], r = y - Xw and any s,

    P(w) - D(s r) = 1/2 ||r||^2 + sum h_j(w_j) - s r'y + s^2/2 ||r||^2 + sum h_j*(s x_j'r)

is at least what P(w) is above its minimum. Where neither l2_j nor a bound keeps h_j* finite, s is
small enough that |s x_j'r| <= l1_j. Features without any penalty would ask for x_j'r = 0 exactly;
there, what rounding leaves is multiplied with 2 |w_j| + ||r|| / ||x_j||, as if that were a bound.

Sources: Ndiaye, Fercoq, Gramfort and Salmon, JMLR 18 (2017); Dunner et al., ICML (2016).
"""

import numpy as np

from skreg._kernels.gap import penalties


def duality_gap(square, product, g, w, penalty, others, norms=None):
    """P - D, at least 0, for r with r'r = `square` and r'y = `product`.

    `g` are the products x_j'r of the features that may have coefficients, `w` these, `penalty`
    their `Penalty`, `norms` a function that gives their ||x_j||. `others` is the largest
    |x_j'r| / l1_j of the rest, whose coefficients are 0.
    """
    l1, l2, lower, upper = penalty
    free = (l1 == 0) & (l2 == 0)
    if norms is not None and free.any():
        norm = norms()
        reach = 2 * np.abs(w) + np.sqrt(square) / np.where(norm > 0, norm, 1)
        lower = np.where(free, np.maximum(lower, -reach), lower)
        upper = np.where(free, np.minimum(upper, reach), upper)
    held, *scaled = penalties(g, w, l1, l2, lower, upper, others)
    primal = square / 2 + held
    gap = min(primal - s * product + s * s / 2 * square + against for s, against in scaled)
    return max(gap, 0.0)
