"""The training data of folds for sparse models, without copies of X.

A fold is all rows, those held out with weight zero. Where the whole Gram matrix of the features is
formed, those of the folds come by subtraction: the total without the moments of the samples held
out, as far as digits allow. So all folds together read X once.
"""

import numpy as np
from scipy import sparse

from skreg._solvers.design import canonical
from skreg._solvers.features import WHOLE, Features
from skreg._solvers.folds import MomentFolds, Samples
from skreg._solvers.scaling import unit


def features_of_folds(X, Y, weight, splits, *, fit_intercept):
    """The `Features` of all samples, and lists: those of each fold's training samples, and the
    `Moments` of its test samples, where these are known, else None.

    `splits` are pairs of index arrays (train, test).
    """
    counts = [train_weight(train, X.shape[0], weight) for train, _ in splits]
    fewest = min(np.count_nonzero(v) for v in counts)
    if sparse.issparse(X):
        X = canonical(X.tocsc())
    if X.shape[1] >= min(WHOLE, fewest) or unit(X) != 1:
        everything = Features.of(X, weight, fit_intercept=fit_intercept)
        return everything, [everything.with_weight(v) for v in counts], [None] * len(splits)
    Y = Y.reshape(len(Y), -1)
    folds = MomentFolds(Samples(X, Y, weight, fit_intercept), splits)
    everything = Features.from_moments(X, Y, weight, folds.total)
    held_out = [folds.test_moments(k) for k in range(len(splits))]
    parts = [
        Features.from_moments(X, Y, v, folds.train_moments(k, held_out[k]))
        for k, v in enumerate(counts)
    ]
    return everything, parts, held_out


def train_weight(train, n, weight):
    """The weights (n,) that leave a fold: how often it has a sample, times the own one."""
    count = np.bincount(train, minlength=n).astype(np.float64)
    return count if weight is None else count * weight
