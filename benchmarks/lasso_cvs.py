"""The contestants of choosing a lasso's alpha by cross-validation; see rivals.py.

celer's LassoCV doesn't start beside scikit-learn 1.9, and skglm's solves alpha by alpha from
Python, so neither takes part.
"""

import numpy as np
from folds import LassoCrossValidation
from rivals import Contestant, too_wide_for_gram


class CrossValidated(Contestant):
    """Folds are its jobs, each of them on one thread of BLAS."""

    job, solves = "lasso-cv", LassoCrossValidation
    default_tolerance = 1e-4
    n_jobs = 1

    def tolerances(self, target):
        return [self.default_tolerance * 10.0**-k for k in range(14)]

    def threads(self, count):
        self.n_jobs = count
        return super().threads(1)


class ScikitLearnLassoCV(CrossValidated):
    name, module, package = "scikit-learn, residuals", "sklearn.linear_model", "scikit-learn"
    options = {"precompute": False}

    def is_default(self, problem):
        n, p = problem.X.shape
        return self.options["precompute"] == (n > p)

    def solve(self, tol):
        return self.lib.LassoCV(
            alphas=self.problem.alphas,
            cv=self.problem.cv,
            tol=tol,
            max_iter=100_000,
            n_jobs=self.n_jobs,
            **self.options,
        ).fit(self.X, self.y)

    def answer(self, model):
        curve = model.mse_path_.mean(axis=1)
        return model.alphas_, curve, model.alpha_, model.coef_, model.intercept_


class ScikitLearnLassoCVGram(ScikitLearnLassoCV):
    name = "scikit-learn, Gram"
    options = {"precompute": True}

    def refuses(self, problem):
        return too_wide_for_gram(problem)


class SkregLassoCV(ScikitLearnLassoCV):
    name, module, package, ours = "skreg", "skreg", "skreg", True
    get = "pip install -e ."
    options = {}

    def is_default(self, problem):
        return False

    def threads(self, count):
        self.n_jobs = count
        return self.pools.limit(limits=count)


class PythonGlmnetCV(CrossValidated):
    """The original Fortran core, the folds in Python."""

    name, module, package = "glmnet (Fortran)", "glmnet", "python-glmnet"
    default_tolerance = 1e-7

    def solve(self, tol):
        return self.lib.ElasticNet(
            alpha=1,
            lambda_path=self.problem.alphas,
            standardize=False,
            n_splits=self.problem.cv.n_splits,
            scoring="mean_squared_error",
            cut_point=0.0,
            n_jobs=self.n_jobs,
            tol=tol,
            max_iter=10_000_000,
            random_state=self.problem.seed,
        ).fit(self.X, self.y)

    def answer(self, model):
        best = model.lambda_best_[0]
        return model.lambda_path_, -model.cv_mean_score_, best, model.coef_, model.intercept_


class GlmnetRsCV(CrossValidated):
    """The C++ core of later releases, in Rust."""

    name, module, package = "glmnet (Rust)", "glmnetrs", "glmnet-rs"
    order = "C"
    default_tolerance = 1e-7

    def load(self, problem):
        super().load(problem)
        self.folds = np.empty(len(self.y), dtype=int)
        for k, (_, test) in enumerate(problem.cv.split(self.X)):
            self.folds[test] = k

    def solve(self, tol):
        return self.lib.cv_glmnet(
            self.X,
            self.y,
            foldid=self.folds,
            lambda_=self.problem.alphas,
            standardize=False,
            thresh=tol,
            maxit=10_000_000,
        )

    def answer(self, model):
        intercept, *coef = model.coef(s="lambda.min")[:, 0]
        return model.lambda_, model.cvm, model.lambda_min, coef, intercept


class AdelieCV(CrossValidated):
    """It draws its grid and folds itself: the same ones, as this grid starts at its largest alpha.

    Its loss lacks the mean square of y.
    """

    name = module = package = "adelie"
    get = "pip install --no-deps adelie && pip install 'ipython<9' (it declares NumPy 1)"
    default_tolerance = 1e-7

    def threads(self, count):
        self.n_jobs = count
        return self.pools.limit(limits=count)

    def solve(self, tol):
        alphas, glm = self.problem.alphas, self.lib.glm.gaussian(y=self.y)
        result = self.lib.cv_grpnet(
            X=self.X,
            glm=glm,
            seed=self.problem.seed,
            n_folds=self.problem.cv.n_splits,
            min_ratio=alphas[-1] / alphas[0],
            lmda_path_size=len(alphas),
            n_threads=self.n_jobs,
            tol=tol,
            progress_bar=False,
        )
        fit = self.lib.grpnet(
            X=self.X,
            glm=glm,
            lmda_path=alphas[: result.best_idx + 1],
            tol=tol,
            early_exit=False,
            n_threads=self.n_jobs,
            progress_bar=False,
        )
        return result, fit

    def answer(self, model):
        result, fit = model
        curve = 2 * result.avg_losses + np.mean(self.y**2)
        coef = fit.betas[-1].toarray().ravel()
        return result.lmdas, curve, result.lmdas[result.best_idx], coef, fit.intercepts[-1]
