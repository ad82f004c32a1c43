"""Whole paths of lasso and elastic net solutions."""

import warnings
from numbers import Integral, Real

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_array

from skreg._solvers import multi_task, path
from skreg._solvers.features import Features
from skreg._solvers.sparse_cv import centred_targets
from skreg._solvers.stretches import walk_in_stretches
from skreg._solvers.threads import one_blas_thread
from skreg._sparse_parameters import (
    ALPHA_CONSTRAINTS,
    FEATURE_CONSTRAINTS,
    advice,
    alpha_grid,
    check_alphas,
    check_gram,
    check_l1_ratio_of_grid,
    check_penalty,
    check_start,
    requested_alphas,
    row_weights,
)
from skreg._validation import Interval, StrOptions, check_dense, check_finite, validate_params

LASSO_CONSTRAINTS = (
    ALPHA_CONSTRAINTS
    | FEATURE_CONSTRAINTS
    | {
        "X": ["array-like", "sparse matrix"],
        "y": ["array-like", "sparse matrix"],
        "precompute": [StrOptions({"auto"}), "boolean", "array-like"],
        "Xy": ["array-like", None],
        "copy_X": ["boolean"],
        "coef_init": ["array-like", None],
        "verbose": ["verbose"],
        "return_n_iter": ["boolean"],
        "positive": ["boolean"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left"), None],
        "random_state": ["random_state"],
        "selection": [StrOptions({"cyclic", "random"})],
        "fit_intercept": ["boolean"],
    }
)
ENET_CONSTRAINTS = LASSO_CONSTRAINTS | {
    "l1_ratio": [Interval(Real, 0, 1, closed="both")],
    "check_input": ["boolean"],
}


@validate_params(ENET_CONSTRAINTS, prefer_skip_nested_validation=True)
def enet_path(
    X,
    y,
    *,
    l1_ratio=0.5,
    eps=1e-3,
    n_alphas="deprecated",
    alphas="warn",
    precompute="auto",
    Xy=None,
    copy_X=True,
    coef_init=None,
    verbose=False,
    return_n_iter=False,
    positive=False,
    check_input=True,
    tol=1e-4,
    max_iter=1000,
    random_state=None,
    selection="cyclic",
    sample_weight=None,
    fit_intercept=False,
    penalty_weights=None,
    lower=None,
    upper=None,
):
    r"""Elastic net solutions for a whole path of penalties.

    Minimizes, for each alpha,

    .. math::

        \frac{1}{2 n} \|y - X w\|_2^2
        + \alpha \sum_j v_j \left(\rho \, |w_j| + \frac{1 - \rho}{2} w_j^2\right)
        \quad \text{with} \quad l_j \le w_j \le u_j

    with n the number of samples, :math:`\rho` = `l1_ratio` and v = `penalty_weights`. Where y has
    several columns, row j of the coefficients W takes the place of w_j, its Euclidean norm that
    of abs(w_j), and features come in for all columns or for none, as in `MultiTaskElasticNet`.
    Every solution starts from one before it, mostly the last, and has its own certificate.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Data. float32 and float64, dense in either order, CSC or CSR, are used without a copy.
    y : array-like of shape (n_samples,) or (n_samples, n_targets)
        Target, or targets that share their features.
    l1_ratio : float, default=0.5
        Share of the L1 penalty, in [0, 1]: 1 is the lasso, 0 a ridge penalty, for which `alphas`
        must be given.
    eps : float, default=1e-3
        Smallest alpha over the largest, in (0, inf), where `alphas` is a number.
    n_alphas : int, default="deprecated"
        Number of alphas; deprecated in favour of `alphas`.
    alphas : int or array-like of shape (n_alphas,), default="warn"
        The alphas, in [0, inf) and in any order, or their number: then they descend in geometric
        steps from the smallest one at which all penalized coefficients are zero. The default is
        100; None is deprecated and means the same.
    precompute : "auto", bool or array-like of shape (n_features, n_features), default="auto"
        Accepted as in scikit-learn. The solver chooses by itself whether it works on products of
        columns. A matrix is checked against X'X, and not needed.
    Xy : array-like of shape (n_features,) or (n_features, n_targets), default=None
        Accepted as in scikit-learn; its shape is checked. The solver computes X'y itself.
    copy_X : bool, default=True
        Accepted as in scikit-learn. X is neither copied nor changed.
    coef_init : array-like of shape (n_features,) or (n_targets, n_features), default=None
        Coefficients from which the first solution starts, zero by default.
    verbose : bool or int, default=False
        Whether to print a line for each alpha.
    return_n_iter : bool, default=False
        Whether to return the numbers of iterations.
    positive : bool, default=False
        Whether to require w >= 0; for one target only.
    check_input : bool, default=True
        False skips the checks of X and y, which must then be float arrays.
    tol : float, default=1e-4
        Largest duality gap, in [0, inf), relative to ||y||^2 / n.
    max_iter : int or None, default=1000
        The most sweeps over the coefficients for one alpha; None stands for 1000.
    random_state : int, RandomState instance or None, default=None
        Accepted as in scikit-learn, without effect: nothing here is random.
    selection : {"cyclic", "random"}, default="cyclic"
        Accepted as in scikit-learn, without effect: the solver chooses the order of its steps.
    sample_weight : float or array-like of shape (n_samples,), default=None
        Non-negative weights of the squared residuals, rescaled to sum to n.
    fit_intercept : bool, default=False
        Whether to centre X and y, so that an intercept is free. Otherwise they are taken as
        centred, as in scikit-learn.
    penalty_weights : array-like of shape (n_features,), default=None
        Factors v of the penalty, in [0, inf]: 0 leaves a feature unpenalized, infinity excludes
        it. They are not rescaled. None stands for ones.
    lower, upper : float or array-like of shape (n_features,), default=None
        Bounds l and u of the coefficients, for one target only. None stands for no bound.

    Returns
    -------
    alphas : ndarray of shape (n_alphas,)
        The alphas, decreasing.
    coefs : ndarray of shape (n_features, n_alphas) or (n_targets, n_features, n_alphas)
        The coefficients, in units of y per unit of X.
    dual_gaps : ndarray of shape (n_alphas,)
        Certificates: the objective above is at most this much over its minimum. With fewer than
        1,500 features and more samples than that, they come from X'X, X'y and y'y.
    n_iters : list of int
        Sweeps done for each alpha, with ``return_n_iter=True``.

    Raises
    ------
    ValueError
        If an argument is outside its range, X or y holds NaN, infinity or complex numbers, arrays
        do not fit together, bounds contradict each other or are given for several columns of y,
        or the coefficients overflow.
    TypeError
        If y is sparse.

    Warns
    -----
    ConvergenceWarning
        If `max_iter` sweeps do not reach `tol` at some alpha; it says the largest gap.

    See Also
    --------
    lasso_path : The case `l1_ratio=1`.
    ElasticNet : The solution for one alpha, with predictions.

    References
    ----------
    Friedman, Hastie and Tibshirani, "Regularization paths for generalized linear models via
    coordinate descent", Journal of Statistical Software 33(1), 2010.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from skreg import enet_path
    >>> X, y = load_diabetes(return_X_y=True)
    >>> alphas, coefs, gaps = enet_path(X, y, l1_ratio=0.9, alphas=50, fit_intercept=True)
    >>> coefs.shape
    (10, 50)
    >>> [int((coefs[:, k] != 0).sum()) for k in (0, 3, 49)]
    [0, 5, 10]
    """
    return solved_path(**locals())  # all arguments, by their names


@validate_params(LASSO_CONSTRAINTS, prefer_skip_nested_validation=True)
def lasso_path(
    X,
    y,
    *,
    eps=1e-3,
    n_alphas="deprecated",
    alphas="warn",
    precompute="auto",
    Xy=None,
    copy_X=True,
    coef_init=None,
    verbose=False,
    return_n_iter=False,
    positive=False,
    tol=1e-4,
    max_iter=1000,
    random_state=None,
    selection="cyclic",
    sample_weight=None,
    fit_intercept=False,
    penalty_weights=None,
    lower=None,
    upper=None,
):
    r"""Lasso solutions for a whole path of penalties.

    Minimizes, for each alpha,

    .. math::

        \frac{1}{2 n} \|y - X w\|_2^2 + \alpha \sum_j v_j |w_j|
        \quad \text{with} \quad l_j \le w_j \le u_j

    with n the number of samples and v = `penalty_weights`: `enet_path` with `l1_ratio=1`. Where y
    has several columns, norms of rows take the place of abs(w_j), as in `MultiTaskLasso`.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Data. float32 and float64, dense in either order, CSC or CSR, are used without a copy.
    y : array-like of shape (n_samples,) or (n_samples, n_targets)
        Target, or targets that share their features.
    eps : float, default=1e-3
        Smallest alpha over the largest, in (0, inf), where `alphas` is a number.
    n_alphas : int, default="deprecated"
        Number of alphas; deprecated in favour of `alphas`.
    alphas : int or array-like of shape (n_alphas,), default="warn"
        The alphas, or their number; see `enet_path`.
    precompute : "auto", bool or array-like of shape (n_features, n_features), default="auto"
        Accepted as in scikit-learn; see `enet_path`.
    Xy : array-like of shape (n_features,) or (n_features, n_targets), default=None
        Accepted as in scikit-learn; see `enet_path`.
    copy_X : bool, default=True
        Accepted as in scikit-learn. X is neither copied nor changed.
    coef_init : array-like of shape (n_features,) or (n_targets, n_features), default=None
        Coefficients from which the first solution starts, zero by default.
    verbose : bool or int, default=False
        Whether to print a line for each alpha.
    return_n_iter : bool, default=False
        Whether to return the numbers of iterations.
    positive : bool, default=False
        Whether to require w >= 0; for one target only.
    tol : float, default=1e-4
        Largest duality gap, in [0, inf), relative to ||y||^2 / n.
    max_iter : int or None, default=1000
        The most sweeps over the coefficients for one alpha; None stands for 1000.
    random_state : int, RandomState instance or None, default=None
        Accepted as in scikit-learn, without effect: nothing here is random.
    selection : {"cyclic", "random"}, default="cyclic"
        Accepted as in scikit-learn, without effect: the solver chooses the order of its steps.
    sample_weight : float or array-like of shape (n_samples,), default=None
        Non-negative weights of the squared residuals, rescaled to sum to n.
    fit_intercept : bool, default=False
        Whether to centre X and y, so that an intercept is free.
    penalty_weights : array-like of shape (n_features,), default=None
        Factors v of the penalty, in [0, inf]: 0 leaves a feature unpenalized, infinity excludes
        it.
    lower, upper : float or array-like of shape (n_features,), default=None
        Bounds l and u of the coefficients, for one target only. None stands for no bound.

    Returns
    -------
    alphas : ndarray of shape (n_alphas,)
        The alphas, decreasing.
    coefs : ndarray of shape (n_features, n_alphas) or (n_targets, n_features, n_alphas)
        The coefficients, in units of y per unit of X.
    dual_gaps : ndarray of shape (n_alphas,)
        Certificates: the objective above is at most this much over its minimum. With fewer than
        1,500 features and more samples than that, they come from X'X, X'y and y'y.
    n_iters : list of int
        Sweeps done for each alpha, with ``return_n_iter=True``.

    Raises
    ------
    ValueError, TypeError
        As `enet_path`.

    See Also
    --------
    enet_path : The general case.
    Lasso : The solution for one alpha, with predictions.

    References
    ----------
    Tibshirani, "Regression shrinkage and selection via the lasso", JRSS-B 58(1), 1996.

    Examples
    --------
    >>> import numpy as np
    >>> from skreg import lasso_path
    >>> X = np.array([[-1.5, 0.5], [-0.5, -0.5], [0.5, -0.5], [1.5, 0.5]])
    >>> y = np.array([-1.5, -0.5, 0.5, 1.5])
    >>> alphas, coefs, gaps = lasso_path(X, y, alphas=[0.125, 1.25, 0.625])
    >>> alphas
    array([1.25 , 0.625, 0.125])
    >>> coefs
    array([[0. , 0.5, 0.9],
           [0. , 0. , 0. ]])
    """
    return solved_path(**locals())  # all arguments, by their names


def solved_path(
    X, y, *, l1_ratio=1.0, eps, n_alphas, alphas, precompute, Xy, copy_X, coef_init, verbose,
    return_n_iter, positive, check_input=True, tol, max_iter, random_state, selection,
    sample_weight, fit_intercept, penalty_weights, lower, upper,
):  # fmt: skip
    """The path that `enet_path` and `lasso_path` describe."""
    requested = requested_alphas(alphas, n_alphas, stacklevel=5)
    if isinstance(requested, Integral):
        check_l1_ratio_of_grid(l1_ratio)
    else:
        requested = check_alphas(requested)
    X, y = check_data(X, y, check_input)
    tasks = y.ndim == 2
    if tasks:
        check_unbounded(positive=positive, lower=lower, upper=upper)
    n_samples, n_features = X.shape
    penalty = check_penalty(
        n_features, n_samples, l1_ratio,
        penalty_weights=penalty_weights, lower=lower, upper=upper, positive=positive,
    )  # fmt: skip
    start = None
    if coef_init is not None:
        start = check_start(coef_init, (*y.shape[1:], n_features)).T
    check_products(Xy, (n_features, *y.shape[1:]))
    weight = row_weights(sample_weight, X)
    with one_blas_thread(), np.errstate(over="ignore", invalid="ignore"):
        scale = check_finite(X) if check_input else None
        features = Features.of(X, weight, fit_intercept=fit_intercept, scale=scale)
        check_gram(precompute, features, stacklevel=5)
        engine = multi_task if tasks else path
        walk = multi_task.walk if tasks else walk_in_stretches
        target, _ = centred_targets(features, y)
        if isinstance(requested, Integral):
            alphas = alpha_grid(engine.alpha_max(features, target, penalty), requested, eps)
        else:
            alphas = requested
        options = {"tol": tol, "max_iter": 1000 if max_iter is None else max_iter}
        points = walk(features, target, penalty, alphas, start=start, **options)
        coefs = np.zeros((*y.shape[1:], n_features, len(alphas)), dtype=X.dtype, order="F")
        dual_gaps, n_iters = collect(points, coefs, n_samples, max_iter, verbose)
    return (alphas, coefs, dual_gaps, n_iters) if return_n_iter else (alphas, coefs, dual_gaps)


def check_data(X, y, check_input):
    """X and y as `Features` takes them, but for NaN in X; y of one or two dimensions."""
    y = check_dense(y)
    if not check_input:
        return X, y
    # scikit-learn looks for NaN in the sum of all entries, whose overflow is no news.
    with np.errstate(over="ignore", invalid="ignore"):
        X = check_array(
            X,
            accept_sparse=["csr", "csc"],
            dtype=[np.float64, np.float32],
            ensure_all_finite=False,
            input_name="X",
        )
        y = check_array(y, dtype="numeric", ensure_2d=False, input_name="y")
    if len(y) != X.shape[0]:
        raise ValueError(
            f"Found input variables with inconsistent numbers of samples: {X.shape[0]} in X, "
            f"{len(y)} in y."
        )
    return X, y


def check_products(Xy, shape):
    """Refuse an Xy that cannot be X'y, which the solver computes by itself."""
    if Xy is not None and np.shape(Xy) != shape:
        raise ValueError(f"Xy has shape {np.shape(Xy)}; X'y has shape {shape}. Leave Xy at None.")


def check_unbounded(*, positive, lower, upper):
    """Refuse bounds of coefficients whose rows are penalized as a whole."""
    if positive:
        raise ValueError(
            "positive=True is not allowed for multi-output (y.ndim != 1): give one column of y "
            "at a time."
        )
    if lower is not None or upper is not None:
        raise ValueError(
            "lower and upper are not allowed for multi-output (y.ndim != 1): give one column of "
            "y at a time."
        )


def collect(points, coefs, n_samples, max_iter, verbose):
    """Fill in the coefficients (..., n_features, n_alphas); return the gaps and sweeps."""
    n_alphas = coefs.shape[-1]
    alphas, dual_gaps, n_iters, failed = np.empty(n_alphas), np.empty(n_alphas), [], []
    for k, point in enumerate(points):
        coefs[..., point.support, k] = point.coef.T
        alphas[k], dual_gaps[k] = point.alpha, point.gap / n_samples
        n_iters.append(point.n_iter)
        if not point.converged:
            failed.append(k)
        if verbose:
            print(
                f"alpha {k + 1} of {n_alphas}: {point.alpha:.6g}, "
                f"{len(point.support)} coefficients, gap {dual_gaps[k]:.3g}"
            )
    if not (np.all(np.isfinite(coefs)) and np.all(np.isfinite(dual_gaps))):
        raise ValueError(
            f"The path has non-finite values: the input data contain values too large for "
            f"{coefs.dtype}. Scale the data, for example with "
            f"sklearn.preprocessing.StandardScaler."
        )
    if failed:
        worst = failed[int(np.argmax(dual_gaps[failed]))]
        warnings.warn(
            f"The path did not converge at {len(failed)} of {n_alphas} alphas: at "
            f"alpha={alphas[worst]:.6g} the duality gap is {dual_gaps[worst]:.3g} after "
            f"{n_iters[worst]} sweeps. {advice(n_iters[worst], max_iter)}, scale the features, or "
            f"end the path at a larger alpha.",
            ConvergenceWarning,
            stacklevel=5,
        )
    return dual_gaps, n_iters
