"""The Bayesian reading of ridge: its coefficients are the mean of a Gaussian posterior."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skreg._solvers.filters import tikhonov
from skreg._validation import new_samples


class StoresSpectrum:
    """``spectrum_``, for estimators with a parameter `store_spectrum`."""

    _stored_spectrum = None

    @property
    def spectrum_(self):  # described by each class, whose words a docstring would replace
        check_is_fitted(self)
        if self._stored_spectrum is None:
            raise AttributeError(missing("spectrum_", self))
        return self._stored_spectrum


def missing(name, estimator):
    """The text of an error that says how to get `name`."""
    return (
        f"{name} needs the spectrum of the data: fit {type(estimator).__name__} with "
        f"store_spectrum=True."
    )


class Posterior(StoresSpectrum):
    """Prediction with standard deviations, for linear regressors with a ``spectrum_``.

    The model is y ~ N(Xw + b, noise_variance_ / sample_weight) with the prior
    w ~ N(0, noise_variance_ / alpha), or, with a penalty matrix L, L (w - prior_mean) in its
    place. Given alpha, the noise variance is the one of largest evidence. The intercept counts as
    known, as in scikit-learn's BayesianRidge.
    """

    def predict(self, X, return_std=False):
        """Predict ``X @ coef_.T + intercept_``, with standard deviations on demand.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.
        return_std : bool, default=False
            Whether to return the standard deviation of the predictive distribution too. Needs
            ``store_spectrum=True`` and the filter 'tikhonov'.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_targets)
            Predicted values, in the units of the training target.
        std : ndarray of the shape of y
            Standard deviation of a new observation: noise and uncertainty of the coefficients.
            Only with ``return_std=True``.
        """
        mean = super().predict(X)
        if not return_std:
            return mean
        X = new_samples(self, X, accept_sparse=["csr", "csc", "coo"])
        X = np.asarray(X.toarray() if hasattr(X, "toarray") else X, np.float64) - self._X_mean
        noise = np.atleast_1d(self.noise_variance_)
        spectrum, alpha = self._bayesian_spectrum("covariance_"), self._fitted_alpha()
        spread = spectrum.spread(X, np.atleast_1d(alpha))
        std = np.sqrt(noise * (1 + spread))
        return mean, std[:, 0] if mean.ndim == 1 else std

    @property
    def noise_variance_(self):
        """Noise variance of largest evidence given alpha, with ``store_spectrum=True``.

        It is (||r||^2 + alpha ||w||^2) / n. A float, or (n_targets,) for several targets.
        """
        spectrum = self._bayesian_spectrum("noise_variance_")
        alpha = np.broadcast_to(self._fitted_alpha(), (1, spectrum.z.shape[1]))
        psi = spectrum.factors(alpha)[1][0]
        square = np.einsum("tr,rt->t", psi, spectrum.z**2) + spectrum.outside
        variance = square / spectrum.n_samples
        return float(variance[0]) if len(variance) == 1 else variance

    @property
    def prior_variance_(self):
        """Prior variance ``noise_variance_ / alpha_``, with ``store_spectrum=True``; inf at 0."""
        with np.errstate(divide="ignore"):
            variance = np.divide(self.noise_variance_, self._fitted_alpha())
        return float(variance) if np.ndim(variance) == 0 else variance

    @property
    def covariance_(self):
        """Posterior covariance of the coefficients, with ``store_spectrum=True``.

        (n_features, n_features), or one for each of several targets.
        """
        spectrum = self._bayesian_spectrum("covariance_")
        noise = np.atleast_1d(self.noise_variance_)
        try:
            inverse = spectrum.covariance(np.atleast_1d(self._fitted_alpha()))
        except ValueError as error:  # infinite: a property that is not there
            raise AttributeError(str(error)) from error
        covariance = noise[:, None, None] * inverse
        return covariance[0] if len(noise) == 1 else covariance

    def _fitted_alpha(self):
        return self.alpha_

    def _bayesian_spectrum(self, name):
        """The spectrum, or an error that says how to get `name`."""
        check_is_fitted(self)
        if self._stored_spectrum is None:
            raise AttributeError(missing(name, self))
        if self.spectrum_.filter is not tikhonov:
            raise AttributeError(
                f"{name} is defined for filter='tikhonov' only; this {type(self).__name__} has "
                f"filter={self.filter!r}."
            )
        return self.spectrum_
