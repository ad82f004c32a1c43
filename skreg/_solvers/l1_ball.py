"""A bound on the weighted L1 norm, kept by the smallest penalty that does.

The solution w(alpha) of `path` has a norm ||w||_v = sum_j v_j |w_j| that is continuous in alpha.
Where w(alpha0) breaks ||w||_v <= t, the answer is w(alpha) for the alpha > alpha0 at which the
path, coming down from zero coefficients, reaches the bound. For the lasso this solves

    min 1/(2n) ||y - Xw||^2 + alpha0 ||w||_v   subject to   ||w||_v <= t,

as alpha - alpha0 is the Lagrange multiplier of the bound, and the norm never rises with alpha
(Osborne, Presnell and Turlach, Journal of Computational and Graphical Statistics 9(2), 2000).
Between two alphas at which signs change, w is linear in alpha (nearly so for the elastic net),
so that interpolation by secants ends at the bound exactly. Brent's method keeps it in a bracket.
"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq

from skreg._solvers.path import alpha_max, walk

STEP = 0.75  # between two alphas on the way down to the bound
LOWEST = 1e-8  # of the largest alpha, below which the way goes to the last one at once
CLOSE = 1e-10  # relative distance to the bound that counts as none
EXACT = 1e-12  # relative gap that tells one norm from another
ABOVE = 1e-12  # relative step up, beyond the rounding of the largest alpha
MOST_TRIALS = 100


class Ball(NamedTuple):
    """The coefficients w with sum_j weights_j |w_j| <= bound."""

    weights: np.ndarray  # (n_features,), finite
    bound: float

    def excess(self, point):
        """How far a point lies outside; negative within, 0 where it touches."""
        norm = self.weights[point.support] @ np.abs(point.coef)
        return 0.0 if abs(norm - self.bound) <= CLOSE * self.bound else norm - self.bound


def least_norm(weights, penalty):
    """The smallest norm that the bounds of a penalty leave."""
    return float(weights @ np.abs(np.clip(0, penalty.lower, penalty.upper)))


def solve_in_ball(features, y, penalty, ball, alpha, *, tol=1e-4, max_iter=1000):
    """The `path.Point` of the smallest alpha on the way down, at least `alpha`, in the ball.

    Its `alpha` is that found, its `n_iter` counts the sweeps of the whole search. The bound must
    not be below `least_norm`.
    """
    options = {"tol": min(tol, EXACT), "max_iter": max_iter}
    largest = alpha_max(features, y, penalty) * (1 + ABOVE)
    inside, n_iter = None, 0
    for point in walk(features, y, penalty, way_down(largest, alpha), **options):
        n_iter += point.n_iter
        if ball.excess(point) > 0:
            break
        inside = point

    def solve(alpha, before):
        start = np.zeros(features.shape[1])
        start[before.support] = before.coef
        return next(walk(features, y, penalty, [alpha], start=start, **options))

    if point is not inside and inside is not None:  # None: a bound that rounding hides
        point, more = at_bound(solve, ball, point, inside)
        n_iter += more
    return point._replace(n_iter=n_iter, converged=bool(point.gap <= tol * (y @ y)))


def way_down(largest, alpha):
    """Alphas in steps from the largest to the last one, `alpha`."""
    if alpha >= largest:
        return np.array([alpha])
    end = max(alpha, LOWEST * largest)
    n_steps = max(2, 1 + int(np.ceil(np.log(end / largest) / np.log(STEP))))
    steps = np.geomspace(largest, end, n_steps)
    return steps if end == alpha else np.append(steps, alpha)


def at_bound(solve, ball, outside, inside):
    """The point between two where the norm is the bound, and the sweeps of the search.

    `solve` takes an alpha and a point to start from: the further one of the two, since a start
    that is all but right may be returned as it is. Where rounding hides the bound, the point is
    the nearest one seen inside.
    """
    seen = {point.alpha: point for point in (outside, inside)}

    def excess(alpha):
        if alpha not in seen:
            further = max(outside, inside, key=lambda point: abs(point.alpha - alpha))
            seen[alpha] = solve(alpha, further)
        return ball.excess(seen[alpha])

    floats = np.finfo(np.float64)
    brentq(
        excess, outside.alpha, inside.alpha, xtol=floats.tiny, rtol=4 * floats.eps,
        maxiter=MOST_TRIALS, disp=False,
    )  # fmt: skip
    n_iter = sum(point.n_iter for point in seen.values()) - outside.n_iter - inside.n_iter
    kept = [point for point in seen.values() if ball.excess(point) <= 0]
    return max(kept, key=lambda point: (ball.excess(point), -point.alpha)), n_iter
