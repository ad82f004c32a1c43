"""Products with the centred, weighted X, which need not exist as an array.

A dense X that is not centred yet is read in blocks: rows of a tall X, columns of a wide one. Each
block is centred and weighted into a small buffer that stays in the cache, and used at once. So X
is never copied as a whole, the memory is O(block), and nothing is lost where means are large
beside deviations, as it would be by correcting the product of the raw X afterwards. Sums are in
float64 whatever the type of X. A sparse X takes a sparse product and a rank-one correction.
"""

import numpy as np
from scipy import sparse

from skreg._kernels.gram import add_gram
from skreg._solvers.threads import READ, is_given_up, split

BLOCK = 2**21  # entries of a block, 16 MB
VISIBLE = 1e-4  # share of a sum of squares below which a difference has lost too many digits
SHORTEST = 1024  # rows or columns of a block: fewer make the products inefficient


def is_wide(design):
    """Whether XX' is the smaller Gram matrix, and blocks are columns."""
    n, p = design.X.shape
    return n <= p


def blocks(design, start, stop):
    """Yield (slice, block) of the rows start to stop, or columns of a wide X.

    The block is a buffer that the next one overwrites, or a part of X where nothing is to be done.
    """
    X, mean, root = design.X, design.X_mean, design.root_weight
    wide, weighted = is_wide(design), np.any(root != 1)
    as_it_is = not weighted and not mean.any() and X.dtype == np.float64
    across = X.shape[0] if wide else X.shape[1]
    step = max(1, min(stop - start, max(SHORTEST, BLOCK // max(1, across))))
    order = "C" if X.flags.c_contiguous else "F"
    buffer = np.empty((across, step) if wide else (step, across), order=order)
    for a in range(start, stop, step):
        if is_given_up():
            return
        part = slice(a, min(a + step, stop))
        if as_it_is:
            yield part, X[:, part] if wide else X[part]
            continue
        if wide:
            block, source, shift, scale = buffer[:, : part.stop - a], X[:, part], mean[part], root
        else:
            block, source, shift, scale = buffer[: part.stop - a], X[part], mean, root[part]
        np.subtract(source, shift, out=block, dtype=np.float64)
        if weighted:
            block *= scale[:, None]
        yield part, block


def over_blocks(design, columns, use):
    """Return what each thread made: `use(iterator over its blocks)`, run side by side.

    `columns` says how many columns the matrix has that each block is multiplied with.
    """
    n, p = design.X.shape
    size = p if is_wide(design) else n
    return split(lambda a, b: use(blocks(design, a, b)), size, n * p * (READ + columns))


def keeps_digits(left, removed):
    """Whether sums of squares that are `left` after centring tell more than rounding errors."""
    return bool(np.all((left >= VISIBLE * removed) | (removed == 0) | (left == 0)))


def total(parts):
    """The sum of arrays, in the first of them."""
    out = parts[0]
    for part in parts[1:]:
        out += part
    return out


def times(design, W):
    """Xc W for W (p, k)."""
    X, root = design.X, design.root_weight
    if sparse.issparse(X):
        return X @ W - np.outer(root, design.X_mean @ W)
    if not design.deferred:
        return X @ W
    if is_wide(design):

        def add(parts):
            out = np.zeros((len(root), W.shape[1]))
            for j, block in parts:
                out += block @ W[j]
            return out

        return total(over_blocks(design, W.shape[1], add))
    out = np.empty((len(root), W.shape[1]))

    def fill(parts):
        for i, block in parts:
            np.matmul(block, W, out=out[i])

    over_blocks(design, W.shape[1], fill)
    return out


def transposed_times(design, R):
    """Xc' R for R (n, k)."""
    X = design.X
    if sparse.issparse(X):
        return X.T @ R - np.outer(design.X_mean, design.root_weight @ R)
    if not design.deferred:
        return X.T @ R
    p, k = X.shape[1], R.shape[1]
    if not is_wide(design):
        zero = np.zeros((p, k))
        return sum(over_blocks(design, k, lambda parts: sum((B.T @ R[i] for i, B in parts), zero)))
    out = np.empty((p, k))

    def fill(parts):
        for j, block in parts:
            np.matmul(block.T, R, out=out[j])

    over_blocks(design, k, fill)
    return out


def correlate_residual(design, W):
    """Xc'(y - Xc W): one pass over a tall X that is not centred yet."""
    if not design.deferred or is_wide(design):
        return transposed_times(design, design.y - times(design, W))

    def use(parts):
        out = np.zeros(W.shape)
        for i, block in parts:
            out += block.T @ (design.y[i] - block @ W)
        return out

    return total(over_blocks(design, 2 * W.shape[1], use))


def primal_and_fit(design, C):
    """Xc'C and Xc Xc'C: one pass over a wide X that is not centred yet."""
    if not design.deferred or not is_wide(design):
        W = transposed_times(design, C)
        return W, times(design, W)
    W = np.empty((design.X.shape[1], C.shape[1]))

    def use(parts):
        out = np.zeros(C.shape)
        for j, block in parts:
            np.matmul(block.T, C, out=W[j])
            out += block @ W[j]
        return out

    return W, total(over_blocks(design, 2 * C.shape[1], use))


def smaller_gram(design):
    """Xc'Xc for n > p, else XcXc'; dense, even where X is sparse."""
    return gram_and_correlation(design)[0]


def gram_and_correlation(design):
    """The smaller Gram matrix and, for n > p, Xc'y (else None), in one pass over X."""
    X, wide = design.X, is_wide(design)
    if sparse.issparse(X):
        return sparse_gram(design), None if wide else transposed_times(design, design.y)
    if not design.deferred:
        return (X @ X.T, None) if wide else (X.T @ X, X.T @ design.y)
    m = min(X.shape)

    def use(parts):
        gram = product = None
        correlation = np.zeros((m, design.y.shape[1]))
        for i, block in parts:
            product = np.matmul(*((block, block.T) if wide else (block.T, block)), out=product)
            if gram is None:
                gram, product = product, None
            else:
                gram += product
            if not wide:
                correlation += block.T @ design.y[i]
        return (np.zeros((m, m)) if gram is None else gram), correlation

    half = m // 2  # of the matrix is computed, as BLAS sees that it is symmetric
    grams, correlations = zip(*over_blocks(design, half, use), strict=True)
    return total(grams), None if wide else total(correlations)


def sparse_gram(design):
    """The smaller Gram matrix of a sparse X, summed in float64."""
    X, wide = design.X, is_wide(design)
    rows, m = (X.T if wide else X).tocsr(), min(X.shape)
    G = np.zeros((m, m))
    add_gram(rows.data, rows.indices, rows.indptr, G)
    G += np.triu(G, 1).T
    if design.X_mean.any():
        root = design.root_weight.astype(np.float64)
        if wide:  # centring is the projection I - uu', applied from both sides
            u = root / np.linalg.norm(root)
            v = G @ u
            v -= u * ((u @ v) / 2)
            G -= np.outer(u, v) + np.outer(v, u)
        else:
            mean = np.linalg.norm(root) * design.X_mean
            G -= np.outer(mean, mean)
    return G.astype(X.dtype, copy=False)


def sparse_keeps_digits(design, G):
    """Whether the Gram matrix of a sparse X, centred after the product, has kept its digits."""
    if not sparse.issparse(design.X) or not design.X_mean.any():
        return True
    weight = float(design.root_weight.astype(np.float64) @ design.root_weight)
    removed = weight * design.X_mean.astype(np.float64) ** 2
    if is_wide(design):
        return keeps_digits(np.trace(G), removed.sum())
    return keeps_digits(G.diagonal(), removed)
