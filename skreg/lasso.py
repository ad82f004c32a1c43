"""The lasso: the elastic nets whose penalty is the L1 norm alone."""

from typing import ClassVar

from skreg._sparse_path import lasso_path
from skreg.elastic_net import ElasticNet
from skreg.elastic_net_cv import ElasticNetCV


class Lasso(ElasticNet):
    r"""Linear regression with an L1 penalty.

    Minimizes

    .. math::

        \frac{1}{2 n} \|y - X w - b\|_2^2 + \alpha \sum_j v_j |w_j|
        \quad \text{with} \quad l_j \le w_j \le u_j

    over the coefficients w and the intercept b, with n the number of samples, v =
    `penalty_weights` (ones by default), l = `lower` and u = `upper` (none by default):
    `ElasticNet` with `l1_ratio=1`. Sample weights multiply the squared residuals and are
    rescaled to sum to n.

    Parameters
    ----------
    alpha : float, default=1.0
        Strength of the penalty, in [0, inf). Above ``max_j abs(x_j @ (y - mean(y))) / n`` all
        coefficients are zero; 0 is ordinary least squares.
    fit_intercept : bool, default=True
        Whether to fit b. Otherwise X and y are taken as centred.
    precompute : bool or array-like of shape (n_features, n_features), default=False
        Accepted as in scikit-learn; see `ElasticNet`.
    copy_X : bool, default=True
        Accepted as in scikit-learn. X is neither copied nor changed.
    max_iter : int or None, default=1000
        The most sweeps over the coefficients; None stands for 1000.
    tol : float, default=1e-4
        Tolerance, in [0, inf): the largest duality gap relative to ||y - mean(y)||^2 / n.
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
        raised to the value at which it holds with equality; `alpha_` tells. With `alpha=0` this
        is the lasso in its constrained form.

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
    sparse_coef_ : sparse matrix of shape (1, n_features) or (n_targets, n_features)
        `coef_` in CSR format.
    n_features_in_ : int
        Number of features seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X had string names.

    Raises
    ------
    ValueError, TypeError
        As `ElasticNet`.

    See Also
    --------
    ElasticNet : The general case.
    lasso_path : The coefficients for many penalties.

    References
    ----------
    Tibshirani, "Regression shrinkage and selection via the lasso", JRSS-B 58(1), 1996.
    Osborne, Presnell and Turlach, "On the LASSO and its dual", Journal of Computational and
    Graphical Statistics 9(2), 2000.

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

    The same solution, asked for by its norm:

    >>> model = Lasso(alpha=0, max_l1_norm=0.9).fit(X, y)
    >>> round(model.alpha_, 6)
    0.125
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
        penalty_weights=None,
        lower=None,
        upper=None,
        max_l1_norm=None,
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
            penalty_weights=penalty_weights,
            lower=lower,
            upper=upper,
            max_l1_norm=max_l1_norm,
        )


class LassoCV(ElasticNetCV):
    r"""Lasso that chooses the strength of its penalty.

    Minimizes

    .. math::

        \frac{1}{2 n} \|y - X w - b\|_2^2 + \alpha \sum_j v_j |w_j|
        \quad \text{with} \quad l_j \le w_j \le u_j

    over the coefficients w and the intercept b, with n the number of samples, v the
    `penalty_weights`, l = `lower` and u = `upper`, for the :math:`\alpha` that predicts best:
    `ElasticNetCV` with `l1_ratio=1`. Sample weights multiply the squared residuals and are
    rescaled to sum to n.

    Parameters
    ----------
    eps : float, default=1e-3
        Smallest alpha over the largest, in (0, inf), where `alphas` is an int.
    alphas : int, float or array-like of shape (n_alphas,), default=100
        Alphas to choose from, in [0, inf), or an int: so many of them in geometric steps, from
        the smallest that makes all penalized coefficients zero down to
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
    copy_X : bool, default=True
        Has no effect: X is neither changed nor copied.
    cv : int, cross-validation generator or an iterable, default=None
        The folds: a number of them in the order of the samples, a splitter, which sees X and y as
        `fit` was given them, or pairs of indices (train, test). None stands for 5.
    verbose : bool or int, default=False
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
        the largest alpha whose mean error is within one standard error of the least one.
    criterion : {'aic', 'bic', 'ebic'} or None, default=None
        None chooses by folds. Otherwise there are none, which takes a fraction of the time: the
        least information criterion on the path of all samples is chosen, see Notes.
    ebic_gamma : float, default=1.0
        Weight of the number of models in 'ebic', in [0, 1]; 0 is 'bic'.

    Attributes
    ----------
    alpha_ : float
        The alpha chosen.
    best_score_ : float
        Its score, the larger the better: minus the mean squared error, or minus the criterion.
    coef_ : ndarray of shape (n_features,)
        The coefficients w, in units of y per unit of X.
    intercept_ : float
        The intercept b; 0.0 where `fit_intercept=False`.
    mse_path_ : ndarray of shape (n_alphas, n_folds)
        Mean squared error on the test samples of each fold; without axes of length 1. Absent with
        `criterion`.
    alphas_ : ndarray of shape (n_alphas,)
        The alphas, decreasing.
    cv_results_ : dict of ndarrays of shape (n_candidates,)
        Of each candidate "alpha" and "mean_test_score", minus its mean error;
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
        As `ElasticNetCV`.
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
    ElasticNetCV : The general case, with notes on weights, criteria, memory and callbacks.
    Lasso : The same with a given alpha.
    sklearn.linear_model.LassoCV : The class whose interface this one keeps.

    References
    ----------
    Tibshirani, "Regression shrinkage and selection via the lasso", JRSS-B 58(1), 1996; and those
    of `ElasticNetCV`.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from skreg import LassoCV
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = LassoCV().fit(X, y)
    >>> print(f"{model.alpha_:.4f}")
    0.0038
    >>> sparse = LassoCV(choose="one_se").fit(X, y)
    >>> int((model.coef_ != 0).sum()), int((sparse.coef_ != 0).sum())
    (9, 6)
    >>> print(f"{LassoCV(criterion='bic').fit(X, y).alpha_:.4f}")
    0.0463
    """

    l1_ratio = 1.0

    _parameter_constraints: ClassVar = {
        name: rule
        for name, rule in ElasticNetCV._parameter_constraints.items()
        if name != "l1_ratio"
    }

    path = staticmethod(lasso_path)

    def __init__(
        self,
        *,
        eps=1e-3,
        alphas=100,
        fit_intercept=True,
        precompute="auto",
        max_iter=1000,
        tol=1e-4,
        copy_X=True,
        cv=None,
        verbose=False,
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
        self.eps = eps
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.precompute = precompute
        self.max_iter = max_iter
        self.tol = tol
        self.copy_X = copy_X
        self.cv = cv
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
