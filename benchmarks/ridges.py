"""The contestants of ridge regression: single fits, and the choice of alpha; see rivals.py."""

import importlib
from contextlib import contextmanager

import numpy as np
from joblib import Parallel, delayed
from objective import RidgeRegression
from rivals import Contestant, too_wide_for_gram
from scipy import linalg
from selection import CrossValidation, GeneralizedCrossValidation, LeaveOneOut, Selection

BY_HAND = "NumPy + SciPy, by hand"

# Single fits -----------------------------------------------------------------------------------


class RidgeContestant(Contestant):
    job, solves = "ridge", RidgeRegression

    def solve(self, tol):
        return self.lib.Ridge(alpha=self.problem.alpha).fit(self.X, self.y)

    def answer(self, model):
        return model.coef_, model.intercept_


class SkregRidge(RidgeContestant):
    name, module, package, ours = "skreg", "skreg", "skreg", True
    get = "pip install -e ."


class ScikitLearnRidge(RidgeContestant):
    name, module, package = "scikit-learn", "sklearn.linear_model", "scikit-learn"


class IntelRidge(RidgeContestant):
    name, module, package = (
        "scikit-learn-intelex",
        "sklearnex.linear_model",
        "scikit-learn-intelex",
    )
    order = "C"

    def refuses(self, problem):
        # It forms a p x p matrix for wide data too: minutes at 20,000 columns.
        return too_wide_for_gram(problem)


class Himalaya(RidgeContestant):
    """The SVD for tall data, the kernel form for wide ones."""

    name = package = "himalaya"
    module = "himalaya.ridge"

    def solve(self, tol):
        n, p = self.X.shape
        if n >= p:
            return self.lib.Ridge(alpha=self.problem.alpha, fit_intercept=True).fit(self.X, self.y)
        kernel = importlib.import_module("himalaya.kernel_ridge")
        model = kernel.KernelRidge(alpha=self.problem.alpha, fit_intercept=True)
        model.fit(self.X, self.y)
        model.coef_ = model.get_primal_coef(self.X)
        return model


class SciPyRidge(RidgeContestant):
    """What one would write by hand: centre, one Gram matrix, one Cholesky factorization."""

    name, module, package = BY_HAND, "scipy", "scipy"

    def solve(self, tol):
        X, y, mean, y_mean = centred(self.X, self.y)
        wide = X.shape[1] > X.shape[0]
        gram = X @ X.T if wide else X.T @ X
        gram.flat[:: len(gram) + 1] += self.problem.alpha
        factor = linalg.cho_factor(gram, overwrite_a=True, check_finite=False)
        solution = linalg.cho_solve(factor, y if wide else X.T @ y, check_finite=False)
        coef = X.T @ solution if wide else solution
        return coef, y_mean - mean @ coef

    def answer(self, model):
        return model


def centred(X, y):
    """Return the centred data and what was taken off."""
    mean, y_mean = X.mean(axis=0), y.mean()
    return X - mean, y - y_mean, mean, y_mean


class SkregOneFit(SkregRidge):
    """Our own single fit beside every choice of alpha: what factoring once should cost."""

    name, solves, reference = "skreg, one fit", Selection, True


# Leave-one-out ---------------------------------------------------------------------------------


class SkregLeaveOneOut(SkregRidge):
    name, solves = "skreg", LeaveOneOut
    options = {}

    def solve(self, tol):
        return self.lib.RidgeCV(self.problem.alphas, **self.options).fit(self.X, self.y)

    def answer(self, model):
        return model.alpha_, -model.best_score_, model.coef_, model.intercept_


class ScikitLearnLeaveOneOut(SkregLeaveOneOut):
    """Its default: eigenvectors of X'X or XX', whichever is smaller."""

    name, module, package = ScikitLearnRidge.name, ScikitLearnRidge.module, "scikit-learn"
    ours, get = False, None


class ScikitLearnLeaveOneOutSVD(ScikitLearnLeaveOneOut):
    name = 'scikit-learn, gcv_mode="svd"'
    options = {"gcv_mode": "svd"}


class ByHand(SciPyRidge):
    """What one would write by hand: one eigendecomposition, then all alphas at once."""

    def solve(self, tol):
        X, y, mean, y_mean = centred(self.X, self.y)
        wide = X.shape[1] >= X.shape[0]
        gram = X @ X.T if wide else X.T @ X
        s2, Q = linalg.eigh(gram, overwrite_a=True, check_finite=False)
        if wide:  # centred rows add up to zero
            s2, Q = s2[1:], Q[:, 1:]
        scores = (self.wide_scores if wide else self.tall_scores)(X, y, s2, Q)
        best = np.argmin(scores)
        alpha = self.problem.alphas[best]
        coef = Q @ (Q.T @ (y if wide else X.T @ y) / (s2 + alpha))
        if wide:
            coef = X.T @ coef
        return alpha, scores[best], coef, y_mean - mean @ coef

    def answer(self, model):
        return model


class LeaveOneOutByHand(ByHand):
    name, solves = BY_HAND, LeaveOneOut

    def wide_scores(self, X, y, s2, U):
        psi = self.problem.alphas / (s2[:, None] + self.problem.alphas)
        errors = U @ ((U.T @ y)[:, None] * psi) / (U**2 @ psi)
        return np.mean(errors**2, axis=0)

    def tall_scores(self, X, y, s2, V):
        inverse = 1 / (s2[:, None] + self.problem.alphas)
        XV = X @ V
        residuals = y[:, None] - XV @ ((XV.T @ y)[:, None] * inverse)
        return np.mean((residuals / (1 - 1 / len(y) - XV**2 @ inverse)) ** 2, axis=0)


# Generalized cross-validation ------------------------------------------------------------------


class SkregGCV(SkregLeaveOneOut):
    name, solves = "skreg", GeneralizedCrossValidation
    options = {"rule": "gcv"}


class GCVByHand(ByHand):
    """What no other library has: leave-one-out is what scikit-learn calls by this name."""

    name, solves = BY_HAND, GeneralizedCrossValidation

    def wide_scores(self, X, y, s2, U):
        return self.scores(y, s2, (U.T @ y) ** 2, 0.0)

    def tall_scores(self, X, y, s2, V):
        z2 = (V.T @ (X.T @ y)) ** 2 / s2
        return self.scores(y, s2, z2, y @ y - z2.sum())

    def scores(self, y, s2, z2, outside2):
        psi = self.problem.alphas / (s2[:, None] + self.problem.alphas)
        freedom = len(y) - 1 - len(s2) + psi.sum(axis=0)
        return len(y) * (z2 @ psi**2 + outside2) / freedom**2


# K-fold cross-validation -----------------------------------------------------------------------


class SkregCrossValidation(SkregRidge):
    name, solves = "skreg", CrossValidation

    def solve(self, tol):
        model = self.lib.RidgeCV(self.problem.alphas, cv=self.problem.cv)
        return model.fit(self.X, self.y)

    def answer(self, model):
        scores = model.cv_results_["alpha"], model.cv_results_["mean_test_score"]
        return *scores, model.alpha_, model.coef_, model.intercept_


class ScikitLearnGridSearch(RidgeContestant):
    """`GridSearchCV(Ridge)`, a fit an alpha and fold; also what `RidgeCV(cv=...)` does.

    All alphas would take minutes. As each takes as long as any other, a few stand for all; the
    last fit on all the data is left out. Its threads are processes: that is faster than threads
    inside each fit.
    """

    name, module, package = (
        "scikit-learn, GridSearchCV, scaled",
        "sklearn.model_selection",
        "scikit-learn",
    )
    solves = CrossValidation
    processes = True
    n_jobs, n_timed = 1, 4

    @contextmanager
    def threads(self, count):
        self.n_jobs = count
        if count > 1:  # start the processes, if they don't run, before the clock does
            Parallel(count)(delayed(importlib.import_module)(self.module) for _ in range(count))
        with super().threads(1):
            yield

    def load(self, problem):
        super().load(problem)
        n_alphas = len(problem.alphas)
        self.few = problem.alphas[np.linspace(0, n_alphas - 1, self.n_timed).round().astype(int)]
        self.times = n_alphas / self.n_timed
        self.remark = f"{self.n_timed} of {n_alphas} alphas timed, seconds times {self.times:g}"

    def solve(self, tol):
        ridge = importlib.import_module("sklearn.linear_model").Ridge()
        search = self.lib.GridSearchCV(
            ridge,
            {"alpha": self.few},
            cv=self.problem.cv,
            refit=False,
            error_score="raise",
            n_jobs=self.n_jobs,
        )
        return search.fit(self.X, self.y)

    def answer(self, model):
        return self.few, model.cv_results_["mean_test_score"]


class HimalayaCrossValidation(Himalaya):
    """The kernel of wide data, and for others a matrix of test by training samples an alpha."""

    name, solves = "himalaya", CrossValidation
    most_samples = 3_000

    def refuses(self, problem):
        n, p = problem.X.shape
        if p > n or n <= self.most_samples:
            return ""
        return f"a {n // 5:,} x {n - n // 5:,} matrix for each alpha and fold"

    def solve(self, tol):
        n, p = self.X.shape
        score = importlib.import_module("himalaya.scoring").r2_score
        options = {"alphas": self.problem.alphas, "cv": self.problem.cv, "fit_intercept": True}
        if n >= p:
            # As many alphas at a time as their matrices take 1 GiB.
            params = {"score_func": score, "n_alphas_batch": max(1, 2**27 // (n * max(n, p)))}
            return self.lib.RidgeCV(**options, solver_params=params).fit(self.X, self.y)
        kernel = importlib.import_module("himalaya.kernel_ridge")
        model = kernel.KernelRidgeCV(**options, solver_params={"score_func": score})
        model.fit(self.X, self.y)
        model.coef_ = model.get_primal_coef(self.X)
        return model

    def answer(self, model):
        """It keeps the best alpha's score only."""
        return model.best_alphas_, model.cv_scores_
