"""Multi-task lasso and elastic net that choose their penalty."""

from numbers import Real
from typing import ClassVar

import numpy as np

from skreg._solvers import multi_task
from skreg._sparse_path import enet_path, lasso_path
from skreg._sparse_search import CONSTRAINTS, SparseSearch
from skreg._validation import Interval, fit_context


class MultiTaskElasticNetCV(SparseSearch):
    r"""Multi-task elastic net that chooses the strength and the mix of its penalty.

    Minimizes

    .. math::

        \frac{1}{2 n} \|Y - X W - 1 b'\|_F^2
        + \alpha \sum_j v_j \left(\rho \, \|W_j\|_2 + \frac{1 - \rho}{2} \|W_j\|_2^2\right)

    over the coefficients W and the intercepts b, with :math:`W_j` the coefficients of feature j
    in all tasks, n the number of samples, :math:`\rho` = `l1_ratio` and v the `penalty_weights`,
    for the :math:`\alpha` and :math:`\rho` that predict best. Sample weights multiply the squared
    residuals and are rescaled to sum to n.

    Parameters
    ----------
    l1_ratio : float or array-like, default=0.5
        Share of the penalty on the norms, in [0, 1], or several to choose from: 1 is the
        multi-task lasso, 0 a ridge penalty, which needs `alphas` in a list.
    eps : float, default=1e-3
        Smallest alpha over the largest, in (0, inf), where `alphas` is an int.
    alphas : int, float or array-like of shape (n_alphas,), default=100
        Alphas to choose from, in [0, inf), or an int: so many of them in geometric steps, from
        the smallest that makes all penalized coefficients zero, for each l1_ratio, down to
        `eps` times that. For a single alpha give a float, ``1.0``, or a list.
    fit_intercept : bool, default=True
        Whether to fit b. Otherwise X and y are taken as centred.
    max_iter : int, default=1000
        The most sweeps over the coefficients for one alpha.
    tol : float, default=1e-4
        Tolerance, in [0, inf): for each alpha the duality gap is at most `tol` times
        ||Y - mean(Y)||_F^2 / n of the samples it is fitted to.
    cv : int, cross-validation generator or an iterable, default=None
        The folds: a number of them in the order of the samples, a splitter, which sees X and y as
        `fit` was given them, or pairs of indices (train, test). None stands for 5.
    copy_X : bool, default=True
        Has no effect: X is neither changed nor copied as a whole.
    verbose : bool or int, default=0
        Whether to print a line for each path. For bars that move, see `set_callbacks`.
    n_jobs : int, default=None
        How many paths run at a time, in threads that share X; never more than BLAS may have
        threads, which is what None stands for. -1 stands for all processors.
    random_state : int, RandomState instance or None, default=None
        Has no effect: nothing is random.
    selection : {'cyclic', 'random'}, default='cyclic'
        Has no effect: the solution does not depend on the order of the coefficients.
    penalty_weights : array-like of shape (n_features,), default=None
        Factors v_j >= 0 of the penalty. 0 leaves a feature unpenalized, infinity excludes it. They
        are not rescaled. None stands for 1.
    choose : {'min', 'one_se'}, default='min'
        'min' takes the candidate of the least mean error, of equal ones the first. 'one_se' takes
        the largest alpha whose mean error is within one standard error of the least one, with
        the same l1_ratio.

    Attributes
    ----------
    alpha_ : float
        The alpha chosen.
    l1_ratio_ : float
        The l1_ratio chosen.
    best_score_ : float
        Its score, the larger the better: minus the mean squared error over samples and targets.
    coef_ : ndarray of shape (n_targets, n_features)
        The coefficients, W transposed, in units of y per unit of X.
    intercept_ : ndarray of shape (n_targets,) or float
        The intercepts b; 0.0 where `fit_intercept=False`.
    mse_path_ : ndarray of shape (n_l1_ratios, n_alphas, n_folds)
        Mean squared error on the test samples of each fold; without axes of length 1.
    alphas_ : ndarray of shape (n_alphas,) or (n_l1_ratios, n_alphas)
        The alphas, decreasing; for each l1_ratio, where there are several and `alphas` is an int.
    cv_results_ : dict of ndarrays of shape (n_candidates,)
        Of each candidate "alpha", "l1_ratio" and "mean_test_score", minus its mean error;
        "std_error", the standard error of that mean over the folds; "split0_test_score" and so
        on, minus the error on each fold. Ready for a data frame.
    dual_gap_ : float
        Certificate: with the alpha chosen the objective is at most this much over its minimum.
    n_iter_ : int
        Sweeps of the final fit, from the largest alpha down to the one chosen.
    n_features_in_ : int
        Number of features seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X had string names.

    Raises
    ------
    ValueError
        If a parameter is outside its range, X or y holds NaN, infinity or complex numbers, y has
        one dimension, `sample_weight` is negative, or leaves a fold without weight, or the
        coefficients overflow.
    TypeError
        If y is sparse.

    Warns
    -----
    ConvergenceWarning
        If `max_iter` sweeps do not reach `tol`, in the folds or at the end; it says the gap.
    UserWarning
        If alpha = 0 is among the `alphas` and chosen.

    See Also
    --------
    MultiTaskLassoCV : The case `l1_ratio=1`.
    MultiTaskElasticNet : The same with a given alpha.
    ElasticNetCV : One task, with notes on weights, memory and callbacks that hold here, too.
    sklearn.linear_model.MultiTaskElasticNetCV : The class whose interface this one keeps.

    References
    ----------
    Obozinski, Taskar and Jordan, "Joint covariate selection and joint subspace selection for
    multiple classification problems", Statistics and Computing 20(2), 2010.

    Examples
    --------
    >>> from sklearn.datasets import load_linnerud
    >>> from skreg import MultiTaskElasticNetCV
    >>> X, Y = load_linnerud(return_X_y=True)
    >>> model = MultiTaskElasticNetCV(l1_ratio=[0.5, 1.0], cv=4).fit(X, Y)
    >>> model.l1_ratio_
    0.5
    >>> model.coef_.shape
    (3, 3)
    """

    _parameter_constraints: ClassVar = (
        {"l1_ratio": [Interval(Real, 0, 1, closed="both"), "array-like"]}
        | CONSTRAINTS
        | {"penalty_weights": ["array-like", None]}
    )

    path = staticmethod(enet_path)

    def __init__(
        self,
        *,
        l1_ratio=0.5,
        eps=1e-3,
        alphas=100,
        fit_intercept=True,
        max_iter=1000,
        tol=1e-4,
        cv=None,
        copy_X=True,
        verbose=0,
        n_jobs=None,
        random_state=None,
        selection="cyclic",
        penalty_weights=None,
        choose="min",
    ):
        self.l1_ratio = l1_ratio
        self.eps = eps
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.cv = cv
        self.copy_X = copy_X
        self.verbose = verbose
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.selection = selection
        self.penalty_weights = penalty_weights
        self.choose = choose

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None, **params):
        """Choose alpha and l1_ratio, and fit the coefficients and the intercepts.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data. float32 and float64, CSR and CSC are used as they are.
        y : array-like of shape (n_samples, n_targets)
            Targets, one column a task.
        sample_weight : float or array-like of shape (n_samples,), default=None
            Non-negative weights of the squared residuals, in fits and in errors on test samples;
            only their ratios matter.
        **params : dict
            Arguments of the splitter, with metadata routing enabled only.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        return self._search(X, y, sample_weight, params)

    def _check_targets(self, y):
        """Several targets, or one in a column."""
        if y.ndim == 1:
            name = type(self).__name__
            raise ValueError(
                f"For mono-task outputs, use {name.removeprefix('MultiTask')}: {name} needs y of "
                f"shape (n_samples, n_targets), but y has shape {y.shape}."
            )
        return y

    def _walk(self, features, y, penalty, alphas):
        options = {"tol": self.tol, "max_iter": self.max_iter}
        return multi_task.walk(features, y, penalty, alphas, **options)

    def _alpha_max(self, features, y, penalty):
        return multi_task.alpha_max(features, y, penalty)

    def _store_coef(self, coef, design, y_ndim):
        """Set the model; a single target keeps its row."""
        super()._store_coef(coef, design, y_ndim)
        self.coef_ = np.atleast_2d(self.coef_)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.single_output, tags.target_tags.multi_output = False, True
        return tags


class MultiTaskLassoCV(MultiTaskElasticNetCV):
    r"""Multi-task lasso that chooses the strength of its penalty.

    Minimizes

    .. math::

        \frac{1}{2 n} \|Y - X W - 1 b'\|_F^2 + \alpha \sum_j v_j \|W_j\|_2

    over the coefficients W and the intercepts b, with :math:`W_j` the coefficients of feature j
    in all tasks, n the number of samples and v the `penalty_weights`, for the :math:`\alpha` that
    predicts best: `MultiTaskElasticNetCV` with `l1_ratio=1`.

    Parameters
    ----------
    eps : float, default=1e-3
        Smallest alpha over the largest, in (0, inf), where `alphas` is an int.
    alphas : int, float or array-like of shape (n_alphas,), default=100
        Alphas to choose from, or their number; see `MultiTaskElasticNetCV`.
    fit_intercept : bool, default=True
        Whether to fit b. Otherwise X and y are taken as centred.
    max_iter : int, default=1000
        The most sweeps over the coefficients for one alpha.
    tol : float, default=1e-4
        Tolerance on the duality gap; see `MultiTaskElasticNetCV`.
    copy_X : bool, default=True
        Has no effect: X is neither changed nor copied as a whole.
    cv : int, cross-validation generator or an iterable, default=None
        The folds; see `MultiTaskElasticNetCV`.
    verbose : bool or int, default=False
        Whether to print a line for each path.
    n_jobs : int, default=None
        How many paths run at a time, in threads; see `MultiTaskElasticNetCV`.
    random_state : int, RandomState instance or None, default=None
        Has no effect: nothing is random.
    selection : {'cyclic', 'random'}, default='cyclic'
        Has no effect: the solution does not depend on the order of the coefficients.
    penalty_weights : array-like of shape (n_features,), default=None
        Factors v_j >= 0 of the penalty. None stands for 1.
    choose : {'min', 'one_se'}, default='min'
        'min' takes the alpha of the least mean error. 'one_se' takes the largest alpha whose mean
        error is within one standard error of the least one.

    Attributes
    ----------
    alpha_ : float
        The alpha chosen.
    best_score_ : float
        Its score, the larger the better: minus the mean squared error over samples and targets.
    coef_ : ndarray of shape (n_targets, n_features)
        The coefficients, W transposed, in units of y per unit of X.
    intercept_ : ndarray of shape (n_targets,) or float
        The intercepts b; 0.0 where `fit_intercept=False`.
    mse_path_ : ndarray of shape (n_alphas, n_folds)
        Mean squared error on the test samples of each fold; without axes of length 1.
    alphas_ : ndarray of shape (n_alphas,)
        The alphas, decreasing.
    cv_results_ : dict of ndarrays of shape (n_candidates,)
        See `MultiTaskElasticNetCV`; without "l1_ratio".
    dual_gap_ : float
        Certificate: with the alpha chosen the objective is at most this much over its minimum.
    n_iter_ : int
        Sweeps of the final fit, from the largest alpha down to the one chosen.
    n_features_in_ : int
        Number of features seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X had string names.

    Raises
    ------
    ValueError, TypeError
        As `MultiTaskElasticNetCV`.

    Warns
    -----
    ConvergenceWarning
        If `max_iter` sweeps do not reach `tol`, in the folds or at the end; it says the gap.
    UserWarning
        If alpha = 0 is among the `alphas` and chosen.

    See Also
    --------
    MultiTaskElasticNetCV : The general case.
    MultiTaskLasso : The same with a given alpha.
    sklearn.linear_model.MultiTaskLassoCV : The class whose interface this one keeps.

    References
    ----------
    Obozinski, Taskar and Jordan, "Joint covariate selection and joint subspace selection for
    multiple classification problems", Statistics and Computing 20(2), 2010.

    Examples
    --------
    >>> from sklearn.datasets import make_regression
    >>> from skreg import MultiTaskLassoCV
    >>> X, Y = make_regression(100, 50, n_informative=5, n_targets=3, noise=5, random_state=0)
    >>> model = MultiTaskLassoCV().fit(X, Y)
    >>> print(f"{model.alpha_:.2f}")
    0.74
    >>> sparser = MultiTaskLassoCV(choose="one_se").fit(X, Y)
    >>> int(model.coef_.any(axis=0).sum()), int(sparser.coef_.any(axis=0).sum())
    (22, 8)
    """

    l1_ratio = 1.0

    _parameter_constraints: ClassVar = {
        name: rule
        for name, rule in MultiTaskElasticNetCV._parameter_constraints.items()
        if name != "l1_ratio"
    }

    path = staticmethod(lasso_path)

    def __init__(
        self,
        *,
        eps=1e-3,
        alphas=100,
        fit_intercept=True,
        max_iter=1000,
        tol=1e-4,
        copy_X=True,
        cv=None,
        verbose=False,
        n_jobs=None,
        random_state=None,
        selection="cyclic",
        penalty_weights=None,
        choose="min",
    ):
        self.eps = eps
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.copy_X = copy_X
        self.cv = cv
        self.verbose = verbose
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.selection = selection
        self.penalty_weights = penalty_weights
        self.choose = choose
