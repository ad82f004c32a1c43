"""Powers of two that keep squares of the data within the range of floating point.

With X = c X' and y = d y', the same problem in w' = (c / d) w has the data (X', y'), the squared
penalty divided by c^2, the L1 penalty by c d and the objective by d^2. Powers of two change no
digit.
"""

import numpy as np
from scipy import sparse

from skreg._solvers.threads import READ, split

BLOCK = 2**15  # entries that stay in the cache while they are looked at twice
STRETCH = 2**18  # entries looked at once, few enough for their sum in float32


def in_range(design, *, alpha=0.0, scale_X=True, common=False):
    """Return (design, c, d): the design of (X / c, y / d), with d of shape (n_targets,).

    Entries are brought to within the eighth root of the largest number, where the products
    X'X X'y and their squares neither overflow nor vanish; data that are there already are
    returned as they are. `alpha` is the largest penalty that will be divided by c^2.
    With `common`, all targets have the same d, so that they keep their proportions.
    """
    info, c = np.finfo(design.X.dtype), 1.0
    if scale_X:
        c = unit(design.X)
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
    return np.array([unit(part, info) for part in parts])


def unit(a, info=None):
    """The power of two by which the largest entry lies outside of the comfortable range.

    NaN where an entry is not finite.
    """
    info, square = info or np.finfo(a.dtype), sum_of_squares(a)
    if square < np.inf:
        # Bounds of the largest entry.
        least, most = np.sqrt(square / max(1, entries(a).size)), np.sqrt(square)
        if least > 0 and outside(least, info) == outside(most, info) == 1:
            return 1.0
    size = largest(a)
    return outside(size, info) if np.isfinite(size) else np.nan


def entries(a):
    """All entries (k,), but for zeros of a sparse matrix; a copy only where a is strided."""
    return a.data if sparse.issparse(a) else a.ravel(order="K")


def sum_of_squares(a):
    """The sum of squares, in one pass: finite only if all entries are so."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        return float(sum(over_stretches(a, lambda stretch: float(stretch @ stretch), STRETCH)))


def largest(a):
    """The largest absolute value; NaN if one is."""
    found = over_stretches(a, lambda block: max(np.max(block), -np.min(block)), BLOCK)
    return float(np.max(found, initial=0.0))


def over_stretches(a, work, length):
    """What `work` makes of each stretch of the entries, found in threads."""
    flat = entries(a)

    def part(start, stop):
        return [work(flat[i : min(i + length, stop)]) for i in range(start, stop, length)]

    return [one for found in split(part, flat.size, READ * flat.size) for one in found]


def outside(size, info):
    """The power of two by which a size lies outside of the comfortable range; 1 within it."""
    limit = 2.0 ** (info.maxexp // 8)
    if size == 0 or 1 / limit <= size <= limit:
        return 1.0
    return power_of_two(size / limit if size > limit else size * limit)


def power_of_two(size):
    """The power of two next to a positive size; 1 for 0."""
    return float(2.0 ** np.round(np.log2(size))) if size > 0 else 1.0
