"""The duality gap of sparse models.

With h_j(w) = l1_j |w| + l2_j/2 w^2 on [lower_j, upper_j], r = y - Xw and any s,

    P(w) - D(s r) = 1/2 ||r||^2 + sum h_j(w_j) - s r'y + s^2/2 ||r||^2 + sum h_j*(s x_j'r)

is at least what P(w) is above its minimum. Where neither l2_j nor a bound keeps h_j* finite, s is
small enough that |s x_j'r| <= l1_j. Features without any penalty would ask for x_j'r = 0 exactly;
there, what rounding leaves is multiplied with twice the largest coefficient, as if that were a
bound.

Sources: Ndiaye, Fercoq, Gramfort and Salmon, JMLR 18 (2017); Dunner et al., ICML (2016).
"""

import numpy as np


def duality_gap(square, product, g, w, penalty, others):
    """P - D, at least 0, for r with r'r = `square` and r'y = `product`.

    `g` are the products x_j'r of the features that may have coefficients, `w` these, `penalty`
    their `Penalty`. `others` is the largest |x_j'r| / l1_j of the rest, whose coefficients are 0.
    """
    l1, l2, lower, upper = penalty
    primal = square / 2 + np.abs(w) @ l1 + np.square(w) @ l2 / 2
    bound = 2 * np.abs(w).max(initial=0)
    free = (l1 == 0) & (l2 == 0)
    if free.any():
        lower = np.where(free, np.maximum(lower, -bound), lower)
        upper = np.where(free, np.minimum(upper, bound), upper)
    binding = (l2 == 0) & np.where(g > 0, upper == np.inf, lower == -np.inf)
    size = np.abs(g)
    feasible = max(1.0, others, np.max(size[binding] / l1[binding], initial=0))
    everywhere = max(
        feasible, np.max(size[~free] / np.maximum(l1[~free], np.finfo(float).tiny), initial=0)
    )
    gaps = []
    for s in {1 / feasible, 1 / everywhere}:
        dual = s * product - s * s / 2 * square - conjugate(s * g, l1, l2, lower, upper)
        gaps.append(primal - dual)
    return max(min(gaps), 0.0)


def conjugate(u, l1, l2, lower, upper):
    """The sum over j of the largest u_j w - l1_j |w| - l2_j/2 w^2 for w within its bounds."""
    excess = np.sign(u) * np.maximum(np.abs(u) - l1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        best = np.where(l2 > 0, excess / l2, np.where(excess == 0, 0, np.sign(excess) * np.inf))
    best = np.clip(best, lower, upper)
    # Where 0 is not within the bounds, the penalty holds the nearest point as it can.
    best = np.where(np.isfinite(best), best, 0)
    return float(np.sum(u * best - l1 * np.abs(best) - l2 / 2 * best * best))
