"""The only file that uses scikit-learn's private parts: validation at the edge."""

import inspect
from contextlib import contextmanager

import numpy as np
from scipy import sparse
from sklearn.base import _fit_context as fit_context
from sklearn.utils import _safe_indexing as safe_indexing
from sklearn.utils import assert_all_finite
from sklearn.utils._metadata_requests import _raise_for_params as raise_for_params
from sklearn.utils._metadata_requests import _routing_enabled as routing_enabled
from sklearn.utils._param_validation import (
    Interval,
    InvalidParameterError,
    Options,
    StrOptions,
    validate_params,
)
from sklearn.utils.multiclass import _check_partial_fit_first_call as check_partial_fit_first_call
from sklearn.utils.validation import _check_method_params as params_of_rows
from sklearn.utils.validation import _check_sample_weight, validate_data

from skreg._solvers.scaling import sum_of_squares, unit

__all__ = [
    "Interval",
    "InvalidParameterError",
    "Options",
    "StrOptions",
    "check_alpha",
    "check_dense",
    "check_finite",
    "check_finite_fit",
    "check_for_targets",
    "check_partial_fit_first_call",
    "check_weight_sum",
    "check_weights",
    "fit_context",
    "new_samples",
    "numbers_of",
    "params_of_rows",
    "raise_for_params",
    "response_methods",
    "routing_enabled",
    "safe_indexing",
    "takes_weights",
    "unchanged_on_error",
    "validate_params",
    "validate_samples",
]


FLOATS = np.dtype(np.float64), np.dtype(np.float32)
# Where scikit-learn's `fit_context` looks for callbacks whose life a fit began.
OF_CALLBACKS = ("_callback_fit_ctx", "_skl_callbacks_to_teardown")


def check_alpha(alpha, n_targets):
    """One finite, non-negative penalty for each target, in float64; else a `ValueError`."""
    return check_for_targets("alpha", alpha, n_targets, what="penalties")


def check_for_targets(name, values, n_targets, *, what="values", positive=False):
    """`values` of a parameter as one finite number for each target, in float64.

    Raises
    ------
    ValueError
        For NaN, infinity, a negative value (or zero, where `positive`), or another number of them
        than 1 or n_targets.
    """
    values = np.asarray(values, dtype=np.float64).ravel()
    wrong = ~(np.isfinite(values) & ((values > 0) if positive else (values >= 0)))
    if wrong.any():
        raise ValueError(
            f"{name} must be finite and {'positive' if positive else 'non-negative'} for every "
            f"target; it contains {values[wrong][0]}."
        )
    if len(values) not in (1, n_targets):
        raise ValueError(
            f"{name} holds {len(values)} {what} but y has {n_targets} targets: pass one "
            f"number, or one for each target."
        )
    return np.broadcast_to(values, n_targets)


def check_weights(sample_weight, X, dtype=None):
    """Return None or weights of shape (n_samples,), none negative, not all zero.

    They have X's dtype if no other is given.

    Raises
    ------
    ValueError
        For a wrong shape, NaN or infinity, a negative weight, or weights that sum to zero.
    """
    if sample_weight is None:
        return None
    weight = _check_sample_weight(sample_weight, X, dtype=dtype or X.dtype)
    if not np.all(weight >= 0):
        raise ValueError(
            f"sample_weight must be non-negative and finite; its smallest entry is "
            f"{np.min(weight)!s}. Use 0 to leave a row out."
        )
    return weight


def check_weight_sum(weight, name="sample_weight"):
    """Raise where a sum of weights may be infinite."""
    if weight.max() > np.finfo(weight.dtype).max / len(weight):
        raise ValueError(
            f"{name} holds {weight.max():g}, too large for the sum of {len(weight)} weights to be "
            f"finite in {weight.dtype}. Divide the weights by the largest."
        )


def validate_samples(estimator, X, y, **options):
    """X, dense or sparse, in float32 or float64, and y of one or more columns.

    Raises
    ------
    ValueError
        For NaN, infinity (unless `options` say otherwise), shapes that do not fit, and with
        y_numeric for words.
    """
    finite = options.pop("ensure_all_finite", True)
    # scikit-learn looks for NaN in the sum of all entries, whose overflow is no news.
    with np.errstate(over="ignore", invalid="ignore"):
        X, y = validate_data(
            estimator,
            X,
            y,
            accept_sparse=["csr", "csc"],
            dtype=[np.float64, np.float32],
            multi_output=True,
            ensure_all_finite=False,  # but for y: X is looked at here, on all cores
            **options,
        )
        if finite:
            check_finite(X, estimator_name=type(estimator).__name__)
    return X, numbers_of(estimator, y) if options.get("y_numeric") else y


def new_samples(estimator, X, **options):
    """Samples that a fitted estimator can predict for, as `validate_data` makes them.

    It would return most arrays as they are, but look at one row for as long as a prediction takes.
    """
    as_it_is = (
        type(X) is np.ndarray
        and X.dtype in FLOATS
        and X.ndim == 2
        and X.shape[0] > 0
        and X.shape[1] == estimator.n_features_in_
        and not hasattr(estimator, "feature_names_in_")
        and sum_of_squares(X) < np.inf
    )
    return X if as_it_is else validate_data(estimator, X, reset=False, **options)


def numbers_of(estimator, y):
    """Targets that may be numbers as text, as numbers; scikit-learn converts objects only."""
    if y.dtype.kind in "US":
        y = y.astype(np.float64)
        assert_all_finite(y, input_name="y", estimator_name=type(estimator).__name__)
    return y


def check_finite(X, **names):
    """Raise as scikit-learn does where X holds NaN or infinity; else return the unit of X.

    All cores look at X, once for both.
    """
    found = unit(X)
    if np.isnan(found):
        assert_all_finite(X, input_name="X", **names)
    return found


@contextmanager
def unchanged_on_error(estimator, but=()):
    """Give an estimator back the state it had, where an error ends the fit that changes it.

    Errors of the classes in `but` leave it as it is. What the callbacks of the fit need for their
    end stays, too.
    """
    before = dict(vars(estimator))
    try:
        yield
    except but:
        raise
    except BaseException:
        now = vars(estimator).copy()
        vars(estimator).clear()
        vars(estimator).update(before)
        vars(estimator).update({name: now[name] for name in OF_CALLBACKS if name in now})
        raise


def check_dense(y):
    """Return dense targets; raise `TypeError` for sparse ones."""
    if sparse.issparse(y):
        raise TypeError("y is sparse, but targets must be dense: pass y.toarray().")
    return y


def check_finite_fit(estimator, **arrays):
    """Raise where a fit overflowed, naming the first array that is not finite."""
    for name, array in arrays.items():
        if not np.all(np.isfinite(array)):
            raise ValueError(
                f"{type(estimator).__name__} produced non-finite values in {name}: the input "
                f"data contain values too large for {np.asarray(array).dtype}. Scale the data, "
                f"for example with sklearn.preprocessing.StandardScaler."
            )


def response_methods(scorer):
    """The methods of which a scorer made by `make_scorer` calls the first that there is."""
    names = getattr(scorer, "_response_method", "predict")
    return (names,) if isinstance(names, str) else tuple(names)


def takes_weights(scorer):
    """Whether a scorer can be called with sample_weight."""
    parameters = inspect.signature(getattr(scorer, "_score_func", scorer)).parameters
    return "sample_weight" in parameters
