"""Kernel ridge regression."""

import warnings
from numbers import Real
from typing import ClassVar

import numpy as np
from scipy.linalg import LinAlgWarning

from skreg._kernel_model import KernelRegressor
from skreg._solvers.kernel_spectrum import solve
from skreg._validation import Interval, check_alpha, fit_context


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
        positive semidefinite.
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
    K + alpha diag(1 / v) is factorized by Cholesky's method, for targets with different alphas by
    its eigenvalues, and the solution refined with its residual. Where the condition number, above
    3e10, leaves too few digits, the eigenvalues of K above rounding serve: those below count as
    zero, and dual coefficients along their eigenvectors, which change no prediction, too. A
    kernel matrix whose rank that decides at ``alpha=0`` is reported in a
    :class:`scipy.linalg.LinAlgWarning`. An indefinite kernel, such as "sigmoid" with many
    parameters, is an error as soon as K + alpha diag(1 / v) is not positive definite.

    The cost is O(n_samples^3), the memory 16 bytes for each pair of samples, and some 40 bytes
    where eigenvalues are needed.

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
            NaN or infinity, and one that is not positive semidefinite (see the notes).
        TypeError
            For a sparse y.
        """
        X, y, weight = self._validate(X, y, sample_weight)
        alpha = check_alpha(self.alpha, 1 if y.ndim == 1 else y.shape[1])
        problem = self._problem(X, y, weight)
        solution = solve(problem, alpha)
        self._store_dual_coef(solution.dual_coef, X, y)
        n_samples = np.count_nonzero(problem.root_weight)
        if solution.rank is not None and alpha.min() == 0 and solution.rank < n_samples:
            warnings.warn(
                f"The kernel matrix is singular: its rank is {solution.rank}, with {n_samples} "
                f"samples, and alpha=0 leaves the dual coefficients undetermined. Those of "
                f"least norm are taken. Use alpha > 0, or another kernel.",
                LinAlgWarning,
                stacklevel=3,  # the caller of fit, which is wrapped once
            )
        return self
