"""The quadratic problem of a set of features by descent on the columns themselves.

It takes no more memory than the residual, and an update costs the entries of a column: the way
for sparse columns.
"""

import numpy as np

from skreg._kernels.coordinate_descent import products, subtract, sweeps
from skreg._solvers.penalty import Penalty
from skreg._solvers.threads import given_up

PRECISE = 0.1  # share of the tolerance that a coefficient may still gain at first
STEPS = 100  # sweeps at a time


class ResidualForm:
    """A working set without a Gram matrix."""

    exact = False

    def __init__(self, features, y, penalty, tol):
        self.features, self.y, self.all = features, y, penalty
        self.total = features.root_weight @ features.root_weight
        self.weight = np.empty(0) if features.root is None else features.root**2
        self.mass = self.total * features.shift
        self.enough = PRECISE * tol * (y @ y)
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

    def predict(self, alpha):
        """Go on along the line of the last two solutions, on which paths are but for corners."""
        first, second = self.alphas
        w, self.alphas = self.w.copy(), [second, alpha]
        if first is not None and first != second:
            ahead = w + (w - self.before) * ((alpha - second) / (second - first))
            lower, upper = self.vectors.lower, self.vectors.upper
            safe = (w * self.before > 0) & (w * ahead > 0) & (ahead >= lower) & (ahead <= upper)
            moved = np.flatnonzero(safe)
            self.take_off(moved, ahead[moved] - w[moved])
            self.w[moved] = ahead[moved]
        self.before = w

    def penalty(self, alpha):
        """The `Penalty` at alpha of the features that are in."""
        l1, l2, lower, upper = self.vectors
        return Penalty(alpha * l1, alpha * l2, lower, upper)

    def minimize(self, alpha, penalty, max_iter):
        """Sweep until no coefficient gains more than enough; return how many sweeps.

        After it comes `residual`, as the sweeps leave e without what the means add to it.
        """
        features = self.features
        if self.e is None:
            self.e = self.weighed_residual()
        if alpha != self.alphas[1]:
            self.predict(alpha)
        return sweeps(
            *features.columns, self.weight, features.shift, self.mass, features.square_norms,
            self.index, self.w, self.e, *penalty, self.enough, min(STEPS, max_iter), self.given_up,
        )[0]  # fmt: skip

    def weighed_residual(self):
        """v (y - Xw), afresh."""
        features = self.features
        e = self.y.copy() if features.root is None else features.root * self.y
        self.e, kept = e, np.flatnonzero(self.w)
        self.take_off(kept, self.w[kept])
        return e

    def take_off(self, places, change):
        """Bring e up to date with a change of some coefficients."""
        features, index = self.features, self.index[places]
        subtract(*features.columns, self.weight, index, change, self.e)
        back = features.shift[index] @ change
        if back:
            self.e += back * (1.0 if features.root is None else self.weight)

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
