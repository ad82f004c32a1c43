"""What the displays of a spectrum ask of an estimator."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skreg._solvers.choice import grid
from skreg._solvers.filters import DESCENDING
from skreg.plot._axes import require

COUNTS = tuple(filter.__name__ for filter in DESCENDING)  # names of filters with counts as alphas


def spectrum_of(estimator):
    """The ``spectrum_`` of a fitted estimator, or an error that says how to get one."""
    check_is_fitted(estimator)
    advice = "set store_spectrum=True and fit again."
    if "store_spectrum" not in estimator.get_params(deep=False):
        advice = (
            "skreg's Ridge, RidgeCV and KernelRidgeCV keep one with store_spectrum=True; of a "
            "pipeline, give the last step."
        )
    return require(estimator, "spectrum_", advice)


def check_target(target, n_targets):
    """The index of the target to show; with several, the caller has to say which."""
    if target is None and n_targets == 1:
        return 0
    if target is None or not 0 <= target < n_targets:
        raise ValueError(
            f"target={target!r}, but there are {n_targets} targets: a display shows one, give "
            f"its index, from 0 to {n_targets - 1}."
        )
    return target


def alpha_of(estimator, target):
    """The alpha that the estimator was fitted with, for this target."""
    alphas = np.ravel(estimator.alpha_)
    return float(alphas[0] if len(alphas) == 1 else alphas[target])


def check_grid(alphas, spectrum):
    """Alphas as an increasing array; without any, those that the spectrum gives reason for."""
    if alphas is None:
        return default_alphas(spectrum)
    alphas = np.unique(np.asarray(alphas, dtype=np.float64))
    if len(alphas) == 0 or not np.all(np.isfinite(alphas) & (alphas >= 0)):
        raise ValueError(f"alphas must be finite numbers of at least 0; got {alphas}.")
    return alphas


def default_alphas(spectrum):
    """The grid of the rules, down to the rounding errors of the largest squared singular value."""
    alphas = grid(spectrum)
    if counts_of(spectrum) or len(spectrum.s) == 0:
        return alphas
    with np.errstate(over="ignore", under="ignore"):
        floor = np.square(spectrum.s[0]) * np.finfo(float).eps
    if alphas[0] < floor < alphas[-1]:  # singular values below are noise, and stretch the axis
        alphas = np.geomspace(floor, alphas[-1], len(alphas))
    return alphas


def counts_of(spectrum):
    """Whether the alphas of this spectrum are counts."""
    return spectrum.filter in DESCENDING
