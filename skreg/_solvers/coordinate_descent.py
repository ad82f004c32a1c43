"""The elastic net problem by coordinate descent, certified by its duality gap.

    P(w) = 1/2 ||y - Xw||^2 + l1 ||w||_1 + l2/2 ||w||^2        (w >= 0 where positive)

on centred, weighted data (`design.Design`). With l1 > 0, v = s (y - Xw) is dual feasible where
s max_j |x_j'(y - Xw) - l2 w_j| <= l1, and with s <= 1 as large as that allows

    D = s (y - Xw)'y - s^2/2 (||y - Xw||^2 + l2 ||w||^2)

(Fercoq, Gramfort and Salmon, ICML 2015). With l1 = 0 < l2 every residual r is feasible, and
D = r'y - ||r||^2/2 - ||X'r||^2/(2 l2) (Dunner et al., ICML 2016). Positivity makes both one-sided.
Descent stops when one sweep changes no coefficient by more than tol max|w| (or the gap is down to
rounding) and P - D <= tol y'y, the gap being computed from the true residual, never from updates.
A Newton step on the support, where the problem is linear, is tried whenever it costs less than
the sweeps since the last one: once the signs are right it ends the descent at machine precision.
"""

from typing import NamedTuple

import numpy as np
from scipy import linalg, sparse

from skreg._kernels.coordinate_descent import sweeps

# After so many sweeps without an end, a Newton step is considered.
SWEEPS_A_CALL = 10
# A multiplication inside a Cholesky factorization or a Gram costs about 1/16 of one in a sweep,
# which waits for memory.
BLAS3_GAIN = 16
# Multiply-adds that nobody notices: a Newton step within them is always taken.
SMALL_STEP = 2**20
# A Newton step that keeps meeting sign changes leaves the rest to the sweeps.
MOST_FACTORIZATIONS = 5


class Solution(NamedTuple):
    coef: np.ndarray
    gap: float  # P - D at coef, at least 0
    n_iter: int  # sweeps
    converged: bool


class Penalty(NamedTuple):
    l1: float
    l2: float
    positive: bool


class Columns(NamedTuple):
    """A matrix as the kernel walks over it; see skreg/_kernels/columns.pxd."""

    data: np.ndarray
    rows: np.ndarray
    starts: np.ndarray

    @classmethod
    def of(cls, A):
        """The columns of a Fortran-ordered array or a CSC matrix, without a copy."""
        if sparse.issparse(A):
            index = np.result_type(A.indices, A.indptr)
            return cls(
                A.data, A.indices.astype(index, copy=False), A.indptr.astype(index, copy=False)
            )
        starts = np.arange(A.shape[1] + 1, dtype=np.int64) * A.shape[0]
        return cls(A.ravel(order="K"), np.empty(0, np.int64), starts)


class QuadraticProblem:
    """The data of P(w), for one design and any number of targets and penalties.

    Parameters
    ----------
    design : design.Design
        X dense, centred and Fortran-ordered, or CSC and centred implicitly.
    gram : None or ndarray of shape (n_features, n_features)
        Q = Xc'Xc of the centred X. Where given, sweeps read its columns instead of X's.
    """

    def __init__(self, design, gram=None):
        self.X, self.gram, self.root = design.X, gram, design.root_weight
        self.total = float(self.root @ self.root)  # of the weights
        is_sparse = sparse.issparse(self.X)
        # A dense X is centred already, a sparse one has its means subtracted along the way.
        self.mean = design.X_mean if is_sparse else np.zeros_like(design.X_mean)
        self.mass = self.mean * self.mean.dtype.type(self.total)
        if is_sparse:
            squares = column_squares(self.X)
            curvature = squares - self.total * design.X_mean.astype(np.float64) ** 2
            # The difference knows the squares only up to rounding, which must not be fitted.
            curvature[curvature <= 10 * np.finfo(np.float64).eps * squares] = 0
        else:
            curvature = np.einsum("ij,ij->j", self.X, self.X, dtype=np.float64)
        self.curvature = curvature.astype(self.X.dtype)
        self.columns = Columns.of(self.X if gram is None else gram)

    def residual(self, y, w):
        """y - Xc w, afresh."""
        return y - self.X @ w + self.root * (self.mean @ w)

    def gradient(self, r):
        """Xc'r; what rounding left of r along the roots of the weights is removed."""
        return self.X.T @ r - self.mean * (self.root @ r)

    def support_gram(self, support):
        """Xc'Xc on the given columns, shape (len(support), len(support))."""
        if self.gram is not None:
            return self.gram[np.ix_(support, support)].astype(np.float64)
        A = self.X[:, support]
        Q = (A.T @ A).astype(np.float64)
        if sparse.issparse(Q):
            mean = self.mean[support].astype(np.float64)
            Q = Q.toarray() - self.total * np.outer(mean, mean)
        return Q


def column_squares(X):
    """Sums of squares of the columns of a CSC matrix, in float64."""
    return sparse.csc_array((X.data.astype(np.float64) ** 2, X.indices, X.indptr), X.shape).sum(0)


def duality_gap(problem, y, w, r, penalty):
    """P(w) - D for the dual point above; r is the true residual.

    Without any penalty there is no feasible dual point at hand, and the first-order condition
    ||X'r||^2 / ||X||_F^2, which is 0 at a solution and does not depend on X's scale, stands in.
    """
    l1, l2, positive = penalty
    y, w = y.astype(np.float64), w.astype(np.float64)
    gradient = problem.gradient(r).astype(np.float64)
    rr, ry, ww = squared_norm(r), r.astype(np.float64) @ y, w @ w
    if l1 == 0 and l2 == 0:
        if positive:
            gradient = np.where(w > 0, gradient, np.maximum(gradient, 0))
        scale = problem.curvature.sum(dtype=np.float64)
        return gradient @ gradient / scale if scale > 0 else 0.0
    if l1 > 0:
        slope = gradient - l2 * w
        largest = (slope if positive else np.abs(slope)).max(initial=0)
        s = min(1.0, l1 / largest) if largest > 0 else 1.0
        dual = s * ry - 0.5 * s**2 * (rr + l2 * ww)
    else:
        excess = np.maximum(gradient, 0) if positive else gradient
        dual = ry - 0.5 * rr - excess @ excess / (2 * l2)
    return max(objective(w, r, penalty) - dual, 0.0)


def objective(w, r, penalty):
    """P(w), given the residual."""
    l1 = penalty.l1 * np.abs(w).sum(dtype=np.float64)
    return 0.5 * squared_norm(r) + l1 + 0.5 * penalty.l2 * squared_norm(w)


def squared_norm(v):
    """v'v in float64."""
    v = v.astype(np.float64, copy=False)
    return v @ v


def newton_on_support(problem, y, w, r, penalty):
    """Solve the linear system of the support with its signs, as far as the signs hold.

    Moves w (in place) along the Newton direction, stops where a coefficient reaches zero, drops it
    and goes on, so that the objective never rises. A singular system leaves w as it is. Returns
    the residual of the new w, and whether the last step was a whole one: the signs held.
    """
    support = np.flatnonzero(w)
    Q = problem.support_gram(support)
    gradient = problem.gradient(r)[support].astype(np.float64)
    weights = w[support].astype(np.float64)
    slope = gradient - penalty.l1 * np.sign(weights) - penalty.l2 * weights
    # A multiple of I at the level of rounding makes collinear columns solvable: the step along
    # their null space is then so long that it ends where the first of them reaches zero. It is a
    # proximal step, so it descends all the same.
    proximal = 10 * len(support) * np.finfo(w.dtype).eps * Q.diagonal().max(initial=0)
    Q[np.diag_indices_from(Q)] += penalty.l2
    alive, whole = np.arange(len(support)), False
    for _ in range(MOST_FACTORIZATIONS):
        try:
            factor = linalg.cho_factor(
                Q[np.ix_(alive, alive)] + proximal * np.eye(len(alive)), check_finite=False
            )
        except linalg.LinAlgError:
            break
        direction = linalg.cho_solve(factor, slope[alive], check_finite=False)
        if not np.all(np.isfinite(direction)):
            break
        with np.errstate(divide="ignore", invalid="ignore"):
            reach = np.where(weights[alive] * direction < 0, -weights[alive] / direction, np.inf)
        t = min(reach.min(), 1.0)
        weights[alive] += t * direction
        slope -= t * (Q[:, alive] @ direction)
        whole = t == 1.0
        if whole:
            break
        weights[alive[reach <= t]] = 0.0
        alive = alive[reach > t]
        if not alive.size:
            break
    trial = w.copy()
    trial[support] = weights
    trial_r = problem.residual(y, trial)
    # A nearly singular system may be solved so badly that nothing is gained.
    if objective(trial, trial_r, penalty) < objective(w, r, penalty):
        w[:] = trial
        return trial_r, whole
    return r, whole


def solve(problem, y, w, penalty, *, tol, max_iter, seed=0):
    """Minimize P from the start w (changed in place) and return a `Solution`.

    Parameters
    ----------
    problem : QuadraticProblem
    y : ndarray of shape (n_samples,), centred and weighted, in X's dtype.
    w : ndarray of shape (n_features,), the start.
    penalty : Penalty, on the scale of P.
    tol : float, see the stopping rule above.
    max_iter : int, the most sweeps.
    seed : int, 0 for cyclic order, else the seed of the random order.
    """
    target = tol * squared_norm(y)
    # Below this gap, changes are noise: coefficients may flicker about zero for ever.
    rounding = 100 * np.finfo(w.dtype).eps * squared_norm(y)
    r = problem.residual(y, w)
    n_iter, polished_at, pause = 0, 0, 0
    while True:
        state = r if problem.gram is None else problem.gradient(r)
        done, change, largest, _ = sweeps(
            w, state, *problem.columns, problem.mean, problem.mass, problem.curvature,
            *penalty, problem.gram is not None, seed + n_iter if seed else 0,
            min(SWEEPS_A_CALL, max_iter - n_iter), tol,
        )  # fmt: skip
        n_iter += done
        settled = change <= tol * largest
        r = problem.residual(y, w)
        waited = n_iter - polished_at
        if (settled or waited >= pause) and newton_is_cheap(problem, w, waited):
            r, whole = newton_on_support(problem, y, w, r, penalty)
            # While signs still change, steps are better left to the sweeps for longer and longer.
            polished_at, pause = n_iter, 0 if whole else max(2 * pause, SWEEPS_A_CALL)
        gap = duality_gap(problem, y, w, r, penalty)
        converged = gap <= target and (settled or n_iter == max_iter or gap <= rounding)
        if converged or n_iter == max_iter or not np.isfinite(gap):
            return Solution(w, gap, n_iter, converged)


def newton_is_cheap(problem, w, n_sweeps):
    """Whether a Newton step on the support of w costs less than the sweeps since the last one."""
    k = np.count_nonzero(w)
    m = problem.columns.data.size / max(len(w), 1)  # entries a column
    gram = 0 if problem.gram is not None else k**2 * m
    step = (gram + MOST_FACTORIZATIONS * k**3 / 3) / BLAS3_GAIN
    return k > 0 and step <= max(4 * n_sweeps * m * len(w), SMALL_STEP)
