"""Paths of the multi-task lasso: the problem, the cases, the contestants; see rivals.py."""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
from objective import as_finite
from problems import Case
from rivals import Contestant
from scipy.signal import lfilter


@dataclass(frozen=True)
class MultiTaskRegression:
    """min over W of 1/(2 n) ||Y - X W||^2 + alpha (l1_ratio |W|_21 + (1 - l1_ratio)/2 ||W||^2).

    |W|_21 is the sum of the norms of the rows of W, one a feature. One answer is the array of
    coefficients (n_tasks, n_features, n_alphas), largest alpha first.
    There is no intercept: the data are centred beforehand, for everybody.
    """

    X: np.ndarray
    y: np.ndarray  # (n_samples, n_tasks)
    alphas: np.ndarray
    l1_ratio: float = 1.0

    measure: ClassVar[str] = "duality gap"
    target: ClassVar[float] = 1e-6

    def certificate(self, coefs):
        """Return the largest (primal - dual) / (1/(2 n) ||Y||^2) over the alphas.

        For each alpha the dual points are the residuals of all alphas, suitably scaled: whatever
        of them bounds the minimum best.
        """
        points = self._points(coefs)
        residuals = [self._residual(W) for _, W in points]
        total = np.sum(self.y**2) / 2
        gaps = [
            primal - max(self._dual(alpha, other) for other in residuals)
            for (alpha, _), primal in zip(points, self._primals(points, residuals), strict=True)
        ]
        return max(0.0, float(max(gaps) / total))

    def _residual(self, W):
        """Square, product with Y, and norms of the products with the features."""
        R = self.y - self.X @ W
        return np.sum(R**2), np.sum(R * self.y), np.linalg.norm(self.X.T @ R, axis=1)

    def _penalties(self, alpha):
        """l1 and l2 for n times the objective."""
        n = len(self.y)
        return n * alpha * self.l1_ratio, n * alpha * (1 - self.l1_ratio)

    def _primals(self, points, residuals):
        """n times the objective at each alpha."""
        for (alpha, W), (square, _, _) in zip(points, residuals, strict=True):
            l1, l2 = self._penalties(alpha)
            penalty = l1 * np.linalg.norm(W, axis=1).sum() + l2 * np.sum(W**2) / 2
            yield square / 2 + penalty

    def _dual(self, alpha, residual):
        """The dual value of the best multiple of a residual R, or a good one.

        D(s R) = s <R, Y> - s^2/2 ||R||^2 - sum_j (s |x_j'R| - l1)_+^2 / (2 l2), where with l2 = 0
        no s |x_j'R| may exceed l1.
        """
        square, product, norms = residual
        l1, l2 = self._penalties(alpha)
        largest = norms.max()
        if square == 0 or largest == 0:
            return 0.0
        if l2 == 0:
            s = min(product / square, l1 / largest)
            return s * product - s * s * square / 2
        values = []
        for s in (1.0, product / square, l1 / largest):
            excess = np.maximum(s * norms - l1, 0)
            values.append(s * product - s * s * square / 2 - np.sum(excess**2) / (2 * l2))
        return max(values)

    def violation(self, coefs):
        """Return the largest violation of the optimality conditions, in parts of alpha."""
        worst = 0.0
        for alpha, W in self._points(coefs):
            slope = self.X.T @ (self.y - self.X @ W) / (len(self.y) * alpha)
            slope -= (1 - self.l1_ratio) * W
            norms = np.linalg.norm(W, axis=1)
            on = norms > 0
            slope[on] -= self.l1_ratio * W[on] / norms[on, None]
            sizes = np.linalg.norm(slope, axis=1)
            worst = max(worst, np.max(np.where(on, sizes, np.maximum(sizes - self.l1_ratio, 0))))
        return float(worst)

    def _points(self, coefs):
        """Pairs of an alpha and its coefficients (n_features, n_tasks)."""
        shape = self.y.shape[1], self.X.shape[1], len(self.alphas)
        coefs = as_finite(coefs, shape)
        return [(alpha, coefs[:, :, k].T) for k, alpha in enumerate(self.alphas)]


def multi_task_cases(quick=False):
    """Paths of 100 alphas down to alpha_max / 100."""
    small = {"n": 50, "p": 300} if quick else {}
    n_alphas = 20 if quick else 100
    shapes = {
        "wide": small | {"n_tasks": 10},
        "wide, elastic net": small | {"n_tasks": 10, "l1_ratio": 0.5},
        "tall": {"n": 2_000 if quick else 20_000, "p": 100, "n_tasks": 10},
    }
    return [
        Case(name, partial(shared_rows, n_alphas=n_alphas, **shape))
        for name, shape in shapes.items()
    ]


def shared_rows(n=200, p=5_000, n_tasks=10, *, n_alphas, l1_ratio=1.0, n_active=20, seed=0):
    """Neighbours correlated by 0.5, twenty features shared by all tasks, signal to noise 3."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((n, p))
    noise[:, 1:] *= np.sqrt(0.75)
    X = lfilter([1.0], [1.0, -0.5], noise, axis=1)
    W = np.zeros((p, n_tasks))
    W[rng.choice(p, n_active, replace=False)] = rng.standard_normal((n_active, n_tasks))
    signal = X @ W
    Y = signal + signal.std() / 3 * rng.standard_normal((n, n_tasks))
    X, Y = np.asfortranarray(X - X.mean(axis=0)), np.asfortranarray(Y - Y.mean(axis=0))
    alpha_max = np.linalg.norm(X.T @ Y, axis=1).max() / n / l1_ratio
    alphas = np.geomspace(1, 1e-2, n_alphas) * alpha_max
    return MultiTaskRegression(X, Y, alphas, l1_ratio)


class MultiTaskContestant(Contestant):
    """`enet_path` with several targets."""

    job, solves = "multi-task", MultiTaskRegression

    def load(self, problem):
        super().load(problem)
        self.y = np.asfortranarray(problem.y)

    def tolerances(self, target):
        """A tolerance on the gap in units of twice the target, and tighter ones."""
        return [target / 2 * 10 ** (-k / 2) for k in range(8)]

    def solve(self, tol):
        problem = self.problem
        return self.lib.enet_path(
            self.X,
            self.y,
            l1_ratio=problem.l1_ratio,
            alphas=problem.alphas,
            tol=tol,
            max_iter=100_000,
        )[1]


class Ours(MultiTaskContestant):
    name, module, package, ours = "skreg", "skreg", "skreg", True


class ScikitLearn(MultiTaskContestant):
    name, module, package = "scikit-learn", "sklearn.linear_model", "scikit-learn"

    def is_default(self, problem):
        return True
