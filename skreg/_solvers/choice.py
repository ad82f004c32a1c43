"""The choice of alpha by a rule: globally on a grid, then locally between its points.

Scores such as generalized cross-validation may have several minima, so the grid comes first and
only the cells beside its best point are searched further, by golden sections: a bracketing
search takes scores that are infinite, or have a kink, as they come.
"""

from typing import NamedTuple

import numpy as np

from skreg._solvers.filters import DESCENDING, truncated_svd
from skreg._solvers.rules import RULES, Rule

GRID_SIZE = 100  # of "auto"
MARGIN = 1e3  # factor by which the grid exceeds the squares of the singular values
MOST_STEPS = 2.0**53  # of Landweber: beyond, a float counts no more in ones
TOLERANCE = 1e-4  # of log(alpha); a score is flat at its minimum, digits beyond do not count
FLAT = 1e-6  # gain, beside the score, that is not worth a smaller alpha
_LIMITS = np.finfo(float).tiny, np.finfo(float).max
GOLDEN = (np.sqrt(5) - 1) / 2


class Choice(NamedTuple):
    """The alphas chosen, and the scores that they were chosen by."""

    alpha: np.ndarray  # (t,)
    index: np.ndarray | None  # (t,), into alphas; None where alpha lies between them
    scores: np.ndarray  # (A, t), the smaller the better
    alphas: np.ndarray  # (A,)
    edge: list  # per target "lower", "upper" or None: whether alpha is an end of the alphas
    found: np.ndarray  # (t,), False where no alpha has a finite score


def choose(spectrum, rule, alphas="auto", *, per_target=True, between=True, **options):
    """Choose alpha for each target, or with per_target=False the best on average for all.

    `rule` is a `Rule`, or the name of one in `RULES`, `options` are its keyword arguments.
    `alphas` are the candidates, or how many to take from the range of the spectrum; "auto" also
    goes further down where the smallest is the best, and, with `between`, searches between them.
    Equal scores go to the stronger regularization. Where no score is finite the strongest is
    taken, or the weakest, as the rule's `fallback` says.
    """
    refined = isinstance(alphas, str)
    if refined or np.ndim(alphas) == 0:
        alphas = grid(spectrum, None if refined else int(alphas))
    alphas = np.asarray(alphas, np.float64)
    entry = rule if isinstance(rule, Rule) else RULES[rule]

    def score(values):
        return entry.score(spectrum, values, **options)

    def judged(scores):
        return scores if per_target else scores.mean(axis=1, keepdims=True)

    flat = False
    if refined and spectrum.filter not in DESCENDING:
        alphas, scores, flat = _extended(spectrum, alphas, score, judged)
    else:
        scores = score(alphas)
    index, found = _best(spectrum, alphas, judged(scores), entry.fallback)
    alpha = alphas[index]
    if refined and between and spectrum.filter is not truncated_svd:
        nearer = _refine(lambda values: judged(score(values)), spectrum, alphas, index)
        alpha = np.where(found, nearer, alpha)
    targets = scores.shape[1]
    alpha, index, found = (np.broadcast_to(a, targets).copy() for a in (alpha, index, found))
    each = np.broadcast_to(judged(scores), scores.shape).T
    seen = alphas[index] if entry.interior else alpha
    edge = [
        _edge(spectrum, a, alphas, one < np.inf if entry.interior else slice(None), flat=flat)
        for a, one in zip(seen, each, strict=True)
    ]
    on_grid = np.array_equal(alphas[index], alpha)
    return Choice(alpha, index if on_grid else None, scores, alphas, edge, found)


def grid(spectrum, size=None):
    """Candidates from the range of the spectrum, increasing; `size` of them, 100 by default.

    Truncated SVD may keep 1, ..., r components, Landweber's counts of steps are whole numbers:
    of these, at most `size`.
    """
    s = spectrum.s if len(spectrum.s) else np.ones(1)
    ratio = s[0] / s[-1]
    if spectrum.filter is truncated_svd:
        if size is None or size >= len(s):
            return np.arange(1.0, len(s) + 1)
        return np.unique(np.round(np.geomspace(1, len(s), size)))
    size = GRID_SIZE if size is None else size
    if spectrum.filter in DESCENDING:
        steps = np.exp(min(2 * np.log(ratio) + np.log(MARGIN), np.log(MOST_STEPS)))
        return np.unique(np.round(np.geomspace(1, steps, size)))
    # In logarithms, because squares of singular values in extreme units are out of range.
    low, high = 2 * np.log([s[-1], s[0]]) + np.log([1 / MARGIN, MARGIN])
    if _spares_few(spectrum):
        # With few samples to spare, least squares leaves next to no residual, and small scores
        # there are chance. The rounding errors of s_max^2 bound what a penalty may be good for.
        low = max(low, 2 * np.log(s[0]) + np.log(np.finfo(float).eps))
    return np.exp(np.linspace(*np.clip([low, high], *np.log(_LIMITS)), size))


def _best(spectrum, alphas, scores, fallback):
    """Index of the smallest score of each column, and whether it is finite."""
    strongest_first = np.argsort(alphas, kind="stable")
    if spectrum.filter not in DESCENDING:
        strongest_first = strongest_first[::-1]
    found = (scores < np.inf).any(axis=0)
    best = strongest_first[scores[strongest_first].argmin(axis=0)]
    otherwise = strongest_first[0 if fallback == "strong" else -1]
    return np.where(found, best, otherwise), found


def _refine(score, spectrum, alphas, index):
    """Search the two cells beside the best alpha of each column; never worse than that alpha."""

    def value(values):
        return score(values if len(values) == 1 else values[None])[0]

    logs = np.log(alphas)
    low, high = logs[np.maximum(index - 1, 0)], logs[np.minimum(index + 1, len(logs) - 1)]
    between = np.exp(_golden_section(lambda logs: value(np.exp(logs)), low, high))
    whole = spectrum.filter in DESCENDING  # no half steps
    best, least = alphas[index], value(alphas[index])
    for candidate in (np.floor(between), np.ceil(between)) if whole else (between,):
        result = value(candidate)
        best, least = np.where(result < least, (candidate, result), (best, least))
    return best


def _golden_section(value, low, high):
    """Minimize columns of a function with one minimum each, between low and high."""
    left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    at_left, at_right = value(left), value(right)
    while np.max(high - low) > TOLERANCE:
        down = at_left <= at_right
        low, high = np.where(down, low, left), np.where(down, right, high)
        new = np.where(down, high - GOLDEN * (high - low), low + GOLDEN * (high - low))
        at_new = value(new)
        left, right = np.where(down, new, right), np.where(down, left, new)
        at_left, at_right = np.where(down, at_new, at_right), np.where(down, at_left, at_new)
    return np.where(at_left <= at_right, left, right)


def _extended(spectrum, alphas, score, judged):
    """The grid, with smaller alphas as long as these are better, its scores, and whether flat.

    Flat are scores whose best is that of the smallest alpha, where smaller ones gain next to
    nothing. Below the floor they would be lost in rounding errors; with few samples to spare even
    before, see `grid`.
    """
    scores, flat = score(alphas), False
    size = spectrum.s[0] if len(spectrum.s) else 0.0
    with np.errstate(under="ignore", over="ignore"):
        floor = np.clip(size * size * np.finfo(float).eps, *_LIMITS)
    while alphas[0] > floor and not flat and not _spares_few(spectrum):
        each = judged(scores)
        first = (each.argmin(axis=0) == 0) & (each[0] < np.inf)
        if not first.any():
            break
        ratio = alphas[0] / alphas[1]
        lower = alphas[0] * ratio ** np.arange(len(alphas) // 2, 0, -1)
        lower = lower[lower >= floor * ratio]
        more = score(lower)
        gain = each[0] - judged(more).min(axis=0)
        flat = not np.any(first & (gain > FLAT * np.abs(each[0])))
        if not flat:
            alphas, scores = np.append(lower, alphas), np.concatenate([more, scores])
    return alphas, scores, flat


def _spares_few(spectrum):
    """Whether there are too few samples to tell small residuals from chance."""
    return spectrum.n_samples - spectrum.free < 2 * len(spectrum.s)


def _edge(spectrum, alpha, alphas, told, *, flat):
    """Which end of the alphas that are told this one is, if any, with something to gain beyond."""
    among = alphas[told]
    if len(alphas) == 1 or len(among) == 0 or among.min() < alpha < among.max():
        return None
    if spectrum.filter is truncated_svd and alpha >= len(spectrum.s):
        return None
    if alpha > among.min():
        return "upper"
    return None if flat else "lower"
