"""Slow NumPy oracles: the formulas of docs/math.md, word for word."""

import numpy as np

# ridge: sum_i v_i (y_i - x_i'w - b)^2 + alpha ||w||^2


def ridge(X, y, alpha, weight=None, fit_intercept=True):
    """Coefficients (t, p) and intercepts (t,) from the normal equations in extended precision."""
    X, y = np.asarray(X, np.longdouble), np.asarray(y, np.longdouble).reshape(len(y), -1)
    v = np.ones(len(X), np.longdouble) if weight is None else np.asarray(weight, np.longdouble)
    X_mean = (v @ X / v.sum()) if fit_intercept else np.zeros(X.shape[1], np.longdouble)
    y_mean = (v @ y / v.sum()) if fit_intercept else np.zeros(y.shape[1], np.longdouble)
    Xc, yc = X - X_mean, y - y_mean
    W = np.empty((y.shape[1], X.shape[1]), np.longdouble)
    for k, a in enumerate(np.broadcast_to(alpha, y.shape[1])):
        if X.shape[1] <= X.shape[0]:
            A = Xc.T @ (v[:, None] * Xc) + a * np.eye(X.shape[1])
            W[k] = solve_longdouble(A, Xc.T @ (v * yc[:, k]))
        else:
            root = np.sqrt(v)
            Z = root[:, None] * Xc
            W[k] = Z.T @ solve_longdouble(Z @ Z.T + a * np.eye(len(Z)), root * yc[:, k])
    return W.astype(float), (y_mean - W @ X_mean).astype(float)


def solve_longdouble(A, b):
    """Gaussian elimination with partial pivoting, which LAPACK has in double only."""
    M = np.column_stack([A, b])
    for i in range(len(M)):
        pivot = i + np.argmax(np.abs(M[i:, i]))
        M[[i, pivot]] = M[[pivot, i]]
        M[i + 1 :] -= np.outer(M[i + 1 :, i] / M[i, i], M[i])
    x = np.zeros(len(M), np.longdouble)
    for i in reversed(range(len(M))):
        x[i] = (M[i, -1] - M[i, i + 1 : -1] @ x[i + 1 :]) / M[i, i]
    return x


def ridge_gradient(X, y, alpha, w, b, weight=None):
    """Half the gradient of the objective in w, and in b."""
    v = np.ones(len(y)) if weight is None else weight
    residual = v * (np.asarray(X) @ w + b - y)
    return X.T @ residual + alpha * w, residual.sum()


def sag_pass(X, y, root, mean, order, step, decay, saga, w, g, H):
    """One pass of SAG or SAGA over the rows x_i - root_i mean, every step in full."""
    n = len(y)
    rows = np.asarray(X, float) - np.outer(root, mean)
    w, g = w.copy(), g.copy()
    G = H - mean * (root @ g)
    for i in order:
        change = rows[i] @ w - y[i] - g[i]
        share = 1 if saga else 1 / n
        w = (1 - step * decay) * w - step * (G / n + share * change * rows[i])
        G = G + change * rows[i]
        g[i] += change
    return w, g, G + mean * (root @ g)


def gram(X):
    """The upper triangle of X'X."""
    X = np.asarray(X, float)
    return np.triu(X.T @ X)
