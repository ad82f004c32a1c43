"""The quadratic problem of a set of features by descent on the columns themselves.

It takes no more memory than the residual, and an update costs the entries of a column: the way
for sparse columns. Where two sweeps over many entries do not end it, every two more are followed
by a step to the least objective in the plane of what they changed, which halves the sweeps where
columns are correlated.

Source: Bertrand and Massias, AISTATS (2021), accelerate descent by past steps; they combine them
for the least residual of a fixed point, here it is for the objective itself.
"""

import numpy as np

from skreg._kernels.coordinate_descent import products, subtract, sweeps
from skreg._solvers.penalty import Penalty
from skreg._solvers.threads import given_up

PRECISE = 2.0  # share of the tolerance that the slopes met on a sweep may cost at first
STEPS = 100  # sweeps at a time
PLAIN = 2  # of them before what each two of them do is combined
WORTH = 2**15  # entries: to combine sweeps over fewer takes longer than more sweeps
SAME = 1e-6  # share of two ways in which they must differ
ROUNDING = 4e-15  # share of e'e / v that rounding of e leaves of a slope
LONGEST = 1e3  # times what a sweep did: more would show its rounding


class ResidualForm:
    """A working set without a Gram matrix."""

    exact = False

    def __init__(self, features, y, penalty, tol):
        self.features, self.y, self.all = features, y, penalty
        self.total = features.root_weight @ features.root_weight
        self.weight = np.empty(0) if features.root is None else features.root**2
        self.mass = self.total * features.shift
        self.first = self.enough = PRECISE * tol * (y @ y)
        self.entries = 0  # of the columns that are in
        self.index, self.w, self.e = np.zeros(0, np.int32), np.zeros(0), None
        self.before, self.alphas = np.zeros(0), [None, None]  # the last solution but one; both
        self.vectors = Penalty(*np.zeros((4, 0)))
        self.given_up = given_up()

    @property
    def m(self):
        """How many features are in."""
        return len(self.index)

    def admit(self, which, w=0.0):
        """Let in features with coefficients w."""
        self.w = np.append(self.w, np.broadcast_to(w, len(which)))
        self.before = np.append(self.before, np.zeros(len(which)))
        self.index = np.append(self.index, which).astype(np.int32)
        order = np.argsort(self.index)  # so that sweeps read X in its order
        self.index, self.w, self.before = self.index[order], self.w[order], self.before[order]
        self.vectors = Penalty(*(part[self.index] for part in self.all))
        starts = self.features.columns.starts
        self.entries += int((starts[which + 1] - starts[which]).sum())

    def predict(self, alpha):
        """Go on along the line of the last two solutions, on which paths are but for corners."""
        first, second = self.alphas
        w, self.alphas = self.w.copy(), [second, alpha]
        if first is not None and first != second:
            ahead = w + (w - self.before) * ((alpha - second) / (second - first))
            lower, upper = self.vectors.lower, self.vectors.upper
            safe = (w * self.before > 0) & (w * ahead > 0) & (ahead >= lower) & (ahead <= upper)
            moved = np.flatnonzero(safe)
            self.take_off(self.e, moved, ahead[moved] - w[moved])
            self.w[moved] = ahead[moved]
        self.before = w

    def penalty(self, alpha):
        """The `Penalty` at alpha of the features that are in."""
        l1, l2, lower, upper = self.vectors
        return Penalty(alpha * l1, alpha * l2, lower, upper)

    def minimize(self, alpha, penalty, max_iter):
        """Sweep until the slopes tell that the gap is small enough; return how many sweeps."""
        if self.e is None:
            self.e = self.weighed_residual()
        if alpha != self.alphas[1]:
            self.enough = self.first
            self.predict(alpha)
        most = min(STEPS, max_iter)
        plain = most if self.entries < WORTH else min(PLAIN, most)
        done, ended = self.sweep(penalty, plain, True)
        while not ended and done < most and not self.given_up[0]:
            ways = []
            for everywhere in (True, False)[: most - done]:
                w, e = self.w.copy(), self.e.copy()
                count, ended = self.sweep(penalty, 1, everywhere)
                done += count
                ways.append((self.w - w, self.e - e))
                if ended:
                    return done
            self.combine(ways, penalty)
        return done

    def sweep(self, penalty, most, everywhere):
        """Sweep so often at most; return how often, and whether that was enough."""
        features = self.features
        done, shift, ended = sweeps(
            *features.columns, self.weight, features.shift, self.mass, features.square_norms,
            self.index, self.w, self.e, *penalty, self.enough, most, everywhere, self.given_up,
        )  # fmt: skip
        self.shift_by(self.e, shift)
        return done, ended

    def combine(self, ways, penalty):
        """Go to the best combination of what the last sweeps did, if that is better.

        The objective is taken as smooth: coefficients that are zero stay so, and those that would
        leave their sign or their bounds stop there.
        """
        w, e, (l1, _, lower, upper) = self.w, self.e, penalty
        for d, de in ways:
            still = np.flatnonzero((w == 0) & (d != 0))
            self.take_off(de, still, -d[still])
            d[still] = 0
        d, de = (np.array(part) for part in zip(*ways, strict=True))
        step = self.best_step(d, de, penalty)
        ahead = w + step @ d
        new = np.clip(np.where((ahead * w >= 0) | (l1 == 0), ahead, 0.0), lower, upper)
        stopped = np.flatnonzero(new != ahead)
        before = self.objective(penalty) if len(stopped) else np.inf
        self.w, self.e = new, e + step @ de
        self.take_off(self.e, stopped, new[stopped] - ahead[stopped])
        if len(stopped) and not self.objective(penalty) < before:
            self.w, self.e = w, e

    def best_step(self, d, de, penalty):
        """How far to go along each row of d, which changes e by that of de."""
        l1, l2, _, _ = penalty
        r = self.over_weight(self.e)
        slope = d @ (l1 * np.sign(self.w) + l2 * self.w) + de @ r
        slope[np.abs(slope) <= ROUNDING * (self.e @ r)] = 0
        if not slope.any():
            return slope
        curvature = de @ self.over_weight(de).T + (d * l2) @ d.T
        # Equal columns may exchange coefficients, which changes no residual.
        same = SAME * np.trace(curvature) or np.abs(slope).max() / LONGEST
        step = np.linalg.solve(curvature + same * np.eye(len(d)), -slope)
        return step / max(1, np.abs(step).max() / LONGEST)

    def objective(self, penalty):
        """What is minimized."""
        l1, l2, _, _ = penalty
        return (
            self.e @ self.over_weight(self.e) / 2
            + l1 @ np.abs(self.w)
            + l2 @ np.square(self.w) / 2
        )

    def over_weight(self, e):
        """e / v, 0 where v is."""
        if not len(self.weight):
            return e
        return np.divide(e, self.weight, out=np.zeros_like(e), where=self.weight > 0)

    def shift_by(self, e, shift):
        """Add what the means add to e."""
        if shift:
            e += shift * (1.0 if self.features.root is None else self.weight)

    def weighed_residual(self):
        """v (y - Xw), afresh."""
        features = self.features
        self.e = e = self.y.copy() if features.root is None else features.root * self.y
        kept = np.flatnonzero(self.w)
        self.take_off(e, kept, self.w[kept])
        return e

    def take_off(self, e, places, change):
        """Bring e up to date with a change of some coefficients."""
        features, index = self.features, self.index[places]
        subtract(*features.columns, self.weight, index, change, e)
        self.shift_by(e, features.shift[index] @ change)

    def residual(self):
        """y - Xw, afresh; e itself is changed by the next sweeps."""
        e, root = self.weighed_residual(), self.features.root
        if root is None:
            return e.copy()
        return np.divide(e, root, out=np.zeros_like(e), where=root > 0)

    def norms(self):
        """||x_j|| of the features that are in."""
        return np.sqrt(self.features.square_norms[self.index])

    def products(self):
        """The products x_j'r of the features that are in, after `residual`."""
        out = np.empty(self.m)
        products(
            *self.features.columns, self.e, self.features.shift * self.e.sum(), self.index, out
        )
        return out
