"""The elastic net with a certificate, for one penalty."""

import warnings
from numbers import Integral, Real

import numpy as np
from sklearn.callback import CallbackSupportMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.metadata_routing import UNUSED

from skreg._callbacks import fit_task, subtask
from skreg._linear import LinearRegressor, Means, SparseCoef
from skreg._solvers.features import Features
from skreg._solvers.l1_ball import Ball, least_norm, solve_in_ball
from skreg._solvers.path import certified, walk
from skreg._solvers.threads import one_blas_thread
from skreg._sparse_parameters import (
    FEATURE_CONSTRAINTS,
    advice,
    check_gram,
    check_penalty,
    row_weights,
    start_of,
    warn_of_least_squares,
)
from skreg._sparse_path import enet_path
from skreg._validation import (
    Interval,
    StrOptions,
    check_dense,
    check_finite,
    check_finite_fit,
    check_for_targets,
    fit_context,
    validate_samples,
)


class ElasticNet(CallbackSupportMixin, SparseCoef, LinearRegressor):
    r"""Linear regression with an L1 and an L2 penalty.

    Minimizes

    .. math::

        \frac{1}{2 n} \|y - X w - b\|_2^2
        + \alpha \sum_j v_j \left(\rho \, |w_j| + \frac{1 - \rho}{2} w_j^2\right)
        \quad \text{with} \quad l_j \le w_j \le u_j

    over the coefficients w and the intercept b, with n the number of samples, :math:`\rho` =
    `l1_ratio`, v = `penalty_weights` (ones by default), l = `lower` and u = `upper` (none by
    default). Sample weights multiply the squared residuals and are rescaled to sum to n.

    Parameters
    ----------
    alpha : float, default=1.0
        Strength of the whole penalty, in [0, inf). 0 is ordinary least squares.
    l1_ratio : float, default=0.5
        Share of the L1 penalty, in [0, 1]: 1 is the lasso, 0 a ridge penalty.
    fit_intercept : bool, default=True
        Whether to fit b. Otherwise X and y are taken as centred.
    precompute : bool or array-like of shape (n_features, n_features), default=False
        Accepted as in scikit-learn. The solver chooses by itself whether it works on products of
        columns. A matrix is checked against X'X of the centred, weighted X, and not needed.
    max_iter : int or None, default=1000
        The most sweeps over the coefficients; None stands for 1000.
    copy_X : bool, default=True
        Accepted as in scikit-learn. X is neither copied nor changed.
    tol : float, default=1e-4
        Tolerance, in [0, inf): the largest duality gap relative to ||y - mean(y)||^2 / n. Most
        fits end far below it.
    warm_start : bool, default=False
        Whether to start from the `coef_` of the previous fit.
    positive : bool, default=False
        Whether to require w >= 0; the same as `lower=0`.
    random_state : int, RandomState instance or None, default=None
        Accepted as in scikit-learn, without effect: nothing here is random.
    selection : {"cyclic", "random"}, default="cyclic"
        Accepted as in scikit-learn, without effect: the solver chooses the order of its steps.
    penalty_weights : array-like of shape (n_features,), default=None
        Factors v of the penalty, in [0, inf]: 0 leaves a feature unpenalized, infinity excludes
        it. They are not rescaled. None stands for ones.
    lower, upper : float or array-like of shape (n_features,), default=None
        Bounds of the coefficients, for all features or for each; 0 need not lie between. None
        stands for no bound.
    max_l1_norm : float or array-like of shape (n_targets,), default=None
        Bound on sum_j v_j abs(w_j), in [0, inf). Where `alpha` alone does not keep it, alpha is
        raised to the value at which the path of solutions reaches it; `alpha_` tells. With
        `alpha=0` and `l1_ratio=1` this is the lasso in its constrained form.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
        The coefficients w, in units of y per unit of X.
    intercept_ : float or ndarray of shape (n_targets,)
        The intercept b; 0.0 where `fit_intercept=False`.
    alpha_ : float or ndarray of shape (n_targets,)
        Strength of the penalty in the solution: `alpha`, unless `max_l1_norm` raised it.
    n_iter_ : int or list of int
        Sweeps done, one entry a target.
    dual_gap_ : float or ndarray of shape (n_targets,)
        Certificate: the objective above, with `alpha_`, is at most this much over its minimum.
        On the objective's scale, from the true residual and its products with X.
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
        `sample_weight` is negative or sums to zero, bounds contradict each other, `positive`, an
        infinite weight or `max_l1_norm`, a given Gram matrix is not X'X, or the coefficients
        overflow.
    TypeError
        If y is sparse.

    Warns
    -----
    ConvergenceWarning
        If `max_iter` sweeps do not reach `tol`; it says the gap reached.
    UserWarning
        If `alpha=0` without `max_l1_norm`, or if a Gram matrix is given for an X that has to be
        centred.

    See Also
    --------
    Lasso : The case `l1_ratio=1`.
    enet_path : The coefficients for many penalties.
    Ridge : A pure L2 penalty, solved directly.

    Notes
    -----
    scikit-learn's callbacks, given by `set_callbacks`, see one task a fit, and with several
    targets one subtask for each.

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

    Leave the second feature unpenalized, and keep the first below a bound:

    >>> model = ElasticNet(alpha=0.1, penalty_weights=[1, 0], upper=[0.5, np.inf]).fit(X, y)
    >>> model.coef_
    array([ 0.5, -0.5])
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
        **FEATURE_CONSTRAINTS,
        "max_l1_norm": [Interval(Real, 0, None, closed="left"), "array-like", None],
    }

    path = staticmethod(enet_path)

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
        penalty_weights=None,
        lower=None,
        upper=None,
        max_l1_norm=None,
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
        self.penalty_weights = penalty_weights
        self.lower = lower
        self.upper = upper
        self.max_l1_norm = max_l1_norm

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None, check_input=True):
        """Fit the coefficients.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data. float32 and float64, dense in either order, CSC or CSR, are used
            without a copy.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets; each column is fitted by itself.
        sample_weight : float or array-like of shape (n_samples,), default=None
            Non-negative weights of the squared residuals; only their ratios matter.
        check_input : bool, default=True
            False skips the checks of X and y, which must then be float arrays.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        if self.alpha == 0 and self.max_l1_norm is None:
            warn_of_least_squares(self, stacklevel=3)
        with one_blas_thread():  # from the first look at the data on
            scale = None
            if check_input:
                X, y = validate_samples(self, X, y, y_numeric=True, ensure_all_finite=False)
                scale = check_finite(X, estimator_name=type(self).__name__)
            y = check_dense(y)
            weight = row_weights(sample_weight, X)
            targets = y.reshape(len(y), -1).T
            penalty, balls = self._penalty(X.shape, len(targets))
            start = start_of(self, len(targets), X.shape[1])
            starts = [None] * len(targets) if start is None else start
            subtasks = len(targets) if len(targets) > 1 else 0
            with (
                fit_task(self, X, y, sample_weight, subtasks=subtasks) as task,
                # What overflows shows in the model, which is checked.
                np.errstate(over="ignore", invalid="ignore"),
            ):
                features = Features.of(X, weight, fit_intercept=self.fit_intercept, scale=scale)
                check_gram(self.precompute, features, stacklevel=4)
                points, means, sizes = [], [], []
                for target, ball, start in zip(targets, balls, starts, strict=True):
                    with subtask(task if subtasks else None, self, "target"):
                        centred, mean = features.target(target)
                        points.append(self._solve(features, centred, penalty, ball, start))
                        means.append(mean)
                        sizes.append(centred @ centred)
                self._store(points, features, np.array(means), y.ndim)
                self._warn(points, np.array(sizes) / X.shape[0])
        return self

    def _penalty(self, shape, n_targets):
        """The penalty on the solver's scale, and for each target a ball or None."""
        n_samples, n_features = shape
        names = ("penalty_weights", "lower", "upper", "positive")
        options = {name: getattr(self, name) for name in names}
        penalty = check_penalty(n_features, n_samples, self.l1_ratio, **options)
        if self.max_l1_norm is None:
            return penalty, [None] * n_targets
        bounds = check_for_targets("max_l1_norm", self.max_l1_norm, n_targets, what="bounds")
        if self.l1_ratio == 0:
            raise ValueError(
                f"max_l1_norm={self.max_l1_norm} is kept by an L1 penalty, which l1_ratio=0 "
                f"leaves out: use l1_ratio > 0, or Ridge(max_norm=...)."
            )
        weights = np.ones(n_features)
        if self.penalty_weights is not None:
            weights = np.asarray(self.penalty_weights, dtype=np.float64)
            weights = np.where(np.isinf(weights), 0, weights)  # excluded, so 0 in the norm
        least = least_norm(weights, penalty)
        if np.any(bounds < least):
            raise ValueError(
                f"max_l1_norm={self.max_l1_norm} cannot be kept: lower and upper leave no "
                f"coefficients of a norm below {least:.6g}. Increase it, or widen the bounds."
            )
        return penalty, [Ball(weights, float(bound)) for bound in bounds]

    def _solve(self, features, y, penalty, ball, start):
        """The point of one target, centred and weighted."""
        options = {"tol": self.tol, "max_iter": 1000 if self.max_iter is None else self.max_iter}
        if ball is None:
            point = next(walk(features, y, penalty, [self.alpha], start=start, **options))
        else:  # the way down from zero coefficients needs no start
            point = solve_in_ball(features, y, penalty, ball, self.alpha, **options)
        return certified(features, y, penalty, point, self.tol)

    def _store(self, points, features, y_mean, y_ndim):
        """Set the fitted attributes, on the public scale."""
        n_samples, n_features = features.shape
        coef = np.zeros((len(points), n_features), dtype=features.dtype)
        for row, point in zip(coef, points, strict=True):
            row[point.support] = point.coef
        self._store_coef(coef, Means(y_mean, features.X_mean), y_ndim)
        gap = (np.array([point.gap for point in points]) / n_samples).astype(features.dtype)
        check_finite_fit(self, dual_gap_=gap)
        n_iter = [point.n_iter for point in points]
        alpha = np.array([point.alpha for point in points])
        one = len(points) == 1
        self.dual_gap_ = gap[0] if one else gap
        self.n_iter_ = n_iter[0] if one else n_iter
        self.alpha_ = float(alpha[0]) if one or self.max_l1_norm is None else alpha

    def _warn(self, points, sizes):
        """Say which targets did not converge; `sizes` are those of y'y / n."""
        for k, (point, size) in enumerate(zip(points, sizes, strict=True)):
            if not point.converged:
                gap = np.atleast_1d(self.dual_gap_)[k]
                warnings.warn(
                    f"{type(self).__name__} did not converge on target {k}: after "
                    f"{point.n_iter} sweeps the duality gap is {gap:.3g}, the tolerance "
                    f"{self.tol * size:.3g} (tol={self.tol:g}). "
                    f"{advice(point.n_iter, self.max_iter)}, scale the features, or increase "
                    f"alpha.",
                    ConvergenceWarning,
                    stacklevel=4,
                )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
