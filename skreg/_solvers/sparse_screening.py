"""Which features a solution leaves out rightly, and which are to come in.

The score of a feature whose coefficient is zero is |x_j'r| / l1_j; it may stay out where that is
at most alpha. Most of them are judged without being read: one residual r0 has its products with
all features, and as r = s r0 + d with s = r'r0 / r0'r0,

    |x_j'r| <= |s x_j'r0| + ||x_j|| ||d||.

(for sparse columns also with the sum of sizes and the largest entry). Only where that bound is too
large the product itself is formed; where it is for many, r becomes the new reference.
"""

import numpy as np

from skreg._kernels.screening import in_doubt, judge, judge_some

MANY = 4  # a share of 1 / MANY of the features in doubt makes a pass over all of them pay


class Outside:
    """The features outside of a working set."""

    def __init__(self, features, penalty):
        self.features, self.norm = features, np.sqrt(features.square_norms)
        self.l1 = np.where(penalty.l1 > 0, penalty.l1, 1.0)
        self.side = sides(penalty, self.norm)
        self.scores = np.zeros(len(self.norm))
        self.doubtful = np.empty(len(self.norm), np.int32)
        self.reference = None

    def leave(self, which):
        """Let features go into the working set."""
        self.side[which] = 0
        self.scores[which] = 0

    def judge(self, r, threshold):
        """Set the scores that may reach a threshold, others to 0; return the largest."""
        features = self.features
        if self.reference is not None and features.columns is not None:
            r0, products, square = self.reference
            s = (r @ r0) / square if square > 0 else 0.0
            rest = r - s * r0
            distance, farthest = np.linalg.norm(rest), features.farthest(rest)
            count = in_doubt(
                products, s, self.norm, distance, features.sum_norms, farthest,
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
        self.reference = r, products, r @ r
        return judge(products, self.l1, self.side, self.scores)

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
