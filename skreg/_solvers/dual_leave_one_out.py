"""Leave-one-out errors without eigenvectors, where there are as many features as samples or more.

With G = XcXc', c = (G + alpha I)^-1 y and D the diagonal of the same inverse, the error of
sample i is c_i / D_i (Rifkin and Lippert, 2007).

An intercept takes its part of D_i away: u_i^2 / alpha, where u, the normalized roots of the
weights, spans the null space that centring gives G. For small alpha hardly anything else would be
left. So the inverse is that of G + tau uu', with tau the mean eigenvalue: the part of u becomes
u_i^2 / (tau + alpha), no larger than others, and c stays, being orthogonal to u.
"""

import numpy as np
from scipy.linalg import blas

from skreg._solvers.leave_one_out import LEVERAGE_ONE
from skreg._solvers.resolvent import Resolvent, resolvent
from skreg._solvers.threads import SMALL_FACTORIZATION

DOMINANT = 0.99  # share of the weight from which on a sample's error would lose digits
ROWS = 256  # at a time, so that the errors of all alphas stay in the cache
SHARE = 3  # alphas and targets, times this, may be as many as samples: else eigenvectors pay


class DualErrors:
    """sqrt(v) e of all samples, for `leave_one_out.mean_squares`; alphas are (n_alphas,)."""

    def __init__(self, inverse: Resolvent, frame, tau):
        self.inverse, self.frame, self.tau = inverse, frame, tau

    def over_rows(self, alphas, use):
        """Results of `use(iterator over (rows, errors (rows, n_alphas, n_targets)))`."""
        free = self.frame.free_leverage[:, None]
        diagonal = self.inverse.inverse_diagonal(alphas)
        left_over = diagonal - free / (self.tau + alphas)
        left_over[left_over <= LEVERAGE_ONE * diagonal] = 0  # the sample fits itself
        dual = np.moveaxis(self.inverse.coef(alphas), 2, 0)

        def parts():
            for start in range(0, len(dual), ROWS):
                rows = slice(start, start + ROWS)
                with np.errstate(divide="ignore", invalid="ignore"):
                    errors = dual[rows] / left_over[rows, :, None]
                errors[left_over[rows] == 0] = np.inf
                yield rows, errors

        return [use(parts())]


def dual_pays(frame, alphas):
    """Whether this is cheaper than eigenvectors, for samples that all have weight."""
    n, n_targets = frame.y.shape
    if frame.free_leverage.max() > DOMINANT:
        return False
    few = SHARE * len(alphas) * (2 + n_targets) <= n
    return few and n >= SMALL_FACTORIZATION and frame.n_samples == n


def dual_errors(G, frame, alphas):
    """The `DualErrors` for alphas, or None where eigenvectors would save digits.

    G is XcXc', overwritten; `frame` a `Spectrum` before any factorization, for ridge.
    """
    tau = np.trace(G) / len(G)
    G = blas.dsyr(tau, np.sqrt(frame.free_leverage), a=G.T, lower=1, overwrite_a=1).T
    inverse = resolvent(G, frame.y, alphas.min())
    return None if inverse is None else DualErrors(inverse, frame, tau)
