"""Ridge to the last digit: the cheapest factorization whose answer can be certified."""

import numpy as np
from scipy import sparse

from skreg._solvers import normal_equations
from skreg._solvers.certificate import Solution, relative_residual, rounding_limit
from skreg._solvers.factorization import decompose
from skreg._solvers.iterative import conjugate_gradients, lsqr

GRAM_SIZE = 2000  # rows of X'X or XX' that sparse data may give: 32 MB in float64
DENSE_SIZE = 2**22  # entries of a sparse X that may become dense for its singular values: 32 MB
GRAM_WORK = 200  # its cost in products with X: more, and conjugate gradients are cheaper
CLOSE = 1e-10  # relative residual of conjugate gradients that stand for a direct solution
BLAS3_GAIN = 16  # multiply-adds of a dense factorization that take as long as one of a sparse sum


def singular_values(design, alpha):
    """Solve by singular values of X, made dense."""
    spectrum = decompose(design, alpha.min(), exact=True)
    W = spectrum.coef(alpha[None])[0].astype(design.X.dtype, copy=False)
    residual = float(relative_residual(design, alpha, W.T).max())
    n_iter, factors = np.ones(len(W), np.int32), spectrum.factors(alpha[None])[0][0]
    return Solution(W, "svd", residual, n_iter, rank=spectrum.rank, factors=factors)


def direct(design, alpha, *, gram=None):
    """Normal equations where they are harmless, else singular values (large sparse: tight LSQR).

    float32 data get a second chance in float64, which costs less than their singular values.
    """
    solution = normal_equations.solve(design, alpha, gram)
    if solution is None and design.X.dtype == np.float32 and not design.deferred:
        solution = normal_equations.solve(design.double(), alpha)
    if solution is not None:
        return solution._replace(coef=solution.coef.astype(design.X.dtype, copy=False))
    if not sparse.issparse(design.X) or np.prod(design.X.shape) <= DENSE_SIZE:
        return singular_values(design, alpha)
    patience = max(1000, 20 * min(design.X.shape))  # rounding delays LSQR beyond min(n, p)
    return lsqr(design, alpha, tol=rounding_limit(design.X, 100), max_iter=patience)


def automatic(design, alpha, *, tol, max_iter=None, gram=None):
    """`direct`, but conjugate gradients to the given tolerance where X is sparse and large."""
    if sparse.issparse(design.X) and not has_cheap_gram(design.X):
        return conjugate_gradients(design, alpha, tol=tol, max_iter=max_iter)
    return direct(design, alpha, gram=gram)


def closely(design, alpha, *, gram=None):
    """`direct`, but conjugate gradients to nine digits where X is sparse and large."""
    if gram is None:
        solution = automatic(design, alpha, tol=CLOSE)
        if solution.converged:
            return solution
    return direct(design, alpha, gram=gram)


def has_cheap_gram(X):
    """Whether the smaller Gram matrix of a sparse X fits in memory and pays for itself."""
    rows, columns = X.shape
    if min(rows, columns) > GRAM_SIZE:
        return False
    # X'X takes the sum of squares of the entries in each row, XX' of those in each column.
    axis = 0 if rows <= columns else 1
    entries = X.count_nonzero(axis=axis).astype(float)
    work = entries @ entries + min(rows, columns) ** 3 / 3 / BLAS3_GAIN
    return work <= GRAM_WORK * (entries.sum() + GRAM_SIZE)
