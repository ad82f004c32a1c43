"""Every ridge solver under its name.

All minimize ||y - Xw||^2 + alpha ||w||^2 over w, for each column of y with its own alpha, on
centred data, and return a `Solution`.
"""

from functools import partial

import numpy as np
from scipy import sparse

from skreg._solvers.direct import automatic, direct, singular_values
from skreg._solvers.iterative import conjugate_gradients, lsqr
from skreg._solvers.nonnegative import nonnegative
from skreg._solvers.scaling import in_range
from skreg._solvers.stochastic import stochastic_gradients
from skreg._solvers.threads import blas_threads, one_blas_thread

DIRECT = {"svd": singular_values, "cholesky": direct}
ITERATIVE = {
    "auto": automatic,
    "sparse_cg": conjugate_gradients,
    "lsqr": lsqr,
    "lbfgs": nonnegative,
    "sag": stochastic_gradients,
    "saga": partial(stochastic_gradients, saga=True),
}
RANDOM = ("sag", "saga")


def solve(design, alpha, solver="auto", *, tol=1e-4, max_iter=None, seed=0, overwrite=False):
    """Solve by name; alpha of shape (n_targets,). "lbfgs" keeps the coefficients >= 0.

    `overwrite` lets a solver that needs a centred X centre it in place.
    """
    if solver == "auto" and not sparse.issparse(design.X):
        solver = "cholesky"
    # Dense direct solvers look after the range of X themselves, without a pass over it.
    scale_X = solver not in DIRECT or sparse.issparse(design.X)
    design, c, d = in_range(design, alpha=alpha.max(), scale_X=scale_X)
    if solver not in DIRECT:
        design = design.explicit(overwrite=overwrite)
    alpha = alpha / c / c
    options = {"seed": seed} if solver in RANDOM else {}
    if solver not in DIRECT:
        options |= {"tol": tol, "max_iter": max_iter}
    n, p = design.X.shape
    direct = solver in DIRECT and not sparse.issparse(design.X)
    with one_blas_thread() if direct else blas_threads(n * p * min(n, p)):
        solution = (DIRECT | ITERATIVE)[solver](design, alpha, **options)
    with np.errstate(over="ignore", invalid="ignore"):  # for the caller to see
        coef = (solution.coef * (d / c)[:, None]).astype(design.X.dtype, copy=False)
    return solution._replace(coef=np.ascontiguousarray(coef))
