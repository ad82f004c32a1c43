"""Multilayer perceptrons with dropout, decoupled weight decay and label smoothing."""

from numbers import Real

import numpy as np
from scipy.special import expit, log_expit
from sklearn.base import ClassifierMixin
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import column_or_1d, compute_class_weight, compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels

from skreg._kernels.losses import softmax
from skreg._perceptron import Perceptron
from skreg._perceptron_checks import (
    DivergenceError,
    check_fit_arguments,
    check_n_samples,
    check_partial_fit,
)
from skreg._validation import (
    Interval,
    StrOptions,
    check_partial_fit_first_call,
    fit_context,
    unchanged_on_error,
)


def probabilities(z, function):
    """P(class), in place of outputs: softmax over a row; for "logistic", of each by itself."""
    if function != "softmax":
        return expit(z, out=z)
    # SciPy's takes longer for one row than the network, and for many as long as the rest.
    softmax(z.reshape(-1, z.shape[-1]))
    return z


def log_probabilities(z, function):
    """Logarithm of `probabilities`, finite where the probability underflows."""
    if function != "softmax":
        return log_expit(z)
    z = z - z.max(axis=-1, keepdims=True)
    with np.errstate(under="ignore"):
        return z - np.log(np.exp(z).sum(axis=-1, keepdims=True))


def decisions(z, function):
    """Most probable targets from outputs: class codes, or 0 and 1 for each label."""
    if function == "softmax":
        return z.argmax(axis=1)
    chosen = (z > 0).astype(np.intp)
    return chosen[:, 0] if z.shape[1] == 1 else chosen


class MLPClassifier(ClassifierMixin, Perceptron):
    r"""Multilayer perceptron classifier with every common regularizer.

    Minimizes, over weight matrices W and biases b,

    .. math:: \frac{1}{V} \Big( \sum_i v_i \, \ell(z(x_i; W, b), y_i)
              + \frac{\alpha}{2} \|W\|^2 \Big), \qquad V = \sum_i v_i,

    where v are the sample weights, z the network's output (logits) and :math:`\ell` the
    cross-entropy: softmax for three and more classes, one logistic output for two classes, one
    logistic output a label for multilabel targets (summed over labels). The stochastic solvers
    take this objective batch by batch. Biases are never penalized.

    Drop-in for :class:`sklearn.neural_network.MLPClassifier`: same parameters, same attributes,
    same initial weights and shuffles for the same `random_state`. New are ``solver="adamw"``, the
    parameters from `weight_decay` on, schedules, and callbacks: `set_callbacks` takes those of
    :mod:`sklearn.callback`, which see every epoch and may stop the fit.

    Parameters
    ----------
    hidden_layer_sizes : array-like of shape (n_layers - 2,) or int, default=(100,)
        Units of each hidden layer, all positive. ``()`` gives logistic regression.

    activation : str or array-like of str of shape (n_layers - 2,), default='relu'
        Function of the hidden units, one for all layers or one a layer: 'identity', 'logistic',
        'tanh', 'relu', 'leaky_relu' (slope 0.01 below 0), 'elu', 'selu', 'gelu' (the exact one),
        'silu', 'mish'.

    solver : {'lbfgs', 'sgd', 'adam', 'adamw'}, default='adam'
        - 'lbfgs': quasi-Newton on the whole objective, computed in float64. Best on small data.
        - 'sgd': stochastic gradient descent with momentum.
        - 'adam': Adam [2]_. `epsilon` is added after the bias correction, as in the paper's
          Algorithm 1 and in PyTorch. (scikit-learn adds it before, which acts like a larger
          epsilon in the first steps: losses differ by about 1 % after ten epochs of the digits
          with the default of 1e-8, by 2e-8 with 1e-14. All other rules agree to the last digits.)
        - 'adamw': Adam with decoupled weight decay [3]_, see `weight_decay`.

    alpha : float or schedule, default=0.0001
        Coupled L2 penalty, in [0, inf). Its gradient, ``alpha * W / V`` with V the weight sum of
        the batch, passes through momentum and moments like the gradient of the loss. A schedule
        (see :mod:`skreg.schedules`), or any function of the number t = 0, 1, ... of updates so
        far, changes it from step to step; not with 'lbfgs'.

    batch_size : int or 'auto', default='auto'
        Rows of a batch; 'auto' is ``min(200, n_samples)``. More than there are rows is an error
        in `fit`; `partial_fit` takes what it gets. Not used by 'lbfgs'.

    learning_rate : {'constant', 'invscaling', 'adaptive'} or schedule, default='constant'
        The names are only used by 'sgd':

        - 'constant': always `learning_rate_init`.
        - 'invscaling': ``learning_rate_init / (t + 1) ** power_t`` from the end of the first
          epoch on, t being the number of samples seen.
        - 'adaptive': divided by 5 each time training stalls, see `n_iter_no_change`; training
          ends when it stalls with a rate of 1e-6 or less.

        A schedule such as ``PowerLaw(0.1, tau=5e4)`` from :mod:`skreg.schedules`, or any function
        of the number of updates, is the rate itself, for 'adam' and 'adamw', too;
        `learning_rate_init` is then not used.

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
        Whether to watch `scoring` on validation data instead of the training loss, and to keep
        the parameters with the best score, also when training is interrupted. The data are
        `X_val` and `y_val` of `fit`, or `validation_fraction` of the rows, a split that is
        stratified for two classes only, as in scikit-learn. Not used by 'lbfgs'.

    validation_fraction : float, default=0.1
        Share of rows to hold out, in [0, 1).

    beta_1 : float, default=0.9
        Decay of Adam's first moment, in [0, 1).

    beta_2 : float, default=0.999
        Decay of Adam's second moment, in [0, 1).

    epsilon : float, default=1e-8
        Adam's guard against division by zero, in (0, inf).

    n_iter_no_change : int or inf, default=10
        Training stalls after more than this many epochs in a row without progress; at least 1.

    max_fun : int, default=15000
        Most evaluations of the objective for 'lbfgs', at least 1.

    weight_decay : float, schedule or None, default=None
        Decoupled weight decay, in [0, inf): each step also subtracts
        ``learning_rate * weight_decay * W`` from the weights, outside moments and momentum, so
        that every weight shrinks at the same rate [3]_. Biases do not decay. None is 0.01 for
        'adamw' and 0 for the others; a number holds for 'sgd' and 'adam' as well, and 'adam' with
        decay is 'adamw'.

    l1 : float, default=0.0
        L1 penalty of the weights, in [0, inf), by a proximal step after each update:
        ``W <- sign(W) max(|W| - learning_rate * l1, 0)``. Weights become exactly 0.

    dropout : float, schedule or array-like of shape (n_layers - 2,), default=0.0
        Probability in [0, 1) with which each hidden unit is set to zero in a training step [4]_;
        an array gives one (or a schedule) for each hidden layer. It is rounded to a multiple of
        2^-16. Units that stay are divided by the probability of staying, so nothing changes at
        prediction. The loss reported is the loss with dropout.

    input_dropout : float or schedule, default=0.0
        The same for the features.

    max_grad_norm : float or None, default=None
        Largest Euclidean norm of the gradient over all parameters, the part of `alpha` included,
        in (0, inf); a longer one is shortened to it. None is no limit.

    spectral_norm : {'cap', 'normalize'} or None, default=None
        What happens to the largest singular value of every weight matrix:

        - 'cap': after each step, a matrix above `max_spectral_norm` is scaled down to it [7]_.
        - 'normalize': every matrix is divided by it, and the gradient is taken through the
          division [8]_.

        One power iteration a step follows the value; the fitted matrices meet it exactly.

    max_spectral_norm : float, default=1.0
        The bound of ``spectral_norm='cap'``, in (0, inf).

    sam_rho : float, default=0.0
        Sharpness-aware minimization [9]_: each step takes the gradient of the loss not at the
        parameters but at the point `sam_rho` farther along it, with the same dropout mask. Costs
        a second pass. In [0, inf); 0 is off.

    sam_adaptive : bool, default=False
        Whether SAM measures the distance of each weight relative to its size [10]_.

    average : {'ema', 'swa'} or None, default=None
        Predict with an average of the parameters over the steps: 'ema' is exponential, with
        `average_decay` and without memory of the start; 'swa' [11]_ is the plain mean of the ends
        of the epochs from `average_start` on. Weights that `l1` has set to 0 are 0 in the
        average.

    average_decay : float, default=0.999
        Share of the old average that 'ema' keeps in each step, in [0, 1).

    average_start : float, default=0.75
        Share of `max_iter` after which 'swa' begins, in [0, 1), with the last epoch at the latest;
        a training that ends before keeps its plain weights.

    batch_augment : callable or None, default=None
        ``(X_batch, y_batch, rng) -> (X_batch, y_batch)``, called for every batch: X_batch is a
        copy of its rows, y_batch the targets as an array of shape (n_batch, n_outputs) (class
        probabilities, or 0 and 1),
        rng a RandomState. :mod:`skreg.augment` has ready ones. Not for sparse X.

    scoring : str, callable or None, default=None
        What `early_stopping` watches: a scorer of scikit-learn, 'loss' for the loss on the
        validation data without smoothing, or None for the accuracy.

    record : str or array-like of str, default=()
        What `history_` keeps beyond its usual columns: 'gradient_norm', 'update_norm',
        'spectral_norm', 'parameters' (a copy of all after every epoch).

    checkpoint : str, path or None, default=None
        File for all that `fit` needs to go on with ``resume=True``, written anew after every
        epoch. It is replaced in one step, so that it is whole whenever the process ends.

    label_smoothing : float, default=0.0
        Probability eps in [0, 1) taken from the true class [5]_. With K classes the target is
        1 - eps for the true class and eps / (K - 1) for each other one (the paper's form with
        uniform share eps_K is ``eps_K = eps * K / (K - 1)``). For a logistic output, the target
        is 1 - eps on the true side and eps on the other. At eps = (K - 1) / K (binary: 1/2) all
        targets are equal and nothing can be learned; beyond it the true class becomes the least
        likely. Useful values lie between 0.01 and 0.2.

    class_weight : dict, list of dict, 'balanced' or None, default=None
        Weights of the classes, which multiply those of the samples; 'balanced' is
        ``n_samples / (n_classes * count of the class)`` for the data at hand. A list has one dict
        for each label of multilabel targets. They count in the training alone, not in scores.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels in sorted order; for multilabel targets the label numbers.

    loss_ : float
        Objective in the last epoch, as the mean over its batches; the L1 penalty is that of the
        end of the epoch.

    best_loss_ : float or None
        Least loss since `fit` began; None with `early_stopping`.

    loss_curve_ : list of length ``n_iter_``
        `loss_` after each epoch; with `warm_start` and `partial_fit` the list goes on, and so
        does `validation_scores_`.

    validation_scores_ : list of length ``n_iter_`` or None
        Score on the validation data after each epoch; None without `early_stopping`.

    best_validation_score_ : float or None
        Largest validation score since `fit` began.

    best_epoch_ : int
        Epoch of the best validation score, or without one of the least loss, from 1 on,
        which is the first since `fit` began.

    history_ : dict of str to ndarray
        Columns whose first axis is the epoch: 'loss' (of the data, as trained: with dropout and
        smoothing), 'l2_penalty' and 'l1_penalty', 'learning_rate', 'parameter_norm',
        'zero_share' (of the weights), 'validation_loss' and 'validation_score' where there are
        validation data, '<name>_loss' and '<name>_score' of the `eval_sets` of `fit`; as asked
        for in `record`, 'gradient_norm' (before clipping) and 'update_norm' (root mean squares
        over the steps) and 'parameters'. Norms come for each layer as well, with its biases:
        'layer_parameter_norm' of shape (n_epochs, n_layers - 1) and so on, and
        'layer_spectral_norm'. With 'lbfgs' the objective after each iteration.

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
        model does not know; negative or all-zero weights;
        `early_stopping` or `checkpoint` in `partial_fit`; a batch larger than the data; options
        that exclude each other; a damaged checkpoint, or one of another training; or a fit that
        overflows, with the epoch it did.

    Notes
    -----
    Weights and biases start uniform between plus and minus ``sqrt(6 / (fan_in + fan_out))``, for
    'logistic' ``sqrt(2 / (fan_in + fan_out))`` [1]_, as in scikit-learn; before 'leaky_relu',
    'elu', 'gelu', 'silu' and 'mish' the bound is ``sqrt(6 / fan_in)`` (He et al. 2015), before
    'selu' ``sqrt(3 / fan_in)`` (LeCun et al. 1998). The output layer starts as the last hidden
    one.

    float32 input is trained and predicted in float32, any other in float64; float32 is up to twice
    as fast. X is not copied as a whole if it is float already, whatever its memory order ('lbfgs'
    makes a float64 copy of float32 input); sparse X is never made dense. A batch whose sample
    weights are all zero is skipped. Large batches are cut into parts for all cores, small ones are
    trained on one; the result has the same bits for any number of threads. (Fits in threads other
    than the main one leave BLAS its threads, whose number may change the last digits.) Memory
    beyond X: four ('sgd') or five ('adam') vectors of all parameters and the activations of one
    batch.

    A fit that overflows raises a `ValueError` that names the epoch; the estimator keeps the
    parameters before that epoch. After Ctrl-C it keeps what it has learned, with a warning.

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
    .. [6] Y. Gal and Z. Ghahramani (2016), "Dropout as a Bayesian approximation", ICML.
    .. [7] H. Gouk et al. (2021), "Regularisation of neural networks by enforcing Lipschitz
       continuity", Machine Learning 110.
    .. [8] T. Miyato et al. (2018), "Spectral normalization for generative adversarial networks",
       ICLR.
    .. [9] P. Foret et al. (2021), "Sharpness-aware minimization for efficiently improving
       generalization", ICLR.
    .. [10] J. Kwon et al. (2021), "ASAM: adaptive sharpness-aware minimization for
       scale-invariant learning of deep neural networks", ICML.
    .. [11] P. Izmailov et al. (2018), "Averaging weights leads to wider optima and better
       generalization", UAI.

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
        weight_decay=None,
        l1=0.0,
        dropout=0.0,
        input_dropout=0.0,
        max_grad_norm=None,
        spectral_norm=None,
        max_spectral_norm=1.0,
        sam_rho=0.0,
        sam_adaptive=False,
        average=None,
        average_decay=0.999,
        average_start=0.75,
        batch_augment=None,
        scoring=None,
        record=(),
        checkpoint=None,
        label_smoothing=0.0,
        class_weight=None,
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
        self.l1 = l1
        self.dropout = dropout
        self.input_dropout = input_dropout
        self.max_grad_norm = max_grad_norm
        self.spectral_norm = spectral_norm
        self.max_spectral_norm = max_spectral_norm
        self.sam_rho = sam_rho
        self.sam_adaptive = sam_adaptive
        self.average = average
        self.average_decay = average_decay
        self.average_start = average_start
        self.batch_augment = batch_augment
        self.scoring = scoring
        self.record = record
        self.checkpoint = checkpoint
        self.label_smoothing = label_smoothing
        self.class_weight = class_weight

    _parameter_constraints: dict = {
        **Perceptron._parameter_constraints,
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
        "class_weight": [dict, list, StrOptions({"balanced"}), None],
    }

    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X,
        y,
        sample_weight=None,
        *,
        X_val=None,
        y_val=None,
        sample_weight_val=None,
        eval_sets=None,
        resume=False,
    ):
        """Fit the network to labelled samples.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training samples.

        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Class labels, or a 0/1 matrix for multilabel targets.

        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights v of the samples; None means 1 each.

        X_val, y_val : {array-like, sparse matrix} and array-like, default=None
            Validation data for `early_stopping`, instead of a part of X and y; of any number of
            samples, with the features of X and the shape of y.

        sample_weight_val : array-like of shape (n_samples_val,), default=None
            Weights of the validation data in their score.

        eval_sets : dict of str to (X, y) or (X, y, sample_weight), default=None
            Data to follow: `history_` gets their loss and score after every epoch.

        resume : bool, default=False
            Whether to go on from the file `checkpoint`, if it is there. The result has the same
            bits as that of a training that was never interrupted. Data and parameters must be
            those of before; `n_iter_no_change` and `max_iter` may change, the latter unless
            schedules or 'swa' plan with it.

        Returns
        -------
        self : MLPClassifier
            The fitted estimator.

        Raises
        ------
        ValueError
            For what the class lists, for validation data without early_stopping=True, and for
            data to follow that do not fit the samples.
        """
        validation = check_fit_arguments(self, X_val, y_val, sample_weight_val, eval_sets, resume)
        with unchanged_on_error(self, but=DivergenceError):
            warning = self._fit(
                X, y, sample_weight, validation=validation, eval_sets=eval_sets, resume=resume
            )
        return self._warned(warning)

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

        Raises
        ------
        ValueError
            For a class that is not among those of the first call, a first call without `classes`,
            early_stopping=True or a `checkpoint`, and as in `fit`.
        """
        check_partial_fit(self)
        with unchanged_on_error(self, but=DivergenceError):
            if check_partial_fit_first_call(self, classes):
                multilabel = type_of_target(y).startswith("multilabel")
                self._label_binarizer = LabelBinarizer().fit(y if multilabel else classes)
                self._refuse_one_class(self._label_binarizer)
                self._check_labels()
            warning = self._fit(X, y, sample_weight, incremental=True)
        return self._warned(warning)

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
        codes = self._prediction(self._outputs(X))
        if self._multilabel():
            return self._label_binarizer.inverse_transform(codes)
        return self.classes_[codes]

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
        return probabilities(self._both_sides(self._outputs(X)), self.out_activation_)

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
        return log_probabilities(self._both_sides(self._outputs(X)), self.out_activation_)

    def sample_proba(self, X, n_samples=100, random_state=None):
        """Draw probabilities by Monte-Carlo dropout: passes with units dropped as in training.

        Their spread says how unsure the network is of its probabilities (Gal and Ghahramani 2016).

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples_X, n_features)
            Samples.

        n_samples : int, default=100
            Number of draws, at least 1, with the rates of the last training step.

        random_state : int, RandomState instance or None, default=None
            Source of the masks; None takes the estimator's `random_state`.

        Returns
        -------
        y_prob : ndarray of shape (n_samples, n_samples_X, n_classes)
            One set of probabilities a draw.

        Raises
        ------
        ValueError
            Where the network was trained without dropout, or `n_samples` is not a whole number of
            at least 1.
        """
        check_n_samples(n_samples)
        draws = self._draws(X, n_samples, random_state)
        return probabilities(self._both_sides(draws), self.out_activation_)

    def _both_sides(self, z):
        """Two columns for the two classes of a single logistic output."""
        return np.concatenate([-z, z], axis=-1) if self.n_outputs_ == 1 else z

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
            self._check_classes(y, whole=not incremental)
        return self._targets(y)

    def _encode_known(self, y):
        """Targets of other data, which may lack classes but not have new ones."""
        check_classification_targets(y)
        self._check_classes(y, whole=False)
        return self._targets(y)

    def _targets(self, y):
        """Class codes, or a matrix of 0 and 1 for multilabel targets."""
        if self._multilabel():
            return self._label_binarizer.transform(y).astype(np.float64, order="C")
        return np.searchsorted(self.classes_, y).astype(np.int32)

    def _refuse_one_class(self, binarizer):
        """Raise before anything of an earlier fit is overwritten."""
        if len(binarizer.classes_) < 2 and not binarizer.y_type_.startswith("multilabel"):
            raise ValueError(
                "MLPClassifier needs samples of at least 2 classes in the data, but the data "
                f"contains only one class: {binarizer.classes_[0]}. Pass samples of the others."
            )

    def _multilabel(self):
        """Whether a sample has any number of labels."""
        return self._label_binarizer.y_type_.startswith("multilabel")

    def _check_labels(self):
        """Refuse classes that are not the labels of a first call to partial_fit."""
        if self._multilabel() and not np.array_equal(
            self._label_binarizer.classes_, self.classes_
        ):
            n_labels = len(self._label_binarizer.classes_)
            raise ValueError(
                f"classes={self.classes_} do not fit y, which has {n_labels} labels: pass "
                f"classes=range({n_labels}), the numbers of its columns."
            )

    def _check_classes(self, y, whole):
        """Refuse labels that the network has no output for, or lacks where fit must match."""
        wide = y.ndim == 2
        if wide != self._multilabel():
            kinds = "one class a sample", "a 0/1 matrix of labels"
            raise ValueError(
                f"y holds {kinds[wide]}, but the network has learned from "
                f"{kinds[self._multilabel()]}. Pass targets of that kind, or fit anew with "
                "warm_start=False."
            )
        classes = unique_labels(y)
        if whole and not np.array_equal(classes, self.classes_):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous "
                f"call to fit. Previously got {self.classes_}, `y` has {classes}"
            )
        if len(np.setdiff1d(classes, self.classes_, assume_unique=True)):
            raise ValueError(
                f"`y` has classes not in `self.classes_`. `self.classes_` has {self.classes_}. "
                f"'y' has {classes}. Train on samples of all classes, or name them all in the "
                "first call to partial_fit."
            )

    def _weigh(self, y, targets, weight):
        """Sample weights times class weights; those of a dict do not ask who is in this y."""
        if self.class_weight is None:
            return weight
        try:
            if isinstance(self.class_weight, dict) and targets.ndim == 1:
                known = {"classes": self.classes_, "y": self.classes_}
                by_class = compute_class_weight(self.class_weight, **known)[targets]
            else:
                by_class = compute_sample_weight(self.class_weight, y)
        except (OverflowError, TypeError, ValueError) as error:
            raise ValueError(
                f"class_weight={self.class_weight!r} does not fit y: {str(error).rstrip('.')}. "
                "Pass 'balanced', a dict of class to number, or for labels one such dict each."
            ) from error
        if not (np.isfinite(by_class).all() and (by_class >= 0).all()):
            raise ValueError(
                f"class_weight={self.class_weight!r} must hold finite numbers of at least 0."
            )
        with np.errstate(over="ignore"):
            weight = by_class.astype(np.float64) if weight is None else by_class * weight
        if not weight.any():
            raise ValueError(
                f"class_weight={self.class_weight!r} gives every sample weight 0: keep a class "
                "that has samples."
            )
        return weight

    def _output(self):
        """One output for two classes, else one a class or label."""
        y_type = self._label_binarizer.y_type_
        loss = "softmax" if y_type == "multiclass" else "logistic"
        n_outputs = 1 if y_type == "binary" else len(self.classes_)
        return n_outputs, loss, 0.0, self.label_smoothing

    def _output_function(self, loss):
        """scikit-learn's name of the function that makes probabilities of outputs."""
        return loss

    def _prediction(self, z):
        """Codes of the most probable classes, or 0 and 1 for each label."""
        return decisions(z, self.out_activation_)

    def _default_score(self, prediction, data):
        """Accuracy; a multilabel row counts when all its labels are right."""
        right = prediction == data.targets
        right = right.all(axis=1) if right.ndim == 2 else right
        return float(np.average(right, weights=data.weight))

    def _strata(self, targets):
        """Labels to stratify the held-out rows by: for two classes only, as scikit-learn does."""
        return self.classes_[targets] if self._output()[0] == 1 else None

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
