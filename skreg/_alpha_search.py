"""The search for alpha, as the cross-validated estimators share it.

A `Criterion` measures alphas: by a rule on the spectrum, by a scorer that sees leave-one-out
predictions, or by folds. Inside, the smaller loss is the better one; what users read is the
score, minus the loss, as in scikit-learn. Losses have one column a target, or a single one where
all targets get the same alpha.
"""

import warnings
from collections.abc import Callable
from numbers import Integral, Real
from typing import NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skreg._solvers import choice
from skreg._solvers.filters import DESCENDING
from skreg._solvers.leave_one_out import mean_squares
from skreg._solvers.rules import RULES, Rule
from skreg._validation import Interval, StrOptions, params_of_rows, safe_indexing

# Rules whose values are squares of y's unit, so that they scale with y.
QUADRATIC = ("loo", "gcv", "modified_gcv", "robust_gcv", "upre", "discrepancy")
NEEDS_NOISE = ("discrepancy",)
TAKES_NOISE = ("discrepancy", "upre")
PREDICTIONS = 2**23  # leave-one-out predictions held at a time for a scorer: 64 MB

# What estimators that search for alpha declare of their parameters.
CONSTRAINTS = {
    "alphas": [
        "array-like",
        Interval(Integral, 1, None, closed="left"),
        Interval(Real, 0, None, closed="neither"),
        StrOptions({"auto"}),
    ],
    "rule": [StrOptions(set(RULES))],
    "noise_std": [Interval(Real, 0, None, closed="neither"), "array-like", None],
    "choose": [StrOptions({"min", "one_se"})],
}


class Measured(NamedTuple):
    """Losses (n_alphas, T) at some alphas, with T = 1 where the targets share them."""

    loss: np.ndarray
    std_error: np.ndarray | None = None  # the same shape
    splits: np.ndarray | None = None  # (n_splits, n_alphas, T)


class Criterion(NamedTuple):
    """What alphas are judged by."""

    name: str  # as the user asked for it, such as "rule='gcv'"
    measure: Callable  # alphas (n_alphas,) or (n_alphas, T) -> Measured
    tested: bool = True  # whether the loss is one on samples held out
    fallback: str = "strong"  # the end of the alphas to take where no loss is finite
    interior: bool = False  # a minimum beside an infinite loss is none
    scale: float | np.ndarray = 1.0  # of losses as users see them, number or (T,)


class Found(NamedTuple):
    """The alphas found, each array (T,)."""

    alpha: np.ndarray
    score: np.ndarray
    results: dict  # by what name users know it
    choice: choice.Choice  # of the least loss, whatever was made of it


# Parameters -------------------------------------------------------------------------------------


def check_alphas(alphas, *, positive):
    """Return "auto", the number of candidates, or the candidates as a float64 array."""
    if isinstance(alphas, str):
        return alphas
    if isinstance(alphas, Integral) and not isinstance(alphas, bool):
        if alphas == 1:
            raise ValueError(
                "alphas=1 is a number of candidates, which leaves no choice: give 1.0 or [1.0] "
                "for that alpha, or an int of at least 2."
            )
        return alphas
    values = np.atleast_1d(np.asarray(alphas, dtype=np.float64))
    if values.ndim > 1:
        raise ValueError(
            f"alphas has shape {values.shape}: give one list of candidates, which all targets "
            f"share."
        )
    if len(values) == 0:
        raise ValueError("alphas is empty: give at least one, an int, or 'auto'.")
    wrong = ~(np.isfinite(values) & ((values > 0) if positive else (values >= 0)))
    if wrong.any():
        index = np.flatnonzero(wrong)[0]
        bound = "> 0.0 for leave-one-out errors (pass cv= to try 0)" if positive else ">= 0.0"
        raise ValueError(f"alphas[{index}] == {values[index]}, must be finite and {bound}.")
    return values


def check_rule(rule, *, filter="tikhonov", choose="min", noise_std=None, scoring=None, cv=None):
    """Raise where parameters of a search do not go together."""
    entry = RULES[rule]
    if rule != "loo" and (cv is not None or scoring is not None):
        other = "cv" if cv is not None else "scoring"
        raise ValueError(
            f"rule={rule!r} needs no test samples, but {other} was given: use rule='loo', or "
            f"{other}=None."
        )
    if entry.tikhonov_only and cv is None and filter != "tikhonov":
        raise ValueError(
            f"rule={rule!r} is for filter='tikhonov' only, not filter={filter!r}: use another "
            f"rule, such as 'gcv', or cv= for folds."
        )
    if entry.smooth_only and filter == "truncated_svd":
        raise ValueError(
            f"rule={rule!r} needs a filter that is smooth in alpha, not filter={filter!r}: use "
            f"another rule, such as 'gcv'."
        )
    if choose == "one_se" and cv is None and (rule != "loo" or scoring is not None):
        raise ValueError(
            f"choose='one_se' needs a standard error, which rule={rule!r} with "
            f"scoring={scoring!r} does not have: use choose='min', rule='loo' without scoring, "
            f"or cv=."
        )
    if rule in NEEDS_NOISE and noise_std is None:
        raise ValueError(
            f"rule={rule!r} needs noise_std, the standard deviation of the noise in y, but it is "
            f"None: give it, or use a rule without it, such as 'gcv'."
        )


def check_noise(noise_std, n_targets):
    """None, or the noise of each target (n_targets,)."""
    if noise_std is None:
        return None
    noise = np.asarray(noise_std, dtype=np.float64).ravel()
    if len(noise) not in (1, n_targets) or not np.all(np.isfinite(noise) & (noise > 0)):
        raise ValueError(
            f"noise_std must be one positive number, or one for each of {n_targets} targets; "
            f"got {noise_std!r}."
        )
    return np.broadcast_to(noise, n_targets)


# Criteria ---------------------------------------------------------------------------------------


def by_rule(spectrum, rule, *, per_target, noise_std=None, unit=1.0):
    """Judge by a rule in `RULES`. The spectrum's target times `unit` (number or (T,)) is y."""
    entry = RULES[rule]
    options = {}
    if rule in TAKES_NOISE:
        options["noise_std"] = None if noise_std is None else np.asarray(noise_std) / unit

    def measure(alphas):
        if rule == "loo":
            mean, error = mean_squares(spectrum, alphas, per_target=per_target)
            return Measured(mean, error)
        loss = entry.score(spectrum, alphas, **options)
        return Measured(loss if per_target else loss.mean(axis=1, keepdims=True))

    scale = 1.0
    if rule in QUADRATIC:
        with np.errstate(over="ignore", under="ignore"):
            scale = np.square(unit)
    tested = rule == "loo"
    return Criterion(f"rule={rule!r}", measure, tested, entry.fallback, entry.interior, scale)


def by_predictions(spectrum, y, scores, *, unit=1.0):
    """Judge by `scores`, a `Scores`, of leave-one-out predictions of y (n, t)."""
    rows = np.flatnonzero(spectrum.root_weight)  # others are not there
    step = max(1, PREDICTIONS // y.size)

    def measure(alphas):
        parts = (alphas[start : start + step] for start in range(0, len(alphas), step))
        losses = (scores(predicted(spectrum, y, part, unit)[rows], rows) for part in parts)
        return Measured(np.concatenate(list(losses)))

    return Criterion(f"scoring={scores.scorer!r}", measure)


def predicted(spectrum, y, alphas, unit=1.0):
    """Leave-one-out predictions (n, n_alphas, t)."""
    return y[:, None, :] - spectrum.loo_residuals(alphas) * unit


def by_folds(folds, name="cv"):
    """Judge by folds: functions alphas -> losses (n_alphas, T), all of the same weight."""

    def measure(alphas):
        splits = np.stack([losses(alphas) for losses in folds])
        error = None
        if len(splits) > 1:
            error = splits.std(axis=0, ddof=1) / np.sqrt(len(splits))
        return Measured(splits.mean(axis=0), error, splits)

    return Criterion(name, measure)


class Scores:
    """Minus the scores that a scorer gives to predictions: losses (n_alphas, T).

    `stand_in` is an estimator with predictions `known` for `rows`, else it returns those that it
    is given. With `X`, an array or a frame, the scorer sees the rows of that, without it
    predictions in its place. Predictions of one target are `flat`, or a column. `params` are
    keyword arguments of the scorer; arrays with one entry a sample are cut to the rows.
    """

    def __init__(self, scorer, stand_in, y, *, X=None, flat=True, per_target=False, params=None):
        self.scorer, self.stand_in, self.y, self.X = scorer, stand_in, y, X
        self.flat, self.per_target, self.params = flat, per_target, params or {}

    def __call__(self, predictions, rows):
        """Losses of predictions (n_rows, n_alphas, t) for these rows."""
        y = safe_indexing(self.y, rows)
        params = params_of_rows(self.y, self.params, indices=rows)
        X = None if self.X is None else safe_indexing(self.X, rows)
        return np.array(
            [[-self._score(X, p, t, params) for p, t in self._targets(one, y)]
             for one in np.moveaxis(predictions, 1, 0)],
            dtype=np.float64,
        )  # fmt: skip

    def _targets(self, prediction, y):
        """Pairs of prediction and truth to be scored: one of all targets, or one of each."""
        if self.flat and prediction.shape[1] == 1:
            return [(prediction[:, 0], y)]
        if not self.per_target:
            return [(prediction, y)]
        columns = range(prediction.shape[1])
        return [(prediction[:, k], safe_indexing(y, k, axis=1)) for k in columns]

    def _score(self, X, prediction, y, params):
        self.stand_in.rows, self.stand_in.known = X, None if X is None else prediction
        score = self.scorer(self.stand_in, prediction if X is None else X, y, **params)
        if not isinstance(score, Real):
            raise ValueError(f"scoring must give one number; {self.scorer!r} gave {score!r}.")
        return float(score)


# The search -------------------------------------------------------------------------------------


def search(spectrum, alphas, criterion, *, choose="min"):
    """Find the alphas of least loss, or with "one_se" the strongest within its standard error."""
    given, seen = np.ndim(alphas) > 0, []

    def score(_, values):
        measured = criterion.measure(values)
        seen.append(measured)
        return np.where(np.isnan(measured.loss), np.inf, measured.loss)

    rule = Rule(score, fallback=criterion.fallback, interior=criterion.interior)
    found = choice.choose(spectrum, rule, alphas, between=choose != "one_se")
    measured = grid = on_grid(seen, len(found.alphas))
    alpha = found.alpha
    if choose == "one_se":
        if measured.std_error is None:
            raise ValueError(
                f"choose='one_se' needs a standard error, but {criterion.name} has a single "
                f"split: use choose='min', or more splits."
            )
        index = one_standard_error(measured, found, spectrum.filter in DESCENDING)
        alpha = found.alphas[index]
    elif given and criterion.tested:  # scikit-learn takes the first of equal scores
        index = np.where(np.isnan(measured.loss), np.inf, measured.loss).argmin(axis=0)
        alpha = np.where(found.found, found.alphas[index], alpha)
    elif found.index is not None:
        index = found.index
    else:
        index, measured = 0, criterion.measure(alpha[None])
    with np.errstate(over="ignore"):  # a square in y's unit may be beyond the largest number
        score = -measured.loss[index, np.arange(len(alpha))] * criterion.scale
        return Found(alpha, score, results(found.alphas, grid, criterion), found)


def on_grid(seen, size):
    """What was measured on a grid of that size, of which the smaller alphas came later."""
    measured = seen[0]
    for lower in seen[1:]:
        if len(measured.loss) == size:
            break
        parts = zip(lower, measured, (0, 0, 1), strict=True)
        measured = Measured(*(a if a is None else np.append(a, b, axis) for a, b, axis in parts))
    return measured


def one_standard_error(measured, found, descending):
    """Index of the most regularized alpha whose loss is within an error of the least one."""
    loss = np.where(np.isnan(measured.loss), np.inf, measured.loss)
    targets = np.arange(loss.shape[1])
    error = measured.std_error
    limit = loss[found.index, targets] + np.nan_to_num(error[found.index, targets])
    strength = found.alphas if not descending else -found.alphas
    return np.where(loss <= limit, strength[:, None], -np.inf).argmax(axis=0)


def results(alphas, measured, criterion):
    """The losses as scores under the names that users know, flat where there is one column."""

    def flat(a):
        a = a * criterion.scale
        return a[:, 0] if a.shape[1] == 1 else a

    out = {
        "alpha": alphas,
        "mean_test_score" if criterion.tested else "score": flat(-measured.loss),
    }
    if measured.std_error is not None:
        out["std_error"] = flat(measured.std_error)
    if measured.splits is not None:
        out |= {f"split{k}_test_score": flat(-split) for k, split in enumerate(measured.splits)}
    return out


def warn(found, criterion, *, given, stacklevel):
    """Say where no alpha was found, or where the search ended at an end of its own range."""
    chosen = found.choice
    ends = chosen.alphas.min(), chosen.alphas.max()
    for k, edge in enumerate(chosen.edge):
        end = "smallest" if edge == "lower" else "largest"
        target = f" for target {k}" if len(chosen.edge) > 1 else ""
        if not chosen.found[k]:
            text = (
                f"{criterion.name} found no answer{target} among alphas from "
                f"{chosen.alphas.min():.3g} to {chosen.alphas.max():.3g}, and took the "
                f"{end if edge else 'only'} one, {chosen.alpha[k]:.3g}. Try another range of "
                f"alphas or another rule."
            )
        elif edge is not None and not (given and chosen.alpha[k] in ends):
            text = (
                f"{criterion.name} has its best score{target} at the {end} of the alphas that it "
                f"can judge, {chosen.alpha[k]:.3g}, the {edge} edge of their range, so a better "
                f"one may lie beyond. Give alphas that go further, or try another rule."
            )
        else:
            continue
        warnings.warn(text, ConvergenceWarning, stacklevel=stacklevel)
