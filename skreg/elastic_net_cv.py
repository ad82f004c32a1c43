"""Lasso and elastic net that choose their penalty."""

from numbers import Real
from typing import ClassVar

from sklearn.utils import column_or_1d

from skreg._solvers import path
from skreg._sparse_parameters import FEATURE_CONSTRAINTS
from skreg._sparse_path import enet_path
from skreg._sparse_search import CONSTRAINTS, CRITERION_CONSTRAINTS, SparseSearch
from skreg._validation import Interval, StrOptions, fit_context


class ElasticNetCV(SparseSearch):
    r"""Elastic net that chooses the strength and the mix of its penalty.

    Minimizes

    .. math::

        \frac{1}{2 n} \|y - X w - b\|_2^2 + \alpha \, \rho \sum_j v_j |w_j|
        + \frac{\alpha (1 - \rho)}{2} \sum_j v_j w_j^2
        \quad \text{with} \quad l_j \le w_j \le u_j

    over the coefficients w and the intercept b, with n the number of samples, :math:`\rho` =
    `l1_ratio`, v the `penalty_weights`, l = `lower` and u = `upper`, for the :math:`\alpha` and
    :math:`\rho` that predict best. Sample weights multiply the squared residuals and are rescaled
    to sum to n.

    Parameters
    ----------
    l1_ratio : float or array-like, default=0.5
        Share of the L1 penalty, in [0, 1], or several to choose from: 1 is the lasso, 0 a ridge
        penalty, which needs `alphas` in a list.
    eps : float, default=1e-3
        Smallest alpha over the largest, in (0, inf), where `alphas` is an int.
    alphas : int, float or array-like of shape (n_alphas,), default=100
        Alphas to choose from, in [0, inf), or an int: so many of them in geometric steps, from
        the smallest that makes all penalized coefficients zero, for each l1_ratio, down to
        `eps` times that. For a single alpha give a float, ``1.0``, or a list.
    fit_intercept : bool, default=True
        Whether to fit b. Otherwise X and y are taken as centred.
    precompute : 'auto', bool or array-like of shape (n_features, n_features), default='auto'
        Has no effect: the solver decides by itself where to work on Gram matrices, and has those
        of the folds by subtraction.
    max_iter : int, default=1000
        The most sweeps over the coefficients for one alpha.
    tol : float, default=1e-4
        Tolerance, in [0, inf): for each alpha the duality gap is at most `tol` times
        ||y - mean(y)||^2 / n of the samples it is fitted to, in practice far smaller.
    cv : int, cross-validation generator or an iterable, default=None
        The folds: a number of them in the order of the samples, a splitter, which sees X and y as
        `fit` was given them, or pairs of indices (train, test). None stands for 5.
    copy_X : bool, default=True
        Has no effect: X is neither changed nor copied.
    verbose : bool or int, default=0
        Whether to print a line for each path. For bars that move, see `set_callbacks`.
    n_jobs : int, default=None
        How many paths run at a time, in threads that share X; never more than BLAS may have
        threads, which is what None stands for. -1 stands for all processors. Small data get one.
    positive : bool, default=False
        Whether to require w >= 0; the same as ``lower=0``.
    random_state : int, RandomState instance or None, default=None
        Has no effect: nothing is random.
    selection : {'cyclic', 'random'}, default='cyclic'
        Has no effect: the solution does not depend on the order of the coefficients.
    penalty_weights : array-like of shape (n_features,), default=None
        Factors v_j >= 0 of the penalty. 0 leaves a feature unpenalized, infinity excludes it. They
        are not rescaled. None stands for 1.
    lower, upper : float or array-like of shape (n_features,), default=None
        Bounds of the coefficients; None stands for none.
    choose : {'min', 'one_se'}, default='min'
        'min' takes the candidate of the least mean error, of equal ones the first. 'one_se' takes
        the largest alpha whose mean error is within one standard error of the least one, with
        the same l1_ratio.
    criterion : {'aic', 'bic', 'ebic'} or None, default=None
        None chooses by folds. Otherwise there are none, which takes a fraction of the time: the
        least information criterion on the path of all samples is chosen, see Notes.
    ebic_gamma : float, default=1.0
        Weight of the number of models in 'ebic', in [0, 1]; 0 is 'bic'.

    Attributes
    ----------
    alpha_ : float
        The alpha chosen.
    l1_ratio_ : float
        The l1_ratio chosen.
    best_score_ : float
        Its score, the larger the better: minus the mean squared error, or minus the criterion.
    coef_ : ndarray of shape (n_features,)
        The coefficients w, in units of y per unit of X.
    intercept_ : float
        The intercept b; 0.0 where `fit_intercept=False`.
    mse_path_ : ndarray of shape (n_l1_ratios, n_alphas, n_folds)
        Mean squared error on the test samples of each fold; without axes of length 1. Absent with
        `criterion`.
    alphas_ : ndarray of shape (n_alphas,) or (n_l1_ratios, n_alphas)
        The alphas, decreasing; for each l1_ratio, where there are several and `alphas` is an int.
    cv_results_ : dict of ndarrays of shape (n_candidates,)
        Of each candidate "alpha", "l1_ratio" and "mean_test_score", minus its mean error;
        "std_error", the standard error of that mean over the folds; "split0_test_score" and so
        on, minus the error on each fold. With `criterion` instead "score", minus the criterion,
        and "degrees_of_freedom". Ready for a data frame.
    dual_gap_ : float
        Certificate: with the alpha chosen the objective is at most this much over its minimum.
        On the objective's scale, from the true residual and its products with X.
    n_iter_ : int
        Sweeps of the final fit, from the largest alpha down to the one chosen.
    n_features_in_ : int
        Number of features seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X had string names.

    Raises
    ------
    ValueError
        If a parameter is outside its range, or contradicts another one; X or y holds NaN, infinity
        or complex numbers; `sample_weight` is negative, or leaves a fold without weight; y has
        several targets; or the coefficients overflow.
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
    LassoCV : The case `l1_ratio=1`.
    ElasticNet : The same with a given alpha.
    RidgeCV : The same for a pure L2 penalty.
    sklearn.linear_model.ElasticNetCV : The class whose interface this one keeps.

    Notes
    -----
    In the training samples of a fold the weights are rescaled to sum to their number; the error on
    the test samples is weighted, the mean over the folds is not, as in scikit-learn.

    With n samples of positive weight, P features that are penalized, s of them in the model, and
    d degrees of freedom, the criteria are, up to a constant,

    .. math::

        \mathrm{AIC} = n \log \tfrac{1}{n} \|y - X w - b\|^2 + 2 d, \qquad
        \mathrm{BIC} = n \log \tfrac{1}{n} \|y - X w - b\|^2 + d \log n,

    and EBIC is BIC with :math:`2 \gamma \log \binom{P}{s}` added, for many features ([2]_). This
    form needs no estimate of the noise beforehand, so it stands for n < p too; there models with
    d > n / 2, which come to pass through all samples, are left out, and 'ebic' is the criterion
    that was made for it. d counts the intercept and the nonzero coefficients between their
    bounds; for l1_ratio < 1 these as :math:`\operatorname{tr} X_A (X_A'X_A + L_2)^{-1} X_A'` does
    ([3]_), with :math:`L_2` the matrix of their L2 penalties.

    Paths of folds run in threads. Beyond X the memory is that of the paths that run, O(n + p + the
    nonzero coefficients of all alphas) each, and of Gram matrices of the features that enter.

    Callbacks of scikit-learn (``model.set_callbacks(ProgressBar())``) see a task for each path and
    each alpha in it, and one for the final fit. They are called from the threads of the folds.

    References
    ----------
    .. [1] J. Friedman, T. Hastie, R. Tibshirani, "Regularization Paths for Generalized Linear
       Models via Coordinate Descent", Journal of Statistical Software 33 (2010).
    .. [2] J. Chen, Z. Chen, "Extended Bayesian Information Criteria for Model Selection with Large
       Model Spaces", Biometrika 95 (2008).
    .. [3] H. Zou, T. Hastie, R. Tibshirani, "On the Degrees of Freedom of the Lasso", Annals of
       Statistics 35 (2007).
    .. [4] L. Breiman, J. Friedman, R. Olshen, C. Stone, "Classification and Regression Trees"
       (1984), section 3.4.3, for 'one_se'.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from skreg import ElasticNetCV
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = ElasticNetCV(l1_ratio=[0.5, 0.9, 1.0]).fit(X, y)
    >>> model.l1_ratio_
    1.0
    >>> print(f"{model.alpha_:.4f}")
    0.0038
    """

    _parameter_constraints: ClassVar = (
        {"l1_ratio": [Interval(Real, 0, 1, closed="both"), "array-like"]}
        | CONSTRAINTS
        | CRITERION_CONSTRAINTS
        | FEATURE_CONSTRAINTS
        | {"positive": ["boolean"], "precompute": [StrOptions({"auto"}), "array-like", "boolean"]}
    )

    path = staticmethod(enet_path)

    def __init__(
        self,
        *,
        l1_ratio=0.5,
        eps=1e-3,
        alphas=100,
        fit_intercept=True,
        precompute="auto",
        max_iter=1000,
        tol=1e-4,
        cv=None,
        copy_X=True,
        verbose=0,
        n_jobs=None,
        positive=False,
        random_state=None,
        selection="cyclic",
        penalty_weights=None,
        lower=None,
        upper=None,
        choose="min",
        criterion=None,
        ebic_gamma=1.0,
    ):
        self.l1_ratio = l1_ratio
        self.eps = eps
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.precompute = precompute
        self.max_iter = max_iter
        self.tol = tol
        self.cv = cv
        self.copy_X = copy_X
        self.verbose = verbose
        self.n_jobs = n_jobs
        self.positive = positive
        self.random_state = random_state
        self.selection = selection
        self.penalty_weights = penalty_weights
        self.lower = lower
        self.upper = upper
        self.choose = choose
        self.criterion = criterion
        self.ebic_gamma = ebic_gamma

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None, **params):
        """Choose alpha and l1_ratio, and fit the coefficients and the intercept.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data. float32 and float64, CSR and CSC are used as they are.
        y : array-like of shape (n_samples,)
            Target.
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
        """One target; a column of it is taken for what it is, with a warning."""
        if y.ndim > 1 and y.shape[1] > 1:
            raise ValueError(
                f"y has {y.shape[1]} targets, but {type(self).__name__} chooses the penalty for "
                f"one: use MultiTask{type(self).__name__}, or fit each column by itself."
            )
        return column_or_1d(y, warn=True)

    def _walk(self, features, y, penalty, alphas):
        return path.walk(features, y, penalty, alphas, tol=self.tol, max_iter=self.max_iter)

    def _certified(self, point, features, y, penalty):
        return path.certified(features, y, penalty, point, self.tol)

    def _alpha_max(self, features, y, penalty):
        return path.alpha_max(features, y, penalty)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.single_output, tags.target_tags.multi_output = True, False
        return tags
