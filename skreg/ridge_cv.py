"""Ridge regression that chooses its penalty."""

from numbers import Integral
from typing import ClassVar

from sklearn.base import RegressorMixin

from skreg._linear import LinearRegressor, validate_regression
from skreg._posterior import Posterior
from skreg._ridge_search import CONSTRAINTS, Given, SpectralSearch
from skreg._solvers.filters import FILTERS
from skreg._validation import Interval, StrOptions, check_weights, fit_context, raise_for_params


class GivenPredictions(RegressorMixin, Given):
    """A stand-in for a fitted regressor."""

    def predict(self, X):
        """Return the predictions known, or those given as X."""
        return self._answer(X)


class RidgeCV(Posterior, SpectralSearch, LinearRegressor):
    """Ridge regression that chooses the strength of its penalty.

    Minimizes, over coefficients w and a free intercept b, for each target y::

        sum_i v_i (y_i - x_i'w - b)^2 + alpha ||w||^2

    where v_i is the weight of sample i, for the alpha that predicts best. One factorization of
    the data serves all alphas: leave-one-out errors and rules are read off it, and K-fold
    cross-validation takes one small factorization a fold, never a fit from the data.

    Parameters
    ----------
    alphas : array-like of shape (n_alphas,), int or 'auto', default=(0.1, 1.0, 10.0)
        Alphas to choose from, in [0, inf), in squared units of X summed over the samples; above 0
        for leave-one-out errors. An int of at least 2 is a number of alphas, spread over the
        range of the squared singular values; for a single alpha give a float, ``5.0``, or a list.
        'auto' takes 100 of them, goes further down while that pays, and searches between the best
        and its neighbours. For the filters 'truncated_svd' and 'landweber' alphas are counts, see
        :class:`Ridge`.
    fit_intercept : bool, default=True
        Whether to fit the intercept b. It is not penalized.
    scoring : str or callable, default=None
        Scorer of predictions for samples held out, of all samples by leave-one-out if
        ``cv=None``. It is given a model that has no coefficients and returns these predictions,
        and the samples of X as `fit` was given them, the only ones that the model can predict;
        or, if ``cv=None``, as in scikit-learn, the predictions in place of X. None stands for
        minus the mean squared error if ``cv=None``, else for R^2, averaged over targets.
    cv : int, cross-validation generator or an iterable, default=None
        The folds: a number of them, a splitter, which sees X and y as `fit` was given them, or
        pairs of indices (train, test). None stands for leave-one-out errors, or for `rule`.
    gcv_mode : {'auto', 'svd', 'eigen'} or None, default=None
        'svd' takes the singular values of X (a sparse X becomes dense). Any other value takes the
        eigenvalues of the smaller of X'X and XX' as long as that is harmless for the smallest
        alpha, else singular values too.
    store_cv_results : bool, default=False
        Whether ``cv_results_`` has the leave-one-out error, or with `scoring` the prediction, of
        every sample, as in scikit-learn. For ``cv=None``, ``rule='loo'`` and an array of alphas;
        otherwise ``cv_results_`` has the scores in any case.
    alpha_per_target : bool, default=False
        Whether to choose an alpha for each target, instead of the best on average.
    rule : {'loo', 'gcv', 'modified_gcv', 'robust_gcv', 'upre', 'discrepancy', 'l_curve', 'ncp', \
            'quasi_optimality', 'evidence'}, default='loo'
        How alphas are judged where neither `cv` nor `scoring` is given.

        - 'loo': mean squared leave-one-out error, computed exactly.
        - 'gcv': generalized cross-validation; 'modified_gcv' and 'robust_gcv' follow noise less.
        - 'upre': unbiased risk estimate (Mallows' C_p), with `noise_std` or an estimate of it.
        - 'discrepancy': the largest penalty that leaves a residual of the size of the noise.
        - 'l_curve': the corner of residual norm against coefficient norm.
        - 'ncp': the residual that is most like white noise, in the order of the samples.
        - 'quasi_optimality': the solution that moves least.
        - 'evidence': the largest marginal likelihood of the Gaussian model.
    noise_std : float or array-like of shape (n_targets,), default=None
        Standard deviation of the noise in y, in (0, inf), for 'discrepancy' and 'upre'.
    choose : {'min', 'one_se'}, default='min'
        'min' takes the alpha of the best score. 'one_se' takes the most regularized one whose
        score is within one standard error of it: over the samples for leave-one-out errors, over
        the folds for `cv`.
    filter : str or callable, default='tikhonov'
        How singular components are damped, see :class:`Ridge`. 'loo' and 'evidence' need
        'tikhonov'.
    filter_order : int, default=2
        Order of the filter 'iterated_tikhonov', at least 1.
    store_spectrum : bool, default=False
        Whether to keep the factorization as ``spectrum_``.

    Attributes
    ----------
    alpha_ : float or ndarray of shape (n_targets,)
        The alpha chosen; an array with ``alpha_per_target=True`` and several targets.
    best_score_ : float or ndarray of shape (n_targets,)
        Its score, the larger the better; minus the value of a rule.
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
        Coefficients w, flat for one target, in units of y over units of X.
    intercept_ : float or ndarray of shape (n_targets,)
        Intercept b in units of y, an array where y was two-dimensional; 0.0 if
        ``fit_intercept=False``.
    cv_results_ : dict or ndarray of shape (n_samples[, n_targets], n_alphas)
        "alpha": the alphas (n_alphas,). "mean_test_score" for leave-one-out errors, scorers and
        folds, "score" for rules that test no samples: (n_alphas,), or (n_alphas, n_targets) with
        ``alpha_per_target=True`` and several targets. "std_error": the standard error of the mean,
        where there is one. "split0_test_score" and so on: scores of the folds. An array with
        ``store_cv_results=True``.
    spectrum_ : Spectrum
        Singular values and vectors of the centred, weighted data, with ``store_spectrum=True``:
        degrees of freedom, L-curve, resolution and more for any alpha, without a new fit.
    covariance_ : ndarray of shape (n_features, n_features) or (n_targets, n_features, n_features)
        Posterior covariance of the coefficients, with ``store_spectrum=True``.
    noise_variance_ : float or ndarray of shape (n_targets,)
        Variance of the noise, as the evidence has it, with ``store_spectrum=True``.
    prior_variance_ : float or ndarray of shape (n_targets,)
        ``noise_variance_ / alpha_``, the prior variance of a coefficient, with
        ``store_spectrum=True``.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X had names that are all strings.

    See Also
    --------
    Ridge : The same with a given alpha.
    RidgeClassifierCV : The same for labels.
    sklearn.linear_model.RidgeCV : The class whose interface this one keeps.

    Notes
    -----
    Weights count in the fits and in the scores. With folds, an integer weight equals as many
    repetitions of the row in the same fold. Leave-one-out errors and rules take a row with all
    its weight as one sample, whose noise has a variance over its weight.

    Beyond X the memory is O(p^2 + n r) for n samples, p features and r = min(n, p).

    Of equal scores on samples held out the first alpha is taken, as in scikit-learn.

    :class:`sklearn.exceptions.ConvergenceWarning` tells of a rule that finds no answer, and of
    one that ends at an edge of the range of 'auto' or of an int.

    References
    ----------
    .. [1] D. M. Allen, "The Relationship between Variable Selection and Data Augmentation and a
       Method for Prediction", Technometrics 16 (1974).
    .. [2] G. H. Golub, M. Heath, G. Wahba, "Generalized Cross-Validation as a Method for Choosing
       a Good Ridge Parameter", Technometrics 21 (1979).
    .. [3] P. C. Hansen, "Discrete Inverse Problems: Insight and Algorithms", SIAM (2010).

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from skreg import RidgeCV
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = RidgeCV(alphas=[1e-3, 1e-2, 1e-1, 1]).fit(X, y)
    >>> model.alpha_
    0.01
    >>> print(f"{model.score(X, y):.3f}")
    0.517
    >>> model = RidgeCV(alphas="auto", rule="gcv").fit(X, y)
    >>> print(f"{model.alpha_:.3f}")
    0.007
    """

    _default_scoring = "r2"

    _parameter_constraints: ClassVar = CONSTRAINTS | {
        "gcv_mode": [StrOptions({"auto", "svd", "eigen"}), None],
        "alpha_per_target": ["boolean"],
        "filter": [StrOptions(set(FILTERS)), callable],
        "filter_order": [Interval(Integral, 1, None, closed="left")],
        "store_spectrum": ["boolean"],
    }

    def __init__(
        self,
        alphas=(0.1, 1.0, 10.0),
        *,
        fit_intercept=True,
        scoring=None,
        cv=None,
        gcv_mode=None,
        store_cv_results=False,
        alpha_per_target=False,
        rule="loo",
        noise_std=None,
        choose="min",
        filter="tikhonov",
        filter_order=2,
        store_spectrum=False,
    ):
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.scoring = scoring
        self.cv = cv
        self.gcv_mode = gcv_mode
        self.store_cv_results = store_cv_results
        self.alpha_per_target = alpha_per_target
        self.rule = rule
        self.noise_std = noise_std
        self.choose = choose
        self.filter = filter
        self.filter_order = filter_order
        self.store_spectrum = store_spectrum

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None, **params):
        """Choose alpha, and fit the coefficients and the intercept.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data. float32 and float64 are used as they are, other types become float64.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets.
        sample_weight : float or array-like of shape (n_samples,), default=None
            Non-negative weights of the samples, in the fits and in the scores.
        **params : dict
            Arguments of scorer and splitter, with metadata routing enabled only.

        Returns
        -------
        self : RidgeCV
            The fitted estimator.

        Raises
        ------
        ValueError
            For NaN, infinity, negative or ill-fitting values in any argument or parameter, for
            parameters that do not go together, and where the fit overflows.
        TypeError
            For a sparse y.
        """
        raise_for_params(params, self, "fit")
        alphas = self._check_parameters()
        given = X, y
        X, y = validate_regression(self, X, y)
        weight = check_weights(sample_weight, X)
        self._fit(X, y, weight, alphas, y, self._routed(weight, params), given)
        return self

    def _stand_in(self):
        return GivenPredictions(type(self).__name__)
