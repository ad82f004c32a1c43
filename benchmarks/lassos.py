"""The contestants of sparse regression: single fits, and paths of alphas; see rivals.py."""

import importlib

import numpy as np
from objective import SparseRegression
from rivals import Contestant, too_wide_for_gram
from scipy import sparse


class SparseContestant(Contestant):
    job, solves = "lasso", SparseRegression
    first_tolerance = 1e3  # in units of the target

    def tolerances(self, target):
        """Decades, as most stopping rules say little about the gap."""
        return [self.first_tolerance * target * 10.0**-k for k in range(14)]


class StopsOnGap(SparseContestant):
    """Stops at a gap of tol ||y||^2 / n, which is a relative gap of 2 tol.

    Its own dual point may be better than the one that the certificate can form from the
    coefficients, so that a tighter tolerance is needed all the same.
    """

    first_tolerance = 0.5


class PathSolver(SparseContestant):
    """Made for paths: a single fit goes down to its alpha in five steps, which is faster.

    Its tolerance is on the change of the objective, far below the gap.
    """

    first_tolerance = 1e-2

    def load(self, problem):
        super().load(problem)
        self.alphas = problem.alphas
        if len(self.alphas) == 1:
            alpha_max = np.max(np.abs(problem.X.T @ problem.y)) / len(problem.y)
            alpha_max /= problem.l1_ratio
            self.alphas = np.geomspace(alpha_max, self.alphas[0], 6)[1:]

    def answer(self, model):
        return model[:, -len(self.problem.alphas) :]


class ScikitLearnAPI(StopsOnGap):
    """`Lasso` and `ElasticNet`, or whatever library speaks like scikit-learn's."""

    options = {}
    warm_start = True

    def estimator(self, alpha, tol):
        options = {"fit_intercept": False, "tol": tol, "max_iter": 100_000, **self.options}
        if self.problem.l1_ratio == 1.0:
            return self.lib.Lasso(alpha=alpha, **options)
        return self.lib.ElasticNet(alpha=alpha, l1_ratio=self.problem.l1_ratio, **options)

    def solve(self, tol):
        """Fit alpha after alpha, each from the last one's coefficients where that works."""
        alphas = self.problem.alphas
        model = self.estimator(alphas[0], tol).set_params(
            warm_start=self.warm_start and len(alphas) > 1
        )
        # A copy, as a warm start may reuse the array.
        coefs = [model.set_params(alpha=a).fit(self.X, self.y).coef_.copy() for a in alphas]
        return np.transpose(coefs)


class SkregLasso(ScikitLearnAPI):
    name, module, package, ours = "skreg", "skreg", "skreg", True
    get = "pip install -e ."
    first_tolerance = 1.0  # descent aims at half of tol, Newton's method at rounding

    def solve(self, tol):
        if len(self.problem.alphas) == 1:
            return super().solve(tol)
        return self.lib.enet_path(
            self.X,
            self.y,
            l1_ratio=self.problem.l1_ratio,
            alphas=self.problem.alphas,
            tol=tol,
            max_iter=100_000,
        )[1]


class ScikitLearnLasso(ScikitLearnAPI):
    name, module, package = "scikit-learn", "sklearn.linear_model", "scikit-learn"
    options = {"copy_X": False}
    precompute = False

    def is_default(self, problem):
        """Its paths take the Gram matrix of tall, dense data; its single fits never do."""
        tall = problem.X.shape[0] > problem.X.shape[1] and not sparse.issparse(problem.X)
        return self.precompute == (tall and len(problem.alphas) > 1)

    def solve(self, tol):
        if len(self.problem.alphas) == 1:
            return super().solve(tol)
        return self.lib.enet_path(
            self.X,
            self.y,
            l1_ratio=self.problem.l1_ratio,
            alphas=self.problem.alphas,
            tol=tol,
            max_iter=100_000,
            precompute=self.precompute,
            copy_X=False,
        )[1]


class ScikitLearnLassoGram(ScikitLearnLasso):
    name = "scikit-learn, Gram"
    options = {"copy_X": False, "precompute": True}
    precompute = True

    def refuses(self, problem):
        return too_wide_for_gram(problem)


class IntelLasso(ScikitLearnAPI):
    name, module, package = (
        "scikit-learn-intelex",
        "daal4py.sklearn.linear_model",
        "scikit-learn-intelex",
    )
    options = {"copy_X": False}
    first_tolerance = SparseContestant.first_tolerance
    warm_start = False  # it stays at the zeros of alpha_max

    def refuses(self, problem):
        return "dense data only" if sparse.issparse(problem.X) else too_wide_for_gram(problem)


class Celer(StopsOnGap):
    name = module = package = "celer"

    def solve(self, tol):
        alphas, l1_ratio = self.problem.alphas, self.problem.l1_ratio
        return self.lib.celer_path(
            self.X, self.y, "lasso", alphas=alphas, l1_ratio=l1_ratio, tol=tol, max_iter=200
        )[1]


class Skglm(SparseContestant):
    name = module = package = "skglm"
    slow_first_run = True

    def solve(self, tol):
        model = self.lib.ElasticNet(
            l1_ratio=self.problem.l1_ratio, tol=tol, fit_intercept=False, max_iter=200
        )
        return model.path(self.X, self.y, self.problem.alphas)[1]


class SkglmGram(Skglm):
    """Its solver for tall data. It forms the Gram matrix anew for each alpha."""

    name = "skglm, Gram"
    module = "skglm.solvers"

    def refuses(self, problem):
        if len(problem.alphas) > 1:
            return "a Gram matrix for each alpha"
        return too_wide_for_gram(problem)

    def load(self, problem):
        super().load(problem)
        penalties = importlib.import_module("skglm.penalties")
        self.penalty = penalties.L1_plus_L2(problem.alphas[0], problem.l1_ratio)

    def solve(self, tol):
        solver = self.lib.GramCD(max_iter=10_000, tol=tol, fit_intercept=False)
        return solver.solve(self.X, self.y, None, self.penalty)[0][:, None]


class PythonGlmnet(PathSolver):
    """The original Fortran core."""

    name, module, package = "glmnet (Fortran)", "glmnet", "python-glmnet"

    def solve(self, tol):
        model = self.lib.ElasticNet(
            alpha=self.problem.l1_ratio,
            lambda_path=self.alphas,
            standardize=False,
            fit_intercept=False,
            n_splits=0,
            tol=tol,
            max_iter=10_000_000,
        )
        return model.fit(self.X, self.y).coef_path_


class GlmnetRs(PathSolver):
    """The C++ core of later releases, in Rust."""

    name, module, package = "glmnet (Rust)", "glmnetrs", "glmnet-rs"
    order = "C"

    def solve(self, tol):
        return self.lib.glmnet(
            self.X,
            self.y,
            alpha=self.problem.l1_ratio,
            lambda_=self.alphas,
            standardize=False,
            intercept=False,
            thresh=tol,
            maxit=10_000_000,
        ).beta


class Adelie(PathSolver):
    name = module = package = "adelie"
    get = "pip install --no-deps adelie && pip install 'ipython<9' (it declares NumPy 1)"
    n_threads = 1

    def load(self, problem):
        super().load(problem)
        if sparse.issparse(self.X):
            self.X = sparse.csc_matrix(self.X)

    def threads(self, count):
        self.n_threads = count
        return super().threads(count)

    def solve(self, tol):
        kind = "sparse" if sparse.issparse(self.X) else "dense"
        matrix = getattr(self.lib.matrix, kind)(self.X, method="naive", n_threads=self.n_threads)
        return self.lib.grpnet(
            X=matrix,
            glm=self.lib.glm.gaussian(y=self.y),
            lmda_path=self.alphas,
            alpha=self.problem.l1_ratio,
            intercept=False,
            tol=tol,
            early_exit=False,
            progress_bar=False,
            n_threads=self.n_threads,
        )

    def answer(self, model):
        return super().answer(model.betas.toarray().T)


class AdelieGram(Adelie):
    """Its covariance method; the Gram matrix is formed within the timing, by BLAS."""

    name = "adelie, Gram"

    def refuses(self, problem):
        return too_wide_for_gram(problem)

    def solve(self, tol):
        n = len(self.y)
        gram = np.asfortranarray(self.X.T @ self.X / n)
        return self.lib.solver.gaussian_cov(
            A=self.lib.matrix.dense(gram, method="cov", n_threads=self.n_threads),
            v=self.X.T @ self.y / n,
            lmda_path=self.alphas,
            alpha=self.problem.l1_ratio,
            tol=tol,
            rdev_tol=0.0,
            early_exit=False,
            progress_bar=False,
            n_threads=self.n_threads,
        )
