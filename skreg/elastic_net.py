"""Lasso and elastic net by coordinate descent with a certificate."""

import warnings
from numbers import Integral, Number, Real

import numpy as np
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_array, check_random_state
from sklearn.utils.metadata_routing import UNUSED
from sklearn.utils.validation import validate_data

from skreg._linear import LinearRegressor
from skreg._solvers.coordinate_descent import Penalty, QuadraticProblem, solve
from skreg._solvers.design import centre
from skreg._solvers.scaling import in_range
from skreg._solvers.threads import blas_threads
from skreg._validation import (
    Interval,
    StrOptions,
    check_dense,
    check_finite_fit,
    check_weights,
    fit_context,
)


class ElasticNet(LinearRegressor):
    r"""Linear regression with an L1 and an L2 penalty.

    Minimizes

    .. math::

        \frac{1}{2 n} \|y - X w - b\|_2^2
        + \alpha \, \rho \, \|w\|_1 + \frac{\alpha (1 - \rho)}{2} \|w\|_2^2

    over the coefficients w and the intercept b, with n the number of samples and
    :math:`\rho` = `l1_ratio`. Sample weights multiply the squared residuals and are rescaled to
    sum to n.

    Parameters
    ----------
    alpha : float, default=1.0
        Strength of the whole penalty, in [0, inf). 0 is ordinary least squares.
    l1_ratio : float, default=0.5
        Share of the L1 penalty, in [0, 1]: 1 is the lasso, 0 a ridge penalty.
    fit_intercept : bool, default=True
        Whether to fit b. Otherwise X and y are taken as centred.
    precompute : bool or array-like of shape (n_features, n_features), default=False
        Whether descent runs on the Gram matrix X'X of the centred, weighted X, which pays where
        n_samples is far larger than n_features; or that matrix itself. Ignored for a sparse X.
    max_iter : int or None, default=1000
        The most sweeps over the coefficients; None stands for 1000.
    copy_X : bool, default=True
        Whether X is left alone. False lets a writeable, Fortran-ordered X be centred in place.
    tol : float, default=1e-4
        Tolerance, in [0, inf). Descent stops when a sweep changes no coefficient by more than
        `tol` times the largest coefficient and the duality gap is at most
        `tol` times ||y - mean(y)||^2 / n.
    warm_start : bool, default=False
        Whether to start from the `coef_` of the previous fit.
    positive : bool, default=False
        Whether to require w >= 0.
    random_state : int, RandomState instance or None, default=None
        Seed of the coordinate order where `selection="random"`.
    selection : {"cyclic", "random"}, default="cyclic"
        Order in which coefficients are updated.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
        The coefficients w, in units of y per unit of X.
    intercept_ : float or ndarray of shape (n_targets,)
        The intercept b; 0.0 where `fit_intercept=False`.
    n_iter_ : int or list of int
        Sweeps done, one entry a target.
    dual_gap_ : float or ndarray of shape (n_targets,)
        Certificate: the objective above is at most this much over its minimum. Computed from the
        true residual, on the objective's scale. (With `alpha=0`, where no dual point is at
        hand, the squared norm of the gradient over that of X.)
    sparse_coef_ : sparse matrix of shape (1, n_features) or (n_targets, n_features)
        `coef_` in CSR format.
    n_features_in_ : int
        Number of features seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X had string names.

    Raises
    ------
    ValueError
        If a parameter is outside its range, X or y holds NaN, infinity or complex numbers,
        `sample_weight` is negative or sums to zero, a given Gram matrix is not X'X, or the
        coefficients overflow.

    Warns
    -----
    ConvergenceWarning
        If `max_iter` sweeps do not reach `tol`; it says the gap reached.
    UserWarning
        If `alpha=0`, or if a Gram matrix is given for an X that has to be centred.

    See Also
    --------
    Lasso : The case `l1_ratio=1`.
    Ridge : A pure L2 penalty, solved directly.

    References
    ----------
    Zou and Hastie, "Regularization and variable selection via the elastic net", JRSS-B 67(2),
    2005.
    Friedman, Hastie and Tibshirani, "Regularization paths for generalized linear models via
    coordinate descent", Journal of Statistical Software 33(1), 2010.

    Examples
    --------
    >>> import numpy as np
    >>> from skreg import ElasticNet
    >>> X = np.array([[1.0, 0.0], [2.0, 1.0], [3.0, 0.0], [4.0, -1.0]])
    >>> y = np.array([1.0, 2.0, 3.0, 4.0])
    >>> model = ElasticNet(alpha=0.1).fit(X, y)
    >>> model.coef_.round(3)
    array([0.923, 0.   ])
    >>> bool(model.dual_gap_ < 1e-4)
    True
    """

    # Not something to be routed through a pipeline.
    __metadata_request__fit = {"check_input": UNUSED}

    _parameter_constraints: dict = {
        "alpha": [Interval(Real, 0, None, closed="left")],
        "l1_ratio": [Interval(Real, 0, 1, closed="both")],
        "fit_intercept": ["boolean"],
        "precompute": ["boolean", "array-like"],
        "max_iter": [Interval(Integral, 1, None, closed="left"), None],
        "copy_X": ["boolean"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "warm_start": ["boolean"],
        "positive": ["boolean"],
        "random_state": ["random_state"],
        "selection": [StrOptions({"cyclic", "random"})],
    }

    def __init__(
        self,
        alpha=1.0,
        *,
        l1_ratio=0.5,
        fit_intercept=True,
        precompute=False,
        max_iter=1000,
        copy_X=True,
        tol=1e-4,
        warm_start=False,
        positive=False,
        random_state=None,
        selection="cyclic",
    ):
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.precompute = precompute
        self.max_iter = max_iter
        self.copy_X = copy_X
        self.tol = tol
        self.warm_start = warm_start
        self.positive = positive
        self.random_state = random_state
        self.selection = selection

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None, check_input=True):
        """Fit the coefficients.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data. A float, Fortran-ordered array or a CSC matrix is used without
            conversion.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets; each column is fitted by itself.
        sample_weight : float or array-like of shape (n_samples,), default=None
            Non-negative weights of the squared residuals; only their ratios matter.
        check_input : bool, default=True
            False skips the checks of X and y, which must then be float arrays of one dtype.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        if self.alpha == 0:
            warnings.warn(
                f"alpha=0 is ordinary least squares, for which coordinate descent is slow: "
                f"{type(self).__name__} was asked to fit it anyway. Use LinearRegression, or "
                f"Ridge(alpha=0), instead.",
                UserWarning,
                stacklevel=3,
            )
        if check_input:
            X, y = validate_data(
                self,
                X,
                y,
                accept_sparse="csc",
                dtype=[np.float64, np.float32],
                multi_output=True,
                y_numeric=True,
            )
        y = check_dense(y)
        weight = check_weights(sample_weight, X)
        # What overflows shows in the model, which is checked.
        with blas_threads(X.shape[0] * X.shape[1]), np.errstate(over="ignore", invalid="ignore"):
            if isinstance(sample_weight, Number):
                weight = None  # equal weights have no effect
            if weight is not None:
                weight = weight / weight.max()
                weight *= len(weight) / weight.sum()
            design, c, d = in_range(self._design(X, y, weight))
            solutions = self._solve(design, c, d)
            self._store(solutions, design._replace(X_mean=design.X_mean * c), c, d, y.ndim)
        return self

    def _design(self, X, y, weight):
        """Centre, and lay the columns out as the kernel walks over them."""
        if not sparse.issparse(X) and not self.fit_intercept and weight is None:
            X = np.asfortranarray(X)
        inplace = not self.copy_X and not sparse.issparse(X) and X.flags.f_contiguous
        return centre(X, y, weight, fit_intercept=self.fit_intercept, order="F", overwrite=inplace)

    def _solve(self, design, c, d):
        """One `Solution` a target, for X / c and y / d."""
        n_samples, n_features = design.X.shape
        problem = QuadraticProblem(design, self._gram(design, c))
        check_finite_fit(self, **{"the squared column norms of X": problem.curvature})
        most = float(np.finfo(design.X.dtype).max) / 4
        l1 = self.alpha * self.l1_ratio * n_samples
        l2 = min(self.alpha * (1 - self.l1_ratio) * n_samples / c / c, most)
        seed = 0
        if self.selection == "random":
            seed = int(check_random_state(self.random_state).randint(1, 2**31 - 1))
        return [
            solve(
                problem,
                np.ascontiguousarray(design.y[:, k]),
                (start * (c / d[k])).astype(design.X.dtype),
                Penalty(min(l1 / c / d[k], most), l2, self.positive),
                tol=self.tol,
                max_iter=1000 if self.max_iter is None else self.max_iter,
                seed=seed,
            )
            for k, start in enumerate(self._start((len(d), n_features)))
        ]

    def _start(self, shape):
        """Coefficients to start from, (n_targets, n_features)."""
        if not self.warm_start or not hasattr(self, "coef_"):
            return np.zeros(shape)
        start = np.atleast_2d(self.coef_)
        if start.shape != shape:
            raise ValueError(
                f"warm_start=True needs the coefficients of the last fit, but coef_ has shape "
                f"{start.shape} and this fit (n_targets, n_features) = {shape}. Set "
                f"warm_start=False, or use a new estimator."
            )
        return np.maximum(start, 0) if self.positive else start.astype(np.float64)

    def _gram(self, design, c):
        """X'X as `precompute` asks for it: none, computed, or the user's, checked."""
        X = design.X
        if self.precompute is False or sparse.issparse(X):
            return None
        if self.precompute is True:
            return X.T @ X
        gram = check_array(self.precompute, dtype=X.dtype, order="C", input_name="precompute")
        if gram.shape != (X.shape[1],) * 2:
            raise ValueError(
                f"precompute has shape {gram.shape}; a Gram matrix for X of shape {X.shape} has "
                f"shape {(X.shape[1],) * 2}."
            )
        if self.fit_intercept and not np.allclose(design.X_mean, 0):
            warnings.warn(
                "precompute holds a Gram matrix, but X had to be centred to fit the intercept: "
                "the Gram matrix is computed anew. Centre X before, or set fit_intercept=False.",
                UserWarning,
                stacklevel=5,
            )
            return X.T @ X
        gram = gram / X.dtype.type(c) / X.dtype.type(c)
        probe = np.cos(np.arange(X.shape[1])).astype(X.dtype)
        expected = X.T @ (X @ probe)
        rtol = 1e-4 if X.dtype == np.float32 else 1e-7
        error = np.linalg.norm(gram @ probe - expected)
        if not error <= rtol * np.linalg.norm(expected):
            raise ValueError(
                f"Gram matrix passed in via 'precompute' parameter did not pass validation: "
                f"multiplied with a test vector it differs by {error:.3g} from X'X. Pass X'X of "
                f"the centred and weighted X, or precompute=True."
            )
        return gram

    def _store(self, solutions, design, c, d, y_ndim):
        """Convert to the public scale and warn of targets that did not converge."""
        n_samples, dtype = len(design.y), design.X.dtype
        coef = np.array([s.coef * (scale / c) for s, scale in zip(solutions, d, strict=True)])
        self._store_coef(coef.astype(dtype, copy=False), design, y_ndim)
        gap = np.array([s.gap for s in solutions]) * d * d / n_samples
        check_finite_fit(self, dual_gap_=gap)
        self.dual_gap_ = gap.astype(dtype)[0] if len(d) == 1 else gap.astype(dtype)
        n_iter = [s.n_iter for s in solutions]
        self.n_iter_ = n_iter[0] if len(d) == 1 else n_iter
        for k, solution in enumerate(solutions):
            if not solution.converged:
                target = self.tol * np.sum((design.y[:, k].astype(np.float64) * d[k]) ** 2)
                warnings.warn(
                    f"{type(self).__name__} did not converge on target {k}: after "
                    f"{solution.n_iter} sweeps the duality gap is {gap[k]:.3g}, the tolerance "
                    f"{target / n_samples:.3g} (tol={self.tol:g}). Increase max_iter, scale the "
                    f"features, or increase alpha.",
                    ConvergenceWarning,
                    stacklevel=4,
                )

    @property
    def sparse_coef_(self):
        """Sparse (CSR) form of the fitted ``coef_``."""
        return sparse.csr_matrix(np.atleast_2d(self.coef_))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


class Lasso(ElasticNet):
    r"""Linear regression with an L1 penalty.

    Minimizes

    .. math::

        \frac{1}{2 n} \|y - X w - b\|_2^2 + \alpha \|w\|_1

    over the coefficients w and the intercept b, with n the number of samples: `ElasticNet` with
    `l1_ratio=1`. Sample weights multiply the squared residuals and are rescaled to sum to n.

    Parameters
    ----------
    alpha : float, default=1.0
        Strength of the penalty, in [0, inf). Above ``max_j abs(x_j @ (y - mean(y))) / n`` all
        coefficients are zero; 0 is ordinary least squares.
    fit_intercept : bool, default=True
        Whether to fit b. Otherwise X and y are taken as centred.
    precompute : bool or array-like of shape (n_features, n_features), default=False
        Whether descent runs on the Gram matrix; see `ElasticNet`.
    copy_X : bool, default=True
        Whether X is left alone. False lets a writeable, Fortran-ordered X be centred in place.
    max_iter : int or None, default=1000
        The most sweeps over the coefficients; None stands for 1000.
    tol : float, default=1e-4
        Tolerance on the changes and on the duality gap; see `ElasticNet`.
    warm_start : bool, default=False
        Whether to start from the `coef_` of the previous fit.
    positive : bool, default=False
        Whether to require w >= 0.
    random_state : int, RandomState instance or None, default=None
        Seed of the coordinate order where `selection="random"`.
    selection : {"cyclic", "random"}, default="cyclic"
        Order in which coefficients are updated.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
        The coefficients w, in units of y per unit of X.
    intercept_ : float or ndarray of shape (n_targets,)
        The intercept b; 0.0 where `fit_intercept=False`.
    n_iter_ : int or list of int
        Sweeps done, one entry a target.
    dual_gap_ : float or ndarray of shape (n_targets,)
        Certificate: the objective above is at most this much over its minimum (with `alpha=0`,
        see `ElasticNet`).
    sparse_coef_ : sparse matrix of shape (1, n_features) or (n_targets, n_features)
        `coef_` in CSR format.
    n_features_in_ : int
        Number of features seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X had string names.

    Raises
    ------
    ValueError
        As `ElasticNet`.

    See Also
    --------
    ElasticNet : The general case.

    References
    ----------
    Tibshirani, "Regression shrinkage and selection via the lasso", JRSS-B 58(1), 1996.

    Examples
    --------
    >>> import numpy as np
    >>> from skreg import Lasso
    >>> X = np.array([[1.0, 0.0], [2.0, 1.0], [3.0, 0.0], [4.0, -1.0]])
    >>> y = np.array([1.0, 2.0, 3.0, 4.0])
    >>> model = Lasso(alpha=0.125).fit(X, y)
    >>> model.coef_
    array([0.9, 0. ])
    >>> model.predict([[5.0, 0.0]])
    array([4.75])
    """

    _parameter_constraints: dict = {
        name: rule
        for name, rule in ElasticNet._parameter_constraints.items()
        if name != "l1_ratio"
    }

    def __init__(
        self,
        alpha=1.0,
        *,
        fit_intercept=True,
        precompute=False,
        copy_X=True,
        max_iter=1000,
        tol=1e-4,
        warm_start=False,
        positive=False,
        random_state=None,
        selection="cyclic",
    ):
        super().__init__(
            alpha=alpha,
            l1_ratio=1.0,
            fit_intercept=fit_intercept,
            precompute=precompute,
            copy_X=copy_X,
            max_iter=max_iter,
            tol=tol,
            warm_start=warm_start,
            positive=positive,
            random_state=random_state,
            selection=selection,
        )
