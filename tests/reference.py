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


# --- weights and bounds for each feature ---


def bounded_enet(X, y, l1, l2, lower, upper, sweeps=20_000):
    """argmin 1/2 ||y - Xw||^2 + sum_j (l1_j |w_j| + l2_j/2 w_j^2) over lower <= w <= upper."""
    Q, q = X.T @ X, X.T @ y
    w = np.clip(np.zeros(len(q)), lower, upper)
    for _ in range(sweeps):
        before = w.copy()
        for j in np.flatnonzero(np.isfinite(l1)):
            rest = q[j] - Q[j] @ w + Q[j, j] * w[j]
            curvature = Q[j, j] + l2[j]
            free = soft_threshold(rest, l1[j]) / curvature if curvature > 0 else 0.0
            w[j] = np.clip(free, lower[j], upper[j])
        if np.max(np.abs(w - before)) <= 1e-15 * np.max(np.abs(w)):
            break
    return w


def bounded_enet_violation(w, X, y, l1, l2, lower, upper):
    """Largest violation of 0 in the subdifferential of the objective above, in or out of bounds.

    With g = X'(y - Xw) - l2 w this asks for g in l1 times the subdifferential of |w|, plus any
    negative number where w is at its lower bound, and any positive one at its upper bound.
    """
    if np.any(w < lower) or np.any(w > upper):
        return np.inf
    g = X.T @ (y - X @ w) - l2 * w
    least = np.where(w > 0, l1, -l1) - np.where(w <= lower, np.inf, 0)
    most = np.where(w < 0, -l1, l1) + np.where(w >= upper, np.inf, 0)
    return max(0.0, np.max(least - g), np.max(g - most))


# --- multi-task elastic net ---


def row_norms(W):
    """The Euclidean norm of each row."""
    return np.array([np.sqrt(np.sum(row**2)) for row in W])


def block_sweep(W, X, Y, l1, l2, order):
    """One sweep over rows of 1/2 ||Y - XW||^2 + sum l1_j |W_j| + l2_j/2 |W_j|^2; largest step."""
    W, largest = W.copy(), 0.0
    for j in order:
        square = X[:, j] @ X[:, j]
        old = W[j].copy()
        W[j] = 0.0
        if square == 0:
            continue
        rest = X[:, j] @ (Y - X @ W)
        size = np.linalg.norm(rest)
        if size > l1[j]:
            W[j] = rest * (1 - l1[j] / size) / (square + l2[j])
        largest = max(largest, square * np.linalg.norm(W[j] - old))
    return W, largest


def multi_task_objective(W, b, X, Y, alpha, l1_ratio, weight=None, v=None):
    """1/(2n) sum of squares + alpha sum v_j (l1_ratio |W_j| + (1 - l1_ratio)/2 |W_j|^2)."""
    n, norms = len(Y), row_norms(W)
    weight = np.ones(n) if weight is None else weight * n / np.sum(weight)
    v = np.ones(len(W)) if v is None else v
    loss = np.sum(weight[:, None] * (Y - X @ W - b) ** 2) / (2 * n)
    kept = norms > 0
    penalty = l1_ratio * norms[kept] + (1 - l1_ratio) / 2 * norms[kept] ** 2
    return loss + alpha * np.sum(v[kept] * penalty)


def multi_task_stationarity(W, b, X, Y, alpha, l1_ratio, weight=None, v=None):
    """Largest violation of 0 in the subdifferential of the objective above, over W and b."""
    n, norms = len(Y), row_norms(W)
    weight = np.ones(n) if weight is None else weight * n / np.sum(weight)
    v = np.ones(len(W)) if v is None else v
    R = weight[:, None] * (Y - X @ W - b)
    violations = [np.abs(R.mean(axis=0)).max()]
    for j in range(len(W)):
        slope = X[:, j] @ R / n
        if norms[j] > 0:
            part = l1_ratio / norms[j] + 1 - l1_ratio
            violations.append(np.linalg.norm(slope - alpha * v[j] * part * W[j]))
        elif v[j] < np.inf:
            violations.append(max(np.linalg.norm(slope) - alpha * l1_ratio * v[j], 0.0))
    return max(violations)


# --- multilayer perceptron ---

WORD = (1 << 64) - 1


def splitmix(key, counter):
    """Output number `counter` of SplitMix64 from `key`, in Python's unbounded integers."""
    z = (key + (counter + 1) * 0x9E3779B97F4A7C15) & WORD
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & WORD
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & WORD
    return z ^ (z >> 31)


def dropout_mask(n, rate, seed, step, layer):
    """True where a unit is dropped: its 53 random bits, as a fraction, lie below the rate."""
    key = splitmix(splitmix(splitmix(0, seed), step), layer)
    return np.array([(splitmix(key, j) >> 11) / 2**53 < rate for j in range(n)], dtype=bool)


ACTIVATIONS = {
    "identity": lambda z: z,
    "logistic": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
}
DERIVATIVES = {
    "identity": lambda z: np.ones_like(z),
    "logistic": lambda z: ACTIVATIONS["logistic"](z) * (1 - ACTIVATIONS["logistic"](z)),
    "tanh": lambda z: 1 / np.cosh(z) ** 2,
    "relu": lambda z: (z > 0).astype(z.dtype),
}


def dropout_factor(shape, rate, seed, step, layer):
    """0 for dropped units, 1 / (1 - rate) for the others."""
    mask = dropout_mask(int(np.prod(shape)), rate, seed, step, layer).reshape(shape)
    return np.where(mask, 0, 1 / (1 - rate))


def smoothed_targets(targets, loss, n_outputs, smoothing):
    """The distribution that the output should match."""
    if loss == "logistic":
        return np.where(targets == 1, 1 - smoothing, smoothing)
    t = np.full((len(targets), n_outputs), smoothing / (n_outputs - 1))
    t[np.arange(len(t)), targets[:, 0]] = 1 - smoothing
    return t


def output_loss(z, targets, weight, loss, smoothing):
    """Return (sum_i v_i loss_i, its gradient with respect to z), in float64."""
    z, weight = z.astype(np.float64), weight.astype(np.float64)[:, None]
    t = smoothed_targets(targets, loss, z.shape[1], smoothing)
    if loss == "softmax":
        log_p = z - np.logaddexp.reduce(z, axis=1, keepdims=True)
        return -np.sum(weight * t * log_p), weight * (np.exp(log_p) - t)
    value = np.sum(weight * (t * np.logaddexp(0, -z) + (1 - t) * np.logaddexp(0, z)))
    return value, weight * (np.exp(-np.logaddexp(0, -z)) - t)


def mlp_objective(network, coefs, intercepts, X, targets, weight, seed=0, step=0):
    """The objective of one batch, straight from its definition, in float64."""
    a, last = X, len(coefs) - 1
    for layer, (W, b) in enumerate(zip(coefs, intercepts, strict=True)):
        a = a @ W + b
        if layer < last:
            a = ACTIVATIONS[network.activation](a)
            a = a * dropout_factor(a.shape, network.dropout[layer], seed, step, layer)
    value, _ = output_loss(a, targets, weight, network.loss, network.label_smoothing)
    penalty = 0.5 * network.alpha * sum(np.sum(W**2) for W in coefs)
    return (value + penalty) / weight.sum()


def mlp_gradient(network, coefs, intercepts, X, targets, weight, seed=0, step=0):
    """Its gradient by back-propagation, as (weight matrices, biases)."""
    factors, inputs, sums = [], [X], []
    for layer, (W, b) in enumerate(zip(coefs, intercepts, strict=True)):
        sums.append(inputs[-1] @ W + b)
        if layer < len(coefs) - 1:
            rate = network.dropout[layer]
            factors.append(dropout_factor(sums[-1].shape, rate, seed, step, layer))
            inputs.append(ACTIVATIONS[network.activation](sums[-1]) * factors[-1])
    total = weight.sum()
    _, delta = output_loss(sums[-1], targets, weight, network.loss, network.label_smoothing)
    dW, db = [], []
    for layer in range(len(coefs) - 1, -1, -1):
        dW.insert(0, (inputs[layer].T @ delta + network.alpha * coefs[layer]) / total)
        db.insert(0, delta.sum(axis=0) / total)
        if layer:
            slope = DERIVATIVES[network.activation](sums[layer - 1]) * factors[layer - 1]
            delta = (delta @ coefs[layer].T) * slope
    return dW, db


def sgd_step(w, g, v, lr, momentum, nesterov):
    """Return (w, v) after one step."""
    v = momentum * v - lr * g
    return w + (momentum * v - lr * g if nesterov else v), v


def adam_step(w, g, m, v, t, lr, beta_1, beta_2, epsilon, weight_decay):
    """Return (w, m, v) after step number t; weight_decay may be an array (0 for biases)."""
    m = beta_1 * m + (1 - beta_1) * g
    v = beta_2 * v + (1 - beta_2) * g**2
    m_hat, v_hat = m / (1 - beta_1**t), v / (1 - beta_2**t)
    return w - lr * weight_decay * w - lr * m_hat / (np.sqrt(v_hat) + epsilon), m, v


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


def inverse_diagonal(diagonal, beside, Q, alphas):
    """Diagonals of P (T + alpha I)^-1 P' with P = diag(1, Q), (A, m)."""
    T = np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1)
    P = np.eye(len(T))
    P[1:, 1:] = Q
    return np.array([np.diag(P @ np.linalg.inv(T + a * np.eye(len(T))) @ P.T) for a in alphas])


# --- kernels of sparse models ---


def conjugate(u, l1, l2, lower, upper):
    """The largest u w - l1 |w| - l2/2 w^2 for w within bounds; infinite where nothing holds w."""
    if l2 == 0 and ((u > l1 and upper == np.inf) or (u < -l1 and lower == -np.inf)):
        return np.inf
    corners = [(u - l1) / l2, (u + l1) / l2] if l2 > 0 else []
    tried = [np.clip(w, lower, upper) for w in [0.0, lower, upper, *corners]]
    return max(u * w - l1 * abs(w) - l2 / 2 * w * w for w in tried if np.isfinite(w))


def penalty_and_conjugates(g, w, l1, l2, lower, upper, others):
    """sum h_j(w_j), and pairs (s, sum h_j*(s g_j)) for three scales s <= 1.

    The first is the largest with s `others` <= 1 and finite conjugates, the second the largest
    that holds all products where l1_j does but for those that push against a bound, the third 0.
    A coefficient with no penalty at all counts as bounded by twice the largest of all.
    """
    held = l1 > 0
    ratio = np.abs(g[held]) / l1[held]
    open_end = (l2 == 0) & np.isinf(np.where(g > 0, upper, -lower))
    first = 1 / max(1, others, *ratio[open_end[held]])
    stuck = np.where(g > 0, w >= upper, w <= lower)
    second = min(first, 1 / max(1, others, *ratio[~stuck[held]]))
    most = 2 * np.max(np.abs(w), initial=0)
    alone = ~held & (l2 == 0)
    low, high = np.where(alone, np.maximum(lower, -most), lower), np.where(alone, most, upper)
    high = np.minimum(high, upper)

    def total(s):
        # What l1 holds is brought there exactly, as s |g| may exceed it by rounding.
        u = s * g
        near = held & (np.abs(np.abs(u) - l1) <= 1e-15 * l1)
        u = np.where(near, np.sign(u) * l1, u)
        return sum(map(conjugate, u, l1, l2, low, high))

    value = np.sum(l1 * np.abs(w) + l2 / 2 * w**2)
    return value, *((s, total(s)) for s in (first, second, 0.0))


def scores(c, l1, side):
    """|c_j| / l1_j where the sign of c_j is one that side_j allows: bit 1 plus, bit 2 minus."""
    allowed = np.where(c > 0, side & 1, side & 2) > 0
    return np.where(allowed, np.abs(c) / l1, 0.0)


def in_doubt(known, norm, distance, sum_norm, farthest, l1, side, threshold):
    """Features whose |known_j| + (what the rest of the residual adds at most) may reach l1_j t."""
    beyond = np.minimum(norm * distance, sum_norm * farthest)
    return np.flatnonzero((side != 0) & (np.abs(known) + beyond >= threshold * l1))


def weighted_sweeps(X, y, v, which, w, l1, l2, lower, upper, enough, max_sweeps, everywhere=True):
    """Descent on 1/2 sum_i v_i (y_i - x_i'w)^2 + sum_j (l1_j |w_j| + l2_j/2 w_j^2), bounded.

    One sweep over the columns `which`, if it begins everywhere, then over the nonzero ones until
    their slopes cost at most `enough`, then over all again. Residuals afresh for each coefficient.
    With N = sum_j l1_j |w_j|, before or after the sweep, slopes s cost max_j s_j / l1_j times N,
    or those with l2 sum_j s_j^2 / (2 l2_j) instead; where l1_j = 0 always that, or s_j |w_j|.
    Returns w, the number of sweeps, and whether the last one was over all and cost no more.
    """
    w, Z = w.copy(), X[:, which]
    for done in range(1, max_sweeps + 1):
        slopes, start = np.zeros(len(which)), w.copy()
        for i in range(len(which)):
            before, curvature = w[i], v @ Z[:, i] ** 2 + l2[i]
            if curvature == 0 or (not everywhere and before == 0):
                continue
            w[i] = 0.0
            free = soft_threshold((v * Z[:, i]) @ (y - Z @ w), l1[i]) / curvature
            w[i] = np.clip(free, lower[i], upper[i])
            slopes[i] = abs(w[i] - before) * curvature
        held = np.sum(l1 * np.maximum(np.abs(w), np.abs(start)))
        by_norm = np.divide(slopes, l1, where=l1 > 0, out=np.zeros_like(slopes)) * held
        by_square = np.divide(slopes**2, 2 * l2, where=l2 > 0, out=slopes * np.abs(w))
        free = l1 == 0
        cost = (
            min(
                by_norm.max(initial=0),
                by_norm[l2 == 0].max(initial=0) + by_square[(l2 > 0) & ~free].sum(),
            )
            + by_square[free].sum()
        )
        if cost <= enough and everywhere:
            return w, done, True
        everywhere = cost <= enough
    return w, max_sweeps, False
