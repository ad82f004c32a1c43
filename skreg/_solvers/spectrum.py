"""The spectrum of the centred data: one factorization, coefficients for every alpha.

With the singular value decomposition X = U diag(s) V' and z = U'y, ridge coefficients are
V diag(s / (s^2 + alpha)) z: diagonal arithmetic, O(p r) for each alpha and target. Factoring
costs O(n p min(n, p)).
"""

from typing import NamedTuple

import numpy as np
from scipy import linalg

from skreg._solvers.filters import tikhonov


class Spectrum(NamedTuple):
    """The part of the decomposition above the rank cut-off."""

    s: np.ndarray  # (rank,), decreasing, positive
    Vt: np.ndarray  # (rank, n_features)
    z: np.ndarray  # (rank, n_targets), U'y

    def coef(self, alpha, factor=tikhonov):
        """Coefficients (n_targets, n_features) for alpha, a number or one a target.

        At alpha = 0 they are the least-squares coefficients of minimum norm.
        """
        # In float64, because alpha may lie outside the range of float32.
        weight = factor(self.s[:, None].astype(np.float64), np.asarray(alpha, np.float64))
        return (self.z * weight).T.astype(self.s.dtype, copy=False) @ self.Vt


def spectrum(design):
    """Decompose a dense design; singular values at the level of rounding count as zero.

    The cut-off is max(n, p) eps times the largest singular value: that is the error of the
    computed values, so what lies below is noise, whatever the scale of X.
    """
    X = design.explicit().X
    try:
        U, s, Vt = linalg.svd(X, full_matrices=False, lapack_driver="gesdd")
    except np.linalg.LinAlgError:  # divide and conquer fails on rare matrices, QR does not
        U, s, Vt = linalg.svd(X, full_matrices=False, lapack_driver="gesvd")
    rank = np.count_nonzero(s > s[0] * max(X.shape) * np.finfo(X.dtype).eps)
    return Spectrum(s[:rank], Vt[:rank], U[:, :rank].T @ design.y)
