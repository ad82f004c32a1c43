"""Training: epochs of updates until progress stops, or L-BFGS on the whole objective.

Stopping rule of `train`: an epoch makes progress if its loss is below the best one so far by tol,
or its validation score above the best one by tol. More than `patience` epochs in a row without
progress end the training, unless the update rule can slow down first.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from scipy.linalg import eigvalsh
from scipy.optimize import minimize

from skreg._kernels.training import SPECTRAL, Epoch
from skreg._kernels.updates import averaged
from skreg._solvers.history import WATCHED, History
from skreg._solvers.losses import Objective
from skreg._solvers.network import BLOCK_ROWS, Network, Rows, split
from skreg._solvers.plan import chunk_rows, gradient_tasks, n_partial, training_team
from skreg._solvers.updates import Numbers, Update


class Result(NamedTuple):
    """How a training ended: "converged", "max_iter", "stopped", "interrupted" or "overflow"."""

    parameters: np.ndarray
    status: str
    n_iter: int
    loss: float | None  # of the last epoch or iteration that was completed
    message: str = ""
    curve: tuple = ()  # objective after each iteration of L-BFGS


class Recipe(NamedTuple):
    """What stays as it is during a training."""

    network: Network
    batch_size: int
    max_iter: int
    numbers: Numbers = Numbers()
    shuffle: bool = True
    tol: float = 1e-4
    patience: float = 10
    max_norm: float = 0.0  # of the gradient; 0 is no limit
    sam_rho: float = 0.0
    sam_adaptive: bool = False
    spectral: str | None = None  # "cap" or "normalize"
    cap: float = 1.0
    average: str | None = None  # "ema" or "swa"
    average_start: int = 0  # epochs before the average of "swa" begins
    augment: Callable | None = None
    record: frozenset = frozenset()
    seed: int = 0  # of the dropout masks


@dataclass
class Progress:
    """What training has seen so far; it outlives one call, for warm starts."""

    loss_curve: list = field(default_factory=list)
    best_loss: float | None = np.inf
    validation_scores: list | None = None
    best_score: float | None = None
    best_epoch: int = 0
    earlier: int = 0  # epochs of the fits before
    stalled: int = 0  # epochs since the last progress
    samples_seen: int = 0
    history: History = field(default_factory=History)

    def watch_scores(self, watch):
        """Judge by validation scores from now on, or by the training loss."""
        if watch and self.best_score is None:
            self.validation_scores, self.best_score, self.best_loss = [], -np.inf, None
        elif not watch and self.best_loss is None:
            self.validation_scores, self.best_score, self.best_loss = None, None, np.inf

    def begin(self):
        """A warm-started fit may learn other data: patience and the best score start anew."""
        self.stalled, self.best_epoch, self.history = 0, 0, History()
        self.earlier = len(self.loss_curve)
        if self.best_score is None:
            self.best_loss = np.inf
        else:
            self.best_score = -np.inf

    def record_loss(self, loss, tol):
        """Judge an epoch by its training loss; return whether it is the least one so far."""
        self.loss_curve.append(loss)
        if self.best_loss is None:
            return False
        self.stalled = self.stalled + 1 if loss > self.best_loss - tol else 0
        return self._is_best(loss < self.best_loss, best_loss=min(self.best_loss, loss))

    def record_score(self, score, tol):
        """Judge an epoch by its validation score; return whether it is the best one so far."""
        self.validation_scores.append(score)
        self.stalled = self.stalled + 1 if score < self.best_score + tol else 0
        return self._is_best(score > self.best_score, best_score=max(self.best_score, score))

    def _is_best(self, better, **best):
        """Note the best value, and its epoch where it is a new one."""
        vars(self).update(best)
        if better:
            self.best_epoch = self.n_epochs
        return better

    @property
    def n_epochs(self):
        """Epochs since the fit began."""
        return len(self.loss_curve) - self.earlier


@dataclass
class State:
    """All that a training changes: who restores it goes on as if nothing had happened."""

    parameters: np.ndarray
    update: Update
    order: np.ndarray  # the training rows, in the order of the last epoch
    rng: np.random.RandomState
    progress: Progress
    average: np.ndarray
    n_averaged: int
    singular: np.ndarray  # left, then right singular vectors of all layers
    best: np.ndarray | None = None  # parameters with the best score

    @classmethod
    def of(cls, recipe, parameters, update, order, rng, progress):
        """The state before the first epoch."""
        units, dtype = recipe.network.units, parameters.dtype
        singular = np.empty(0, dtype)
        if recipe.spectral:
            singular = singular_vectors(parameters, units)
            bound_spectral_norms(parameters, recipe)
        average = np.zeros(len(parameters) if recipe.average else 0, dtype)
        if recipe.average and update.steps[0]:
            # The shares count all steps: those before stand for where they led.
            average[:] = parameters
        return cls(parameters, update, order, rng, progress, average, 0, singular)

    def learned(self):
        """The parameters that predict: an average has the zeros of what it averages."""
        if not (len(self.average) and self.n_averaged):
            return self.parameters
        return np.where(self.parameters == 0, self.parameters, self.average)


def singular_vectors(parameters, units):
    """Vectors for the power iteration to start from: left ones, then right ones."""
    sides = [[], []]
    for coef in split(parameters, units)[0]:
        u, _, vt = np.linalg.svd(coef.astype(float), full_matrices=False)
        # Both halves are as long as the longer one, so that they can be told apart.
        for side, vector, size in zip(sides, (u[:, 0], vt[0]), coef.shape, strict=True):
            side.append(vector[:size])
    left, right = (np.concatenate(side) for side in sides)
    longest = max(len(left), len(right))
    halves = [np.pad(half, (0, longest - len(half))) for half in (left, right)]
    return np.concatenate(halves).astype(parameters.dtype)


def spectral_norm(matrix):
    """The largest singular value, from the smaller Gram matrix: a tenth of the price of an SVD.

    Only small singular values lose digits there.
    """
    largest = float(np.abs(matrix).max())
    if largest == 0:
        return 0.0
    scaled = matrix.astype(float) / largest
    gram = scaled @ scaled.T if len(scaled) < scaled.shape[1] else scaled.T @ scaled
    top = len(gram) - 1
    return largest * float(np.sqrt(eigvalsh(gram, subset_by_index=(top, top))[0]))


def bound_spectral_norms(parameters, recipe):
    """Scale the weight matrices as the recipe asks, exactly."""
    for coef in split(parameters, recipe.network.units)[0]:
        sigma = spectral_norm(coef)
        limit = 1.0 if recipe.spectral == "normalize" else recipe.cap
        if sigma > limit or (recipe.spectral == "normalize" and sigma > 0):
            coef *= limit / sigma


def bounded(state, recipe):
    """The parameters that predict, with the norms that the recipe promises: one power iteration
    a step is behind the weights, and an average of weights has norms of its own."""
    learned = state.learned()
    if recipe.spectral:
        learned = learned.copy()
        bound_spectral_norms(learned, recipe)
    return learned


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
        self.learning = [state.parameters, state.average]
        if recipe.augment is not None:  # which may fail in the middle of an epoch
            self.learning += [state.update.moments, state.update.steps]
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
        except Exception:
            self._go_back()
            raise
        if finite:
            self._average()
        else:
            self._go_back()
        return finite

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
        changed = state.parameters, state.average, state.update.moments
        return finite and all(np.isfinite(array).all() for array in changed)

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
        rows = self.sums[0]
        return tuple(self.sums[1:3] / rows) if rows else (0.0, 0.0)


def train(state, recipe, rows, score=None, observe=None, report=None, n_iter=0, status="max_iter"):
    """Run epochs over the rows listed in `state.order`, which change the state.

    With `score`, a function of the parameter vector, the best-scored parameters are the result
    however the training ends; without (None), the last ones. `observe(state, n_iter, status)`
    sees every finished epoch, and ends the training by returning True. `report` gets a line an
    epoch. A training that goes on gives the epochs that it has had, and the status after them.
    """
    progress, loss = state.progress, (state.progress.loss_curve or [None])[-1]
    report = report or (lambda line: None)
    work = recipe.batch_size * recipe.network.n_weights
    with training_team(work) as team:
        try:
            epochs = Epochs(recipe, rows, state, team)
            while n_iter < recipe.max_iter and status == "max_iter":
                if not epochs.run():
                    status, n_iter = "overflow", n_iter + 1
                    break
                n_iter += 1
                loss = finish_epoch(state, recipe, epochs, score, report, n_iter)
                if progress.stalled > recipe.patience:
                    status = slow_down_or_stop(state.update, recipe, progress, report)
                if observe is not None and observe(state, n_iter, status):
                    status = "stopped"
        except KeyboardInterrupt:
            status = "interrupted"
    learned = bounded(state, recipe) if state.best is None else state.best
    return Result(learned, status, n_iter, loss)


def finish_epoch(state, recipe, epochs, score, report, n_iter):
    """Judge and record a finished epoch; return its loss."""
    progress, numbers = state.progress, recipe.numbers
    data_loss, penalty = epochs.means()
    learned = bounded(state, recipe)
    loss = progress.history.add_epoch(
        recipe, state, learned, data_loss, penalty, epochs.watched, epochs.sums[3]
    )
    report(f"Iteration {n_iter}, loss = {loss:.8f}")
    progress.record_loss(loss, recipe.tol)
    if score is not None:
        value = score(learned)
        report(f"Validation score: {value:.6f}")
        if progress.record_score(value, recipe.tol):
            state.best = learned.copy()
    progress.samples_seen += len(state.order)
    if numbers.learning_rate is None:
        state.update.epoch_ends(progress.samples_seen)
    return loss


def slow_down_or_stop(update, recipe, progress, report):
    """Return the status that a stalled training goes on with."""
    what = "Training loss" if progress.validation_scores is None else "Validation score"
    stalled = f"{what} did not improve by tol={recipe.tol:g} for {recipe.patience} epochs."
    if not update.slow_down():
        report(f"{stalled} Stopping.")
        return "converged"
    report(f"{stalled} Setting learning rate to {update.learning_rate:g}")
    progress.stalled = 0
    return "max_iter"


def train_lbfgs(parameters, network, rows, *, alpha, max_iter, max_fun, tol, report):
    """Minimize the whole objective with L-BFGS-B until its largest gradient entry is below tol.

    An interruption returns the last iterate.
    """
    last = Result(parameters, "interrupted", 0, None)

    def callback(intermediate_result):
        nonlocal last
        last = last._replace(
            parameters=intermediate_result.x.copy(),
            n_iter=last.n_iter + 1,
            loss=intermediate_result.fun,
            curve=(*last.curve, intermediate_result.fun),
        )
        report(f"Iteration {last.n_iter}, loss = {last.loss:.8f}")

    options = {"maxfun": max_fun, "maxiter": max_iter, "gtol": tol}
    try:
        with training_team(min(rows.n_rows, BLOCK_ROWS) * network.n_weights) as team:
            found = minimize(
                Objective(network, rows, alpha, team=team),
                parameters,
                method="L-BFGS-B",
                jac=True,
                callback=callback,
                options=options,
            )
    except KeyboardInterrupt:
        return last
    if not (np.isfinite(found.fun) and np.isfinite(found.x).all()):
        return last._replace(status="overflow")
    status = "converged" if found.status == 0 else "max_iter"
    n_iter = min(found.nit, max_iter)
    return Result(found.x, status, n_iter, found.fun, found.message, last.curve)
