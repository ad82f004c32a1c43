"""The choice of a lasso's alpha by cross-validation, and what an answer is held to."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from objective import SparseRegression, as_finite
from sklearn.model_selection import KFold

import skreg


@dataclass(frozen=True)
class LassoCrossValidation:
    """Choose the alpha of a lasso with an intercept by its mean squared error on five folds.

    One answer is (alphas, mean squared error of each, chosen alpha, coef, intercept), the errors
    being means over the folds, which all have one size.
    """

    X: np.ndarray
    y: np.ndarray
    alphas: np.ndarray  # decreasing

    measure: ClassVar[str] = "error"
    target: ClassVar[float] = 1e-3
    rival_target: ClassVar[float] = 1e-1  # what each of them reaches at its default tolerance
    # The folds that python-glmnet draws, which can't be told others.
    seed: ClassVar[int] = 0
    cv: ClassVar[KFold] = KFold(5, shuffle=True, random_state=seed)
    reference_gap: ClassVar[float] = 1e-9

    def regression(self, rows=slice(None)):
        """The regression on some rows, X and y being centred."""
        X, y = self.X[rows], self.y[rows]
        X = np.asfortranarray(X - X.mean(axis=0))
        return SparseRegression(X, y - y.mean(), self.alphas)

    @cached_property
    def curve(self):
        """Mean over the folds of the mean squared errors, (n_alphas,).

        Whoever solves these problems: the duality gaps, which are computed here, have to be a
        thousandth of the target's.
        """
        total = np.zeros(len(self.alphas))
        for train, test in self.cv.split(self.X):
            problem = self.regression(train)
            coefs = skreg.lasso_path(problem.X, problem.y, alphas=self.alphas, tol=1e-12)[1]
            if (gap := problem.certificate(coefs)) > self.reference_gap:
                raise ArithmeticError(f"the gap of the reference is {gap:.1e}: it can't judge")
            truth = self.y[test] - self.y[train].mean()
            total += np.mean(
                (truth[:, None] - (self.X[test] - self.X[train].mean(axis=0)) @ coefs) ** 2, axis=0
            )
        return total / self.cv.get_n_splits()

    def certificate(self, answer):
        """Return the largest error of an answer: of the curve, of the choice, of the fit.

        Relative errors of each mean squared error, and of the chosen one to the smallest. The
        fit's is the root of its relative duality gap g, since sqrt(g) ||y|| bounds what its
        predictions are off: 1e-3 stands for a gap of 1e-6.
        """
        alphas, curve, alpha, coef, intercept = answer
        if not np.allclose(alphas, self.alphas, rtol=1e-9, atol=0):
            raise ValueError("the answer's alphas are not those of the problem")
        of_curve = np.max(np.abs(as_finite(curve, self.alphas.shape) / self.curve - 1))
        chosen = np.argmin(np.abs(self.alphas - as_finite(alpha, ())))
        if not np.isclose(self.alphas[chosen], alpha, rtol=1e-9, atol=0):
            raise ValueError(f"the answer's alpha = {alpha} is not in the grid")
        of_choice = self.curve[chosen] / self.curve.min() - 1
        whole = self.regression()
        fit = SparseRegression(whole.X, whole.y, self.alphas[[chosen]])
        gap = fit.certificate(as_finite(coef, self.X.shape[1:])[:, None])
        # The intercept's own equation: residuals of mean zero.
        shift = abs(np.mean(self.y - self.X @ coef) - as_finite(intercept, ())) / self.y.std()
        return float(max(of_curve, of_choice, np.sqrt(gap), shift))
