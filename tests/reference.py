"""Slow NumPy oracles: the formulas of docs/math.md, word for word."""

import math
from functools import cache
from itertools import pairwise

import numpy as np
from scipy.special import ndtr, xlogy

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


@cache
def dropout_factor(shape, rate, seed, step, layer, first_row=0):
    """0 for dropped units, 1 / (1 - rate) for the others, the rate in steps of 2^-16.

    Unit j of row i has the 16 bits number j mod 4, from below, of a word of the generator: that
    with number i w + j // 4, where w words serve a row.
    """
    threshold = min(math.floor(rate * 2**16 + 0.5), 2**16 - 1)
    key = splitmix(splitmix(splitmix(0, seed), step), layer)
    words = -(-shape[1] // 4)
    factor = np.full(shape, 2**16 / (2**16 - threshold))
    for i, j in np.ndindex(shape):
        word = splitmix(key, (first_row + i) * words + j // 4)
        if (word >> 16 * (j % 4)) % 2**16 < threshold:
            factor[i, j] = 0
    return factor


SELU = 1.6732632423543772848, 1.0507009873554804934


def sigmoid(z):
    return np.exp(-np.logaddexp(0, -z))


def selu(z):
    alpha, scale = SELU
    return scale * np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0)))


ACTIVATIONS = {
    "identity": lambda z: z,
    "logistic": sigmoid,
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
    "leaky_relu": lambda z: np.where(z > 0, z, 0.01 * z),
    "elu": lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))),
    "selu": selu,
    "gelu": lambda z: z * ndtr(z),
    "silu": lambda z: z * sigmoid(z),
    "mish": lambda z: z * np.tanh(np.logaddexp(0, z)),
}


def sech_squared(z):
    """1 - tanh(z)^2 without cancellation."""
    return 4 * sigmoid(2 * z) * sigmoid(-2 * z)


def mish_slope(z):
    softplus = np.logaddexp(0, z)
    return np.tanh(softplus) + z * sech_squared(softplus) * sigmoid(z)


DERIVATIVES = {
    "identity": np.ones_like,
    "logistic": lambda z: sigmoid(z) * sigmoid(-z),
    "tanh": sech_squared,
    "relu": lambda z: np.where(z > 0, 1.0, 0.0),
    "leaky_relu": lambda z: np.where(z > 0, 1.0, 0.01),
    "elu": lambda z: np.exp(np.minimum(z, 0)),
    "selu": lambda z: SELU[1] * np.where(z > 0, 1, SELU[0] * np.exp(np.minimum(z, 0))),
    "gelu": lambda z: ndtr(z) + z * np.exp(-z * z / 2) / np.sqrt(2 * np.pi),
    "silu": lambda z: sigmoid(z) * (1 + z * sigmoid(-z)),
    "mish": mish_slope,
}


def smoothed_targets(p, loss, smoothing):
    """Probabilities that leave a share to the other classes."""
    other = smoothing if loss == "logistic" else smoothing / max(p.shape[1] - 1, 1)
    return (1 - smoothing) * p + other * (1 - p)


def output_losses(z, target, loss, smoothing=0.0, level=0.0):
    """(loss of each output, its derivative), in float64."""
    z, target = z.astype(np.float64), target.astype(np.float64)
    r, level = z - target, np.broadcast_to(np.float64(level), z.shape[1:])
    if loss == "softmax":
        t = smoothed_targets(target, loss, smoothing)
        log_p = z - np.logaddexp.reduce(z, axis=1, keepdims=True)
        return -t * log_p, t.sum(axis=1, keepdims=True) * np.exp(log_p) - t
    if loss == "logistic":
        t = smoothed_targets(target, loss, smoothing)
        return t * np.logaddexp(0, -z) + (1 - t) * np.logaddexp(0, z), sigmoid(z) - t
    if loss == "squared_error":
        return r**2 / 2, r
    if loss == "absolute_error":
        return np.abs(r), np.sign(r)
    if loss == "huber":
        near = np.abs(r) <= level
        return np.where(near, r**2 / 2, level * (np.abs(r) - level / 2)), np.clip(r, -level, level)
    if loss == "quantile":
        return np.maximum(-level * r, (1 - level) * r), np.where(r > 0, 1 - level, -level)
    return np.exp(z) - target * z - target + xlogy(target, target), np.exp(z) - target


def weighted_loss(z, target, weight, loss, smoothing=0.0, level=0.0):
    """(sum_i v_i loss_i, its gradient with respect to z)."""
    values, slopes = output_losses(z, target, loss, smoothing, level)
    v = weight.astype(np.float64)[:, None]
    return np.sum(v * values), v * slopes


def layers_of(parameters, units):
    """Weight matrices and biases of a flat parameter vector: all weights lie before all biases."""
    sizes = [a * b for a, b in pairwise(units)] + list(units[1:])
    parts = np.split(parameters, np.cumsum(sizes)[:-1])
    depth = len(units) - 1
    return [w.reshape(s) for w, s in zip(parts, pairwise(units), strict=False)], parts[depth:]


def mlp_loss(network, parameters, X, target, weight, rates, seed=0, step=0):
    """(sum_i v_i loss_i, its gradient) by back-propagation in float64; rates[0] drops inputs."""
    coefs, intercepts = layers_of(parameters.astype(np.float64), network.units)
    drop = [
        dropout_factor((len(X), n), rate, seed, step, layer)
        for layer, (n, rate) in enumerate(zip(network.units, rates, strict=False))
    ]
    a, z = [X * drop[0]], []
    for layer, (W, b) in enumerate(zip(coefs, intercepts, strict=True)):
        z.append(a[-1] @ W + b)
        if layer + 1 < len(coefs):
            a.append(ACTIVATIONS[network.activations[layer]](z[-1]) * drop[layer + 1])
    output = network.loss, network.label_smoothing, network.level
    value, delta = weighted_loss(z[-1], target, weight, *output)
    dW, db = [], []
    for layer in reversed(range(len(coefs))):
        dW.insert(0, a[layer].T @ delta)
        db.insert(0, delta.sum(axis=0))
        if layer:
            slope = DERIVATIVES[network.activations[layer - 1]](z[layer - 1])
            delta = (delta @ coefs[layer].T) * slope * drop[layer]
    return value, np.concatenate([part.ravel() for part in dW + db])


def mlp_objective(network, parameters, X, target, weight, alpha, rates, seed=0, step=0):
    """((sum_i v_i loss_i + alpha / 2 ||weights||^2) / sum_i v_i, its gradient)."""
    value, gradient = mlp_loss(network, parameters, X, target, weight, rates, seed, step)
    weights = np.where(np.arange(len(parameters)) < network.n_weights, parameters, 0.0)
    total = weight.sum(dtype=np.float64)
    return (value + alpha / 2 * (weights @ weights)) / total, (gradient + alpha * weights) / total


def clip_factor(g, max_norm):
    """What shortens g to the norm max_norm, if it is longer."""
    return min(1.0, max_norm / np.linalg.norm(g)) if max_norm and g.any() else 1.0


def sgd_move(g, v, lr, momentum, nesterov):
    """(move of the parameters, new velocity)."""
    v = momentum * v - lr * g
    return (momentum * v - lr * g if nesterov else v), v


def adam_move(g, m, v, t, lr, beta_1, beta_2, epsilon):
    """(move of the parameters, new moments)."""
    m = beta_1 * m + (1 - beta_1) * g
    v = beta_2 * v + (1 - beta_2) * g**2
    m_hat, v_hat = m / (1 - beta_1**t), v / (1 - beta_2**t)
    return -lr * m_hat / (np.sqrt(v_hat) + epsilon), m, v


def update_step(rule, constants, w, g, moments, n_weights, t, lr, decay=0.0, l1=0.0, clip=1.0):
    """(w, moments) after a step: clipped gradient, move, decoupled decay, proximal step of L1."""
    if rule == "sgd":
        move, *moments = sgd_move(clip * g, *moments, lr, *constants)
    else:
        move, *moments = adam_move(clip * g, *moments, t, lr, *constants)
    is_weight = np.arange(len(w)) < n_weights
    u = w - lr * np.where(is_weight, decay, 0) * w + move
    threshold = lr * np.where(is_weight, l1, 0)
    return np.sign(u) * np.maximum(np.abs(u) - threshold, 0), np.array(moments)


def climbed(w, g, n_weights, rho, adaptive):
    """Where SAM takes its gradient: w + rho T^2 g / ||T g||, T = |w| for adaptive weights."""
    T = np.where(adaptive & (np.arange(len(w)) < n_weights), np.abs(w), 1.0)
    length = np.linalg.norm(T * g)
    return w + rho * T**2 * g / length if length > 0 else w


def power_iteration(W, right):
    """(estimate of the largest singular value, left vector, right vector)."""
    left = W @ right
    left = left / np.linalg.norm(left)
    right = W.T @ left
    return np.linalg.norm(right), left, right / np.linalg.norm(right)


def normalized_gradient(g, W, left, right):
    """The gradient for W, with sigma(W) = 1, from that for W / sigma(W)."""
    return g - np.sum(g * W) * np.outer(left, right)


def layer_squares(x, units):
    """Sums of squares of the weights and biases of each layer."""
    coefs, intercepts = layers_of(x, units)
    return np.array([np.sum(W**2) for W in coefs]) + [np.sum(b**2) for b in intercepts]


class Epoch:
    """Training step by step, as the compiled epoch does it; all that it changes is an attribute.

    `numbers` holds a dict for each step: learning_rate, alpha, weight_decay, l1 and average (the
    share of the new parameters in their average). `vectors` are pairs of singular vectors.
    """

    def __init__(self, network, parameters, rule, constants, seed, vectors=()):
        self.network, self.rule, self.constants, self.seed = network, rule, constants, seed
        self.w = parameters.astype(np.float64)
        self.moments = np.zeros(({"sgd": 1, "adam": 2}[rule], len(self.w)))
        self.average = np.zeros_like(self.w)
        self.vectors = [tuple(np.float64(v) for v in pair) for pair in vectors]
        self.updates, self.sums = 0, np.zeros(4)
        self.watched = np.zeros((2, len(network.units) - 1))

    def run(self, X, target, weight, order, batch_size, numbers, rates, **options):
        """Batch after batch; those without weight do nothing and are no steps."""
        for start in range(0, len(order), batch_size):
            at = order[start : start + batch_size]
            if weight[at].any():
                step = self.updates
                self.step(X[at], target[at], weight[at], numbers[step], rates[step], **options)
        return self

    def step(
        self, X, target, weight, numbers, rates, *,
        max_norm=0.0, rho=0.0, adaptive=False, spectral=None, cap=1.0,
    ):  # fmt: skip
        net, w, total = self.network, self.w, weight.sum()
        batch = X, target, weight, rates, self.seed, self.updates
        value, g = mlp_loss(net, w, *batch)
        if rho:
            _, g = mlp_loss(net, climbed(w, g, net.n_weights, rho, adaptive), *batch)
        g = g / total
        if spectral == "normalize":
            self.correct_gradient(g)
        weights = np.where(np.arange(len(w)) < net.n_weights, w, 0)
        g = g + numbers["alpha"] / total * weights
        penalty = numbers["alpha"] / total * (weights @ weights) / 2
        self.updates += 1
        self.w, self.moments = update_step(
            self.rule, self.constants, w, g, self.moments, net.n_weights, self.updates,
            numbers["learning_rate"], numbers["weight_decay"], numbers["l1"],
            clip_factor(g, max_norm),
        )  # fmt: skip
        if spectral:
            self.bound(spectral, cap)
        self.average += numbers["average"] * (self.w - self.average)
        self.sums += len(X) * np.array([1, value / total, penalty, 1 / len(X)])
        self.watched += layer_squares(g, net.units), layer_squares(self.w - w, net.units)

    def correct_gradient(self, g):
        parts, matrices = (layers_of(x, self.network.units)[0] for x in (g, self.w))
        for part, W, vectors in zip(parts, matrices, self.vectors, strict=True):
            part[:] = normalized_gradient(part, W, *vectors)

    def bound(self, spectral, cap):
        for k, W in enumerate(layers_of(self.w, self.network.units)[0]):
            sigma, *self.vectors[k] = power_iteration(W, self.vectors[k][1])
            if spectral == "normalize" or sigma > cap:
                W *= (1 if spectral == "normalize" else cap) / sigma


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
