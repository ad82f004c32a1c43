"""What linear regressors share: prediction, and the intercept from the means."""

from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from skreg._validation import check_finite_fit


class LinearRegressor(MultiOutputMixin, RegressorMixin, BaseEstimator):
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
        X = validate_data(self, X, accept_sparse=["csr", "csc", "coo"], reset=False)
        return X @ self.coef_.T + self.intercept_

    def _store_coef(self, coef, design, y_ndim):
        """Set ``coef_`` and ``intercept_`` from coefficients (n_targets, n_features).

        One target gives a flat ``coef_`` and, where y was flat, a scalar intercept.
        """
        intercept = design.y_mean - coef @ design.X_mean
        check_finite_fit(self, coef_=coef, intercept_=intercept)
        self.coef_ = coef[0] if len(coef) == 1 else coef
        if self.fit_intercept:
            self.intercept_ = intercept[0] if y_ndim == 1 else intercept
        else:
            self.intercept_ = 0.0
