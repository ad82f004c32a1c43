"""The features of centred, weighted data, one by one or all at once; X itself stays as it is.

The columns are those of sqrt(v) (X - mean). Residuals are centred too, so the products with all of
them are X'(sqrt(v) r), and X is neither copied nor made dense. A row of weight zero is left out:
that is how the training data of a fold are made. Only where means are so large beside deviations
that products would lose digits, a dense X is centred in a copy.
"""

from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy import sparse

from skreg._kernels.sparse_columns import column_products, column_sums
from skreg._solvers.design import Design, canonical, centred, constant_columns, weighted_mean
from skreg._solvers.products import VISIBLE, gram_and_correlation
from skreg._solvers.scaling import unit
from skreg._solvers.threads import READ, split

WHOLE = 1500  # features whose whole Gram matrix is formed, where there are as many samples
BLOCK = 2**18  # entries looked at at a time
SPARSE_READ = 2 * READ  # multiply-adds that take as long as an entry of a sparse column


class Columns(NamedTuple):
    """A matrix as the kernels walk over it; see skreg/_kernels/columns.pxd."""

    data: np.ndarray
    rows: np.ndarray
    starts: np.ndarray

    @classmethod
    def of(cls, A):
        """The columns of a Fortran-ordered array or a CSC matrix, without a copy."""
        if sparse.issparse(A):
            return cls(A.data, A.indices, A.indptr)
        starts = np.arange(A.shape[1] + 1, dtype=np.int64) * A.shape[0]
        return cls(A.ravel(order="K"), np.empty(0, np.int64), starts)


class Features:
    """The columns root (X - shift), X being the data over `scale`, dense or CSC."""

    gram = known = None  # the Gram matrix; pairs of a target and the products with it

    def __init__(self, X, weight, fit_intercept, scale, shift, constant):
        self.X = self.original = X
        self.shape, self.dtype, self.scale = X.shape, X.dtype, scale
        self.weight, self.fit_intercept = weight, fit_intercept
        self.sparse = sparse.issparse(X)
        n = X.shape[0]
        self.root_weight = np.ones(n) if weight is None else np.sqrt(weight, dtype=np.float64)
        self.root = None if weight is None else self.root_weight
        self.shift, self.constant, self.X_mean = shift, constant, shift * scale

    @classmethod
    def of(cls, X, weight=None, *, fit_intercept=True, scale=None):
        """The features of X: dense in either order, CSC or CSR; rows of weight 0 are left out.

        `scale` is the unit of X, where it is known.
        """
        if sparse.issparse(X):
            X = canonical(X.tocsc())
        scale = unit(X) if scale is None else scale
        if np.isnan(scale):  # of data that were not checked
            raise ValueError(
                "X contains NaN or infinity: leave check_input at True to learn which, and impute "
                "or drop them."
            )
        if scale != 1:
            X = X * X.dtype.type(1 / scale)
        return cls.in_range(X, weight, fit_intercept, scale)

    @classmethod
    def in_range(cls, X, weight, fit_intercept, scale):
        """The features of an X whose squares stay within the range of numbers."""
        shift, constant = np.zeros(X.shape[1]), np.zeros(X.shape[1], bool)
        if fit_intercept:
            shift, constant = weighted_mean(X, weight), constant_columns(X, weight)
        found = cls(X, weight, fit_intercept, scale, shift, constant)
        if fit_intercept:
            lost = found.losing_digits()
            if found.sparse and len(lost):
                found.centre_some(lost)
            elif len(lost):
                found.centre()
        return found

    @classmethod
    def from_moments(cls, X, Y, weight, moments):
        """The features of X with their moments with the targets Y (n, t) known."""
        norm = moments.XX.diagonal()
        found = cls(X, weight, moments.fit_intercept, 1.0, moments.X_mean, norm == 0)
        found.gram = moments.XX
        found.known = [(found.target(y)[0], Xy) for y, Xy in zip(Y.T, moments.Xy.T, strict=True)]
        return found

    def with_weight(self, weight):
        """The features of the same X with other weights of the rows."""
        return type(self).in_range(self.original, weight, self.fit_intercept, self.scale)

    @property
    def whole(self):
        """Whether the whole Gram matrix is worth its cost."""
        fewest = min(np.count_nonzero(self.root_weight), WHOLE)
        return self.gram is not None or self.shape[1] < fewest

    def losing_digits(self):
        """The columns whose products, as they are, do not tell those of the centred ones."""
        total = self.root_weight @ self.root_weight
        left = self.square_norms < VISIBLE * total * self.shift**2
        return np.flatnonzero(left & ~self.constant)

    def centre(self):
        """Centre and weigh a copy of a dense X."""
        self.X = centred(self.X, self.shift, self.root_weight, order="F")
        self.root, self.shift = None, np.zeros(self.shape[1])
        self._forget()

    def centre_some(self, which):
        """Centre columns of a copy of a sparse X: with such means they have hardly any zeros."""
        rest = np.delete(np.arange(self.shape[1]), which)
        columns = self.X[:, which].toarray().astype(np.float64) - self.shift[which]
        parts = [self.X[:, rest].astype(np.float64), sparse.csc_array(columns)]
        place = np.argsort(np.concatenate([rest, which]))
        self.X = canonical(sparse.hstack(parts, format="csc")[:, place])
        self.dtype, self.shift = self.X.dtype, self.shift.copy()
        self.shift[which] = 0
        self._forget()

    def _forget(self):
        """What was known of the columns holds no more."""
        for name in ("square_norms", "columns", "_sparse_sums"):
            vars(self).pop(name, None)

    def target(self, y):
        """The target (n,), centred and weighted, and its mean."""
        y, mean = y.astype(np.float64), 0.0
        if self.fit_intercept:
            column = y[:, None]
            mean = float(weighted_mean(column, self.weight)[0])
            if constant_columns(column, self.weight)[0]:
                mean = float(y[np.argmax(self.root_weight > 0)])  # without rounding
            y = y - mean
        return self.root_weight * y, mean

    @cached_property
    def square_norms(self):
        """Squared norms of the columns (p,), in float64; 0 where they are rounding."""
        if self.gram is not None:
            return self.gram.diagonal().copy()
        raw = self._raw_square_norms()
        total = self.root_weight @ self.root_weight
        out = raw - total * self.shift**2
        out[(out <= 10 * np.finfo(np.float64).eps * raw) | self.constant] = 0
        return out

    @cached_property
    def _sparse_sums(self):
        """Of sparse columns: sums of the squares of root X, and of the sizes of X."""
        p = self.shape[1]
        squares, sizes = np.empty(p), np.empty(p)
        weight = np.empty(0) if self.root is None else self.root**2

        def work(start, stop):
            column_sums(*self.columns, weight, start, squares[start:stop], sizes[start:stop])

        split(work, p, SPARSE_READ * self.X.nnz)
        return squares, sizes

    @property
    def sum_norms(self):
        """Sums of the sizes of the entries of sparse columns, (p,); nothing for dense ones."""
        return self._sparse_sums[1] if self.sparse else np.empty(0)

    def farthest(self, r):
        """The largest entry of r as sparse columns meet it."""
        if not self.sparse:
            return 0.0
        v = r if self.root is None else self.root * r
        # What the means take off is nothing but rounding, which the norms' bound allows for too.
        return max(v.max(initial=0), -v.min(initial=0)) * (1 + 1e-9)

    def _raw_square_norms(self):
        """Squared norms of the columns root X."""
        X, weight = self.X, None if self.root is None else self.root**2
        if self.sparse:
            return self._sparse_sums[0]

        def squares(part, v):
            scaled = part if v is None else part * v[:, None]
            return np.einsum("ij,ij->j", part, scaled, dtype=np.float64)

        if X.flags.f_contiguous:
            step = max(1, BLOCK // len(X))

            def work(start, stop):
                edges = range(start, stop, step)
                return [squares(X[:, a : min(a + step, stop)], weight) for a in edges]

            parts = split(work, X.shape[1], READ * X.size)
            return np.concatenate([one for part in parts for one in part] or [np.empty(0)])
        step = max(1, BLOCK // X.shape[1])

        def work(start, stop):
            blocks = (slice(a, min(a + step, stop)) for a in range(start, stop, step))
            return sum(squares(X[b], None if weight is None else weight[b]) for b in blocks)

        return sum(split(work, len(X), READ * X.size))

    # Products ----------------------------------------------------------------------------------

    @cached_property
    def columns(self):
        """What the kernels read, or None where columns are not contiguous."""
        return Columns.of(self.X) if self.sparse or self.X.flags.f_contiguous else None

    def weighed(self, r):
        """What X' is multiplied with for the products with r, and what the means take off."""
        v = r if self.root is None else self.root * r
        taken = self.shift * v.sum() if self.shift.any() else self.shift
        return v.astype(self.dtype, copy=False), taken

    def gradient(self, r):
        """The products with r (n,), (p,) in float64: one pass over X."""
        X, (v, taken) = self.X, self.weighed(r)
        if self.sparse:
            out, v = np.empty(X.shape[1]), v.astype(np.float64, copy=False)

            def work(start, stop):
                column_products(*self.columns, v, start, out[start:stop])

            split(work, len(out), SPARSE_READ * X.nnz)
        elif X.flags.f_contiguous:
            out = np.concatenate(split(lambda a, b: X[:, a:b].T @ v, X.shape[1], 2 * X.size))
        else:
            out = sum(split(lambda a, b: X[a:b].T @ v[a:b], len(X), 2 * X.size))
        out = out.astype(np.float64, copy=False) - taken
        out[self.constant] = 0
        return out

    def residual(self, y, support, coef):
        """y - the fit of some columns: coef (k,) for X / scale."""
        X = self.X
        if self.sparse:
            w = np.zeros(self.shape[1])
            w[support] = coef
            fit = X @ w
        else:
            fit = X[:, support] @ coef
        fit = fit - self.shift[support] @ coef
        return y - (fit if self.root is None else self.root * fit)

    def residual_and_gradient(self, y, w):
        """The residual (n,) of all columns, w (p,) for X / scale, and the products with it (p,).

        One pass over a dense X, in float64.
        """
        if self.sparse:
            support = np.flatnonzero(w)
            r = self.residual(y, support, w[support])
            return r, self.gradient(r)
        X, r, fit = self.X, np.empty(len(y)), self.shift @ w
        step = max(1, BLOCK // X.shape[1])

        def work(start, stop):
            products, total = np.zeros(X.shape[1]), 0.0
            for a in range(start, stop, step):
                rows = slice(a, min(a + step, stop))
                part = X[rows].astype(np.float64, copy=False)
                root = self.root_weight[rows]
                r[rows] = y[rows] - root * (part @ w - fit)
                v = root * r[rows]
                products += part.T @ v
                total += v.sum()
            return products - total * self.shift

        out = sum(split(work, len(y), (READ + 2) * X.size))
        out[self.constant] = 0
        return r, out

    def block(self, which, out=None):
        """Some columns: dense ones (n, k) in float64 and Fortran order, or CSC, not centred.

        Dense ones go into `out`, where it is given.
        """
        if self.sparse:
            part = self.X[:, which].astype(np.float64)
            if self.root is None:
                return part
            return sparse.csc_array(sparse.diags_array(self.root) @ part)
        if out is None:
            out = np.empty((self.shape[0], len(which)), order="F")
        out.T[:] = self.X.T[which] if self.X.flags.f_contiguous else self.X[:, which].T
        if self.shift.any():
            out -= self.shift[which]
        if self.root is not None:
            out *= self.root[:, None]
        return out

    def gram_and_products(self, y):
        """The whole Gram matrix, which is kept, and the products with y."""
        for target, products in self.known or ():
            if np.array_equal(y, target):
                return self.gram, products
        if self.gram is not None:
            return self.gram, self.gradient(y)
        X = self.X
        if self.sparse and self.root is not None:
            X = sparse.csc_array(sparse.diags_array(self.root.astype(self.dtype)) @ X)
        root = np.ones(len(y)) if self.root is None else self.root
        # In blocks, which our own threads take: BLAS may have one only.
        design = Design(X, y[:, None], self.shift, np.zeros(1), root, deferred=True)
        if self.sparse:
            design = design.double()
        self.gram, products = gram_and_correlation(design)
        self.gram[self.constant] = self.gram[:, self.constant] = products[self.constant] = 0
        return self.gram, products[:, 0]
