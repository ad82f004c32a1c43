"""Ridge by stochastic average gradients: SAG and SAGA.

The objective of one target, halved and divided by n, is an average over the rows,

    1/n sum_i 1/2 (y_i - x_i'w)^2 + mu/2 ||w||^2,    mu = alpha / n.

A table remembers the last gradient g_i x_i, g_i = x_i'w - y_i, seen of each row; it starts with
the gradients at w = 0. A step draws a row i, finds the change d = (x_i'w - y_i) - g_i and moves

    w <- (1 - step mu) w - step (sum_k g_k x_k / n + share d x_i),    g_i <- g_i + d,

with share = 1/n for SAG (Schmidt, Le Roux, Bach, Mathematical Programming 162, 2017) and 1 for
SAGA (Defazio, Bach, Lacoste-Julien, NIPS 2014), which makes the direction unbiased. With
L = max_i ||x_i||^2 + mu the step is 1 / (L + mu) for SAG and 1 / (2 (L + n mu)) for SAGA.
"""

import numpy as np
from scipy import sparse

from skreg._kernels.sag import sag_pass
from skreg._solvers.certificate import Solution, relative_residual


def stochastic_gradients(design, alpha, *, tol, max_iter=None, seed=0, saga=False):
    """Pass over the rows until max |w - w_before| <= tol max |w|, for each target.

    `max_iter` bounds the passes of a target (default 1000), `seed` fixes the order of rows.
    """
    max_iter = 1000 if max_iter is None else max_iter
    data, columns, starts, square = rows(design)
    n, p = design.X.shape
    root, mean = design.root_weight.astype(np.float64), design.X_mean.astype(np.float64)
    if not sparse.issparse(design.X):
        mean[:] = 0  # the rows are centred already
    W = np.zeros((p, design.y.shape[1]))
    n_iter, converged = np.zeros(W.shape[1], np.int32), np.zeros(W.shape[1], bool)
    last = np.zeros(p)
    for k, mu in enumerate(alpha / n):
        largest = square + mu
        step = 1 / (2 * (largest + n * mu) if saga else largest + mu) if largest > 0 else 0.0
        w, y = W[:, k].copy(), np.ascontiguousarray(design.y[:, k])
        g = -y.astype(np.float64)
        H = design.X.T @ g
        random = np.random.default_rng(seed)
        while n_iter[k] < max_iter and not converged[k]:
            before, order = w.copy(), random.integers(n, size=n)
            sag_pass(data, columns, starts, y, root, mean, order, step, mu, saga, w, g, H, last)
            n_iter[k] += 1
            converged[k] = np.max(np.abs(w - before)) <= tol * np.max(np.abs(w))
        W[:, k] = w
    W = W.astype(design.X.dtype, copy=False)
    residual = float(relative_residual(design, alpha, W).max())
    return Solution(W.T, "saga" if saga else "sag", residual, n_iter, bool(converged.all()))


def rows(design):
    """Data, columns and starts of the rows, and the largest squared norm of a centred row."""
    X = design.X
    if not sparse.issparse(X):
        X = np.ascontiguousarray(X)
        none = np.empty(0, np.int32)
        return X.ravel(), none, none, np.einsum("ij,ij->i", X, X, dtype=np.float64).max()
    X = X.tocsr()
    root, mean = design.root_weight, design.X_mean
    square = np.asarray(X.power(2).sum(axis=1)).ravel()
    square = square + root * (root * (mean @ mean) - 2 * (X @ mean))
    return X.data, X.indices, X.indptr, float(square.max())
