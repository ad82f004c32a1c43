"""The choice of alpha: what is asked, and the scores that an answer is held to.

Every score is computed here a second time, for all alphas, from a singular value decomposition
of the centred data (one a fold), which is slow and backward stable: neither X'X nor a
subtraction of moments enters.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, NamedTuple

import numpy as np
from objective import SQUARE_AND_LONG, RidgeRegression, as_finite, square_and_long
from scipy import linalg
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold


class Decomposition(NamedTuple):
    """Centred data: X = U diag(s) Vt without its null space, z = U'y, and what U leaves of y."""

    U: np.ndarray
    s: np.ndarray
    Vt: np.ndarray
    z: np.ndarray
    outside: np.ndarray  # (n,), y - U z
    free: np.ndarray  # (n,), squared distance of the unit vectors to U and the intercept


def decompose(X, y):
    """Decompose the centred data; singular values at rounding level belong to the null space."""
    n = len(y)
    U, s, Vt = linalg.svd(X - X.mean(axis=0), full_matrices=False)
    rank = np.count_nonzero(s > s[0] * max(X.shape) * np.finfo(float).eps)
    U, s, Vt = U[:, :rank], s[:rank], Vt[:rank]
    y = y - y.mean()
    z = U.T @ y
    if rank == n - 1:  # nothing is left: exact zeros, so that nothing cancels
        return Decomposition(U, s, Vt, z, np.zeros(n), np.zeros(n))
    return Decomposition(U, s, Vt, z, y - U @ z, 1 - 1 / n - np.sum(U**2, axis=1))


@dataclass(frozen=True)
class Selection:
    """Choose the alpha of min over w, b of ||y - X w - b||^2 + alpha |w|^2 from a grid."""

    X: np.ndarray
    y: np.ndarray
    alphas: np.ndarray

    measure: ClassVar[str] = "score error"
    target: ClassVar[float] = 1e-8
    memory_terms: ClassVar[str] = SQUARE_AND_LONG

    @property
    def one_fit(self):
        """What the choice is compared with in time: a fit at one alpha, known beforehand."""
        return RidgeRegression(self.X, self.y, 1.0)

    def memory_bound(self, answer):
        return square_and_long(self.X)

    def position(self, alphas):
        """Return where the answer's alphas stand in the grid; a last digit may have been lost."""
        alphas = np.asarray(alphas, np.float64)
        nearest = np.argmin(np.abs(self.alphas - alphas[..., None]), axis=-1)
        if not np.allclose(self.alphas[nearest], alphas, rtol=1e-9, atol=0):
            raise ValueError(f"the answer's alpha = {alphas} is not in the grid")
        return nearest

    def certificate(self, answer):
        """Return the largest relative error of an answer (alpha, its score, coef, intercept).

        Of the score, of the choice, and of the fit at that alpha, as a single fit is judged.
        """
        alpha, score, *fit = answer
        chosen = self.position(as_finite(alpha, ()))
        score, right = as_finite(score, ()), self.scores[chosen]
        return float(
            max(abs(score / right - 1), right / self.scores.min() - 1, self.error(alpha, fit))
        )

    def error(self, alpha, fit):
        """The error of (coef, intercept) at alpha, as a single fit is judged."""
        return RidgeRegression(self.X, self.y, alpha).certificate(fit)


class LeaveOneOut(Selection):
    """By the mean squared error of predicting each sample from all the others."""

    @cached_property
    def scores(self):
        """Mean over samples of (residual / (1 - leverage))^2, for each alpha."""
        part = decompose(self.X, self.y)
        psi = self.alphas / (part.s[:, None] ** 2 + self.alphas)
        residuals = part.outside[:, None] + part.U @ (part.z[:, None] * psi)
        return np.mean((residuals / (part.free[:, None] + part.U**2 @ psi)) ** 2, axis=0)


class GeneralizedCrossValidation(Selection):
    """By n ||residual||^2 / (n - degrees of freedom)^2 (Golub, Heath and Wahba, 1979)."""

    @cached_property
    def scores(self):
        part, n = decompose(self.X, self.y), len(self.y)
        psi = self.alphas / (part.s[:, None] ** 2 + self.alphas)
        residual2 = part.outside @ part.outside + np.sum((part.z[:, None] * psi) ** 2, axis=0)
        return n * residual2 / (n - 1 - len(part.s) + psi.sum(axis=0)) ** 2


class CrossValidation(Selection):
    """By R^2 on each of five folds in turn.

    An answer is (alphas, mean over folds of each), with (alpha, coef, intercept) of those
    contestants that fit all the data at last.
    """

    cv: ClassVar[KFold] = KFold(5)

    @cached_property
    def scores(self):
        """Mean R^2 for each alpha, every training part decomposed on its own."""
        total = np.zeros(len(self.alphas))
        for train, test in self.cv.split(self.X):
            X, y = self.X[train], self.y[train]
            part = decompose(X, y)
            weights = part.s[:, None] / (part.s[:, None] ** 2 + self.alphas)
            coefs = part.Vt.T @ (part.z[:, None] * weights)
            fits = (self.X[test] - X.mean(axis=0)) @ coefs + y.mean()
            truth = np.broadcast_to(self.y[test, None], fits.shape)
            total += r2_score(truth, fits, multioutput="raw_values")
        return total / self.cv.get_n_splits()

    def certificate(self, answer):
        """Return the largest error of any score, R^2 being a number without a unit; of the fit."""
        where = self.position(answer[0])
        worst = float(np.max(np.abs(as_finite(answer[1], where.shape) - self.scores[where])))
        if len(answer) == 2:
            return worst
        alpha, *fit = answer[2:]
        missed = self.scores.max() - self.scores[self.position(alpha)]
        return max(worst, float(missed), self.error(alpha, fit))
