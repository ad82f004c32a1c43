"""The compiled epochs of a training: their buffers, their order, and how one goes back."""

import numpy as np

from skreg._kernels.training import SPECTRAL, Epoch
from skreg._kernels.updates import averaged
from skreg._solvers.history import WATCHED
from skreg._solvers.plan import chunk_rows, gradient_tasks, n_partial

CLASSIFICATION = ("softmax", "logistic")


def permutation(n, rng):
    """A random order; drawn so that a seed gives the order that scikit-learn's shuffle gives."""
    order = np.arange(n)
    rng.shuffle(order)
    return order


def workspace(recipe, rows, state):
    """The arrays of one training that the kernel writes to, by its names."""
    network, size, n = recipe.network, recipe.batch_size, recipe.network.n_parameters
    dtype = state.parameters.dtype
    dense = size * network.units[0] if not rows.is_sparse else 0
    entries = max(rows.largest_batch(size), 1) if rows.is_sparse else 0
    saved = bool(recipe.sam_rho or recipe.record & WATCHED)
    return {
        "params": state.parameters,
        "moments": state.update.moments,
        "average": state.average,
        "singular": state.singular,
        "grads": np.empty(n, dtype),
        "saved": np.empty(n * saved, dtype),
        "inputs": np.empty(dense, dtype),
        "batch_data": np.empty(entries, dtype),
        "batch_indices": np.empty(entries, np.int32),
        "batch_indptr": np.empty(size + 1, np.int64),
        "batch_targets": np.empty(size * network.units[-1], dtype),
        "batch_weight": np.empty(size, dtype),
        "layers": np.empty((4, size * sum(network.units[1:])), dtype),
    }


class Epochs:
    """The compiled epochs of one training: what they read is put together once."""

    def __init__(self, recipe, rows, state, team):
        self.recipe, self.rows, self.state = recipe, rows, state
        network, size = recipe.network, recipe.batch_size
        watching = bool(recipe.record & WATCHED)
        self.sums, self.watched = np.zeros(4), np.zeros((2 * watching, len(network.units) - 1))
        self.learning = state.parameters, state.average
        self.before = [array.copy() for array in self.learning]
        chunk = chunk_rows(size, network.n_weights)
        self.compiled = Epoch(
            **network.kernel_arguments(),
            **state.update.kernel_arguments(),
            batch_size=size,
            max_norm=recipe.max_norm,
            rho=recipe.sam_rho,
            adaptive=recipe.sam_adaptive,
            spectral=SPECTRAL[recipe.spectral],
            cap=recipe.cap,
            tasks=gradient_tasks(network.units, size, rows.is_sparse),
            chunk=chunk,
            partial=np.empty(n_partial(size, chunk, network.n_parameters)),
            team=team,
            sums=self.sums,
            watched=self.watched,
            seed=recipe.seed,
            buffers=workspace(recipe, rows, state),
        )
        self.compiled.read(**rows._asdict())

    def run(self):
        """One epoch; return whether all stayed finite. If not, parameters and average are back.

        An infinite moment would freeze its weight for good, without a word.
        """
        for copy, array in zip(self.before, self.learning, strict=True):
            copy[:] = array
        try:
            finite = self._run()
            if finite:
                self._average()
            else:
                self._go_back()
        except KeyboardInterrupt:
            if not self._is_finite():  # else what was learned until then is kept
                self._go_back()
            raise
        except Exception:
            self._go_back()
            raise
        return finite

    def _is_finite(self):
        """Whether all that steps change is so."""
        state = self.state
        changed = state.parameters, state.average, state.update.moments
        return all(np.isfinite(array).all() for array in changed)

    def _go_back(self):
        """Undo what this epoch has learned."""
        for copy, array in zip(self.before, self.learning, strict=True):
            array[:] = copy

    def _run(self):
        """All batches; return whether what they changed is finite."""
        state, recipe = self.state, self.recipe
        self.sums[:], self.watched[:] = 0, 0
        if recipe.shuffle:
            state.order = state.order[permutation(len(state.order), state.rng)]
        n_batches = -(-len(state.order) // recipe.batch_size)
        steps, rates = recipe.numbers.table(state.update, n_batches)
        if recipe.augment is None:
            finite = self.compiled.run(state.order, steps, rates)
        else:
            finite = self._augmented_batches(steps, rates)
        return finite and self._is_finite()

    def _augmented_batches(self, steps, rates):
        """The batches one by one; one of weight zero is no step and leaves its numbers behind."""
        first = int(self.state.update.steps[0])
        for rows in self._augmented():
            k = int(self.state.update.steps[0]) - first
            self.compiled.read(**rows._asdict())
            if not self.compiled.run(np.arange(rows.n_rows), steps[k : k + 1], rates[k : k + 1]):
                return False
        return True

    def _augmented(self):
        """The batches of an epoch, each changed by the user's function."""
        state, recipe, rows = self.state, self.recipe, self.rows
        for start in range(0, len(state.order), recipe.batch_size):
            at = state.order[start : start + recipe.batch_size]
            found = recipe.augment(np.array(rows.X[at], order="C"), rows.targets[at], state.rng)
            if not (isinstance(found, tuple) and len(found) == 2):
                raise ValueError(
                    f"batch_augment={recipe.augment!r} returned a {type(found).__name__}: it must "
                    "return the tuple (X_batch, y_batch)."
                )
            X, y = (np.ascontiguousarray(part, rows.X.dtype) for part in found)
            if X.shape != (len(at), rows.X.shape[1]) or y.shape != rows.targets[at].shape:
                raise ValueError(
                    f"batch_augment returned arrays of shapes {X.shape} and {y.shape} for a batch "
                    f"of {(len(at), rows.X.shape[1])} and {rows.targets[at].shape}: it must keep "
                    "the shapes."
                )
            if not (np.isfinite(X).all() and np.isfinite(y).all()):
                raise ValueError(
                    f"batch_augment={recipe.augment!r} returned NaN or infinity: it must keep "
                    "all numbers finite."
                )
            if recipe.network.loss in CLASSIFICATION and not (y.min() >= 0 and y.max() <= 1):
                raise ValueError(
                    f"batch_augment={recipe.augment!r} returned y_batch from {y.min():g} to "
                    f"{y.max():g}: for classes it must hold probabilities from 0 to 1."
                )
            weight = rows.weight[at] if len(rows.weight) else rows.weight
            yield rows._replace(X=X, targets=y, weight=weight)

    def _average(self):
        """Let the weights of this epoch into the average of "swa"; that of "ema" has them."""
        state, recipe = self.state, self.recipe
        if recipe.average == "ema":
            state.n_averaged += 1
        elif recipe.average == "swa" and state.progress.n_epochs >= recipe.average_start:
            state.n_averaged += 1
            averaged(state.average, state.parameters, 1 / state.n_averaged)

    def means(self):
        """(loss, alpha penalty) as the mean of the batches, weighted by their rows."""
        return tuple(self.sums[1:3] / self.sums[0])
