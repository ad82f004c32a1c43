"""Paths of the multi-task elastic net, every point with its certificate.

    P_alpha(W) = 1/2 ||Y - XW||_F^2 + alpha sum_j l1_j |W_j| + alpha/2 sum_j l2_j |W_j|^2

for centred, weighted X (n, p) and Y (n, t); W_j are the rows of W (p, t) and |.| is the Euclidean
norm, so that a feature enters for all tasks or for none (Obozinski, Taskar and Jordan, Stat.
Comput. 20, 2010). From one alpha to the next W is extrapolated; then descent runs on the rows that
the sequential strong rule keeps (Tibshirani et al., JRSS-B 74, 2012) until the duality gap, from
the true residual, is at most tol ||Y||^2. The products with the other features are bounded by
those with an earlier residual, and formed only where the bound does not rule a feature out. A dual
point of an earlier alpha may already certify the new one; then no product is formed at all.
"""

from typing import NamedTuple

import numpy as np

from skreg._solvers.multi_task_dual import Dual, Reference, row_norms
from skreg._solvers.multi_task_products import TaskProducts
from skreg._solvers.multi_task_rows import Rows
from skreg._solvers.scaling import units
from skreg._solvers.threads import one_blas_thread

AIM = 0.3  # of the gap asked for, at which descent looks at its own dual point
LEAST_COST = 1e-2  # of ||Y||^2, that an error of the scale is taken to cost
CLEAR = 0.8  # of the gap asked for, that an objective from updates may show
# The smallest tol for which an earlier dual point may certify: its gap is of second order in the
# errors of the gradients, so that these may be as large as its root.
LASTING = 1e-8
FINE = 1e-9  # steps, in parts of a row's penalty, where Newton steps make them cheap
LOOSEST = 1e-2  # steps of descent, in parts of a row's penalty, that are never small enough
JUMP = 4.0  # the largest ratio of alphas from one point to the next
FARTHEST = 1e-6  # of the alpha at which a long way began, where its steps end
ROUGH = 1e-3  # tol on the way
LONGEST = 100  # sweeps until the residual is computed anew
STARTED = 0.0  # stands for the last alpha where a start was given: of no use for the strong rule
PASS = 0.25  # share of features from which on the products with all are formed
ROUNDING = 100 * np.finfo(np.float64).eps  # of ||Y||^2; a gap below it is none


class Point(NamedTuple):
    """The solution for one alpha."""

    alpha: float
    support: np.ndarray  # (k,) features whose rows are not zero, increasing
    coef: np.ndarray  # (k, t), their rows, in units of the given X and Y
    gap: float  # P - D, at least 0
    n_iter: int  # sweeps
    converged: bool


def walk(features, Y, penalty, alphas, *, start=None, tol=1e-4, max_iter=1000):
    """Yield the `Point` of each alpha, in the given order; decreasing is the fast one.

    Parameters
    ----------
    features : features.Features
    Y : ndarray of shape (n, t), targets, each as `features.target` gives it.
    penalty : penalty.Penalty, without bounds but those that keep a feature out.
    alphas : iterable of float, on the solver's scale.
    start : None or ndarray of shape (p, t), coefficients to start from.
    tol : float, the gap asked for, in parts of ||Y||_F^2.
    max_iter : int, the most sweeps for one alpha.
    """
    c = features.scale
    d = float(units(Y, np.finfo(np.float64), common=True)[0])
    path = Path(features, Y / d, of_rows(penalty, c, d))
    if start is not None:
        path.start(start * (c / d))
    for alpha in alphas:
        point = path.solve(float(alpha), tol, max_iter)
        yield point._replace(coef=point.coef * (d / c), gap=point.gap * d * d)


def alpha_max(features, Y, penalty):
    """The smallest alpha at which all rows with a penalty are zero; 0.0 where none is."""
    c = features.scale
    d = float(units(Y, np.finfo(np.float64), common=True)[0])
    scaled = of_rows(penalty, c, d)
    products, R = TaskProducts(features), Y / d
    free = np.flatnonzero((scaled.l1 == 0) & (products.square_norms > 0))
    if len(free):
        A = products.columns(free).T
        R = R - A @ np.linalg.lstsq(A, R)[0]
    held = (scaled.l1 > 0) & (scaled.l1 < np.inf)
    norms = row_norms(products.gradient(R))[held]
    return float(np.max(norms / scaled.l1[held], initial=0.0))


def of_rows(penalty, c, d):
    """The penalty for X / c and Y / d, with l1_j = inf where a row is kept at zero."""
    scaled = penalty.in_units(c, d)
    kept_out = (penalty.l1 == np.inf) | ((penalty.lower == 0) & (penalty.upper == 0))
    return scaled._replace(l1=np.where(kept_out, np.inf, scaled.l1))


class Path:
    """What one point of a path leaves for the next."""

    def __init__(self, features, Y, penalty):
        self.products = TaskProducts(features)
        self.Y, self.penalty = Y, penalty
        self.rows = Rows(self.products, Y)
        self.total = np.vdot(Y, Y)
        self.last = self.earlier = self.dual = None
        self._begin(Y)
        self.largest = self.norms.max(initial=0.0)  # product with Y

    def start(self, W):
        """Begin at W (p, t) instead of at zero."""
        support = np.flatnonzero(W.any(axis=1) & (self.penalty.l1 < np.inf))
        self.rows.add(support)
        self.rows.W[self.rows.slot[support]] = W[support]
        self._begin(self.products.residual(self.Y, support, W[support]))
        self.last = STARTED

    # The residual and the products with it ------------------------------------------------------

    def _begin(self, R):
        if self.rows.whole:
            self._look()
        else:
            self.R, self.square = R, np.vdot(R, R)
            self._pass()

    def _look(self):
        """See how large the true residual is; of the products with it only bounds are known."""
        rows = self.rows
        if rows.whole:
            self.R, C = None, rows.gradients(None)
            self.product = self.total - np.vdot(rows.W, rows.targets)
            self.square = max(self.product - np.vdot(rows.W, C), 0.0)
            self.norms, self.exact = row_norms(C), np.ones(len(C), bool)
            return
        self.R = rows.residual()
        self.square, self.product = np.vdot(self.R, self.R), np.vdot(self.R, self.Y)
        self.norms = self.reference.bounds(self.R, self.products.column_norms)
        self.exact = np.zeros(len(self.norms), bool)

    def _pass(self):
        """Form all products, which bound those with later residuals."""
        self.norms = row_norms(self.products.gradient(self.R))
        self.exact = np.ones(len(self.norms), bool)
        self.reference = Reference(self.R, self.norms)

    def _resolve(self, limit):
        """Form the products of all features whose bounds reach the limit (p,)."""
        which = np.flatnonzero((self.norms >= limit) & ~self.exact)
        if len(which) >= PASS * len(self.norms):
            self._pass()
        elif len(which):
            self._know(which, self.products.gradient(self.R, which))

    def _know(self, which, C):
        self.norms[which], self.exact[which] = row_norms(C), True

    # Points -------------------------------------------------------------------------------------

    @one_blas_thread()
    def solve(self, alpha, tol, max_iter):
        """The point of one alpha."""
        done = self._approach(alpha, tol, max_iter)
        point = self._point(alpha, tol, max_iter - done)
        return point._replace(n_iter=done + point.n_iter)

    def _approach(self, alpha, tol, max_iter):
        """Take a long way down in steps, roughly; sweeps done, less than max_iter.

        From far away too many rows enter at once, most of which have to leave again. For the same
        reason a start that is worse than zero is forgotten.
        """
        if self.last == STARTED and self._objective(alpha) > 0.5 * self.total:
            self.rows.W[:] = 0
            self._begin(self.Y)
            self.last = None
        self._settle_last(alpha)
        done, limit = 0, FARTHEST * self.last
        while JUMP * alpha < self.last and self.last > limit and done < max_iter // 2:
            rough = self._point(self.last / JUMP, max(tol, ROUGH), max_iter // 2 - done)
            done += rough.n_iter
        return done

    def _point(self, alpha, tol, max_iter):
        """The point of one alpha that is near the last one."""
        rows, target = self.rows, max(tol, ROUNDING) * self.total
        l1, l2 = self._penalties(alpha)
        kept = self._strong(alpha)
        rows.add(np.flatnonzero(kept))
        rows.refresh(self.R, l1, l2)
        self._extrapolate(alpha)
        (step, fine), done = self._steps(l1, target), 0
        goal = self._bound_at_hand(l1, l2, target) + CLEAR * target
        while True:
            order = np.flatnonzero(kept[rows.index] | rows.W.any(axis=1))
            sweeps = rows.settle(order, step, min(LONGEST, max_iter - done), goal, fine)
            done += sweeps
            self._look()
            gap = self._gap(l1, l2, target)
            if gap <= target or done >= max_iter:
                break
            missed = np.flatnonzero((self.norms > l1) & ~kept)
            missed = missed[~np.isin(missed, rows.index[rows.support()])]
            if len(missed):
                kept[missed] = True
                rows.add(missed)
            elif sweeps < LONGEST:
                step *= min(0.5, max(AIM * target / gap, 1e-3))
            rows.refresh(self.R, l1, l2)
            goal = -np.inf
        self.last = alpha
        active = rows.support()
        active = active[np.argsort(rows.index[active])]
        found, gap = bool(gap <= target), float(max(gap, 0.0))
        return Point(alpha, rows.index[active], rows.W[active], gap, done, found)

    def _penalties(self, alpha):
        """The penalties of the rows (p,) at this alpha."""
        l1, l2 = self.penalty.l1, self.penalty.l2
        with np.errstate(invalid="ignore"):
            return np.where(l1 < np.inf, alpha * l1, np.inf), alpha * l2

    def _strong(self, alpha):
        """The features that the strong rule keeps (p,)."""
        threshold = 2 * alpha - self.last if 0 < alpha <= self.last else alpha
        limit, _ = self._penalties(max(threshold, 0.0))
        self._resolve(limit)
        return self.norms >= limit

    def _settle_last(self, alpha):
        """Know at what alpha W = 0, where a path begins, is the solution."""
        if self.last is None:
            with np.errstate(divide="ignore", invalid="ignore"):
                ratios = np.where(self.penalty.l1 > 0, self.norms / self.penalty.l1, 0)
            self.last = max(np.max(ratios, initial=0.0), alpha)

    def _extrapolate(self, alpha):
        """Predict W from the last two points, if the penalty changed between them."""
        rows = self.rows
        before, self.earlier = self.earlier, (rows.W.copy(), self.last)
        if before is not None and before[1] not in (self.last, alpha):
            rows.extrapolate(before[0], (alpha - self.last) / (self.last - before[1]))

    def _steps(self, l1, target):
        """The steps of descent that promise the gap asked for, and fine ones.

        If all gradients of nonzero rows are off by a share e of their penalties, so is the scale
        of the dual point, which costs e sum_j l1_j |W_j|.
        """
        rows, held = self.rows, l1[(l1 > 0) & (l1 < np.inf)]
        unit = held.max(initial=0.0) or self.largest  # later products may all be rounding
        alive = rows.support()
        cost = max(rows.l1[alive] @ row_norms(rows.W[alive]), LEAST_COST * self.total)
        enough = min(LOOSEST, 3 * AIM * target / cost) if cost > 0 else 0.0
        return unit * enough, unit * FINE

    # Certificates -------------------------------------------------------------------------------

    def _objective(self, alpha):
        """P of W as it is."""
        self.rows.refresh(self.R, *self._penalties(alpha))
        return 0.5 * self.square + self.rows.penalty()

    def _gap(self, l1, l2, target):
        """P - D by the dual point at hand or, where that is too far, by that of the residual."""
        rows = self.rows
        primal = 0.5 * self.square + rows.penalty()
        earlier = primal - self._bound_at_hand(l1, l2, target)
        if earlier <= target:
            return earlier
        if not rows.whole:
            C = rows.gradients(self.R)
            self._know(rows.index, C)
            self._resolve(l1)
            self._know(rows.index, C)  # a pass over float32 knows less of them
        dual = Dual(self.square, self.product, self.norms)
        gap = primal - dual.value(l1, l2, self._radius())
        if gap <= earlier:
            self.dual = dual
        return min(gap, earlier)

    def _bound_at_hand(self, l1, l2, target):
        """D of an earlier dual point, if it may certify."""
        if self.dual is None or target < LASTING * self.total:
            return -np.inf
        return self.dual.value(l1, l2, self._radius())

    def _radius(self):
        """The ball (p,) that rows without a penalty are held in."""
        squares = self.products.square_norms
        radius = np.divide(self.norms, squares, out=np.zeros(len(squares)), where=squares > 0)
        rows = self.rows
        radius[rows.index] = np.maximum(radius[rows.index], row_norms(rows.W))
        return 2 * radius
