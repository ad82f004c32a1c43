"""What ``cv_results_`` says of the alphas that were tried, and what the rules make of it."""

from typing import NamedTuple

import numpy as np

from skreg._alpha_search import Measured, one_standard_error
from skreg._solvers.choice import Choice
from skreg._solvers.sparse_cv import choose
from skreg._sparse_search import SparseSearch
from skreg.plot._axes import require
from skreg.plot._spectra import COUNTS, alpha_of, check_target


class Candidates(NamedTuple):
    """The alphas tried, decreasing, one row for each l1_ratio."""

    alphas: np.ndarray  # (n_rows, n_alphas)
    values: np.ndarray  # (n_rows, n_alphas)
    std_error: np.ndarray | None  # (n_rows, n_alphas)
    l1_ratios: np.ndarray | None  # (n_rows,)
    best_alpha: float
    one_se_alpha: float | None
    meaning: str  # of the values
    counts: bool = False  # whether alphas are counts
    best_l1_ratio: float | None = None


def candidates(estimator, target=None):
    """The candidates of a fitted search, or an error that says what has to be fitted."""
    results = require(
        estimator,
        "cv_results_",
        "estimators that search for alpha, such as RidgeCV, LassoCV and ElasticNetCV, have one; "
        "fit one of these, and of a pipeline, give the last step.",
    )
    if not isinstance(results, dict):
        raise ValueError(
            f"cv_results_ of this {type(estimator).__name__} holds samples, not scores of alphas: "
            f"set store_cv_results=False and fit again."
        )
    if "alpha" not in results:
        raise ValueError(
            f"cv_results_ of this {type(estimator).__name__} has no alphas: give an estimator "
            f"that searches by itself, such as RidgeCV, LassoCV or ElasticNetCV."
        )
    found = _sparse if isinstance(estimator, SparseSearch) else _spectral
    return found(estimator, results, target)


def _sparse(estimator, results, _):
    """Paths of folds, or of an information criterion."""
    shape = -1, np.shape(estimator.alphas_)[-1]
    alphas = results["alpha"].reshape(shape)
    ratios = results["l1_ratio"].reshape(shape)[:, 0] if "l1_ratio" in results else None
    ratio = getattr(estimator, "l1_ratio_", None)
    if "score" in results:
        values, meaning = -results["score"].reshape(shape), estimator.criterion.upper()
        best = {"best_alpha": estimator.alpha_, "one_se_alpha": None, "best_l1_ratio": ratio}
        return Candidates(alphas, values, None, ratios, meaning=meaning, **best)
    splits = [key for key in results if key.startswith("split")]
    mse = -np.stack([results[key].reshape(shape) for key in splits], axis=-1)
    std_error, one_se = None, None
    if "std_error" in results:
        std_error = results["std_error"].reshape(shape)
        one_se = float(alphas[choose(mse, "one_se")])
    best = {"best_alpha": float(alphas[choose(mse, "min")]), "one_se_alpha": one_se}
    best |= {"best_l1_ratio": ratio, "meaning": "mean squared error"}
    values = -results["mean_test_score"].reshape(shape)
    return Candidates(alphas, values, std_error, ratios, **best)


def _spectral(estimator, results, target):
    """One row: leave-one-out errors, a rule, or folds."""
    score = results["mean_test_score" if "mean_test_score" in results else "score"]
    target = check_target(target, score.shape[1]) if score.ndim == 2 else 0
    score, alphas = score.reshape(len(score), -1)[:, target], results["alpha"]
    counts = getattr(estimator, "filter", None) in COUNTS
    error, best, one_se = results.get("std_error"), alpha_of(estimator, target), None
    if error is not None:
        error = error.reshape(len(error), -1)[:, target]
        index, within = _one_se(alphas, -score, error, counts=counts)
        one_se = float(alphas[within])
        if estimator.choose == "one_se":
            best = float(alphas[index])
    order = np.argsort(alphas)[::-1]
    sign, meaning = _meaning(estimator, results)
    error = None if error is None else error[order][None]
    values = sign * score[order][None]
    return Candidates(alphas[order][None], values, error, None, best, one_se, meaning, counts)


def _one_se(alphas, loss, error, *, counts):
    """Indices of the least loss, of equal ones the strongest, and of the one-SE rule's choice."""
    loss = np.where(np.isnan(loss), np.inf, loss)
    best = np.lexsort((alphas if counts else -alphas, loss))[:1]
    found = Choice(alphas[best], best, loss[:, None], alphas, [None], loss[best] < np.inf)
    measured = Measured(loss[:, None], error[:, None])
    return best[0], one_standard_error(measured, found, counts)[0]


def _meaning(estimator, results):
    """The sign that makes the scores what users know by a name, and that name."""
    if "score" in results:
        return -1, estimator.rule
    if estimator.cv is None and estimator.scoring is None:
        return -1, "leave-one-out squared error"
    scoring = estimator.scoring or estimator._default_scoring
    return 1, f"score ({scoring})" if isinstance(scoring, str) else "score"
