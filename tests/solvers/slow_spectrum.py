"""A slow spectrum in plain NumPy: what the rules need, and hat matrices to check them with."""

import numpy as np

from skreg._solvers.filters import tikhonov


class SlowSpectrum:
    """The decomposition of centred, weighted data, by the SVD."""

    implicit = None

    def __init__(self, X, y, weight=None, fit_intercept=True, filter=tikhonov):
        weight = np.ones(len(X)) if weight is None else weight
        y = y.reshape(len(y), -1)
        self.root_weight = np.sqrt(weight)
        self.root = self.root_weight[:, None]
        if fit_intercept:
            X = X - np.average(X, axis=0, weights=weight)
            y = y - np.average(y, axis=0, weights=weight)
        self.X, self.y = self.root * X, self.root * y
        U, s, self.Vt = np.linalg.svd(self.X, full_matrices=False)
        rank = np.count_nonzero(s > max(X.shape) * np.finfo(float).eps * s[:1].sum())
        self.U, self.s, self.Vt = U[:, :rank], s[:rank], self.Vt[:rank]
        self.z = self.U.T @ self.y
        self.outside = np.square(self.y - self.U @ self.z).sum(axis=0)
        self.n_samples, self.free = int(np.sum(weight > 0)), int(fit_intercept)
        self.filter = filter

    def factors(self, alphas):
        alphas = np.asarray(alphas, float)
        return self.filter(self.s, alphas.reshape(len(alphas), -1, 1))

    def hat(self, alpha):
        """The matrix that maps centred, weighted y to its fit, without the intercept's part."""
        return self.U * self.filter(self.s, np.array([alpha]))[0] @ self.U.T

    def coef(self, alpha):
        phi = self.filter(self.s, np.array([alpha]))[0]
        return self.Vt.T @ (phi[:, None] / self.s[:, None] * self.z)

    def residuals(self, alphas):
        psi = np.broadcast_to(self.factors(alphas)[1], (len(alphas), self.z.shape[1], len(self.s)))
        left = np.einsum("ir,atr,rt->iat", self.U, psi, self.z)
        return left + (self.y - self.U @ self.z)[:, None]

    def loo(self, alphas):
        phi = self.factors(alphas)[0]
        leverage = np.einsum("ir,atr->iat", self.U**2, phi)
        if self.free:
            leverage = leverage + (self.root**2 / np.sum(self.root**2))[:, :, None]
        return np.mean((self.residuals(alphas) / (1 - leverage)) ** 2, axis=0)
