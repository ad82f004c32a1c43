"""Lasso and elastic net that choose their penalty."""

from numbers import Real
from typing import ClassVar

from sklearn.utils import column_or_1d

from skreg._solvers import path
from skreg._sparse_parameters import FEATURE_CONSTRAINTS
from skreg._sparse_search import CONSTRAINTS, CRITERION_CONSTRAINTS, SparseSearch
from skreg._validation import Interval, StrOptions, fit_context


class ElasticNetCV(SparseSearch):
    """x"""

    _parameter_constraints: ClassVar = (
        {"l1_ratio": [Interval(Real, 0, 1, closed="both"), "array-like"]}
        | CONSTRAINTS
        | CRITERION_CONSTRAINTS
        | FEATURE_CONSTRAINTS
        | {"positive": ["boolean"], "precompute": [StrOptions({"auto"}), "array-like", "boolean"]}
    )

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

    def _alpha_max(self, features, y, penalty):
        return path.alpha_max(features, y, penalty)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.single_output, tags.target_tags.multi_output = True, False
        return tags


class LassoCV(ElasticNetCV):
    """x"""

    l1_ratio = 1.0

    _parameter_constraints: ClassVar = {
        name: rule
        for name, rule in ElasticNetCV._parameter_constraints.items()
        if name != "l1_ratio"
    }

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
