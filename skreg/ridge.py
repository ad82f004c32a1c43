"""Ridge regression."""

import warnings
from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import assert_all_finite, check_random_state
from sklearn.utils.validation import validate_data

from skreg._linear import LinearRegressor
from skreg._solvers.design import defer
from skreg._solvers.tikhonov import RANDOM, solve
from skreg._validation import (
    Interval,
    StrOptions,
    check_dense,
    check_finite_fit,
    check_weights,
    fit_context,
)

SOLVERS = {"auto", "svd", "cholesky", "lsqr", "sparse_cg", "sag", "saga", "lbfgs"}


class Ridge(LinearRegressor):
    """Linear least squares with a squared L2 penalty (Tikhonov regularization).

    Minimizes, over coefficients w and a free intercept b, for each target y::

        sum_i v_i (y_i - x_i'w - b)^2 + alpha ||w||^2

    where v_i is the weight of sample i, 1 without ``sample_weight``. With singular values s of
    the centred data, the penalty multiplies each singular component of the least-squares
    coefficients by s^2 / (s^2 + alpha).

    Parameters
    ----------
    alpha : float or array-like of shape (n_targets,), default=1.0
        Strength of the penalty, in [0, inf), in squared units of X summed over the samples. An
        array holds one strength for each target. At 0 the coefficients are those of least
        squares, of minimum norm where X does not determine them.
    fit_intercept : bool, default=True
        Whether to fit the intercept b. It is not penalized.
    copy_X : bool, default=True
        Whether to leave X as it is. If False, a dense X may be overwritten.
    max_iter : int, default=None
        Most iterations of an iterative solver for one target, at least 1. None stands for
        ``10 * n_features`` ('sparse_cg'), ``2 * n_features`` ('lsqr'), 1000 passes over the
        samples ('sag', 'saga') and 15000 ('lbfgs').
    tol : float, default=1e-4
        Tolerance of the iterative solvers, in [0, inf). Tolerances below what the floating type
        resolves are raised to that. 'svd' and 'cholesky' do not use it.

        - 'sparse_cg': norm of the residual of the normal equations, relative to ``||X'y||``.
        - 'lsqr': relative tolerances ``atol`` and ``btol`` of :func:`scipy.sparse.linalg.lsqr`.
        - 'sag' and 'saga': largest change of a coefficient in one pass, relative to the largest
          coefficient.
        - 'lbfgs': largest violation of an optimality condition that counts as converged,
          relative to the norms of y and of the column. Most fits reach rounding.
    solver : {'auto', 'svd', 'cholesky', 'lsqr', 'sparse_cg', 'sag', 'saga', 'lbfgs'}, \
            default='auto'
        How to compute the coefficients. All but 'svd' take sparse data, with or without an
        intercept.

        - 'auto': 'lbfgs' with ``positive=True``; else 'cholesky' for dense data, and for sparse
          data as long as the smaller of X'X and XX' is cheap; else 'sparse_cg'.
        - 'svd': singular values, the slowest and for any data the safest.
        - 'cholesky': normal equations with X'X or XX', whichever is smaller. The solution is
          refined with the residuals of the data and certified. Where it cannot be, singular
          values ('lsqr' to full precision for sparse data) take its place.
        - 'sparse_cg': conjugate gradients on the normal equations.
        - 'lsqr': Golub-Kahan bidiagonalization.
        - 'sag', 'saga': stochastic average gradients, for many samples and features of similar
          scale.
        - 'lbfgs': only with ``positive=True``. L-BFGS-B finds the support, an active-set method
          solves on it exactly.
    positive : bool, default=False
        Whether to keep all coefficients at or above 0. Needs the solver 'auto' or 'lbfgs'.
    random_state : int, RandomState instance or None, default=None
        Seed of the order in which 'sag' and 'saga' visit the samples.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
        Coefficients w, flat for one target, in units of y over units of X.
    intercept_ : float or ndarray of shape (n_targets,)
        Intercept b in units of y, an array where y was two-dimensional; 0.0 if
        ``fit_intercept=False``.
    n_iter_ : ndarray of shape (n_targets,)
        Iterations for each target: passes over the samples with 'sag' and 'saga', steps of
        L-BFGS-B and of the active set with 'lbfgs', rounds of refinement with 'cholesky', 1 with
        'svd'.
    solver_ : str
        The solver that gave the coefficients.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X had names that are all strings.

    See Also
    --------
    sklearn.linear_model.Ridge : The class whose interface this one keeps.

    Notes
    -----
    An iterative solver that stops at ``max_iter`` warns with
    :class:`sklearn.exceptions.ConvergenceWarning` and tells the residual it reached.

    References
    ----------
    .. [1] A. E. Hoerl, R. W. Kennard, "Ridge Regression: Biased Estimation for Nonorthogonal
       Problems", Technometrics 12 (1970).
    .. [2] P. C. Hansen, "Rank-Deficient and Discrete Ill-Posed Problems", SIAM (1998).
    .. [3] A. Bjorck, "Numerical Methods for Least Squares Problems", SIAM (1996).

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from skreg import Ridge
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = Ridge(alpha=0.1).fit(X, y)
    >>> model.coef_.shape
    (10,)
    >>> print(f"{model.score(X, y):.3f}")
    0.513
    """

    _parameter_constraints: ClassVar = {
        "alpha": [Interval(Real, 0, None, closed="left"), "array-like"],
        "fit_intercept": ["boolean"],
        "copy_X": ["boolean"],
        "max_iter": [Interval(Integral, 1, None, closed="left"), None],
        "tol": [Interval(Real, 0, None, closed="left")],
        "solver": [StrOptions(SOLVERS)],
        "positive": ["boolean"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        alpha=1.0,
        *,
        fit_intercept=True,
        copy_X=True,
        max_iter=None,
        tol=1e-4,
        solver="auto",
        positive=False,
        random_state=None,
    ):
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.max_iter = max_iter
        self.tol = tol
        self.solver = solver
        self.positive = positive
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Fit the coefficients and the intercept.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data. float32 and float64 are used as they are, other types become float64.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets.
        sample_weight : float or array-like of shape (n_samples,), default=None
            Non-negative weights of the samples.

        Returns
        -------
        self : Ridge
            The fitted estimator.

        Raises
        ------
        ValueError
            For NaN, infinity, negative or ill-fitting values in any argument or parameter, for a
            solver that does not go with ``positive`` or with sparse data, and where the fit
            overflows.
        TypeError
            For a sparse y, and for sparse X with the solver 'svd' and no intercept.
        """
        solver = self._choose_solver(X)
        # scikit-learn looks for NaN in the sum of all entries, whose overflow is no news.
        with np.errstate(over="ignore", invalid="ignore"):
            X, y = validate_data(
                self,
                X,
                y,
                accept_sparse=["csr", "csc"],
                dtype=[np.float64, np.float32],
                multi_output=True,
                y_numeric=True,
                # NaN and infinity show in the means, which spares a pass over X.
                ensure_all_finite=sparse.issparse(X) or not self.fit_intercept,
            )
        y = check_dense(y)
        weight = check_weights(sample_weight, X)
        alpha = self._alphas(1 if y.ndim == 1 else y.shape[1])
        design = self._centre(X, y, weight)
        seed = None
        if solver in RANDOM:
            seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        solution = solve(
            design,
            alpha,
            solver,
            tol=self.tol,
            max_iter=self.max_iter,
            seed=seed,
            overwrite=not self.copy_X,
        )
        self._store_coef(solution.coef, design, y.ndim)
        self.n_iter_, self.solver_ = solution.n_iter, solution.solver
        if not solution.converged:
            self._warn(solution)
        return self

    def _choose_solver(self, X):
        """The solver to call, or an error that names the parameters that do not go together."""
        if self.positive:
            if self.solver not in ("auto", "lbfgs"):
                raise ValueError(
                    f"solver={self.solver!r} cannot keep coefficients positive: use "
                    f"solver='auto' or 'lbfgs', or positive=False."
                )
            return "lbfgs"
        if self.solver == "lbfgs":
            raise ValueError(
                "solver='lbfgs' is for positive=True only: use another solver, such as 'auto'."
            )
        if self.solver == "svd" and sparse.issparse(X):
            # scikit-learn's types: with an intercept a combination of values, else of types.
            error = ValueError if self.fit_intercept else TypeError
            raise error(
                "solver='svd' does not support sparse data: use solver='auto', or a dense array."
            )
        return self.solver

    def _alphas(self, n_targets):
        """One finite, non-negative penalty for each target, in float64."""
        alpha = np.asarray(self.alpha, dtype=np.float64).ravel()
        wrong = ~(np.isfinite(alpha) & (alpha >= 0))
        if wrong.any():
            raise ValueError(
                f"alpha must be finite and non-negative for every target; "
                f"it contains {alpha[wrong][0]}."
            )
        if len(alpha) not in (1, n_targets):
            raise ValueError(
                f"alpha holds {len(alpha)} penalties but y has {n_targets} targets: pass one "
                f"number, or one for each target."
            )
        return np.broadcast_to(alpha, n_targets)

    def _centre(self, X, y, weight):
        """The centred design, with overflow turned into an error that says so."""
        try:
            with np.errstate(over="raise", invalid="raise"):
                design = defer(X, y, weight, fit_intercept=self.fit_intercept)
        except FloatingPointError as error:
            assert_all_finite(X, input_name="X", estimator_name=type(self).__name__)
            raise ValueError(
                f"{type(self).__name__} cannot centre the data: X or y contains values too "
                f"large for {X.dtype}. Scale the data, for example with "
                f"sklearn.preprocessing.StandardScaler."
            ) from error
        if not np.all(np.isfinite(design.X_mean)):
            assert_all_finite(X, input_name="X", estimator_name=type(self).__name__)
        check_finite_fit(self, X_mean=design.X_mean, y=design.y, y_mean=design.y_mean)
        return design

    def _warn(self, solution):
        """Say that an iterative solver stopped early, how near it came, and what to do."""
        if self.max_iter is None:
            limit = "its default number of iterations"
        else:
            limit = f"max_iter={self.max_iter} iterations"
        text = (
            f"The solver {solution.solver!r} did not converge to tol={self.tol} within {limit}; "
            f"the relative residual reached is {solution.residual:.2e}. Increase max_iter or "
            f"tol, scale the features, or use solver='auto'."
        )
        if solution.solver == "lsqr" != self.solver:
            text = (
                f"The normal equations are nearly singular at alpha={self.alpha}, and LSQR in "
                f"their place reached a relative residual of {solution.residual:.2e}, not full "
                f"precision. Increase alpha, or scale or drop nearly collinear features."
            )
        # The caller of fit, which is wrapped once.
        warnings.warn(text, ConvergenceWarning, stacklevel=4)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = self.solver != "svd"
        return tags
