"""What is remembered of every epoch, as lists that become arrays."""

from math import sqrt

import numpy as np

from skreg._kernels.measure import measure_layers
from skreg._solvers.network import split
from skreg._solvers.spectral_norms import spectral_norm

# What costs a pass more, or memory, and is recorded where it is asked for.
COSTLY = ("gradient_norm", "update_norm", "spectral_norm", "parameters")
WATCHED = {"gradient_norm", "update_norm"}  # the kernel measures both at once


class History:
    """Columns by name; each has an entry for every epoch."""

    def __init__(self):
        self.columns = {}

    def add(self, **values):
        """Append a value of this epoch to each column."""
        for name, value in values.items():
            column = self.columns.setdefault(name, [])
            column += self._missing([value], self.n_epochs - 1 - len(column))
            column.append(value)

    @property
    def n_epochs(self):
        """The length of the longest column."""
        return max(map(len, self.columns.values()), default=0)

    def arrays(self):
        """The columns as arrays whose first axis is the epoch."""
        n = self.n_epochs
        return {
            name: np.array(values + self._missing(values[:1], n - len(values)))
            for name, values in self.columns.items()
        }

    @staticmethod
    def _missing(like, n):
        """NaN for epochs that did not ask for a column, or in which Ctrl-C came before it."""
        return [np.full(np.shape(value), np.nan) for value in like] * n

    # Norms of parameters that are about to overflow may be infinite; the next epoch sees them.
    @np.errstate(over="ignore")
    def add_epoch(self, recipe, state, learned, data_loss, l2_penalty, watched, n_batches):
        """Record an epoch; return its objective.

        Norms are those of the parameters of the last step; a layer is a weight matrix with its
        biases. Norms of gradients and updates are root mean squares over the batches.
        """
        units = recipe.network.units
        layers = measure_layers(state.parameters, np.array(units, np.int32))
        square, size, zeros = layers.sum(axis=1).tolist()
        l1_penalty = recipe.numbers.l1 * size if recipe.numbers.l1 else 0.0
        objective = data_loss + l2_penalty + l1_penalty
        self.add(
            loss=data_loss,
            l2_penalty=l2_penalty,
            l1_penalty=l1_penalty,
            learning_rate=state.update.last(recipe.numbers.rate_of(state.update)),
            parameter_norm=sqrt(square),
            layer_parameter_norm=np.sqrt(layers[0]),
            zero_share=zeros / recipe.network.n_weights,
        )
        for name, row in zip(("gradient_norm", "update_norm"), watched, strict=False):
            if name in recipe.record:
                mean = row / max(n_batches, 1)
                self.add(**{name: np.sqrt(mean.sum()), f"layer_{name}": np.sqrt(mean)})
        if "spectral_norm" in recipe.record:
            matrices = split(learned, units)[0]
            self.add(layer_spectral_norm=[spectral_norm(w) for w in matrices])
        if "parameters" in recipe.record:
            self.add(parameters=learned.copy())
        return objective
