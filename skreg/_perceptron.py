"""What multilayer perceptrons share: training, whatever the targets, and fitted attributes."""

import warnings

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.callback import CallbackSupportMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from skreg._callbacks import fit_task
from skreg._perceptron_checks import (
    DivergenceError,
    check_conflicts,
    check_range,
    check_smallest,
    in_range,
    training_weights,
)
from skreg._perceptron_epochs import EpochFit
from skreg._perceptron_parameters import CONSTRAINTS, hidden_layers
from skreg._perceptron_scores import Samples
from skreg._solvers.history import History
from skreg._solvers.network import (
    Network,
    Rows,
    initial_parameters,
    join,
    joined,
    outputs,
    split,
)
from skreg._solvers.training import train_lbfgs
from skreg._validation import check_weights, new_samples, numbers_of

# Fitted attributes that only an optimization in epochs has.
OF_EPOCHS = (
    "loss_curve_", "best_loss_", "validation_scores_", "best_validation_score_", "best_epoch_",
)  # fmt: skip


class Perceptron(CallbackSupportMixin, BaseEstimator):
    """A network of dense layers; subclasses say what y is and how to score.

    They provide ``_encode(y, incremental)`` and ``_encode_known(y)`` (targets for the solver, of
    which the first may learn classes), ``_output()`` (number of output units, name of the loss,
    its level, label smoothing), ``_output_function(loss)``, ``_weigh(y, targets, weight)``,
    ``_strata(targets)`` (or None), ``_prediction(z)`` and ``_default_score(prediction, data)``.
    """

    _parameter_constraints: dict = CONSTRAINTS

    def _fit(
        self, X, y, sample_weight, *, incremental=False, validation=None, eval_sets=None,
        resume=False,
    ):  # fmt: skip
        """Validate, train, store: the one way into the solvers.

        Return what is to be warned of, or None: a warning may be an error, which must not undo
        the fit.
        """
        given, first = X, not hasattr(self, "coefs_") or not (self.warm_start or incremental)
        dtype = (np.float64, np.float32) if first else self.coefs_[0].dtype
        X, y = self._validated(X, y, dtype, reset=first)
        check_conflicts(self, X, incremental)
        targets = self._encode(y, incremental)
        check_range(targets, X.dtype)
        weight = check_weights(sample_weight, X, np.float64)
        if weight is not None:
            weight = in_range(weight, np.float64 if self.solver == "lbfgs" else X.dtype)
        check_smallest(self, X.dtype)
        data = Samples("training", X, y, targets, weight, given)
        network = self._network(X.shape[1], first)
        epochs = 0 if self.solver == "lbfgs" else 1 if incremental else self.max_iter
        with fit_task(self, given, y, sample_weight, subtasks=epochs) as context:
            if self.solver == "lbfgs":
                return self._fit_lbfgs(network, data, first)
            fit = EpochFit(self, network, data, first, incremental, context)
            fit.follow(validation, eval_sets)
            return fit.run(resume)

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
                f"{network.units}. Keep hidden_layer_sizes (and the number of quantiles), "
                "or set warm_start=False and call fit."
            )
        return network

    def _start(self, network, dtype, rng, first):
        """The parameters to begin with."""
        if first:
            return initial_parameters(network.units, network.activations, dtype, rng)
        return join(self.coefs_, self.intercepts_, dtype)

    def _fit_lbfgs(self, network, data, first):
        """Train on all rows at once, in float64 lest the line search runs out of digits."""
        rng, X = check_random_state(self.random_state), data.X
        weight = training_weights(self, data, np.float64)
        result = train_lbfgs(
            self._start(network, X.dtype, rng, first).astype(np.float64),
            network,
            Rows.of(
                X.astype(np.float64, copy=False),
                data.targets,
                weight,
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
        return self._finish(result, incremental=False)

    def _show(self, parameters, network):
        """Set what predictions need, as views of the parameters."""
        self.coefs_, self.intercepts_ = split(parameters, network.units)
        self.n_layers_ = len(network.units)
        self.n_outputs_ = network.units[-1]
        self.out_activation_ = self._output_function(network.loss)
        self._loss, self._level = network.loss, network.level
        self._activations = network.activations

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
        """Set the numbers of the fit; raise, or return (text, category) to warn of, or None."""
        self.n_iter_ = result.n_iter
        if result.loss is not None:
            self.loss_ = float(result.loss)
        if result.status == "overflow" or not np.isfinite(result.parameters).all():
            raise self._overflow(result.n_iter + 1, "parameter weights or the loss")
        if result.status == "interrupted":
            text = "Training interrupted by user. The model keeps what it has learned."
            return text, UserWarning
        if result.status == "max_iter" and not incremental:
            return self._not_converged(result), ConvergenceWarning
        return None

    def _warned(self, warning):
        """Warn the caller of fit or partial_fit, which scikit-learn has wrapped."""
        if warning is not None:
            warnings.warn(*warning, stacklevel=4)
        return self

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
        return new_samples(self, X, accept_sparse="csr", dtype=(np.float64, np.float32))

    def _outputs(self, X):
        """The output layer for new samples, before its function."""
        return outputs(self._checked(X), self.coefs_, self.intercepts_, self._activations)

    def _draws(self, X, n_samples, random_state):
        """The output layer in n_samples passes with dropout, of shape (n_samples, n, outputs)."""
        X = self._checked(X)
        rates = getattr(self, "_rates", np.zeros(1))
        if not rates.any():
            raise ValueError(
                "Monte-Carlo dropout needs a network that was trained with dropout to the end, "
                f"but dropout={self.dropout!r} and input_dropout={self.input_dropout!r}. Set one "
                "of them (a schedule must not end at 0), and fit again."
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

    def __setstate__(self, state):
        """Pickled views come back as arrays of their own: predictions want one vector again."""
        super().__setstate__(state)
        if hasattr(self, "coefs_"):
            parameters = joined(self.coefs_, self.intercepts_, self.coefs_[0].dtype)
            if parameters is not self.coefs_[0].base:
                units = self.coefs_[0].shape[0], *map(len, self.intercepts_)
                self.coefs_, self.intercepts_ = split(parameters, units)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
