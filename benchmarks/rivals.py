"""One small class a contestant. To add a rival, write one; it is entered by its existence.

What all share, and the contestants of sparse regression; ridge's are in ridges.py, the
perceptrons' in networks.py.

`load` brings the data into the form that a library likes best (memory order, dtype), outside the
timing. `solve` is what is timed. `answer` reads off what the certificate needs. A library that
is not installed is named in the output, with the way to get it.
"""

import importlib
import os
import warnings
from contextlib import contextmanager

import numpy as np
from objective import SparseRegression
from scipy import sparse
from threadpoolctl import ThreadpoolController

CONTESTANTS = []


class Contestant:
    """What the race asks of everybody."""

    job = name = module = package = None
    solves = object  # the kind of problem; those of another kind it is not asked about
    get = None  # how to install it, where that isn't `pip install package`
    ours = False
    processes = False  # its threads are processes of their own
    reference = False  # runs `problem.one_fit` beside the others, and is not ranked
    times = 1.0  # the job is so many times what is run; `remark` says why
    remark = ""
    slow_first_run = False
    order = "F"
    dtype = np.float64

    def __init_subclass__(cls):
        if "name" in vars(cls):
            CONTESTANTS.append(cls)

    def __init__(self):
        with warnings.catch_warnings(), kept_affinity():
            # What a rival deprecates on import is not our business.
            warnings.simplefilter("ignore")
            self.lib = importlib.import_module(self.module)

    def refuses(self, problem):
        """Return why this contestant takes no part in a problem, or ''."""
        return ""

    def tolerances(self, target):
        """Tolerances to try, loosest first, until the target is reached."""
        return [None]

    def load(self, problem):
        """Convert the data; called once, outside the timing."""
        X = problem.X
        if not sparse.issparse(X):
            X = np.require(X, self.dtype, [self.order])
        self.X, self.y, self.problem = X, np.ascontiguousarray(problem.y), problem
        self.pools = ThreadpoolController()

    def threads(self, count):
        """Return a context in which at most `count` threads run."""
        return self.pools.limit(limits=count)

    def answer(self, model):
        return model


@contextmanager
def kept_affinity():
    """Undo what some libraries do on import: pin the process, and so everybody, to one core."""
    if not hasattr(os, "sched_getaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


# Sparse regression -----------------------------------------------------------------------------


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


class SkregLassoGram(SkregLasso):
    name = "skreg, Gram"
    options = {"precompute": True}

    def refuses(self, problem):
        return too_wide_for_gram(problem)


class ScikitLearnLasso(ScikitLearnAPI):
    name, module, package = "scikit-learn", "sklearn.linear_model", "scikit-learn"
    options = {"copy_X": False}

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
            precompute=self.options.get("precompute", False),
            copy_X=False,
        )[1]


class ScikitLearnLassoGram(ScikitLearnLasso):
    name = "scikit-learn, Gram"
    options = {"copy_X": False, "precompute": True}

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


def too_wide_for_gram(problem, widest=5_000):
    """A p x p matrix pays, and fits into memory, for moderate p only."""
    if sparse.issparse(problem.X):
        return "dense data only"
    return "" if problem.X.shape[1] <= widest else f"more than {widest:,} columns"
