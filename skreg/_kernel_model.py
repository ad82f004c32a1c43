"""What kernel regressors share: the kernel matrix, checks at the edge, and prediction."""

import warnings
from numbers import Real
from typing import ClassVar

import numpy as np
from scipy import sparse
from scipy.linalg import LinAlgWarning
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.metrics.pairwise import PAIRWISE_KERNEL_FUNCTIONS, pairwise_kernels
from sklearn.utils import gen_batches
from sklearn.utils.validation import check_is_fitted

from skreg._solvers.kernel_spectrum import weigh
from skreg._validation import (
    Interval,
    StrOptions,
    check_dense,
    check_finite_fit,
    check_weights,
    new_samples,
    validate_samples,
)

SYMMETRIC = 1e-6  # largest difference of mirrored entries by rounding, relative to the largest
BLOCK = 2**22  # entries of a kernel matrix held at a time when predicting: 32 MB


class KernelRegressor(MultiOutputMixin, RegressorMixin, BaseEstimator):
    """A regressor with ``dual_coef_`` and ``X_fit_``."""

    _parameter_constraints: ClassVar = {
        "kernel": [StrOptions({*PAIRWISE_KERNEL_FUNCTIONS, "precomputed"}), callable],
        "gamma": [Interval(Real, 0, None, closed="left"), None],
        "degree": [Interval(Real, 0, None, closed="left")],
        "coef0": [Interval(Real, None, None, closed="neither")],
        "kernel_params": [dict, None],
    }

    def predict(self, X):
        """Predict ``k(X, X_fit_) @ dual_coef_``.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples. With ``kernel="precomputed"`` the kernel between them and the samples of
            `fit`, of shape (n_samples, n_samples_fitted).

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_targets)
            Predicted values, in the units of the training target.
        """
        check_is_fitted(self)
        X = new_samples(self, X, accept_sparse="csr", dtype=[np.float64, np.float32])
        if self.kernel == "precomputed":
            return X @ self.dual_coef_
        rows = gen_batches(X.shape[0], max(1, BLOCK // self.X_fit_.shape[0]))
        parts = [self._kernel(X[part], self.X_fit_) @ self.dual_coef_ for part in rows]
        return np.concatenate(parts)

    def _validate(self, X, y, sample_weight):
        """Checked X, y and weights (None, or one for each sample)."""
        X, y = validate_samples(self, X, y, y_numeric=True)
        return X, check_dense(y), check_weights(sample_weight, X)

    def _kernel(self, X, Y=None):
        """The kernel between the rows of X and those of Y."""
        if callable(self.kernel):
            params = self.kernel_params or {}
        else:
            params = {"degree": self.degree, "coef0": self.coef0}
            if self.gamma is not None:  # "chi2" has a default, but takes no None
                params["gamma"] = self.gamma
        X, Y = narrow(X), None if Y is None else narrow(Y)
        with np.errstate(over="ignore", invalid="ignore"):  # shows in what comes out
            return pairwise_kernels(X, Y, metric=self.kernel, filter_params=True, **params)

    def _training_kernel(self, X):
        """The kernel matrix of the training samples: dense, finite, symmetric."""
        if self.kernel != "precomputed":
            K = self._kernel(X)
            check_finite_kernel(K, self.kernel)
            return K
        if X.shape[0] != X.shape[1]:
            raise ValueError(
                f"kernel='precomputed' takes the square matrix of the kernel between all pairs "
                f"of training samples, but X has shape {X.shape}. Pass that matrix, or the name "
                f"of a kernel."
            )
        K = X.toarray() if sparse.issparse(X) else X
        check_symmetric(K)
        return K

    def _problem(self, X, y, weight, K=None):
        """The weighted kernel matrix and targets, as solvers take them; K is kept if given."""
        kept = K is not None
        K = self._training_kernel(X) if K is None else K
        with np.errstate(over="ignore"):
            problem = weigh(K, y, weight, overwrite=not kept and K is not X)
        if weight is not None:
            check_finite_fit(self, kernel_times_weight=problem.A, y_times_weight=problem.y)
        return problem

    def _store_solution(self, problem, solution, alpha, X, y, depth):
        """Set ``dual_coef_``, flat where y was flat and in the precision of X, and ``X_fit_``.

        Warn, so many calls below the user's, where alpha=0 leaves it undetermined or the kernel
        matrix is indefinite.
        """
        with np.errstate(over="ignore"):
            dual_coef = solution.dual_coef.astype(X.dtype, copy=False)
        check_finite_fit(self, dual_coef_=dual_coef)
        self.dual_coef_ = dual_coef.ravel() if y.ndim == 1 else dual_coef
        self.X_fit_ = X
        if solution.indefinite:
            warnings.warn(
                f"The kernel matrix is indefinite (kernel={self.kernel!r}): the dual coefficients "
                f"solve their equations, a stationary point of the penalized sum of squares that "
                f"need not be its minimum. Use a positive semidefinite kernel if it should be.",
                LinAlgWarning,
                stacklevel=depth,
            )
        n_samples = np.count_nonzero(problem.root_weight)
        if solution.rank is not None and alpha.min() == 0 and solution.rank < n_samples:
            warnings.warn(
                f"alpha=0, and the kernel matrix has rank {solution.rank} with {n_samples} "
                f"samples: many dual coefficients fit equally well, those of least norm are "
                f"given. Use alpha > 0, or another kernel.",
                LinAlgWarning,
                stacklevel=depth,
            )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.pairwise = self.kernel == "precomputed"
        return tags


def narrow(X):
    """X, if sparse with indices of 32 bits where they suffice: "laplacian" takes no others."""
    limit = np.iinfo(np.int32).max
    if not sparse.issparse(X) or X.indices.dtype == np.int32 or max(*X.shape, X.nnz) > limit:
        return X
    indices, indptr = X.indices.astype(np.int32), X.indptr.astype(np.int32)
    return type(X)((X.data, indices, indptr), shape=X.shape)


def check_finite_kernel(K, kernel):
    """Raise where the kernel gave NaN or infinity; no temporary of the size of K."""
    if np.isfinite(K.min()) and np.isfinite(K.max()):
        return
    i, j = np.argwhere(~np.isfinite(K))[0]
    raise ValueError(
        f"kernel={kernel!r} gives {K[i, j]} for samples {i} and {j}. Mend a kernel of your own; "
        f"for the others scale the data, for example with "
        f"sklearn.preprocessing.StandardScaler, or choose a smaller degree or gamma."
    )


def check_symmetric(K):
    """Raise where a precomputed kernel matrix is not symmetric up to rounding."""
    allowed = SYMMETRIC * max(K.max(), -K.min())
    size = max(1, BLOCK // len(K))
    for rows in gen_batches(len(K), size):
        gap = np.abs(K[rows] - K[:, rows].T)
        if gap.max() > allowed:
            i, j = np.unravel_index(gap.argmax(), gap.shape)
            i += rows.start
            raise ValueError(
                f"The precomputed kernel matrix is not symmetric: entry ({i}, {j}) is "
                f"{K[i, j]} and entry ({j}, {i}) is {K[j, i]}. Pass the kernel between the "
                f"training samples, in the same order along both axes."
            )
