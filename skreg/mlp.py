"""Multilayer perceptrons with dropout, decoupled weight decay and label smoothing."""

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import column_or_1d
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels

from skreg._perceptron import Perceptron
from skreg._solvers.network import (
    decisions,
    log_probabilities,
    logits,
    probabilities,
    split,
)
from skreg._validation import check_partial_fit_first_call, fit_context


class MLPClassifier(ClassifierMixin, Perceptron):
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

    loss_curve_ : list of length ``n_iter_``
        `loss_` after each epoch; with `warm_start` and `partial_fit` the list goes on.

    validation_scores_ : list of length ``n_iter_`` or None
        Accuracy on the held-out rows after each epoch; None without `early_stopping`.

    best_validation_score_ : float or None
        Largest of `validation_scores_`.

    t_ : int
        Training rows seen, repetitions included.

    coefs_ : list of ndarrays, one a layer, of shape (units[i], units[i + 1])
        Weight matrices, in the dtype of X.

    intercepts_ : list of ndarrays, one a layer, of shape (units[i + 1],)
        Biases. All arrays of `coefs_` and `intercepts_` are views of one vector.

    n_features_in_ : int
        Number of features.

    feature_names_in_ : ndarray of shape (``n_features_in_``,)
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
    Weights and biases start uniform between plus and minus ``sqrt(6 / (fan_in + fan_out))``, for
    'logistic' ``sqrt(2 / (fan_in + fan_out))`` [1]_.

    float32 input is trained and predicted in float32, any other in float64. X is not copied as a
    whole if it is float already, whatever its memory order ('lbfgs' makes a float64 copy of
    float32 input); sparse X is never made dense. A batch whose sample weights are all zero is
    skipped. Memory beyond X: three ('sgd') or four ('adam') vectors of all parameters and the
    activations of one batch.

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

    @available_if(Perceptron._check_stochastic)
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
            self._refuse_one_class(self._label_binarizer)
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

    def _both_sides(self, z):
        """Two columns for the two classes of a single logistic output."""
        return np.hstack([-z, z]) if self.n_outputs_ == 1 else z

    def _encode(self, y, incremental):
        """Learn or check the classes; return targets as the solvers take them."""
        check_classification_targets(y)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if not hasattr(self, "classes_") or not (self.warm_start or incremental):
            binarizer = LabelBinarizer().fit(y)
            self._refuse_one_class(binarizer)
            self._label_binarizer, self.classes_ = binarizer, binarizer.classes_
        else:
            self._check_classes(unique_labels(y))
        if self._label_binarizer.y_type_.startswith("multilabel"):
            return self._label_binarizer.transform(y).astype(np.int32, order="C")
        return np.searchsorted(self.classes_, y).astype(np.int32)[:, None]

    def _refuse_one_class(self, binarizer):
        """Raise before anything of an earlier fit is overwritten."""
        if len(binarizer.classes_) < 2 and not binarizer.y_type_.startswith("multilabel"):
            raise ValueError(
                "MLPClassifier needs samples of at least 2 classes in the data, but the data "
                f"contains only one class: {binarizer.classes_[0]}"
            )

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

    def _output(self):
        """One output for two classes, else one a class or label."""
        y_type = self._label_binarizer.y_type_
        loss = "softmax" if y_type == "multiclass" else "logistic"
        return 1 if y_type == "binary" else len(self.classes_), loss

    def _scorer(self, network, X, targets, weight):
        """Accuracy on held-out rows; a multilabel row counts when all its labels are right."""

        def accuracy(parameters):
            z = logits(X, *split(parameters, network.units), network.activation)
            right = (decisions(z, network.loss) == targets).all(axis=1)
            return float(np.average(right, weights=weight))

        return accuracy

    def _strata(self, targets):
        """Labels to stratify the held-out rows by: for two classes only, as scikit-learn does."""
        return self.classes_[targets[:, 0]] if self._output()[0] == 1 else None

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
