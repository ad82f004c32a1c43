"""What multilayer perceptrons share: training, whatever the targets, and fitted attributes."""

import warnings
from copy import deepcopy

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.callback import CallbackSupportMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from skreg._callbacks import finished_subtask, fit_task
from skreg._checkpoint import Checkpoint, mark_of
from skreg._perceptron_checks import DivergenceError, check_conflicts, check_range
from skreg._perceptron_parameters import CONSTRAINTS, hidden_layers, new_update, recipe_of
from skreg._perceptron_scores import (
    evaluate,
    followed_data,
    followed_rows,
    followed_sets,
    held_out,
    scorer_of,
)
from skreg._solvers.history import History
from skreg._solvers.losses import one_hot
from skreg._solvers.network import Network, Rows, initial_parameters, join, outputs, split
from skreg._solvers.training import Progress, State, bounded, train, train_lbfgs
from skreg._validation import check_weights, numbers_of

# Fitted attributes that only an optimization in epochs has.
OF_EPOCHS = (
    "loss_curve_", "best_loss_", "validation_scores_", "best_validation_score_", "best_epoch_",
)  # fmt: skip


class Perceptron(CallbackSupportMixin, BaseEstimator):
    """A network of dense layers; subclasses say what y is and how to score.

    They provide ``_encode(y, incremental)`` and ``_encode_known(y)`` (targets for the solver, of
    which the first may learn classes), ``_output()`` (number of output units, name of the loss,
    its level, label smoothing), ``_output_function(loss)``, ``_weigh(y, targets, weight)``,
    ``_strata(targets)`` (or None) and ``_default_score(z, data)``.
    """

    _parameter_constraints: dict = CONSTRAINTS

    def _fit(
        self, X, y, sample_weight, *, incremental=False, validation=None, eval_sets=None,
        resume=False,
    ):  # fmt: skip
        """Validate, train, store: the one way into the solvers."""
        given, first = X, not hasattr(self, "coefs_") or not (self.warm_start or incremental)
        dtype = (np.float64, np.float32) if first else self.coefs_[0].dtype
        X, y = self._validated(X, y, dtype, reset=first)
        check_conflicts(self, X, incremental)
        targets = self._encode(y, incremental)
        check_range(targets, X.dtype)
        weight = check_weights(sample_weight, X)
        network = self._network(X.shape[1], first)
        epochs = 0 if self.solver == "lbfgs" else 1 if incremental else self.max_iter
        with fit_task(self, given, y, sample_weight, subtasks=epochs) as task:
            if self.solver == "lbfgs":
                weight = self._weigh(y, targets, weight)
                self._fit_lbfgs(network, X, targets, weight, first)
            else:
                self._fit_epochs(
                    network, X, y, targets, weight, first, incremental, validation, eval_sets,
                    resume, (task, given, y, sample_weight),
                )  # fmt: skip
        return self

    def _validated(self, X, y, dtype, reset):
        """Samples and targets as scikit-learn checks them."""
        numeric = self._is_regressor()
        X, y = validate_data(
            self, X, y, accept_sparse="csr", multi_output=True, dtype=dtype, reset=reset,
            y_numeric=numeric,
        )  # fmt: skip
        return X, numbers_of(self, y) if numeric else y

    def _network(self, n_features, first):
        """Check and collect the architecture."""
        hidden, activations = hidden_layers(self)
        n_outputs, loss, level, smoothing = self._output()
        network = Network((n_features, *hidden, n_outputs), activations, loss, level, smoothing)
        trained = network.units if first else (n_features, *(len(b) for b in self.intercepts_))
        if network.units != trained:
            raise ValueError(
                f"The network was trained with layers of {trained} units and cannot go on with "
                f"{network.units}. Keep hidden_layer_sizes, or set warm_start=False and call fit."
            )
        return network

    def _start(self, network, dtype, rng, first):
        """The parameters to begin with."""
        if first:
            return initial_parameters(network.units, network.activations, dtype, rng)
        return join(self.coefs_, self.intercepts_, dtype)

    def _fit_lbfgs(self, network, X, targets, weight, first):
        """Train on all rows at once, in float64 lest the line search runs out of digits."""
        rng = check_random_state(self.random_state)
        result = train_lbfgs(
            self._start(network, X.dtype, rng, first).astype(np.float64),
            network,
            Rows.of(
                X.astype(np.float64, copy=False),
                targets,
                None if weight is None else weight.astype(np.float64, copy=False),
            ),
            alpha=self.alpha,
            max_iter=self.max_iter,
            max_fun=self.max_fun,
            tol=self.tol,
            report=self._report,
        )
        self._state = None
        self.t_ = 0
        self._history = History()
        self._history.columns["loss"] = list(result.curve)
        self._rates = np.zeros(1)
        for name in OF_EPOCHS:  # an earlier fit with another solver may have left them
            vars(self).pop(name, None)
        self._show(result.parameters.astype(X.dtype, copy=False), network)
        self._finish(result, incremental=False)

    def _fit_epochs(
        self, network, X, y, targets, weight, first, incremental, validation, eval_sets, resume,
        task,
    ):  # fmt: skip
        """Train batch by batch."""
        rng = check_random_state(self.random_state)
        parameters = self._start(network, X.dtype, rng, first)
        if first:
            self._show(parameters, network)
        valid = None
        if validation is not None:
            valid = followed_data(self, "validation", "X_val and y_val", *validation)
        followed = followed_sets(self, {} if eval_sets is None else eval_sets)
        coded = targets.ndim == 1 and self.batch_augment is not None
        weigh = self._weigh(y, targets, weight)
        rows = Rows.of(
            X,
            one_hot(targets, network, X.dtype) if coded else targets,
            None if weigh is None else weigh.astype(X.dtype, copy=False),
        )
        file = None
        if self.checkpoint is not None:
            mark = mark_of(self, network, rows, valid, followed)
            file = Checkpoint(self.checkpoint, mark, resume)
        kept = np.arange(X.shape[0])
        if valid is None and self.early_stopping:
            # Where nobody set a seed, another split would be drawn.
            before = None if file is None else file.split()
            kept, held = before or held_out(self, X, targets, weight, rng)
            if file is not None:
                file.held = held
            valid = followed_rows(self, X, y, targets, weight, held, task[1])
        recipe = recipe_of(self, network, len(kept), incremental)
        # Without dropout nothing is drawn, so that a seed keeps scikit-learn's meaning.
        if recipe.numbers.drops():
            recipe = recipe._replace(seed=rng.randint(2**31 - 1))
        state = self._new_state(recipe, parameters, kept, rng, first, incremental)
        state.progress.watch_scores(valid is not None)
        if not incremental:
            state.progress.begin()
            state.update.clock = int(state.update.steps[0])
        self._run(recipe, state, rows, network, valid, followed, incremental, file, task)

    def _new_state(self, recipe, parameters, kept, rng, first, incremental):
        """Where training starts: anew, or with the memory of the fit before."""
        before = None if first else getattr(self, "_state", None)
        update, progress = None, Progress()
        if before is not None:
            # A fit that fails leaves the memory as it was; one epoch may be too short for a copy.
            before = before if incremental else deepcopy(before)
            update, progress = before.update, before.progress
            if len(before.average):
                parameters = before.parameters
        if update is None or len(update.moments) != (1 if self.solver == "sgd" else 2):
            update = new_update(self, len(parameters), parameters.dtype)
        elif incremental or self.warm_start:
            fresh = new_update(self, 0, parameters.dtype)
            update.constants = fresh.constants
            if (fresh.learning_rate_init, fresh.schedule) != (
                update.learning_rate_init, update.schedule
            ):  # fmt: skip
                update.learning_rate = update.learning_rate_init = fresh.learning_rate_init
                update.schedule = fresh.schedule
            update.power_t = fresh.power_t
        state = State.of(recipe, parameters, update, kept, rng, progress)
        goes_on = incremental or self.average == "ema"
        if goes_on and before is not None and len(before.average) == len(state.average):
            state.average, state.n_averaged = before.average, before.n_averaged
        return state

    def _run(self, recipe, state, rows, network, valid, followed, incremental, file, task):
        """Train from the state, or from where a checkpoint was left, and store what came out."""
        scorer = scorer_of(self)
        n_iter, status = 0, "max_iter"
        if file is not None and file.about is not None:
            state, about = file.restore(state), file.about
            n_iter, status = about["n_iter"], about["status"]
            if status == "converged" and state.progress.stalled <= self.n_iter_no_change:
                status = "max_iter"  # more patience than before
            recipe = recipe._replace(seed=about["seed"])

        def score(learned):
            self._show(learned, network)
            epoch = state.progress.n_epochs
            loss, value = evaluate(self, network, learned, valid, scorer, epoch)
            state.progress.history.add(validation_loss=loss, validation_score=value)
            return value

        def observe(state, n_iter, status):
            learned = bounded(state, recipe)
            self._show(learned, network)
            for data in followed:
                loss, value = evaluate(self, network, learned, data, scorer, n_iter)
                columns = {f"{data.name}_loss": loss, f"{data.name}_score": value}
                state.progress.history.add(**columns)
            if file is not None:
                file.save(state, n_iter, status, recipe.seed)
            context, *data = task
            if context is not None:  # whose callbacks may look at the training
                self._remember(recipe, state)
                self.n_iter_ = n_iter
            return finished_subtask(context, self, "epoch", *data)

        watching = followed or file is not None or task[0] is not None
        try:
            result = train(
                state, recipe, rows, None if valid is None else score,
                observe if watching else None, self._report, n_iter, status,
            )  # fmt: skip
        except DivergenceError:
            if state.best is not None:
                self._show(state.best, network)
            self._remember(recipe, state)
            self.n_iter_ = state.progress.n_epochs
            raise
        self._state = state
        state.order = np.empty(0, int)  # no more needed, and as long as the data
        self.t_ = state.progress.samples_seen
        self._show(result.parameters, network)
        self._remember(recipe, state)
        self._finish(result, incremental)

    def _show(self, parameters, network):
        """Set what predictions need, as views of the parameters."""
        self.coefs_, self.intercepts_ = split(parameters, network.units)
        self.n_layers_ = len(network.units)
        self.n_outputs_ = network.units[-1]
        self.out_activation_ = self._output_function(network.loss)
        self._loss, self._activations = network.loss, network.activations

    def _remember(self, recipe, state):
        """Set what says how the training went."""
        progress = state.progress
        self.loss_curve_ = progress.loss_curve
        self.best_loss_ = progress.best_loss
        self.validation_scores_ = progress.validation_scores
        self.best_validation_score_ = progress.best_score
        self.best_epoch_ = progress.best_epoch
        self._history = progress.history
        self._rates = np.array([state.update.last(rate) for rate in recipe.numbers.dropout])

    def _overflow(self, n_iter, what):
        """The error of a training that went too far, with what can be done."""
        self._state = None  # its moments may have overflowed too
        scheduled = callable(self.learning_rate)
        name = "learning_rate" if scheduled else "learning_rate_init"
        data = "X and y" if self._is_regressor() else "X"
        lower, clip = f"Lower {name} ({getattr(self, name)}), or scale", ", or set max_grad_norm"
        return DivergenceError(
            f"Training overflowed in iteration {n_iter}: {what} are not finite. "
            f"{'Scale' if self.solver == 'lbfgs' else lower} {data}, for example with "
            f"sklearn.preprocessing.StandardScaler{'' if self.solver == 'lbfgs' else clip}. The "
            "model keeps its last finite weights."
        )

    @property
    def history_(self):
        """Columns by name. Arrays are made here, as partial_fit would copy them every time."""
        if not hasattr(self, "_history"):
            raise AttributeError(
                f"{type(self).__name__} has no history_ yet: call fit or partial_fit."
            )
        return self._history.arrays()

    def _report(self, line):
        """Let the solvers speak where the user wants to listen."""
        if self.verbose:
            print(line)

    def _finish(self, result, incremental):
        """Set the numbers of the fit, and warn or raise as the training ended."""
        self.n_iter_ = result.n_iter
        if result.loss is not None:
            self.loss_ = float(result.loss)
        if result.status == "overflow" or not np.isfinite(result.parameters).all():
            raise self._overflow(result.n_iter, "parameter weights or the loss")
        # Whoever called fit or partial_fit, which scikit-learn has wrapped.
        caller = 6 if self.solver == "lbfgs" else 7
        if result.status == "interrupted":
            text = "Training interrupted by user. The model keeps what it has learned."
            warnings.warn(text, stacklevel=caller)
        elif result.status == "max_iter" and not incremental:
            warnings.warn(self._not_converged(result), ConvergenceWarning, stacklevel=caller)

    def _not_converged(self, result):
        """Which limit was reached and what to change."""
        if self.solver == "lbfgs":
            return (
                f"lbfgs stopped after {result.n_iter} iterations before convergence: "
                f"{result.message}. Increase max_iter ({self.max_iter}) or max_fun "
                f"({self.max_fun}), or scale X."
            )
        return (
            f"Maximum iterations ({self.max_iter}) reached and the optimization hasn't "
            f"converged yet; the loss is {self.loss_:.4g}. Increase max_iter, or change "
            "learning_rate_init."
        )

    def _checked(self, X):
        """New samples, as the network takes them."""
        check_is_fitted(self, "coefs_")
        return validate_data(
            self, X, accept_sparse="csr", dtype=(np.float64, np.float32), reset=False
        )

    def _outputs(self, X):
        """The output layer for new samples, before its function."""
        return outputs(self._checked(X), self.coefs_, self.intercepts_, self._activations)

    def _draws(self, X, n_samples, random_state):
        """The output layer in n_samples passes with dropout, of shape (n_samples, n, outputs)."""
        X = self._checked(X)
        rates = getattr(self, "_rates", np.zeros(1))
        if not rates.any():
            raise ValueError(
                f"Monte-Carlo dropout needs a network that was trained with dropout, but "
                f"dropout={self.dropout!r} and input_dropout={self.input_dropout!r}. Set one of "
                "them, and fit again."
            )
        chosen = self.random_state if random_state is None else random_state
        seed = check_random_state(chosen).randint(2**31 - 1)
        net = self.coefs_, self.intercepts_, self._activations, rates
        return np.stack([outputs(X, *net, seed, draw) for draw in range(n_samples)])

    def _is_regressor(self):
        """Whether y holds numbers."""
        return self.__sklearn_tags__().estimator_type == "regressor"

    def _check_stochastic(self):
        """Hide partial_fit where there are no epochs."""
        if self.solver == "lbfgs":
            raise AttributeError(
                "partial_fit is only available for stochastic solvers: set solver to 'sgd', "
                "'adam' or 'adamw' instead of 'lbfgs'."
            )
        return True

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
