"""Multilayer perceptrons with dropout, decoupled weight decay and label smoothing."""

import warnings
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels
from sklearn.utils.validation import check_is_fitted, validate_data

from skreg._solvers import updates
from skreg._solvers.network import (
    Network,
    Rows,
    decisions,
    initial_parameters,
    join,
    log_probabilities,
    logits,
    probabilities,
    split,
)
from skreg._solvers.training import Epochs, Progress, train, train_lbfgs
from skreg._validation import (
    Interval,
    Options,
    StrOptions,
    check_partial_fit_first_call,
    check_weights,
    fit_context,
)


class MLPClassifier(ClassifierMixin, BaseEstimator):
    r"""Multilayer perceptron classifier with four regularizers.

    Minimizes, over weight matrices W and biases b,

    .. math:: \frac{1}{V} \Big( \sum_i v_i \, \ell(z(x_i; W, b), y_i)
              + \frac{\alpha}{2} \|W\|^2 \Big), \qquad V = \sum_i v_i,

    where v are the sample weights, z the network's output (logits) and :math:`\ell` the
    cross-entropy: softmax for three and more classes, one logistic output for two classes, one
    logistic output a label for multilabel targets (summed over labels). The stochastic solvers
    take this objective batch by batch. Biases are never penalized.

    Drop-in for :class:`sklearn.neural_network.MLPClassifier`: same parameters, same attributes,
    same initial weights and shuffles for the same `random_state`. New are ``solver="adamw"``
    with `weight_decay`, `dropout` and `label_smoothing`.

    Parameters
    ----------
    hidden_layer_sizes : array-like of shape (n_layers - 2,) or int, default=(100,)
        Units of each hidden layer, all positive. ``()`` gives logistic regression.

    activation : {'identity', 'logistic', 'tanh', 'relu'}, default='relu'
        Function of the hidden units.

    solver : {'lbfgs', 'sgd', 'adam', 'adamw'}, default='adam'
        - 'lbfgs': quasi-Newton on the whole objective, computed in float64. Best on small data.
        - 'sgd': stochastic gradient descent with momentum.
        - 'adam': Adam [2]_. `epsilon` is added after the bias correction, as in the paper's
          Algorithm 1 and in PyTorch. (scikit-learn adds it before, which acts like a larger
          epsilon in the first steps; with the default of 1e-8 the difference is slight.)
        - 'adamw': Adam with decoupled weight decay [3]_, see `weight_decay`.

    alpha : float, default=0.0001
        Coupled L2 penalty, in [0, inf). Its gradient, ``alpha * W / V`` with V the weight sum of
        the batch, passes through momentum and moments like the gradient of the loss.

    batch_size : int or 'auto', default='auto'
        Rows of a batch; 'auto' is ``min(200, n_samples)``. A larger number than there are rows
        is clipped, with a warning. Not used by 'lbfgs'.

    learning_rate : {'constant', 'invscaling', 'adaptive'}, default='constant'
        Only used by 'sgd'.

        - 'constant': always `learning_rate_init`.
        - 'invscaling': ``learning_rate_init / (t + 1) ** power_t`` from the end of the first
          epoch on, t being the number of samples seen.
        - 'adaptive': divided by 5 each time training stalls, see `n_iter_no_change`; training
          ends when it stalls with a rate of 1e-6 or less.

    learning_rate_init : float, default=0.001
        Step size, in (0, inf). Not used by 'lbfgs'.

    power_t : float, default=0.5
        Exponent of 'invscaling', in [0, inf).

    max_iter : int, default=200
        Most epochs ('lbfgs': iterations), at least 1. Reaching it is a `ConvergenceWarning`.

    shuffle : bool, default=True
        Whether each epoch goes through the rows in a new order. Not used by 'lbfgs'.

    random_state : int, RandomState instance or None, default=None
        Source of initial parameters, validation split, order of the rows and dropout masks.
        An int makes the fit reproducible.

    tol : float, default=1e-4
        Least improvement of the training loss (or validation score) that counts as progress,
        in [0, inf). For 'lbfgs', the largest gradient entry at which it stops.

    verbose : bool or int, default=False
        Whether to print the loss after every epoch.

    warm_start : bool, default=False
        Whether `fit` starts from the parameters of the fit before. Classes and layers must then
        be the same.

    momentum : float, default=0.9
        Momentum of 'sgd', in [0, 1].

    nesterovs_momentum : bool, default=True
        Whether 'sgd' uses Nesterov's form of momentum.

    early_stopping : bool, default=False
        Whether to hold out `validation_fraction` of the rows, watch the accuracy on them instead
        of the training loss, and keep the parameters with the best accuracy, also when training
        is interrupted. The split is stratified for two classes only, as in scikit-learn. Not
        used by 'lbfgs'.

    validation_fraction : float, default=0.1
        Share of rows to hold out, in [0, 1).

    beta_1 : float, default=0.9
        Decay of Adam's first moment, in [0, 1).

    beta_2 : float, default=0.999
        Decay of Adam's second moment, in [0, 1).

    epsilon : float, default=1e-8
        Adam's guard against division by zero, in (0, inf).

    n_iter_no_change : int or inf, default=10
        Training stalls after more than this many epochs in a row without progress.

    max_fun : int, default=15000
        Most evaluations of the objective for 'lbfgs', at least 1.

    weight_decay : float, default=0.01
        Decoupled weight decay of 'adamw', in [0, inf): each step also subtracts
        ``learning_rate_init * weight_decay * W`` from the weights, outside Adam's moments, so
        that every weight shrinks at the same rate. Biases do not decay. Other solvers do not use
        it, as they do not use each other's parameters; their L2 penalty is `alpha`.

    dropout : float or array-like of shape (n_layers - 2,), default=0.0
        Probability in [0, 1) with which each hidden unit is set to zero in a training step [4]_;
        an array gives one for each hidden layer. Units that stay are multiplied by
        ``1 / (1 - dropout)``, so nothing changes at prediction. Not possible with 'lbfgs', which
        needs an objective that stays the same. The loss reported is the loss with dropout.

    label_smoothing : float, default=0.0
        Probability eps in [0, 1) taken from the true class [5]_. With K classes the target is
        1 - eps for the true class and eps / (K - 1) for each other one (the paper's form with
        uniform share eps_K is ``eps_K = eps * K / (K - 1)``). For a logistic output, the target
        is 1 - eps on the true side and eps on the other. At eps = (K - 1) / K (binary: 1/2) all
        targets are equal and nothing can be learned; beyond it the true class becomes the least
        likely. Useful values lie between 0.01 and 0.2.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels in sorted order; for multilabel targets the label numbers.

    loss_ : float
        Objective in the last epoch, as the mean over its batches.

    best_loss_ : float or None
        Least of `loss_curve_`; None with `early_stopping`.

    loss_curve_ : list of shape (n_iter_,)
        `loss_` after each epoch; with `warm_start` and `partial_fit` the list goes on.

    validation_scores_ : list of shape (n_iter_,) or None
        Accuracy on the held-out rows after each epoch; None without `early_stopping`.

    best_validation_score_ : float or None
        Largest of `validation_scores_`.

    t_ : int
        Training rows seen, repetitions included.

    coefs_ : list of n_layers_ - 1 ndarrays of shape (units[i], units[i + 1])
        Weight matrices, in the dtype of X.

    intercepts_ : list of n_layers_ - 1 ndarrays of shape (units[i + 1],)
        Biases. All arrays of `coefs_` and `intercepts_` are views of one vector.

    n_features_in_ : int
        Number of features.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X had string names for all.

    n_iter_ : int
        Epochs or iterations of the last fit.

    n_layers_ : int
        Number of layers, input and output included.

    n_outputs_ : int
        Units of the output layer: 1 for two classes.

    out_activation_ : str
        'softmax' or 'logistic'.

    Raises
    ------
    ValueError
        For parameters out of range; NaN or infinity in X; one class only; labels that the
        model does not know; negative or all-zero weights; `dropout` with 'lbfgs';
        `early_stopping` in `partial_fit`; or a fit that overflows, with the epoch it did.

    Notes
    -----
    float32 input is trained and predicted in float32, any other in float64. X is never copied as
    a whole if it is float already, whatever its memory order; sparse X is never made dense.
    A batch whose sample weights are all zero is skipped.

    References
    ----------
    .. [1] X. Glorot and Y. Bengio (2010), "Understanding the difficulty of training deep
       feedforward neural networks", AISTATS.
    .. [2] D. P. Kingma and J. Ba (2015), "Adam: a method for stochastic optimization", ICLR.
    .. [3] I. Loshchilov and F. Hutter (2019), "Decoupled weight decay regularization", ICLR.
    .. [4] N. Srivastava et al. (2014), "Dropout: a simple way to prevent neural networks from
       overfitting", Journal of Machine Learning Research 15.
    .. [5] C. Szegedy et al. (2016), "Rethinking the Inception architecture for computer vision",
       CVPR.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import MinMaxScaler
    >>> from skreg import MLPClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> X, X_test, y, y_test = train_test_split(X, y, random_state=0)
    >>> model = make_pipeline(MinMaxScaler(), MLPClassifier(
    ...     solver="adamw", dropout=0.2, label_smoothing=0.05, early_stopping=True,
    ...     learning_rate_init=0.005, random_state=0))
    >>> bool(model.fit(X, y).score(X_test, y_test) > 0.95)
    True
    """

    _parameter_constraints: dict = {  # noqa: RUF012
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

    def __init__(
        self,
        hidden_layer_sizes=(100,),
        activation="relu",
        *,
        solver="adam",
        alpha=0.0001,
        batch_size="auto",
        learning_rate="constant",
        learning_rate_init=0.001,
        power_t=0.5,
        max_iter=200,
        shuffle=True,
        random_state=None,
        tol=1e-4,
        verbose=False,
        warm_start=False,
        momentum=0.9,
        nesterovs_momentum=True,
        early_stopping=False,
        validation_fraction=0.1,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        n_iter_no_change=10,
        max_fun=15000,
        weight_decay=0.01,
        dropout=0.0,
        label_smoothing=0.0,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.weight_decay = weight_decay
        self.dropout = dropout
        self.label_smoothing = label_smoothing

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Fit the network to labelled samples.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training samples.

        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Class labels, or a 0/1 matrix for multilabel targets.

        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights v of the samples; None means 1 each.

        Returns
        -------
        self : MLPClassifier
            The fitted estimator.
        """
        return self._fit(X, y, sample_weight, incremental=False)

    @available_if(lambda self: self._check_stochastic())
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, sample_weight=None, classes=None):
        """Train for one epoch on the given samples, going on from what was learned before.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training samples.

        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Class labels, or a 0/1 matrix for multilabel targets.

        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights of the samples; None means 1 each.

        classes : array-like of shape (n_classes,), default=None
            All classes that will ever come. Needed in the first call, optional afterwards.

        Returns
        -------
        self : MLPClassifier
            The estimator, one epoch further.
        """
        if self.early_stopping:
            raise ValueError(
                "partial_fit does not support early_stopping=True, because one epoch has nothing "
                "to stop. Set early_stopping=False, or use fit."
            )
        if check_partial_fit_first_call(self, classes):
            multilabel = type_of_target(y).startswith("multilabel")
            self._label_binarizer = LabelBinarizer().fit(y if multilabel else classes)
        return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X):
        """Predict the most probable class, or every label with probability above 1/2.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_labels)
            Class labels, or a 0/1 matrix.
        """
        codes = decisions(self._logits(X), self.out_activation_)
        if self._label_binarizer.y_type_.startswith("multilabel"):
            return self._label_binarizer.inverse_transform(codes)
        return self.classes_[codes[:, 0]]

    def predict_proba(self, X):
        """Predict the probability of each class, or of each label.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        y_prob : ndarray of shape (n_samples, n_classes)
            Probabilities in the order of `classes_`. Rows sum to 1, except for multilabel
            targets, where each label stands by itself.
        """
        return probabilities(self._both_sides(self._logits(X)), self.out_activation_)

    def predict_log_proba(self, X):
        """Predict the logarithm of `predict_proba`, finite even where that underflows to 0.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        log_y_prob : ndarray of shape (n_samples, n_classes)
            Logarithms of the probabilities.
        """
        return log_probabilities(self._both_sides(self._logits(X)), self.out_activation_)

    def _check_stochastic(self):
        """Hide partial_fit where there are no epochs."""
        if self.solver == "lbfgs":
            raise AttributeError(
                "partial_fit is only available for stochastic solvers: set solver to 'sgd', "
                "'adam' or 'adamw' instead of 'lbfgs'."
            )
        return True

    def _logits(self, X):
        """The output layer for new samples, before softmax or logistic function."""
        check_is_fitted(self)
        X = validate_data(
            self, X, accept_sparse="csr", dtype=(np.float64, np.float32), reset=False
        )
        return logits(X, self.coefs_, self.intercepts_, self.activation)

    def _both_sides(self, z):
        """Two columns for the two classes of a single logistic output."""
        return np.hstack([-z, z]) if self.n_outputs_ == 1 else z

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
            self._update, self._progress = None, Progress()
            parameters = initial_parameters(network.units, self.activation, X.dtype, rng)
        else:
            parameters = join(self.coefs_, self.intercepts_, X.dtype)
        if self.solver == "lbfgs":
            result = self._run_lbfgs(parameters, network, X, targets, weight)
        else:
            result = self._run_epochs(parameters, network, X, targets, weight, rng, incremental)
        self._store(result, network, X.dtype, incremental)
        return self

    def _encode(self, y, incremental):
        """Learn or check the classes; return targets as the solvers take them."""
        check_classification_targets(y)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if not hasattr(self, "classes_") or not (self.warm_start or incremental):
            self._label_binarizer = LabelBinarizer().fit(y)
            self.classes_ = self._label_binarizer.classes_
        else:
            self._check_classes(unique_labels(y))
        if self._label_binarizer.y_type_.startswith("multilabel"):
            return self._label_binarizer.transform(y).astype(np.int32)
        if len(self.classes_) < 2:
            raise ValueError(
                "MLPClassifier needs samples of at least 2 classes in the data, but the data "
                f"contains only one class: {self.classes_[0]!r}"
            )
        return np.searchsorted(self.classes_, y).astype(np.int32)[:, None]

    def _check_classes(self, classes):
        """Refuse labels that the network has no output for, or lacks where fit must match."""
        if self.warm_start and not np.array_equal(classes, self.classes_):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous "
                f"call to fit. Previously got {self.classes_}, `y` has {classes}"
            )
        if len(np.setdiff1d(classes, self.classes_, assume_unique=True)):
            raise ValueError(
                f"`y` has classes not in `self.classes_`. `self.classes_` has {self.classes_}. "
                f"'y' has {classes}. Name all classes in the first call to partial_fit."
            )

    def _network(self, n_features, first):
        """Check and collect the architecture."""
        sizes = np.atleast_1d(np.asarray(self.hidden_layer_sizes))
        if sizes.ndim != 1 or any(
            not isinstance(s, Integral) or s < 1 for s in sizes.tolist()
        ):
            raise ValueError(
                "hidden_layer_sizes must be > 0 and whole numbers, got "
                f"{self.hidden_layer_sizes}. Use () for a network without hidden layers."
            )
        y_type = self._label_binarizer.y_type_
        n_outputs = 1 if y_type == "binary" else len(self.classes_)
        network = Network(
            units=(n_features, *sizes.tolist(), n_outputs),
            activation=self.activation,
            loss="softmax" if y_type == "multiclass" else "logistic",
            dropout=self._dropout_rates(len(sizes)),
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
        rates = np.asarray(self.dropout, dtype=float)
        if rates.ndim == 0:
            rates = np.full(n_hidden, rates)
        if rates.shape != (n_hidden,) or not np.all((rates >= 0) & (rates < 1)):
            raise ValueError(
                f"dropout must be one rate in [0, 1), or one for each of the {n_hidden} hidden "
                f"layers; got {self.dropout!r}."
            )
        if self.solver == "lbfgs" and rates.any():
            raise ValueError(
                f"dropout={self.dropout!r} does not work with solver='lbfgs', which needs the "
                "same objective at every evaluation. Set dropout=0, or solver='adamw'."
            )
        return tuple(rates.tolist())

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
        if self._update is None or not incremental:
            self._update = self._new_update(len(parameters), parameters.dtype)
        self._progress.watch_scores(self.early_stopping)
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
            self._update,
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
        """Split the rows; return those to train on, and the accuracy on the others."""
        kept, held = train_test_split(
            np.arange(X.shape[0]),
            random_state=rng,
            test_size=self.validation_fraction,
            stratify=targets if network.units[-1] == 1 else None,
        )
        if len(held) < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' "
                f"({self.validation_fraction}) or the size of your dataset ({X.shape[0]} samples)."
            )
        X_held, targets_held = X[held], targets[held]
        weight_held = None if weight is None else weight[held]
        if weight is not None and not (weight_held.any() and weight[kept].any()):
            raise ValueError(
                "With early_stopping=True, sample_weight must be positive for some training and "
                "some held-out samples. Increase 'validation_fraction', or drop the samples of "
                "weight zero."
            )

        def accuracy(parameters):
            z = logits(X_held, *split(parameters, network.units), network.activation)
            right = (decisions(z, network.loss) == targets_held).all(axis=1)
            return float(np.average(right, weights=weight_held))

        return kept, accuracy

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
            step = "max_iter" if self.solver == "lbfgs" else "learning_rate_init"
            raise ValueError(
                f"Training overflowed in iteration {result.n_iter}: the solver produced "
                f"non-finite parameter weights or loss. Lower {step} ({getattr(self, step)}), or "
                "scale X, for example with sklearn.preprocessing.StandardScaler."
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
            warnings.warn("Training interrupted by user. The model keeps what it has learned.")
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
        warnings.warn(text, ConvergenceWarning, stacklevel=2)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.classifier_tags.multi_label = True
        return tags
