"""Lower bounds of the multi-task elastic net, and the features that they rule out.

For every Theta (n, t) the minimum of P(W) is at least

    D(Theta) = <Theta, Y> - 1/2 ||Theta||^2 - sum_j h_j*(|x_j'Theta|),

h_j* being the conjugate of l1_j |.| + l2_j/2 |.|^2: (z - l1_j)_+^2 / (2 l2_j), or where l2_j = 0 a
wall at l1_j. A row without any penalty would need x_j'Theta = 0 exactly; here it is held within
the ball of twice its length (or of its own step, if longer), whose conjugate is radius times z.
Theta = s (Y - XW) with the best s > 0 is such a point (Fenchel duality; Ndiaye et al., JMLR 18,
2017). So is one of an earlier penalty, at no cost: `Dual` keeps all that D needs to know of it.
"""

from typing import NamedTuple

import numpy as np

STEPS = 20  # of Newton's method on a concave, piecewise quadratic function of one number
CLEAR = 1 - 2**-50  # of the scale that brings all products to where l1_j holds them
SPECTRAL = 64  # tasks up to which the largest singular value is worth its cost


class Dual(NamedTuple):
    """A direction of dual points Theta."""

    length: float  # ||Theta||^2
    product: float  # <Theta, Y>
    norms: np.ndarray  # (p,), at least |x_j'Theta|

    def value(self, l1, l2, radius):
        """The largest D(s Theta) over s > 0; `radius` (p,) is for rows without a penalty."""
        z = self.norms
        free = (l1 == 0) & (l2 == 0)
        gain = self.product - z[free] @ radius[free]
        held = (l1 > 0) & (z > 0)
        walls, ridged = held & (l2 == 0), (l1 == 0) & (l2 > 0)
        length = self.length + z[ridged] @ (z[ridged] / l2[ridged])
        hard = np.min(l1[held] / z[held], initial=np.inf)
        limit = np.min(l1[walls] / z[walls], initial=np.inf)
        soft = held & (l2 > 0)
        # Where l2 is next to nothing, only a scale that l1 holds is of use: beyond it, rounding
        # alone is more than the gain.
        within = min(hard, max(gain, 0.0) / length) if length > 0 else 0.0
        value = within * (gain - 0.5 * within * length)
        return max(value, self._beyond(gain, length, z[soft], l1[soft], l2[soft], limit))

    @staticmethod
    def _beyond(gain, length, z, l1, l2, limit):
        """The largest D(s Theta) over 0 < s <= limit, where products may exceed l1."""

        def excess(s):
            return np.maximum(s * z - l1, 0)

        s = min(1.0, limit)
        for _ in range(STEPS):
            over = excess(s)
            slope = gain - s * length - (z / l2) @ over
            curvature = length + (z**2 / l2) @ (over > 0)
            new = min(max(s + slope / curvature, 0.0), limit) if curvature > 0 else s
            if new == s:
                break
            s = new
        over = excess(s)
        best = s * gain - 0.5 * s * s * length - 0.5 * (over / l2) @ over
        # An excess that is rounding weighs more than all else where l2_j is tiny beside l1_j.
        reached = z > 0
        held = CLEAR * min(limit, np.min(l1[reached] / z[reached], initial=np.inf))
        s = min(max(gain / length, 0.0), held) if length > 0 else 0.0
        return max(best, s * gain - 0.5 * s * s * length)


class Reference:
    """Norms |x_j'R0| of one residual, which bound those of every other.

    |x_j'R| <= |s| |x_j'R0| + |x_j| |R - s R0| with the spectral norm, for every s (exactly; the
    last term is Cauchy-Schwarz), and s = <R, R0> / <R0, R0> makes it small.
    """

    def __init__(self, R, norms):
        self.R, self.norms, self.length = R, norms, np.vdot(R, R)

    def bounds(self, R, column_norms):
        """Upper bounds (p,) of |x_j'R|."""
        s = np.vdot(R, self.R) / self.length if self.length > 0 else 0.0
        E = R - s * self.R
        distance = largest_singular_value(E) if min(E.shape) <= SPECTRAL else np.linalg.norm(E)
        return (abs(s) * self.norms + distance * column_norms) * (1 + 1e-12)


def row_norms(A):
    """The Euclidean norms of the rows of A (k, t)."""
    return np.sqrt(np.einsum("jt,jt->j", A, A))


def largest_singular_value(A):
    """The spectral norm of A, from its smaller Gram matrix."""
    G = A.T @ A if A.shape[1] <= A.shape[0] else A @ A.T
    return np.sqrt(max(np.linalg.eigvalsh(G)[-1], 0.0)) if G.size else 0.0
