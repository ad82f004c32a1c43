"""Which features a solution leaves out rightly, and which are to come in.

The score of a feature whose coefficient is zero is |x_j'r| / l1_j; it may stay out where that is
at most alpha. Most of them are judged without being read: of a few residuals, made orthonormal in
B, the products C = X'B with all features are known, and along a path others hardly leave their
span. As r = B B'r + d,

    |x_j'r| <= |C_j B'r| + ||x_j|| ||d||

(for sparse columns also with the sum of sizes and the largest entry). Only where that bound is too
large the product itself is formed; where it is for many, all are, and r joins B.
"""

import numpy as np

from skreg._kernels.screening import in_doubt, judge, judge_some

MANY = 4  # a share of 1 / MANY of the features in doubt makes a pass over all of them pay
MOST = 8  # residuals whose products are kept
ROUNDING = 1e-12  # share of a residual that its products are known to


class Outside:
    """The features outside of a working set."""

    def __init__(self, features, penalty):
        n, p = features.shape
        self.features, self.norm = features, np.sqrt(features.square_norms)
        self.l1 = np.where(penalty.l1 > 0, penalty.l1, 1.0)
        self.side = sides(penalty, self.norm)
        self.scores = np.zeros(p)
        self.doubtful = np.empty(p, np.int32)
        self.known = 0
        self.basis = np.empty((n, MOST), order="F")
        self.products = np.empty((p, MOST), order="F")

    def leave(self, which):
        """Let features go into the working set."""
        self.side[which] = 0
        self.scores[which] = 0

    def judge(self, r, threshold):
        """Set the scores that may reach a threshold, others to 0; return the largest."""
        features, inside, rest = self.features, self._inside(r), r
        if self.known:
            rest = r - self.basis[:, : self.known] @ inside
            distance = np.sqrt(rest @ rest) + ROUNDING * np.sqrt(r @ r)
            count = in_doubt(
                self.products[:, : self.known] @ inside, self.norm, distance,
                features.sum_norms, features.farthest(rest) + ROUNDING * features.farthest(r),
                self.l1, self.side, threshold, self.doubtful,
            )  # fmt: skip
            if MANY * count <= len(self.norm):
                self.scores[:] = 0
                v, taken = features.weighed(r)
                which = self.doubtful[:count]
                return judge_some(
                    *features.columns, v, taken, which, self.l1, self.side, self.scores
                )
        products = features.gradient(r)
        if features.columns is not None:  # else single products cannot be formed
            self._join(r, products, inside, rest)
        return judge(products, self.l1, self.side, self.scores)

    def _inside(self, r):
        """B'r"""
        return self.basis[:, : self.known].T @ r

    def _join(self, r, products, inside, rest):
        """Let r, which leaves `rest`, join the basis; a full one begins anew."""
        again, k = self._inside(rest), self.known  # else a short rest would not be orthogonal
        rest, inside = rest - self.basis[:, :k] @ again, inside + again
        length = np.sqrt(rest @ rest)
        if k == MOST or length <= ROUNDING * np.sqrt(r @ r):
            length, rest, k = np.sqrt(r @ r), r, 0
        if length > 0:
            self.basis[:, k] = rest / length
            self.products[:, k] = (products - self.products[:, :k] @ inside[:k]) / length
            self.known = k + 1

    def best(self, least, most):
        """The features whose scores reach `least`, at most so many, with the largest."""
        which = np.flatnonzero(self.scores >= least if least > 0 else self.scores)
        if len(which) > most:
            which = which[np.argpartition(self.scores[which], len(which) - most)[-most:]]
        return which


def sides(penalty, norm):
    """Which signs a coefficient may take that is zero: bit 1 plus, bit 2 minus; 0 for none."""
    can = (penalty.l1 > 0) & (norm > 0)
    return (can * ((penalty.upper > 0) + 2 * (penalty.lower < 0))).astype(np.int8)
