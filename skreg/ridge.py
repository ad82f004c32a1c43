"""Ridge regression."""

import warnings
from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from scipy.linalg import LinAlgWarning
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skreg._linear import LinearRegressor, centred_data, validate_regression
from skreg._posterior import Posterior
from skreg._ridge_parameters import (
    check_streamable,
    choose_solver,
    spectral_options,
    spectral_parameters,
)
from skreg._solvers.filters import FILTERS
from skreg._solvers.moments import moments
from skreg._solvers.spectral import spectral, streamed
from skreg._solvers.tikhonov import RANDOM, solve
from skreg._validation import (
    Interval,
    StrOptions,
    check_alpha,
    check_finite_fit,
    check_weights,
    fit_context,
)

SOLVERS = {"auto", "svd", "cholesky", "lsqr", "sparse_cg", "sag", "saga", "lbfgs"}


class Ridge(Posterior, LinearRegressor):
    """Linear least squares with a squared L2 penalty (Tikhonov regularization).

    Minimizes, over coefficients w and a free intercept b, for each target y::

        sum_i v_i (y_i - x_i'w - b)^2 + alpha ||L (w - w0)||^2

    where v_i is the weight of sample i, 1 without ``sample_weight``. L is the identity and w0 is
    zero, unless ``penalty_matrix`` and ``prior_mean`` say otherwise. With singular values s of
    the centred data, the penalty multiplies each singular component of the least-squares
    coefficients by the filter factor s^2 / (s^2 + alpha); other filters take its place on demand.

    Parameters
    ----------
    alpha : float or array-like of shape (n_targets,), default=1.0
        Strength of the penalty, in [0, inf), in squared units of X summed over the samples. An
        array holds one strength for each target. At 0 the coefficients are those of least
        squares, of minimum norm (with a ``penalty_matrix`` or ``prior_mean``, of the least
        penalty) where X does not determine them. For the filters
        'truncated_svd' and 'landweber' it is a count, of components or of steps.
    fit_intercept : bool, default=True
        Whether to fit the intercept b. It is not penalized.
    copy_X : bool, default=True
        Whether to leave X as it is. If False, a dense X may be overwritten.
    max_iter : int, default=None
        Most iterations of an iterative solver for one target, at least 1. None stands for
        ``10 * n_features`` ('sparse_cg'), ``2 * n_features`` ('lsqr'), 1000 passes over the
        samples ('sag', 'saga') and 15000 ('lbfgs').
    tol : float, default=1e-4
        Tolerance of the iterative solvers, in [0, inf). Tolerances below what the floating type
        resolves are raised to that. 'svd' and 'cholesky' do not use it.

        - 'sparse_cg': norm of the residual of the normal equations, relative to ``||X'y||``.
        - 'lsqr': relative tolerances ``atol`` and ``btol`` of :func:`scipy.sparse.linalg.lsqr`.
        - 'sag' and 'saga': largest change of a coefficient in one pass, relative to the largest
          coefficient.
        - 'lbfgs': largest violation of an optimality condition that counts as converged,
          relative to the norms of y and of the column. Most fits reach rounding.
    solver : {'auto', 'svd', 'cholesky', 'lsqr', 'sparse_cg', 'sag', 'saga', 'lbfgs'}, \
            default='auto'
        How to compute the coefficients. All but 'svd' take sparse data, with or without an
        intercept.

        - 'auto': 'lbfgs' with ``positive=True``; else 'cholesky' for dense data, where a parameter
          needs the spectrum, and for sparse data as long as the smaller of X'X and XX' is cheap;
          else 'sparse_cg'.
        - 'svd': singular values of X, the slowest and for any data the safest.
        - 'cholesky': normal equations with X'X or XX', whichever is smaller; by eigenvalues in
          place of Cholesky's factors where these say more. The solution is
          refined with the residuals of the data and certified. Where it cannot be, singular
          values ('lsqr' to full precision for large sparse data) take its place.
        - 'sparse_cg': conjugate gradients on the normal equations.
        - 'lsqr': Golub-Kahan bidiagonalization.
        - 'sag', 'saga': stochastic average gradients, for many samples and features of similar
          scale.
        - 'lbfgs': only with ``positive=True``. L-BFGS-B finds the support, an active-set method
          solves on it exactly.
    positive : bool, default=False
        Whether to keep all coefficients at or above 0. Needs the solver 'auto' or 'lbfgs'.
    random_state : int, RandomState instance or None, default=None
        Seed of the order in which 'sag' and 'saga' visit the samples.
    filter : {'tikhonov', 'iterated_tikhonov', 'truncated_svd', 'damped_svd', 'exponential', \
            'landweber'} or callable, default='tikhonov'
        Filter factors phi(s, alpha), by which the singular components of the least-squares
        coefficients are multiplied. All but 'tikhonov' need the solver 'auto' or 'svd'.

        - 'tikhonov': s^2 / (s^2 + alpha), ridge.
        - 'iterated_tikhonov': 1 - (alpha / (s^2 + alpha))^filter_order, ridge on the residual
          of ridge, ``filter_order`` times in all.
        - 'truncated_svd': 1 for the ``alpha`` largest singular values, 0 for the others
          (principal component regression).
        - 'damped_svd': s / (s + sqrt(alpha)).
        - 'exponential': 1 - exp(-s^2 / alpha), gradient flow stopped at time 1 / alpha.
        - 'landweber': 1 - (1 - (s / s_max)^2)^alpha, gradient descent from zero with step size
          1 / s_max^2, stopped after ``alpha`` steps.
        - a callable takes s of shape (rank,) and alpha of shape (..., 1) and returns factors of
          shape (..., rank).
    filter_order : int, default=2
        Order of 'iterated_tikhonov', at least 1.
    penalty_matrix : array-like or sparse matrix of shape (n_rows, n_features), 'first', \
            'second' or None, default=None
        L of the objective (general-form Tikhonov regularization). 'first' and 'second' penalize
        differences of neighbouring coefficients, of that order. What L maps to zero is not
        penalized. It becomes dense, and so does a sparse X.
    prior_mean : array-like of shape (n_features,) or (n_targets, n_features), default=None
        w0 of the objective, to which the coefficients are drawn instead of to zero.
    max_norm : float or array-like of shape (n_targets,), default=None
        Bound on ||L (w - w0)||, in (0, inf). Where ``alpha`` alone does not keep it, alpha is
        raised to the value at which it holds with equality (a trust-region step); ``alpha_``
        tells. Needs the filter 'tikhonov'.
    store_spectrum : bool, default=False
        Whether to keep ``spectrum_``, which answers for every other alpha as well, and gives
        standard deviations; O((n_samples + n_features) min(n_samples, n_features)) in memory.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
        Coefficients w, flat for one target, in units of y over units of X.
    intercept_ : float or ndarray of shape (n_targets,)
        Intercept b in units of y, an array where y was two-dimensional; 0.0 if
        ``fit_intercept=False``.
    alpha_ : float or ndarray of shape (n_targets,)
        Strength of the penalty in the solution; ``alpha``, unless ``max_norm`` raised it.
    filter_factors_ : ndarray of shape (rank,) or (n_targets, rank)
        Factors phi in the order of decreasing singular values. Where singular values were
        computed: with a ``filter`` other than 'tikhonov', the solver 'svd', a penalty matrix,
        ``prior_mean``, ``max_norm`` or ``store_spectrum``; after `partial_fit`; and with the
        solvers 'auto' and 'cholesky' for X whose smaller side is at most 128, or that was so
        badly conditioned that they took singular values.
    spectrum_ : Spectrum
        Singular values and vectors of the centred data (of the standard form, with a penalty
        matrix), and the target in their basis. Its methods ``coef``, ``filter_factors``,
        ``dof``, ``loo``, ``gcv``, ``l_curve``, ``picard``, ``resolution``, ``covariance`` and
        ``condition_number`` take one alpha or many. With ``store_spectrum=True``.
    covariance_ : ndarray of shape (n_features, n_features) or (n_targets, n_features, n_features)
        Posterior covariance of the coefficients. With ``store_spectrum=True``.
    noise_variance_ : float or ndarray of shape (n_targets,)
        Variance of the noise, as the evidence has it. With ``store_spectrum=True``.
    prior_variance_ : float or ndarray of shape (n_targets,)
        ``noise_variance_ / alpha_``, the prior variance of a coefficient. With
        ``store_spectrum=True``.
    n_iter_ : ndarray of shape (n_targets,)
        Iterations for each target: passes over the samples with 'sag' and 'saga', steps of
        L-BFGS-B and of the active set with 'lbfgs', rounds of refinement with 'cholesky', 1 with
        'svd'.
    solver_ : str
        The solver that gave the coefficients.
    n_samples_seen_ : int
        Samples with positive weight that `partial_fit` has seen. After `partial_fit` only.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X had names that are all strings.

    See Also
    --------
    sklearn.linear_model.Ridge : The class whose interface this one keeps.

    Notes
    -----
    An iterative solver that stops at ``max_iter`` warns with
    :class:`sklearn.exceptions.ConvergenceWarning` and tells the residual it reached. Data that do
    not determine the coefficients at ``alpha=0`` get those of minimum norm, and a
    :class:`scipy.linalg.LinAlgWarning` that tells the rank.

    Dense data are not copied as long as a Gram matrix keeps enough digits: the memory beyond X is
    then O(min(n_samples, n_features)^2 + n_samples + n_features). The solver 'svd', and singular
    values where they are needed, take a few copies of X.

    References
    ----------
    .. [1] A. E. Hoerl, R. W. Kennard, "Ridge Regression: Biased Estimation for Nonorthogonal
       Problems", Technometrics 12 (1970).
    .. [2] P. C. Hansen, "Rank-Deficient and Discrete Ill-Posed Problems", SIAM (1998).
    .. [3] A. Bjorck, "Numerical Methods for Least Squares Problems", SIAM (1996).

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from skreg import Ridge
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = Ridge(alpha=0.1).fit(X, y)
    >>> model.coef_.shape
    (10,)
    >>> print(f"{model.score(X, y):.3f}")
    0.513

    Keep the four leading components, and look at what else the data would have allowed:

    >>> model = Ridge(alpha=4, filter="truncated_svd", store_spectrum=True).fit(X, y)
    >>> model.filter_factors_
    array([1., 1., 1., 1., 0., 0., 0., 0., 0., 0.])
    >>> model.spectrum_.dof([1, 4, 10])
    array([ 2.,  5., 11.])
    """

    _parameter_constraints: ClassVar = {
        "alpha": [Interval(Real, 0, None, closed="left"), "array-like"],
        "fit_intercept": ["boolean"],
        "copy_X": ["boolean"],
        "max_iter": [Interval(Integral, 1, None, closed="left"), None],
        "tol": [Interval(Real, 0, None, closed="left")],
        "solver": [StrOptions(SOLVERS)],
        "positive": ["boolean"],
        "random_state": ["random_state"],
        "filter": [StrOptions(set(FILTERS)), callable],
        "filter_order": [Interval(Integral, 1, None, closed="left")],
        "penalty_matrix": ["array-like", "sparse matrix", StrOptions({"first", "second"}), None],
        "prior_mean": ["array-like", None],
        "max_norm": [Interval(Real, 0, None, closed="neither"), "array-like", None],
        "store_spectrum": ["boolean"],
    }

    def __init__(
        self,
        alpha=1.0,
        *,
        fit_intercept=True,
        copy_X=True,
        max_iter=None,
        tol=1e-4,
        solver="auto",
        positive=False,
        random_state=None,
        filter="tikhonov",
        filter_order=2,
        penalty_matrix=None,
        prior_mean=None,
        max_norm=None,
        store_spectrum=False,
    ):
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.max_iter = max_iter
        self.tol = tol
        self.solver = solver
        self.positive = positive
        self.random_state = random_state
        self.filter = filter
        self.filter_order = filter_order
        self.penalty_matrix = penalty_matrix
        self.prior_mean = prior_mean
        self.max_norm = max_norm
        self.store_spectrum = store_spectrum

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Fit the coefficients and the intercept.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data. float32 and float64 are used as they are, other types become float64.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets.
        sample_weight : float or array-like of shape (n_samples,), default=None
            Non-negative weights of the samples.

        Returns
        -------
        self : Ridge
            The fitted estimator.

        Raises
        ------
        ValueError
            For NaN, infinity, negative or ill-fitting values in any argument or parameter, for
            parameters that do not go together, and where the fit overflows.
        TypeError
            For a sparse y, and for sparse X with the solver 'svd' and no intercept.
        """
        solver = choose_solver(self, X)
        X, y = validate_regression(self, X, y)
        weight = check_weights(sample_weight, X)
        n_targets = 1 if y.ndim == 1 else y.shape[1]
        alpha = check_alpha(self.alpha, n_targets)
        options = spectral_options(self, X.shape[1], n_targets)
        design = centred_data(self, X, y, weight)
        if spectral_parameters(self) or solver == "svd":
            route = "any alpha" if self.store_spectrum else "best"
            route = "svd" if solver == "svd" else route
            answer = spectral(design, alpha, route=route, **options)
            spectrum = answer.spectrum.complete() if self.store_spectrum else answer.spectrum
            self._store(answer.solution, answer.alpha, design, X.dtype, y.ndim, spectrum)
            self._warn(answer.solution, answer.alpha)
            return self
        seed = None
        if solver in RANDOM:
            seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        solution = solve(
            design,
            alpha,
            solver,
            tol=self.tol,
            max_iter=self.max_iter,
            seed=seed,
            overwrite=not self.copy_X,
        )
        self._store(solution, alpha, design, X.dtype, y.ndim)
        self._warn(solution, alpha)
        return self

    @available_if(check_streamable)
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, sample_weight=None):
        """Add a block of samples, and fit to all blocks so far.

        The result equals one `fit` on all the data, up to the digits that X'X loses: the
        memory is O(n_features^2), of the blocks only the moments are kept. `fit` forgets them.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The next samples.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Their targets, as many as in the first block.
        sample_weight : float or array-like of shape (n_samples,), default=None
            Non-negative weights of the samples.

        Returns
        -------
        self : Ridge
            The estimator, fitted to all samples seen.

        Raises
        ------
        ValueError
            For what `fit` refuses, and for a change in the number of features or targets.
        AttributeError
            With ``positive``, ``penalty_matrix``, ``prior_mean`` or a solver other than 'auto'
            and 'cholesky', which need the data.
        """
        first = not hasattr(self, "_moments")
        X, y = validate_regression(self, X, y, reset=first)
        weight = check_weights(sample_weight, X)
        n_targets = 1 if y.ndim == 1 else y.shape[1]
        if not first and n_targets != len(self._moments.y_mean):
            raise ValueError(
                f"y has {n_targets} targets, but the first block had "
                f"{len(self._moments.y_mean)}: call fit to start anew."
            )
        if not first and self.fit_intercept != self._moments.fit_intercept:
            raise ValueError(
                f"fit_intercept={self.fit_intercept} was {self._moments.fit_intercept} in the "
                f"first block: set it back, or call fit to start anew."
            )
        alpha = check_alpha(self.alpha, n_targets)
        options = spectral_options(self, X.shape[1], n_targets)
        centred_data(self, X, y, weight)  # for its errors
        block = moments(X, y, weight, fit_intercept=self.fit_intercept)
        total = block if first else self._moments + block
        check_finite_fit(self, moments=total.XX, targets=total.yy)
        names = ("filter", "max_norm")
        answer = streamed(
            total,
            alpha,
            wanted=self.store_spectrum,
            **{name: options[name] for name in names},
        )
        self._store(answer.solution, answer.alpha, total, X.dtype, y.ndim, answer.spectrum)
        self._moments, self.n_samples_seen_ = total, total.n_samples
        self._warn(answer.solution, answer.alpha)
        return self

    def _store(self, solution, alpha, means, dtype, y_ndim, spectrum=None):
        """Store a solution, and what its spectrum tells; `means` has X_mean and y_mean."""
        self._store_coef(solution.coef.astype(dtype, copy=False), means, y_ndim)
        for name in ("_moments", "n_samples_seen_"):
            if hasattr(self, name):  # of an earlier fit
                delattr(self, name)
        self._X_mean = means.means_of_features
        self.n_iter_, self.solver_ = solution.n_iter, solution.solver
        # max_norm gives each target a penalty of its own, as an array of alphas does.
        shared = len(alpha) == 1 or (np.ndim(self.alpha) == 0 and self.max_norm is None)
        self.alpha_ = float(alpha[0]) if shared else np.array(alpha)
        self._factors = solution.factors
        if spectrum is not None:
            self._factors = spectrum.factors(alpha[None])[0][0]
        self._stored_spectrum = spectrum if self.store_spectrum else None

    @property
    def filter_factors_(self):
        """Filter factors; of plain ridge they are computed when first asked for."""
        check_is_fitted(self)
        if self._factors is None:
            raise AttributeError(
                "filter_factors_ needs the singular values of X, which this fit did without: use "
                "store_spectrum=True."
            )
        if callable(self._factors):
            self._factors = self._factors()
        return self._factors[0] if np.ptp(self.alpha_) == 0 else self._factors

    def _warn(self, solution, alpha):
        """Say what is wrong with a solution, how near it came, and what to do."""
        text, kind, n_features = None, ConvergenceWarning, solution.coef.shape[1]
        deficient = solution.rank is not None and solution.rank < n_features
        if deficient and np.any(alpha == 0) and self.filter == "tikhonov":
            kind = LinAlgWarning
            general = self.penalty_matrix is not None or self.prior_mean is not None
            least = "the least penalty" if general else "minimum norm"
            text = (
                f"alpha=0, and X has rank {solution.rank} of {n_features} features"
                f"{' after centring' if self.fit_intercept else ''}: many coefficients fit "
                f"equally well, those of {least} are given. Use alpha > 0 or fewer features."
            )
        elif not solution.converged:
            text = self._unconverged(solution)
        if text is not None:
            warnings.warn(text, kind, stacklevel=4)  # the caller of fit, which is wrapped once

    def _unconverged(self, solution):
        """The text of a warning that a solution is not as exact as it was to be."""
        if hasattr(self, "_moments"):
            return (
                f"The moments of the blocks are nearly singular at alpha={self.alpha}, so that "
                f"digits of the coefficients are lost. Increase alpha, scale or drop nearly "
                f"collinear features, or call fit on all the data."
            )
        if solution.solver == "lsqr" != self.solver:
            return (
                f"The normal equations are nearly singular at alpha={self.alpha}, and LSQR in "
                f"their place reached a relative residual of {solution.residual:.2e}, not full "
                f"precision. Increase alpha, or scale or drop nearly collinear features."
            )
        if self.max_iter is None:
            limit = "its default number of iterations"
        else:
            limit = f"max_iter={self.max_iter} iterations"
        return (
            f"The solver {solution.solver!r} did not converge to tol={self.tol} within {limit}; "
            f"the relative residual reached is {solution.residual:.2e}. Increase max_iter or "
            f"tol, scale the features, or use solver='auto'."
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = self.solver != "svd"
        return tags
