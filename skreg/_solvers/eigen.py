"""Eigenvalues of a symmetric matrix, and eigenvectors that are formed only where all are needed.

G = Q T Q' with T tridiagonal and Q a product of reflectors, T = W diag(values) W'. The vectors are
V = Q W. Forming them costs a third of the whole; their products with a few columns, which give
coefficients and rules, take W and the reflectors one after the other.
"""

import numpy as np
from scipy import linalg
from scipy.linalg import lapack

from skreg._solvers.threads import SMALL_FACTORIZATION, lapack_threads

BLOCK = 64  # columns that LAPACK takes at a time


class Eigenvectors:
    """Orthonormal columns V (m, k) = Q W, with Q the identity where there are no reflectors."""

    def __init__(self, W, reflectors=None):
        self.W, self.reflectors, self.dtype = W, reflectors, W.dtype

    def first(self, k):
        """The first k of them."""
        return Eigenvectors(self.W[:, :k], self.reflectors)

    def times(self, B):
        """V B for B (k, t)."""
        return self._rotate("N", self.W @ B)

    def transposed_times(self, B):
        """V'B for B (m, t)."""
        return self.W.T @ self._rotate("T", B)

    def array(self):
        """V as an array; it is formed once."""
        if self.reflectors is not None:
            with lapack_threads(len(self.W)):
                self.W, self.reflectors = self._rotate("N", self.W), None
        return self.W

    def _rotate(self, trans, B):
        """Q B, or Q'B: the reflectors leave the first row as it is."""
        if self.reflectors is None:
            return B
        vectors, tau = self.reflectors
        out = np.array(B, order="F")
        work = BLOCK * max(1, out.shape[1])
        out[1:] = lapack.dormqr("L", trans, vectors[1:, :-1], tau, out[1:], work)[0]
        return out


def eigen(G):
    """Eigenvalues of G in decreasing order, and `Eigenvectors`. G is overwritten.

    Nothing, (None, None), where the entries of G leave the range in which squares are accurate.
    """
    info = np.finfo(np.float64)
    top = G.diagonal().max()
    if not (info.tiny / info.eps < top < info.max * info.eps):
        return None, None
    G = G.astype(np.float64, copy=False)
    with lapack_threads(len(G)):
        if len(G) < SMALL_FACTORIZATION:
            # Of -G, for decreasing order.
            values, W = linalg.eigh(
                np.negative(G, out=G), overwrite_a=True, check_finite=False, driver="evd"
            )
            return -values, Eigenvectors(W)
        vectors, diagonal, beside, tau, _ = lapack.dsytrd(
            G.T, lower=1, lwork=BLOCK * len(G), overwrite_a=1
        )
        values, W, failed = lapack.dstevd(-diagonal, -beside)
    if failed:
        raise np.linalg.LinAlgError(f"eigenvalues did not converge: LAPACK's dstevd gave {failed}")
    return -values, Eigenvectors(W, (vectors, tau))
