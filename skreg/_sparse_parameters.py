"""What the parameters of sparse linear models mean together, checked at the edge."""

import warnings
from numbers import Integral, Number, Real

import numpy as np
from sklearn.utils import check_array

from skreg._solvers.penalty import penalty
from skreg._validation import Interval, StrOptions, check_weights

FEATURE_CONSTRAINTS = {
    "penalty_weights": ["array-like", None],
    "lower": [Real, "array-like", None],
    "upper": [Real, "array-like", None],
}
# Deprecated in scikit-learn 1.9, whose signatures are kept.
ALPHA_CONSTRAINTS = {
    "n_alphas": [Interval(Integral, 1, None, closed="left"), StrOptions({"deprecated"})],
    "alphas": [
        Interval(Integral, 1, None, closed="left"),
        "array-like",
        None,
        StrOptions({"warn"}),
    ],
    "eps": [Interval(Real, 0, None, closed="neither")],
}
DEFAULT_ALPHAS = 100
# The alphas of data that no penalty can change, where a path has to start somewhere.
NOTHING = np.finfo(np.float64).resolution


def row_weights(sample_weight, X):
    """None for equal weights, or weights (n_samples,) that sum to n_samples, in float64."""
    weight = check_weights(sample_weight, X)
    if weight is None or isinstance(sample_weight, Number):
        return None
    weight = weight.astype(np.float64, copy=False)
    weight = weight / weight.max()
    return weight * (len(weight) / weight.sum())


def check_penalty(
    n_features,
    total,
    l1_ratio=1.0,
    *,
    penalty_weights=None,
    lower=None,
    upper=None,
    positive=False,
):
    """The `Penalty` that the parameters describe, for weights of the samples that sum to `total`.

    Raises
    ------
    ValueError
        For wrong lengths, NaN, negative weights of the penalty, bounds that leave no number, and
        bounds that contradict `positive` or an excluded feature.
    """
    weights = None
    if penalty_weights is not None:
        weights = check_penalty_weights(penalty_weights, n_features)
    lower, upper = check_bounds(lower, upper, positive, n_features)
    if weights is not None:
        check_excluded(weights, lower, upper)
    with np.errstate(over="ignore"):  # beyond the largest number a penalty excludes
        return penalty(n_features, total, l1_ratio, weights=weights, lower=lower, upper=upper)


def check_penalty_weights(penalty_weights, n_features):
    """Factors of the penalty (n_features,), 0 to infinity."""
    weights = numbers("penalty_weights", penalty_weights)
    if weights.shape != (n_features,):
        raise ValueError(
            f"penalty_weights has shape {weights.shape}, but X has {n_features} features: give "
            f"one weight for each feature."
        )
    wrong = ~(weights >= 0)
    if wrong.any():
        j = int(wrong.argmax())
        raise ValueError(
            f"penalty_weights must not be negative or NaN, but penalty_weights[{j}] is "
            f"{weights[j]}: use 0 to leave a feature unpenalized, infinity to exclude it."
        )
    return weights


def check_bounds(lower, upper, positive, n_features):
    """The bounds of the coefficients, each None or of shape (n_features,)."""
    if lower is not None:
        lower = bound("lower", lower, n_features, never=np.inf)
    if upper is not None:
        upper = bound("upper", upper, n_features, never=-np.inf)
    below, above = "lower", "upper"
    if positive:
        if lower is not None and np.any(contrary := (lower < 0) & np.isfinite(lower)):
            j = int(contrary.argmax())
            raise ValueError(
                f"positive=True means lower=0, but lower[{j}] is {lower[j]}: leave lower at "
                f"None, or set positive=False."
            )
        if lower is None:
            below = "lower (0, as positive=True)"
        lower = np.zeros(n_features) if lower is None else np.maximum(lower, 0)
    if lower is not None and upper is not None and np.any(crossed := lower > upper):
        j = int(crossed.argmax())
        raise ValueError(
            f"{below} must not lie above {above}, but for feature {j} they are {lower[j]} and "
            f"{upper[j]}, and for {np.count_nonzero(crossed)} of {n_features} features in all: "
            f"no coefficient lies between. Widen the bounds of these features."
        )
    return lower, upper


def bound(name, values, n_features, *, never):
    """One of the bounds, a number for each feature."""
    values = numbers(name, values)
    if values.shape not in ((), (n_features,)):
        raise ValueError(
            f"{name} has shape {values.shape}, but X has {n_features} features: give one number, "
            f"or one for each feature."
        )
    values = np.broadcast_to(values, n_features)
    wrong = np.isnan(values) | (values == never)
    if wrong.any():
        j = int(wrong.argmax())
        raise ValueError(
            f"{name} must not be NaN or {never}, but for feature {j} it is {values[j]}: use "
            f"{-never} for no bound."
        )
    return values


def check_excluded(weights, lower, upper):
    """Refuse bounds that keep a feature off 0 which an infinite weight holds there."""
    for name, values, sign in (("lower", lower, 1), ("upper", upper, -1)):
        if values is not None and np.any(wrong := np.isinf(weights) & (sign * values > 0)):
            j = int(wrong.argmax())
            raise ValueError(
                f"penalty_weights[{j}] is inf, which excludes feature {j}, but {name} for it is "
                f"{values[j]}, which keeps its coefficient off 0: change one of them."
            )


def numbers(name, values):
    """The values of a parameter as float64."""
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must hold numbers, but it is {values!r}.") from error


def check_start(coef, shape):
    """Coefficients to start from, of that shape, in float64."""
    start = numbers("coef_init", coef)
    if start.shape != shape or not np.all(np.isfinite(start)):
        raise ValueError(
            f"coef_init must hold finite numbers and have shape {shape}, but it has shape "
            f"{start.shape}{'' if np.all(np.isfinite(start)) else ' and is not finite'}."
        )
    return start


def requested_alphas(alphas, n_alphas, *, stacklevel=4):
    """A number of alphas or the alphas themselves, with the deprecations of scikit-learn 1.9."""
    if n_alphas != "deprecated":
        warnings.warn(
            f"n_alphas is deprecated, as in scikit-learn 1.9, which removes it in 1.11: give "
            f"alphas={n_alphas} instead.",
            FutureWarning,
            stacklevel=stacklevel,
        )
    if alphas is None:
        warnings.warn(
            f"alphas=None is deprecated, as in scikit-learn 1.9, which removes it in 1.11: give "
            f"alphas={DEFAULT_ALPHAS} instead.",
            FutureWarning,
            stacklevel=stacklevel,
        )
    if alphas is None or (isinstance(alphas, str) and alphas == "warn"):
        return DEFAULT_ALPHAS if n_alphas == "deprecated" else n_alphas
    return alphas


def check_alphas(alphas):
    """Given alphas as a decreasing float64 array (n_alphas,)."""
    alphas = numbers("alphas", alphas)
    if alphas.ndim != 1 or len(alphas) == 0:
        raise ValueError(
            f"alphas must be a number of alphas or a list of at least one, but it has shape "
            f"{alphas.shape}."
        )
    wrong = ~(np.isfinite(alphas) & (alphas >= 0))
    if wrong.any():
        raise ValueError(
            f"alphas must be finite and not negative, but they contain {alphas[wrong][0]}."
        )
    return np.sort(alphas)[::-1]


def alpha_grid(largest, n_alphas, eps):
    """Alphas in geometric steps from the largest useful one down to `eps` times that."""
    if not largest > 0:
        return np.full(n_alphas, NOTHING)
    return np.geomspace(largest, largest * eps, n_alphas)


def check_l1_ratio_of_grid(l1_ratio):
    """Refuse to choose alphas where no alpha makes all coefficients zero."""
    if l1_ratio == 0:
        raise ValueError(
            "l1_ratio=0 has no largest useful alpha, from which alphas could be chosen: give "
            "alphas as a list, or l1_ratio > 0."
        )


def advice(n_iter, max_iter):
    """What to try first where `tol` was not reached; sweeps, unless rounding ended the fit."""
    enough = n_iter < (1000 if max_iter is None else max_iter)
    return "No more sweeps would reach it: increase tol" if enough else "Increase max_iter"


def warn_of_least_squares(estimator, stacklevel):
    """Say that alpha=0 asks for something that others do better."""
    warnings.warn(
        f"alpha=0 is ordinary least squares, for which {type(estimator).__name__} is slow: it "
        f"was asked to fit it anyway. Use LinearRegression, or Ridge(alpha=0), instead.",
        UserWarning,
        stacklevel=stacklevel + 1,
    )


def start_of(estimator, n_targets, n_features):
    """Coefficients to start from, (n_targets, n_features), or None."""
    if not estimator.warm_start or not hasattr(estimator, "coef_"):
        return None
    start, shape = np.atleast_2d(estimator.coef_), (n_targets, n_features)
    if start.shape != shape:
        raise ValueError(
            f"warm_start=True needs the coefficients of the last fit, but coef_ has shape "
            f"{start.shape} and this fit (n_targets, n_features) = {shape}. Set "
            f"warm_start=False, or use a new estimator."
        )
    return start.astype(np.float64)


def check_gram(precompute, features, *, stacklevel):
    """Refuse a Gram matrix that is not that of the centred, weighted X; others need no check.

    The solver forms the products that it needs, so a right one is not used either.
    """
    if isinstance(precompute, bool | np.bool_ | str):
        return
    n_features = features.shape[1]
    gram = check_array(precompute, dtype=np.float64, input_name="precompute")
    if gram.shape != (n_features, n_features):
        raise ValueError(
            f"precompute has shape {gram.shape}; a Gram matrix for X of shape {features.shape} "
            f"has shape {(n_features, n_features)}."
        )
    single = features.dtype == np.float32
    deviation = np.sqrt(features.square_norms / features.shape[0]) * features.scale
    if np.any(np.abs(features.X_mean) > (1e-3 if single else 1e-6) * deviation):
        warnings.warn(
            "precompute holds a Gram matrix, but X has to be centred to fit the intercept, and "
            "its products are computed anew. Leave precompute at its default, or centre X.",
            UserWarning,
            stacklevel=stacklevel,
        )
        return
    probe = np.cos(np.arange(n_features))
    fitted = -features.residual(np.zeros(features.shape[0]), np.arange(n_features), probe)
    expected = features.gradient(fitted)
    error = np.linalg.norm(gram @ probe / features.scale / features.scale - expected)
    rtol = 1e-4 if single else 1e-7
    if not error <= rtol * np.linalg.norm(expected):
        raise ValueError(
            f"Gram matrix passed in via 'precompute' parameter did not pass validation: "
            f"multiplied with a test vector it differs by {error:.3g} from X'X. Pass X'X of "
            f"the centred and weighted X, or leave precompute at its default."
        )
