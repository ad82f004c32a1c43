"""Training: epochs of updates until progress stops, or L-BFGS on the whole objective.

Stopping rule of `train`: an epoch makes progress if its loss is below the best one so far by tol,
or its validation score above the best one by tol. More than `patience` epochs in a row without
progress end the training, unless the update rule can slow down first.
"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize

from skreg._solvers.epochs import Epochs
from skreg._solvers.losses import Objective
from skreg._solvers.network import BLOCK_ROWS
from skreg._solvers.plan import training_team


class Result(NamedTuple):
    """How a training ended: "converged", "max_iter", "stopped", "interrupted" or "overflow"."""

    parameters: np.ndarray
    status: str
    n_iter: int
    loss: float | None  # of the last epoch or iteration that was completed
    message: str = ""
    curve: tuple = ()  # objective after each iteration of L-BFGS


def train(state, recipe, rows, score=None, observe=None, report=None, n_iter=0, status="max_iter"):
    """Run epochs over the rows listed in `state.order`, which change the state.

    With `score`, a function of the parameter vector, the best-scored parameters are the result
    however the training ends; without (None), the last ones. `observe(state, learned, n_iter,
    status)` sees every finished epoch, and ends the training by returning True. `report` gets a
    line an epoch. A training that goes on gives the epochs that it has had, and the status after
    them.
    """
    progress, loss = state.progress, (state.progress.loss_curve or [None])[-1]
    report = report or (lambda line: None)
    work = recipe.batch_size * recipe.network.n_weights
    with training_team(work) as team:
        try:
            epochs = Epochs(recipe, rows, state, team)
            while n_iter < recipe.max_iter and status == "max_iter":
                if not epochs.run():
                    status = "overflow"
                    break
                n_iter += 1
                loss, learned = finish_epoch(state, recipe, epochs, score, report, n_iter)
                if progress.stalled > recipe.patience:
                    status = slow_down_or_stop(state.update, recipe, progress, report)
                if observe is not None and observe(state, learned, n_iter, status):
                    status = "stopped"
        except KeyboardInterrupt:
            status = "interrupted"
    learned = state.bounded(recipe) if state.best is None else state.best
    return Result(learned, status, n_iter, loss)


def finish_epoch(state, recipe, epochs, score, report, n_iter):
    """Judge and record a finished epoch; return its loss and the parameters that predict."""
    progress, numbers = state.progress, recipe.numbers
    data_loss, penalty = epochs.means()
    learned = state.bounded(recipe)
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
    return loss, learned


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
