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
HARMLESS = 3e-8  # share of the largest eigenvalue by which one stands out from rounding errors


class Eigenvectors:
    """Orthonormal columns V (m, k) = Q W, with Q the identity where there are no reflectors."""

    def __init__(self, W, reflectors=None):
        self.W, self.reflectors, self.dtype = W, reflectors, W.dtype

    def first(self, k):
        """The first k of them."""
        return Eigenvectors(self.W[:, :k], self.reflectors)

    def times(self, B):
        """V B for B (k, t)."""
        product = self.W @ B
        return product if self.reflectors is None else rotate("N", self.reflectors, product)

    def transposed_times(self, B):
        """V'B for B (m, t)."""
        return self.W.T @ (B if self.reflectors is None else rotate("T", self.reflectors, B))

    def array(self):
        """V as an array; it is formed once."""
        if self.reflectors is not None:
            with lapack_threads(len(self.W)):
                self.W, self.reflectors = rotate("N", self.reflectors, self.W), None
        return self.W


def rotate(trans, reflectors, B):
    """Q B, or with "T" Q'B: the reflectors leave the first row as it is."""
    vectors, tau = reflectors
    out = np.array(B, order="F")
    if len(tau):
        work = BLOCK * max(1, out.shape[1])
        out[1:] = lapack.dormqr("L", trans, vectors, tau, out[1:], work)[0]
    return out


def tridiagonal(G):
    """Diagonal and subdiagonal of T, and the reflectors of Q, of G = Q T Q', overwritten."""
    with lapack_threads(len(G)):
        vectors, diagonal, beside, tau, _ = lapack.dsytrd(
            G.T, lower=1, lwork=BLOCK * len(G), overwrite_a=1
        )
    return diagonal, beside, (np.asfortranarray(vectors[1:, :-1]), tau)


def in_range(top):
    """Whether the squares of numbers up to `top` are accurate; false for NaN."""
    info = np.finfo(np.float64)
    return info.tiny / info.eps < top < info.max * info.eps


def eigen(G, *, whole=False):
    """Eigenvalues of G in decreasing order, and `Eigenvectors`. G is overwritten.

    `whole` says that all vectors will be asked for as an array. Nothing, (None, None), where the
    entries of G leave the range in which squares are accurate.
    """
    if not in_range(G.diagonal().max()):
        return None, None
    G = G.astype(np.float64, copy=False)
    with lapack_threads(len(G)):
        if whole or len(G) < SMALL_FACTORIZATION:
            # Of -G, for decreasing order.
            values, W = linalg.eigh(
                np.negative(G, out=G), overwrite_a=True, check_finite=False, driver="evd"
            )
            return -values, Eigenvectors(W)
        return eigen_of(tridiagonal(G))


def eigen_of(parts):
    """The same for what `tridiagonal` made of a matrix."""
    diagonal, beside, reflectors = parts
    with lapack_threads(len(diagonal)):
        values, W, failed = lapack.dstevd(-diagonal, -beside)
    if failed:
        raise np.linalg.LinAlgError(f"eigenvalues did not converge: LAPACK's dstevd gave {failed}")
    return -values, Eigenvectors(W, reflectors)


def significant(values, nulls):
    """How many eigenvalues are more than rounding: where these are set apart, all others."""
    apart = is_harmless(values, 0.0, nulls)
    least = HARMLESS / 2 if apart else 4 * np.finfo(float).eps
    return int(np.count_nonzero(values > least * values[0]))


def is_harmless(values, alpha, nulls=0):
    """Whether eigenvalues, but for that many known zeros, plus alpha spread over few decades."""
    if values is None or nulls >= len(values):
        return False
    last = max(values[len(values) - 1 - nulls], 0.0)
    return last + alpha >= HARMLESS * (values[0] + alpha)
