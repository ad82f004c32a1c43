"""The network as data: its layers, its flat parameter vector, its rows, its forward pass.

A multilayer perceptron with widths units = (n_features, hidden..., n_outputs) keeps all its
parameters in one vector: W_0 ... W_{L-1} row by row, W_l of shape (units[l], units[l + 1]), then
b_0 ... b_{L-1}. Everybody else holds views of it. Weights come first because penalties and decay
apply to them alone, as one contiguous stretch.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.special import expit, log_expit, log_softmax, softmax

from skreg._kernels.activations import KINDS, activate
from skreg._kernels.losses import LOSSES

# Rows that go through the network together where no gradient is needed: few enough for their
# activations to stay in cache, many enough for matrix products to run at full speed.
BLOCK_ROWS = 1024


class Network(NamedTuple):
    """Architecture, loss and penalty; `dropout` holds one rate for each hidden layer."""

    units: tuple[int, ...]
    activation: str
    loss: str  # "softmax" or "logistic"
    dropout: tuple[float, ...]
    label_smoothing: float
    alpha: float

    @property
    def n_weights(self):
        """Length of the stretch of the parameter vector that holds the weight matrices."""
        return sum(a * b for a, b in pairwise(self.units))

    @property
    def n_parameters(self):
        """Length of the parameter vector."""
        return self.n_weights + sum(self.units[1:])

    def largest_product(self, rows):
        """Multiply-adds of the largest matrix product that a batch of so many rows takes."""
        return rows * max(a * b for a, b in pairwise(self.units))

    def kernel_arguments(self):
        """The description that the compiled passes read: one entry for each weight matrix."""
        hidden = len(self.units) - 2
        return {
            "units": np.array(self.units, dtype=np.int32),
            "kinds": np.array(
                [KINDS[self.activation]] * hidden + [KINDS["identity"]], dtype=np.int32
            ),
            "rates": np.array([*self.dropout, 0.0]),
            "loss": LOSSES[self.loss],
            "smoothing": self.label_smoothing,
        }


class Rows(NamedTuple):
    """Training rows as the kernels read them; what does not apply is empty."""

    X: np.ndarray  # (n_samples, n_features), any strides, or (0, 0) for sparse rows
    data: np.ndarray
    indices: np.ndarray
    indptr: np.ndarray
    targets: np.ndarray  # (n_samples, 1) class codes, or (n_samples, n_outputs) of 0 and 1
    weight: np.ndarray  # (n_samples,), or (0,) for ones

    @classmethod
    def of(cls, X, targets, weight=None):
        """Wrap a dense or CSR X without copying its values."""
        weight = np.empty(0, X.dtype) if weight is None else weight
        if sparse.issparse(X):
            # A column number fits 32 bits, or else the weight matrix would not fit memory.
            indices = X.indices.astype(np.int32, copy=False)
            indptr = X.indptr.astype(np.int64, copy=False)
            return cls(np.empty((0, 0), X.dtype), X.data, indices, indptr, targets, weight)
        empty = np.empty(0, X.dtype), np.empty(0, np.int32), np.empty(0, np.int64)
        return cls(X, *empty, targets, weight)


class Workspace(NamedTuple):
    """The buffers of one fit; `hidden` and `deltas` are laid out by the kernels."""

    grads: np.ndarray
    batch: np.ndarray
    batch_targets: np.ndarray
    batch_weight: np.ndarray
    hidden: np.ndarray
    deltas: np.ndarray

    @classmethod
    def of(cls, network, rows, batch_size):
        """Allocate for batches of at most `batch_size` of the rows."""
        dtype = rows.weight.dtype
        return cls(
            grads=np.empty(network.n_parameters, dtype),
            batch=np.empty(batch_size * rows.X.shape[1], dtype),
            batch_targets=np.empty(batch_size * rows.targets.shape[1], np.int32),
            batch_weight=np.empty(batch_size, dtype),
            hidden=np.empty(batch_size * sum(network.units[1:]), dtype),
            deltas=np.empty(2 * batch_size * max(network.units[1:-1], default=0), dtype),
        )


def split(parameters, units):
    """Return (weights, biases): lists of views of the parameter vector, one entry a layer."""
    coefs, intercepts, start = [], [], 0
    for fan_in, fan_out in pairwise(units):
        stop = start + fan_in * fan_out
        coefs.append(parameters[start:stop].reshape(fan_in, fan_out))
        start = stop
    for fan_out in units[1:]:
        intercepts.append(parameters[start : start + fan_out])
        start += fan_out
    return coefs, intercepts


def join(coefs, intercepts, dtype):
    """Return a new parameter vector with these weights and biases."""
    parts = [np.ravel(part) for part in (*coefs, *intercepts)]
    return np.concatenate(parts).astype(dtype, copy=False)


def initial_parameters(units, activation, dtype, rng):
    """Glorot and Bengio (2010): uniform with bound sqrt(6 / (fan_in + fan_out)).

    The logistic function has slope 1/4 at 0, and takes sqrt(2 / ...). The draws come layer by
    layer, weights before biases, so that a seed means what it means in scikit-learn.
    """
    coefs, intercepts = [], []
    for fan_in, fan_out in pairwise(units):
        bound = np.sqrt((2 if activation == "logistic" else 6) / (fan_in + fan_out))
        coefs.append(rng.uniform(-bound, bound, (fan_in, fan_out)))
        intercepts.append(rng.uniform(-bound, bound, fan_out))
    return join(coefs, intercepts, dtype)


def logits(X, coefs, intercepts, activation):
    """What the output layer hands to the loss, of shape (n_samples, n_outputs).

    X is dense or CSR. Dropout is the identity here. The result has the wider dtype of X and the
    parameters. Rows pass in blocks, so memory beyond the result does not grow with X.
    """
    dtype = np.result_type(X.dtype, coefs[0].dtype)
    biases = [b.astype(dtype, copy=False) for b in intercepts]
    kinds = [KINDS[activation]] * (len(coefs) - 1) + [KINDS["identity"]]
    out = np.empty((X.shape[0], coefs[-1].shape[1]), dtype)
    for start in range(0, X.shape[0], BLOCK_ROWS):
        a = X[start : start + BLOCK_ROWS]
        for coef, bias, kind in zip(coefs, biases, kinds, strict=True):
            a = np.ascontiguousarray(a @ coef)
            activate(a, bias, kind)
        out[start : start + BLOCK_ROWS] = a
    return out


def probabilities(z, loss):
    """P(class) from logits: softmax over a row; for "logistic", of each output by itself."""
    return softmax(z, axis=1) if loss == "softmax" else expit(z)


def log_probabilities(z, loss):
    """Logarithm of `probabilities`, finite where the probability underflows."""
    return log_softmax(z, axis=1) if loss == "softmax" else log_expit(z)


def decisions(z, loss):
    """Most probable targets from logits, as codes in the layout of `Rows.targets`."""
    return z.argmax(axis=1)[:, None] if loss == "softmax" else (z > 0).astype(np.intp)
