"""General-form Tikhonov regularization, brought to standard form.

The problem min ||y - Xw||^2 + alpha ||L (w - w0)||^2 is turned into another one of the form
min ||y_s - X_s v||^2 + alpha ||v||^2, so that one spectrum of X_s serves every alpha, filter and
rule (Elden, BIT 17, 1977, and BIT 22, 1982; Hansen, Rank-Deficient and Discrete Ill-Posed
Problems, SIAM 1998, section 2.3).

With N an orthonormal basis of the null space of L and G = T Q', L'L = G'G, T triangular and Q
orthonormal, every u = w - w0 is Q T^-1 v + N c, where v = Gu and ||v|| = ||Lu||. The c is free of
charge. Its best value is least squares on XN, whose fitted values have the orthonormal basis F;
what is left for v has F projected out:

    X_s = (I - FF') X Q T^-1,   y_s = (I - FF') (y - X w0),   u = M v + K F'(y - X w0),

where K maps F back to coefficients, XK = F, and M = (I - K F'X) Q T^-1 is the X-weighted
pseudo-inverse of G. All of this is orthogonal or triangular; no product squares a condition
number. The cost is O(p^3 + p^2 q + n p^2) for L of q rows, the memory O((n + q) p + p^2).
"""

from typing import NamedTuple

import numpy as np
from scipy import linalg, sparse

from skreg._solvers.certificate import column_norms
from skreg._solvers.scaling import largest, outside

DERIVATIVES = {"first": 1, "second": 2}
DOUBLE = np.finfo(np.float64)


class StandardForm(NamedTuple):
    """The problem in standard form, and the way back; all arrays float64.

    Here q is the rank of L and m the number of unpenalized directions that the data determine.
    """

    X: np.ndarray  # (n_samples, q)
    y: np.ndarray  # (n_samples, n_targets)
    free: np.ndarray  # (n_samples, m), F: orthonormal fitted values of the unpenalized directions
    rounding: float  # singular values of X up to here are rounding errors of the transformation
    back: np.ndarray  # (n_features, q), M
    free_back: np.ndarray  # (n_features, m), K
    offset: np.ndarray  # (n_targets, n_features), the coefficients where v = 0
    penalty: np.ndarray  # (q, n_features), G
    free_rows: np.ndarray  # (m, n_features), F'X

    def coef(self, V):
        """Coefficients (..., n_targets, n_features) from those in standard form, (..., q)."""
        return V @ self.back.T + self.offset

    def covariance(self, C):
        """M C M' + KK', (n_features, n_features), for C (q, q) of the spectrum of X.

        With C = (X_s'X_s + alpha I)^-1 it is (X'X + alpha L'L)^-1, the unpenalized directions
        having their least-squares covariance. Directions that neither the data nor the penalty
        determine, and whose variance is thus infinite, count as known.
        """
        return self.back @ C @ self.back.T + self.free_back @ self.free_back.T

    def resolution(self, R):
        """The matrix from true u = w - w0 to its noise-free estimate, for R (q, q) = V phi V'."""
        return self.back @ R @ self.penalty + self.free_back @ self.free_rows


def standard_form(X, y, L, w0=None, most=None, precision=None):
    """Return the `StandardForm` of centred, dense X (n, p), y (n, t) and the penalty L (k, p).

    `w0`, (p,) or (t, p), is the prior mean, 0 by default. What neither X nor L determines gets
    the value of w0, so that ||w - w0|| is least. At most `most` directions are free. Float32 data
    are taken to float64, while their own precision decides what is rounding. `precision` is the
    type of data taken there before: no alpha damps the free directions, so it counts for them.
    """
    types = X.dtype, precision or X.dtype
    eps, free_eps = (max(X.shape) * float(np.finfo(dtype).eps) for dtype in types)
    X, y = X.astype(np.float64, copy=False), y.astype(np.float64, copy=False)
    prior = np.broadcast_to(np.float64(0) if w0 is None else w0, (y.shape[1], X.shape[1]))
    if w0 is not None:
        y = y - X @ prior.T
    c, d = (outside(largest(A), DOUBLE) for A in (X, L))
    X, L = (A if unit == 1 else A / unit for A, unit in ((X, c), (L, d)))
    penalty, inverse, null, leak = seminorm(L)
    X_s = X @ inverse
    # Errors of the null space, inverse @ leak, may be all that X sees of it.
    free, free_back = free_fit(X, null, max(free_eps * terms(X, null), terms(X_s, leak)), most)
    fitted = free_back @ (free.T @ X_s)
    X_s = project_out(free, X_s)
    rounding = eps * terms(X, np.abs(inverse) + np.abs(fitted))  # X_s is X (inverse - fitted)
    if spread(X_s, X_s.shape) <= rounding:  # the free directions fit all that the others can
        X_s = np.zeros_like(X_s)
    return StandardForm(
        X=X_s if c == d else X_s * (c / d),
        y=project_out(free, y),
        free=free,
        rounding=rounding * (c / d),
        back=(inverse - fitted) / d,
        free_back=free_back / c,
        offset=prior + (free.T @ y).T @ (free_back / c).T,
        penalty=penalty * d,
        free_rows=(free.T @ X) * c,
    )


def seminorm(L):
    """G (q, p) of full rank with ||Gu|| = ||Lu||, its pseudo-inverse, null space N and errors GN.

    These are sizes, (q, p - q): LN = 0 but for rounding of the terms in its sums, and G = Z'L.
    """
    Q, T, Z = complete_orthogonal(L.T, mode="full")
    rank = len(T)
    rows, null = Q[:, :rank], Q[:, rank:]
    inverse = linalg.solve_triangular(T, rows.T, trans="T", check_finite=False).T
    leak = np.sqrt((Z * Z).T @ (np.abs(L) @ np.abs(null)) ** 2)
    return T @ rows.T, inverse, null, max(L.shape) * DOUBLE.eps * leak


def free_fit(X, null, cutoff, most=None):
    """F (n, m), orthonormal, of the range of X null, and K (p, m) of least norm with XK = F."""
    Q, T, Z = complete_orthogonal(X @ null, cutoff, most=most)
    back = linalg.solve_triangular(T, Z.T, check_finite=False).T
    return Q[:, : len(T)], null @ back


def terms(X, B):
    """The size of the terms in the sums XB, as `spread`: they round, even where XB vanishes."""
    return spread(column_norms(X)[:, None] * B, (len(X), B.shape[1]))


def spread(A, shape):
    """The spectral norm of errors of A's size, were they spread evenly over a matrix of shape."""
    return float(np.linalg.norm(A) / np.sqrt(max(1, min(shape))))


def complete_orthogonal(A, cutoff=0.0, mode="economic", most=None):
    """Q, T (k, k), Z (m, k) with A = Q[:, :k] T' Z', T upper triangular, k the numerical rank.

    Pivoting takes the largest rows and columns first, so graded matrices keep their small parts.
    Diagonal entries at the level of rounding, or up to `cutoff`, count as zero.
    """
    Q, R, order = linalg.qr(A, mode=mode, pivoting=True, check_finite=False)
    diagonal = np.abs(R.diagonal())
    cutoff = max(cutoff, max(A.shape) * DOUBLE.eps * diagonal.max(initial=0))
    rank = np.count_nonzero(diagonal > cutoff)
    rank = rank if most is None else min(rank, max(most, 0))
    Z, T = linalg.qr(R[:rank].T, mode="economic", check_finite=False)
    unsorted = np.empty_like(Z)
    unsorted[order] = Z
    return Q, T, unsorted


def project_out(F, A):
    """(I - FF') A; twice, since once leaves what cancellation has made of the rest."""
    for _ in range(2):
        A = A - F @ (F.T @ A)
    return A


def operator(L, n_features):
    """The penalty matrix as a float64 array (q, n_features), from what a user may pass.

    `L` is a dense or sparse matrix, or "first" or "second" for differences of neighbouring
    coefficients: rows -1 1 and 1 -2 1, which leave constants, or straight lines, unpenalized.
    """
    if isinstance(L, str):
        return difference(L, n_features)
    try:
        A = np.asarray(L.toarray() if sparse.issparse(L) else L, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise type(error)(
            f"penalty_matrix must be 'first', 'second' or a matrix of real numbers; it is {L!r}."
        ) from error
    if A.ndim != 2 or A.shape[1] != n_features or len(A) == 0:
        hint = " For one weight a feature pass np.diag(weights)." if A.ndim == 1 else ""
        raise ValueError(
            f"penalty_matrix has shape {A.shape}; expected at least one row and {n_features} "
            f"columns, one for each feature of X.{hint}"
        )
    if not np.isfinite(A).all():
        raise ValueError("penalty_matrix contains NaN or infinity; expected finite numbers.")
    return A


def difference(word, n_features):
    """The difference operator of that name, or an error that says what it needs."""
    if word not in DERIVATIVES:
        raise ValueError(
            f"penalty_matrix={word!r} is unknown: use 'first', 'second' or a matrix of "
            f"{n_features} columns."
        )
    order = DERIVATIVES[word]
    if n_features <= order:
        raise ValueError(
            f"penalty_matrix={word!r} takes differences of {order + 1} neighbouring features, "
            f"but X has shape (n_samples, {n_features}): use at least {order + 1} features, or "
            f"penalty_matrix=None."
        )
    return np.diff(np.eye(n_features), n=order, axis=0)
