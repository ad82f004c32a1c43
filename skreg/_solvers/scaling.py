"""Powers of two that keep squares of the data within the range of floating point.

With X = c X' and y = d y', the ridge problem in w' = (c / d) w has the data (X', y') and the
penalty alpha / c^2. Powers of two change no digit.
"""

import numpy as np
from scipy import sparse


def in_range(design, alpha, *, scale_X=True):
    """Return (design, alpha, back) such that w = back * w' for each target.

    Entries are brought to within the eighth root of the largest number, where the products
    X'X X'y and their squares neither overflow nor vanish; data that are there already are
    returned as they are.
    """
    info, c = np.finfo(design.X.dtype), 1.0
    if scale_X:
        c = outside(largest(design.X), info)
        # A small c must not send alpha / c^2 beyond the square root of the largest number.
        if alpha.max() > 0:
            c = max(c, power_of_two(np.sqrt(alpha.max()) / float(info.max) ** 0.25))
    d = np.array([outside(largest(y), info) for y in design.y.T])
    return (*scaled(design, alpha, c, d), d / c)


def scaled(design, alpha, c, d):
    """The design of (X / c, y / d) and alpha / c^2."""
    if c != 1:
        X, X_mean = design.X * design.X.dtype.type(1 / c), design.X_mean / c
        design = design._replace(X=X, X_mean=X_mean.astype(X.dtype))
        alpha = alpha / c / c
    if np.any(d != 1):
        design = design._replace(y=(design.y / d).astype(design.y.dtype))
    return design, alpha


def largest(a):
    """The largest absolute value, without a temporary array of the size of a."""
    a = a.data if sparse.issparse(a) else a
    return float(max(np.max(a), -np.min(a))) if a.size else 0.0


def outside(size, info):
    """The power of two by which a size lies outside of the comfortable range; 1 within it."""
    limit = 2.0 ** (info.maxexp // 8)
    if size == 0 or 1 / limit <= size <= limit:
        return 1.0
    return power_of_two(size / limit if size > limit else size * limit)


def power_of_two(size):
    """The power of two next to a positive size; 1 for 0."""
    return float(2.0 ** np.round(np.log2(size))) if size > 0 else 1.0
