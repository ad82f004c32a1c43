r"""Information criteria of the points of a path, which need no folds.

With n samples, the residual r and d degrees of freedom, the intercept among them,

    -2 log L = n log(2 pi ||r||^2 / n) + n        (Gaussian errors, their variance at its best)
    AIC = -2 log L + 2 d,    BIC = -2 log L + d log n,    EBIC = BIC + 2 gamma log binom(P, s)

for s of P candidate features (Chen and Chen, Biometrika 95, 2008). This form estimates the
variance from the residual itself, so that it also stands where p > n, where no fit of all features
is left to estimate it from. Its likelihood grows without bound as a model comes to pass through
the samples; hence models with d > n/2 count as infinitely bad, as the theory bounds their size.

The degrees of freedom are those of Zou, Hastie and Tibshirani (Annals of Statistics 35, 2007):
for the lasso the number of nonzero coefficients, for the elastic net, with the support A and L2
its diagonal matrix of ridge penalties, tr(X_A (X_A'X_A + L2)^-1 X_A'). Coefficients at a bound are
not free, and unpenalized features are in every model, so they are no candidates.
"""

from typing import NamedTuple

import numpy as np
from scipy import linalg, sparse
from scipy.special import gammaln

from skreg._solvers.sparse_cv import blocks, columns

CRITERIA = ("aic", "bic", "ebic")


class Judged(NamedTuple):
    """The points of a path, each array (n_points,)."""

    loss: np.ndarray  # the criterion, inf where there are too many degrees of freedom
    degrees: np.ndarray  # of freedom


def judge(samples, features, target, penalty, points, criterion, gamma=1.0):
    """Judge points of a walk on all samples.

    Parameters
    ----------
    samples : Samples
    features, target : the features of all samples, and y as they centre it
    penalty : Penalty, for alpha = 1
    points : list of points of a walk
    criterion : {"aic", "bic", "ebic"}
    gamma : float, in [0, 1], weight of the number of models of a size in "ebic"
    """
    n = np.count_nonzero(features.root_weight)
    free = [free_part(point, penalty) for point in points]
    degrees = samples.fit_intercept + degrees_of_freedom(samples, features, penalty, points, free)
    squares = np.array([residual_square(features, target, point) for point in points])
    with np.errstate(divide="ignore"):  # y may be constant
        loss = n * (np.log(2 * np.pi * squares / n) + 1)
    loss += degrees * (2 if criterion == "aic" else np.log(n))
    if criterion == "ebic":
        strength = penalty.l1 + penalty.l2
        candidate = (strength > 0) & (strength < np.inf) & (penalty.lower < penalty.upper)
        sizes = np.array([np.count_nonzero(candidate[support]) for support in free])
        loss += 2 * gamma * log_binomial(np.count_nonzero(candidate), sizes)
    return Judged(np.where(2 * degrees <= n, loss, np.inf), degrees)


def residual_square(features, target, point):
    """The squared norm of the true residual of a point."""
    r = features.residual(target, point.support, point.coef * features.scale)
    return float(r @ r)


def free_part(point, penalty):
    """The features of a point's support whose coefficients lie between their bounds."""
    support, coef = point.support, point.coef
    return support[(coef > penalty.lower[support]) & (coef < penalty.upper[support])]


def log_binomial(n, k):
    """The logarithm of n over k."""
    return gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)


# Degrees of freedom -----------------------------------------------------------------------------


def degrees_of_freedom(samples, features, penalty, points, free):
    """Degrees of freedom (n_points,) without the intercept, for the free part of each point."""
    if not penalty.l2.any():
        return np.array([float(len(support)) for support in free])
    ever = np.unique(np.concatenate(free))
    small = len(ever) <= samples.X.shape[0]
    gram = gram_of(samples, features, ever) if small else None
    degrees = []
    for point, support in zip(points, free, strict=True):
        l2 = point.alpha * penalty.l2[support]
        if small:
            at = np.searchsorted(ever, support)
            degrees.append(trace_from_gram(gram[np.ix_(at, at)], l2))
        else:
            degrees.append(trace_from_columns(samples, features, support, l2))
    return np.array(degrees)


def trace_from_gram(G, l2):
    """tr(G (G + diag(l2))^+), G (k, k) being positive semidefinite and l2 not negative."""
    bare, ridged = np.flatnonzero(l2 == 0), np.flatnonzero(l2)
    free = 0.0
    if len(bare):  # what is not penalized explains all that it can, the others the rest
        inverse, free = linalg.pinvh(G[np.ix_(bare, bare)], return_rank=True)
        cross = G[np.ix_(bare, ridged)]
        G = G[np.ix_(ridged, ridged)] - cross.T @ inverse @ cross
        l2 = l2[ridged]
    root = np.sqrt(l2)
    return free + damped(G / root / root[:, None])


def trace_from_columns(samples, features, support, l2):
    """The same for the centred columns of a support, from a matrix of (n, n)."""
    n = samples.X.shape[0]
    Q = np.zeros((n, 0))
    if not np.all(l2):
        U, s, _ = linalg.svd(centred(samples, features, support[l2 == 0]), full_matrices=False)
        Q = U[:, s > max(n, len(s)) * np.finfo(float).eps * s.max(initial=0)]
    K = np.zeros((n, n))
    ridged, l2 = support[l2 > 0], l2[l2 > 0]
    for part in blocks(slice(0, len(ridged)), n):
        Z = centred(samples, features, ridged[part]) / np.sqrt(l2[part])
        Z -= Q @ (Q.T @ Z)
        K += Z @ Z.T
    return Q.shape[1] + damped(K)


def damped(M):
    """tr(M (M + I)^-1)."""
    s = np.maximum(linalg.eigvalsh(M, check_finite=False), 0)
    return float(np.sum(s / (1 + s)))


def gram_of(samples, features, support):
    """Xc'Xc of the columns of a support, in float64."""
    X, root, mean = samples.X, features.root_weight, features.X_mean[support]
    if sparse.issparse(X):
        A = sparse.diags_array(root) @ X[:, support]
        return (A.T @ A).toarray() - np.outer((root @ root) * mean, mean)
    gram = np.zeros((len(support),) * 2)
    for rows in blocks(slice(0, X.shape[0]), len(support)):
        Z = root[rows, None] * (columns(X, rows, support) - mean)
        gram += Z.T @ Z
    return gram


def centred(samples, features, support):
    """The centred and weighted columns of a support, dense, in float64."""
    A = samples.X[:, support]
    A = A.toarray() if sparse.issparse(A) else A
    return features.root_weight[:, None] * (A - features.X_mean[support])
