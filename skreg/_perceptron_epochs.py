"""A fit in epochs, between its estimator and the solver: data, checkpoint, scores, callbacks."""

from copy import deepcopy

import numpy as np
from sklearn.utils import check_random_state

from skreg._callbacks import finished_subtask
from skreg._checkpoint import Checkpoint, mark_of
from skreg._perceptron_checks import DivergenceError, training_weights
from skreg._perceptron_parameters import new_update, recipe_of
from skreg._perceptron_scores import (
    evaluate,
    followed_data,
    followed_rows,
    followed_sets,
    held_out,
    scorer_of,
)
from skreg._solvers.losses import one_hot
from skreg._solvers.network import Rows
from skreg._solvers.state import Progress, State
from skreg._solvers.training import train


class EpochFit:
    """One call of fit or partial_fit: data, where it starts, and who looks on.

    `data` are the training samples, and `context` is that of the callbacks, or None. The first
    fit of a model starts at random, others with what it has learned.
    """

    def __init__(self, model, network, data, first, incremental, context):
        self.model, self.network, self.data = model, network, data
        self.first, self.incremental, self.context = first, incremental, context
        self.rng = check_random_state(model.random_state)
        self.weight = training_weights(model, data, data.X.dtype)
        self.parameters = model._start(network, data.X.dtype, self.rng, first)
        self.scorer, self.valid, self.followed, self.file = scorer_of(model), None, [], None
        if first:
            model._show(self.parameters, network)

    def follow(self, validation, eval_sets):
        """Check the data of the user's own that scores are wanted for."""
        if validation is not None:
            self.valid = followed_data(self.model, "validation", "X_val and y_val", *validation)
        self.followed = followed_sets(self.model, {} if eval_sets is None else eval_sets)

    def run(self, resume):
        """Train, from where a checkpoint was left if that is asked for, and store the result.

        Return what is to be warned of, or None.
        """
        model, rows = self.model, self._rows()
        if model.checkpoint is not None:
            mark = mark_of(model, self.network, rows, self.valid, self.followed)
            self.file = Checkpoint(model.checkpoint, mark, resume)
        kept = self._training_rows()
        self.recipe = recipe_of(model, self.network, len(kept), self.incremental)
        # Without dropout nothing is drawn, so that a seed keeps scikit-learn's meaning.
        if self.recipe.numbers.drops():
            self.recipe = self.recipe._replace(seed=self.rng.randint(2**31 - 1))
        self.state = self._new_state(kept)
        n_iter, status = self._resume()
        watched = self.followed or self.file is not None or self.context is not None
        try:
            result = train(
                self.state, self.recipe, rows, None if self.valid is None else self._score,
                self._observe if watched else None, model._report, n_iter, status,
            )  # fmt: skip
        except DivergenceError:
            if self.state.best is not None:
                model._show(self.state.best, self.network)
            self._store(whole=False)
            model.n_iter_ = self.state.progress.n_epochs
            raise
        finite = result.status != "overflow" and np.isfinite(self.state.update.moments).all()
        self._store(whole=finite)
        model._show(result.parameters, self.network)
        return model._finish(result, self.incremental)

    def _store(self, whole):
        """Keep what the next fit goes on with, and what says how this one went."""
        model, state = self.model, self.state
        model._state = state.remembered() if whole else state.without_moments()
        model.t_ = state.progress.samples_seen
        model._remember(self.recipe, state)

    def _rows(self):
        """All samples as the solver reads them; a user's function wants to see 0 and 1."""
        X, targets = self.data.X, self.data.targets
        if targets.ndim == 1 and self.model.batch_augment is not None:
            targets = one_hot(targets, self.network, X.dtype)
        return Rows.of(X, targets, self.weight)

    def _training_rows(self):
        """Numbers of the rows to train on; the others become validation data."""
        if self.valid is not None or not self.model.early_stopping:
            return np.arange(self.data.X.shape[0])
        # Where nobody set a seed, another split would be drawn.
        before = None if self.file is None else self.file.split()
        kept, held = before or held_out(self.model, self.data, self.weight, self.rng)
        if self.file is not None:
            self.file.held = held
        self.valid = followed_rows(self.model, self.data, held)
        return kept

    def _new_state(self, kept):
        """Where training starts: anew, or with the memory of the fit before."""
        model, parameters = self.model, self.parameters
        before = None if self.first else getattr(model, "_state", None)
        update, progress = None, Progress()
        if before is not None:
            before = deepcopy(before) if self._may_fail(before) else before
            update, progress = before.update, before.progress
            if len(before.average):
                parameters = before.parameters
        fresh = new_update(model, 0, parameters.dtype)
        if update is None or len(update.moments) != len(fresh.moments):
            update = new_update(model, len(parameters), parameters.dtype)
        update.follow(fresh)
        state = State.of(self.recipe, parameters, update, kept, self.rng, progress)
        goes_on = self.incremental or model.average == "ema"
        if goes_on and before is not None and len(before.average) == len(state.average):
            state.average, state.n_averaged = before.average, before.n_averaged
        progress.watch_scores(self.valid is not None)
        if not self.incremental:
            progress.begin()
            update.clock = int(update.steps[0])
        return state

    def _may_fail(self, before):
        """Whether the memory of the fit before must be copied, to be there if this one fails.

        One epoch without functions of the user's, or output, may be too short for a copy.
        """
        quiet = not self.model.verbose and self.context is None
        writable = before.update is None or before.update.moments.flags.writeable
        alone = quiet and self.model.batch_augment is None
        return not (self.incremental and alone and writable)

    def _resume(self):
        """(epochs, status) of a checkpoint to go on from, whose state is taken over."""
        if self.file is None or self.file.about is None:
            return 0, "max_iter"
        self.state, about = self.file.restore(self.state), self.file.about
        self.recipe = self.recipe._replace(seed=about["seed"])
        status = about["status"]
        if status == "converged" and self.state.progress.stalled <= self.model.n_iter_no_change:
            status = "max_iter"  # more patience than before
        return about["n_iter"], status

    def _evaluate(self, learned, data, epoch):
        """The loss and the score of a parameter vector as entries of the history."""
        loss, value = evaluate(self.model, self.network, learned, data, self.scorer, epoch)
        columns = {f"{data.name}_loss": loss, f"{data.name}_score": value}
        self.state.progress.history.add(**columns)
        return value

    def _score(self, learned):
        """Score the validation data after an epoch."""
        self.model._show(learned, self.network)
        return self._evaluate(learned, self.valid, self.state.progress.n_epochs)

    def _observe(self, state, learned, n_iter, status):
        """Follow a finished epoch; return whether a callback wants the training to end."""
        self.model._show(learned, self.network)
        for data in self.followed:
            self._evaluate(learned, data, n_iter)
        if self.file is not None:
            self.file.save(state, n_iter, status, self.recipe.seed)
        if self.context is not None:  # whose callbacks may look at the training
            self.model._remember(self.recipe, state)
            self.model.n_iter_ = n_iter
        given = self.data.given, self.data.y, self.data.weight
        return finished_subtask(self.context, self.model, "epoch", *given)
