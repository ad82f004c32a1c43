"""(G + alpha I)^-1 for many alphas, without eigenvectors: its products, and its diagonal.

With G = Q T Q', T tridiagonal and Q a product of reflectors, a product costs the solution of a
tridiagonal system, O(m), and a product with Q, O(m^2), for each alpha; the diagonal costs a pass
over Q. The decomposition is a third of the work that eigenvectors take, so this serves where ridge
coefficients or leave-one-out errors are all that is asked for.
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg import lapack

from skreg._kernels.tridiagonal import factorize, inverse_diagonal
from skreg._solvers import normal_equations
from skreg._solvers.eigen import BLOCK, HARMLESS, in_range, is_harmless, rotate, tridiagonal
from skreg._solvers.threads import lapack_threads, split

SURE = 1e-7  # alpha, beside the largest eigenvalue, for which rounded zeros cost less than 1e-9
RARE = 0.002  # share of eigenvalues at zero whose rounding is lost among the others
TINY = 1e-12  # smallest alpha, beside the largest eigenvalue, where G is singular


class Resolvent:
    """(G + alpha I)^-1 B for one G (m, m) and B (m, t)."""

    def __init__(self, parts, rotated):
        self.diagonal, self.beside, self.reflectors = parts
        self.rotated = rotated  # Q'B

    def coef(self, alphas):
        """The solutions for alphas (A,) or (A, t), (A, t, m)."""
        m, t = self.rotated.shape
        alphas = np.asarray(alphas, np.float64).reshape(len(alphas), -1)
        out = np.empty((m, len(alphas), t), order="F")
        for a, each in enumerate(alphas):
            out[:, a] = self.inner(each)
        flat = rotate("N", self.reflectors, out.reshape(m, -1, order="F"))
        return np.moveaxis(flat.reshape(out.shape, order="F"), 0, 2)

    def inner(self, alpha):
        """(T + alpha I)^-1 Q'B, for one alpha, (1,), or one a column."""
        if len(alpha) == 1:
            return lapack.dptsv(self.diagonal + alpha, self.beside, self.rotated)[2]
        out = np.empty_like(self.rotated)
        for k in range(len(alpha)):
            column = slice(k, k + 1)
            diagonal = self.diagonal + alpha[k]
            out[:, column] = lapack.dptsv(diagonal, self.beside, self.rotated[:, column])[2]
        return out

    def at(self, alpha):
        """What solves for one alpha a column, (t,)."""
        return Shifted(self, alpha)

    def inverse_diagonal(self, alphas):
        """The diagonals of (G + alpha I)^-1 for alphas (A,), (m, A)."""
        m, pad = len(self.diagonal), len(alphas) % 2
        alphas = np.append(alphas, alphas[:pad])
        ratio, inverse = np.empty((2, len(alphas), m))
        factorize(self.diagonal, self.beside, alphas, ratio, inverse)
        vectors, tau = self.reflectors
        with lapack_threads(m):
            Q = lapack.dorgqr(vectors, tau, lwork=BLOCK * m)[0]

        def work(start, stop):
            out = np.empty((len(alphas), stop - start))
            inverse_diagonal(Q, ratio, inverse, np.empty((m, 8)), out, start)
            return out

        return np.hstack(split(work, m, m * m * len(alphas)))[: len(alphas) - pad].T


class Shifted(NamedTuple):
    """G + alpha I with one alpha for each column that it solves for."""

    of: Resolvent
    alpha: np.ndarray
    dtype: type = np.float64

    def solve(self, B):
        """(G + alpha I)^-1 B."""
        out = rotate("T", self.of.reflectors, B)
        for k, alpha in enumerate(self.alpha):
            column = slice(k, k + 1)
            diagonal = self.of.diagonal + alpha
            out[:, column] = lapack.dptsv(diagonal, self.of.beside, out[:, column])[2]
        return rotate("N", self.of.reflectors, out)


class Solutions(NamedTuple):
    """(G + alpha I)^-1 B for a few alphas that are known beforehand."""

    of: dict  # alpha -> (m, t)

    def coef(self, alphas):
        """The solutions for alphas (A,) or (A, t), (A, t, m)."""
        t = next(iter(self.of.values())).shape[1]
        each = np.broadcast_to(np.reshape(alphas, (len(alphas), -1)), (len(alphas), t))
        return np.array([[self.of[a][:, k] for k, a in enumerate(row)] for row in each])


def solutions(G, B, alphas):
    """The `Solutions` by Cholesky's method, or None where the eigenvalues have to be looked at."""
    found = {}
    for alpha in np.unique(alphas):
        factor = normal_equations.factorize(G.copy(), np.array([alpha]), limit=HARMLESS)
        if factor is None:
            return None
        found[alpha] = factor.solve(B)
    return Solutions(found)


def resolvent(G, B, alpha, nulls=0):
    """The `Resolvent` for penalties of at least alpha, or None where G would do harm.

    G is overwritten. `nulls` of its eigenvalues are known to be zero; there the solutions are
    wrong, by rounding errors over alpha, which is for the caller to project out.
    """
    top = G.diagonal().max()
    if len(G) == 1 or not in_range(top) or (nulls > 0 and alpha < TINY * top):
        return None
    diagonal, beside, reflectors = tridiagonal(G)
    m = len(diagonal)
    ends = np.array([nth_eigenvalue(diagonal, beside, k) for k in (m, min(nulls + 1, m))])
    if not is_harmless(ends, alpha):
        return None
    if alpha < SURE * ends[0]:
        small = count_below(diagonal, beside, HARMLESS * ends[0]) - nulls
        if small > RARE * m:
            return None
    if not np.abs(B).max(initial=0) / np.sqrt(np.finfo(float).max) < ends[1] + alpha:
        return None  # the solutions, or their squares, may be beyond the largest number
    return Resolvent((diagonal, beside, reflectors), rotate("T", reflectors, B))


def count_below(diagonal, beside, bound):
    """How many eigenvalues of a tridiagonal matrix lie below a bound, by Sylvester's law."""
    ratio, inverse = np.empty((2, 1, len(diagonal)))
    factorize(diagonal, beside, np.array([-bound]), ratio, inverse)
    return np.count_nonzero(inverse < 0)


def nth_eigenvalue(diagonal, beside, n):
    """The n-th smallest eigenvalue of a tridiagonal matrix, from 1, by bisection: O(m)."""
    by_index, unit = 2, np.abs(diagonal).max() or 1.0  # because it squares the numbers
    parts = diagonal / unit, beside / unit
    return unit * lapack.dstebz(*parts, by_index, 0.0, 0.0, n, n, 0.0, "E")[1][0]
