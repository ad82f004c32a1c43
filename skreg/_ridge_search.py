"""What RidgeCV and RidgeClassifierCV share: one spectrum, or folds, for all alphas."""

import warnings
from dataclasses import replace
from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator, is_classifier
from sklearn.metrics import check_scoring, get_scorer, get_scorer_names
from sklearn.model_selection import check_cv
from sklearn.utils import Bunch
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing

from skreg import _alpha_search as alpha_search
from skreg._linear import centred_data
from skreg._ridge_parameters import filter_function
from skreg._solvers import spectral
from skreg._solvers.direct import direct
from skreg._solvers.factorization import decompose, frame_of, from_moments
from skreg._solvers.filters import tikhonov
from skreg._solvers.folds import Samples, folds_of, r2_losses
from skreg._solvers.scaling import in_range
from skreg._solvers.threads import one_blas_thread
from skreg._validation import (
    StrOptions,
    routing_enabled,
    takes_weights,
)

CONSTRAINTS = alpha_search.CONSTRAINTS | {
    "fit_intercept": ["boolean"],
    "scoring": [StrOptions(set(get_scorer_names())), callable, None],
    "cv": ["cv_object"],
    "store_cv_results": ["boolean"],
}


class SpectralSearch(BaseEstimator):
    """Search for alpha, for linear models with `_default_scoring`, `_stand_in` and a rule."""

    # Defaults of what only one of the classes lets its users set.
    gcv_mode = None
    alpha_per_target = False
    filter = "tikhonov"
    filter_order = 2
    store_spectrum = False
    noise_std = None
    _depth = 7  # of the calls between the user's and a warning

    def _check_parameters(self):
        """The alphas, "auto" or how many; or an error that names what does not go together."""
        alpha_search.check_rule(
            self.rule,
            filter=self.filter,
            choose=self.choose,
            noise_std=self.noise_std,
            scoring=self.scoring,
            cv=self.cv,
        )
        positive = self.cv is None and self.rule == "loo"
        return alpha_search.check_alphas(self.alphas, positive=positive)

    def _fit(self, X, Y, weight, alphas, y, params):
        """Choose alpha for targets Y, then fit; y is what splitters and scorers look at."""
        design = centred_data(self, X, Y, weight)
        n_targets = design.y.shape[1]
        per_target = self.alpha_per_target and n_targets > 1
        problem = Problem(self, X, Y, weight, design, alphas, per_target)
        self._search(problem, X, y, params)

    @one_blas_thread()
    def _search(self, problem, X, y, params):
        """Choose alpha for a problem, and store what was found."""
        alphas, per_target, n_targets = problem.alphas, problem.per_target, len(problem.unit)
        if self.cv is None:
            spectrum = problem.spectrum()
            criterion = self._leave_one_out(problem, spectrum, y, params)
        else:
            splits = self._splits(X, y, params)
            spectrum, criterion = self._folds(problem, splits, y, params)
        found = alpha_search.search(spectrum, alphas, criterion, choose=self.choose)
        given = not isinstance(alphas, str | Integral)
        alpha_search.warn(found, criterion, given=given, stacklevel=self._depth)
        self.alpha_ = found.alpha if per_target else float(found.alpha[0])
        self.best_score_ = found.score if per_target else float(found.score[0])
        self.cv_results_ = found.results
        if self.store_cv_results and self.cv is None and self.rule == "loo" and given:
            self.cv_results_ = problem.each_sample(spectrum, self.scoring is None)
        self._store(problem, spectrum, np.broadcast_to(found.alpha, n_targets))

    def _store(self, problem, spectrum, alpha):
        """Store the coefficients, refined with the residual of the data, and the spectrum."""
        W = problem.solve(spectrum, alpha).coef * problem.unit[:, None]
        dtype = problem.X.dtype
        self._store_coef(W.astype(dtype, copy=False), problem.original, problem.Y.ndim)
        self._X_mean = problem.original.means_of_features
        if hasattr(self, "spectrum_"):
            del self.spectrum_
        if self.store_spectrum:
            if self.cv is not None:
                spectrum = problem.spectrum()
            self.spectrum_ = spectrum.rescaled(1.0, problem.unit).complete()

    # Leave-one-out and rules -------------------------------------------------------------------

    def _leave_one_out(self, problem, spectrum, y, params):
        """The criterion on one spectrum of all samples."""
        if self.rule == "loo" and spectrum.n_samples <= spectrum.free:
            raise ValueError(
                f"n_samples = {spectrum.n_samples} of positive weight: leave-one-out errors with "
                f"an intercept need at least two. Use fit_intercept=False, or more samples."
            )
        rows = spectrum
        searched_between = isinstance(problem.alphas, str)
        if self.rule == "ncp" or (self.rule == "loo" and searched_between):
            rows = replace(spectrum, U=spectrum.left())  # asked for again and again
        unit = problem.unit if problem.per_target else problem.unit[0]
        if self.scoring is None:
            noise = alpha_search.check_noise(self.noise_std, len(problem.unit))
            return alpha_search.by_rule(
                rows, self.rule, per_target=problem.per_target, noise_std=noise, unit=unit
            )
        scores = self._scores(y, problem.per_target, params.scorer.score)
        return alpha_search.by_predictions(rows, problem.targets, scores, unit=unit)

    def _scores(self, y, per_target, params, X=None):
        return alpha_search.Scores(
            self._get_scorer(), self._stand_in(), y, X=X, per_target=per_target, params=params
        )

    # Folds -------------------------------------------------------------------------------------

    def _splits(self, X, y, params):
        """Index arrays (train, test) of the folds."""
        cv = check_cv(self.cv, y, classifier=is_classifier(self))
        pairs = cv.split(X, y, **params.splitter.split)
        return [tuple(as_indices(part) for part in pair) for pair in pairs]

    def _folds(self, problem, splits, y, params):
        """The spectrum of all samples, and the criterion of folds."""
        samples, splits, tests = problem.samples(splits)
        folds = problem.folds(samples, splits)
        if self.scoring is None and not is_classifier(self):
            check_sizes(splits, self.cv)

            def judge(_, fold, alphas):
                return r2_losses(fold, alphas, per_target=problem.per_target)
        else:
            X = problem.X.tocsr() if hasattr(problem.X, "tocsr") else problem.X
            scores = self._scores(y, problem.per_target, params.scorer.score, X)

            def judge(k, fold, alphas):
                return scores(fold.predictions(alphas) * problem.unit, tests[k])

        return problem.overview(folds), alpha_search.by_folds(
            folds.losses(judge), f"cv={self.cv!r}"
        )

    # Metadata ----------------------------------------------------------------------------------

    def _routed(self, weight, params):
        """Parameters of scorer and splitter: weights count in scores wherever they can."""
        if weight is not None:
            params = params | {"sample_weight": weight}
        if routing_enabled():
            return process_routing(self, "fit", **params)
        if weight is not None and not takes_weights(self._get_scorer()):
            params = {}
            warnings.warn(
                f"scoring={self.scoring!r} takes no sample_weight: the weights count in the fits "
                f"but not in the scores. Use a scorer that takes sample_weight.",
                UserWarning,
                stacklevel=4,
            )
        return Bunch(scorer=Bunch(score=params), splitter=Bunch(split={}))

    def get_metadata_routing(self):
        """Get the metadata routing of this object.

        Returns
        -------
        routing : sklearn.utils.metadata_routing.MetadataRouter
            Where `fit` sends its further arguments: to the scorer and to the splitter.
        """
        return (
            MetadataRouter(owner=self)
            .add_self_request(self)
            .add(
                scorer=self._get_scorer(),
                method_mapping=MethodMapping().add(caller="fit", callee="score"),
            )
            .add(
                splitter=self.cv,
                method_mapping=MethodMapping().add(caller="fit", callee="split"),
            )
        )

    def _get_scorer(self):
        if self.scoring is not None:
            return check_scoring(estimator=self, scoring=self.scoring)
        scorer = get_scorer(self._default_scoring)
        return scorer.set_score_request(sample_weight=True) if routing_enabled() else scorer

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


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

    def spectrum(self, moments=None):
        """The spectrum of all samples, from their moments where these are known and harmless."""
        given = not isinstance(self.alphas, str | Integral)
        lowest = self.alphas.min() if given and not self.stored else 0.0
        if moments is not None and not self.exact:
            found = from_moments(moments, lowest, filter=self.filter)
            if found is not None:
                return found
        return decompose(self.design, lowest, filter=self.filter, exact=self.exact)

    def overview(self, folds):
        """What a search by folds needs of all samples: for given alphas no factorization yet."""
        total = getattr(folds, "total", None)
        if isinstance(self.alphas, str | Integral) or self.filter is not tikhonov or self.exact:
            return self.spectrum(total)
        if total is not None:
            self.gram = total.XX
        elif self.weight is None:
            self.gram = folds.gram
        return frame_of(self.design, self.filter)

    def solve(self, spectrum, alpha):
        """The `Solution` for alpha (n_targets,), refined with the residual of the data."""
        if spectrum.U is None and spectrum.V is None:
            return direct(self.design, alpha, gram=self.gram)
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
        return folds_of(samples, splits)

    def each_sample(self, spectrum, squares):
        """Squared leave-one-out errors, or predictions, (n_samples[, n_targets], n_alphas)."""
        errors = spectrum.loo_residuals(self.alphas) * self.unit
        if squares:
            weight = spectrum.root_weight**2
            out = np.where(weight[:, None, None] > 0, weight[:, None, None] * errors**2, 0)
        else:
            out = self.targets[:, None, :] - errors
        out = np.moveaxis(out, 1, 2).astype(self.X.dtype, copy=False)
        return out[:, 0] if self.Y.ndim == 1 else out


def as_indices(part):
    """Indices from indices or from a mask."""
    part = np.asarray(part)
    return np.flatnonzero(part) if part.dtype == bool else part


def check_sizes(splits, cv):
    """Refuse test sets on which R^2 is not defined."""
    smallest = min(len(test) for _, test in splits)
    if smallest < 2:
        raise ValueError(
            f"cv={cv!r} gives a test set of {smallest} sample, where R^2, the default score, is "
            f"not defined: use scoring='neg_mean_squared_error', fewer splits, or cv=None for "
            f"leave-one-out errors."
        )
