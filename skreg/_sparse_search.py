"""The search for alpha and l1_ratio that the cross-validated sparse models share.

One set of folds, or one path on all samples for an information criterion, serves all candidates.
A class that inherits from `SparseSearch` says by three methods what differs:

- `_check_targets(y)`: y as it is fitted, (n_samples,) or (n_samples, n_targets);
- `_walk(features, y, penalty, alphas)`: an iterator of points, one for each alpha, with support,
  coef ((k,) or (k, n_targets)), gap, n_iter and converged;
- `_alpha_max(features, y, penalty)`: the alpha from which on all coefficients are zero.

It may say by `_certified(point, features, y, penalty)` how the gap of the model is found.

A prediction is the product of X and the coefficients, plus the intercept, for all of them.
"""

import warnings
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
from joblib import effective_n_jobs
from sklearn.callback import CallbackSupportMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import check_cv
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing

from skreg import _sparse_parameters as parameters
from skreg._callbacks import fit_task, subtask
from skreg._linear import LinearRegressor, Means
from skreg._ridge_search import as_indices, sliceable
from skreg._solvers import threads
from skreg._solvers.information_criteria import CRITERIA, judge
from skreg._solvers.sparse_cv import Ahead, choose, cross_validate, standard_error
from skreg._sparse_problem import Problem
from skreg._validation import (
    Interval,
    StrOptions,
    check_dense,
    check_finite_fit,
    raise_for_params,
    routing_enabled,
    validate_samples,
)

SMALL = 2**16  # entries of X below which paths mostly hold the interpreter's lock,
SMALL_WIDE = 2**20  # and where they do more of their work above the kernels

# What the classes declare of their parameters.
CONSTRAINTS = {
    "eps": [Interval(Real, 0, None, closed="neither")],
    "alphas": [
        Interval(Integral, 1, None, closed="left"),
        Interval(Real, 0, None, closed="neither"),
        "array-like",
    ],
    "fit_intercept": ["boolean"],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "tol": [Interval(Real, 0, None, closed="left")],
    "copy_X": ["boolean"],
    "cv": ["cv_object"],
    "verbose": ["verbose"],
    "n_jobs": [Integral, None],
    "random_state": ["random_state"],
    "selection": [StrOptions({"cyclic", "random"})],
    "choose": [StrOptions({"min", "one_se"})],
}
CRITERION_CONSTRAINTS = {
    "criterion": [StrOptions(set(CRITERIA)), None],
    "ebic_gamma": [Interval(Real, 0, 1, closed="both")],
}


@dataclass(frozen=True, eq=False)
class Chosen:
    """The best candidate, and what all were judged by."""

    row: int  # of l1_ratios
    index: int  # of its alphas
    score: float
    results: dict  # arrays (n_candidates,)
    path: Ahead  # on all samples, for the l1_ratio chosen


class SparseSearch(CallbackSupportMixin, LinearRegressor):
    """Search for alpha and l1_ratio, for linear models with L1 penalties."""

    # What only some of the classes let their users set.
    l1_ratio = 1.0
    positive = False
    lower = upper = penalty_weights = criterion = None
    ebic_gamma = 1.0

    def _search(self, X, y, sample_weight, params):
        """Choose among the candidates, and store the model."""
        raise_for_params(params, self, "fit")
        self._check_parameters()
        given = X, y
        X, y = validate_samples(self, X, y, y_numeric=True)
        y = self._check_targets(check_dense(y))
        weight = parameters.row_weights(sample_weight, X)
        splits = None
        if self.criterion is None:
            splits = self._splits(*sliceable(given, (X, y)), sample_weight, params)
            check_weight_of(splits, weight, self.cv)
        # What overflows shows in the model, which is checked.
        with threads.one_blas_thread(), np.errstate(over="ignore", invalid="ignore"):
            problem = Problem.of(self, X, y, weight, splits)
            n_subtasks = len(problem.alphas) * (1 if splits is None else len(splits)) + 1
            with fit_task(
                self, X, y, sample_weight, subtasks=n_subtasks, in_order=False
            ) as context:
                judged = self._by_criterion if splits is None else self._by_folds
                chosen = judged(problem, context)
                self._store(problem, chosen, self._refit(chosen, context, n_subtasks - 1))
        return self

    def _check_parameters(self):
        """Raise where parameters do not go together."""
        if self.criterion is None:
            return
        if self.cv is not None:
            raise ValueError(
                f"criterion={self.criterion!r} needs no folds, but cv={self.cv!r} was given: "
                f"leave cv at None, or set criterion=None."
            )
        if self.choose == "one_se":
            raise ValueError(
                f"choose='one_se' needs the standard error of folds, which "
                f"criterion={self.criterion!r} does not have: use choose='min', or "
                f"criterion=None."
            )

    def _certified(self, point, features, y, penalty):
        """The point with the gap of its samples, where it was found without them."""
        return point

    def _threads(self, X):
        """How many paths may run at a time."""
        most = threads.available()
        if self.n_jobs is not None:  # 0 is refused whatever the data
            most = min(most, effective_n_jobs(self.n_jobs))
        least = SMALL if X.shape[1] < X.shape[0] else SMALL_WIDE
        return most if threads.in_main_thread() and X.size >= least else 1

    # Folds -------------------------------------------------------------------------------------

    def _splits(self, X, y, sample_weight, params):
        """Index arrays (train, test) of the folds."""
        if routing_enabled():
            routed = process_routing(self, "fit", sample_weight=sample_weight, **params)
            params = routed.splitter.split
        pairs = check_cv(self.cv).split(X, y, **params)
        splits = [tuple(as_indices(part) for part in pair) for pair in pairs]
        if not splits:
            raise ValueError(
                f"cv={self.cv!r} gives no splits: give at least one, and not a generator that "
                f"was used up."
            )
        if len(splits) == 1 and self.choose == "one_se":
            raise ValueError(
                f"choose='one_se' needs a standard error, but cv={self.cv!r} gives a single "
                f"split: use choose='min', or more splits."
            )
        return splits

    def _by_folds(self, problem, context):
        """The candidate of the least mean error over the folds, or within an error of it."""

        folds = problem.folds

        def walk_for(row):
            def walk(k, fold):
                penalty = problem.penalty(row, fold.features)
                points = self._walk(fold.features, fold.target, penalty, problem.alphas[row])
                task_id = row * len(folds) + k
                return self._watched(points, problem.alphas[row], context, task_id)

            return walk

        n_rows = len(problem.alphas)
        path = problem.path(self, 0) if n_rows == 1 else None
        walks = [walk_for(row) for row in range(n_rows)]
        found = cross_validate(
            problem.samples, folds, walks, threads=self._threads(problem.samples.X), ahead=path
        )
        self._warn_unsolved([errors for row in found for errors in row], problem)
        mse = np.array([[errors.mse for errors in row] for row in found])  # (rows, folds, alphas)
        check_finite_fit(self, **{"the errors on test samples": mse})
        mse = np.moveaxis(mse, 1, 2)
        row, index = choose(mse, self.choose)
        results = scores(mse, problem.square)
        mse = mse * problem.square
        self.mse_path_ = np.squeeze(mse)
        score = float(-mse[row, index].mean())
        return Chosen(row, index, score, results, path or problem.path(self, row))

    def _watched(self, points, alphas, context, task_id):
        """The points of a path, of which callbacks are told."""
        with subtask(context, self, "path", task_id=task_id, subtasks=len(alphas)) as own:
            points = iter(points)
            for _ in alphas:
                with subtask(own, self, "alpha"):
                    point = next(points)
                yield point
        if self.verbose:
            print(
                f"[{type(self).__name__}] path {task_id}: {len(alphas)} alphas down to "
                f"{alphas[-1]:.3g}, {len(point.support)} of {self.n_features_in_} features"
            )

    # Criteria ----------------------------------------------------------------------------------

    def _by_criterion(self, problem, context):
        """The candidate of the least information criterion."""
        self.__dict__.pop("mse_path_", None)  # of an earlier fit
        paths, judged = [], []
        for row, alphas in enumerate(problem.alphas):
            paths.append(problem.path(self, row))
            points = list(self._watched(paths[row], alphas, context, row))
            penalty = problem.penalty(row, problem.features)
            options = self.criterion, self.ebic_gamma
            judged.append(
                judge(problem.samples, problem.features, problem.target, penalty, points, *options)
            )
        loss = np.array([one.loss for one in judged])
        n = np.count_nonzero(problem.features.root_weight)
        if not np.any(loss < np.inf):
            raise ValueError(
                f"criterion={self.criterion!r} found no model with at most half as many degrees "
                f"of freedom as samples (n_samples = {n}): give larger alphas or more samples, or "
                f"use folds (criterion=None)."
            )
        row, index = np.unravel_index(loss.argmin(), loss.shape)
        loss = loss + 2 * n * np.log(problem.unit)
        degrees = np.array([one.degrees for one in judged])
        results = {"score": -loss.ravel(), "degrees_of_freedom": degrees.ravel()}
        return Chosen(int(row), int(index), -float(loss[row, index]), results, paths[row])

    # The model ---------------------------------------------------------------------------------

    def _refit(self, chosen, context, task_id):
        """The points on all samples, down to the alpha chosen."""
        n_points = chosen.index + 1
        with subtask(context, self, "refit", task_id=task_id, subtasks=n_points) as own:
            for index in range(n_points):
                with subtask(own, self, "alpha"):
                    chosen.path[index]
        return chosen.path.kept[:n_points]

    def _store(self, problem, chosen, points):
        """Convert to the units of the data, and store."""
        penalty = problem.penalty(chosen.row, problem.features)
        point = self._certified(points[-1], problem.features, problem.target, penalty)
        n_targets = len(problem.y_mean)
        dtype = problem.samples.X.dtype
        coef = np.zeros((n_targets, self.n_features_in_))
        coef[:, point.support] = point.coef.reshape(-1, n_targets).T * problem.unit
        means = Means(problem.y_mean * problem.unit, problem.features.X_mean)
        self._store_coef(coef.astype(dtype), means, problem.samples.Y.ndim)
        self.dual_gap_ = dtype.type(problem.public(point.gap))
        check_finite_fit(self, dual_gap_=self.dual_gap_)
        self.n_iter_ = int(sum(point.n_iter for point in points))
        alphas = problem.alphas
        listed = not isinstance(self.alphas, Integral)
        self.alphas_ = alphas[0] if listed or len(alphas) == 1 else alphas
        self.alpha_ = float(alphas[chosen.row, chosen.index])
        self.best_score_ = chosen.score
        self.cv_results_ = {"alpha": alphas.ravel()}
        if "l1_ratio" in self.get_params():
            self.l1_ratio_ = float(problem.l1_ratios[chosen.row])
            ratios = np.repeat(problem.l1_ratios, alphas.shape[1])
            self.cv_results_["l1_ratio"] = ratios
        self.cv_results_ |= chosen.results
        if not point.converged:
            self._warn_refit(problem, point.n_iter)
        if self.alpha_ == 0:
            warnings.warn(
                f"alpha=0, ordinary least squares, was chosen by {type(self).__name__}, which is "
                f"slow for it. Use LinearRegression, or RidgeCV for small penalties, instead.",
                UserWarning,
                stacklevel=5,
            )

    def _warn_unsolved(self, found, problem):
        """Say how many fits of folds did not converge."""
        unsolved = sum(errors.unsolved for errors in found)
        if unsolved:
            gap = max(errors.gap for errors in found) * problem.square
            warnings.warn(
                f"{unsolved} of the {len(found) * problem.alphas.shape[1]} fits of "
                f"cross-validation did not reach tol={self.tol:g}; the largest of their duality "
                f"gaps is {gap:.3g}. Increase max_iter={self.max_iter}, scale the features, or "
                f"leave out the smallest alphas.",
                ConvergenceWarning,
                stacklevel=6,
            )

    def _warn_refit(self, problem, n_iter):
        """Say that the final fit did not converge."""
        square = problem.public(np.sum(problem.target**2))
        warnings.warn(
            f"{type(self).__name__} did not converge with the alpha chosen, {self.alpha_:.3g}: "
            f"the duality gap is {self.dual_gap_:.3g}, the tolerance {self.tol * square:.3g} "
            f"(tol={self.tol:g}). {parameters.advice(n_iter, self.max_iter)}, or scale the "
            f"features.",
            ConvergenceWarning,
            stacklevel=6,
        )

    # Metadata ----------------------------------------------------------------------------------

    def get_metadata_routing(self):
        """Get the metadata routing of this object.

        Returns
        -------
        routing : sklearn.utils.metadata_routing.MetadataRouter
            Where `fit` sends its further arguments: to the splitter.
        """
        return (
            MetadataRouter(owner=self)
            .add_self_request(self)
            .add(
                splitter=self.cv,
                method_mapping=MethodMapping().add(caller="fit", callee="split"),
            )
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def check_weight_of(splits, weight, cv):
    """Refuse folds on which there is nothing to train, or to test."""
    for k, split in enumerate(splits):
        for name, rows in zip(("training", "test"), split, strict=True):
            if len(rows) == 0 or (weight is not None and not np.any(weight[rows])):
                raise ValueError(
                    f"cv={cv!r} gives fold {k} no {name} samples of positive weight: use fewer "
                    f"folds, or a splitter that spreads the weight."
                )


def scores(mse, square):
    """What ``cv_results_`` says of errors (n_rows, n_alphas, n_folds), one entry a candidate.

    They come in a unit `square` in which their own squares are in range.
    """
    mse = mse.reshape(-1, mse.shape[-1])
    results = {"mean_test_score": -mse.mean(axis=1) * square}
    error = standard_error(mse)
    if error is not None:
        results["std_error"] = error * square
    return results | {f"split{k}_test_score": -fold * square for k, fold in enumerate(mse.T)}
