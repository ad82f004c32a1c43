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

from skreg._kernels.activations import KINDS
from skreg._kernels.dropout import dropout_factor
from skreg._kernels.losses import LOSSES
from skreg._kernels.network import block_outputs
from skreg._kernels.rows import gather_sparse
from skreg._solvers.plan import CHUNK, prediction_team

BLOCK_ROWS = 1024  # that go through the network together where all rows count for one step
PASS_ROWS = 2048  # the same where no gradient is wanted


class Network(NamedTuple):
    """Architecture and loss."""

    units: tuple[int, ...]
    activations: tuple[str, ...]  # one for each hidden layer
    loss: str  # a name in LOSSES
    level: float | tuple[float, ...] = 0.0  # of Huber's loss, or the quantile of each output
    label_smoothing: float = 0.0

    @property
    def n_weights(self):
        """Length of the stretch of the parameter vector that holds the weight matrices."""
        return sum(a * b for a, b in pairwise(self.units))

    @property
    def n_parameters(self):
        """Length of the parameter vector."""
        return self.n_weights + sum(self.units[1:])

    def shape_arguments(self):
        """The layers as the compiled passes read them: one entry for each weight matrix."""
        kinds = [KINDS[name] for name in (*self.activations, "identity")]
        return {
            "units": np.array(self.units, dtype=np.int32),
            "kinds": np.array(kinds, dtype=np.int32),
        }

    def kernel_arguments(self):
        """Layers and loss as the compiled passes read them."""
        return {
            **self.shape_arguments(),
            "loss": LOSSES[self.loss],
            "smoothing": self.label_smoothing,
            "level": np.broadcast_to(np.array(self.level, float), self.units[-1:]).copy(),
        }


class Rows(NamedTuple):
    """Training rows as the kernels read them; what does not apply is empty."""

    X: np.ndarray  # (n_samples, n_features), any strides, or (0, 0) for sparse rows
    data: np.ndarray
    indices: np.ndarray
    indptr: np.ndarray
    codes: np.ndarray  # (n_samples,) class codes, or (0,)
    targets: np.ndarray  # (n_samples, n_outputs) of X's type, or (0, 0)
    weight: np.ndarray  # (n_samples,), or (0,) for ones

    @classmethod
    def of(cls, X, targets, weight=None):
        """Wrap a dense or CSR X without copying its values; 1-d targets are class codes."""
        weight = np.empty(0, X.dtype) if weight is None else weight
        coded = targets.ndim == 1
        codes = targets.astype(np.int32, copy=False) if coded else np.empty(0, np.int32)
        targets = np.empty((0, 0), X.dtype) if coded else targets.astype(X.dtype, order="C")
        if sparse.issparse(X):
            # A column number fits 32 bits, or else the weight matrix would not fit memory.
            indices = X.indices.astype(np.int32, copy=False)
            indptr = X.indptr.astype(np.int64, copy=False)
            empty = np.empty((0, 0), X.dtype)
            return cls(empty, X.data, indices, indptr, codes, targets, weight)
        empty = np.empty(0, X.dtype), np.empty(0, np.int32), np.empty(0, np.int64)
        return cls(X, *empty, codes, targets, weight)

    @property
    def n_rows(self):
        """The number of rows."""
        return max(len(self.codes), len(self.targets))

    @property
    def is_sparse(self):
        """Whether the rows are those of a CSR matrix."""
        return len(self.indptr) > 0

    def largest_batch(self, batch_size):
        """The most non-zeros that so many sparse rows can have."""
        sizes = np.diff(self.indptr)
        if batch_size < len(sizes):
            sizes = np.partition(sizes, len(sizes) - batch_size)[-batch_size:]
        return int(sizes.sum())


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


def joined(coefs, intercepts, dtype):
    """The parameter vector of which these are views, or a new one where they are not."""
    parts, whole = (*coefs, *intercepts), coefs[0].base
    if isinstance(whole, np.ndarray) and whole.shape == (sum(p.size for p in parts),):
        at = whole.__array_interface__["data"][0]
        for part in parts:
            in_place = part.flags.c_contiguous and part.dtype == whole.dtype == dtype
            if not in_place or part.__array_interface__["data"][0] != at:
                break
            at += part.nbytes
        else:
            return whole
    return join(coefs, intercepts, dtype)


# Bounds of the uniform distribution: each keeps the variance of what flows through its layers.
GAINS = {
    "logistic": (2, "both"),
    "identity": (6, "both"),
    "tanh": (6, "both"),
    "relu": (6, "both"),
}
RECTIFIERS = (6, "in")  # He et al. (2015): half of the units are silent
SELF_NORMALIZING = (3, "in")  # LeCun et al. (1998), which SELU asks for


def initial_parameters(units, activations, dtype, rng):
    """Uniform with bound sqrt(gain / fan), fan being fan_in, or fan_in + fan_out (Glorot).

    The activations of scikit-learn start as they do there (Glorot and Bengio 2010), relu
    included; the other rectifiers as He et al. (2015) derive, SELU with variance 1 / fan_in. The
    output layer starts as the last hidden one. The draws come layer by layer, weights before
    biases, so that a seed means what it means in scikit-learn.
    """
    coefs, intercepts = [], []
    names = (*activations, activations[-1] if activations else "identity")
    for name, (fan_in, fan_out) in zip(names, pairwise(units), strict=True):
        gain, fans = SELF_NORMALIZING if name == "selu" else GAINS.get(name, RECTIFIERS)
        bound = np.sqrt(gain / (fan_in + fan_out if fans == "both" else fan_in))
        coefs.append(rng.uniform(-bound, bound, (fan_in, fan_out)))
        intercepts.append(rng.uniform(-bound, bound, fan_out))
    return join(coefs, intercepts, dtype)


def outputs(X, coefs, intercepts, activations, rates=None, seed=0, draw=0):
    """What the output layer hands to the loss, of shape (n_samples, n_outputs).

    X is dense or CSR. With `rates`, one for the inputs and one for each hidden layer, units are
    dropped as in training; each `draw` has masks of its own. The result has the wider dtype of X
    and the parameters. Rows pass in blocks, so memory beyond the result does not grow with X.
    """
    dtype = np.result_type(X.dtype, coefs[0].dtype)
    network = Network((X.shape[1], *(len(b) for b in intercepts)), tuple(activations), "softmax")
    rates = np.zeros(len(coefs)) if rates is None else np.asarray(rates, float)
    n, n_blocks = X.shape[0], -(-X.shape[0] // PASS_ROWS)
    compiled = block_outputs["float" if dtype == np.float32 else "double"]
    out = np.empty((n, network.units[-1]), dtype)
    with prediction_team(min(n, PASS_ROWS), network.units) as team:
        fixed = {
            **network.shape_arguments(),
            "rates": rates,
            "params": joined(coefs, intercepts, dtype),
            "layers": np.empty((4, min(n, PASS_ROWS) * sum(network.units[1:])), dtype),
            "chunk": 4 * CHUNK,
            "team": team,
            "seed": seed,
        }
        for k, start in enumerate(range(0, n, PASS_ROWS)):
            block = slice(start, start + PASS_ROWS)
            step = draw * n_blocks + k
            rows = block_of(X[block], dtype, rates[0], seed, step)
            compiled(**rows, **fixed, step=step, out=out[block])
    return out


def block_of(X, dtype, rate, seed, step):
    """A block of rows as the forward pass takes it, with dropout of the inputs."""
    empty = np.empty(0, dtype), np.empty(0, np.int32), np.empty(0, np.int64)
    if not sparse.issparse(X):
        X = np.array(X, dtype=dtype, order="C", copy=True if rate else None)
        if rate:
            dropout_factor(X, seed, step, 0, rate)
        return dict(zip(("X", "data", "indices", "indptr"), (X, *empty), strict=True))
    data, indices, indptr = X.data.astype(dtype), X.indices.astype("i4"), X.indptr.astype("i8")
    if rate:
        order, given = np.arange(X.shape[0]), (data, indices, indptr)
        data, indices, indptr = (np.empty_like(a) for a in given)
        gather_sparse(*given, order, data, indices, indptr, X.shape[1], seed, step, rate)
    return {"X": np.empty((0, 0), dtype), "data": data, "indices": indices, "indptr": indptr}
