"""The multi-task elastic net on a working set: rows of W that may be nonzero.

Block coordinate descent needs the gradient of one row at a time, and has it in one of two forms.
In the Gram form it keeps the gradients of all rows, which a step in one row changes by its row of
X'X; in the residual form it keeps Y - XW and reads the columns themselves. The first is cheaper
until the set has twice as many rows as there are samples, and the only one that takes no copies
of columns of a sparse X or of one with more samples than features. Where the whole X'X is worth
its cost (`features.whole`), all features are in from the beginning, and X is not read again.

Rows that stay nonzero make the objective smooth. There every few sweeps are extrapolated
(Anderson's acceleration; Bertrand and Massias, AISTATS 2021), and a Newton step is taken as soon
as it costs no more than a share of the sweeps since the last one.
"""

import numpy as np
from scipy import linalg

from skreg._kernels.multi_task import block_sweeps
from skreg._solvers import multi_task_newton as newton
from skreg._solvers.multi_task_dual import row_norms

DEPTH = 5  # sweeps that an extrapolation combines
NEWTON_SHARE = 0.3  # of the sweeps since the last Newton step, that the next one may cost
SMALL_STEP = 2**18  # multiply-adds that nobody notices: a Newton step within them is always taken
HALVINGS = 6  # of a step that does not descend, at most
FORMED = 64  # columns of X that are held at a time to form rows of X'X


class Rows:
    """The rows `index` of W, and what descent on them needs.

    `products` (a `TaskProducts`) stands for X.
    """

    def __init__(self, products, Y):
        self.products, self.Y = products, Y
        self.n, self.p = products.shape
        self.t = Y.shape[1]
        self.whole = products.whole
        self.keeps_columns = products.dense and self.p > self.n and not self.whole
        self.index = np.empty(0, np.intp)
        self.slot = np.full(self.p, -1, np.intp)  # of each feature among the rows
        self.W, self.step = np.empty((0, self.t)), np.empty(self.t)
        self.A, self.Q = np.empty((0, self.n)), np.empty((0, 0))
        self.targets = np.empty((0, self.t))  # X'Y
        self.total = np.vdot(Y, Y)
        self.curvature = self.l1 = self.l2 = np.empty(0)
        self.known = None, np.empty((0, self.t))  # a residual and the rows' products with it
        if self.whole:
            self.index = self.slot = np.arange(self.p)
            self.W = np.zeros((self.p, self.t))
            self.Q, self.targets = products.gram(Y)
            self.curvature = products.square_norms

    def __len__(self):
        return len(self.index)

    @property
    def gram(self):
        """Whether descent has the Gram form."""
        return not self.keeps_columns or len(self) <= 2 * self.n

    @property
    def columns(self):
        """What the kernel reads."""
        return self.Q if self.gram else self.A

    # The set -----------------------------------------------------------------------------------

    def add(self, features):
        """Take in features whose rows are zero; `refresh` has to follow."""
        new = features[self.slot[features] < 0]
        if not len(new):
            return
        k, size = len(self), len(self) + len(new)
        self.index = np.append(self.index, new)
        self.slot[new] = np.arange(k, size)
        self.W = np.concatenate([self.W, np.zeros((len(new), self.t))])
        self.curvature = self.products.square_norms[self.index]
        if self.keeps_columns:
            self.A = grown(self.A, size, (0,))
            self.A[k:size] = self.products.columns(new)
        if not self.gram:
            self.Q = np.empty((0, 0))
            return
        self.targets = np.concatenate([self.targets, self.products.gradient(self.Y, new)])
        self.Q = grown(self.Q, size, (0, 1))
        for a in range(k, size, FORMED):
            part = slice(a, min(a + FORMED, size))
            self.Q[part, :size] = self._gram_rows(part)
        self.Q[:k, k:size] = self.Q[k:size, :k].T

    def _gram_rows(self, part):
        """Rows of X'X."""
        if self.keeps_columns:
            return self.A[part] @ self.A[: len(self)].T
        block = self.products.columns(self.index[part])
        return self.products.gradient(block.T, self.index).T

    def refresh(self, R, l1, l2):
        """Start anew with these penalties (p,) and the true residual, which `whole` needs not."""
        self.l1, self.l2 = l1[self.index], l2[self.index]
        # A copy even of one column, which is contiguous both ways: descent changes it.
        self.state = np.array((self.gradients(R) if self.gram else R).T, order="C")

    def gradients(self, R):
        """The products x_j'R of the rows (k, t)."""
        if self.whole:
            return self.targets - self.Q @ self.W
        C = self.known[1] if self.known[0] is R else np.empty((0, self.t))
        new = slice(len(C), len(self))
        if self.keeps_columns:
            C = np.concatenate([C, self.A[new] @ R])
        elif len(C) < len(self):
            C = np.concatenate([C, self.products.gradient(R, self.index[new])])
        self.known = R, C
        return C

    def residual(self):
        """Y - XW afresh."""
        active = self.support()
        if self.keeps_columns:
            return self.Y - self.A[active].T @ self.W[active]
        return self.products.residual(self.Y, self.index[active], self.W[active])

    def support(self):
        """The slots of nonzero rows."""
        return np.flatnonzero(self.W.any(axis=1))

    # Descent -----------------------------------------------------------------------------------

    def settle(self, order, tol, max_sweeps, goal=-np.inf, fine=0.0):
        """Descend on the slots `order` until no row steps by more than tol; sweeps done.

        Steps are measured as in the kernel. An objective of at most `goal` ends the descent, too.
        But where Newton steps cost nothing, it goes on to steps of `fine`. At least one sweep is
        done.
        """
        done, credit = 0, 0.0
        while done < max_sweeps:
            done += 1
            largest = self._sweep(order, tol)
            active = order[self.W[order].any(axis=1)]
            newton_cost = self._newton_cost(active)
            if newton_cost <= SMALL_STEP:
                if largest <= min(tol, fine):
                    break
            elif largest <= tol or self.objective() <= goal:
                break
            if not len(active):
                continue
            price = len(active) * self.t * (len(self) if self.gram else 2 * self.n)
            credit += price
            if newton_cost <= max(NEWTON_SHARE * credit, SMALL_STEP):
                credit = 0.0
                if self._newton(active):
                    continue
            if done < max_sweeps:
                sweeps = self._accelerated(active, tol, max_sweeps - done)
                done += sweeps
                credit += sweeps * price
        return done

    def _sweep(self, order, tol, count=1):
        """The largest step of a sweep."""
        arrays = self.W, self.state, self.columns, self.curvature, self.l1, self.l2, order
        return block_sweeps(*arrays, self.gram, self.step, count, tol)[1]

    def _accelerated(self, active, tol, max_sweeps):
        """Sweep over nonzero rows, and extrapolate if they all stay nonzero; sweeps done."""
        history = [(self.W[active].ravel(), self.state.copy())]
        for sweep in range(1, min(DEPTH, max_sweeps) + 1):
            largest = self._sweep(active, tol)
            W = self.W[active]
            if largest <= tol or not W.any(axis=1).all():
                return sweep
            history.append((W.ravel(), self.state.copy()))
        if sweep == DEPTH:
            weight = anderson_weights(np.array([W for W, _ in history]))
            last = history[-1]
            D = sum(c * (W - last[0]) for c, (W, _) in zip(weight, history[1:], strict=True))
            F = sum(c * (last[1] - S) for c, (_, S) in zip(weight, history[1:], strict=True))
            self._move(active, D.reshape(len(active), -1), F)
        return sweep

    def _newton_cost(self, active):
        """Multiply-adds of a Newton step; infinite where it would take more memory than X."""
        k = len(active)
        if k * k > max(self.n * self.p, SMALL_STEP):
            return np.inf
        return newton.cost(k, self.t, self.n if self.keeps_columns else k)

    def _newton(self, active):
        """Take a Newton step on nonzero rows; return whether the objective fell."""
        W, l1 = self.W[active], self.l1[active]
        norms = row_norms(W)
        d = l1 / norms + self.l2[active]
        slope = self._slopes(active) - d[:, None] * W
        try:
            if self.keeps_columns and len(active) > self.n and d.all():
                inverse = newton.inverse_from_columns(self.A[active], d)
            else:
                inverse = newton.inverse_from_gram(self._gram_of(active), d)
            D = newton.direction(inverse, slope, W, norms, l1)
        except linalg.LinAlgError:  # singular to working precision
            return False
        return bool(np.all(np.isfinite(D))) and self._move(active, D)

    def _gram_of(self, active):
        """X'X of some rows."""
        if self.gram:
            return self.Q[np.ix_(active, active)]
        return self.A[active] @ self.A[active].T

    def objective(self):
        """P of the rows as they are, from the state."""
        if not self.gram:
            loss = 0.5 * np.vdot(self.state, self.state)
        else:
            loss = 0.5 * (self.total - np.vdot(self.W, self.targets + self.state.T))
        return loss + self.penalty()

    def _slopes(self, active):
        """x_j'R for some slots."""
        return self.state.T[active] if self.gram else self.A[active] @ self.state.T

    def _effect(self, active, D):
        """What a step D in some rows takes from the state."""
        if not self.gram:
            return (self.A[active].T @ D).T
        return (self.Q[active, : len(self)].T @ D).T

    def _move(self, active, D, F=None):
        """Take the first of the `trials` of a step D that lets the objective fall, if any does.

        F is what all of D takes from the state, where that is known.
        """
        C, W, l1, l2 = self._slopes(active), self.W[active], self.l1[active], self.l2[active]
        norms = row_norms(W)
        for s, step in trials(W, D):
            if F is None or step is not D:
                D, F = step, self._effect(active, step)
            curvature = np.vdot(F.T[active], D) if self.gram else np.vdot(F, F)
            trial = W + s * D
            # |a| - |b| = (a - b)'(a + b) / (|a| + |b|), so that near the solution, where slope and
            # penalty cancel, their difference keeps its digits.
            share = l1 / (row_norms(trial) + norms) + 0.5 * l2
            slope = np.vdot(C - share[:, None] * (W + trial), D)
            if 0.5 * s * curvature < slope:
                self.W[active] = trial
                self.state -= s * F
                return True
        return False

    def penalty(self):
        """The penalty of W; that of a row held at zero is none, however large."""
        norms = row_norms(self.W)
        alive = norms > 0
        norms = norms[alive]
        return self.l1[alive] @ norms + 0.5 * self.l2[alive] @ norms**2

    def extrapolate(self, earlier, factor):
        """Go on from what W was at the last point but one (k, t), where rows stay nonzero."""
        active = np.flatnonzero(earlier.any(axis=1) & self.W[: len(earlier)].any(axis=1))
        if len(active):
            self._move(active, factor * (self.W[active] - earlier[active]))


def trials(W, D):
    """Yield (s, step): pieces s step of the step D from rows W, the boldest first.

    All of it, but rows that would turn round end at zero; what comes before the first of them
    turns, which ends at zero; half of that, and so on.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        turn = -np.einsum("jt,jt->j", W, W) / np.einsum("jt,jt->j", W, D)
    turning = (turn > 0) & (turn < 1)
    first = np.min(turn[turning], initial=1.0)
    if turning.any():
        yield 1.0, np.where(turning[:, None], -W, D)
        yield 1.0, np.where((turn == first)[:, None], -W, first * D)
    for halving in range(HALVINGS):
        yield first * 0.5**halving, D


def anderson_weights(iterates):
    """Weights of the last iterates (m + 1, size) that make their combined step the smallest."""
    steps = np.diff(iterates, axis=0)
    G = steps @ steps.T
    scale = np.trace(G)
    if not 0 < scale < np.inf:
        return np.eye(len(G))[-1]
    weight = np.linalg.solve(G / scale + 1e-12 * np.eye(len(G)), np.ones(len(G)))
    return weight / weight.sum()


def grown(A, size, axes):
    """A with room for `size` entries along these axes, twice as much as it had if it grows."""
    if size <= len(A):
        return A
    room = max(size, 2 * len(A), FORMED)
    out = np.empty([room if axis in axes else length for axis, length in enumerate(A.shape)])
    out[tuple(slice(length) for length in A.shape)] = A
    return out
