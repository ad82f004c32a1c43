"""Products of the features with several vectors at once, as multi-task models need them."""

import numpy as np

from skreg._solvers.threads import split


class TaskProducts:
    """The columns root (X - shift) of `features.Features`, times matrices."""

    def __init__(self, features):
        self.features, self.shape = features, features.shape
        self.dense = not features.sparse
        self.whole = features.whole
        self.square_norms = features.square_norms
        self.column_norms = np.sqrt(self.square_norms)

    def gradient(self, R, which=None):
        """Xc'R (p, t) for R (n, t), or the rows `which` of it, in float64.

        All products are summed in the type of X, which is not copied, some in float64.
        """
        X, shift, constant = self.features.X, self.features.shift, self.features.constant
        V = R if self.features.root is None else self.features.root[:, None] * R
        taken = V.sum(axis=0)
        if which is not None:
            X, shift, constant = X[:, which].astype(np.float64), shift[which], constant[which]
        V = V.astype(X.dtype, copy=False)
        if not self.dense:
            out = X.T @ V
        elif X.flags.f_contiguous:
            work = 2 * X.size * V.shape[1]
            out = np.concatenate(split(lambda a, b: X[:, a:b].T @ V, X.shape[1], work))
        else:
            out = sum(split(lambda a, b: X[a:b].T @ V[a:b], len(X), 2 * X.size * V.shape[1]))
        out = out.astype(np.float64, copy=False)
        if shift.any():
            out -= np.multiply.outer(shift, taken)
        out[constant] = 0
        return out

    def gram(self, Y):
        """The whole Gram matrix and the products with Y (p, t)."""
        gram, first = self.features.gram_and_products(Y[:, 0])
        others = self.gradient(Y[:, 1:])
        return np.ascontiguousarray(gram, dtype=np.float64), np.column_stack([first, others])

    def columns(self, which):
        """Some columns, each a row of a dense array (k, n)."""
        block = self.features.block(which)
        if self.dense:
            return np.ascontiguousarray(block.T)
        out = block.toarray().T
        shift = self.features.shift[which]
        if shift.any():
            out -= np.multiply.outer(shift, self.features.root_weight)
        out[self.features.constant[which]] = 0
        return np.ascontiguousarray(out)

    def residual(self, Y, support, W):
        """Y - Xc[:, support] W for W (k, t)."""
        features = self.features
        if not len(support):
            return Y.copy()
        fit = features.X[:, support].astype(np.float64) @ W - features.shift[support] @ W
        return Y - (fit if features.root is None else features.root[:, None] * fit)
