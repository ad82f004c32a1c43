"""Solutions of sparse models along alpha, each exact and each with its duality gap.

Where the whole Gram matrix is cheap, `quadratic.minimize` has all features. Else a working set
holds those that ever came in; its Gram matrix grows with it. A feature outside comes in where its
product with the residual asks for it, and before that, by the sequential strong rule, where it
would at the next alpha if products moved with alpha at most. All others are checked against each
solution, most of them without being read (see `sparse_screening`).

Sources: Friedman, Hastie and Tibshirani, J. Stat. Softw. 33 (2010); Tibshirani et al., JRSS-B 74
(2012), the strong rule; Massias, Gramfort and Salmon, ICML (2018), working sets.
"""

from typing import NamedTuple

import numpy as np

from skreg._solvers.descent import ResidualForm
from skreg._solvers.penalty import Penalty
from skreg._solvers.quadratic import EPS, NOISE, GramForm, WholeGram
from skreg._solvers.scaling import unit as unit_of
from skreg._solvers.sparse_gap import duality_gap
from skreg._solvers.sparse_screening import Outside
from skreg._solvers.threads import is_given_up

FEWEST = 128  # features that come in at a time, at most, or as many as have coefficients
SMALL = 1000  # samples or features of sparse data whose supports have cheap Gram matrices
LAST = 10_000  # steps for what no penalty holds
ROUNDING = 1e-14  # share of y'y below which a gap tells nothing
SHARE = 0.5  # of the tolerance that descent aims at: the gap is then within tol y'y / 2
EXACT = 1e-9  # share of alpha by which a score may exceed it


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
    unit = unit_of(y)
    y, to_w = y / unit, unit / features.scale
    units = penalty.in_units(features.scale, unit)
    w = np.zeros(features.shape[1]) if start is None else np.asarray(start, np.float64) / to_w
    problem = problem_of(features, y, units, np.clip(w, units.lower, units.upper), tol)
    for k, alpha in enumerate(alphas):
        following = alphas[k + 1] if k + 1 < len(alphas) else None
        n_iter, gap = problem.solve(float(alpha), following, max_iter)
        support, coef = problem.coefficients()
        converged = bool(gap <= max(tol, ROUNDING) * problem.yy)
        with np.errstate(over="ignore", invalid="ignore"):  # which must not last beyond a yield
            coef, gap = coef * to_w, gap * unit * unit
        yield Point(float(alpha), support, coef, gap, n_iter, converged)


def certified(features, y, penalty, point, tol):
    """The point with the gap that the samples show, where it was found without them."""
    if not features.whole:
        return point
    unit = unit_of(y)
    y, to_w = y / unit, unit / features.scale
    units = penalty.in_units(features.scale, unit)
    w = np.zeros(features.shape[1])
    w[point.support] = point.coef / to_w
    r, g = features.residual_and_gradient(y, w)
    at = Penalty(point.alpha * units.l1, point.alpha * units.l2, units.lower, units.upper)
    gap = duality_gap(
        r @ r, r @ y, g, w, at.holding(features.square_norms == 0), 0.0,
        lambda: np.sqrt(features.square_norms),
    )  # fmt: skip
    converged = bool(gap <= max(tol, ROUNDING) * (y @ y))
    with np.errstate(over="ignore", invalid="ignore"):
        return point._replace(gap=gap * unit * unit, converged=converged)


def reads_columns(features):
    """Whether descent on the columns themselves suits the problem."""
    return features.sparse and not features.whole and min(features.shape) > SMALL


def problem_of(features, y, penalty, w, tol):
    """The problem in the form that suits it, to be started from w."""
    if features.whole:
        return Whole(features, y, penalty, w)
    return Working(features, y, penalty, w, tol)


def alpha_max(features, y, penalty):
    """The smallest alpha at which all penalized coefficients are as near to zero as bounds let."""
    unit = unit_of(y)
    y, units = y / unit, penalty.in_units(features.scale, unit)
    held = units.l1 > 0
    nearest = np.clip(np.zeros(len(held)), units.lower, units.upper)
    r = y
    if nearest.any() or not held.all():
        problem = Working(features, y, units.holding(held), nearest, 0.0)
        problem.solve(0.0, None, LAST)
        r = problem.form.residual()
    # A coefficient at a bound beside zero is held by the square's slope there, too.
    nearest[~held] = 0
    l1, (lower, upper) = units.l1 + units.l2 * np.abs(nearest), np.subtract(units[2:], nearest)
    everybody = Outside(features, Penalty(l1, units.l2, lower, upper))
    found = float(everybody.judge(r, 0.0))
    # Where unpenalized features fit all there is, what the others could add is rounding.
    noise = NOISE * EPS * np.sqrt(y @ y) * everybody.norm / everybody.l1
    return found if found > np.max(noise[everybody.side > 0], initial=0.0) else 0.0


class Whole:
    """All features in one quadratic problem."""

    def __init__(self, features, y, penalty, w):
        self.form, self.yy = WholeGram(features, y, penalty, w), y @ y

    def solve(self, alpha, _, max_iter):
        """Return the steps taken and the duality gap."""
        form = self.form
        penalty = form.penalty(alpha)
        n_iter = form.minimize(alpha, penalty, max_iter)
        square, product = form.sizes()
        return n_iter, duality_gap(
            square, product, form.products(), form.w, penalty, 0.0, form.norms
        )

    def coefficients(self):
        """Support and coefficients."""
        support = np.flatnonzero(self.form.w)
        return support, self.form.w[support]


class Working:
    """A working set, and the features outside of it."""

    def __init__(self, features, y, penalty, w, tol):
        self.features, self.y, self.tol, self.yy = features, y, tol, y @ y
        empty = features.square_norms == 0
        penalty = penalty.holding(empty)
        w = np.clip(w, penalty.lower, penalty.upper)
        self.outside, self.last = Outside(features, penalty), None
        if reads_columns(features):
            self.form = ResidualForm(features, y, penalty, tol)
        else:
            self.form = GramForm(features, y, penalty)
        inside = np.flatnonzero(((penalty.l1 == 0) & ~empty) | (w != 0))
        self.admit(inside, w[inside])

    def admit(self, which, w=0.0):
        """Let features in."""
        if len(which):
            self.outside.leave(which)
            self.form.admit(which, w)

    def solve(self, alpha, following, max_iter):
        """Return the steps taken and the duality gap."""
        form, n_iter = self.form, 0
        strong = alpha if following is None else min(alpha, 2 * following - alpha)
        if self.last is None:
            self.last = max(alpha, self.outside.judge(form.residual(), 0.0))
        self.admit(self.outside.best(2 * alpha - self.last, self.most()))
        self.last = alpha
        while True:
            penalty = form.penalty(alpha)
            n_iter += form.minimize(alpha, penalty, max_iter - n_iter)
            r = form.residual()
            score = self.outside.judge(r, strong)
            gap = duality_gap(
                r @ r, r @ self.y, form.products(), form.w, penalty, over(score, alpha), form.norms
            )
            complete = score <= alpha * (1 + EXACT)
            over_with = n_iter >= max_iter or is_given_up()
            if over_with or gap <= self.enough(complete, alpha):
                return n_iter, gap
            new = self.outside.best(alpha * (1 + EXACT), self.most())
            self.admit(new)
            if len(new) == 0:
                if form.exact:
                    return n_iter, gap
                form.enough /= 2

    def enough(self, complete, alpha):
        """The gap at which to stop."""
        if self.form.exact and not complete and alpha > 0:
            return -1.0  # but without a penalty, rounding asks for all features there are
        return max(SHARE * self.tol, ROUNDING) * self.yy

    def most(self):
        """How many features may come in at once."""
        return max(min(FEWEST, len(self.y)), np.count_nonzero(self.form.w))

    def coefficients(self):
        """Support and coefficients."""
        form = self.form
        kept = np.flatnonzero(form.w)
        kept = kept[np.argsort(form.index[kept])]
        return form.index[kept], form.w[kept]


def over(score, alpha):
    """The largest score beside alpha."""
    return score / alpha if alpha > 0 else (np.inf if score > 0 else 0.0)
