"""Ridge with coefficients w >= 0, solved until the Karush-Kuhn-Tucker conditions hold.

With the half gradient g = X'(y - Xw) - alpha w they read: g_j = 0 where w_j > 0, and g_j <= 0
where w_j = 0. L-BFGS-B finds most of the support (Zhu, Byrd, Lu, Nocedal, 1997). An active-set
method in the spirit of Lawson and Hanson (Solving Least Squares Problems, 1974, chapter 23)
then solves on the support exactly, drops what turns negative and adds what the multipliers ask
for. Each step lowers the objective, so it ends.
"""

import numpy as np
from scipy import sparse
from scipy.optimize import minimize

from skreg._solvers.certificate import Solution, column_norms, rounding_limit
from skreg._solvers.direct import GRAM_SIZE, automatic
from skreg._solvers.normal_equations import smaller_gram


def nonnegative(design, alpha, *, tol, max_iter=None):
    """Minimize ||y - Xw||^2 + alpha ||w||^2 over w >= 0 for each target.

    The violation is the largest |g_j| / (||x_j|| ||y||) that breaks a condition; `tol` is what
    L-BFGS-B and a solution that counts as converged may show, the active set goes down to
    rounding. `max_iter` bounds the iterations of both (default 15000).
    """
    max_iter = 15000 if max_iter is None else max_iter
    n, p = design.X.shape
    gram = smaller_gram(design) if p <= min(n, GRAM_SIZE) else None
    if sparse.issparse(design.X):
        design = design._replace(X=design.X.tocsc())  # the active set takes columns
    norms = centred_norms(design)
    coef = np.zeros((design.y.shape[1], p), design.X.dtype)
    violation, n_iter = np.zeros(len(coef)), np.zeros(len(coef), np.int32)
    for k in range(len(coef)):
        problem = Nonnegative(design._replace(y=design.y[:, k : k + 1]), alpha[k], norms, gram)
        if problem.size > 0:
            start, searched = problem.search(tol, max_iter)
            coef[k], violation[k], polished = problem.polish(start, max_iter)
            n_iter[k] = searched + polished
    worst = float(violation.max())
    converged = worst <= max(tol, rounding_limit(coef, 1e3))
    return Solution(coef, "lbfgs", worst, n_iter, converged)


class Nonnegative:
    """One target's problem: a search for its support, and the exact solution on it."""

    def __init__(self, design, alpha, norms, gram):
        self.design, self.alpha, self.gram = design, alpha, gram
        self.operator = design.operator()
        self.size = column_norms(design.y)[0]
        self.unit = norms * self.size

    def objective(self, w):
        """Half the objective, and half its negative gradient."""
        A, w = self.operator, w.astype(self.design.X.dtype, copy=False)
        residual = self.design.y[:, 0] - A.matvec(w)
        g = A.rmatvec(residual) - self.alpha * w
        return (residual @ residual + self.alpha * (w @ w)) / 2, g

    def search(self, tol, max_iter):
        """An approximate solution by L-BFGS-B, and its iterations.

        The units are such that columns and y have norm one.
        """
        unit = self.size**2 / self.unit

        def scaled(u):
            value, g = self.objective(u * unit)
            return value / self.size**2, -(g / self.unit).astype(np.float64)

        result = minimize(
            scaled,
            np.zeros(len(unit)),
            jac=True,
            method="L-BFGS-B",
            bounds=[(0, None)] * len(unit),
            options={"maxiter": max_iter, "gtol": tol},
        )
        return result.x * unit, result.nit

    def polish(self, w, max_iter):
        """Solve on a support that is mended step by step; return w, its violation, the steps."""
        w, support = w.astype(self.design.X.dtype), w > 0
        limit, cautious, seen = rounding_limit(w, 1e3), False, set()
        value = self.objective(w)[0]
        for step in range(1, max_iter + 1):  # noqa: B007, it is returned
            exact = self.solve_on(support)
            inside = np.maximum(exact, 0)
            new_value = self.objective(inside)[0]
            if not np.array_equal(inside, exact):
                if new_value < value:
                    w, value, support = inside, new_value, inside > 0
                else:
                    w, support = to_boundary(w, exact, support)
                    value = self.objective(w)[0]
                continue
            w, value, support = inside, new_value, inside > 0
            multiplier = np.where(support, 0, self.objective(w)[1] / self.unit)
            # Where many additions at once lead back to a known support, add one at a time: that
            # always descends, so coming back once more is the work of rounding.
            known = support.tobytes() in seen
            if multiplier.max() <= limit or (known and cautious):
                break
            seen.add(support.tobytes())
            cautious = known
            support |= multiplier >= (multiplier.max() if cautious else limit)
        return w, self.violation(w), step

    def solve_on(self, support):
        """The unconstrained solution with the columns outside the support left out."""
        w = np.zeros(len(support), self.design.X.dtype)
        if support.any():
            X, mean = self.design.X[:, support], self.design.X_mean[support]
            gram = None if self.gram is None else self.gram[np.ix_(support, support)]
            design, alpha = self.design._replace(X=X, X_mean=mean), np.array([self.alpha])
            tight = rounding_limit(w, 100)
            w[support] = automatic(design, alpha, tol=tight, gram=gram).coef[0]
        return w

    def violation(self, w):
        """The largest breach of the optimality conditions, in units of the column and y."""
        g = self.objective(w)[1] / self.unit
        return np.max(np.where(w > 0, np.abs(g), g), initial=0)


def to_boundary(w, exact, support):
    """Go from w towards `exact` until the first coefficient is zero, and leave that one out."""
    falling = exact < 0
    room = np.full(len(w), np.inf)
    room[falling] = w[falling] / (w[falling] - exact[falling])
    t = room.min()
    w = np.where(room <= t, 0, w + t * (exact - w)).astype(w.dtype)
    return w, support & (room > t)


def centred_norms(design):
    """Norms of the centred columns, 1 where a column is constant."""
    if not sparse.issparse(design.X):
        norms = column_norms(design.X)
    else:
        square = np.asarray(design.X.power(2).sum(axis=0)).ravel()
        removed = (design.root_weight @ design.root_weight) * design.X_mean**2
        # The difference knows the square only up to rounding.
        norms = np.sqrt(np.maximum(square - removed, rounding_limit(design.X) * square))
    return np.where(norms > 0, norms, 1)
