"""The data of one search for alpha: their spectrum, their folds, and the solution."""

from dataclasses import replace
from numbers import Integral

import numpy as np
from scipy import sparse

from skreg._ridge_parameters import filter_function
from skreg._solvers import normal_equations, spectral
from skreg._solvers.direct import closely
from skreg._solvers.dual_leave_one_out import dual_errors, dual_pays
from skreg._solvers.factorization import decompose, frame_of, from_moments
from skreg._solvers.filters import tikhonov
from skreg._solvers.folds import Samples, folds_of
from skreg._solvers.products import is_wide, smaller_gram
from skreg._solvers.rules import RULES
from skreg._solvers.scaling import in_range


class Problem:
    """The data of one search, the target in a range where squares neither overflow nor vanish."""

    def __init__(self, estimator, X, Y, weight, design, alphas, per_target):
        self.X, self.Y, self.weight, self.alphas = X, Y, weight, alphas
        self.per_target, self.original = per_target, design
        self.targets = Y.reshape(len(Y), -1)
        self.filter, self.exact = filter_function(estimator), estimator.gcv_mode == "svd"
        self.fit_intercept, self.gram = estimator.fit_intercept, None
        self.stored = estimator.store_spectrum  # and asked for any alpha
        self.design, _, self.unit = in_range(
            design.in_double_precision(), scale_X=False, common=not per_target
        )

    @property
    def listed(self):
        """Whether the alphas are known, not to be taken from the range of the spectrum."""
        return not isinstance(self.alphas, str | Integral)

    def spectrum(self, moments=None, *, only_norms=False):
        """The spectrum of all samples, from their moments where these are known and harmless."""
        lowest = self.alphas.min() if self.listed and not self.stored else 0.0
        if moments is not None and not self.exact:
            found = from_moments(moments, lowest, filter=self.filter)
            if found is not None:
                return found
        damped = not self.listed or self.alphas.min() > 0
        kept = {"filter": self.filter, "exact": self.exact, "damped": damped}
        return decompose(self.design, lowest, **kept, only_norms=only_norms and not self.stored)

    def spectrum_for(self, rule):
        """What a rule needs to know of the spectrum, without its factors where these cost more."""
        found = self.without_factors() if rule == "loo" else None
        return self.spectrum(only_norms=RULES[rule].only_norms) if found is None else found

    def without_factors(self):
        """What leave-one-out needs of all samples, or None where that takes the factors."""
        if not self.listed or self.stored or self.exact or self.filter is not tikhonov:
            return None
        if not is_wide(self.design) or sparse.issparse(self.design.X):
            return None
        frame = frame_of(self.design, self.filter)
        if not dual_pays(frame, self.alphas):
            return None
        with np.errstate(over="ignore", invalid="ignore"):
            dual = dual_errors(smaller_gram(self.design), frame, self.alphas)
        return None if dual is None else replace(frame, implicit=dual)

    def overview(self, folds):
        """What a search by folds needs of all samples: for given alphas no factorization yet."""
        total = getattr(folds, "total", None)
        if not self.listed or self.filter is not tikhonov or self.exact:
            return self.spectrum(total)
        if total is not None:
            self.gram = total.XX
        elif self.weight is None:
            self.gram = getattr(folds, "gram", None)
        return frame_of(self.design, self.filter)

    def solve(self, spectrum, alpha):
        """The `Solution` for alpha (n_targets,), refined with the residual of the data."""
        if spectrum.implicit is not None:
            inverse, Xy = spectrum.implicit.inverse, getattr(spectrum.implicit, "Xy", None)
            solution = normal_equations.refined(self.design, alpha, inverse.at(alpha), Xy)
            if solution is not None:
                return solution
        if spectrum.U is None and spectrum.V is None:
            return closely(self.design, alpha, gram=self.gram)
        return spectral.solve(spectrum, self.design, alpha)

    def samples(self, splits):
        """Samples that have weight, the splits among them, and the test samples among all."""
        X, y, weight = self.X, self.targets / self.unit, self.weight
        tests = [test for _, test in splits]
        if weight is not None and not weight.all():
            kept = np.flatnonzero(weight)
            place = np.cumsum(weight > 0) - 1
            tests = [test[weight[test] > 0] for test in tests]
            splits = [
                (place[train[weight[train] > 0]], place[test])
                for (train, _), test in zip(splits, tests, strict=True)
            ]
            X, y, weight = X[kept], y[kept], weight[kept]
        for k, (train, test) in enumerate(splits):
            if min(len(train), len(test)) == 0:
                which = "training" if len(train) == 0 else "test"
                raise ValueError(
                    f"Split {k} of cv has no {which} samples of positive weight: use fewer "
                    f"splits, or leave samples of weight 0 out of X."
                )
        if hasattr(X, "tocsr"):
            X = X.tocsr()
        return Samples(X, y, weight, self.fit_intercept, self.filter), splits, tests

    def folds(self, samples, splits):
        """The folds of splits of the samples that have weight."""
        known = self.listed and not self.exact
        return folds_of(samples, splits, self.alphas if known else None)

    def each_sample(self, spectrum, squares):
        """Squared leave-one-out errors, or predictions, (n_samples[, n_targets], n_alphas)."""
        errors = spectrum.loo_residuals(self.alphas) * self.unit
        if squares:
            weight = spectrum.root_weight**2
            with np.errstate(over="ignore", invalid="ignore"):
                out = np.where(weight[:, None, None] > 0, weight[:, None, None] * errors**2, 0)
        else:
            out = self.targets[:, None, :] - errors
        out = np.moveaxis(out, 1, 2).astype(self.X.dtype, copy=False)
        return out[:, 0] if self.Y.ndim == 1 else out
