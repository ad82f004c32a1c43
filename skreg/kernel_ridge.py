"""Kernel ridge regression."""

from numbers import Real
from typing import ClassVar

import numpy as np

from skreg._kernel_model import KernelRegressor
from skreg._posterior import StoresSpectrum
from skreg._ridge_parameters import filter_function
from skreg._ridge_problem import Problem
from skreg._ridge_search import SpectralSearch
from skreg._solvers.filters import tikhonov
from skreg._solvers.kernel_folds import KernelMatrixFolds
from skreg._solvers.kernel_spectrum import DualSolution, decompose, dual_coef, solve, spectrum_of
from skreg._solvers.scaling import units
from skreg._validation import Interval, check_alpha, fit_context, raise_for_params
from skreg.ridge_cv import GivenPredictions, RidgeCV


class KernelRidge(KernelRegressor):
    """Ridge regression on the features that a kernel implies.

    Minimizes, over functions f(x) = sum_j c_j k(x, x_j), for each target y::

        sum_i v_i (y_i - f(x_i))^2 + alpha ||f||^2,    ||f||^2 = c'K c

    where v_i is the weight of sample i, 1 without ``sample_weight``, and K the kernel matrix of
    the training samples. The dual coefficients c solve ``(K + alpha diag(1 / v)) c = y``. There
    is no intercept; centre y, or add a constant to the kernel.

    Parameters
    ----------
    alpha : float or array-like of shape (n_targets,), default=1
        Strength of the penalty, in [0, inf), in units of the kernel. An array holds one strength
        for each target. At 0 the function passes through the samples as far as K lets it, and
        has the least norm among those.
    kernel : str or callable, default="linear"
        Name of a kernel in :data:`sklearn.metrics.pairwise.PAIRWISE_KERNEL_FUNCTIONS`, or
        "precomputed" where X is the kernel matrix itself, or a function that takes two rows of X
        (with ``kernel_params`` as keyword arguments) and returns a number. The kernel should be
        positive semidefinite: "additive_chi2", a negated distance, never is, "sigmoid" often is
        not (see the notes).
    gamma : float, default=None
        Factor in the kernels "rbf", "laplacian", "poly", "sigmoid" and "chi2", in [0, inf). None
        leaves it to the kernel: ``1 / n_features``, for "chi2" 1.
    degree : float, default=3
        Degree of the kernel "poly", in [0, inf).
    coef0 : float, default=1
        Constant in the kernels "poly" and "sigmoid".
    kernel_params : dict, default=None
        Keyword arguments of a kernel that is a function; other kernels ignore it.

    Attributes
    ----------
    dual_coef_ : ndarray of shape (n_samples,) or (n_samples, n_targets)
        Dual coefficients c, in units of y over units of the kernel.
    X_fit_ : {ndarray, sparse matrix} of shape (n_samples, n_features)
        The training samples, which prediction needs; with ``kernel="precomputed"`` the training
        kernel matrix.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X had names that are all strings.

    See Also
    --------
    KernelRidgeCV : Chooses alpha by leave-one-out errors and other rules.
    Ridge : The same with coefficients for the features, and an intercept.
    sklearn.kernel_ridge.KernelRidge : The class whose interface this one keeps.

    Notes
    -----
    K + alpha diag(1 / v) is factorized by Cholesky's method, or where targets have more than six
    different alphas by its eigenvalues, and the solution is refined with its residual. Where that
    cannot be certified, because the matrix is nearly singular, the eigenvalues of K above
    rounding serve. Those below count as zero, and dual coefficients along their eigenvectors,
    which change no prediction, too. At ``alpha=0`` a :class:`scipy.linalg.LinAlgWarning` then
    tells the rank.

    An indefinite K gives a stationary point of the objective. It is the minimum, for v = 1, if
    no eigenvalue of K lies between -alpha and 0. Where K + alpha diag(1 / v) is not positive
    definite, a symmetric factorization with pivots of both signs, one for each different alpha,
    takes the place of Cholesky's, and a :class:`scipy.linalg.LinAlgWarning` tells. Where alpha
    outweighs the negative eigenvalues, they may stay unnoticed.

    The cost is O(n_samples^3), the memory 16 bytes for each pair of samples, and 32 where
    eigenvalues are needed.

    References
    ----------
    .. [1] C. Saunders, A. Gammerman, V. Vovk, "Ridge Regression Learning Algorithm in Dual
       Variables", ICML (1998).
    .. [2] B. Schoelkopf, A. J. Smola, "Learning with Kernels", MIT Press (2002).

    Examples
    --------
    >>> import numpy as np
    >>> from skreg import KernelRidge
    >>> X = np.linspace(-1, 1, 21)[:, None]
    >>> y = np.abs(X.ravel())
    >>> model = KernelRidge(alpha=1e-3, kernel="rbf", gamma=10).fit(X, y)
    >>> print(model.predict([[-0.5], [0.05]]).round(2))
    [0.5  0.04]
    """

    _parameter_constraints: ClassVar = {
        "alpha": [Interval(Real, 0, None, closed="left"), "array-like"],
        **KernelRegressor._parameter_constraints,
    }

    def __init__(
        self,
        alpha=1,
        *,
        kernel="linear",
        gamma=None,
        degree=3,
        coef0=1,
        kernel_params=None,
    ):
        self.alpha = alpha
        self.kernel = kernel
        self.gamma = gamma
        self.degree = degree
        self.coef0 = coef0
        self.kernel_params = kernel_params

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Fit the dual coefficients.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data, with ``kernel="precomputed"`` the kernel matrix (n_samples, n_samples).
            float32 and float64 are used as they are, other types become float64.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets.
        sample_weight : float or array-like of shape (n_samples,), default=None
            Non-negative weights of the samples.

        Returns
        -------
        self : KernelRidge
            The fitted estimator.

        Raises
        ------
        ValueError
            For NaN, infinity, negative or ill-fitting values in any argument or parameter, for a
            precomputed kernel matrix that is not square or not symmetric, a kernel that gives
            NaN or infinity, and an indefinite one with a nearly singular
            K + alpha diag(1 / v), as when -alpha is an eigenvalue of K.
        TypeError
            For a sparse y.

        Warns
        -----
        scipy.linalg.LinAlgWarning
            For an indefinite K + alpha diag(1 / v), and for ``alpha=0`` with a singular K.
        """
        X, y, weight = self._validate(X, y, sample_weight)
        alpha = check_alpha(self.alpha, 1 if y.ndim == 1 else y.shape[1])
        problem = self._problem(X, y, weight)
        solution = solve(problem, alpha)
        self._store_solution(problem, solution, alpha, X, y, depth=4)
        return self


class KernelRidgeCV(StoresSpectrum, SpectralSearch, KernelRegressor):
    """Kernel ridge regression that chooses its penalty.

    Minimizes the objective of :class:`KernelRidge` with the alpha that `rule` calls best. One
    eigendecomposition of the weighted kernel matrix gives the scores of all alphas; no fit is
    repeated, and samples are left out without one.

    Parameters
    ----------
    alphas : array-like of shape (n_alphas,), float, int or "auto", default=(0.1, 1.0, 10.0)
        Candidates, in [0, inf), in units of the kernel; leave-one-out errors need them positive.
        An int is the number of candidates, spaced geometrically over the range of the
        eigenvalues; "auto" takes 100 of them and then searches between the best and its
        neighbours. A float is a single candidate. With the filters "truncated_svd" and
        "landweber" they are numbers of components or steps.
    kernel : str or callable, default="linear"
        Kernel, as in :class:`KernelRidge`, positive semidefinite: "additive_chi2" never is and is
        refused, "sigmoid" often is not.
    gamma : float, default=None
        Factor in the kernels "rbf", "laplacian", "poly", "sigmoid" and "chi2", in [0, inf). None
        leaves it to the kernel.
    degree : float, default=3
        Degree of the kernel "poly", in [0, inf).
    coef0 : float, default=1
        Constant in the kernels "poly" and "sigmoid".
    kernel_params : dict, default=None
        Keyword arguments of a kernel that is a function; other kernels ignore it.
    scoring : str or callable, default=None
        Scorer of the predictions for samples left out. None stands for minus the mean squared
        error, weighted, of leaving one out, and for R^2 with `cv`.
    cv : int, cross-validation generator or iterable, default=None
        Folds. None leaves out one sample at a time. Weights count in the fits and in the scores
        of the folds, where the scorer takes them.
    alpha_per_target : bool, default=False
        Whether each target gets an alpha of its own, also with `cv`.
    rule : {"loo", "gcv", "modified_gcv", "robust_gcv", "upre", "discrepancy", "l_curve", "ncp", \
            "quasi_optimality", "evidence"}, default="loo"
        What calls an alpha the best. "loo", leave-one-out errors, and "evidence" are for the
        filter "tikhonov"; all but "loo" go without `scoring` and `cv`.
    noise_std : float or array-like of shape (n_targets,), default=None
        Standard deviation of the noise in y, positive: needed by the rule "discrepancy", used by
        "upre", which otherwise estimates it where the rank of the kernel matrix lets it.
    choose : {"min", "one_se"}, default="min"
        "one_se" takes the most regularized alpha whose error is within one standard error of the
        smallest, for leave-one-out errors and folds.
    store_cv_results : bool, default=False
        Whether ``cv_results_`` holds what is known of every sample left out, as in
        :class:`sklearn.linear_model.RidgeCV`; with ``rule="loo"`` and ``cv=None``.
    filter : {"tikhonov", "iterated_tikhonov", "truncated_svd", "damped_svd", "exponential", \
            "landweber"}, default="tikhonov"
        How eigenvalues of the kernel matrix are damped; "tikhonov" is ridge.
    filter_order : int, default=2
        Order of the filter "iterated_tikhonov", at least 1.
    store_spectrum : bool, default=False
        Whether to keep ``spectrum_``, which holds two n_samples by n_samples arrays.

    Attributes
    ----------
    alpha_ : float or ndarray of shape (n_targets,)
        The penalty chosen, an array with `alpha_per_target` and several targets.
    best_score_ : float or ndarray of shape (n_targets,)
        Its score, the larger the better: minus the value of the rule, or the mean score.
    dual_coef_ : ndarray of shape (n_samples,) or (n_samples, n_targets)
        Dual coefficients at ``alpha_``, in units of y over units of the kernel.
    X_fit_ : {ndarray, sparse matrix} of shape (n_samples, n_features)
        The training samples, which prediction needs; with ``kernel="precomputed"`` the training
        kernel matrix.
    cv_results_ : dict or ndarray of shape (n_samples[, n_targets], n_alphas)
        With `store_cv_results` the weighted squared leave-one-out errors, or with `scoring` the
        leave-one-out predictions. Else a dict of arrays with one entry, or row, for each
        candidate: "alpha"; "mean_test_score" ("score" for rules that leave nothing out);
        "std_error", the standard error of that mean, where there is one; "split0_test_score" and
        so on with `cv`.
    spectrum_ : Spectrum
        With `store_spectrum`. It is that of the root A^(1/2) of the weighted kernel matrix
        A = sqrt(v_i v_j) k(x_i, x_j), taken for data without intercept: ``s`` are roots of
        eigenvalues, ``coef_norm`` is ||f||. Its ``coef`` are coefficients b of that root, with
        ``c = diag(v)^(1/2) A^(-1/2) b``; for the function of another alpha fit a
        :class:`KernelRidge` with it.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X had names that are all strings.

    See Also
    --------
    KernelRidge : The same for one alpha.
    RidgeCV : The same with coefficients for the features, and an intercept.

    Notes
    -----
    The cost is that of the eigenvalues, O(n_samples^3), and O(n_samples^2) for each alpha; with
    `cv` the eigenvalues of each fold's training samples are added. The memory is 32 bytes for
    each pair of samples, with `cv` 50. Kernel matrices whose negative eigenvalues exceed rounding
    are refused.

    A rule that finds no answer, or ends at the edge of candidates that it was free to take,
    warns with :class:`sklearn.exceptions.ConvergenceWarning`.

    References
    ----------
    .. [1] D. M. Allen, "The Relationship between Variable Selection and Data Augmentation and a
       Method for Prediction", Technometrics 16 (1974).
    .. [2] G. H. Golub, M. Heath, G. Wahba, "Generalized Cross-Validation as a Method for
       Choosing a Good Ridge Parameter", Technometrics 21 (1979).
    .. [3] G. Wahba, "Spline Models for Observational Data", SIAM (1990).

    Examples
    --------
    Runge's function, with noise, at equispaced points, where interpolation overshoots. A Gaussian
    kernel is tamed by the alpha of least leave-one-out error:

    >>> import numpy as np
    >>> from skreg import KernelRidge, KernelRidgeCV
    >>> def runge(x):
    ...     return 1 / (1 + 25 * x.ravel() ** 2)
    >>> X, x = np.linspace(-1, 1, 41)[:, None], np.linspace(-1, 1, 1001)[:, None]
    >>> y = runge(X) + 0.05 * np.random.default_rng(0).normal(size=41)
    >>> def error(model):
    ...     return np.abs(model.fit(X, y).predict(x) - runge(x)).max()
    >>> print(f"{error(KernelRidge(alpha=1e-10, kernel='rbf', gamma=50)):.2f}")
    0.27
    >>> print(f"{error(KernelRidgeCV(alphas='auto', kernel='rbf', gamma=50)):.2f}")
    0.06
    """

    _parameter_constraints: ClassVar = {
        name: allowed
        for name, allowed in RidgeCV._parameter_constraints.items()
        if name not in ("fit_intercept", "gcv_mode")
    } | KernelRegressor._parameter_constraints

    _default_scoring = "r2"
    _depth = 6

    def __init__(
        self,
        alphas=(0.1, 1.0, 10.0),
        *,
        kernel="linear",
        gamma=None,
        degree=3,
        coef0=1,
        kernel_params=None,
        scoring=None,
        cv=None,
        alpha_per_target=False,
        rule="loo",
        noise_std=None,
        choose="min",
        store_cv_results=False,
        filter="tikhonov",
        filter_order=2,
        store_spectrum=False,
    ):
        self.alphas = alphas
        self.kernel = kernel
        self.gamma = gamma
        self.degree = degree
        self.coef0 = coef0
        self.kernel_params = kernel_params
        self.scoring = scoring
        self.cv = cv
        self.alpha_per_target = alpha_per_target
        self.rule = rule
        self.noise_std = noise_std
        self.choose = choose
        self.store_cv_results = store_cv_results
        self.filter = filter
        self.filter_order = filter_order
        self.store_spectrum = store_spectrum

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None, **params):
        """Choose alpha, and fit the dual coefficients.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data, with ``kernel="precomputed"`` the kernel matrix (n_samples, n_samples).
            float32 and float64 are used as they are, other types become float64.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets.
        sample_weight : float or array-like of shape (n_samples,), default=None
            Non-negative weights of the samples.
        **params : dict
            Arguments of the scorer and the splitter, where metadata routing is enabled.

        Returns
        -------
        self : KernelRidgeCV
            The fitted estimator.

        Raises
        ------
        ValueError
            For NaN, infinity, negative or ill-fitting values in any argument or parameter, for
            parameters that do not go together, for a precomputed kernel matrix that is not
            square or not symmetric, and a kernel that gives NaN or infinity or is not positive
            semidefinite.
        TypeError
            For a sparse y.
        """
        raise_for_params(params, self, "fit")
        alphas, given = self._check_parameters(), (X, y)
        X, y, weight = self._validate(X, y, sample_weight)
        problem = KernelProblem(self, X, y, weight, alphas)
        self._search(problem, y, self._routed(weight, params), given)
        return self

    def _store(self, problem, spectrum, alpha):
        """Store the dual coefficients, and the spectrum."""
        if spectrum.filter is tikhonov:
            solution = solve(problem.dual, alpha, problem.decomposition)
        else:
            solution = DualSolution(dual_coef(spectrum, alpha[None])[0] * problem.unit)
        self._store_solution(problem.dual, solution, alpha, problem.X, problem.Y, self._depth + 1)
        stored = spectrum.rescaled(1.0, problem.unit) if self.store_spectrum else None
        self._stored_spectrum = stored

    def _stand_in(self):
        return GivenPredictions(type(self).__name__)


class KernelProblem(Problem):
    """The data of one search, by their kernel matrix."""

    fit_intercept = False

    def __init__(self, estimator, X, Y, weight, alphas):
        self.X, self.Y, self.weight, self.alphas = X, Y, weight, alphas
        self.targets = Y.reshape(len(Y), -1)
        self.per_target = estimator.alpha_per_target and self.targets.shape[1] > 1
        self.filter = filter_function(estimator)
        # Folds weigh a part of the matrix each, so they need it as it is.
        self.K = None if estimator.cv is None else estimator._training_kernel(X)
        self.dual = estimator._problem(X, Y, weight, self.K)
        self.decomposition = decompose(self.dual)
        self.unit = units(self.dual.y, np.finfo(np.float64), common=not self.per_target)

    def spectrum(self, _=None):
        """The spectrum of the weighted kernel matrix."""
        return spectrum_of(self.dual, self.decomposition, filter=self.filter, unit=self.unit)

    def spectrum_for(self, _):
        """The same: the eigenvectors are known already."""
        return self.spectrum()

    def overview(self, folds):
        """The spectrum, which a search by folds takes its range from."""
        return self.spectrum()

    def folds(self, samples, splits):
        """The folds of splits of the samples that have weight."""
        K = self.K
        if len(samples.y) < len(K):
            kept = np.flatnonzero(self.weight)
            K = K[np.ix_(kept, kept)]
        return KernelMatrixFolds(samples, splits, K)
