"""K-fold cross-validation of ridge and its kin without a refit from the data.

Where n > p, a fold is known by its moments: those of its training samples are the total without
the samples left out (`Moments` subtract), their eigenvalues give the coefficients of all alphas
at once, and these meet the test samples in their moments,

    sum_i v_i (y_i - b - x_i'w)^2 = yy - 2 w'Xy + w'XX w + V (dy - dx'w)^2,

with yy, Xy, XX about the means of the test samples, V their weight and dy, dx the distances of
these means from those of the training samples. The cost of a fold is O(p^3 + p^2 A) for A alphas.

Where n <= p, one XX' serves all folds: rows and columns of the training samples, centred by their
own weighted means, give the spectrum and the dual coefficients, O(n^3 + n^2 A) a fold.

Subtraction, like centring, loses the digits by which the rest is smaller than the whole; where
that is more than one digit, or the spectrum of a fold is not to be had from products to full
precision (see `factorization`), the rows of its training samples are looked at once more.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy import sparse

from skreg._solvers.design import defer, weighted_mean
from skreg._solvers.direct import closely, has_cheap_gram
from skreg._solvers.eigen import HARMLESS
from skreg._solvers.factorization import decompose, from_moments, from_outer_gram
from skreg._solvers.filters import tikhonov
from skreg._solvers.moments import Moments, moments
from skreg._solvers.products import smaller_gram, sparse_keeps_digits
from skreg._solvers.resolvent import resolvent, solutions
from skreg._solvers.spectrum import (
    Spectrum,
)

FEW = 6  # alphas whose Cholesky factors cost less than one tridiagonal form
SOME = 20  # alphas for which conjugate gradients on sparse data cost less than a dense matrix
KEPT = 2**26  # entries that the folds may hold, where that is more than X: 512 MB
REST = 0.1  # smallest share of the whole that may be left by a subtraction


@dataclass(frozen=True, eq=False)
class Samples:
    """The data, without samples of weight zero, and what is fitted to them."""

    X: np.ndarray | sparse.sparray
    y: np.ndarray  # (n, t)
    weight: np.ndarray | None
    fit_intercept: bool = True
    filter: object = tikhonov

    def targets(self, rows):
        """float64 targets and weights (or None) of some samples."""
        y = self.y[rows].astype(np.float64, copy=False)
        return y, None if self.weight is None else self.weight[rows]

    def moments(self, rows=None):
        """Moments of some samples, or of all."""
        return moments(self.X, self.y, self.weight, fit_intercept=self.fit_intercept, rows=rows)


class Fold:
    """What the coefficients of training samples make of test samples.

    `coef` takes alphas (n_alphas,) or (n_alphas, n_targets) and returns (n_alphas, n_targets, p).
    """

    def __init__(self, samples, test, coef, X_mean, y_mean, test_moments=None):
        self.samples, self.test, self.coef = samples, test, coef
        self.X_mean, self.y_mean, self.moments = X_mean, y_mean, test_moments

    def predictions(self, alphas):
        """Predictions for the test samples, (n_test, n_alphas, n_targets)."""
        W = self.coef(alphas)
        flat = W.reshape(-1, W.shape[-1])
        intercept = self.y_mean - (flat @ self.X_mean).reshape(W.shape[:2])
        return (self.samples.X[self.test] @ flat.T).reshape(-1, *W.shape[:2]) + intercept

    def squares(self, alphas):
        """Weighted sums of squared errors on the test samples, (n_alphas, n_targets)."""
        if self.moments is not None:
            fast = self.moments.squared_errors(self.coef(alphas), self.X_mean, self.y_mean)
            if fast is not None:
                return fast
        y, weight = self.samples.targets(self.test)
        errors = y[:, None, :] - self.predictions(alphas)
        weight = np.ones(len(y)) if weight is None else weight
        return np.einsum("i,iat->at", weight, errors**2)


class KernelFold(Fold):
    """The same where the training samples are known by their products with all samples.

    `coef` gives dual coefficients, (n_alphas, n_targets, n_train). `cross` are the products with
    the test samples, `u` their weighted means over the training samples.
    """

    def __init__(self, samples, test, coef, cross, root, u, y_mean):
        super().__init__(samples, test, coef, None, y_mean)
        self.cross, self.root, self.u = cross, root, u

    def predictions(self, alphas):
        """Predictions for the test samples, (n_test, n_alphas, n_targets)."""
        dual = self.coef(alphas)
        flat = dual.reshape(-1, len(self.root)).T
        if self.samples.fit_intercept:  # centred samples know nothing along this direction
            flat = flat - np.outer(self.root, (self.root @ flat) / (self.root @ self.root))
        flat = flat * self.root[:, None]
        fit = self.cross @ flat - self.u @ flat
        return fit.reshape(len(self.cross), *dual.shape[:2]) + self.y_mean


def dual_coef(spectrum, alphas):
    """U (phi z / s^2), the dual coefficients (n_alphas, n_targets, n_train)."""
    return (spectrum.factors(alphas)[0] * (spectrum.z.T / spectrum.s) / spectrum.s) @ spectrum.U.T


class Folds:
    """The folds of some splits, made when asked for, and kept where they take no more than X.

    `alphas` are those that will be asked for, where they are few; else None.
    """

    def __init__(self, samples, splits, alphas=None):
        self.samples, self.splits, self.alphas = samples, splits, alphas
        n, p = samples.X.shape
        self.small = len(splits) * min(n, p) ** 2 <= max(n * p, KEPT)
        self.kept = {}

    def fold(self, k, alpha):
        """Fold k, for alphas of at least that."""
        lowest, fold = self.kept.get(k, (np.inf, None))
        if alpha >= lowest:
            return fold
        fold = self._make(k, alpha)
        if self.small:
            self.kept[k] = alpha, fold
        return fold

    def losses(self, judge):
        """Functions alphas -> judge(k, fold, alphas), one a split."""

        def loss(k, alphas):
            return judge(k, self.fold(k, np.min(alphas)), alphas)

        return [partial(loss, k) for k in range(len(self.splits))]

    def _solutions(self, G, B):
        """What gives coefficients of the few alphas of ridge, or None."""
        few = self.alphas is not None and self.samples.filter is tikhonov
        return solutions(G, B, self.alphas) if few else None

    def _by_rows(self, k):
        """The fold by singular values of its training samples, to be judged by rows as well."""
        train, test = self.splits[k]
        y, weight = self.samples.targets(train)
        X = self.samples.X[train]
        design = defer(X, y, weight, fit_intercept=self.samples.fit_intercept)
        spectrum = decompose(design, exact=True, filter=self.samples.filter)
        return Fold(self.samples, test, spectrum.coef, design.X_mean, design.y_mean)


class MomentFolds(Folds):
    """Folds of data with more samples than features."""

    def __init__(self, samples, splits, alphas=None):
        super().__init__(samples, splits, alphas)
        # Test samples that make up the whole are read once, the total being their sum.
        self.parts = None
        if self.small and is_partition(splits, samples.X.shape[0]):
            self.parts = [samples.moments(test) for _, test in splits]
            self.total = sum(self.parts[1:], self.parts[0])
        else:
            self.total = samples.moments()

    def _make(self, k, alpha):
        test = self.splits[k][1]
        held_out = self.test_moments(k)
        known = self.train_moments(k, held_out)
        source = self._solutions(known.XX, known.Xy)
        regular = self.samples.filter is tikhonov and known.n_samples > known.XX.shape[0]
        if source is None and regular:
            source = resolvent(known.XX.copy(), known.Xy, alpha)
        if source is None:
            source = from_moments(known, alpha, filter=self.samples.filter)
        if source is None:
            return self._by_rows(k)
        return Fold(self.samples, test, source.coef, known.X_mean, known.y_mean, held_out)

    def test_moments(self, k):
        """Moments of the test samples."""
        return self.samples.moments(self.splits[k][1]) if self.parts is None else self.parts[k]

    def train_moments(self, k, held_out):
        """Moments of the training samples: the total without others, as far as digits allow.

        `held_out` are those of the test samples.
        """
        (train, test), n = self.splits[k], self.samples.X.shape[0]
        left_out, tested = np.ones(n, bool), np.zeros(n, bool)
        left_out[train], tested[test] = False, True
        count = np.count_nonzero(left_out)
        if count + len(train) != n or count > n // 2:  # repeated samples, or few
            return self.samples.moments(train)
        if count != len(test) or not np.array_equal(left_out, tested):
            held_out = self.samples.moments(np.flatnonzero(left_out))
        rest = self.total - held_out
        return rest if keeps_digits(rest, self.total) else self.samples.moments(train)


class GramFolds(Folds):
    """Folds of data with at least as many features as samples."""

    def __init__(self, samples, splits, alphas=None):
        super().__init__(samples, splits, alphas)
        X = samples.X
        design = defer(X, samples.y, fit_intercept=samples.fit_intercept).in_double_precision()
        with np.errstate(over="ignore", invalid="ignore"):
            self.gram = smaller_gram(design)
            if not sparse_keeps_digits(design, self.gram):
                design = defer(X.toarray(), samples.y, fit_intercept=samples.fit_intercept)
                self.gram = smaller_gram(design.in_double_precision())

    def _make(self, k, alpha):
        train, test = self.splits[k]
        y, weight = self.samples.targets(train)
        G = self.gram[np.ix_(train, train)].astype(np.float64, copy=False)
        with np.errstate(over="ignore", invalid="ignore"):
            coef, root, u, y_mean = self._coef(G, y, weight, alpha)
        if coef is None:
            return self._by_rows(k)
        cross = self.gram[np.ix_(test, train)]
        return KernelFold(self.samples, test, coef, cross, root, u, y_mean)

    def _coef(self, G, y, weight, alpha):
        """What gives dual coefficients of training samples with the products G, or None; roots of
        weights, their mean product, and mean target. G is overwritten."""
        samples, n = self.samples, len(y)
        weight = np.ones(n) if weight is None else weight.astype(np.float64)
        root, share, size = np.sqrt(weight), weight / weight.sum(), np.trace(G)
        u, y_mean = np.zeros(n), np.zeros(y.shape[1])
        if samples.fit_intercept:
            u, y_mean = G @ share, share @ y
            G -= u
            G -= (u - share @ u)[:, None]
            y = y - y_mean
        digits = np.trace(G) >= REST * size
        G *= root
        G *= root[:, None]
        coef, y, free = None, y * root[:, None], int(samples.fit_intercept)
        # Dual coefficients are y over eigenvalues; their squares must not overflow.
        digits &= np.abs(y).max() < np.trace(G) / n * HARMLESS * np.sqrt(np.finfo(float).max)
        if digits and self.alphas is not None:
            # Along the roots of the weights, where G is zero and y too, anything will do.
            shift = free * np.trace(G) / n / weight.sum()
            found = self._solutions(G + shift * np.outer(root, root), y)
            coef = None if found is None else found.coef
        if digits and coef is None and samples.filter is tikhonov:
            found = resolvent(G.copy(), y, alpha, nulls=free)
            coef = None if found is None else found.coef
        if digits and coef is None:
            frame = Spectrum(None, None, None, n, free, samples.filter, y=y)
            spectrum = from_outer_gram(G, frame, alpha)
            coef = None if spectrum is None else partial(dual_coef, spectrum)
        return coef, root, u, y_mean


class SparseFolds(Folds):
    """Folds of sparse data of which no Gram matrix is cheap: by conjugate gradients."""

    def _make(self, k, alpha):
        train, test = self.splits[k]
        y, weight = self.samples.targets(train)
        X = self.samples.X[train].astype(np.float64)  # before weights could round it
        design = defer(X, y, weight, fit_intercept=self.samples.fit_intercept)

        def coef(alphas):
            each = np.broadcast_to(
                np.reshape(alphas, (len(alphas), -1)), (len(alphas), y.shape[1])
            )
            return np.array([closely(design, row).coef for row in each])

        return Fold(self.samples, test, coef, design.X_mean, design.y_mean)


def keeps_digits(rest: Moments, total: Moments):
    """Whether no sum of squares has become much smaller by a subtraction."""
    return np.trace(rest.XX) >= REST * np.trace(total.XX) and np.all(rest.yy >= REST * total.yy)


def is_partition(splits, n):
    """Whether every sample is a test sample once."""
    tests = np.concatenate([test for _, test in splits])
    return len(tests) == n and np.all(np.bincount(tests, minlength=n) == 1)


def folds_of(samples, splits, alphas=None):
    """The folds of splits, index arrays (train, test), by the smaller product.

    `alphas` are the penalties that will be asked for, where these are known.
    """
    n, p = samples.X.shape
    count = np.inf if alphas is None else len(np.unique(alphas))
    ridge = samples.filter is tikhonov
    if ridge and count <= SOME and sparse.issparse(samples.X) and not has_cheap_gram(samples.X):
        return SparseFolds(samples, splits)
    return (MomentFolds if n > p else GramFolds)(samples, splits, alphas if count <= FEW else None)


def r2_losses(fold, alphas, *, per_target):
    """Minus R^2 on the test samples, (n_alphas, n_targets) or its mean over targets (n_alphas, 1).

    A constant target counts as 1 where it is met exactly, else as 0.
    """
    y, weight = fold.samples.targets(fold.test)
    mean = np.where(np.ptp(y, axis=0) == 0, y[0], weighted_mean(y, weight))
    total = np.average(np.square(y - mean), axis=0, weights=weight)
    total *= len(y) if weight is None else weight.sum(dtype=np.float64)
    squares = fold.squares(alphas)
    constant = np.where(squares == 0, -1.0, 0.0)
    loss = np.where(total > 0, squares / np.where(total > 0, total, 1) - 1, constant)
    return loss if per_target else loss.mean(axis=1, keepdims=True)
