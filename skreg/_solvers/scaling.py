"""Powers of two that keep squares of the data within the range of floating point.

With X = c X' and y = d y', the same problem in w' = (c / d) w has the data (X', y'), the squared
penalty divided by c^2, the L1 penalty by c d and the objective by d^2. Powers of two change no
digit.
"""

import numpy as np
from scipy import sparse

from skreg._solvers.threads import READ, split

BLOCK = 2**15  # entries that stay in the cache while they are looked at twice


def in_range(design, *, alpha=0.0, scale_X=True, common=False):
    """Return (design, c, d): the design of (X / c, y / d), with d of shape (n_targets,).

    Entries are brought to within the eighth root of the largest number, where the products
    X'X X'y and their squares neither overflow nor vanish; data that are there already are
    returned as they are. `alpha` is the largest penalty that will be divided by c^2.
    With `common`, all targets have the same d, so that they keep their proportions.
    """
    info, c = np.finfo(design.X.dtype), 1.0
    if scale_X:
        c = outside(largest(design.X), info)
        # A small c must not send alpha / c^2 beyond the square root of the largest number.
        if alpha > 0:
            c = max(c, power_of_two(np.sqrt(alpha) / float(info.max) ** 0.25))
    d = units(design.y, info, common=common)
    if c != 1:
        X, X_mean = design.X * design.X.dtype.type(1 / c), design.X_mean / c
        design = design._replace(X=X, X_mean=X_mean.astype(X.dtype))
    if np.any(d != 1):
        design = design._replace(y=(design.y / d).astype(design.y.dtype))
    return design, c, d


def units(y, info, *, common=False):
    """The powers of two d (n_targets,) by which `in_range` divides y (n, n_targets)."""
    parts = [y] * y.shape[1] if common else y.T
    return np.array([outside(largest(part), info) for part in parts])


def largest(a):
    """The largest absolute value, without a temporary array of the size of a; NaN if one is."""
    a = a.data if sparse.issparse(a) else a
    if a.size < BLOCK:
        return float(max(np.max(a), -np.min(a))) if a.size else 0.0
    flat = a.ravel(order="K") if a.flags.forc else a.reshape(-1)

    def work(start, stop):
        blocks = (flat[i : min(i + BLOCK, stop)] for i in range(start, stop, BLOCK))
        return [max(np.max(block), -np.min(block)) for block in blocks]  # read once from memory

    return float(np.max([np.max(part) for part in split(work, flat.size, READ * flat.size)]))


def outside(size, info):
    """The power of two by which a size lies outside of the comfortable range; 1 within it."""
    limit = 2.0 ** (info.maxexp // 8)
    if size == 0 or 1 / limit <= size <= limit:
        return 1.0
    return power_of_two(size / limit if size > limit else size * limit)


def power_of_two(size):
    """The power of two next to a positive size; 1 for 0."""
    return float(2.0 ** np.round(np.log2(size))) if size > 0 else 1.0
