"""Ridge with coefficients w >= 0, solved until the Karush-Kuhn-Tucker conditions hold.

With the half gradient g = X'(y - Xw) - alpha w they read: g_j = 0 where w_j > 0, and g_j <= 0
where w_j = 0. Three methods work one after the other:

- L-BFGS-B comes near (Zhu, Byrd, Lu, Nocedal, 1997).
- For alpha > 0, Newton's method on the dual. The conditions say w = max(X'r, 0) / alpha with
  the residual r = y - Xw, which minimizes the convex, piecewise quadratic
  1/2 ||r||^2 - y'r + ||max(X'r, 0)||^2 / (2 alpha). A step solves on the support {X'r > 0}.
- An active-set method in the spirit of Lawson and Hanson (Solving Least Squares Problems, 1974,
  chapter 23) solves on the support, drops what turns negative and adds what the multipliers
  ask for. Each step lowers the objective, so it ends; after Newton there is little left to do.
"""

import numpy as np
from scipy import sparse
from scipy.optimize import minimize

from skreg._solvers.certificate import Solution, column_norms, rounding_limit
from skreg._solvers.direct import GRAM_SIZE, automatic, has_cheap_gram
from skreg._solvers.products import is_wide, smaller_gram

LONG_STEPS = 3.0 ** -np.arange(6)  # that the active set tries
SHORTEST_STEP = 1e-3  # that Newton's method tries


def nonnegative(design, alpha, *, tol, max_iter=None):
    """Minimize ||y - Xw||^2 + alpha ||w||^2 over w >= 0 for each target.

    The violation is the largest |g_j| / (||x_j|| ||y||) that breaks a condition; `tol` is what
    L-BFGS-B and a solution that counts as converged may show, the active set goes down to
    rounding. `max_iter` bounds the steps of each of the three methods (default 15000).
    """
    max_iter = 15000 if max_iter is None else max_iter
    p = design.X.shape[1]
    is_sparse = sparse.issparse(design.X)
    cheap = has_cheap_gram(design.X) if is_sparse else p <= GRAM_SIZE
    gram = smaller_gram(design) if cheap and not is_wide(design) else None
    if is_sparse:
        design = design._replace(X=design.X.tocsc())  # the active set takes columns
    norms = centred_norms(design)
    coef = np.zeros((design.y.shape[1], p), design.X.dtype)
    violation, n_iter = np.zeros(len(coef)), np.zeros(len(coef), np.int32)
    for k in range(len(coef)):
        problem = Nonnegative(design._replace(y=design.y[:, k : k + 1]), alpha[k], norms, gram)
        if problem.size > 0:
            start, searched = problem.search(tol, max_iter)
            start, improved = problem.newton(start, max_iter) if alpha[k] > 0 else (start, 0)
            coef[k], violation[k], polished = problem.polish(start, max_iter)
            n_iter[k] = searched + improved + polished
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

    def newton(self, w, max_iter):
        """Improve w by Newton's method on the dual; return it and the steps."""
        A, y, alpha = self.operator, self.design.y[:, 0], self.alpha

        def dual(r, h):
            return r @ r / 2 - y @ r + np.sum(np.maximum(h, 0) ** 2) / (2 * alpha)

        w = w.astype(y.dtype)
        r = y - A.matvec(w)
        h = A.rmatvec(r)
        for step in range(1, max_iter + 1):  # noqa: B007, it is returned
            support = h > 0
            exact = self.solve_on(support, w)
            move = y - A.matvec(exact) - r
            shift, value, t = A.rmatvec(move), dual(r, h), 1.0
            while t > SHORTEST_STEP and not dual(r + t * move, h + t * shift) < value:
                t /= 2
            if t <= SHORTEST_STEP:  # rounding hides all further descent
                break
            w = np.maximum(exact, 0)
            r, h = r + t * move, h + t * shift
            if t == 1 and np.array_equal(h > 0, support):
                break
        return w, step

    def polish(self, w, max_iter):
        """Solve on a support that is mended step by step; return w, its violation, the steps."""
        w, support = w.astype(self.design.X.dtype), w > 0
        limit, seen = rounding_limit(w, 1e3), set()
        value = self.objective(w)[0]
        for step in range(1, max_iter + 1):  # noqa: B007, it is returned
            exact = self.solve_on(support, w)
            if exact.min() < 0:
                w, value, support = self.advance(w, exact, support, value)
                continue
            w, support = exact, exact > 0
            value, g = self.objective(w)
            multiplier = np.where(support, 0, g / self.unit)
            # Of the coefficients that are added at least one rises, because the gradient is zero
            # for all others: the objective descends, and only rounding comes back to a support.
            if multiplier.max() <= limit or support.tobytes() in seen:
                break
            seen.add(support.tobytes())
            support |= multiplier > limit
        return w, self.violation(w), step

    def solve_on(self, support, w):
        """The unconstrained solution with the columns outside the support left out.

        At alpha = 0 it may not be unique; then it is the one next to w, likely positive too.
        """
        exact = np.zeros_like(w)
        if support.any():
            X, mean = self.design.X[:, support], self.design.X_mean[support]
            gram = None if self.gram is None else self.gram[np.ix_(support, support)]
            design, alpha = self.design._replace(X=X, X_mean=mean), np.array([self.alpha])
            if self.alpha == 0:
                exact[support] = w[support]
                design = design._replace(y=design.y - self.operator.matvec(w)[:, None])
            tight = rounding_limit(w, 100)
            exact[support] += automatic(design, alpha, tol=tight, gram=gram).coef[0]
        return exact

    def advance(self, w, exact, support, value):
        """Go from w towards `exact`, which has negative coefficients, and stay feasible.

        Long steps set to zero what turns negative, and must descend. The step to where the
        first coefficient is zero always does.
        """
        falling = exact < 0
        room = np.full(len(w), np.inf)
        room[falling] = w[falling] / (w[falling] - exact[falling])
        first = room.min()
        for t in LONG_STEPS:
            if t > first:
                candidate = np.maximum(w + t * (exact - w), 0).astype(w.dtype)
                new_value = self.objective(candidate)[0]
                if new_value < value:
                    return candidate, new_value, candidate > 0
        w = np.where(room <= first, 0, w + first * (exact - w)).astype(w.dtype)
        return w, self.objective(w)[0], support & (room > first)

    def violation(self, w):
        """The largest breach of the optimality conditions, in units of the column and y."""
        g = self.objective(w)[1] / self.unit
        return np.max(np.where(w > 0, np.abs(g), g), initial=0)


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
