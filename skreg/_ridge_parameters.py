"""What the parameters of ridge mean together, checked at the edge."""

from functools import partial

import numpy as np
from scipy import sparse
from sklearn.utils import check_array

from skreg._solvers.filters import FILTERS, iterated_tikhonov
from skreg._solvers.standard_form import operator
from skreg._validation import check_for_targets

SPECTRAL_SOLVERS = ("auto", "svd")


def choose_solver(ridge, X):
    """The solver to call, or an error that names the parameters that do not go together."""
    if ridge.positive:
        if ridge.solver not in ("auto", "lbfgs"):
            raise ValueError(
                f"solver={ridge.solver!r} cannot keep coefficients positive: use "
                f"solver='auto' or 'lbfgs', or positive=False."
            )
        for name in spectral_parameters(ridge):
            raise ValueError(
                f"positive=True does not go with {name}={getattr(ridge, name)!r}: leave one "
                f"of them at its default."
            )
        return "lbfgs"
    if ridge.solver == "lbfgs":
        raise ValueError(
            "solver='lbfgs' is for positive=True only: use another solver, such as 'auto'."
        )
    if ridge.solver not in SPECTRAL_SOLVERS:
        for name in spectral_parameters(ridge):
            raise ValueError(
                f"solver={ridge.solver!r} computes no spectrum, which "
                f"{name}={getattr(ridge, name)!r} needs: use solver='auto' or 'svd'."
            )
    if ridge.solver == "svd" and sparse.issparse(X):
        # scikit-learn's types: with an intercept a combination of values, else of types.
        error = ValueError if ridge.fit_intercept else TypeError
        raise error(
            "solver='svd' does not support sparse data: use solver='auto', or a dense array."
        )
    return ridge.solver


def spectral_parameters(ridge):
    """Names of the parameters that need a spectrum and are not at their defaults."""
    given = {
        "filter": ridge.filter != "tikhonov",
        "penalty_matrix": ridge.penalty_matrix is not None,
        "prior_mean": ridge.prior_mean is not None,
        "max_norm": ridge.max_norm is not None,
        "store_spectrum": ridge.store_spectrum,
    }
    return [name for name, value in given.items() if value]


def check_streamable(ridge):
    """True, or an error that names what moments alone cannot give."""
    for name in ("penalty_matrix", "prior_mean", "positive"):
        value = getattr(ridge, name)
        if value is not None and value is not False:
            raise AttributeError(
                f"partial_fit does not go with {name}={value!r}: use fit, or leave {name} at "
                f"its default."
            )
    if ridge.solver not in ("auto", "cholesky"):
        raise AttributeError(
            f"partial_fit solves from moments, not by solver={ridge.solver!r}: use "
            f"solver='auto' or 'cholesky'."
        )
    return True


def spectral_options(ridge, n_features, n_targets):
    """What `spectral` takes besides the data, checked against their shape."""
    options = {"filter": filter_function(ridge), "max_norm": None}
    options |= {"penalty": None, "prior_mean": None}
    if ridge.penalty_matrix is not None:
        options["penalty"] = operator(ridge.penalty_matrix, n_features)
    if ridge.prior_mean is not None:
        prior = check_array(ridge.prior_mean, ensure_2d=False, input_name="prior_mean")
        if prior.shape not in ((n_features,), (1, n_features), (n_targets, n_features)):
            raise ValueError(
                f"prior_mean has shape {prior.shape}; expected ({n_features},), one value "
                f"for each feature, or ({n_targets}, {n_features}), for each target too."
            )
        options["prior_mean"] = np.asarray(prior, np.float64)
    if ridge.max_norm is not None:
        if ridge.filter != "tikhonov":
            raise ValueError(
                f"max_norm={ridge.max_norm!r} raises the alpha of ridge and does not go with "
                f"filter={ridge.filter!r}: leave one of them at its default."
            )
        options["max_norm"] = check_for_targets(
            "max_norm", ridge.max_norm, n_targets, what="bounds", positive=True
        )
    return options


def filter_function(estimator):
    """The filter of an estimator as solvers take it: (s, alpha) -> (phi, 1 - phi)."""
    name = estimator.filter
    if name == "iterated_tikhonov":
        return partial(iterated_tikhonov, order=estimator.filter_order)
    if isinstance(name, str):
        return FILTERS[name]

    return partial(checked_factors, name)


def checked_factors(function, s, alpha):
    """Factors of a user's filter and their complements, or an error that says what is wrong."""
    phi = np.asarray(function(s, alpha), np.float64)
    shape = np.broadcast_shapes(s.shape, np.shape(alpha))
    if phi.shape != shape or not np.all(np.isfinite(phi)):
        raise ValueError(
            f"filter={function!r} returned an array of shape {phi.shape} for s of shape {s.shape} "
            f"and alpha of shape {np.shape(alpha)}; expected finite numbers of shape {shape}."
        )
    return phi, 1 - phi
