"""The data and the candidates that a search for alpha and l1_ratio has before it."""

from dataclasses import dataclass, replace
from numbers import Integral

import numpy as np
from scipy import sparse

from skreg import _sparse_parameters as parameters
from skreg._solvers.design import canonical
from skreg._solvers.features import Features
from skreg._solvers.scaling import units
from skreg._solvers.sparse_cv import (
    Ahead,
    Samples,
    centred_targets,
    make_folds,
    total_weight,
)


@dataclass(frozen=True, eq=False)
class Problem:
    """All samples, and the candidates: a row of alphas for each l1_ratio."""

    samples: Samples  # Y divided by unit, a power of two that keeps its squares in range
    unit: float
    folds: list | None  # of Fold
    features: Features
    target: np.ndarray  # Y, centred and weighted
    y_mean: np.ndarray  # (n_targets,)
    l1_ratios: np.ndarray
    penalties: list  # for each l1_ratio, for alpha = 1 and weights that sum to 1
    alphas: np.ndarray | None = None  # (n_l1_ratios, n_alphas)

    @classmethod
    def of(cls, estimator, X, y, weight, splits=None):
        """The problem of an estimator's parameters on checked data, with folds where it has."""
        if sparse.issparse(X):
            X = canonical(X.tocsc())  # once for all folds
        Y = y.astype(np.float64, copy=False)
        unit = float(units(Y.reshape(len(Y), -1), np.finfo(X.dtype), common=True)[0])
        samples = Samples(X, Y / unit if unit != 1 else Y, weight, estimator.fit_intercept)
        if splits is None:
            features, folds = Features.of(X, weight, fit_intercept=estimator.fit_intercept), None
        else:
            features, folds = make_folds(samples, splits)
        target, y_mean = centred_targets(features, samples.Y)
        l1_ratios = check_l1_ratios(estimator.l1_ratio)
        penalties = [unit_penalty(estimator, X.shape[1], ratio, unit) for ratio in l1_ratios]
        problem = cls(samples, unit, folds, features, target, y_mean, l1_ratios, penalties)
        rows = [problem.candidates(estimator, row) for row in range(len(l1_ratios))]
        return replace(problem, alphas=np.array(rows))

    def candidates(self, estimator, row):
        """The alphas for an l1_ratio, decreasing."""
        if not isinstance(estimator.alphas, Integral):
            return parameters.check_alphas(np.atleast_1d(estimator.alphas))
        parameters.check_l1_ratio_of_grid(self.l1_ratios[row])
        penalty = self.penalty(row, self.features)
        largest = estimator._alpha_max(self.features, self.target, penalty)
        return parameters.alpha_grid(largest, estimator.alphas, estimator.eps)

    def penalty(self, row, features):
        """The penalty of an l1_ratio for the samples in `features`, for alpha = 1."""
        unit, total = self.penalties[row], total_weight(features)
        return unit._replace(l1=total * unit.l1, l2=total * unit.l2)

    def path(self, estimator, row):
        """The path of an l1_ratio on all samples, not yet walked."""
        penalty = self.penalty(row, self.features)
        return Ahead(estimator._walk(self.features, self.target, penalty, self.alphas[row]))

    @property
    def square(self):
        """The unit of squares of y, which may be beyond the largest number."""
        return np.square(self.unit)

    def public(self, gap):
        """A duality gap on all samples, on the scale of the public objective."""
        return gap / total_weight(self.features) * self.square


def check_l1_ratios(l1_ratio):
    """The candidates for l1_ratio, (n_l1_ratios,)."""
    ratios = np.atleast_1d(parameters.numbers("l1_ratio", l1_ratio))
    if ratios.ndim > 1 or not len(ratios) or not np.all((ratios >= 0) & (ratios <= 1)):
        raise ValueError(
            f"l1_ratio must be a number from 0 to 1, or a list of such numbers; got {l1_ratio!r}."
        )
    return ratios


def unit_penalty(estimator, n_features, l1_ratio, unit):
    """The penalty for alpha = 1 and weights that sum to 1, y being divided by `unit`."""
    penalty = parameters.check_penalty(
        n_features,
        1.0,
        l1_ratio,
        penalty_weights=estimator.penalty_weights,
        lower=estimator.lower,
        upper=estimator.upper,
        positive=estimator.positive,
    )
    return penalty.in_units(1.0, unit)
