"""The objective of the network over all rows, for solvers that want the full gradient.

    f(parameters) = (1 / V) (sum_i v_i loss_i + alpha / 2 ||weights||^2),   V = sum_i v_i

loss_i is the cross-entropy of row i, summed over outputs, against smoothed targets: with
smoothing eps the true class has 1 - eps and each of the K - 1 others eps / (K - 1) (softmax); a
logistic output has 1 - eps on the true side. The loss is smallest where the predicted
probabilities equal the smoothed targets. Biases are not penalized.
"""

import numpy as np

from skreg._kernels.network import loss_gradient
from skreg._solvers.network import BLOCK_ROWS, Workspace


class Objective:
    """f and its gradient at a flat parameter vector; rows pass in blocks."""

    def __init__(self, network, rows):
        self.network = network
        self.rows = rows
        n = len(rows.targets)
        self.dtype = rows.weight.dtype
        self.weight = rows.weight if len(rows.weight) else np.ones(n, self.dtype)
        self.total = self.weight.sum(dtype=np.float64)
        self.order = np.arange(n)
        self.work = Workspace.of(network, rows, min(n, BLOCK_ROWS))
        self.arguments = network.kernel_arguments()

    def __call__(self, parameters, *, seed=0, step=0):
        """Return (f, gradient); seed and step choose the dropout mask, one for every block."""
        parameters = np.ascontiguousarray(parameters, dtype=self.dtype)
        data = sum(
            self._block(parameters, start, seed, step)
            for start in range(0, len(self.order), BLOCK_ROWS)
        )
        gradient = self.work.grads.copy()
        weights, alpha = parameters[: self.network.n_weights], self.network.alpha
        # A step too far may overflow; the solver sees it in the value.
        with np.errstate(over="ignore", invalid="ignore"):
            gradient[: len(weights)] += (alpha / self.total) * weights
            penalty = 0.5 * alpha * np.dot(weights, weights)
        return (data + penalty) / self.total, gradient

    def _block(self, parameters, start, seed, step):
        """Return the block's sum of v_i loss_i and add its share to the gradient buffer."""
        rows, block = self.rows, slice(start, start + BLOCK_ROWS)
        return loss_gradient(
            np.ascontiguousarray(rows.X[block]),
            rows.data,
            rows.indices,
            rows.indptr,
            self.order[block],
            rows.targets[block],
            self.weight[block],
            scale=1 / self.total,
            accumulate=start > 0,
            params=parameters,
            grads=self.work.grads,
            hidden=self.work.hidden,
            deltas=self.work.deltas,
            seed=seed,
            step=step,
            **self.arguments,
        )
