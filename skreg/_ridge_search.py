"""What RidgeCV and RidgeClassifierCV share: one spectrum, or folds, for all alphas."""

import warnings
from dataclasses import replace

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, is_classifier
from sklearn.metrics import check_scoring, get_scorer, get_scorer_names
from sklearn.model_selection import check_cv
from sklearn.utils import Bunch, indexable
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing

from skreg import _alpha_search as alpha_search
from skreg._linear import centred_data
from skreg._ridge_problem import Problem
from skreg._solvers.folds import r2_losses
from skreg._solvers.threads import one_blas_thread
from skreg._validation import (
    StrOptions,
    response_methods,
    routing_enabled,
    takes_weights,
)

CONSTRAINTS = alpha_search.CONSTRAINTS | {
    "fit_intercept": ["boolean"],
    "scoring": [StrOptions(set(get_scorer_names())), callable, None],
    "cv": ["cv_object"],
    "store_cv_results": ["boolean"],
}
INSTEAD = "Where a scorer needs more, search with sklearn.model_selection.GridSearchCV."


class Given(BaseEstimator):
    """A stand-in for a fitted model, for scorers: what it says of their rows is known already."""

    owner = "The estimator"
    rows = known = None

    def __init__(self, owner):
        self.owner = owner

    def __getattr__(self, name):
        """Tell scorers of one's own what they cannot have."""
        raise AttributeError(
            f"{self.owner} has no {name} while scoring: a scorer sees predictions of samples held "
            f"out, not a model. {INSTEAD}"
        )

    def _answer(self, X):
        """What is known of the rows; without any X itself, as scikit-learn's stand-in has it."""
        if self.known is None:
            return X
        if X is not self.rows and (sparse.issparse(X) or not np.array_equal(X, self.rows)):
            raise ValueError(
                f"scoring sees predictions that are already made, for the test samples only: the "
                f"scorer has to pass the X that it was given, as it is. {INSTEAD}"
            )
        return self.known


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

    def _fit(self, X, Y, weight, alphas, y, params, given):
        """Choose alpha for targets Y, then fit; y is what leave-one-out scorers look at.

        Splitters, and scorers of folds, get X and y as they were given to `fit`.
        """
        design = centred_data(self, X, Y, weight)
        n_targets = design.y.shape[1]
        per_target = self.alpha_per_target and n_targets > 1
        problem = Problem(self, X, Y, weight, design, alphas, per_target)
        self._search(problem, y, params, given)

    @one_blas_thread()
    def _search(self, problem, y, params, given):
        """Choose alpha for a problem, and store what was found."""
        alphas, per_target, n_targets = problem.alphas, problem.per_target, len(problem.unit)
        if self.cv is None:
            spectrum = self._spectrum(problem)
            criterion = self._leave_one_out(problem, spectrum, y, params)
        else:
            flat = y.ndim == 1
            X, y = sliceable(given, (problem.X, y))
            splits = self._splits(X, y, params)
            spectrum, criterion = self._folds(problem, splits, X, y, flat, params)
        found = alpha_search.search(spectrum, alphas, criterion, choose=self.choose)
        alpha_search.warn(found, criterion, given=problem.listed, stacklevel=self._depth)
        self.alpha_ = found.alpha if per_target else float(found.alpha[0])
        self.best_score_ = found.score if per_target else float(found.score[0])
        self.cv_results_ = found.results
        if self.store_cv_results and self.cv is None and self.rule == "loo" and problem.listed:
            self.cv_results_ = problem.each_sample(spectrum, self.scoring is None)
        self._store(problem, spectrum, np.broadcast_to(found.alpha, n_targets))

    def _store(self, problem, spectrum, alpha):
        """Store the coefficients, refined with the residual of the data, and the spectrum."""
        W = problem.solve(spectrum, alpha).coef * problem.unit[:, None]
        dtype = problem.X.dtype
        self._store_coef(W.astype(dtype, copy=False), problem.original, problem.Y.ndim)
        self._X_mean = problem.original.means_of_features
        self._stored_spectrum = None
        if self.store_spectrum:
            if self.cv is not None:
                spectrum = problem.spectrum()
            self._stored_spectrum = spectrum.rescaled(1.0, problem.unit).complete()

    # Leave-one-out and rules -------------------------------------------------------------------

    def _spectrum(self, problem):
        """The spectrum of all samples, without its factors where the scores need none."""
        if self.scoring is None and not self.store_cv_results:
            return problem.spectrum_for(self.rule)
        return problem.spectrum()

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
        scores = self._scores(problem, y, params, flat=y.ndim == 1)
        return alpha_search.by_predictions(rows, problem.targets, scores, unit=unit)

    def _scores(self, problem, y, params, *, flat, X=None):
        """The scorer of predictions, or an error where it asks for something else."""
        scorer, stand_in = self._get_scorer(), self._stand_in()
        methods = response_methods(scorer)
        if not any(hasattr(stand_in, method) for method in methods):
            raise ValueError(
                f"scoring={self.scoring!r} needs {' or '.join(methods)}, which "
                f"{type(self).__name__} does not have: use a scorer of predictions."
            )
        options = {"per_target": problem.per_target, "params": params.scorer.score}
        return alpha_search.Scores(scorer, stand_in, y, X=X, flat=flat, **options)

    # Folds -------------------------------------------------------------------------------------

    def _splits(self, X, y, params):
        """Index arrays (train, test) of the folds."""
        cv = check_cv(self.cv, y, classifier=is_classifier(self))
        pairs = cv.split(X, y, **params.splitter.split)
        splits = [tuple(as_indices(part) for part in pair) for pair in pairs]
        if not splits:
            raise ValueError(
                f"cv={self.cv!r} gives no splits: give at least one, and not a generator that "
                f"was used up."
            )
        return splits

    def _folds(self, problem, splits, X, y, flat, params):
        """The spectrum of all samples, and the criterion of folds."""
        samples, splits, tests = problem.samples(splits)
        folds = problem.folds(samples, splits)
        if self.scoring is None and not is_classifier(self):
            check_sizes(splits, self.cv)

            def judge(_, fold, alphas):
                return r2_losses(fold, alphas, per_target=problem.per_target)
        else:
            scores = self._scores(problem, y, params, flat=flat, X=X)

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


def sliceable(given, checked):
    """X and y as they were given, or, where they are lists, as they were checked."""
    pairs = zip(given, checked, strict=True)
    return indexable(*(own if hasattr(own, "shape") else made for own, made in pairs))


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
