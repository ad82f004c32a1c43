"""The penalty of sparse models, feature by feature.

alpha sum l1_j |w_j| + alpha/2 sum l2_j w_j^2,   lower_j <= w_j <= upper_j
"""

from typing import NamedTuple

import numpy as np


class Penalty(NamedTuple):
    """Arrays (n_features,); l1_j = inf keeps w_j at zero, and infinite bounds are none."""

    l1: np.ndarray
    l2: np.ndarray
    lower: np.ndarray
    upper: np.ndarray

    def in_units(self, unit_X, unit_y):
        """The penalty of coefficients w unit_X / unit_y, the objective being over unit_y^2.

        What is kept at zero is so by its bounds then.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            most = np.finfo(float).max / 8
            l1 = np.minimum(self.l1 / unit_X / unit_y, most)
            l2 = np.minimum(self.l2 / unit_X / unit_X, most)
            lower, upper = (bound * (unit_X / unit_y) for bound in (self.lower, self.upper))
        kept_out = self.l1 == np.inf
        l1[kept_out] = 1.0
        lower[kept_out] = upper[kept_out] = 0.0
        return Penalty(l1, l2, lower, upper)

    def holding(self, which):
        """The penalty with some coefficients, a mask, held as near to zero as bounds let."""
        nearest = np.clip(0.0, self.lower, self.upper)
        bounds = (np.where(which, nearest, bound) for bound in (self.lower, self.upper))
        return Penalty(self.l1, self.l2, *bounds)


def penalty(n_features, total, l1_ratio=1.0, *, weights=None, lower=None, upper=None):
    """The `Penalty` of the elastic net for samples whose weights sum to `total`.

    `weights` multiply both of its parts: 0 leaves a feature alone, inf keeps it out. The bounds
    are None, a number or (n_features,).
    """
    v = np.ones(n_features) if weights is None else np.asarray(weights, np.float64)
    held = np.where(v == np.inf, 0, v)
    l1 = np.where(v == np.inf, np.inf, total * l1_ratio * held)
    return Penalty(
        l1,
        total * (1 - l1_ratio) * held,
        np.array(np.broadcast_to(-np.inf if lower is None else lower, n_features), np.float64),
        np.array(np.broadcast_to(np.inf if upper is None else upper, n_features), np.float64),
    )
