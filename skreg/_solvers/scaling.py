"""Powers of two that keep squares of the data within the range of floating point.

With X = c X' and y = d y', the ridge problem in w' = (c / d) w has the data (X', y') and the
penalty alpha / c^2. Powers of two change no digit.
"""

import numpy as np
from scipy import sparse


def in_range(design, alpha):
    """Return (design, alpha, back) such that w = back * w' for each target.

    Entries are brought to within the fourth root of the largest number, where sums of squares
    neither overflow nor vanish; data that are there already are returned as they are.
    """
    info = np.finfo(design.X.dtype)
    c = outside(largest(design.X.data if sparse.issparse(design.X) else design.X), info)
    d = np.array([outside(largest(y), info) for y in design.y.T])
    if c != 1:
        X, X_mean = design.X * info.dtype.type(1 / c), design.X_mean / c
        design = design._replace(X=X, X_mean=X_mean.astype(info.dtype))
        with np.errstate(over="ignore", divide="ignore"):
            # Where alpha / c^2 overflows, the coefficients vanish; infinity would make them NaN.
            alpha = np.minimum(alpha / c / c, float(info.max) ** 0.75)
    if np.any(d != 1):
        design = design._replace(y=(design.y / d).astype(info.dtype))
    return design, alpha, d / c


def largest(a):
    """The largest absolute value, without a temporary array of the size of a."""
    return float(max(np.max(a), -np.min(a))) if a.size else 0.0


def outside(size, info):
    """The power of two by which a size lies outside of the comfortable range; 1 within it."""
    limit = 2.0 ** (info.maxexp // 4)
    if size == 0 or 1 / limit <= size <= limit:
        return 1.0
    return 2.0 ** np.round(np.log2(size / limit if size > limit else size * limit))
