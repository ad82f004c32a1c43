"""Lasso and elastic net for several tasks that share their features."""

import warnings
from numbers import Integral, Real

import numpy as np
from sklearn.callback import CallbackSupportMixin
from sklearn.exceptions import ConvergenceWarning

from skreg._callbacks import fit_task
from skreg._linear import LinearRegressor, SparseCoef
from skreg._solvers.features import Features
from skreg._solvers.multi_task import walk
from skreg._solvers.sparse_cv import centred_targets
from skreg._solvers.threads import one_blas_thread
from skreg._sparse_parameters import (
    advice,
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
    check_finite_fit,
    fit_context,
    validate_samples,
)


class MultiTaskElasticNet(CallbackSupportMixin, SparseCoef, LinearRegressor):
    r"""Linear regression of several tasks, with a penalty on the norm of a feature's coefficients.

    Minimizes

    .. math::

        \frac{1}{2 n} \|Y - X W - 1 b'\|_F^2
        + \alpha \sum_j v_j \left(\rho \, \|W_j\|_2 + \frac{1 - \rho}{2} \|W_j\|_2^2\right)

    over the coefficients W and the intercepts b, with :math:`W_j` the coefficients of feature j
    in all tasks, n the number of samples, :math:`\rho` = `l1_ratio` and v = `penalty_weights`
    (ones by default): a feature counts in all tasks or in none. Sample weights multiply the
    squared residuals and are rescaled to sum to n.

    Parameters
    ----------
    alpha : float, default=1.0
        Strength of the whole penalty, in [0, inf). 0 is ordinary least squares.
    l1_ratio : float, default=0.5
        Share of the penalty on the norms, in [0, 1]; the rest is on their squares. 1 is the
        multi-task lasso, 0 a ridge penalty.
    fit_intercept : bool, default=True
        Whether to fit b. Otherwise X and y are taken as centred.
    copy_X : bool, default=True
        Accepted as in scikit-learn. X is neither copied as a whole nor changed.
    max_iter : int or None, default=1000
        The most sweeps over the coefficients; None stands for 1000.
    tol : float, default=1e-4
        Tolerance, in [0, inf): the largest duality gap relative to ||Y - mean(Y)||_F^2 / n.
    warm_start : bool, default=False
        Whether to start from the `coef_` of the previous fit.
    random_state : int, RandomState instance or None, default=None
        Accepted as in scikit-learn, without effect: nothing here is random.
    selection : {"cyclic", "random"}, default="cyclic"
        Accepted as in scikit-learn, without effect: the solver chooses the order of its steps.
    penalty_weights : array-like of shape (n_features,), default=None
        Factors v of the penalty, in [0, inf]: 0 leaves a feature unpenalized, infinity excludes
        it. They are not rescaled. None stands for ones.

    Attributes
    ----------
    coef_ : ndarray of shape (n_targets, n_features)
        The coefficients, W transposed, in units of y per unit of X.
    intercept_ : ndarray of shape (n_targets,) or float
        The intercepts b; 0.0 where `fit_intercept=False`.
    n_iter_ : int
        Sweeps done.
    dual_gap_ : float
        Certificate: the objective above is at most this much over its minimum. On the
        objective's scale, computed as that of `ElasticNet`. (Where features have no penalty at
        all, the minimum is over coefficients of theirs at most twice as long as those found.)
    eps_ : float
        ``tol * ||Y - mean(Y)||_F^2``, of weighted rows: the largest `dual_gap_` allowed, times n.
    sparse_coef_ : sparse matrix of shape (n_targets, n_features)
        `coef_` in CSR format.
    n_features_in_ : int
        Number of features seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X had string names.

    Raises
    ------
    ValueError
        If a parameter is outside its range, y has one dimension, X or y holds NaN, infinity or
        complex numbers, `sample_weight` is negative or sums to zero, `penalty_weights` are
        negative or not one for each feature, or the coefficients overflow.
    TypeError
        If y is sparse.

    Warns
    -----
    ConvergenceWarning
        If `max_iter` sweeps do not reach `tol`; it says the gap reached.
    UserWarning
        If `alpha=0`.

    See Also
    --------
    MultiTaskLasso : The case `l1_ratio=1`.
    ElasticNet : One task; each of several targets chooses its own features.

    References
    ----------
    Obozinski, Taskar and Jordan, "Joint covariate selection and joint subspace selection for
    multiple classification problems", Statistics and Computing 20(2), 2010.
    Ndiaye, Fercoq, Gramfort and Salmon, "Gap Safe screening rules for sparsity enforcing
    penalties", JMLR 18(128), 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from skreg import MultiTaskElasticNet
    >>> X = np.array([[1.0, 0.0], [2.0, 1.0], [3.0, 0.0], [4.0, -1.0]])
    >>> Y = np.column_stack([X[:, 0], 1 - X[:, 0]])
    >>> model = MultiTaskElasticNet(alpha=0.1).fit(X, Y)
    >>> model.coef_.round(3)
    array([[ 0.934,  0.   ],
           [-0.934,  0.   ]])
    >>> bool(model.dual_gap_ < 1e-4)
    True
    """

    _parameter_constraints: dict = {
        "alpha": [Interval(Real, 0, None, closed="left")],
        "l1_ratio": [Interval(Real, 0, 1, closed="both")],
        "fit_intercept": ["boolean"],
        "copy_X": ["boolean"],
        "max_iter": [Interval(Integral, 1, None, closed="left"), None],
        "tol": [Interval(Real, 0, None, closed="left")],
        "warm_start": ["boolean"],
        "random_state": ["random_state"],
        "selection": [StrOptions({"cyclic", "random"})],
        "penalty_weights": ["array-like", None],
    }

    path = staticmethod(enet_path)
    _one_task = "ElasticNet"

    def __init__(
        self,
        alpha=1.0,
        *,
        l1_ratio=0.5,
        fit_intercept=True,
        copy_X=True,
        max_iter=1000,
        tol=1e-4,
        warm_start=False,
        random_state=None,
        selection="cyclic",
        penalty_weights=None,
    ):
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.max_iter = max_iter
        self.tol = tol
        self.warm_start = warm_start
        self.random_state = random_state
        self.selection = selection
        self.penalty_weights = penalty_weights

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Fit the coefficients.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data. float32 and float64, dense in either order, CSC or CSR, are used
            without a copy of the whole.
        y : array-like of shape (n_samples, n_targets)
            Targets, one column a task.
        sample_weight : float or array-like of shape (n_samples,), default=None
            Non-negative weights of the squared residuals; only their ratios matter.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        if self.alpha == 0:
            warn_of_least_squares(self, stacklevel=3)
        X, y = validate_samples(self, X, check_dense(y), y_numeric=True)
        if y.ndim == 1:
            raise ValueError(
                f"For mono-task outputs, use {self._one_task}: {type(self).__name__} needs y of "
                f"shape (n_samples, n_targets), but y has shape {y.shape}."
            )
        n_samples, n_features = X.shape
        penalty = check_penalty(
            n_features, n_samples, self.l1_ratio, penalty_weights=self.penalty_weights
        )
        start = start_of(self, y.shape[1], n_features)
        start = None if start is None else start.T
        weight = row_weights(sample_weight, X)
        with (
            fit_task(self, X, y, sample_weight),
            # What overflows shows in the model, which is checked.
            np.errstate(over="ignore", invalid="ignore"),
            one_blas_thread(),
        ):
            features = Features.of(X, weight, fit_intercept=self.fit_intercept)
            targets, means = centred_targets(features, y)
            options = {"tol": self.tol, "max_iter": self.max_iter or 1000}
            points = walk(features, targets, penalty, [self.alpha], start=start, **options)
            self._store(next(points), features, targets, means)
        return self

    def _store(self, point, features, targets, means):
        """Set the fitted attributes on the public scale, and warn where `tol` was not reached."""
        n_samples, n_features = features.shape
        coef = np.zeros((targets.shape[1], n_features), dtype=features.dtype)
        coef[:, point.support] = point.coef.T
        intercept = (means - coef @ features.X_mean).astype(features.dtype)
        gap, eps = point.gap / n_samples, self.tol * np.vdot(targets, targets)
        check_finite_fit(self, coef_=coef, intercept_=intercept, dual_gap_=gap)
        self.coef_ = coef
        self.intercept_ = intercept if self.fit_intercept else 0.0
        self.n_iter_, self.dual_gap_, self.eps_ = point.n_iter, float(gap), float(eps)
        if not point.converged:
            warnings.warn(
                f"{type(self).__name__} did not converge: after {point.n_iter} sweeps the "
                f"duality gap is {gap:.3g}, the tolerance {eps / n_samples:.3g} "
                f"(tol={self.tol:g}). {advice(point.n_iter, self.max_iter)}, scale the features, "
                f"or increase alpha.",
                ConvergenceWarning,
                stacklevel=4,
            )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = False
        return tags


class MultiTaskLasso(MultiTaskElasticNet):
    r"""Linear regression of several tasks that share their features.

    Minimizes

    .. math::

        \frac{1}{2 n} \|Y - X W - 1 b'\|_F^2 + \alpha \sum_j v_j \|W_j\|_2

    over the coefficients W and the intercepts b, with :math:`W_j` the coefficients of feature j
    in all tasks, n the number of samples and v = `penalty_weights`: `MultiTaskElasticNet` with
    `l1_ratio=1`.

    Parameters
    ----------
    alpha : float, default=1.0
        Strength of the penalty, in [0, inf). Above ``max_j ||x_j @ (Y - mean(Y))|| / n`` all
        coefficients are zero; 0 is ordinary least squares.
    fit_intercept : bool, default=True
        Whether to fit b. Otherwise X and y are taken as centred.
    copy_X : bool, default=True
        Accepted as in scikit-learn. X is neither copied as a whole nor changed.
    max_iter : int or None, default=1000
        The most sweeps over the coefficients; None stands for 1000.
    tol : float, default=1e-4
        Tolerance on the duality gap; see `MultiTaskElasticNet`.
    warm_start : bool, default=False
        Whether to start from the `coef_` of the previous fit.
    random_state : int, RandomState instance or None, default=None
        Accepted as in scikit-learn, without effect.
    selection : {"cyclic", "random"}, default="cyclic"
        Accepted as in scikit-learn, without effect.
    penalty_weights : array-like of shape (n_features,), default=None
        Factors v of the penalty, in [0, inf]; see `MultiTaskElasticNet`.

    Attributes
    ----------
    coef_ : ndarray of shape (n_targets, n_features)
        The coefficients, W transposed, in units of y per unit of X.
    intercept_ : ndarray of shape (n_targets,) or float
        The intercepts b; 0.0 where `fit_intercept=False`.
    n_iter_ : int
        Sweeps done.
    dual_gap_ : float
        Certificate: the objective above is at most this much over its minimum.
    eps_ : float
        ``tol * ||Y - mean(Y)||_F^2``; see `MultiTaskElasticNet`.
    sparse_coef_ : sparse matrix of shape (n_targets, n_features)
        `coef_` in CSR format.
    n_features_in_ : int
        Number of features seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X had string names.

    Raises
    ------
    ValueError, TypeError
        As `MultiTaskElasticNet`.

    See Also
    --------
    MultiTaskElasticNet : The general case.
    Lasso : One task.

    References
    ----------
    Obozinski, Taskar and Jordan, "Joint covariate selection and joint subspace selection for
    multiple classification problems", Statistics and Computing 20(2), 2010.

    Examples
    --------
    >>> import numpy as np
    >>> from skreg import MultiTaskLasso
    >>> X = np.array([[1.0, 0.0], [2.0, 1.0], [3.0, 0.0], [4.0, -1.0]])
    >>> Y = np.column_stack([3 * X[:, 0], 4 * X[:, 0]])
    >>> model = MultiTaskLasso(alpha=0.625).fit(X, Y)
    >>> model.coef_
    array([[2.7, 0. ],
           [3.6, 0. ]])
    """

    _parameter_constraints: dict = {
        name: rule
        for name, rule in MultiTaskElasticNet._parameter_constraints.items()
        if name != "l1_ratio"
    }

    _one_task = "Lasso"

    def __init__(
        self,
        alpha=1.0,
        *,
        fit_intercept=True,
        copy_X=True,
        max_iter=1000,
        tol=1e-4,
        warm_start=False,
        random_state=None,
        selection="cyclic",
        penalty_weights=None,
    ):
        super().__init__(
            alpha=alpha,
            l1_ratio=1.0,
            fit_intercept=fit_intercept,
            copy_X=copy_X,
            max_iter=max_iter,
            tol=tol,
            warm_start=warm_start,
            random_state=random_state,
            selection=selection,
            penalty_weights=penalty_weights,
        )
