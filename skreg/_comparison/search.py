"""Timed grid searches of a pair, in turn, on the same folds."""

import statistics
import time
import warnings
from typing import NamedTuple

import numpy as np
from joblib import parallel_config
from sklearn.base import clone
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import get_scorer
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    ParameterGrid,
    StratifiedKFold,
    cross_val_score,
)
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

# The first score chooses lambda, the second is told beside it; losses are negated by scorers.
SCORERS = {
    "regression": {"R²": "r2", "RMSE": "neg_root_mean_squared_error"},
    "classification": {"accuracy": "accuracy", "log loss": "neg_log_loss"},
}
# Where one run of both sides takes fewer seconds, each side runs three times (median told).
REPEAT_BELOW = 2.0
REPEATS = 3
# Texts of other warnings that were passed on; recording resets Python's own memory of them.
SHOWN = set()


class Outcome(NamedTuple):
    """What one side's search found."""

    chosen: dict  # the tuned parameters
    scores: dict  # name -> (mean, standard deviation) over the test folds, at the chosen lambda
    weakest: float  # mean of the first score at the weakest penalty of the grid
    n_nonzero: int  # of the model refitted on all rows
    n_coef: int
    seconds: float
    n_runs: int  # the runs of which `seconds` is the median
    fit_seconds: float  # of the first run: the estimator's own fits on training folds, summed
    n_unconverged: int  # fits on training folds that gave a ConvergenceWarning
    n_fits: int
    max_iter: int | None  # the budget of iterations, where the grid sets one


class WatchedPipeline(Pipeline):
    """A pipeline that times its estimator and counts convergence warnings.

    Counting inside the fit works in worker processes too, where the caller sees no warnings, and
    spares the reader one line a fit.
    """

    def fit(self, X, y=None):
        """Fit; ``fit_seconds_`` is the last step's time, ``n_unconverged_`` is 1 if it warned."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ConvergenceWarning)
            prepared = self[:-1].fit_transform(X, y)
            start = time.perf_counter()
            self[-1].fit(prepared, y)
            self.fit_seconds_ = time.perf_counter() - start
        counted = [issubclass(w.category, ConvergenceWarning) for w in caught]
        self.n_unconverged_ = int(any(counted))
        for w, skip in zip(caught, counted, strict=True):
            if not skip and str(w.message) not in SHOWN:
                SHOWN.add(str(w.message))
                warnings.warn_explicit(w.message, w.category, w.filename, w.lineno)
        return self


def n_unconverged(pipeline, X, y):
    """A scorer in form: it carries the count from a fold's pipeline into `cv_results_`."""
    return pipeline.n_unconverged_


def fit_seconds(pipeline, X, y):
    """As `n_unconverged`, for the time of the estimator alone."""
    return pipeline.fit_seconds_


def splitter(task, n_folds, seed):
    """The one splitter that both sides share; an integer seed makes every split the same."""
    kind = StratifiedKFold if task == "classification" else KFold
    return kind(n_folds, shuffle=True, random_state=seed)


def scorers_for(estimator, task):
    """Scorers by name; log loss only where the estimator has probabilities."""
    return {
        name: get_scorer(scorer)
        for name, scorer in SCORERS[task].items()
        if scorer != "neg_log_loss" or hasattr(estimator, "predict_proba")
    }


def grid_search(estimator, grid, table, cv, jobs):
    """The search that is timed: preprocessing and estimator, refitted on all rows."""
    pipeline = WatchedPipeline([("prepare", clone(table.prepare)), ("model", estimator)])
    return GridSearchCV(
        pipeline,
        {f"model__{name}": values for name, values in grid.items()},
        scoring={
            **scorers_for(estimator, table.task),
            "n_unconverged": n_unconverged,
            "fit_seconds": fit_seconds,
        },
        refit=next(iter(SCORERS[table.task])),
        cv=cv,
        n_jobs=jobs,
        error_score="raise",
    )


def compare(pair, table, cv, *, seed, jobs, progress):
    """Return the `Outcome` of skreg and of scikit-learn, timed in turn.

    Before the clock counts, each side searches one candidate: imports, worker processes and
    thread pools are then up for both. Every process keeps to one thread: those of small matrix
    products mostly wait for each other, the longer the busier the machine is, and `jobs` makes
    better use of more cores.
    """
    sides = {
        "skreg": (pair.ours(), pair.grid(table, seed)),
        "scikit-learn": (pair.twin(), pair.twin_grid(table, seed)),
    }

    def timed(by, grid, detail):
        search = grid_search(sides[by][0], grid, table, cv, jobs)
        n_fits = len(ParameterGrid(grid)) * cv.get_n_splits()
        with progress.search(pair.name, by, n_fits, detail) as tick:
            search.set_callbacks(tick)
            with threadpool_limits(1), parallel_config("loky", inner_max_num_threads=1):
                start = time.perf_counter()
                search.fit(table.X, table.y)
                return search, time.perf_counter() - start

    for by, (_, grid) in sides.items():
        timed(by, {name: values[:1] for name, values in grid.items()}, "warm-up")
    searches, seconds = {}, {by: [] for by in sides}
    for run in range(REPEATS):
        # Whoever went second goes first next, so that neither always meets a warm cache.
        for by in list(sides)[:: 1 if run % 2 == 0 else -1]:
            detail = f"run {run + 1} of {REPEATS}" if run else ""
            search, elapsed = timed(by, sides[by][1], detail)
            searches.setdefault(by, search)
            seconds[by].append(elapsed)
        if sum(times[0] for times in seconds.values()) > REPEAT_BELOW:
            break
    return {by: outcome(searches[by], table.task, sides[by][1], seconds[by]) for by in sides}


def outcome(search, task, grid, seconds):
    """Read an `Outcome` from a finished search."""
    results, best = search.cv_results_, search.best_index_
    # What scorers negate (losses, errors) is told with its own sign.
    signs = {
        name: -1 if SCORERS[task][name].startswith("neg_") else 1
        for name in SCORERS[task]
        if name in search.scorer_
    }
    model = search.best_estimator_["model"]
    coefs = model.coefs_ if hasattr(model, "coefs_") else [model.coef_]
    n_folds = search.n_splits_
    return Outcome(
        chosen={
            name: search.best_params_[f"model__{name}"]
            for name, values in grid.items()
            if len(values) > 1
        },
        scores={
            name: (sign * results[f"mean_test_{name}"][best], results[f"std_test_{name}"][best])
            for name, sign in signs.items()
        },
        weakest=results[f"mean_test_{search.refit}"][-1],
        n_nonzero=sum(np.count_nonzero(c) for c in coefs),
        n_coef=sum(np.size(c) for c in coefs),
        seconds=statistics.median(seconds),
        n_runs=len(seconds),
        fit_seconds=results["mean_test_fit_seconds"].sum() * n_folds,
        n_unconverged=round(results["mean_test_n_unconverged"].sum() * n_folds),
        n_fits=len(results["params"]) * n_folds,
        max_iter=grid["max_iter"][0] if "max_iter" in grid else None,
    )


def guess(table, cv):
    """The first score of the best constant: the mean, or the commonest class."""
    dummy = DummyRegressor() if table.task == "regression" else DummyClassifier()
    scorer = next(iter(SCORERS[table.task].values()))
    return cross_val_score(
        dummy, np.zeros((len(table.y), 1)), table.y, cv=cv, scoring=scorer
    ).mean()
