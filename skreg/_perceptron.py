"""What multilayer perceptrons share: training, whatever the targets, and fitted attributes."""

import warnings
from numbers import Integral

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.callback import CallbackSupportMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from skreg import _checkpoint
from skreg._callbacks import finished_subtask, fit_task
from skreg._perceptron_parameters import (
    CONSTRAINTS,
    check_conflicts,
    hidden_layers,
    new_update,
    recipe_of,
)
from skreg._perceptron_scores import (
    evaluate,
    followed_data,
    followed_rows,
    held_out,
    scorer_of,
)
from skreg._solvers.losses import one_hot
from skreg._solvers.network import Network, Rows, initial_parameters, join, outputs, split
from skreg._solvers.training import Progress, State, train, train_lbfgs
from skreg._validation import check_weights


def check_n_samples(n_samples, least=1):
    """Raise unless it is a number of draws."""
    if not isinstance(n_samples, Integral) or n_samples < least:
        raise ValueError(
            f"n_samples must be a whole number of at least {least}; got {n_samples!r}."
        )


class Perceptron(CallbackSupportMixin, BaseEstimator):
    """A network of dense layers; subclasses say what y is and how to score.

    They provide ``_encode(y, incremental)`` and ``_encode_known(y)`` (targets for the solver, of
    which the first may learn classes), ``_output(y)`` (number of output units, name of the loss,
    its level, label smoothing, name of the output's function), ``_weigh(y, weight)``,
    ``_strata(targets)`` (or None) and ``_default_score(z, data)``.
    """

    _parameter_constraints: dict = CONSTRAINTS

    def _fit(
        self, X, y, sample_weight, *, incremental=False, validation=None, eval_sets=None,
        resume=False,
    ):  # fmt: skip
        """Validate, train, store: the one way into the solvers."""
        first = not hasattr(self, "coefs_") or not (self.warm_start or incremental)
        dtype = (np.float64, np.float32) if first else self.coefs_[0].dtype
        X, y = validate_data(
            self, X, y, accept_sparse="csr", multi_output=True, dtype=dtype, reset=first,
            y_numeric=self._estimator_type_is_regressor(),
        )  # fmt: skip
        check_conflicts(self, sparse.issparse(X))
        self._check_batch_size(X.shape[0], incremental)
        targets = self._encode(y, incremental)
        weight = self._weigh(y, check_weights(sample_weight, X))
        network = self._network(X.shape[1], first)
        with fit_task(self, X, y, sample_weight, subtasks=None) as task:
            if self.solver == "lbfgs":
                self._fit_lbfgs(network, X, y, targets, weight, first)
            else:
                self._task = (task, X, y, sample_weight)
                try:
                    self._fit_epochs(
                        network, X, y, targets, weight, first, incremental, validation,
                        eval_sets or {}, resume,
                    )  # fmt: skip
                finally:
                    del self._task
        return self

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

    def _check_batch_size(self, n, incremental):
        """A batch is at most the data; partial_fit may come with fewer rows."""
        if self.solver != "lbfgs" and self.batch_size != "auto" and self.batch_size > n:
            if incremental:
                return
            raise ValueError(
                f"batch_size={self.batch_size} is larger than the {n} training samples. Set it "
                f"to at most {n}, or to 'auto'."
            )

    def _validation(self, X_val, y_val, weight):
        """Validation data of the user's own as one tuple, or None."""
        given = [v is not None for v in (X_val, y_val)]
        if any(given) and not (all(given) and self.early_stopping and self.solver != "lbfgs"):
            raise ValueError(
                "X_val and y_val belong together, and to early_stopping=True with a stochastic "
                "solver. To follow data without stopping on them, pass eval_sets."
            )
        if weight is not None and not all(given):
            raise ValueError("sample_weight_val weighs X_val and y_val: pass these, too.")
        return (X_val, y_val, weight) if all(given) else None

    def _check_partial_fit(self):
        """What an epoch by itself cannot have."""
        if self.early_stopping:
            raise ValueError(
                "partial_fit does not support early_stopping=True, because one epoch has nothing "
                "to stop. Set early_stopping=False, or use fit."
            )
        if self.checkpoint is not None:
            raise ValueError(
                f"partial_fit does not write checkpoint={self.checkpoint!r}: set it to None and "
                "pickle the estimator, which keeps all that partial_fit needs."
            )

    def _start(self, network, dtype, rng, first):
        """The parameters to begin with."""
        if first:
            return initial_parameters(network.units, network.activations, dtype, rng)
        return join(self.coefs_, self.intercepts_, dtype)

    def _fit_lbfgs(self, network, X, y, targets, weight, first):
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
        self.history_ = {"loss": np.array(result.curve)}
        self._show(result.parameters.astype(X.dtype, copy=False), network)
        self._finish(result, incremental=False)

    def _fit_epochs(
        self, network, X, y, targets, weight, first, incremental, validation, eval_sets, resume
    ):
        """Train batch by batch."""
        rng = check_random_state(self.random_state)
        parameters = self._start(network, X.dtype, rng, first)
        kept, valid = np.arange(X.shape[0]), None
        if first:
            self._show(parameters, network)
        if validation is not None:
            valid = followed_data(self, "validation", *validation)
        elif self.early_stopping:
            kept, held = held_out(self, X, y, targets, weight, rng)
            valid = followed_rows(X, y, targets, weight, held)
        followed = [followed_data(self, name, *data) for name, data in eval_sets.items()]
        recipe = recipe_of(self, network, len(kept), incremental)
        if recipe.augment is not None and targets.ndim == 1:
            targets = one_hot(targets, network, X.dtype)
        rows = Rows.of(X, targets, None if weight is None else weight.astype(X.dtype, copy=False))
        # Without dropout nothing is drawn, so that a seed keeps scikit-learn's meaning.
        if recipe.numbers.drops():
            recipe = recipe._replace(seed=rng.randint(2**31 - 1))
        state = self._new_state(recipe, parameters, kept, rng, first, incremental)
        state.progress.watch_scores(valid is not None)
        if not incremental:
            state.progress.begin()
        self._run(recipe, state, rows, network, valid, followed, incremental, resume)

    def _new_state(self, recipe, parameters, kept, rng, first, incremental):
        """Where training starts: anew, or with the memory of the fit before."""
        before = None if first else getattr(self, "_state", None)
        update, progress = None, Progress()
        if before is not None:
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
        state = State.of(recipe, parameters, update, kept, rng, progress)
        if before is not None and len(before.average) == len(state.average):
            state.average, state.n_averaged = before.average, before.n_averaged
        return state

    def _run(self, recipe, state, rows, network, valid, followed, incremental, resume):
        """Train from the state, or from where a checkpoint was left, and store what came out."""
        scorer, path, seen = scorer_of(self), self.checkpoint, None
        print_of_fit = None
        n_iter, status = 0, "max_iter"
        if path is not None and not incremental:
            print_of_fit = _checkpoint.fingerprint(self, network, rows)
            seen = _checkpoint.load(path) if resume else None
        if seen is not None:
            about, arrays = seen
            _checkpoint.check_same(path, about["fingerprint"], print_of_fit)
            state = _checkpoint.restore(state, about, arrays)
            n_iter, status = about["n_iter"], about["status"]
            recipe = recipe._replace(seed=about["seed"])
        elif resume and path is None:
            raise ValueError("resume=True needs a file: set checkpoint to the one to resume from.")

        def score(learned):
            self._show(learned, network)
            loss, value = evaluate(self, network, learned, valid, scorer)
            state.progress.history.add(validation_loss=loss, validation_score=value)
            return value

        def observe(state, n_iter, status):
            learned = state.learned()
            self._show(learned, network)
            for data in followed:
                loss, value = evaluate(self, network, learned, data, scorer)
                columns = {f"{data.name}_loss": loss, f"{data.name}_score": value}
                state.progress.history.add(**columns)
            if print_of_fit is not None:
                _checkpoint.save(path, state, n_iter, status, recipe.seed, print_of_fit)
            context, *data = self._task
            return finished_subtask(context, self, "epoch", *data)

        watching = followed or print_of_fit is not None or self._task[0] is not None
        result = train(
            state, recipe, rows, None if valid is None else score, observe if watching else None,
            self._report, n_iter, status,
        )  # fmt: skip
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
        self.history_ = progress.history.arrays()
        steps = int(state.update.steps[0])
        self._rates = np.array([
            rate(max(steps - 1, 0), max(steps, 1))[0] if callable(rate) else rate
            for rate in recipe.numbers.dropout
        ])  # fmt: skip

    def _report(self, line):
        """Let the solvers speak where the user wants to listen."""
        if self.verbose:
            print(line)

    def _finish(self, result, incremental):
        """Set the numbers of the fit, and warn or raise as the training ended."""
        self.n_iter_ = result.n_iter
        if result.loss is not None:
            self.loss_ = float(result.loss)
        finite = np.isfinite(result.parameters).all()
        if result.status == "overflow" or not finite:
            self._state = None  # its moments may have overflowed too
            lower = f"Lower learning_rate_init ({self.learning_rate_init}), or scale"
            raise ValueError(
                f"Training overflowed in iteration {result.n_iter}: the solver produced "
                f"non-finite parameter weights or loss. "
                f"{'Scale' if self.solver == 'lbfgs' else lower} X, for example with "
                "sklearn.preprocessing.StandardScaler, or set max_grad_norm. The model keeps "
                "its last finite weights."
            )
        if result.status == "interrupted":
            warnings.warn(
                "Training interrupted by user. The model keeps what it has learned.", stacklevel=6
            )
        elif result.status == "max_iter" and not incremental:
            self._warn_not_converged(result)

    def _warn_not_converged(self, result):
        """Say which limit was reached and what to change."""
        if self.solver == "lbfgs":
            text = (
                f"lbfgs stopped after {result.n_iter} iterations before convergence: "
                f"{result.message}. Increase max_iter ({self.max_iter}) or max_fun "
                f"({self.max_fun}), or scale X."
            )
        else:
            text = (
                f"Maximum iterations ({self.max_iter}) reached and the optimization hasn't "
                f"converged yet; the loss is {self.loss_:.4g}. Increase max_iter, or change "
                "learning_rate_init."
            )
        warnings.warn(text, ConvergenceWarning, stacklevel=8)

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

    def _estimator_type_is_regressor(self):
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
