"""Cross-validation of sparse linear models: each fold and each mix of penalties is one path.

With the coefficients W_a (p, t) and the intercept b_a that alpha a gives on the training samples
of fold k, the error on its test samples is

    e_ak = sum_i v_i ||y_i - b_a - W_a'x_i||^2 / (t sum_i v_i).

One set of folds serves all alphas and mixes. Paths run in threads beside each other, and none of
them copies X: a fold is a choice of rows. Where the moments of its test samples are known, these
give the errors. Else predictions need the columns of the support only; those of a stretch of the
path are gathered block by block, so that one product of matrices serves many alphas. A path costs
its walk and O(n_test k) for each alpha with k coefficients, by moments O(p^2); the memory of all
points of a path is that of their nonzero coefficients.
"""

import threading
from typing import NamedTuple

import numpy as np
from scipy import sparse

from skreg._solvers.sparse_folds import features_of_folds
from skreg._solvers.threads import is_given_up, side_by_side

BLOCK = 2**20  # numbers gathered from X at a time: 8 MB
STRETCH = 2**22  # coefficients of a stretch of a path laid out as one matrix: 32 MB


class Samples(NamedTuple):
    """The data, as the estimator has checked them."""

    X: np.ndarray | sparse.sparray  # (n, p), a sparse one in CSC format
    Y: np.ndarray  # (n,) or (n, t), float64
    weight: np.ndarray | None  # (n,)
    fit_intercept: bool


class Fold(NamedTuple):
    """The training samples of a fold, and which samples test it."""

    features: object  # Features of the training samples
    target: np.ndarray  # like Y, centred and weighted
    y_mean: np.ndarray  # (t,)
    test: np.ndarray | slice
    held_out: object  # Moments of the test samples, or None
    lock: threading.Lock  # held by the path that forms what all paths of the fold share


class PathErrors(NamedTuple):
    """What a walk on one fold is judged by."""

    mse: np.ndarray  # (n_alphas,)
    unsolved: int  # points that did not converge
    gap: float  # the largest gap among these, over the weight of the samples


def centred_targets(features, Y):
    """Targets (n,) or (n, t), each centred and weighted as `features` are, and their means."""
    if Y.ndim == 1:
        target, mean = features.target(Y)
        return target, np.array([mean])
    pairs = [features.target(y) for y in Y.T]
    return np.column_stack([target for target, _ in pairs]), np.array([mean for _, mean in pairs])


def total_weight(features):
    """The sum of the weights of the samples."""
    return float(features.root_weight @ features.root_weight)


def make_folds(samples, splits):
    """The features of all samples, and a `Fold` for each pair of index arrays (train, test)."""
    X, Y, weight, fit_intercept = samples
    features, parts, held_out = features_of_folds(
        X, Y, weight, splits, fit_intercept=fit_intercept
    )
    return features, [
        Fold(part, *centred_targets(part, Y), as_slice(test), known, threading.Lock())
        for part, (_, test), known in zip(parts, splits, held_out, strict=True)
    ]


def as_slice(indices):
    """Consecutive indices as a slice, which numpy follows without a copy; others as they are."""
    n = len(indices)
    if n and indices[-1] - indices[0] == n - 1 and np.all(np.diff(indices) == 1):
        return slice(int(indices[0]), int(indices[-1]) + 1)
    return indices


# Test errors ------------------------------------------------------------------------------------


def path_errors(samples, fold, points):
    """The `PathErrors` of the points of a walk on a fold."""
    pieces, pending = [], []
    unsolved, largest = 0, 0.0
    entered = np.zeros(samples.X.shape[1], bool)
    for point in begun(points, fold.lock):
        if is_given_up():
            break
        if not point.converged:
            unsolved, largest = unsolved + 1, max(largest, point.gap)
        pending.append(point)
        entered[point.support] = True
        if len(pending) * np.count_nonzero(entered) * samples.Y[0].size >= STRETCH:
            pieces.append(squared_errors(samples, fold, pending, np.flatnonzero(entered)))
            pending, entered[:] = [], False
    if pending:
        pieces.append(squared_errors(samples, fold, pending, np.flatnonzero(entered)))
    return PathErrors(np.concatenate(pieces), unsolved, largest / total_weight(fold.features))


def begun(points, lock):
    """The points, the first of them found by one path at a time."""
    points = iter(points)
    with lock:
        first = next(points)
    yield first
    yield from points


def squared_errors(samples, fold, points, support):
    """Mean squared errors (n_points,) of points whose coefficients all lie in the support."""
    n_targets = samples.Y.reshape(len(samples.Y), -1).shape[1]
    coef = laid_out(points, support, n_targets)
    if fold.held_out is not None:
        test, n_features = fold.held_out, samples.X.shape[1]
        W = np.zeros((len(points), n_targets, n_features))
        W[:, :, support] = coef.reshape(-1, *W.shape[:2]).transpose(1, 2, 0)
        squares = test.squared_errors(W, fold.features.X_mean, fold.y_mean)
        if squares is not None:
            return squares.mean(axis=1) / test.weight
    return errors_of_rows(samples, fold, coef, support)


def errors_of_rows(samples, fold, coef, support):
    """The same from the test samples themselves."""
    X, Y, weight, _ = samples
    Y = Y.reshape(len(Y), -1)
    n_targets, n_points = Y.shape[1], coef.shape[1] // Y.shape[1]
    mean = fold.features.X_mean[support].astype(np.float64, copy=False)
    if sparse.issparse(X):
        X = X[:, support]
    total, errors = 0.0, np.zeros(n_points)
    for rows in blocks(fold.test, max(len(coef), n_targets * n_points)):
        if sparse.issparse(X):
            fitted = X[rows] @ coef - mean @ coef
        else:
            fitted = (columns(X, rows, support) - mean) @ coef
        residual = (Y[rows] - fold.y_mean)[:, None] - fitted.reshape(-1, n_points, n_targets)
        if weight is None:
            total += len(residual)
            errors += np.einsum("iat,iat->a", residual, residual)
        else:
            v = weight[rows].astype(np.float64, copy=False)
            total += v.sum()
            errors += np.einsum("i,iat,iat->a", v, residual, residual)
    return errors / (total * n_targets)


def laid_out(points, support, n_targets):
    """The coefficients of all points beside each other, (len(support), n_points * n_targets)."""
    coef = np.zeros((len(support), len(points), n_targets))
    for a, point in enumerate(points):
        rows = np.searchsorted(support, point.support)
        coef[rows, a] = point.coef.reshape(-1, n_targets)
    return coef.reshape(len(support), len(points) * n_targets)


def blocks(rows, width):
    """Parts of some rows that hold `BLOCK` numbers in that many columns."""
    step = max(64, BLOCK // max(1, width))
    if isinstance(rows, slice):
        edges = range(rows.start, rows.stop, step)
        return [slice(start, min(start + step, rows.stop)) for start in edges]
    return [rows[start : start + step] for start in range(0, len(rows), step)]


def columns(X, rows, support):
    """Some rows of the columns of a support of a dense X, gathered along its memory."""
    if len(support) == X.shape[1]:
        return X[rows]
    if X.flags.f_contiguous and not isinstance(rows, slice):
        return X[:, support][rows]
    return X[rows][:, support]


# The choice -------------------------------------------------------------------------------------


def standard_error(values):
    """The standard error (...) of the mean over the last axis, None for a single value."""
    n = values.shape[-1]
    return None if n == 1 else values.std(axis=-1, ddof=1) / np.sqrt(n)


def choose(mse, how="min"):
    """The best candidate: its row and its place in a row of decreasing alphas.

    mse (n_rows, n_alphas, n_folds) holds the errors. "min" takes the least mean error, of equal
    ones the first; "one_se" in the same row the largest alpha whose mean error is within one
    standard error of the least one (Breiman, Friedman, Olshen and Stone, "Classification and
    Regression Trees", 1984, section 3.4.3).
    """
    mean = mse.mean(axis=-1)
    mean = np.where(np.isnan(mean), np.inf, mean)
    row, index = np.unravel_index(mean.argmin(), mean.shape)
    if how == "one_se":
        limit = mean[row, index] + standard_error(mse)[row, index]
        index = np.argmax(mean[row] <= limit)
    return int(row), int(index)


# Folds side by side -----------------------------------------------------------------------------


class Ahead:
    """The points of a walk, kept as they come, so that it can be taken up again."""

    def __init__(self, points):
        self.points, self.kept = iter(points), []

    def __getitem__(self, index):
        while len(self.kept) <= index:
            self.kept.append(next(self.points))
        return self.kept[index]

    def __iter__(self):
        index = 0
        while True:
            try:
                yield self[index]
            except StopIteration:
                return
            index += 1

    def walk_until(self, enough):
        """Go on until that event, or to the end."""
        for point in self.points:
            self.kept.append(point)
            if enough.is_set() or is_given_up():
                break


def cross_validate(samples, folds, walks, *, threads, ahead=None):
    """`PathErrors` of each walk on each fold: a list of lists, one for each walk.

    Parameters
    ----------
    samples : Samples
    folds : list of Fold
    walks : list of functions (k, fold) -> iterator of points on `Fold` number k
    threads : int, how many paths may run at a time
    ahead : None or Ahead, a walk that goes on while a thread has nothing else to do
    """
    tasks = [
        lambda walk=walk, k=k, fold=fold: path_errors(samples, fold, walk(k, fold))
        for walk in walks
        for k, fold in enumerate(folds)
    ]
    found = side_by_side(tasks, threads, None if ahead is None else ahead.walk_until)
    return [found[start : start + len(folds)] for start in range(0, len(found), len(folds))]
