"""Ridge and its kin by their spectrum: filters, general form, prior mean, bound on the norm.

All are one path: standard form where there is a penalty matrix, one factorization, the secular
equation where there is a bound, diagonal arithmetic, and for ridge itself a refinement with the
residual of the data, which makes good what a Gram matrix has lost.
"""

from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np

from skreg._solvers.certificate import Solution, relative_residual
from skreg._solvers.eigen import Eigenvectors
from skreg._solvers.factorization import (
    decompose,
    dense,
    frame_of,
    from_moments,
    from_svd,
    known_nulls,
    ridge_factors,
)
from skreg._solvers.filters import tikhonov
from skreg._solvers.normal_equations import Eigen, factorize, refine_tall, refine_wide
from skreg._solvers.normal_equations import refine as normal_refine
from skreg._solvers.products import is_wide, times
from skreg._solvers.scaling import in_range
from skreg._solvers.secular import norm_bound_alpha
from skreg._solvers.spectrum import Spectrum
from skreg._solvers.standard_form import standard_form
from skreg._solvers.threads import one_blas_thread


class Answer(NamedTuple):
    """A solution, the penalties it belongs to, and the spectrum that gave it."""

    solution: Solution
    alpha: np.ndarray  # (n_targets,)
    spectrum: Spectrum


@one_blas_thread()
def spectral(
    design, alpha, *, filter=tikhonov, penalty=None, prior_mean=None, max_norm=None, route="best"
):
    """Solve for alpha (n_targets,), with penalty ||L (w - prior_mean)||^2, L being `penalty`.

    `max_norm` raises alpha until the penalized norm is within it. `route` "svd" asks for singular
    values of X, "any alpha" for a spectrum that serves every other alpha as well.
    """
    design, _, d = in_range(design.in_double_precision(), scale_X=False)
    prior = None if prior_mean is None else np.atleast_2d(prior_mean) / d[:, None]
    if penalty is not None:
        spectrum = general_form(design, penalty, prior, filter, alpha.min() > 0)
        prior = None  # the standard form has it
    else:
        if prior is not None:
            shift = np.broadcast_to(prior, (len(alpha), design.X.shape[1]))
            design = design._replace(y=design.y - times(design, shift.T))
        least = 0.0 if route == "any alpha" else alpha.min()
        exact, damped = route == "svd", alpha.min() > 0
        spectrum = decompose(design, least, filter=filter, exact=exact, damped=damped)
    if max_norm is not None:
        alpha = norm_bound_alpha(spectrum.s, spectrum.z, max_norm / d, alpha)
    solution = solve(spectrum, design, alpha)
    coef = solution.coef if prior is None else solution.coef + prior
    with np.errstate(over="ignore", invalid="ignore"):  # for the caller to see
        solution = solution._replace(coef=coef * d[:, None])
    if prior is not None:
        spectrum = replace(spectrum, offset=np.array(shift))
    return Answer(solution, alpha, spectrum.rescaled(1.0, d))


def solve(spectrum, design, alpha):
    """Coefficients from a spectrum of the design, refined where a Gram matrix gave it."""
    if not spectrum.exact and spectrum.filter is tikhonov:
        refined = refine(spectrum, design, alpha)
        if refined is not None:
            W, residual, rounds, _ = refined
            n_iter = np.full(len(alpha), rounds, np.int32)
            return Solution(W.T, "cholesky", residual, n_iter, rank=spectrum.rank)
        spectrum = decompose(design, alpha.min(), exact=True)
    W = spectrum.coef(alpha[None])[0]
    residual = np.nan
    if spectrum.filter is tikhonov and spectrum.form is None:
        residual = float(relative_residual(design, alpha, W.T).max())
    return Solution(W, "svd", residual, np.ones(len(W), np.int32), rank=spectrum.rank)


def refine(spectrum, design, alpha):
    """Refinement with the eigenvectors of the Gram matrix; None where it does not contract."""
    values = spectrum.s**2
    if is_wide(design):
        return refine_wide(design, alpha, Eigen(Eigenvectors(spectrum.U), values, alpha), None)
    Xy = spectrum.V.times(spectrum.s[:, None] * spectrum.z)
    return refine_tall(design, alpha, Eigen(spectrum.V, values, alpha), Xy)


def general_form(design, penalty, prior, filter, damped):
    """The spectrum of the standard form, which maps its coefficients back."""
    frame = frame_of(design, filter)
    most = frame.n_samples - frame.free
    form = standard_form(dense(design), frame.y, penalty, prior, most, design.X.dtype)
    free = frame.free + form.free.shape[1]
    frame = replace(
        frame,
        y=form.y,
        outside=np.einsum("it,it->t", form.y, form.y),
        free=free,
        free_leverage=frame.free_leverage + np.einsum("ij,ij->i", form.free, form.free),
        form=form,
    )
    return from_svd(form.X, frame, cutoff=form.rounding, damped=damped)


def streamed(moments, alpha, *, filter=tikhonov, max_norm=None, wanted=False):
    """The answer for data of which only moments are left; `wanted` is the spectrum, too.

    `solution.converged` is false where X'X has lost digits that this alpha would need.
    """
    plain = filter is tikhonov and max_norm is None
    solution = by_cholesky(moments, alpha) if plain else None
    if solution is not None and not wanted:
        return Answer(solution, alpha, None)
    found = from_moments(moments, alpha.min(), filter=filter)
    if solution is not None and found is not None:
        return Answer(solution, alpha, found)
    harmless = found is not None
    if not harmless:
        found = from_moments(moments, np.inf, filter=filter)
    if max_norm is not None:
        alpha = norm_bound_alpha(found.s, found.z, max_norm, alpha)
    if solution is None:
        W = found.coef(alpha[None])[0]
        n_iter = np.ones(len(W), np.int32)
        solution = Solution(W, "cholesky", np.nan, n_iter, rank=found.rank)
    return Answer(solution._replace(converged=harmless), alpha, found)


def by_cholesky(moments, alpha):
    """The ridge solution of moments, in whatever units the features are; None where singular."""
    XX, Xy = moments.XX, moments.Xy
    with np.errstate(all="ignore"):
        factor = factorize(XX.copy(), alpha)
        if factor is None:
            return None
        refined = normal_refine(factor, Xy, lambda W: Xy - XX @ W - W * alpha)
    if refined is None:
        return None
    W, residual, rounds, _ = refined
    n_iter = np.full(len(alpha), rounds, np.int32)
    factors = partial(ridge_factors, XX, alpha, known_nulls(XX, moments))
    return Solution(W.T, "cholesky", residual, n_iter, rank=len(XX), factors=factors)
