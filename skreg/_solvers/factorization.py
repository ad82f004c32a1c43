"""Where a `Spectrum` comes from: singular values of the data, or eigenvalues of a Gram matrix.

Whether the factors come from an SVD of Xc, O(n p min(n, p)) with a large constant, or from the
eigenvalues of the smaller Gram matrix, four to twenty times cheaper, is chosen in `decompose`.
The Gram matrix squares the condition number, so it is taken only where the smallest of s^2 + alpha
is at least HARMLESS times the largest. Rounding errors of the Gram matrix, a few eps times the
largest, then change scores and coefficients by less than 1e-9 (measured for decaying spectra).
"""

from dataclasses import replace

import numpy as np
from scipy import linalg, sparse
from scipy.linalg import lapack

from skreg._solvers.eigen import (
    Eigenvectors,
    eigen,
    eigen_of,
    is_harmless,
    significant,
    tridiagonal,
)
from skreg._solvers.filters import tikhonov
from skreg._solvers.products import (
    VISIBLE,
    gram_and_correlation,
    is_wide,
    sparse_keeps_digits,
    times,
)
from skreg._solvers.residual_norms import can_do_without_vectors, residual_norms
from skreg._solvers.spectrum import Spectrum, norm2
from skreg._solvers.threads import lapack_threads

UNLIKE = 1e6  # ratio of norms of features beyond which the SVD's error hides the smaller


def decompose(design, alpha=0.0, *, filter=tikhonov, exact=False, damped=None, only_norms=False):
    """Return the `Spectrum` of a design, for penalties of at least alpha.

    The Gram matrix serves where it is harmless, for that smallest alpha, and `exact` is false;
    else singular values of Xc, for which a sparse X becomes dense. Filters other than ridge's
    look at small singular values themselves, so there alpha does not help. `damped` says, where
    alpha = 0 does not, that penalties will be positive: see `from_svd`. `only_norms` says that
    ridge's residuals will be asked for their norms only, which may need no singular vectors.
    """
    frame = frame_of(design, filter)
    if not exact:
        ridge = filter is tikhonov
        found = from_gram(design, alpha if ridge else 0.0, frame, only_norms=only_norms and ridge)
        if found is not None:
            return found
    return from_svd(dense(design), frame, damped=alpha > 0 if damped is None else damped)


def frame_of(design, filter):
    """What a spectrum knows before any factorization."""
    root = design.root_weight.astype(np.float64)
    total = root @ root
    return Spectrum(
        s=np.empty(0),
        z=np.empty((0, design.y.shape[1])),
        outside=norm2(design.y.T.astype(np.float64)),
        n_samples=design.n_samples,
        free=design.free,
        filter=filter,
        y=design.y.astype(np.float64, copy=False),
        root_weight=root,
        free_leverage=root**2 / total if design.fit_intercept else np.zeros(len(root)),
        design=design,
    )


def from_gram(design, alpha, frame, *, only_norms=False):
    """Spectrum from the eigenvalues of the smaller Gram matrix, or None where it does harm."""
    with np.errstate(over="ignore", invalid="ignore"):
        G, Xy = gram_and_correlation(design)
    if not sparse_keeps_digits(design, G):
        return None
    if is_wide(design):
        return from_outer_gram(G, frame, alpha)
    if only_norms and can_do_without_vectors(G, frame):
        parts = tridiagonal(G)
        found = residual_norms(parts, Xy, frame)
        if found is not None:
            s, outside, norms = found
            return replace(frame, s=s, outside=outside, implicit=norms)
        values, vectors = eigen_of(parts)
    else:
        values, vectors = eigen(G)
    nulls = known_nulls(G, frame)
    if not is_harmless(values, alpha, nulls):
        return None
    kept = significant(values, nulls)
    s, V = np.sqrt(values[:kept]), vectors.first(kept)
    z = V.transposed_times(Xy) / s[:, None]
    if kept + frame.free >= frame.n_samples:  # what a fit can pass through asks for U
        if not is_harmless(values, 0.0, nulls):
            return None
        found = replace(frame, s=s, z=z, outside=np.zeros(len(frame.outside)), V=V)
        return replace(found, U=found.left(), full=True)
    outside = frame.outside - norm2(z.T)
    if np.any(outside < VISIBLE * frame.outside):
        if not is_harmless(values, 0.0, nulls):
            return None
        fit = times(design, V.times(z / s[:, None]))
        outside = norm2((frame.y - fit).T)
    return replace(frame, s=s, z=z, outside=outside, V=V)


def from_outer_gram(G, frame, alpha):
    """Spectrum of data with XcXc' = G, which is overwritten, or None where it does harm."""
    values, vectors = eigen(G, whole=True)
    nulls = known_nulls(G, frame)
    if not is_harmless(values, alpha if frame.filter is tikhonov else 0.0, nulls):
        return None
    kept = significant(values, nulls)
    s, U = np.sqrt(values[:kept]), vectors.first(kept).array()
    z = U.T @ frame.y
    outside = norm2((frame.y - U @ z).T)
    full = is_harmless(values, 0.0, nulls) and kept + frame.free == frame.n_samples
    return replace(frame, s=s, z=z, outside=outside, U=U, full=full)


def known_nulls(G, data):
    """How many eigenvalues of the Gram matrix of data are zero by construction, not by chance."""
    return max(0, len(G) - (data.n_samples - data.free))


def from_moments(moments, alpha=0.0, *, filter=tikhonov):
    """Spectrum of the data behind moments, without their rows, or None where X'X does harm.

    It gives coefficients and the rules that need no rows. alpha = inf takes it in any case.
    """
    none, V = np.empty((0, len(moments.yy))), Eigenvectors(np.empty((len(moments.XX), 0)))
    found = Spectrum(np.empty(0), none, moments.yy, moments.n_samples, moments.free, filter, V=V)
    top = moments.XX.diagonal().max()
    if top == 0:
        return found
    values, vectors = eigen(moments.XX / top)
    nulls = known_nulls(moments.XX, found)
    least = alpha if filter is tikhonov or alpha == np.inf else 0.0
    if least < np.inf and not is_harmless(values, least / top, nulls):
        return None
    kept = significant(values, nulls)
    s, V = np.sqrt(values[:kept]) * np.sqrt(top), vectors.first(kept)
    z = V.transposed_times(moments.Xy) / s[:, None]
    outside = np.maximum(moments.yy - norm2(z.T), 0)
    return replace(found, s=s, z=z, outside=outside, V=V)


def ridge_factors(G, alpha, nulls):
    """Ridge's filter factors (n_targets, rank) for data with the smaller Gram matrix G."""
    values = linalg.eigvalsh(G, driver="evd")[::-1].astype(np.float64)
    return tikhonov(np.sqrt(values[: significant(values, nulls)]), alpha[:, None])[0]


def from_svd(X, frame, cutoff=0.0, damped=False):
    """Spectrum from singular values; those at the level of rounding count as zero.

    The cut-off is max(n, p) eps times the largest: that is the error of the computed values, so
    what lies below is noise, whatever the scale of X. `cutoff` is a larger one, where X has errors
    of its own. Features of very unlike units have singular values that far apart by right: these
    are computed to their own last digits, and the noise in each is that of the features in it.
    """
    # Bounds on the norms of features, which cannot overflow.
    sizes = np.sqrt(len(X)) * np.maximum(X.max(axis=0), -X.min(axis=0))
    with lapack_threads(min(X.shape)):
        if sizes.max(initial=0) > UNLIKE * sizes[sizes > 0].min(initial=np.inf):
            U, s, V = jacobi(X)
            level = sizes @ np.abs(V)
        else:
            U, s, V = singular_vectors(X)
            level = s.max(initial=0)
    # Without a penalty the precision of the data counts, with one that of the computation.
    dtype = np.float64 if damped else frame.design.X.dtype
    noise = max(X.shape) * np.finfo(dtype).eps * level
    kept = np.flatnonzero(s > np.maximum(noise, cutoff))
    # After centring and weighting no more is possible, whatever rounding says.
    kept = kept[: max(frame.n_samples - frame.free, 0)]
    U, s, V = U[:, kept], s[kept], V[:, kept]
    z = U.T @ frame.y
    outside = norm2((frame.y - U @ z).T)
    full = len(s) + frame.free == frame.n_samples
    V = Eigenvectors(V)
    return replace(frame, s=s, z=z, outside=outside, U=U, V=V, full=full, exact=True)


def singular_vectors(X):
    """U, s, V of X, with errors relative to the largest singular value."""
    try:
        U, s, Vt = linalg.svd(X, full_matrices=False, lapack_driver="gesdd")
    except np.linalg.LinAlgError:  # divide and conquer fails on rare matrices, QR does not
        U, s, Vt = linalg.svd(X, full_matrices=False, lapack_driver="gesvd")
    return U, s, Vt.T


def jacobi(X):
    """U, s, V of X, with errors relative to each: the scale of rows and columns does not count.

    By the preconditioned Jacobi method (Drmac and Veselic, 2008), several times slower.
    """
    if X.shape[0] < X.shape[1]:
        V, s, U = jacobi(X.T)
        return U, s, V
    any_scales = 2
    s, U, V, info, _, failed = lapack.dgejsv(np.asfortranarray(X), joba=any_scales)
    if failed:
        raise np.linalg.LinAlgError(f"no singular values: LAPACK's dgejsv gave {failed}")
    return U, s * (info[0] / info[1]), V


def dense(design):
    """The centred, weighted X as a dense float64 array."""
    design = design.double()
    X, root = design.X, design.root_weight
    X = X.toarray() - np.outer(root, design.X_mean) if sparse.issparse(X) else design.explicit().X
    if design.fit_intercept:  # once more, as the means were rounded; that would count as a feature
        X = X - np.outer(root, (root @ X) / (root @ root))
    return X
