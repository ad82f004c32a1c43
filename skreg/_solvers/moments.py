"""Weighted, centred moments: all that least squares needs to know of its samples, in O(p^2).

With weights v_i, their sum V and weighted means, the moments are

    X'X = sum v_i (x_i - xbar)(x_i - xbar)',   X'y and y'y alike.

Those of two sets of samples add up to those of their union, with a correction for the distance
of the means (Chan, Golub, LeVeque, 1983), and subtract again. So a stream of blocks costs no more
memory than one block, and the training samples of a fold are all samples minus those held out.
Because every block is centred by its own means, large means cost no digits.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from skreg._solvers.design import centre, constant_columns, weighted_mean
from skreg._solvers.products import BLOCK, SHORTEST, VISIBLE, keeps_digits
from skreg._solvers.threads import split


@dataclass(frozen=True, eq=False)
class Moments:
    """Moments of some samples; without intercept about zero instead of about the means."""

    n_samples: int  # with positive weight
    weight: float
    X_mean: np.ndarray  # (n_features,)
    y_mean: np.ndarray  # (n_targets,)
    XX: np.ndarray  # (n_features, n_features)
    Xy: np.ndarray  # (n_features, n_targets)
    yy: np.ndarray  # (n_targets,), sums of squares of each target
    fit_intercept: bool = True

    @property
    def free(self):
        """Number of directions that centring takes from the samples."""
        return int(self.fit_intercept)

    @property
    def means_of_features(self):
        """The means of X, to which the intercept belongs."""
        return self.X_mean

    def __add__(self, other):
        """Moments of both sets of samples."""
        if self.weight == 0 or other.weight == 0:
            return other if self.weight == 0 else self
        total = self.weight + other.weight
        return self._combined(other, 1, total, other.weight / total, other.weight)

    def __sub__(self, other):
        """Moments of these samples without those of `other`, which are among them."""
        if other.weight == 0:
            return self
        rest = self.weight - other.weight
        return self._combined(other, -1, rest, -other.weight / rest, other.weight)

    def squared_errors(self, W, X_mean, y_mean):
        """Weighted sums of squared errors (n, n_targets) that coefficients make of these samples.

        W (n, n_targets, n_features) belong to models centred at the means X_mean and y_mean. None
        where the difference of the sums loses too many digits.
        """
        flat = W.reshape(-1, W.shape[-1])
        fitted = np.einsum("kp,kp->k", flat, flat @ self.XX).reshape(W.shape[:2])
        inner = self.yy - 2 * np.einsum("atp,pt->at", W, self.Xy) + fitted
        if not np.all(inner >= VISIBLE * self.yy):
            return None
        shift = (self.y_mean - y_mean) - W @ (self.X_mean - X_mean)
        return inner + self.weight * shift**2

    def _combined(self, other, sign, weight, share, other_weight):
        """Add or take away: the means move by `share` of their distance."""
        dx, dy = other.X_mean - self.X_mean, other.y_mean - self.y_mean
        factor = sign * other_weight * self.weight / weight
        XX = self.XX + sign * other.XX
        if self.fit_intercept:
            XX += np.outer(factor * dx, dx)
        return Moments(
            self.n_samples + sign * other.n_samples,
            weight,
            self.X_mean + share * dx,
            self.y_mean + share * dy,
            XX,
            self.Xy + sign * other.Xy + np.outer(factor * dx, dy),
            self.yy + sign * other.yy + factor * dy * dy,
            self.fit_intercept,
        )


def moments(X, y, weight=None, *, fit_intercept=True, rows=None):
    """Return the `Moments` of (X, y), dense or sparse, or of some of its rows.

    X is read once, block by block, by as many threads as BLAS has. Cost O(n p^2).
    """
    y = y.reshape(len(y), -1)
    n, p = len(y) if rows is None else len(rows), X.shape[1]
    step = max(SHORTEST, BLOCK // max(1, p))

    def work(start, stop):
        total = nothing(p, y.shape[1], fit_intercept)
        for a in range(start, stop, step):
            part = slice(a, min(a + step, stop))
            part = part if rows is None else rows[part]
            v = None if weight is None else weight[part]
            total = total + block_moments(X[part], y[part], v, fit_intercept)
        return total

    parts = split(work, n, n * p * p)
    return sum(parts[1:], parts[0])


def nothing(n_features, n_targets, fit_intercept):
    """The moments of no sample."""
    zeros = np.zeros
    shape = (n_features, n_features), (n_features, n_targets)
    return Moments(
        0,
        0.0,
        zeros(n_features),
        zeros(n_targets),
        zeros(shape[0]),
        zeros(shape[1]),
        zeros(n_targets),
        fit_intercept,
    )


def block_moments(X, y, weight, fit_intercept):
    """Moments of a block that fits in memory twice."""
    n, total = len(y), float(len(y) if weight is None else np.sum(weight, dtype=np.float64))
    if total == 0:
        return nothing(X.shape[1], y.shape[1], fit_intercept)
    count = n if weight is None else int(np.count_nonzero(weight))
    X, y = X.astype(np.float64, copy=False), y.astype(np.float64, copy=False)
    if sparse.issparse(X):
        mean, y_mean, XX, Xy, yc = sparse_products(X.tocsr(), y, weight, fit_intercept)
        if keeps_digits(XX.diagonal(), total * mean**2):
            yy = np.einsum("it,it->t", yc, yc)
            return Moments(count, total, mean, y_mean, XX, Xy, yy, fit_intercept)
        X = X.toarray()
    design = centre(X, y, weight, fit_intercept=fit_intercept)
    mean, y_mean, yc = design.X_mean, design.y_mean, design.y
    XX, Xy = design.X.T @ design.X, design.X.T @ yc
    yy = np.einsum("it,it->t", yc, yc)
    return Moments(count, total, mean, y_mean, XX, Xy, yy, fit_intercept)


def sparse_products(X, y, weight, fit_intercept):
    """Means of X and y, X'X, X'y and the scaled y, centred after the product to stay sparse."""
    root = np.ones(len(y)) if weight is None else np.sqrt(weight, dtype=np.float64)
    mean, y_mean = np.zeros(X.shape[1]), np.zeros(y.shape[1])
    if fit_intercept:
        mean, y_mean = weighted_mean(X, weight), weighted_mean(y, weight)
        constant = constant_columns(X, weight)
        mean[constant] = X[[np.argmax(root > 0)]].toarray()[0, constant]
    yc = root[:, None] * (y - y_mean)
    X = sparse.diags_array(root) @ X
    XX = (X.T @ X).toarray() - np.outer((root @ root) * mean, mean)
    Xy = X.T @ yc
    if fit_intercept:  # a quotient of what rounding left in both would be their coefficient
        XX[constant] = XX[:, constant] = Xy[constant] = 0
    return mean, y_mean, XX, Xy, yc
