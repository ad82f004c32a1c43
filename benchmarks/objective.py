"""What is minimized, and how well an answer does it.

Every problem computes its certificate itself, in float64, from the answer alone: nobody's own
stopping value is trusted. A contestant takes part in the ranking where its certificate reaches
the problem's target, or the looser one that some problems grant rivals.
"""

from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain, pairwise
from typing import ClassVar

import numpy as np
from scipy import sparse
from scipy.special import softmax

SQUARE_AND_LONG = "r^2 + n r, r = min(n, p),"


@dataclass(frozen=True)
class SparseRegression:
    """min over w of 1/(2 n) ||y - X w||^2 + alpha l1_ratio |w|_1 + alpha (1 - l1_ratio)/2 |w|^2.

    One answer is the matrix of coefficients (n_features, n_alphas), largest alpha first.
    There is no intercept: dense data are centred beforehand, for everybody.
    """

    X: np.ndarray | sparse.csc_array
    y: np.ndarray
    alphas: np.ndarray
    l1_ratio: float = 1.0

    measure: ClassVar[str] = "duality gap"
    target: ClassVar[float] = 1e-6
    rival_target: ClassVar[float] = 1e-4
    memory_terms: ClassVar[str] = "X / 5 + the active features' Gram matrix + the coefficients"

    def certificate(self, coefs):
        """Return the largest (primal - dual) / (1/(2 n) ||y||^2) over the alphas."""
        coefs = as_finite(coefs, (self.X.shape[1], len(self.alphas)))
        n, y = len(self.y), self.y
        l1 = n * self.alphas * self.l1_ratio
        l2 = n * self.alphas * (1.0 - self.l1_ratio)
        residual = y[:, None] - self.X @ coefs
        # The elastic net is a lasso on rows sqrt(l2) I below X; theta is its dual point,
        # a multiple of the residual: the best multiple that is feasible.
        norm2 = np.sum(residual**2, axis=0) + l2 * np.sum(coefs**2, axis=0)
        gradient = np.max(np.abs(self.X.T @ residual - l2 * coefs), axis=0)
        tiny = np.finfo(float).tiny
        bound = l1 / np.maximum(gradient, tiny)
        scale = np.clip((y @ residual) / np.maximum(norm2, tiny), -bound, bound)
        primal = norm2 / 2 + l1 * np.sum(np.abs(coefs), axis=0)
        dual = scale * (y @ residual) - scale**2 * norm2 / 2
        return max(0.0, float(np.max((primal - dual) / (y @ y / 2))))

    def violation(self, coefs):
        """Return the largest violation of the optimality conditions over the alphas, over alpha.

        With the gradient g = X'(y - X w)/n - alpha (1 - l1_ratio) w of a solution, g_j is
        alpha l1_ratio sign(w_j) where w_j is not zero, and within that of zero elsewhere.
        """
        coefs = as_finite(coefs, (self.X.shape[1], len(self.alphas)))
        gradient = self.X.T @ (self.y[:, None] - self.X @ coefs) / len(self.y)
        slope = gradient / self.alphas - (1.0 - self.l1_ratio) * coefs
        on_support = np.abs(slope - self.l1_ratio * np.sign(coefs))
        elsewhere = np.maximum(np.abs(slope) - self.l1_ratio, 0.0)
        return float(np.max(np.where(coefs != 0, on_support, elsewhere)))

    def memory_bound(self, coefs):
        """Bytes of a fifth of X, of the Gram matrix of all features ever active, of the answer."""
        active = np.count_nonzero(np.any(coefs != 0, axis=1))
        return 0.2 * n_bytes(self.X) + 8 * active**2 + coefs.nbytes


@dataclass(frozen=True)
class RidgeRegression:
    """min over w, b of ||y - X w - b||^2 + alpha |w|^2; one answer is (w, b)."""

    X: np.ndarray
    y: np.ndarray
    alpha: float

    measure: ClassVar[str] = "normal residual"
    target: ClassVar[float] = 1e-8
    memory_terms: ClassVar[str] = SQUARE_AND_LONG

    def certificate(self, answer):
        """Return half the gradient's norm at (w, b), relative to that at (0, mean of y)."""
        coef = as_finite(answer[0], (self.X.shape[1],))
        intercept = as_finite(answer[1], ())
        residual = self.y - self.X @ coef - intercept
        start = self.X.T @ (self.y - self.y.mean())
        gradient = self.X.T @ residual - self.alpha * coef
        return float(np.hypot(np.linalg.norm(gradient), residual.sum()) / np.linalg.norm(start))

    def memory_bound(self, answer):
        return square_and_long(self.X)


@dataclass(frozen=True)
class NetworkTraining:
    """Minimize the cross-entropy of a multilayer perceptron by `epochs` passes of Adam.

    One answer is the matrix of predicted probabilities of the training rows. The loss has no
    target of its own: contest.py holds every contestant to the smallest loss of them all.
    """

    X: np.ndarray  # (n_samples, n_features)
    y: np.ndarray  # classes 0, 1, ..., all present
    hidden: tuple
    batch_size: int
    epochs: int
    regularizers: dict = field(default_factory=dict)  # named as skreg's parameters
    dtype: type = np.float64  # of all contestants
    learning_rate: object = 1e-3  # or a schedule of skreg's
    seed: int = 0

    measure: ClassVar[str] = "training loss"
    target: ClassVar[None] = None

    @property
    def one_fit(self):
        """The same training without regularizers, beside which it is seen what they cost."""
        return replace(self, regularizers={})

    @property
    def n_classes(self):
        return int(self.y.max()) + 1

    @property
    def units(self):
        """Widths of all layers, in the usual form: two classes have one output."""
        outputs = 1 if self.n_classes == 2 else self.n_classes
        return (self.X.shape[1], *self.hidden, outputs)

    @property
    def steps(self):
        """Training steps in all epochs, the last, smaller batch of each included."""
        return self.epochs * -(-len(self.y) // self.batch_size)

    @property
    def rates(self):
        """The learning rate of every step, or None where it is constant."""
        if not callable(self.learning_rate):
            return None
        return self.learning_rate.over(self.steps)(np.arange(self.steps)).tolist()

    @property
    def products(self):
        """Shapes (m, k, n) of the matrix products of a step: forward, weights' gradient, deltas.

        The first layer's input has no gradient.
        """
        layers, batch = list(pairwise(self.units)), self.batch_size
        return {
            "forward": [(batch, fan_in, fan_out) for fan_in, fan_out in layers],
            "gradient": [(fan_in, batch, fan_out) for fan_in, fan_out in layers],
            "delta": [(batch, fan_out, fan_in) for fan_in, fan_out in layers[1:]],
        }

    @property
    def flops(self):
        """Floating-point operations of the products in all epochs."""
        shapes = chain.from_iterable(self.products.values())
        one_batch = sum(2 * m * k * n for m, k, n in shapes)
        return one_batch * len(self.y) * self.epochs // self.batch_size

    def certificate(self, probabilities):
        """Return the mean cross-entropy on the training rows, without any regularizer."""
        probabilities = as_finite(probabilities, (len(self.y), self.n_classes))
        likely = probabilities[np.arange(len(self.y)), self.y]
        return float(-np.mean(np.log(np.maximum(likely, np.finfo(float).tiny))))


@dataclass(frozen=True)
class NetworkPrediction:
    """Probabilities of the classes of all rows of X, by a network (relu) with given parameters.

    One answer is their matrix. A sample is the mean of `calls` calls, as one may be too short.
    """

    X: np.ndarray
    coefs: tuple  # matrices (fan_in, fan_out) in float64, as are the biases
    intercepts: tuple
    calls: int = 1
    dtype: type = np.float64  # of all contestants, rows and parameters

    measure: ClassVar[str] = "largest error"

    @property
    def n_classes(self):
        return max(2, len(self.intercepts[-1]))

    @property
    def target(self):
        """A hundred times the rounding of probabilities."""
        return 100 * float(np.finfo(self.dtype).eps)

    @cached_property
    def probabilities(self):
        """What NumPy finds in float64; one output is the second class's logit."""
        z = self.X.astype(np.float64)
        for layer, (coef, intercept) in enumerate(zip(self.coefs, self.intercepts, strict=True)):
            z = (z if layer == 0 else np.maximum(z, 0)) @ coef + intercept
        return softmax(z if z.shape[1] > 1 else np.hstack([np.zeros_like(z), z]), axis=1)

    def certificate(self, probabilities):
        """Return the largest error of a probability."""
        probabilities = as_finite(probabilities, self.probabilities.shape)
        return float(np.abs(probabilities - self.probabilities).max())


def n_bytes(X):
    """Bytes of an array, or of the three arrays of a compressed sparse one."""
    return (
        sum(part.nbytes for part in (X.data, X.indices, X.indptr))
        if sparse.issparse(X)
        else X.nbytes
    )


def square_and_long(X):
    """Bytes of a min(n, p) square matrix and of min(n, p) vectors as long as there are samples."""
    r = min(X.shape)
    return X.itemsize * (r**2 + X.shape[0] * r)


def as_finite(values, shape):
    """Return a float64 array, or say what is wrong: a failed answer has no certificate."""
    values = np.asarray(values, np.float64)
    if values.shape != shape:
        raise ValueError(f"the answer has shape {values.shape}; the problem asks for {shape}")
    if not np.all(np.isfinite(values)):
        raise ValueError("the answer is not finite")
    return values
