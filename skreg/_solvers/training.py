"""Training: epochs of updates until progress stops, or L-BFGS on the whole objective.

Stopping rule of `train`: an epoch makes progress if its training loss (or, with a validation
score, its score) beats the best one so far by tol. More than `patience` epochs in a row without
progress end the training, unless the update rule can slow down first.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize

from skreg._kernels.training import train_epoch
from skreg._solvers.losses import Objective
from skreg._solvers.network import BLOCK_ROWS, Workspace
from skreg._solvers.threads import blas_threads


class Result(NamedTuple):
    """How a training ended: "converged", "max_iter", "interrupted" or "overflow"."""

    parameters: np.ndarray
    status: str
    n_iter: int
    loss: float | None  # of the last epoch or iteration that was completed
    message: str = ""


class Epochs(NamedTuple):
    """How to train: batches, their order, when to stop."""

    batch_size: int
    max_iter: int
    shuffle: bool
    tol: float
    patience: float
    dropout_seed: int = 0


@dataclass
class Progress:
    """What training has seen so far; it outlives one call, for warm starts."""

    loss_curve: list = field(default_factory=list)
    best_loss: float | None = np.inf
    validation_scores: list | None = None
    best_score: float | None = None
    stalled: int = 0  # epochs since the last progress
    samples_seen: int = 0

    def watch_scores(self, watch):
        """Judge by validation scores from now on, or by the training loss."""
        if watch and self.best_score is None:
            self.validation_scores, self.best_score, self.best_loss = [], -np.inf, None
        elif not watch and self.best_loss is None:
            self.validation_scores, self.best_score, self.best_loss = None, None, np.inf

    def begin(self):
        """A warm-started fit may learn other data: patience and the best score start anew."""
        self.stalled = 0
        if self.best_score is None:
            self.best_loss = np.inf
        else:
            self.best_score = -np.inf

    def record_loss(self, loss, tol):
        """Judge an epoch by its training loss."""
        self.stalled = self.stalled + 1 if loss > self.best_loss - tol else 0
        self.best_loss = min(self.best_loss, loss)

    def record_score(self, score, tol):
        """Judge an epoch by its validation score; return whether it is the best one so far."""
        self.validation_scores.append(score)
        self.stalled = self.stalled + 1 if score < self.best_score + tol else 0
        is_best = score > self.best_score
        self.best_score = max(self.best_score, score)
        return is_best


def permutation(n, rng):
    """A random order; drawn so that a seed gives the order that scikit-learn's shuffle gives."""
    order = np.arange(n)
    rng.shuffle(order)
    return order


def train(parameters, network, rows, order, update, epochs, progress, rng, score, report):
    """Run epochs over the rows listed in `order`; parameters are changed in place.

    With `score`, a function of the parameter vector, the best-scored parameters are the result
    however the training ends; without (None), the last ones. `report` gets a line an epoch.
    """
    best = parameters.copy() if score else parameters
    work = Workspace.of(network, rows, epochs.batch_size)
    fixed = {**rows._asdict(), **network.kernel_arguments(), **work._asdict()}
    n_iter, status, loss = 0, "max_iter", None
    try:
        with blas_threads(network.largest_product(epochs.batch_size)):
            while n_iter < epochs.max_iter and status == "max_iter":
                if epochs.shuffle:
                    order = order[permutation(len(order), rng)]
                mean = train_epoch(
                    order=order,
                    batch_size=epochs.batch_size,
                    alpha=network.alpha,
                    params=parameters,
                    seed=epochs.dropout_seed,
                    **fixed,
                    **update.kernel_arguments(),
                )
                n_iter += 1
                # An infinite moment would freeze its weight for good, without a word.
                if not (np.isfinite(mean) and np.isfinite(update.moments).all()):
                    status = "overflow"
                    break
                loss = mean
                report(f"Iteration {n_iter}, loss = {loss:.8f}")
                if judge(parameters, loss, epochs, progress, score, report):
                    best[:] = parameters
                progress.samples_seen += len(order)
                update.epoch_ends(progress.samples_seen)
                if progress.stalled > epochs.patience:
                    status = slow_down_or_stop(update, epochs, progress, report)
    except KeyboardInterrupt:
        status = "interrupted"
    return Result(best, status, n_iter, loss)


def judge(parameters, loss, epochs, progress, score, report):
    """Record a finished epoch; return whether its parameters are the ones to keep."""
    progress.loss_curve.append(loss)
    if score is None:
        progress.record_loss(loss, epochs.tol)
        return False
    value = score(parameters)
    report(f"Validation score: {value:.6f}")
    return progress.record_score(value, epochs.tol)


def slow_down_or_stop(update, epochs, progress, report):
    """Return the status that a stalled training goes on with."""
    what = "Training loss" if progress.validation_scores is None else "Validation score"
    stalled = f"{what} did not improve by tol={epochs.tol:g} for {epochs.patience} epochs."
    if not update.slow_down():
        report(f"{stalled} Stopping.")
        return "converged"
    report(f"{stalled} Setting learning rate to {update.learning_rate:g}")
    progress.stalled = 0
    return "max_iter"


def train_lbfgs(parameters, network, rows, *, max_iter, max_fun, tol, report):
    """Minimize the whole objective with L-BFGS-B until its largest gradient entry is below tol.

    An interruption returns the last iterate.
    """
    objective = Objective(network, rows)
    last = Result(parameters, "interrupted", 0, None)

    def callback(intermediate_result):
        nonlocal last
        last = last._replace(
            parameters=intermediate_result.x.copy(),
            n_iter=last.n_iter + 1,
            loss=intermediate_result.fun,
        )
        report(f"Iteration {last.n_iter}, loss = {last.loss:.8f}")

    options = {"maxfun": max_fun, "maxiter": max_iter, "gtol": tol}
    try:
        with blas_threads(network.largest_product(min(len(rows.targets), BLOCK_ROWS))):
            found = minimize(
                objective,
                parameters,
                method="L-BFGS-B",
                jac=True,
                callback=callback,
                options=options,
            )
    except KeyboardInterrupt:
        return last
    if not (np.isfinite(found.fun) and np.isfinite(found.x).all()):
        status = "overflow"
    else:
        status = "converged" if found.status == 0 else "max_iter"
    return Result(found.x, status, min(found.nit, max_iter), found.fun, found.message)
