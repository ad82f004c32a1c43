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

Source: Saunders, Gammerman and Vovk, Ridge Regression Learning Algorithm in Dual Variables,
ICML (1998).
"""

from typing import NamedTuple

import numpy as np
from scipy import linalg

from skreg._solvers.filters import tikhonov
from skreg._solvers.normal_equations import Eigen, factorize, refine
from skreg._solvers.scaling import largest, outside, power_of_two
from skreg._solvers.spectrum import Spectrum, norm2
from skreg._solvers.threads import lapack_threads, split

NEGATIVE = 1e-6  # share of the largest eigenvalue that a negative one may have by rounding
WELL_CONDITIONED = np.finfo(float).eps ** (2 / 3)  # the limit of `factorize`


class Problem(NamedTuple):
    """The weighted kernel matrix and targets, in units in which squares stay in range."""

    A: np.ndarray  # (n, n), float64: D K D / c^2
    y: np.ndarray  # (n, n_targets), float64: D y / d
    root_weight: np.ndarray  # (n,)
    eps: float  # precision of the entries of K
    c: float = 1.0  # a power of two
    d: np.ndarray | float = 1.0  # (n_targets,), powers of two


class Decomposition(NamedTuple):
    """A = U diag(values) U', the eigenvalues decreasing; those beyond `rank` are rounding."""

    values: np.ndarray
    U: np.ndarray
    rank: int


class DualSolution(NamedTuple):
    """Dual coefficients in the units of y over those of K, and the rank where it was looked at."""

    dual_coef: np.ndarray  # (n, n_targets)
    rank: int | None


def weigh(K, y, weight=None, *, alpha=0.0, overwrite=False):
    """Return the `Problem` of a kernel matrix (n, n) and targets (n,) or (n, n_targets).

    `alpha` is the largest penalty it will be solved for. K is not copied where it can be used as
    it is; `overwrite` lets it be changed.
    """
    A = K.astype(np.float64, copy=False)
    root = np.ones(len(K)) if weight is None else np.sqrt(weight, dtype=np.float64)
    y = y.reshape(len(y), -1) * root[:, None]
    info = np.finfo(np.float64)
    d = np.array([outside(largest(column), info) for column in y.T])
    c = power_of_two(np.sqrt(outside(largest(A) * root.max() ** 2, info)))
    if alpha > 0:
        c = max(c, power_of_two(np.sqrt(alpha) / info.max**0.25))
    if c != 1 or np.any(root != 1):
        A = A if overwrite or A is not K else A.copy()
        A *= root / c
        A *= root[:, None] / c
    return Problem(A, y / d, root, float(np.finfo(K.dtype).eps), c, d)


def solve(problem, alpha, decomposition=None):
    """Return the `DualSolution` for alpha (n_targets,).

    By Cholesky's factors, or the eigenvalues where the targets have different penalties or those
    are at hand, refined with the residual; where A + alpha I is nearly singular, by the
    eigenvalues above rounding, which gives the function of least norm.
    """
    A, y = problem.A, problem.y
    alpha = alpha / problem.c / problem.c
    solution = None
    if decomposition is None and np.ptp(alpha) > 0:
        decomposition = decompose(problem)
    with np.errstate(all="ignore"):  # overflow shows in the refinement
        factor = factor_of(A, alpha, decomposition)
        if factor is not None:
            solution = refine(factor, y, lambda G: y - product(A, G) - G * alpha)
    if solution is not None:
        return DualSolution(in_units(problem, solution[0]), None)
    decomposition = decompose(problem) if decomposition is None else decomposition
    spectrum = spectrum_of(problem, decomposition)
    return DualSolution(dual_coef(problem, spectrum, alpha[None])[0], decomposition.rank)


def factor_of(A, alpha, decomposition):
    """What solves for A + alpha I to full precision after refinement, or None."""
    if decomposition is None:
        with lapack_threads(len(A)):
            return factorize(np.array(A, order="C"), alpha)
    values, U, _ = decomposition
    smallest = alpha.min()
    well = values[-1] + smallest > WELL_CONDITIONED * (values[0] + smallest)
    return Eigen(U, values, alpha) if well else None


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
        unit = problem.c**2
        raise ValueError(
            f"The kernel matrix is not positive semidefinite: its eigenvalues (weighted by "
            f"sample_weight) go from {last * unit:.3g} to {first * unit:.3g}. Use another kernel "
            f"or other parameters for it, or set the negative eigenvalues of a precomputed "
            f"matrix to zero."
        )
    noise = max(n * problem.eps * first, -2 * last)
    rank = min(np.count_nonzero(values > noise), np.count_nonzero(problem.root_weight))
    return Decomposition(values, U, rank)


def spectrum_of(problem, decomposition, filter=tikhonov):
    """The `Spectrum` of A^(1/2), in the units of the problem."""
    values, U, rank = decomposition
    U, s = U[:, :rank], np.sqrt(values[:rank])
    z = U.T @ problem.y
    n_samples = np.count_nonzero(problem.root_weight)
    return Spectrum(
        s=s,
        z=z,
        outside=norm2((problem.y - U @ z).T),
        n_samples=n_samples,
        filter=filter,
        U=U,
        Vt=U.T,
        y=problem.y,
        root_weight=problem.root_weight,
        free_leverage=np.zeros(len(U)),
        full=rank == n_samples,
    )


def dual_coef(problem, spectrum, alphas):
    """Dual coefficients D U (phi z / s^2) for alphas in the units of the problem.

    Shape (n_alphas, n, n_targets).
    """
    phi = spectrum.factors(alphas)[0]
    inner = np.swapaxes(phi * (spectrum.z.T / spectrum.s / spectrum.s), 1, 2)
    return in_units(problem, spectrum.U @ inner)


def in_units(problem, G):
    """Solutions G (..., n, n_targets) of the problem as dual coefficients of the user's data."""
    return problem.root_weight[:, None] * G * (problem.d / problem.c / problem.c)


def product(A, G):
    """A G, for a few columns."""
    parts = split(lambda start, stop: A[start:stop] @ G, len(A), A.size * G.shape[1])
    return np.concatenate(parts)
