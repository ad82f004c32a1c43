"""What all contestants share: a small class each, entered by its existence.

Those of sparse regression are in lassos.py, its cross-validation's in lasso_cvs.py, ridge's in
ridges.py, the perceptrons' in networks.py.

`load` brings the data into the form that a library likes best (memory order, dtype), outside the
timing. `solve` is what is timed. `answer` reads off what the certificate needs. A library that
is not installed is named in the output, with the way to get it.
"""

import importlib
import os
import warnings
from contextlib import contextmanager

import numpy as np
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

    def is_default(self, problem):
        """Whether this is what scikit-learn does unless told otherwise."""
        return False

    def tolerances(self, target):
        """Tolerances to try, loosest first, until the target is reached."""
        return [None]

    def thread_counts(self, cores):
        """Counts of threads to try; the fastest is kept."""
        return sorted({1, cores})

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


def too_wide_for_gram(problem, widest=5_000):
    """A p x p matrix pays, and fits into memory, for moderate p only."""
    if sparse.issparse(problem.X):
        return "dense data only"
    return "" if problem.X.shape[1] <= widest else f"more than {widest:,} columns"
