"""Multilayer perceptron regression: five losses, and every regularizer of the classifier."""

from numbers import Real

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import d2_pinball_score, r2_score
from sklearn.utils.metaestimators import available_if

from skreg._perceptron import Perceptron
from skreg._perceptron_checks import (
    DivergenceError,
    check_fit_arguments,
    check_n_samples,
    check_partial_fit,
)
from skreg._validation import Interval, StrOptions, fit_context, unchanged_on_error


class MLPRegressor(RegressorMixin, Perceptron):
    r"""Multilayer perceptron regressor with every common regularizer.

    Minimizes, over weight matrices W and biases b,

    .. math:: \frac{1}{V} \Big( \sum_i v_i \, \ell(z(x_i; W, b), y_i)
              + \frac{\alpha}{2} \|W\|^2 \Big), \qquad V = \sum_i v_i,

    where v are the sample weights, z the network's output and :math:`\ell` the `loss`, summed
    over outputs. The stochastic solvers take this objective batch by batch. Biases are never
    penalized.

    Drop-in for :class:`sklearn.neural_network.MLPRegressor`: same parameters, same attributes,
    same initial weights and shuffles for the same `random_state`. (With several targets
    `loss_` is the sum over them, whose gradient both follow, where scikit-learn reports the
    mean.) New are three losses, ``solver="adamw"``, the parameters from `weight_decay` on,
    schedules, and callbacks: `set_callbacks` takes those of :mod:`sklearn.callback`, which see
    every epoch and may stop the fit.

    Parameters
    ----------
    loss : {'squared_error', 'absolute_error', 'huber', 'quantile', 'poisson'}
        What is minimized for each output, with residual r = y - z; 'squared_error' by default.

        - 'squared_error': r^2 / 2, for the mean.
        - 'absolute_error': abs(r), for the median.
        - 'huber': r^2 / 2 up to abs(r) = `huber_delta`, linear beyond [6]_.
        - 'quantile': q r for r > 0, (q - 1) r below, for the quantile q [12]_.
        - 'poisson': half the Poisson deviance of the mean exp(z), for y >= 0.

    hidden_layer_sizes : array-like of shape (n_layers - 2,) or int, default=(100,)
        Units of each hidden layer, all positive. ``()`` gives a linear model.

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
        Whether `fit` starts from the parameters of the fit before. Targets and layers must then
        be as many.

    momentum : float, default=0.9
        Momentum of 'sgd', in [0, 1].

    nesterovs_momentum : bool, default=True
        Whether 'sgd' uses Nesterov's form of momentum.

    early_stopping : bool, default=False
        Whether to watch `scoring` on validation data instead of the training loss, and to keep
        the parameters with the best score, also when training is interrupted. The data are
        `X_val` and `y_val` of `fit`, or `validation_fraction` of the rows.
        Not used by 'lbfgs'.

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
        copy of its rows, y_batch the targets as an array of shape (n_batch, n_outputs),
        rng a RandomState. :mod:`skreg.augment` has ready ones. Not for sparse X.

    scoring : str, callable or None, default=None
        What `early_stopping` watches: a scorer of scikit-learn, 'loss' for the loss on the
        validation data, or None for R^2.

    record : str or array-like of str, default=()
        What `history_` keeps beyond its usual columns: 'gradient_norm', 'update_norm',
        'spectral_norm', 'parameters' (a copy of all after every epoch).

    checkpoint : str, path or None, default=None
        File for all that `fit` needs to go on with ``resume=True``, written anew after every
        epoch. It is replaced in one step, so that it is whole whenever the process ends.

    huber_delta : float, default=1.35
        Where Huber's loss turns linear, in (0, inf), in units of y.

    quantile : float or array-like of shape (n_quantiles,), default=0.5
        Quantiles of the loss 'quantile', in (0, 1). With an array one network learns all of them
        for one target, and `predict` has a column for each.

    Attributes
    ----------
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
        Columns whose first axis is the epoch: 'loss' (of the data, as trained: with dropout),
        'l2_penalty' and 'l1_penalty', 'learning_rate', 'parameter_norm', 'zero_share' (of the
        weights), 'validation_loss' and 'validation_score' where there are validation data,
        '<name>_loss' and '<name>_score' of the `eval_sets` of `fit`; as asked for in `record`,
        'gradient_norm' (before clipping) and 'update_norm' (root mean squares over the steps) and
        'parameters'. Norms come for each layer as well, with its biases: 'layer_parameter_norm' of
        shape (n_epochs, n_layers - 1) and so on, and 'layer_spectral_norm'. With 'lbfgs' the
        objective after each iteration.

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
        Units of the output layer: one a target, or one a quantile.

    out_activation_ : str
        'identity', or 'exp' for the loss 'poisson'.

    Raises
    ------
    ValueError
        For parameters out of range; NaN or infinity in X or y; negative y with 'poisson'; several
        targets with several quantiles; negative or all-zero weights; `early_stopping` or
        `checkpoint` in `partial_fit`; a batch larger than the data; options that exclude each
        other; a damaged checkpoint, or one of another training; or a fit that overflows, with the
        epoch it did.

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
    .. [5] Y. Gal and Z. Ghahramani (2016), "Dropout as a Bayesian approximation", ICML.
    .. [6] P. J. Huber (1964), "Robust estimation of a location parameter", Annals of Mathematical
       Statistics 35.
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
    .. [12] R. Koenker and G. Bassett (1978), "Regression quantiles", Econometrica 46.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.preprocessing import scale
    >>> from skreg import MLPRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> X = scale(X)
    >>> model = MLPRegressor(loss="quantile", quantile=[0.1, 0.9], solver="adamw", dropout=0.1,
    ...     hidden_layer_sizes=(32,), learning_rate_init=0.1, early_stopping=True, random_state=0)
    >>> _ = model.fit(X[:300], y[:300])
    >>> low, high = model.predict(X[300:]).T
    >>> bool(0.6 < ((low <= y[300:]) & (y[300:] <= high)).mean() < 0.95)
    True
    """

    def __init__(
        self,
        loss="squared_error",
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
        huber_delta=1.35,
        quantile=0.5,
    ):
        self.loss = loss
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
        self.huber_delta = huber_delta
        self.quantile = quantile

    _parameter_constraints: dict = {
        **Perceptron._parameter_constraints,
        "loss": [StrOptions({"squared_error", "absolute_error", "huber", "quantile", "poisson"})],
        "huber_delta": [Interval(Real, 0, None, closed="neither")],
        "quantile": [Interval(Real, 0, 1, closed="neither"), "array-like"],
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
        """Fit the network to samples with targets.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training samples.

        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets.

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
        self : MLPRegressor
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
    def partial_fit(self, X, y, sample_weight=None):
        """Train for one epoch on the given samples, going on from what was learned before.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training samples.

        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets.

        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights of the samples; None means 1 each.

        Returns
        -------
        self : MLPRegressor
            The estimator, one epoch further.

        Raises
        ------
        ValueError
            For another number of targets than before, early_stopping=True or a `checkpoint`, and
            as in `fit`.
        """
        check_partial_fit(self)
        with unchanged_on_error(self, but=DivergenceError):
            warning = self._fit(X, y, sample_weight, incremental=True)
        return self._warned(warning)

    def predict(self, X, return_std=False, *, n_samples=100, random_state=None):
        """Predict the targets.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples_X, n_features)
            Samples.

        return_std : bool, default=False
            Whether to return standard deviations, too: the spread of predictions by Monte-Carlo
            dropout, passes with units dropped as in training (Gal and Ghahramani 2016).

        n_samples : int, default=100
            Number of such passes, at least 2, with the rates of the last training step.

        random_state : int, RandomState instance or None, default=None
            Source of their masks; None takes the estimator's `random_state`.

        Returns
        -------
        y : ndarray of shape (n_samples_X,), (n_samples_X, n_targets) or (n_samples_X, n_quantiles)
            Predictions, without dropout.

        std : ndarray of the same shape
            With `return_std`, standard deviations.

        Raises
        ------
        ValueError
            For `return_std` where the network was trained without dropout, or `n_samples` is not a
            whole number of at least 2.
        """
        mean = self._prediction(self._outputs(X))
        if not return_std:
            return mean
        check_n_samples(n_samples, least=2)
        draws = self._prediction(self._draws(X, n_samples, random_state))
        return mean, draws.std(axis=0, ddof=1)

    def score(self, X, y, sample_weight=None):
        """R^2 of the predictions; for the loss 'quantile' the share of the loss explained.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples.

        Returns
        -------
        score : float
            :func:`sklearn.metrics.r2_score`, or the mean of
            :func:`sklearn.metrics.d2_pinball_score` over the quantiles.
        """
        return self._score_of(self.predict(X), y, sample_weight)

    def _prediction(self, z):
        """Outputs as predictions; one output is a vector, but a list of one quantile is not."""
        if self._loss == "poisson":
            with np.errstate(over="ignore"):
                z = np.exp(z)
        return z if self._columns else z[..., 0]

    def _encode(self, y, incremental):
        """Learn the shape of y; return targets as the solvers take them."""
        columns = y.ndim == 2 and y.shape[1] > 1
        first = not hasattr(self, "_columns") or not (self.warm_start or incremental)
        if first:
            self._n_targets = y.shape[1] if columns else 1
        if self._quantiles() and columns:
            raise ValueError(
                f"quantile={self.quantile!r} asks for several quantiles of each of the "
                f"{y.shape[1]} targets: pass one target, or one quantile."
            )
        if first:
            self._columns = bool(columns or self._quantiles())
        return self._encode_known(y)

    def _encode_known(self, y):
        """Targets of any data, one column an output."""
        targets = y.reshape(len(y), -1)
        if targets.shape[1] != self._n_targets:
            raise ValueError(
                f"y has {targets.shape[1]} targets, but the network has learned "
                f"{self._n_targets}. Keep the targets, or fit anew with warm_start=False."
            )
        if self.loss == "poisson" and (targets < 0).any():
            raise ValueError(
                f"loss='poisson' needs y >= 0; the smallest is {targets.min()}. Use another loss."
            )
        return np.broadcast_to(targets, (len(y), self._output()[0])).astype(np.float64)

    def _output(self):
        """One output a target, or one a quantile."""
        level = {"huber": self.huber_delta, "quantile": self._levels()}.get(self.loss, 0.0)
        n_outputs = len(level) if isinstance(level, tuple) else self._n_targets
        return n_outputs, self.loss, level, 0.0

    def _quantiles(self):
        """Whether an array of quantiles makes the columns of predictions."""
        return self.loss == "quantile" and not isinstance(self.quantile, Real)

    def _levels(self):
        """The quantiles: a number, or a tuple for an array of them."""
        if self.loss != "quantile" or isinstance(self.quantile, Real):
            return self.quantile
        levels = tuple(self.quantile) if np.ndim(self.quantile) == 1 else ()
        if not levels or not all(isinstance(q, Real) and 0 < q < 1 for q in levels):
            raise ValueError(
                f"quantile={self.quantile!r} must be one number between 0 and 1, both excluded, "
                "or a list of such numbers."
            )
        return tuple(map(float, levels))

    def _output_function(self, loss):
        """The inverse link."""
        return "exp" if loss == "poisson" else "identity"

    def _weigh(self, y, targets, weight):
        """Only classes have weights of their own."""
        return weight

    def _default_score(self, prediction, data):
        """What `score` gives for these predictions."""
        if len(prediction) < 2:
            raise ValueError(
                "the score of a single sample is not defined. Pass more, or set scoring='loss'."
            )
        return self._score_of(prediction, data.y, data.weight)

    def _score_of(self, prediction, y, weight):
        """R^2, the mean over targets; of quantiles their D^2, the mean over quantiles."""
        if self._loss != "quantile":
            return float(r2_score(y, prediction, sample_weight=weight))
        levels = np.atleast_1d(self._level)
        columns = prediction if np.ndim(self._level) else prediction[..., None]
        found = [
            d2_pinball_score(y, columns[..., k], alpha=q, sample_weight=weight)
            for k, q in enumerate(levels)
        ]
        return float(np.mean(found))

    def _strata(self, targets):
        """Numbers are not stratified."""
        return None

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = not self._quantiles()
        tags.target_tags.positive_only = self.loss == "poisson"
        return tags
