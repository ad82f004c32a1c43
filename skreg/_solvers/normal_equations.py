"""Ridge by the normal equations, for as long as they are harmless.

For n > p the coefficients solve (X'X + alpha I) w = X'y; for p >= n they are X'c, where
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

from functools import partial
from typing import NamedTuple

import numpy as np
from scipy import linalg
from scipy.linalg import lapack

from skreg._solvers.certificate import Solution, column_norms, gradient
from skreg._solvers.eigen import HARMLESS, Eigenvectors
from skreg._solvers.factorization import known_nulls, ridge_factors
from skreg._solvers.products import (
    gram_and_correlation,
    is_wide,
    primal_and_fit,
    transposed_times,
)
from skreg._solvers.threads import SMALL_CHOLESKY, lapack_threads

SMALL = 128  # rows of a Gram matrix that a solution may keep: 128 KB
ROUNDS = 4  # of refinement; a good matrix needs one, a bad one is not helped by more


class Cholesky(NamedTuple):
    """A = D R'R D with D diagonal, which solves for one alpha."""

    R: np.ndarray
    scale: np.ndarray  # (m,), the inverse of D's diagonal

    @property
    def dtype(self):
        return self.R.dtype

    def solve(self, B):
        scale = self.scale[:, None]
        potrs = lapack.get_lapack_funcs("potrs", (self.R,))
        return scale * potrs(self.R, scale * B)[0]


class Eigen(NamedTuple):
    """A = V diag(values) V' + alpha I, which solves for one alpha a column.

    Where V spans a part of the space only, the eigenvalues of the rest are beside alpha nothing.
    """

    V: Eigenvectors
    values: np.ndarray
    alpha: np.ndarray  # (n_targets,)

    @property
    def dtype(self):
        return self.V.dtype

    def solve(self, B):
        inside = self.V.transposed_times(B)
        shrunk = inside / (self.values[:, None] + self.alpha)
        out = self.V.times(shrunk.astype(B.dtype, copy=False))
        if len(self.values) < len(B) and np.all(
            self.alpha > HARMLESS * self.values.max(initial=0)
        ):
            out += (B - self.V.times(inside)) / self.alpha
        return out


def solve(design, alpha, gram=None):
    """Return the `Solution` for alpha (n_targets,), or None where digits would be lost.

    `gram`, the smaller of X'X and XX', spares its computation; it is overwritten.
    """
    with np.errstate(all="ignore"):  # overflow shows in the certificate
        if gram is None:
            gram, Xy = gram_and_correlation(design)
        else:
            Xy = None if is_wide(design) else transposed_times(design, design.y)
        kept = gram.copy() if len(gram) <= SMALL else None
        factor = factorize(gram, alpha)
    solution = None if factor is None else refined(design, alpha, factor, Xy)
    if solution is None or kept is None:
        return solution
    factors = partial(ridge_factors, kept, alpha, known_nulls(kept, design))
    return solution._replace(factors=factors)


def refined(design, alpha, factor, Xy=None):
    """The `Solution` by a factor of the smaller Gram matrix, or None where it is uncertified.

    Xy is X'y, which a tall design needs.
    """
    with np.errstate(all="ignore"):
        found = (refine_wide if is_wide(design) else refine_tall)(design, alpha, factor, Xy)
    if found is None:
        return None
    W, residual, rounds, _ = found
    n_iter = np.full(W.shape[1], rounds, np.int32)
    rank = min(design.X.shape)
    return Solution(np.ascontiguousarray(W.T), "cholesky", residual, n_iter, rank=rank)


def factorize(G, alpha, limit=None):
    """Factorize G + alpha I, overwriting G, or return None where it is nearly singular.

    `limit` is the smallest reciprocal condition to be taken: by default that beyond which
    refinement contracts too slowly to be sure of it.
    """
    info = np.finfo(G.dtype)
    limit = info.eps ** (2 / 3) if limit is None else limit
    diagonal = G.diagonal() + alpha.min()
    if not (diagonal.min() > info.tiny / info.eps and diagonal.max() < info.max * info.eps):
        return None
    if np.ptp(alpha) > 0:
        with lapack_threads(len(G)):
            values, V = linalg.eigh(G, overwrite_a=True, check_finite=False, driver="evd")
        values = values.astype(np.float64)
        lowest, highest = values[0] + alpha.min(), values[-1] + alpha.min()
        return Eigen(Eigenvectors(V), values, alpha) if lowest > limit * highest else None
    scale = np.exp2(-np.round(np.log2(diagonal) / 2)).astype(G.dtype)
    G.flat[:: len(G) + 1] = diagonal
    G *= scale
    G *= scale[:, None]
    lange, potrf, pocon = lapack.get_lapack_funcs(("lange", "potrf", "pocon"), (G,))
    norm = lange("1", G.T)
    with lapack_threads(len(G), SMALL_CHOLESKY):
        R, failed = potrf(G.T, lower=0, clean=0, overwrite_a=1)
    if failed or not pocon(R, norm)[0] > limit:
        return None
    return Cholesky(R, scale)


def refine_tall(design, alpha, factor, Xy):
    """Coefficients (n_features, n_targets), residual and rounds; None if uncertified."""
    return refine(factor, Xy, lambda W: gradient(design, alpha, W))


def refine_wide(design, alpha, factor, _):
    """The same through the dual coefficients c, w = X'c, whose equations have n unknowns."""
    W = None

    def residual(C):
        nonlocal W
        W, fit = primal_and_fit(design, C)
        return (design.y - fit - C * alpha).astype(C.dtype, copy=False)

    refined = refine(factor, design.y.astype(factor.dtype, copy=False), residual)
    if refined is None:
        return None
    _, reached, rounds, last_step = refined
    if last_step is not None:
        W = W + transposed_times(design, last_step)
    return W, reached, rounds, last_step


def refine(factor, B, residual):
    """Solve for B, and add factor.solve(residual(W)) until these corrections vanish.

    They shrink by a constant ratio, so the next one is about size^2 / previous. Sizes are
    measured in units in which the matrix has a unit diagonal. Returns W, its relative residual,
    the rounds, and the last correction unless it was below rounding already.
    """
    W = factor.solve(B)
    unit = 1 / getattr(factor, "scale", np.ones(len(W), W.dtype))[:, None]
    total = previous = column_norms(unit * W)
    enough = 4 * np.finfo(W.dtype).eps * total
    for rounds in range(1, ROUNDS + 1):
        G = residual(W)
        step = factor.solve(G)
        W = W + step
        size = column_norms(unit * step)
        if np.all(size * size <= enough * previous):
            start = column_norms(B)
            reached = float(np.max(column_norms(G) / np.where(start > 0, start, 1)))
            return W, reached, rounds, None if np.all(size <= 16 * enough) else step
        previous = size
    return None
