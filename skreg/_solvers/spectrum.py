"""The spectrum of the centred data: one factorization answers every alpha, filter and rule.

With Xc = U diag(s) V' and z = U'y, everything that ridge and its kin can be asked for is
diagonal arithmetic on filter factors phi (see `filters`):

    coefficients V (phi z / s),    fits U (phi z),    leverages diag(U phi U'),
    degrees of freedom sum phi,    residual norm^2 = sum (psi z)^2 + outside,  psi = 1 - phi,

where `outside` is the part of ||y||^2 that U does not reach. Intercept and the null space of a
penalty matrix are not penalized; they count as `free` directions, orthogonal to U.

Where the factors come from is the business of `factorization`.
"""

from dataclasses import dataclass, replace
from functools import wraps

import numpy as np

from skreg._solvers import leave_one_out, rules
from skreg._solvers.eigen import Eigenvectors
from skreg._solvers.filters import tikhonov
from skreg._solvers.products import times, transposed_times


def takes_alphas(method):
    """Check the alphas of a method: errors of broadcasting would name nothing."""

    @wraps(method)
    def checked(self, alphas):
        values = np.asarray(alphas, np.float64)
        shape, n_targets = values.shape, self.z.shape[1]
        if not np.all(values >= 0):
            raise ValueError(f"{method.__name__}: alphas must be at least 0; got {alphas!r}.")
        fits = len(shape) < 2 or (len(shape) == 2 and shape[1] in (1, n_targets))
        if values.size == 0 or not fits:
            raise ValueError(
                f"{method.__name__} takes alphas as a number, (n_alphas,) or (n_alphas, "
                f"n_targets={n_targets}), at least one; got the shape {shape}."
            )
        return method(self, values)

    return checked


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Singular values of the centred, weighted data, and the target in their basis.

    Penalties `alphas` are a number, an array (n_alphas,) or, one for each target,
    (n_alphas, n_targets). A number drops the first axis of what is returned. The targets always
    have an axis, also where y was flat.

    Attributes
    ----------
    s : ndarray of shape (rank,)
        Singular values in decreasing order, in units of X times the root of the weights. Values
        at the level of rounding, relative to the largest, are cut off.
    z : ndarray of shape (rank, n_targets)
        The centred target in the basis of the left singular vectors, U'y.
    outside : ndarray of shape (n_targets,)
        Squared norm of the part of the centred target that no coefficients can fit.
    n_samples : int
        Number of samples with positive weight.
    free : int
        Number of directions without penalty: one for an intercept, and the dimension of the null
        space of a penalty matrix.
    filter : callable
        (s, alpha) -> (phi, 1 - phi).
    U : ndarray of shape (n_samples, rank) or None
        Left singular vectors; rows carry the roots of their weights.
    V : Eigenvectors or None
        Right singular vectors; ``Vt`` is the array (rank, n_features) of them, or None.
    """

    s: np.ndarray
    z: np.ndarray
    outside: np.ndarray
    n_samples: int
    free: int = 0
    filter: object = tikhonov
    U: np.ndarray | None = None
    V: Eigenvectors | None = None
    y: np.ndarray | None = None  # (n, t), centred and weighted
    root_weight: np.ndarray | None = None
    free_leverage: np.ndarray | None = None  # (n,), leverages of the free directions
    full: bool = False  # U and the free directions span every sample: any y can be fitted
    exact: bool = False  # from singular values of X itself
    design: object = None  # from which U or V can be formed as long as it is at hand
    form: object = None  # StandardForm of a penalty matrix
    offset: np.ndarray | None = None  # (n_targets, n_features), added to the coefficients
    implicit: object = None  # what answers where singular vectors are not formed at all

    def __repr__(self):
        """The sizes, and the ends of the singular values, not all the arrays."""
        ends = [f"{value:.3g}" for value in (self.s if len(self.s) < 3 else self.s[[0, -1]])]
        values = (", ..., " if len(self.s) > 2 else ", ").join(ends)
        return f"Spectrum(rank={self.rank}, n_samples={self.n_samples}, s=[{values}])"

    @property
    def Vt(self):  # noqa: N802
        """Right singular vectors, (rank, n_features), or None."""
        return None if self.V is None else self.V.array().T

    @property
    def rank(self):
        """Dimensions that data and penalty determine: those of s, and unpenalized ones."""
        unpenalized = 0 if self.form is None else self.form.free.shape[1]
        return len(self.s) + unpenalized

    # The diagonal arithmetic -------------------------------------------------------------------

    def factors(self, alphas):
        """phi and psi = 1 - phi, each (n_alphas, 1 or n_targets, rank)."""
        alphas = np.asarray(alphas, np.float64)
        alphas = alphas.reshape((1, 1) if alphas.ndim == 0 else (len(alphas), -1))
        return self.filter(self.s, alphas[:, :, None])

    @takes_alphas
    def filter_factors(self, alphas):
        """Filter factors phi, (n_alphas, rank) or (n_alphas, n_targets, rank)."""
        return self._shaped(self.factors(alphas)[0], alphas, flat=np.ndim(alphas) < 2)

    @takes_alphas
    def dof(self, alphas):
        """Degrees of freedom: the trace of the matrix that maps y to the fit, intercept included.

        Shape (n_alphas,) or (n_alphas, n_targets).
        """
        trace = self.factors(alphas)[0].sum(axis=-1) + self.free
        return self._shaped(trace, alphas, flat=np.ndim(alphas) < 2)

    @takes_alphas
    def residual_norm(self, alphas):
        """Norm of the weighted residual, (n_alphas, n_targets)."""
        psi = self.factors(alphas)[1]
        return self._shaped(np.sqrt(norm2(psi * self.z.T) + self.outside), alphas)

    @takes_alphas
    def coef_norm(self, alphas):
        """Norm of the penalized part of the coefficients, (n_alphas, n_targets)."""
        return self._shaped(np.sqrt(norm2(self._coef_factors(alphas) * self.z.T)), alphas)

    @takes_alphas
    def coef(self, alphas):
        """Coefficients (n_alphas, n_targets, n_features)."""
        inner = self._coef_factors(alphas) * self.z.T
        if self.V is not None:
            flat = inner.reshape(np.prod(inner.shape[:2]), len(self.s))
            W = self.V.times(flat.T).T.reshape(*inner.shape[:2], -1)
        else:  # V = Xc'U / s, for a few columns only
            dual = (inner / self.s).reshape(np.prod(inner.shape[:2]), len(self.s)) @ self.U.T
            W = transposed_times(self.design, dual.T).T
            W = W.reshape(*inner.shape[:2], self.design.X.shape[1])
        W = W if self.form is None else self.form.coef(W)
        return self._shaped(W if self.offset is None else W + self.offset, alphas)

    def spread(self, X, alphas):
        """x'(X'X + alpha I)^-1 x for centred rows x, (n_rows, n_alphas), without that matrix."""
        if self.form is not None:
            inverses = self.covariance(alphas)
            return np.stack([np.einsum("ij,ij->i", X @ C, X) for C in inverses], axis=1)
        alphas, inside = np.asarray(alphas, np.float64)[:, None], self.V.transposed_times(X.T).T
        out = inside**2 @ (1 / self.s / (self.s + alphas / self.s)).T
        if len(self.s) < X.shape[1]:  # what X has seen nothing of keeps the prior's variance
            rest = X - self.V.times(inside.T).T
            with np.errstate(divide="ignore", invalid="ignore"):
                out += norm2(rest)[:, None] / alphas.T
        return out

    def _coef_factors(self, alphas):
        """phi / s, (n_alphas, 1 or n_targets, rank)."""
        if self.filter is not tikhonov:
            return self.factors(alphas)[0] / self.s
        alphas = np.asarray(alphas, np.float64)
        alphas = alphas.reshape((1, 1, 1) if alphas.ndim == 0 else (len(alphas), -1, 1))
        with np.errstate(over="ignore"):  # s / (s^2 + alpha), also where phi itself underflows
            return 1 / (self.s + alphas / self.s)

    # What is said about a choice of alpha ------------------------------------------------------

    @takes_alphas
    def loo(self, alphas):
        """Mean over the samples of weight times squared leave-one-out error.

        Shape (n_alphas, n_targets); no refit. For the filter of ridge only.
        """
        self._check_rows("loo", tikhonov_only=True)
        return self._shaped(leave_one_out.mean_squares(self, alphas)[0], alphas)

    @takes_alphas
    def loo_residuals(self, alphas):
        """y_i minus the prediction by a fit without sample i, (n_samples, n_alphas, n_targets)."""
        self._check_rows("loo_residuals", tikhonov_only=True)
        return leave_one_out.residuals(self, alphas)

    @takes_alphas
    def gcv(self, alphas):
        """Generalized cross-validation score, (n_alphas, n_targets).

        The mean squared residual over (1 - dof / n)^2 (Golub, Heath, Wahba, 1979).
        """
        return self._shaped(rules.gcv(self, np.atleast_1d(alphas)), alphas)

    @takes_alphas
    def l_curve(self, alphas):
        """Residual norm and coefficient norm, each (n_alphas, n_targets)."""
        return self.residual_norm(alphas), self.coef_norm(alphas)

    def picard(self):
        """``s``, ``|U'y|`` and ``|U'y| / s``, the latter two (rank, n_targets).

        A solution makes sense as far as the second decays faster than the first (Hansen, 1990).
        """
        size = np.abs(self.z)
        return self.s, size, size / self.s[:, None]

    @takes_alphas
    def resolution(self, alphas):
        """Resolution matrices V diag(phi) V', (n_alphas, n_features, n_features).

        Each maps the coefficients behind noise-free data to those that are found.
        """
        if np.ndim(alphas) > 1:
            raise ValueError(f"resolution takes alphas (n_alphas,), not {np.shape(alphas)}.")
        within = self._in_features(self.factors(alphas)[0][:, 0])
        if self.form is not None:
            within = np.stack([self.form.resolution(one) for one in within])
        return self._shaped(within, alphas)

    @takes_alphas
    def covariance(self, alphas):
        """Posterior covariance of the coefficients over the noise variance, for ridge.

        (X'X + alpha I)^-1, shape (n_alphas, n_features, n_features), for alpha > 0 or data of
        full column rank. Directions that no penalty holds have their least-squares variance.
        """
        if np.ndim(alphas) > 1:
            raise ValueError(f"covariance takes alphas (n_alphas,), not {np.shape(alphas)}.")
        if self.filter is not tikhonov:
            raise ValueError("covariance is that of ridge, of filter='tikhonov' only.")
        Vt = self.Vt
        rank, n_features = Vt.shape
        values = np.atleast_1d(np.asarray(alphas, np.float64))[:, None]
        if np.any(values == 0) and rank < n_features:
            raise ValueError(
                f"The covariance at alpha=0 is infinite: X has rank {rank} of {n_features} "
                f"features. Use alpha > 0."
            )
        within = self._in_features(1 / self.s / (self.s + values / self.s))
        if rank < n_features:  # on the null space of X the prior's variance stays as it is
            null = np.eye(n_features) - Vt.T @ Vt
            within += null / values[:, :, None]
        if self.form is not None:
            within = np.stack([self.form.covariance(one) for one in within])
        return self._shaped(within, alphas)

    @takes_alphas
    def condition_number(self, alphas):
        """Condition number of X'X + alpha I on the directions in reach, (n_alphas,)."""
        alphas = np.asarray(alphas, np.float64)
        if len(self.s) == 0:
            return np.ones(alphas.shape)[()]
        first, last = self.s[0], self.s[-1]
        return (first / last) * (first + alphas / first) / (last + alphas / last)

    def _check_rows(self, name, tikhonov_only=False):
        """Say why a question about samples cannot be answered."""
        if self.y is None:
            raise ValueError(
                f"{name} needs the samples, of which a fit to blocks keeps only moments: call fit "
                f"on all the data."
            )
        if tikhonov_only and self.filter is not tikhonov:
            raise ValueError(
                f"{name} is exact for filter='tikhonov' only. Use gcv, or RidgeCV with cv=."
            )

    # Rows --------------------------------------------------------------------------------------

    @takes_alphas
    def residuals(self, alphas):
        """Weighted residuals sqrt(v_i) (y_i - fit_i), (n_samples, n_alphas, n_targets)."""
        self._check_rows("residuals")
        psi = self.factors(alphas)[1]
        U = self.left()
        inner = np.moveaxis(psi * self.z.T, -1, 0)
        unreached = self.y - U @ self.z
        flat = inner.reshape(len(inner), np.prod(inner.shape[1:]))
        return unreached[:, None, :] + (U @ flat).reshape(len(U), *inner.shape[1:])

    def left(self):
        """U, formed from the data where it is not at hand: (n_samples, rank)."""
        if self.U is not None:
            return self.U
        return times(self.design, self.Vt.T / self.s)

    def complete(self):
        """The same spectrum with U and V as arrays, and without the data."""
        V = self.V
        if V is None:
            V = Eigenvectors(transposed_times(self.design, self.U) / self.s)
        V.array()
        return replace(self, U=self.left(), V=V, design=None)

    def rescaled(self, c, d):
        """The spectrum of (c X, d y), d of shape (n_targets,); what overflows is infinite."""
        unit = np.reshape(d, (-1, 1))
        with np.errstate(over="ignore", invalid="ignore"):
            return replace(
                self,
                s=self.s * c,
                z=self.z * d,
                outside=self.outside * d * d,
                y=None if self.y is None else self.y * d,
                form=self.form and self.form._replace(offset=self.form.offset * unit),
                offset=None if self.offset is None else self.offset * unit,
            )

    # Shapes ------------------------------------------------------------------------------------

    def _shaped(self, values, alphas, flat=False):
        """Drop the axis of targets where `flat`, and that of alphas where alphas is a number."""
        values = values[:, 0] if flat else values
        return values[0] if np.ndim(alphas) == 0 else values

    def _in_features(self, diagonals):
        """V diag(row) V' for each row."""
        Vt = self.Vt
        return (Vt.T * diagonals[:, None, :]) @ Vt


def norm2(a):
    """Squared norms along the last axis."""
    return np.einsum("...i,...i->...", a, a)
