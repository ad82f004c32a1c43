"""Spectral filters: functions of singular values s and regularization alpha.

With X = U diag(s) V', a filter phi gives the coefficients V diag(phi / s) U'y. A filter is
written here as its coefficient factor phi / s, which stays finite and accurate where s^2 would
overflow or vanish; phi itself is s times that.
"""

import numpy as np


def tikhonov(s, alpha):
    """Coefficient factor of ridge, s / (s^2 + alpha) = 1 / (s + alpha / s), for s > 0.

    Broadcasts: s of shape (r, 1) and alpha of shape (k,) give (r, k). The filter itself is
    phi = s^2 / (s^2 + alpha) (Hansen, Rank-Deficient and Discrete Ill-Posed Problems, 1998).
    """
    # alpha / s overflows only where the factor is below the smallest number: it is then zero.
    with np.errstate(over="ignore"):
        return 1 / (s + alpha / s)
