"""Weighted centring: every linear problem here is solved without intercept on centred data.

With weights v_i and V = sum v_i, the intercept that minimizes sum_i v_i (y_i - x_i'w - b)^2 is
b = ybar - xbar'w, the bars being weighted means. What remains is the plain least-squares problem
||yc - Xc w||^2 with rows sqrt(v_i) (x_i - xbar) and sqrt(v_i) (y_i - ybar).
"""

from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, aslinearoperator

from skreg._solvers.threads import READ, split

ROWS = 1024  # looked at at a time for constant columns


class Design(NamedTuple):
    """Centred data, rows scaled by the roots of their weights.

    A dense X is centred and scaled already, unless `deferred`: then it is the user's own, and
    what it stands for is ``root_weight[:, None] * (X - X_mean)``. A sparse X (CSR or CSC,
    canonical: sorted, no duplicates) is scaled but not centred, so as to stay sparse: it stands
    for ``X - outer(root_weight, X_mean)``. `products` multiplies with all of them.
    """

    X: np.ndarray | sparse.sparray
    y: np.ndarray  # (n_samples, n_targets), centred and scaled
    X_mean: np.ndarray  # (n_features,), zeros without intercept
    y_mean: np.ndarray  # (n_targets,)
    root_weight: np.ndarray  # (n_samples,)
    fit_intercept: bool = True
    deferred: bool = False
    location: np.ndarray | None = None  # the means of X, where X_mean holds others for products

    @property
    def n_samples(self):
        """Number of samples with positive weight."""
        return int(np.count_nonzero(self.root_weight))

    @property
    def free(self):
        """Number of directions that centring takes from the samples."""
        return int(self.fit_intercept)

    @property
    def means_of_features(self):
        """The means of X, to which the intercept belongs."""
        return self.X_mean if self.location is None else self.location

    def explicit(self, *, order="K", overwrite=False):
        """The same design with a dense X centred, in place if that is allowed and possible.

        What kernels take with X gets its type; before, that is float64.
        """
        X = self.X
        if self.deferred:
            X = centred(X, self.X_mean, self.root_weight, order=order, overwrite=overwrite)
        vectors = ("y", "X_mean", "root_weight")
        same = {name: getattr(self, name).astype(X.dtype, copy=False) for name in vectors}
        return self._replace(X=X, deferred=False, **same)

    def in_double_precision(self):
        """The same design, whose products are summed in float64 also where X is float32.

        A dense X that needs no centring would else be multiplied as it is.
        """
        return self.double() if sparse.issparse(self.X) else self._replace(deferred=True)

    def double(self):
        """The same design in float64."""
        arrays = {name: a for name, a in self._asdict().items() if hasattr(a, "astype")}
        return self._replace(**{name: a.astype(np.float64) for name, a in arrays.items()})

    def operator(self):
        """The centred design as a linear operator, for a sparse X and one centred already."""
        X, mean, root = self.X, self.X_mean, self.root_weight
        if not sparse.issparse(X):
            return aslinearoperator(X)
        return LinearOperator(
            X.shape,
            dtype=X.dtype,
            matvec=lambda w: X @ w.ravel() - root * (mean @ w.ravel()),
            rmatvec=lambda r: X.T @ r.ravel() - mean * (root @ r.ravel()),
            matmat=lambda W: X @ W - np.outer(root, mean @ W),
            rmatmat=lambda R: X.T @ R - np.outer(mean, root @ R),
        )


def centre(X, y, weight=None, *, fit_intercept=True, order="K", overwrite=False):
    """Return the `Design` of (X, y): dense X (n, p) or sparse, y (n,) or (n, t).

    Neither argument is changed, unless `overwrite` lets a dense, writeable X be centred in place.
    """
    design = defer(X, y, weight, fit_intercept=fit_intercept)
    return design.explicit(order=order, overwrite=overwrite)


def defer(X, y, weight=None, *, fit_intercept=True):
    """Return the `Design` of (X, y) without a copy of a dense X: y and the means suffice."""
    dtype = X.dtype
    y = y.reshape(len(y), -1).astype(np.float64, copy=False)
    root = np.ones(X.shape[0]) if weight is None else np.sqrt(weight, dtype=np.float64)
    X_mean, y_mean = np.zeros(X.shape[1]), np.zeros(y.shape[1])
    location = None
    if fit_intercept:
        X, X_mean, location = settle_constant(X, weight, root)
        y_mean = weighted_mean(y, weight)
        y = y - y_mean
    if weight is not None:
        y = y * root[:, None]
    if not sparse.issparse(X):
        deferred = fit_intercept or weight is not None
        return Design(X, y, X_mean, y_mean, root, fit_intercept, deferred)
    if weight is not None:
        scale = sparse.dia_array((root[None, :].astype(dtype), [0]), shape=(len(root),) * 2)
        X = (scale @ X).asformat(X.format)
    return Design(canonical(X), y, X_mean, y_mean, root, fit_intercept, location=location)


def centred(X, X_mean, root, *, order="K", overwrite=False):
    """root[:, None] * (X - X_mean) of a dense X."""
    out = X if overwrite and X.flags.writeable else np.empty_like(X, order=order)
    np.subtract(X, X_mean, out=out)
    if np.any(root != 1):
        out *= root[:, None]
    return out


def constant_columns(X, weight=None):
    """Which columns hold one value only, on the rows that count; shape (n_features,)."""
    rows = slice(None) if weight is None or weight.all() else weight > 0
    if sparse.issparse(X):
        X = X.tocsr()[rows] if X.format == "coo" else X[rows]
        return X.max(axis=0).toarray().ravel() == X.min(axis=0).toarray().ravel()
    first = X[0] if isinstance(rows, slice) else X[rows.argmax()]
    # A look at one row clears nearly all columns, so that whole ones are rarely read.
    last = X[-1] if isinstance(rows, slice) else X[len(rows) - 1 - rows[::-1].argmax()]
    candidates = np.flatnonzero(first == last)
    for start in range(0, X.shape[0], ROWS):
        if len(candidates) == 0:
            break
        part = X[start : start + ROWS, candidates]
        if not isinstance(rows, slice):
            part = part[rows[start : start + ROWS]]
        candidates = candidates[np.all(part == first[candidates], axis=0)]
    constant = np.zeros(X.shape[1], bool)
    constant[candidates] = True
    return constant


def settle_constant(X, weight, root):
    """Return X, its means for products, and its means if these differ (else None).

    Constant columns are made zero once centred: rounding would leave errors, not to be fitted.
    """
    mean, constant = weighted_mean(X, weight), constant_columns(X, weight)
    if not np.any(mean[constant]):
        return X, mean, None
    first = np.argmax(root > 0)
    if not sparse.issparse(X):
        return X, np.where(constant, X[first], mean), None
    row = X.tocsr()[[first]].toarray()[0]
    X = X.copy()
    X.data[constant[X.tocoo().coords[1]]] = 0
    return X, np.where(constant, 0, mean), np.where(constant, row, mean)


def canonical(X):
    """A sparse X without duplicate entries, sorted, its indices of one type."""
    if not X.has_canonical_format:
        X = X.copy()
        X.sum_duplicates()
    if X.format != "coo" and X.indices.dtype != X.indptr.dtype:
        index = np.result_type(X.indices, X.indptr)
        arrays = X.data, X.indices.astype(index), X.indptr.astype(index)
        X = X.copy()
        X.data, X.indices, X.indptr = arrays
    return X


def weighted_mean(A, weight=None):
    """Column means of a dense or sparse A, in float64 whatever its type."""
    n = A.shape[0]
    weight = np.ones(n) if weight is None else weight.astype(np.float64)

    def total(start, stop):
        part = A[start:stop]
        if sparse.issparse(A) or A.dtype == np.float64:
            return part.T @ weight[start:stop]
        return np.einsum("i,ij->j", weight[start:stop], part, dtype=np.float64)

    totals = [total(0, n)] if sparse.issparse(A) else split(total, n, READ * A.size)
    return sum(totals) / weight.sum()
