"""Classification by ridge regression on targets of -1 and 1."""

from typing import ClassVar

import numpy as np
from scipy import sparse
from sklearn.base import ClassifierMixin
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import column_or_1d, compute_sample_weight
from sklearn.utils.validation import check_is_fitted

from skreg import _alpha_search as alpha_search
from skreg._linear import LinearModel
from skreg._ridge_search import CONSTRAINTS, Given, SpectralSearch
from skreg._validation import (
    StrOptions,
    check_weights,
    fit_context,
    new_samples,
    raise_for_params,
    unchanged_on_error,
    validate_samples,
)
from skreg.ridge import Ridge

WITHOUT_NOISE = set(alpha_search.RULES) - set(alpha_search.NEEDS_NOISE)  # labels have no noise_std


def labels(decisions, binarizer):
    """Labels of decision values: the sign of one a sample or label, else the largest class."""
    if binarizer.y_type_.startswith("multilabel"):
        return binarizer.inverse_transform(np.where(decisions > 0, 1, -1))
    one = decisions.ndim == 1
    return binarizer.classes_[(decisions > 0).astype(int) if one else decisions.argmax(axis=1)]


class GivenDecisions(ClassifierMixin, Given):
    """A stand-in for a fitted classifier."""

    def __init__(self, owner, binarizer):
        super().__init__(owner)
        self.binarizer, self.classes_ = binarizer, binarizer.classes_

    def decision_function(self, X):
        """Return the decision values known, or those given as X."""
        return self._answer(X)

    def predict(self, X):
        """Return the labels of decision values X."""
        return labels(self.decision_function(X), self.binarizer)


class SignClassifier(ClassifierMixin, LinearModel):
    """A linear classifier whose regression targets are -1 and 1, one column a class or label."""

    def _binarized(self, X, y, sample_weight):
        """Validated X and y, targets Y, and weights of samples times those of their classes."""
        X, y = validate_samples(self, X, y)
        weight = check_weights(sample_weight, X)
        self._label_binarizer = LabelBinarizer(pos_label=1, neg_label=-1)
        Y = self._label_binarizer.fit_transform(y)
        self.classes_ = self._label_binarizer.classes_
        if not self._label_binarizer.y_type_.startswith("multilabel"):
            y = column_or_1d(y, warn=True)
        elif sparse.issparse(y):
            y = y.toarray()
        if self.class_weight is not None:
            of_class = compute_sample_weight(self.class_weight, y).astype(X.dtype)
            if not np.all(np.isfinite(of_class) & (of_class >= 0)) or not of_class.any():
                raise ValueError(
                    f"class_weight must be finite and non-negative, and above 0 for a class of "
                    f"y; got {self.class_weight!r}. Use 0 to leave a class out."
                )
            weight = check_weights(of_class if weight is None else weight * of_class, X)
        return X, y, Y.astype(X.dtype), weight

    def decision_function(self, X):
        """Predict ``X @ coef_.T + intercept_``, the fit to targets of -1 and 1.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_samples, n_classes)
            For two classes, above 0 where ``classes_[1]`` is predicted; else one column for each
            class or label.
        """
        check_is_fitted(self)
        X = new_samples(self, X, accept_sparse=["csr", "csc", "coo"])
        scores = X @ self.coef_.T + self.intercept_
        return scores.ravel() if scores.ndim == 2 and scores.shape[1] == 1 else scores

    def predict(self, X):
        """Predict labels.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_labels)
            The class of the largest decision value; for multilabel data an indicator matrix.
        """
        return labels(self.decision_function(X), self._label_binarizer)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.classifier_tags.multi_label = True
        return tags


class RidgeClassifier(SignClassifier):
    """Classifier by ridge regression on targets of -1 and 1.

    Minimizes, over coefficients w and a free intercept b, for each class::

        sum_i v_i (t_i - x_i'w - b)^2 + alpha ||w||^2

    with t_i = 1 for samples of the class and -1 for others, and predicts the class whose fit is
    largest. With two classes there is one such problem, with multilabel data one for each label.

    Parameters
    ----------
    alpha : float, default=1.0
        Strength of the penalty, in [0, inf), in squared units of X summed over the samples.
    fit_intercept : bool, default=True
        Whether to fit the intercept b. It is not penalized.
    copy_X : bool, default=True
        Whether to leave X as it is. If False, a dense X may be overwritten.
    max_iter : int, default=None
        Most iterations of an iterative solver, see :class:`skreg.Ridge`.
    tol : float, default=1e-4
        Tolerance of the iterative solvers, see :class:`skreg.Ridge`.
    class_weight : dict or 'balanced', default=None
        Weights of the classes, ``{label: weight}``, by which those of their samples are
        multiplied. 'balanced' stands for ``n_samples / (n_classes * count of the class)``.
    solver : {'auto', 'svd', 'cholesky', 'lsqr', 'sparse_cg', 'sag', 'saga', 'lbfgs'}, \
            default='auto'
        How to compute the coefficients, see :class:`skreg.Ridge`.
    positive : bool, default=False
        Whether to keep all coefficients at or above 0. Needs the solver 'auto' or 'lbfgs'.
    random_state : int, RandomState instance or None, default=None
        Seed of the order in which 'sag' and 'saga' visit the samples.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_classes, n_features)
        Coefficients w, flat for two classes, in 1 over units of X.
    intercept_ : float or ndarray of shape (1,) or (n_classes,)
        Intercept b; 0.0 if ``fit_intercept=False``.
    n_iter_ : ndarray of shape (1,) or (n_classes,)
        Iterations for each class, see :class:`skreg.Ridge`.
    solver_ : str
        The solver that gave the coefficients.
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X had names that are all strings.

    See Also
    --------
    RidgeClassifierCV : The same with a search for alpha.
    sklearn.linear_model.RidgeClassifier : The class whose interface this one keeps.

    References
    ----------
    .. [1] R. Rifkin, G. Yeo, T. Poggio, "Regularized Least-Squares Classification", in Advances
       in Learning Theory, IOS Press (2003).

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from skreg import RidgeClassifier
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> print(f"{RidgeClassifier().fit(X, y).score(X, y):.3f}")
    0.960
    """

    _ridge_parameters = (
        "alpha",
        "fit_intercept",
        "copy_X",
        "max_iter",
        "tol",
        "solver",
        "positive",
        "random_state",
    )
    _parameter_constraints: ClassVar = {
        name: Ridge._parameter_constraints[name] for name in _ridge_parameters
    } | {"class_weight": [dict, StrOptions({"balanced"}), None]}

    def __init__(
        self,
        alpha=1.0,
        *,
        fit_intercept=True,
        copy_X=True,
        max_iter=None,
        tol=1e-4,
        class_weight=None,
        solver="auto",
        positive=False,
        random_state=None,
    ):
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.max_iter = max_iter
        self.tol = tol
        self.class_weight = class_weight
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
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Labels, or an indicator matrix of several labels a sample.
        sample_weight : float or array-like of shape (n_samples,), default=None
            Non-negative weights of the samples.

        Returns
        -------
        self : RidgeClassifier
            The fitted estimator.

        Raises
        ------
        ValueError
            For NaN, infinity, negative or ill-fitting values in any argument or parameter, for
            targets that are no labels, and for a solver that does not go with ``positive`` or
            with sparse data.
        """
        with unchanged_on_error(self):
            X, _, Y, weight = self._binarized(X, y, sample_weight)
            ridge = Ridge(**{name: getattr(self, name) for name in self._ridge_parameters})
            ridge.fit(X, Y, weight)
        self.coef_, self.intercept_ = ridge.coef_, ridge.intercept_
        self.n_iter_, self.solver_ = ridge.n_iter_, ridge.solver_
        return self

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = self.solver != "svd"
        return tags


class RidgeClassifierCV(SpectralSearch, SignClassifier):
    """Ridge classifier that chooses the strength of its penalty.

    Alphas are judged by how well they predict the targets of -1 and 1 of :class:`RidgeClassifier`
    (leave-one-out errors and rules), or the labels (`scoring`, and folds by `cv`). One
    factorization serves all of them.

    Parameters
    ----------
    alphas : array-like of shape (n_alphas,), int or 'auto', default=(0.1, 1.0, 10.0)
        Alphas to choose from, see :class:`RidgeCV`.
    fit_intercept : bool, default=True
        Whether to fit the intercept. It is not penalized.
    scoring : str or callable, default=None
        Scorer of the labels predicted for samples held out: by leave-one-out if ``cv=None``.
        None stands for minus the mean squared error of the targets of -1 and 1 if ``cv=None``,
        else for accuracy.
    cv : int, cross-validation generator or an iterable, default=None
        The folds; an int stands for stratified ones. None stands for leave-one-out errors, or for
        the rule. See :class:`RidgeCV`.
    class_weight : dict or 'balanced', default=None
        Weights of the classes, ``{label: weight}``, by which those of their samples are
        multiplied. 'balanced' stands for ``n_samples / (n_classes * count of the class)``. They
        count in the fits and in the scores.
    store_cv_results : bool, default=False
        Whether ``cv_results_`` has the leave-one-out error, or with `scoring` the prediction, of
        every sample, as in scikit-learn. Otherwise it has the scores, see :class:`RidgeCV`.
    rule : str, default='loo'
        How alphas are judged without folds and scorer: any rule of :class:`RidgeCV` but
        'discrepancy'.
    choose : {'min', 'one_se'}, default='min'
        Take the best alpha, or the strongest within one standard error of its score. See
        :class:`RidgeCV`.

    Attributes
    ----------
    alpha_ : float
        The alpha chosen.
    best_score_ : float
        Its score; the larger the better.
    coef_ : ndarray of shape (n_features,) or (n_classes, n_features)
        Coefficients, flat for two classes, in 1 over units of X.
    intercept_ : float or ndarray of shape (1,) or (n_classes,)
        Intercept; 0.0 if ``fit_intercept=False``.
    cv_results_ : dict or ndarray of shape (n_samples, n_targets, n_alphas)
        Scores of all alphas, see :class:`RidgeCV`.
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X had names that are all strings.

    See Also
    --------
    RidgeClassifier : The same with a given alpha.
    sklearn.linear_model.RidgeClassifierCV : The class whose interface this one keeps.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from skreg import RidgeClassifierCV
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> model = RidgeClassifierCV(alphas=[1e-3, 1e-2, 1e-1, 1]).fit(X, y)
    >>> model.alpha_
    0.01
    >>> print(f"{model.score(X, y):.3f}")
    0.963
    """

    _default_scoring = "accuracy"

    _parameter_constraints: ClassVar = {
        name: value for name, value in CONSTRAINTS.items() if name != "noise_std"
    } | {
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "rule": [StrOptions(WITHOUT_NOISE)],
    }

    def __init__(
        self,
        alphas=(0.1, 1.0, 10.0),
        *,
        fit_intercept=True,
        scoring=None,
        cv=None,
        class_weight=None,
        store_cv_results=False,
        rule="loo",
        choose="min",
    ):
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.scoring = scoring
        self.cv = cv
        self.class_weight = class_weight
        self.store_cv_results = store_cv_results
        self.rule = rule
        self.choose = choose

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None, **params):
        """Choose alpha, and fit the coefficients and the intercept.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data. float32 and float64 are used as they are, other types become float64.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Labels, or an indicator matrix of several labels a sample.
        sample_weight : float or array-like of shape (n_samples,), default=None
            Non-negative weights of the samples, in the fits and in the scores.
        **params : dict
            Arguments of scorer and splitter, with metadata routing enabled only.

        Returns
        -------
        self : RidgeClassifierCV
            The fitted estimator.

        Raises
        ------
        ValueError
            For NaN, infinity, negative or ill-fitting values in any argument or parameter, for
            parameters that do not go together, and for targets that are no labels.
        """
        raise_for_params(params, self, "fit")
        alphas = self._check_parameters()
        given = X, y
        with unchanged_on_error(self):
            X, y, Y, weight = self._binarized(X, y, sample_weight)
            self._fit(X, Y, weight, alphas, y, self._routed(weight, params), given)
        return self

    def _stand_in(self):
        return GivenDecisions(type(self).__name__, self._label_binarizer)
