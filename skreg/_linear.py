"""What linear models share: the centred data, prediction, the intercept from the means."""

from typing import NamedTuple

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.utils import assert_all_finite
from sklearn.utils.validation import check_is_fitted

from skreg._solvers.design import defer
from skreg._validation import check_dense, check_finite_fit, new_samples, validate_samples


def validate_regression(estimator, X, y, **options):
    """X and dense y as ridge takes them: NaN in X may be left for `centred_data` to find."""
    # NaN and infinity show in the means, which spares a pass over X.
    options["ensure_all_finite"] = sparse.issparse(X) or not estimator.fit_intercept
    X, y = validate_samples(estimator, X, y, y_numeric=True, **options)
    return X, check_dense(y)


def centred_data(estimator, X, y, weight):
    """The centred design, with NaN and overflow turned into errors that say so."""
    name = type(estimator).__name__
    try:
        with np.errstate(over="raise", invalid="raise"):
            design = defer(X, y, weight, fit_intercept=estimator.fit_intercept)
    except FloatingPointError as error:
        assert_all_finite(X, input_name="X", estimator_name=name)
        raise ValueError(
            f"{name} cannot centre the data: X or y contains values too large for {X.dtype}. "
            f"Scale the data, for example with sklearn.preprocessing.StandardScaler."
        ) from error
    if not np.all(np.isfinite(design.X_mean)):
        assert_all_finite(X, input_name="X", estimator_name=name)
    check_finite_fit(estimator, X_mean=design.X_mean, y=design.y, y_mean=design.y_mean)
    return design


class Means(NamedTuple):
    """Where an intercept comes from."""

    y_mean: np.ndarray  # (n_targets,)
    means_of_features: np.ndarray  # (n_features,)


class LinearModel(BaseEstimator):
    """A model with ``coef_`` and ``intercept_``."""

    def _store_coef(self, coef, design, y_ndim):
        """Set ``coef_`` and ``intercept_`` from coefficients (n_targets, n_features).

        One target gives a flat ``coef_`` and, where y was flat, a scalar intercept.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            # Not a product: BLAS would wake its threads for a long one, and they go on spinning.
            intercept = design.y_mean - np.sum(coef * design.means_of_features, axis=1)
            intercept = intercept.astype(coef.dtype, copy=False)
        check_finite_fit(self, coef_=coef, intercept_=intercept)
        self.coef_ = coef[0] if len(coef) == 1 else coef
        if self.fit_intercept:
            self.intercept_ = intercept[0] if y_ndim == 1 else intercept
        else:
            self.intercept_ = 0.0


class LinearRegressor(MultiOutputMixin, RegressorMixin, LinearModel):
    """A regressor with ``coef_`` and ``intercept_``."""

    def predict(self, X):
        """Predict ``X @ coef_.T + intercept_``.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_targets)
            Predicted values, in the units of the training target.
        """
        check_is_fitted(self)
        X = new_samples(self, X, accept_sparse=["csr", "csc", "coo"])
        return X @ self.coef_.T + self.intercept_


class SparseCoef:
    """Coefficients of which many are zero."""

    @property
    def sparse_coef_(self):
        """Sparse (CSR) form of the fitted ``coef_``."""
        return sparse.csr_matrix(np.atleast_2d(self.coef_))
