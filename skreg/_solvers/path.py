"""Solutions of sparse models along alpha, each exact and each with its duality gap.

Where the whole Gram matrix is cheap, `quadratic.minimize` has all features. Else a working set
holds those that ever came in; its Gram matrix grows with it. A feature outside comes in where its
product with the residual asks for it, and before that, by the sequential strong rule, where it
would at the next alpha if products moved with alpha at most. All others are checked against each
solution, most of them without being read: one residual r0 has its products with all features, and
as r = s r0 + d with s = r'r0 / r0'r0,

    |x_j'r| <= |s x_j'r0| + ||x_j|| ||d||.

Only where that bound is too large the product itself is formed; where it is for many, r becomes
the new reference.

Sources: Friedman, Hastie and Tibshirani, J. Stat. Softw. 33 (2010); Tibshirani et al., JRSS-B 74
(2012), the strong rule; Massias, Gramfort and Salmon, ICML (2018), working sets.
"""

from typing import NamedTuple

import numpy as np
from scipy import sparse

from skreg._kernels.quadratic import GONE, minimize
from skreg._kernels.screening import in_doubt, judge, judge_some
from skreg._solvers.penalty import Penalty
from skreg._solvers.scaling import largest, outside
from skreg._solvers.sparse_gap import duality_gap

MANY = 4  # a share of 1 / MANY of the features in doubt makes a pass over all of them pay
FEWEST = 64  # features that come in at a time, at most, beside twice those that are there
ROUNDS = 100  # of letting features in, for one alpha
FIRST_SIZE = 256  # features that a working set has room for at first
SPARE = 64  # free coefficients, beyond the samples, of collinear features
EPS = np.finfo(np.float64).eps
NOISE = 16  # times eps, the norms of a feature and of y: what rounding leaves of a product


class Point(NamedTuple):
    """One solution, in units of the given X and y."""

    alpha: float
    support: np.ndarray  # (k,), increasing
    coef: np.ndarray  # (k,)
    gap: float
    n_iter: int
    converged: bool


def walk(features, y, penalty, alphas, *, start=None, tol=1e-4, max_iter=1000):
    """Yield the `Point` of each alpha, in their order; decreasing ones are fastest.

    `y` (n,) is as `features.target` gives it, `penalty` for the given X and y.
    """
    unit = outside(largest(y), np.finfo(np.float64))
    y, to_w = y / unit, unit / features.scale
    units = penalty.in_units(features.scale, unit)
    w = np.zeros(features.shape[1]) if start is None else np.asarray(start, np.float64) / to_w
    w = np.clip(w, units.lower, units.upper)
    kind = WholeGram if features.whole else WorkingSet
    problem = kind(features, y, units, w)
    yy = y @ y
    for k, alpha in enumerate(alphas):
        following = alphas[k + 1] if k + 1 < len(alphas) else None
        n_iter, gap = problem.solve(float(alpha), following, max_iter)
        support, coef = problem.coefficients()
        converged = gap <= max(tol * yy, 0)
        with np.errstate(over="ignore", invalid="ignore"):
            yield Point(float(alpha), support, coef * to_w, gap * unit**2, n_iter, bool(converged))


def alpha_max(features, y, penalty):
    """The smallest alpha for which no penalized coefficient moves from its place next to zero."""
    if not np.any((penalty.l1 > 0) & (penalty.l1 < np.inf)):
        return 0.0
    unit = outside(largest(y), np.finfo(np.float64))
    units = penalty.in_units(features.scale, unit)
    y = y / unit
    free = np.flatnonzero(((units.l1 == 0) | (units.lower > 0) | (units.upper < 0)) & (features.square_norms > 0))
    r = y
    if len(free):
        held = Penalty(*(a.copy() for a in units))
        held.l1[units.l1 > 0] = np.inf
        w = np.clip(np.zeros(len(held.l1)), held.lower, held.upper)
        problem = WorkingSet(features, y, held, w)
        problem.solve(0.0, None, 1000)
        r = problem.residual
    c = features.gradient(r)
    side = sides(units, features.square_norms)
    scores = np.empty(len(c))
    return float(judge(c, positive(units.l1), side, scores))


def sides(penalty, square_norms):
    """Which signs the features outside of a working set may take: bit 1 plus, bit 2 minus."""
    can = (penalty.l1 > 0) & (penalty.l1 < np.inf) & (square_norms > 0)
    up, down = penalty.upper > 0, penalty.lower < 0
    return (can * (up + 2 * down)).astype(np.int8)


def positive(l1):
    """l1 without zeros, which are never divided by."""
    return np.where(l1 > 0, l1, 1.0)


class Quadratic:
    """The quadratic problem of some features, and the buffers of its solver."""

    def __init__(self, y, size, samples, noise):
        self.yy, self.m, self.noise, self.samples = float(y @ y), 0, noise, samples
        self.vectors = np.zeros((7, 0))
        self.Q = np.zeros((0, 0))
        self.l2_of_factor = None
        self.grow(size)

    def grow(self, size):
        """Make room for that many features; the factor starts anew."""
        vectors, Q, m = self.vectors, self.Q, self.m
        self.vectors, self.Q = np.zeros((7, size)), np.empty((size, size))
        self.vectors[:, :m], self.Q[:m, :m] = vectors[:, :m], Q[:m, :m]
        self.q, self.w, self.g, self.l1, self.l2, self.lower, self.upper = self.vectors
        free = min(size, self.samples + SPARE)
        self.R = np.empty((free, free), order="F")
        self.Z, self.M = np.empty((free, GONE), order="F"), np.empty((GONE, GONE), order="F")
        self.order, self.place = np.zeros(free, np.int32), np.full(size, -1, np.int32)
        self.gone, self.counts = np.zeros(GONE, np.int32), np.zeros(2, np.int32)
        self.new, self.work = np.zeros(size, np.int32), np.empty((4, size))
        self.given_up = np.zeros(1, np.int32)

    def penalty(self, alpha):
        """The `Penalty` at alpha of the features that are in."""
        m = self.m
        with np.errstate(invalid="ignore"):
            l1 = np.where(self.l1[:m] < np.inf, alpha * self.l1[:m], np.inf)
        return Penalty(l1, alpha * self.l2[:m], self.lower[:m], self.upper[:m])

    def minimize(self, penalty, max_iter):
        """Find w; return the steps taken and whether they ended by themselves."""
        m = self.m
        if m == 0:
            return 0, True
        if self.l2_of_factor is None or not np.array_equal(self.l2_of_factor, penalty.l2[:len(self.l2_of_factor)]):
            self.counts[:], self.place[:] = 0, -1
        self.l2_of_factor = penalty.l2
        diagonal = self.Q.diagonal()[:m].max()
        return minimize(
            self.Q, self.q, *penalty, self.w[:m], self.g[:m], self.R, self.Z, self.M, self.order,
            self.place, self.gone, self.counts, self.new, self.work,
            10 * min(m, len(self.R)) * EPS * diagonal, self.noise, max_iter, self.given_up,
        )  # fmt: skip


class WholeGram(Quadratic):
    """All features, by their Gram matrix: residuals are known without looking at samples."""

    def __init__(self, features, y, penalty, w):
        Q, q = features.gram_and_products(y)
        noise = NOISE * EPS * np.sqrt(Q.diagonal().max(initial=0) * (y @ y))
        super().__init__(y, 0, len(y), noise)
        self.m = len(q)
        self.grow_to(Q, q, penalty, w)

    def grow_to(self, Q, q, penalty, w):
        p = self.m
        self.m = 0
        self.grow(p)
        self.m, self.Q = p, np.ascontiguousarray(Q, np.float64)
        for own, given in zip(self.vectors, (q, w, q, *penalty), strict=True):
            own[:] = given

    def solve(self, alpha, _, max_iter):
        """Return the steps taken and the duality gap."""
        penalty = self.penalty(alpha)
        n_iter, _ = self.minimize(penalty, max_iter)
        q, w, g = self.q, self.w, self.g
        square, product = self.yy - w @ (q + g), self.yy - q @ w
        return n_iter, duality_gap(max(square, 0.0), product, g, w, penalty, 0.0)

    def coefficients(self):
        """Support and coefficients."""
        support = np.flatnonzero(self.w)
        return support, self.w[support]


class WorkingSet(Quadratic):
    """The features that ever came in, and what is known of the others."""

    def __init__(self, features, y, penalty, w):
        norms2 = features.square_norms
        noise = NOISE * EPS * np.sqrt(norms2.max(initial=0) * (y @ y))
        super().__init__(y, FIRST_SIZE, len(y), noise)
        self.features, self.y, self.all = features, y, penalty
        self.norm, self.side = np.sqrt(norms2), sides(penalty, norms2)
        self.positive_l1 = positive(penalty.l1)
        least = np.min(penalty.l1, where=penalty.l1 > 0, initial=np.inf)
        self.slack = noise / least
        self.start = w
        self.index = np.empty(FIRST_SIZE, np.int64)
        self.scores = np.zeros(len(w))
        self.doubtful = np.empty(len(w), np.int32)
        self.block = None
        self.reference = None
        self.last = np.inf
        inside = ((penalty.l1 == 0) | (w != 0)) & (norms2 > 0)
        self.admit(np.flatnonzero(inside), w[inside])
        self.residual = self.current_residual()

    def solve(self, alpha, following, max_iter):
        """Return the steps taken and the duality gap."""
        if self.reference is None:
            self.last = max(self.check(self.residual, 0.0), alpha)
        strong = alpha if following is None else min(alpha, 2 * following - alpha)
        self.admit_best(2 * alpha - self.last)
        n_iter, penalty = 0, None
        for _ in range(ROUNDS):
            penalty = self.penalty(alpha)
            done, _ = self.minimize(penalty, max_iter)
            n_iter += done
            self.residual = self.current_residual()
            largest_score = self.check(self.residual, strong)
            enough = alpha * (1 + 1e-9) + self.slack
            if largest_score <= enough or n_iter >= max_iter:
                break
            self.admit_best(enough)
        self.last = alpha
        r = self.residual
        others = max(largest_score / alpha if alpha > 0 else (np.inf if largest_score > 0 else 0.0), 0)
        m = self.m
        gap = duality_gap(r @ r, r @ self.y, self.g[:m], self.w[:m], penalty, others)
        return n_iter, gap

    def coefficients(self):
        """Support and coefficients."""
        index, w = self.index[: self.m], self.w[: self.m]
        kept = np.flatnonzero(w)
        kept = kept[np.argsort(index[kept])]
        return index[kept], w[kept]

    # Which features are in ---------------------------------------------------------------------

    def check(self, r, threshold):
        """Set the scores of the features outside that may reach a threshold; return the largest."""
        features, norm, l1 = self.features, self.norm, self.positive_l1
        if self.reference is not None and features.columns is not None:
            r0, c0, square = self.reference
            s = (r @ r0) / square if square > 0 else 0.0
            distance = np.linalg.norm(r - s * r0)
            count = in_doubt(c0, s, norm, distance, l1, self.side, threshold, self.doubtful)
            if MANY * count <= len(norm):
                self.scores[:] = 0
                v, taken = features.weighed(r)
                which = self.doubtful[:count]
                return judge_some(*features.columns, v, taken, which, l1, self.side, self.scores)
        c = features.gradient(r)
        self.reference = r, c, r @ r
        return judge(c, l1, self.side, self.scores)

    def admit_best(self, least):
        """Let in the features whose scores reach `least`, the best ones if these are many."""
        which = np.flatnonzero(self.scores >= least) if least > 0 else np.flatnonzero(self.scores)
        most = max(FEWEST, 2 * np.count_nonzero(self.w[: self.m]))
        if len(which) > most:
            best = np.argpartition(self.scores[which], len(which) - most)[-most:]
            which = which[best]
        self.admit(which, 0.0)

    def admit(self, which, w):
        """Let in features with coefficients w."""
        if len(which) == 0:
            return
        m, end = self.m, self.m + len(which)
        if end > len(self.q):
            self.grow(max(end, 2 * len(self.q)))
            self.index = np.concatenate([self.index[:m], np.empty(len(self.q) - m, np.int64)])
        new = slice(m, end)
        self.index[new] = which
        block = self.features.block(which)
        self.q[new] = self.inner(block, which)
        self.w[new] = w
        for own, given in zip((self.l1, self.l2, self.lower, self.upper), self.all, strict=True):
            own[new] = given[which]
        self.side[which] = 0
        self.scores[which] = 0
        self.append(block, which, new)
        self.m = end

    def inner(self, block, which):
        """The products of a block with y."""
        out = block.T @ self.y
        if self.features.sparse:
            root = self.features.root_weight
            out = out - self.features.shift[which] * (root @ self.y)
        return out

    def append(self, block, which, new):
        """Put new columns beside the others, and their products into the Gram matrix."""
        features, m = self.features, new.start
        if features.sparse:
            self.block = block if m == 0 else sparse.hstack([self.block, block], format="csc")
            Q = (self.block.T @ block).toarray()
            total = features.root_weight @ features.root_weight
            Q -= np.outer(total * features.shift[self.index[: new.stop]], features.shift[which])
        else:
            if self.block is None or new.stop > self.block.shape[1]:
                room = np.empty((len(self.y), len(self.q)), order="F")
                if m:
                    room[:, :m] = self.block[:, :m]
                self.block = room
            self.block[:, new] = block
            Q = self.block[:, : new.stop].T @ block
        self.Q[: new.stop, new] = Q
        self.Q[new, :m] = Q[:m].T

    def current_residual(self):
        """y - Xw from the columns that are in."""
        m = self.m
        if m == 0:
            return self.y
        w, features = self.w[:m], self.features
        if features.sparse:
            return self.y - self.block @ w + features.root_weight * (features.shift[self.index[:m]] @ w)
        return self.y - self.block[:, :m] @ w
