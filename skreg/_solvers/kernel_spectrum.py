"""Kernel ridge, and the spectrum of a kernel matrix.

Among the functions f of the space that a kernel k spans, kernel ridge minimizes

    sum_i v_i (y_i - f(x_i))^2 + alpha ||f||^2,

and its solution is f(x) = sum_j c_j k(x, x_j). With D = diag(sqrt(v)), A = D K D and c = D g,

    (A + alpha I) g = D y.

That is ridge without intercept on the data A^(1/2), whose Gram matrix A is. So the
eigendecomposition A = U diag(s^2) U' is a `Spectrum` with V = U, and all that a spectrum answers
holds here too; its coefficients w are coordinates of f, with ||w|| = ||f||, and g = A^(-1/2) w.
Directions in which A vanishes change no value of f, so they are left out of g where A + alpha I
is too badly conditioned for a direct solution.

A kernel with clearly negative eigenvalues spans no such space. The equations still make sense
where A + alpha I is regular: c is then a stationary point of the objective with ||f||^2 = c'K c,
and a minimum if no eigenvalue of A lies between -alpha and 0. They are solved with pivots of both
signs.

Source: Saunders, Gammerman and Vovk, Ridge Regression Learning Algorithm in Dual Variables,
ICML (1998); for the pivots Bunch and Kaufman, Some Stable Methods for Calculating Inertia and
Solving Symmetric Linear Systems, Mathematics of Computation 31 (1977).
"""

from typing import NamedTuple

import numpy as np
from scipy import linalg
from scipy.linalg import lapack

from skreg._solvers.eigen import Eigenvectors
from skreg._solvers.filters import tikhonov
from skreg._solvers.normal_equations import Eigen, factorize, refine
from skreg._solvers.spectrum import Spectrum, norm2
from skreg._solvers.threads import SMALL_CHOLESKY, lapack_threads, split

WELL_CONDITIONED = np.finfo(float).eps ** (2 / 3)  # the limit of `factorize`
NEGATIVE = 1e-6  # share of the largest eigenvalue that a negative one may have by rounding
BLOCK = 64  # columns that LAPACK's symmetric factorization takes at a time
FEW = 6  # factorizations by Cholesky's method that cost less than one by eigenvalues


class Problem(NamedTuple):
    """The kernel matrix and the targets, rows scaled by the roots of their weights."""

    A: np.ndarray  # (n, n), float64: D K D
    y: np.ndarray  # (n, n_targets), float64: D y
    root_weight: np.ndarray  # (n,), the diagonal of D
    eps: float  # precision of the entries of K


class Decomposition(NamedTuple):
    """A = U diag(values) U', the eigenvalues decreasing; those beyond `rank` are rounding."""

    values: np.ndarray
    U: np.ndarray
    rank: int


class DualSolution(NamedTuple):
    """Dual coefficients (n, n_targets), and what had to be looked at: the rank of A, its signs."""

    dual_coef: np.ndarray
    rank: int | None = None
    indefinite: bool = False


class Pivots(NamedTuple):
    """A symmetric matrix U B U', B with blocks of one or two rows, as LAPACK keeps it."""

    U: np.ndarray
    order: np.ndarray

    def solve(self, Y):
        return lapack.dsytrs(self.U, self.order, Y)[0]


def weigh(K, y, weight=None, *, overwrite=False):
    """Return the `Problem` of a kernel matrix (n, n) and targets (n,) or (n, n_targets).

    K is not copied where it can be used as it is; `overwrite` lets it be changed.
    """
    A = K.astype(np.float64, copy=False)
    root = np.ones(len(K)) if weight is None else np.sqrt(weight, dtype=np.float64)
    if weight is not None:
        A = A if overwrite or A is not K else A.copy()
        A *= root
        A *= root[:, None]
    y = y.reshape(len(y), -1) * root[:, None]
    return Problem(A, y, root, float(np.finfo(K.dtype).eps))


def solve(problem, alpha, decomposition=None):
    """Return the `DualSolution` for alpha (n_targets,).

    By Cholesky's factors; by the eigenvalues where penalties are many, these are at hand, or
    Cholesky's method fails. Both are refined with the residual. Where A + alpha I is nearly
    singular, the eigenvalues above rounding give the function of least norm. A clearly indefinite
    A is solved by pivots of both signs, unless a decomposition is given.

    Raises
    ------
    ValueError
        For an indefinite A with a nearly singular A + alpha I.
    """
    solution = None
    with np.errstate(all="ignore"):  # overflow shows in the refinement
        if decomposition is None and len(np.unique(alpha)) <= FEW:
            solution = by_factors(problem, alpha, factorize)
        if solution is None and decomposition is None and is_indefinite(problem.A):
            return by_pivots(problem, alpha)
        if solution is None:
            decomposition = decompose(problem) if decomposition is None else decomposition
            values = decomposition.values + alpha.min()
            if values[-1] > WELL_CONDITIONED * values[0]:
                factor = Eigen(Eigenvectors(decomposition.U), decomposition.values, alpha)
                solution = refined(problem, alpha, factor)
    if solution is None:
        spectrum = spectrum_of(problem, decomposition)
        solution = DualSolution(dual_coef(spectrum, alpha[None])[0], decomposition.rank)
    return solution


def by_factors(problem, alpha, factorize):
    """The solution by one factorization for each penalty, or None where one fails."""
    dual = np.empty_like(problem.y)
    for one in np.unique(alpha):
        same = alpha == one
        factor = factorize(np.array(problem.A, order="C"), alpha[same])
        part = refined(problem._replace(y=problem.y[:, same]), alpha[same], factor)
        if part is None:
            return None
        dual[:, same] = part.dual_coef
    return DualSolution(dual)


def is_indefinite(A):
    """Whether a negative eigenvalue of A is more than rounding: Cholesky's method tells."""
    G = np.array(A, order="C")
    shift = NEGATIVE * lapack.dlange("F", G.T)  # this norm bounds the largest eigenvalue
    G.flat[:: len(G) + 1] += shift + np.finfo(float).tiny
    with lapack_threads(len(G), SMALL_CHOLESKY):
        return lapack.dpotrf(G.T, clean=0, overwrite_a=1)[1] > 0


def by_pivots(problem, alpha):
    """The solution for an indefinite A; samples without weight stay out, as alpha may be 0."""
    A, y, root, eps = problem
    kept = np.flatnonzero(root)
    if len(kept) < len(y):
        problem = Problem(A[np.ix_(kept, kept)], y[kept], root[kept], eps)
    solution = by_factors(problem, alpha, factorize_indefinite)
    if solution is None:
        raise ValueError(
            f"The kernel matrix is not positive semidefinite, and with alpha in "
            f"{np.unique(alpha)} added to its diagonal (over sample_weight) it is nearly "
            f"singular. Use another alpha, another kernel or other parameters for it, or set the "
            f"negative eigenvalues of a precomputed matrix to zero."
        )
    dual = np.zeros_like(y)
    dual[kept] = solution.dual_coef
    return DualSolution(dual, indefinite=True)


def factorize_indefinite(G, alpha):
    """`Pivots` of G + alpha I, one alpha, overwriting G, or None where it is nearly singular."""
    norm = lapack.dlange("1", G.T)  # without alpha, which may cancel the eigenvalues
    G.flat[:: len(G) + 1] += alpha[0]
    with lapack_threads(len(G)):
        U, order, failed = lapack.dsytrf(G.T, lwork=BLOCK * len(G), overwrite_a=1)
    if failed or not lapack.dsycon(U, order, norm)[0] > WELL_CONDITIONED:
        return None
    return Pivots(U, order)


def refined(problem, alpha, factor):
    """The solution by a factor of A + alpha I, or None where it cannot be certified."""
    if factor is None:
        return None
    A, y, root, _ = problem
    found = refine(factor, y, lambda G: y - product(A, G) - G * alpha)
    return None if found is None else DualSolution(root[:, None] * found[0])


def decompose(problem):
    """Return the `Decomposition` of the weighted kernel matrix.

    Eigenvalues count as zero below n eps times the largest, the error of their computation, and
    below the size of negative ones: those tell how far rounding in the entries of K has come.

    Raises
    ------
    ValueError
        For a negative eigenvalue that rounding cannot explain.
    """
    n = len(problem.A)
    with lapack_threads(n):
        # Of -A, for decreasing order.
        values, U = linalg.eigh(
            np.negative(problem.A, order="F"), overwrite_a=True, check_finite=False, driver="evd"
        )
    values = -values
    first, last = values[0], values[-1]
    if last < -NEGATIVE * max(first, 0):
        raise ValueError(
            f"The kernel matrix is not positive semidefinite: its eigenvalues (weighted by "
            f"sample_weight) go from {last:.3g} to {first:.3g}. Use another kernel "
            f"or other parameters for it, or set the negative eigenvalues of a precomputed "
            f"matrix to zero."
        )
    noise = max(n * problem.eps * first, -2 * last)
    return Decomposition(values, U, np.count_nonzero(values > noise))


def spectrum_of(problem, decomposition, *, filter=tikhonov, unit=1.0):
    """The `Spectrum` of A^(1/2), with targets divided by `unit`, a number or (n_targets,)."""
    values, U, rank = decomposition
    U, s, y = U[:, :rank], np.sqrt(values[:rank]), problem.y / unit
    z = U.T @ y
    n_samples = np.count_nonzero(problem.root_weight)
    return Spectrum(
        s=s,
        z=z,
        outside=norm2((y - U @ z).T),
        n_samples=n_samples,
        filter=filter,
        U=U,
        V=Eigenvectors(U),
        y=y,
        root_weight=problem.root_weight,
        free_leverage=np.zeros(len(U)),
        full=rank == n_samples,
    )


def dual_coef(spectrum, alphas):
    """Dual coefficients D U (phi z / s^2), (n_alphas, n, n_targets); not finite on overflow."""
    phi = spectrum.factors(alphas)[0]
    with np.errstate(over="ignore", invalid="ignore"):
        inner = np.swapaxes(phi * (spectrum.z.T / spectrum.s / spectrum.s), 1, 2)
        return spectrum.root_weight[:, None] * (spectrum.U @ inner)


def product(A, G):
    """A G, for a few columns."""
    parts = split(lambda start, stop: A[start:stop] @ G, len(A), A.size * G.shape[1])
    return np.concatenate(parts)
