"""What the tests of the sparse engine share: data in every container, and what they stand for."""

import numpy as np
from scipy import sparse

from tests.reference import bounded_enet_violation


def csc_of_wide_indices(X):
    """A CSC matrix whose indices are int64."""
    A = sparse.csc_array(X)
    return sparse.csc_array((A.data, A.indices.astype(np.int64), A.indptr.astype(np.int64)))


CONTAINERS = {
    "C": np.ascontiguousarray,
    "F": np.asfortranarray,
    "CSC": sparse.csc_array,
    "CSR": sparse.csr_array,
    "CSC int64": csc_of_wide_indices,
}
DENSE, SPARSE = ["C", "F"], ["CSC", "CSR", "CSC int64"]


def data(n, p, seed=0):
    """Random (X, y) with zeros, means of both, and one constant column where there are ten."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * (rng.random((n, p)) < 0.7) + rng.choice([0, 0, 2], p)
    if p >= 10:
        X[:, 7] = 1 / 3
    return X, X[:, 0] - 2 * X[:, -1] + rng.normal(size=n) + 3


def weights(n, seed=0):
    """Random weights of samples, some of them zero."""
    return np.random.default_rng(seed).choice([0.0, 0.5, 1.0, 2.0], n) + (np.arange(n) == 0)


def explicit(X, y, weight=None, *, fit_intercept=True):
    """The columns root (X - mean) and the target likewise, for what `Features` stands for."""
    X, v = np.asarray(X, float), np.ones(len(y)) if weight is None else weight
    root = np.sqrt(v)
    if not fit_intercept:
        return root[:, None] * X, root * y
    Z = X - v @ X / v.sum()
    counted = X[v > 0]
    Z[:, np.all(counted == counted[0], axis=0)] = 0
    return root[:, None] * Z, root * (y - v @ y / v.sum())


def dense(point, p):
    """The coefficients (p,) of a `Point`."""
    w = np.zeros(p)
    w[point.support] = point.coef
    return w


def objective(w, Z, y, alpha, penalty):
    l1 = np.where(np.isinf(penalty.l1), 0, penalty.l1)
    r = y - Z @ w
    return r @ r / 2 + alpha * (l1 @ np.abs(w) + penalty.l2 @ w**2 / 2)


def violation(w, Z, y, alpha, penalty):
    """Of the optimality conditions, as a share of what products with y can be."""
    l1 = np.where(np.isinf(penalty.l1), 1e300, alpha * np.minimum(penalty.l1, 1e300))
    found = bounded_enet_violation(w, Z, y, l1, alpha * penalty.l2, penalty.lower, penalty.upper)
    return found / (np.linalg.norm(Z, axis=0).max() * np.linalg.norm(y))
