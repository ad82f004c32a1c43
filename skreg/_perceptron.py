"""What multilayer perceptrons share: checks, training, fitted attributes."""

import warnings
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from skreg._solvers import updates
from skreg._solvers.network import Network, Rows, initial_parameters, join, logits, split
from skreg._solvers.training import Epochs, Progress, train, train_lbfgs
from skreg._validation import Interval, Options, StrOptions, check_weights


def as_list(value):
    """A number stands for a list of one."""
    return list(value) if hasattr(value, "__iter__") else [value]


class Perceptron(BaseEstimator):
    """A network of dense layers; subclasses say what y is and how to score.

    They provide ``_encode(y, incremental)`` (targets for the solver), ``_output()`` (number of
    output units and name of the loss), and for early stopping ``_strata(targets)`` (or None) and
    ``_scorer(network, X, targets, weight)`` (a function of the parameter vector).
    """

    _parameter_constraints: dict = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions({"identity", "logistic", "tanh", "relu"})],
        "solver": [StrOptions({"lbfgs", "sgd", "adam", "adamw"})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"})],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "power_t": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterovs_momentum": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "n_iter_no_change": [
            Interval(Integral, 1, None, closed="left"),
            Options(Real, {np.inf}),
        ],
        "max_fun": [Interval(Integral, 1, None, closed="left")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "dropout": [Interval(Real, 0, 1, closed="left"), "array-like"],
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
    }

    def _fit(self, X, y, sample_weight, incremental):
        """Validate, train, store: the one way into the solvers."""
        first = not hasattr(self, "coefs_") or not (self.warm_start or incremental)
        dtype = (np.float64, np.float32) if first else self.coefs_[0].dtype
        X, y = validate_data(
            self, X, y, accept_sparse="csr", multi_output=True, dtype=dtype, reset=first
        )
        weight = check_weights(sample_weight, X)
        targets = self._encode(y, incremental)
        network = self._network(X.shape[1], first)
        rng = check_random_state(self.random_state)
        if first:
            self._optimizer, self._progress = None, Progress()
            parameters = initial_parameters(network.units, self.activation, X.dtype, rng)
        else:
            parameters = join(self.coefs_, self.intercepts_, X.dtype)
        if self.solver == "lbfgs":
            result = self._run_lbfgs(parameters, network, X, targets, weight)
        else:
            result = self._run_epochs(parameters, network, X, targets, weight, rng, incremental)
        self._store(result, network, X.dtype, incremental)
        return self

    def _network(self, n_features, first):
        """Check and collect the architecture."""
        n_outputs, loss = self._output()
        hidden = as_list(self.hidden_layer_sizes)
        if not all(isinstance(size, Integral) and size > 0 for size in hidden):
            raise ValueError(
                f"hidden_layer_sizes must be > 0, whole numbers, got {self.hidden_layer_sizes}. "
                "Use () for a network without hidden layers."
            )
        network = Network(
            units=(n_features, *map(int, hidden), n_outputs),
            activation=self.activation,
            loss=loss,
            dropout=self._dropout_rates(len(hidden)),
            label_smoothing=self.label_smoothing,
            alpha=self.alpha,
        )
        trained = network.units if first else (n_features, *(len(b) for b in self.intercepts_))
        if network.units != trained:
            raise ValueError(
                f"The network was trained with layers of {trained} units and cannot go on with "
                f"{network.units}. Keep hidden_layer_sizes, or set warm_start=False and call fit."
            )
        return network

    def _dropout_rates(self, n_hidden):
        """One rate for each hidden layer."""
        rates = as_list(self.dropout)
        if isinstance(self.dropout, Real):
            rates = rates * n_hidden
        if len(rates) != n_hidden or not all(isinstance(p, Real) and 0 <= p < 1 for p in rates):
            raise ValueError(
                f"dropout must be one rate in [0, 1), or one for each of the {n_hidden} hidden "
                f"layers; got {self.dropout!r}."
            )
        if self.solver == "lbfgs" and any(rates):
            raise ValueError(
                f"dropout={self.dropout!r} does not work with solver='lbfgs', which needs the "
                "same objective at every evaluation. Set dropout=0, or solver='adamw'."
            )
        return tuple(map(float, rates))

    def _run_lbfgs(self, parameters, network, X, targets, weight):
        """Train on all rows at once, in float64 lest the line search runs out of digits."""
        weight = None if weight is None else weight.astype(np.float64, copy=False)
        return train_lbfgs(
            parameters.astype(np.float64),
            network,
            Rows.of(X.astype(np.float64, copy=False), targets, weight),
            max_iter=self.max_iter,
            max_fun=self.max_fun,
            tol=self.tol,
            report=self._report,
        )

    def _run_epochs(self, parameters, network, X, targets, weight, rng, incremental):
        """Train batch by batch."""
        if self._optimizer is None or not incremental:
            self._optimizer = self._new_update(len(parameters), parameters.dtype)
        self._progress.watch_scores(self.early_stopping)
        if not incremental:
            self._progress.begin()
        order, score = np.arange(X.shape[0]), None
        if self.early_stopping:
            order, score = self._hold_out(network, X, targets, weight, rng)
        epochs = Epochs(
            batch_size=self._batch_rows(len(order)),
            max_iter=1 if incremental else self.max_iter,
            shuffle=self.shuffle,
            tol=self.tol,
            patience=self.n_iter_no_change,
            # Without dropout nothing is drawn, so that a seed keeps scikit-learn's meaning.
            dropout_seed=rng.randint(2**31 - 1) if any(network.dropout) else 0,
        )
        return train(
            parameters,
            network,
            Rows.of(X, targets, weight),
            order,
            self._optimizer,
            epochs,
            self._progress,
            rng,
            score,
            self._report,
        )

    def _new_update(self, n, dtype):
        """The update rule that the parameters ask for."""
        if self.solver == "sgd":
            return updates.sgd(
                n,
                dtype,
                learning_rate=self.learning_rate_init,
                momentum=self.momentum,
                nesterov=self.nesterovs_momentum,
                schedule=self.learning_rate,
                power_t=self.power_t,
            )
        return updates.adam(
            n,
            dtype,
            learning_rate=self.learning_rate_init,
            beta_1=self.beta_1,
            beta_2=self.beta_2,
            epsilon=self.epsilon,
            weight_decay=self.weight_decay if self.solver == "adamw" else 0.0,
        )

    def _hold_out(self, network, X, targets, weight, rng):
        """Split the rows; return those to train on, and the score on the others."""
        kept, held = train_test_split(
            np.arange(X.shape[0]),
            random_state=rng,
            test_size=self.validation_fraction,
            stratify=self._strata(targets),
        )
        if len(held) < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' "
                f"({self.validation_fraction}) or the size of your dataset ({X.shape[0]} samples)."
            )
        if weight is not None and not (weight[kept].any() and weight[held].any()):
            raise ValueError(
                "With early_stopping=True, sample_weight must be positive for some training and "
                "some held-out samples. Increase 'validation_fraction', or drop the samples of "
                "weight zero."
            )
        held_weight = None if weight is None else weight[held]
        return kept, self._scorer(network, X[held], targets[held], held_weight)

    def _batch_rows(self, n):
        """batch_size, never more than there are rows."""
        if self.batch_size == "auto":
            return min(200, n)
        if self.batch_size > n:
            warnings.warn(
                f"batch_size={self.batch_size} is larger than the {n} training samples. It is "
                f"going to be clipped to {n}."
            )
        return min(self.batch_size, n)

    def _report(self, line):
        """Let the solvers speak where the user wants to listen."""
        if self.verbose:
            print(line)

    def _store(self, result, network, dtype, incremental):
        """Set the fitted attributes, and warn or raise as the training ended."""
        if result.status == "overflow" or not np.isfinite(result.parameters).all():
            self._optimizer = None  # its moments have overflowed too
            lower = f"Lower learning_rate_init ({self.learning_rate_init}), or scale"
            raise ValueError(
                f"Training overflowed in iteration {result.n_iter}: the solver produced "
                f"non-finite parameter weights or loss. "
                f"{'Scale' if self.solver == 'lbfgs' else lower} X, for example with "
                "sklearn.preprocessing.StandardScaler."
            )
        parameters = result.parameters.astype(dtype, copy=False)
        self.coefs_, self.intercepts_ = split(parameters, network.units)
        self.n_layers_ = len(network.units)
        self.n_outputs_ = network.units[-1]
        self.out_activation_ = network.loss
        self.n_iter_ = result.n_iter
        if result.loss is not None:
            self.loss_ = float(result.loss)
        self.t_ = self._progress.samples_seen
        if self.solver != "lbfgs":
            self.loss_curve_ = self._progress.loss_curve
            self.best_loss_ = self._progress.best_loss
            self.validation_scores_ = self._progress.validation_scores
            self.best_validation_score_ = self._progress.best_score
        if result.status == "interrupted":
            warnings.warn(
                "Training interrupted by user. The model keeps what it has learned.", stacklevel=5
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
                f"converged yet; the loss is {result.loss:.4g}. Increase max_iter, or change "
                "learning_rate_init."
            )
        warnings.warn(text, ConvergenceWarning, stacklevel=6)

    def _logits(self, X):
        """The output layer for new samples, before softmax or logistic function."""
        check_is_fitted(self, "coefs_")
        X = validate_data(
            self, X, accept_sparse="csr", dtype=(np.float64, np.float32), reset=False
        )
        return logits(X, self.coefs_, self.intercepts_, self.activation)

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
