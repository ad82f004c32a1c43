"""The objective of the network over all rows, for solvers that want the full gradient.

    f(parameters) = (1 / V) (sum_i v_i loss_i + alpha / 2 ||weights||^2),   V = sum_i v_i

with the losses of `skreg._kernels.losses`. Biases are not penalized.
"""

import numpy as np

from skreg._kernels.losses import loss_and_gradient
from skreg._kernels.network import loss_gradient
from skreg._kernels.team import Team
from skreg._solvers.network import BLOCK_ROWS
from skreg._solvers.plan import chunk_rows, gradient_tasks, n_partial


class Objective:
    """f and its gradient at a flat parameter vector; rows pass in blocks."""

    def __init__(self, network, rows, alpha=0.0, *, rates=None, team=None):
        self.network, self.rows, self.alpha = network, rows, alpha
        n, dtype = rows.n_rows, rows.weight.dtype
        self.dtype, size = dtype, min(n, BLOCK_ROWS)
        self.weight = rows.weight if len(rows.weight) else np.ones(n, dtype)
        self.total = self.weight.sum(dtype=np.float64)
        self.targets = one_hot(rows.codes, network, dtype) if len(rows.codes) else rows.targets
        self.grads = np.empty(network.n_parameters, dtype)
        chunk = chunk_rows(size, network.n_weights)
        self.fixed = {
            **network.kernel_arguments(),
            "rates": np.zeros(len(network.units) - 1) if rates is None else np.array(rates),
            "grads": self.grads,
            "layers": np.empty((4, size * sum(network.units[1:])), dtype),
            "tasks": gradient_tasks(network.units, size, rows.is_sparse),
            "chunk": chunk,
            "partial": np.empty(n_partial(size, chunk, network.n_parameters)),
            "team": team or Team(),
        }

    def __call__(self, parameters, *, seed=0, step=0):
        """Return (f, gradient); seed and step choose the dropout mask, one for every block."""
        parameters = np.ascontiguousarray(parameters, dtype=self.dtype)
        data = sum(
            self._block(parameters, start, seed, step)
            for start in range(0, self.rows.n_rows, BLOCK_ROWS)
        )
        gradient = self.grads.copy()
        weights = parameters[: self.network.n_weights]
        # A step too far may overflow; the solver sees it in the value.
        with np.errstate(over="ignore", invalid="ignore"):
            gradient[: len(weights)] += (self.alpha / self.total) * weights
            penalty = 0.5 * self.alpha * np.dot(weights, weights)
        return (data + penalty) / self.total, gradient

    def _block(self, parameters, start, seed, step):
        """Return the block's sum of v_i loss_i and add its share to the gradient buffer."""
        rows, block = self.rows, slice(start, start + BLOCK_ROWS)
        pointers = rows.indptr[start : start + BLOCK_ROWS + 1]
        entries = slice(pointers[0], pointers[-1]) if len(pointers) else slice(0)
        return loss_gradient(
            np.array(rows.X[block], order="C"),
            rows.data[entries].copy(),
            rows.indices[entries].copy(),
            pointers - pointers[0] if len(pointers) else pointers.copy(),
            np.array(self.targets[block]),
            np.array(self.weight[block]),
            scale=1 / self.total,
            accumulate=start > 0,
            params=parameters,
            seed=seed,
            step=step,
            **self.fixed,
        )


def one_hot(codes, network, dtype):
    """Class codes as probabilities; a single output is the probability of class 1."""
    if network.units[-1] == 1:
        return codes.astype(dtype)[:, None]
    return (codes[:, None] == np.arange(network.units[-1])).astype(dtype)


def mean_loss(network, z, targets, weight=None):
    """Mean loss of outputs z against targets (codes or an array), without label smoothing."""
    targets = one_hot(targets, network, z.dtype) if targets.ndim == 1 else targets
    weight = np.ones(len(z)) if weight is None else weight
    arguments = network.kernel_arguments()
    total = loss_and_gradient(
        arguments["loss"],
        z.copy(),
        np.ascontiguousarray(targets, z.dtype),
        weight.astype(z.dtype),
        0.0,
        0.0,
        arguments["level"],
    )
    return total / weight.sum(dtype=np.float64)
