"""Slow NumPy oracles: the formulas of docs/math.md, word for word."""

import numpy as np

# --- coordinate descent ---


def soft_threshold(z, l1, positive=False):
    """argmin_w 1/2 (w - z)^2 + l1 |w|, over w >= 0 where positive."""
    low = 0.0 if positive else min(z + l1, 0.0)
    return max(z - l1, 0.0) or low


def sweep(w, X, y, l1, l2, positive=False):
    """One cyclic sweep over 1/2 ||y - Xw||^2 + l1 ||w||_1 + l2/2 ||w||^2, residuals afresh."""
    w = w.copy()
    for j in range(len(w)):
        square = X[:, j] @ X[:, j]
        w[j] = 0.0
        if square > 0:
            rest = X[:, j] @ (y - X @ w)
            w[j] = soft_threshold(rest, l1, positive) / (square + l2)
    return w


def enet_objective(w, b, X, y, alpha, l1_ratio, weight=None):
    """1/(2n) sum v_i (y_i - x_i'w - b)^2 + alpha l1_ratio |w|_1 + alpha (1 - l1_ratio)/2 |w|^2."""
    weight = np.ones(len(y)) if weight is None else weight * len(y) / np.sum(weight)
    r = y - X @ w - b
    loss = np.sum(weight * r**2) / (2 * len(y))
    return loss + alpha * l1_ratio * np.abs(w).sum() + alpha * (1 - l1_ratio) / 2 * (w @ w)


def enet_stationarity(w, b, X, y, alpha, l1_ratio, weight=None, positive=False):
    """Largest violation of 0 in the subdifferential of the objective above, over w and b."""
    n = len(y)
    weight = np.ones(n) if weight is None else weight * n / np.sum(weight)
    r = weight * (y - X @ w - b)
    slope = X.T @ r / n - alpha * (1 - l1_ratio) * w
    l1 = alpha * l1_ratio
    inactive = np.maximum((slope if positive else np.abs(slope)) - l1, 0)
    violation = np.where(w != 0, np.abs(slope - l1 * np.sign(w)), inactive)
    return max(violation.max(initial=0), abs(r.mean()))
