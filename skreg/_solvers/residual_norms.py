"""Norms of ridge's residuals for many alphas without eigenvectors, for more samples than features.

With X'X = Q T Q', T tridiagonal, b = Q'X'y and c = (T + alpha I)^-1 b,

    ||r||^2 = y'y - b'c - alpha c'c,

O(p) an alpha. Together with the eigenvalues, which cost a third without their vectors, this is all
that generalized cross-validation and its kin look at.
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg import lapack

from skreg._solvers.eigen import in_range, is_harmless, rotate
from skreg._solvers.products import VISIBLE
from skreg._solvers.resolvent import Resolvent
from skreg._solvers.threads import SMALL_FACTORIZATION

FEW = 10  # targets, beyond which a matrix product with all eigenvectors is cheaper


class ResidualNorms(NamedTuple):
    """||r||^2 for one set of data; `inverse.rotated` is Q'X'y."""

    inverse: Resolvent
    Xy: np.ndarray  # (p, t)
    yy: np.ndarray  # (t,)

    def squares(self, alphas):
        """||r||^2 for alphas (A,) or (A, t), (A, t)."""
        b, n_targets = self.inverse.rotated, len(self.yy)
        alphas = np.asarray(alphas, np.float64).reshape(len(alphas), -1)
        out = np.empty((len(alphas), n_targets))
        for row, each in zip(out, alphas, strict=True):
            c = self.inverse.inner(each)
            row[:] = self.yy - np.einsum("it,it->t", b + each * c, c)
        return out


def can_do_without_vectors(G, frame):
    """Whether this is possible, and cheaper than eigenvectors, for data with X'X = G."""
    m, n_targets = len(G), frame.y.shape[1]
    spare = frame.n_samples - frame.free > m
    return m >= SMALL_FACTORIZATION and n_targets <= FEW and spare and in_range(G.diagonal().max())


def residual_norms(parts, Xy, frame):
    """Singular values and `ResidualNorms`, or None where digits would be lost.

    `parts` is what `tridiagonal` made of X'X, `frame` a `Spectrum` before any factorization.
    """
    diagonal, beside, reflectors = parts
    values, failed = lapack.dsterf(diagonal, beside)
    if failed or not is_harmless(values[::-1], 0.0):
        return None
    found = ResidualNorms(Resolvent(parts, rotate("T", reflectors, Xy)), Xy, frame.outside)
    outside = found.squares(np.zeros(1))[0]
    if np.any(outside < VISIBLE * frame.outside):
        return None
    return np.sqrt(values[::-1]), outside, found
