"""Ridge by the normal equations, for as long as they are harmless.

For n >= p the coefficients solve (X'X + alpha I) w = X'y; for p > n they are X'c, where
(XX' + alpha I) c = y. One factorization of the smaller matrix serves all targets of equal alpha,
one eigendecomposition all alphas. The cost is n p min(n, p), a matrix product.

Forming the product squares the condition number. Three things make up for that:

- the matrix is brought to a unit diagonal by powers of two, so the units of the features do
  not count (van der Sluis, 1969);
- its condition is estimated, and a bad one declined;
- the solution is refined with the residual of the data themselves (the corrected seminormal
  equations; Bjorck, Numerical Methods for Least Squares Problems, 1996, section 6.6.5), and
  accepted only when the corrections shrink so fast that the next one is below rounding.
"""

from typing import NamedTuple

import numpy as np
from scipy import linalg, sparse
from scipy.linalg import lapack

from skreg._kernels.gram import add_gram
from skreg._solvers.certificate import Solution, column_norms, gradient

ROUNDS = 4  # of refinement; a good matrix needs one, a bad one is not helped by more


class Cholesky(NamedTuple):
    """A = D R'R D with D diagonal, which solves for one alpha."""

    R: np.ndarray
    scale: np.ndarray  # (m,), the inverse of D's diagonal

    def solve(self, B):
        scale = self.scale[:, None]
        potrs = lapack.get_lapack_funcs("potrs", (self.R,))
        return scale * potrs(self.R, scale * B)[0]


class Eigen(NamedTuple):
    """A = V diag(values) V' + alpha I, which solves for one alpha a column."""

    V: np.ndarray
    values: np.ndarray
    alpha: np.ndarray  # (n_targets,)

    def solve(self, B):
        shrunk = (self.V.T @ B) / (self.values[:, None] + self.alpha)
        return self.V @ shrunk.astype(B.dtype, copy=False)


def solve(design, alpha, gram=None):
    """Return the `Solution` for alpha (n_targets,), or None where digits would be lost.

    `gram`, the smaller of X'X and XX', spares its computation; it is overwritten.
    """
    wide = design.X.shape[0] < design.X.shape[1]
    with np.errstate(all="ignore"):  # overflow shows in the certificate
        factor = factorize(smaller_gram(design) if gram is None else gram, alpha)
        if factor is None:
            return None
        refined = (refine_wide if wide else refine_tall)(design, alpha, factor)
    if refined is None:
        return None
    W, residual, rounds = refined
    n_iter = np.full(W.shape[1], rounds, np.int32)
    return Solution(np.ascontiguousarray(W.T), "cholesky", residual, n_iter)


def smaller_gram(design):
    """X'X for n >= p, else XX', of the centred data; dense, even where X is sparse."""
    X = design.X
    wide = X.shape[0] < X.shape[1]
    if not sparse.issparse(X):
        return X @ X.T if wide else X.T @ X
    rows, m = (X.T if wide else X).tocsr(), min(X.shape)
    G = np.zeros((m, m))
    add_gram(rows.data, rows.indices, rows.indptr, G)
    G += np.triu(G, 1).T
    if design.X_mean.any():
        root = design.root_weight.astype(np.float64)
        if wide:  # centring is the projection I - uu', applied from both sides
            u = root / np.linalg.norm(root)
            v = G @ u
            v -= u * ((u @ v) / 2)
            G -= np.outer(u, v) + np.outer(v, u)
        else:
            mean = np.linalg.norm(root) * design.X_mean
            G -= np.outer(mean, mean)
    return G.astype(X.dtype, copy=False)


def factorize(G, alpha):
    """Factorize G + alpha I, overwriting G, or return None where it is nearly singular."""
    info = np.finfo(G.dtype)
    limit = info.eps ** (2 / 3)  # beyond, refinement contracts too slowly to be sure of it
    diagonal = G.diagonal() + alpha.min()
    if not (diagonal.min() > info.tiny / info.eps and diagonal.max() < info.max * info.eps):
        return None
    if np.ptp(alpha) > 0:
        values, V = linalg.eigh(G, overwrite_a=True, check_finite=False, driver="evd")
        values = values.astype(np.float64)
        lowest, highest = values[0] + alpha.min(), values[-1] + alpha.min()
        return Eigen(V, values, alpha) if lowest > limit * highest else None
    scale = np.exp2(-np.round(np.log2(diagonal) / 2)).astype(G.dtype)
    G.flat[:: len(G) + 1] = diagonal
    G *= scale
    G *= scale[:, None]
    lange, potrf, pocon = lapack.get_lapack_funcs(("lange", "potrf", "pocon"), (G,))
    norm = lange("1", G.T)
    R, failed = potrf(G.T, lower=0, clean=0, overwrite_a=1)
    if failed or not pocon(R, norm)[0] > limit:
        return None
    return Cholesky(R, scale)


def refine_tall(design, alpha, factor):
    """Coefficients (n_features, n_targets), residual and rounds; None if uncertified."""
    zero = np.zeros((design.X.shape[1], design.y.shape[1]), design.X.dtype)
    return refine(factor, zero, lambda W: gradient(design, alpha, W))


def refine_wide(design, alpha, factor):
    """The same through the dual coefficients c, w = X'c, whose equations have n unknowns."""
    A = design.operator() if sparse.issparse(design.X) else design.X

    def residual(C):
        return (design.y - A @ (A.T @ C) - C * alpha).astype(C.dtype, copy=False)

    refined = refine(factor, np.zeros_like(design.y), residual)
    if refined is None:
        return None
    C, *rest = refined
    return A.T @ C, *rest


def refine(factor, W, residual):
    """Correct W by factor.solve(residual(W)) until the corrections vanish.

    They shrink by a constant ratio, so the next one is about size^2 / previous. Sizes are
    measured in units in which the matrix has a unit diagonal.
    """
    unit = 1 / getattr(factor, "scale", np.ones(len(W), W.dtype))[:, None]
    first = G = residual(W)
    W = factor.solve(first)
    total = previous = column_norms(unit * W)
    enough = 4 * np.finfo(W.dtype).eps * total
    for rounds in range(1, ROUNDS + 1):
        G = residual(W)
        step = factor.solve(G)
        W = W + step
        size = column_norms(unit * step)
        if np.all(size * size <= enough * previous):
            start = column_norms(first)
            return W, float(np.max(column_norms(G) / np.where(start > 0, start, 1))), rounds
        previous = size
    return None
