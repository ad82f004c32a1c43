"""Rules that choose alpha: each scores a spectrum at many alphas, the smallest score being best.

A rule is one function `rule(spectrum, alphas, **options) -> scores (A, t)` for alphas of shape
(A,), or (A, t) with one column a target. Infinity is the score where a rule says nothing. With
the filter factors phi, psi = 1 - phi, the coefficients z = U'y of the data, n samples and f
unpenalized directions,

    ||r||^2 = sum psi^2 z^2 + outside         the residual
    tr(I - H) = n - f - r + sum psi           H being the hat matrix, y -> fit
    tr(H) = f + sum phi,  tr(H^2) = f + sum phi^2

so a score costs O(r) a target. Only "loo" and "ncp" look at the samples one by one.

Sources: Hansen, Discrete Inverse Problems (SIAM, 2010), chapter 5; more at each rule.
"""

from typing import NamedTuple

import numpy as np

from skreg._solvers.filters import DESCENDING, truncated_svd

NCP_BLOCK = 2**21  # residuals held at a time: 16 MB


def loo(spectrum, alphas):
    """Mean squared error of predicting each sample without itself (Allen's PRESS); Tikhonov."""
    return spectrum.loo(alphas)


def gcv(spectrum, alphas):
    """n ||r||^2 / tr(I - H)^2 (Golub, Heath and Wahba, Technometrics 21, 1979)."""
    return modified_gcv(spectrum, alphas, c=1.0)


def modified_gcv(spectrum, alphas, c=1.4):
    """n ||r||^2 / (n - c tr(H))^2, every degree of freedom counting c times.

    c > 1 takes away GCV's tendency to fit noise now and then. Source: Cummins, Filloon and
    Nychka, JASA 96 (2001).
    """
    phi, psi = spectrum.factors(alphas)
    trace = _spare(spectrum) + psi.sum(axis=-1, keepdims=True)
    if c != 1:
        trace = trace - (c - 1) * (spectrum.free + phi.sum(axis=-1, keepdims=True))
    valid = trace > 0
    trace = np.where(valid, trace, 1)
    if spectrum.implicit is not None:
        score = spectrum.implicit.squares(alphas) / np.square(trace[..., 0])
        return np.where(valid[..., 0], spectrum.n_samples * score, np.inf)
    # Quotients are formed before squaring, as psi^2 may vanish where psi is tiny throughout.
    reached = _weigh(np.square(psi / trace), np.square(spectrum.z))
    unreached = np.square(np.sqrt(_outside(spectrum)) / trace[..., 0])
    return np.where(valid[..., 0], spectrum.n_samples * (reached + unreached), np.inf)


def robust_gcv(spectrum, alphas, gamma=0.1):
    """GCV times gamma + (1 - gamma) tr(H^2) / n (Lukas, Inverse Problems 22, 2006).

    The factor charges for the variance of the fit, so noise is hardly ever followed.
    """
    phi = spectrum.factors(alphas)[0]
    trace = spectrum.free + np.square(phi).sum(axis=-1)
    return (gamma + (1 - gamma) * trace / spectrum.n_samples) * gcv(spectrum, alphas)


def upre(spectrum, alphas, noise_std=None):
    """Unbiased estimate of the mean squared error of the fit to the noiseless data.

    (||r||^2 + 2 sigma^2 tr(H)) / n - sigma^2, which is Mallows' C_p and Stein's estimate for
    Gaussian noise. sigma^2 is estimated from the part of y that the data cannot reach, where
    `noise_std` is None. Source: Vogel, Computational Methods for Inverse Problems (SIAM, 2002),
    section 7.1.
    """
    phi = spectrum.factors(alphas)[0]
    variance = _estimated_variance(spectrum) if noise_std is None else np.square(noise_std)
    freedom = spectrum.free + phi.sum(axis=-1)
    score = _residual_square(spectrum, alphas) + variance * (2 * freedom - spectrum.n_samples)
    return score / spectrum.n_samples


def discrepancy(spectrum, alphas, noise_std, tau=1.01):
    """Morozov's principle: regularize as much as ||r||^2 <= tau^2 n sigma^2 allows.

    The score is how far below this bound ||r||^2 / n lies, infinite above it.
    """
    residual = _residual_square(spectrum, alphas)
    slack = np.square(tau * np.asarray(noise_std)) - residual / spectrum.n_samples
    return np.where(slack >= 0, slack, np.inf)


def l_curve(spectrum, alphas):
    """Minus the curvature of the curve (log ||r||, log ||w||); its corner is the best alpha.

    Infinite for targets whose curve has no corner at these alphas. Derivatives are taken in
    log alpha. Source: Hansen, SIAM Review 34 (1992).
    """
    if spectrum.filter is truncated_svd:
        raise ValueError(
            "the rule 'l_curve' needs a filter that is smooth in alpha, which truncated_svd is "
            "not; choose another filter, or another rule such as 'gcv'"
        )
    phi, psi = spectrum.factors(alphas)
    slope, bend = _derivatives(spectrum, alphas)  # of phi; those of psi are their negatives
    z, w = np.square(spectrum.z), np.square(_scaled_coef(spectrum))
    with np.errstate(divide="ignore", invalid="ignore"):
        x1, x2 = _log_norm(
            _residual_square(spectrum, alphas),
            -_weigh(2 * psi * slope, z),
            _weigh(2 * (slope**2 - psi * bend), z),
        )
        y1, y2 = _log_norm(
            _weigh(phi**2, w), _weigh(2 * phi * slope, w), _weigh(2 * (slope**2 + phi * bend), w)
        )
        curvature = (x1 * y2 - x2 * y1) / np.hypot(x1, y1) ** 3
    if spectrum.filter in DESCENDING:
        curvature = -curvature  # run through in the other direction
    curvature = np.where(np.isfinite(curvature), curvature, -np.inf)
    return np.where((curvature > 0).any(axis=0), -curvature, np.inf)


def ncp(spectrum, alphas):
    """How far the residuals, in the order of the samples, are from white noise.

    The distance of their normalized cumulative periodogram from a straight line; samples without
    weight are passed over. Source: Hansen, Kilmer and Kjeldsen, BIT 46 (2006).
    """
    rows = slice(None) if spectrum.root_weight is None else spectrum.root_weight > 0
    size = max(1, NCP_BLOCK // (spectrum.n_samples * spectrum.z.shape[1]))
    blocks = (alphas[start : start + size] for start in range(0, len(alphas), size))
    return np.concatenate([_periodogram_distance(spectrum.residuals(b)[rows]) for b in blocks])


def quasi_optimality(spectrum, alphas):
    """||dw / d log alpha||, how fast the solution moves; with truncated SVD, the last step taken.

    It vanishes trivially where everything passes or nothing does, so the score is infinite
    unless the last direction is damped by half at least and the first passes by half at least
    (for Tikhonov: s_min^2 <= alpha <= s_max^2). Sources: Tikhonov and Glasko, USSR Comput. Math.
    Math. Phys. 5 (1965); Leonov, ibid. 18 (1978).
    """
    coef = _scaled_coef(spectrum)
    if spectrum.filter is truncated_svd:
        steps = np.vstack([np.full((1, coef.shape[1]), np.inf), np.abs(coef)])
        last = np.clip(np.asarray(alphas, int).reshape(len(alphas), -1), 0, len(coef))
        return steps[last, np.arange(coef.shape[1])]
    phi, psi = spectrum.factors(alphas)
    moved = np.sqrt(_weigh(_derivatives(spectrum, alphas)[0] ** 2, coef**2))
    told = np.full(phi.shape[:2], False)
    if len(coef):
        told = (phi[..., 0] >= 0.5) & (psi[..., -1] >= 0.5)
    return np.where(told, moved, np.inf)


def evidence(spectrum, alphas):
    """Minus twice the log marginal likelihood, up to a constant; Tikhonov only.

    With the prior w ~ N(0, sigma^2 / alpha) and the noise variance sigma^2 at its best,
    n log((sum psi z^2 + outside) / n) + sum log(1 + s^2 / alpha). Like scikit-learn's
    BayesianRidge, it does not take the intercept's degree of freedom off n. Source: MacKay,
    Neural Computation 4 (1992).
    """
    psi, n = spectrum.factors(alphas)[1], spectrum.n_samples
    square = _weigh(psi, np.square(spectrum.z)) + _outside(spectrum)
    with np.errstate(divide="ignore"):
        fit = np.where(square > 0, np.log(square / n), 0)  # zero targets: the prior decides
        volume = -np.log(psi).sum(axis=-1)  # log(1 + s^2 / alpha) = -log psi
    return np.where(volume < np.inf, n * fit + volume, np.inf)


class Rule(NamedTuple):
    """A rule and what a caller has to know before it calls."""

    score: callable
    options: tuple = ()  # names of its keyword arguments
    needs_rows: bool = False  # looks at every sample: O(n r) an alpha and target
    tikhonov_only: bool = False
    smooth_only: bool = False  # not for truncated SVD
    fallback: str = "strong"  # which end of the alphas to take where no score is finite
    interior: bool = False  # a minimum beside an infinite score is none
    only_norms: bool = False  # of the target, only residual norms count


RULES = {
    "loo": Rule(loo, needs_rows=True, tikhonov_only=True),
    "gcv": Rule(gcv, only_norms=True),
    "modified_gcv": Rule(modified_gcv, ("c",), only_norms=True),
    "robust_gcv": Rule(robust_gcv, ("gamma",), only_norms=True),
    "upre": Rule(upre, ("noise_std",), only_norms=True),
    "discrepancy": Rule(discrepancy, ("noise_std", "tau"), fallback="weak", only_norms=True),
    "l_curve": Rule(l_curve, smooth_only=True),
    "ncp": Rule(ncp, needs_rows=True),
    "quasi_optimality": Rule(quasi_optimality, interior=True),
    "evidence": Rule(evidence, tikhonov_only=True),
}


def _weigh(factors, squares):
    """Sum factors (A, T, r), T = 1 or t, times squares (r, t) over r; shape (A, t)."""
    if factors.shape[1] == 1:
        return factors[:, 0] @ squares
    return np.einsum("atr,rt->at", factors, squares)


def _spare(spectrum):
    """Directions of the samples that nothing can fit, n - free - r."""
    return max(spectrum.n_samples - spectrum.free - len(spectrum.s), 0)


def _outside(spectrum):
    """Squared norm of what no alpha can fit: exactly 0, not rounding, where all can be fitted."""
    return spectrum.outside if _spare(spectrum) else np.zeros(spectrum.z.shape[1])


def _residual_square(spectrum, alphas):
    """||r||^2, shape (A, t)."""
    if spectrum.implicit is not None:
        return spectrum.implicit.squares(alphas)
    psi = spectrum.factors(alphas)[1]
    return _weigh(psi**2, np.square(spectrum.z)) + _outside(spectrum)


def _estimated_variance(spectrum):
    """Unbiased noise variance from the directions that nothing can fit; shape (t,)."""
    if not _spare(spectrum):
        raise ValueError(
            f"noise_std=None: the noise can be estimated only where samples outnumber the "
            f"directions that can be fitted; here there are {spectrum.n_samples} samples and "
            f"{len(spectrum.s) + spectrum.free} directions. Pass noise_std, the standard "
            f"deviation of the noise in y"
        )
    return spectrum.outside / _spare(spectrum)


def _scaled_coef(spectrum):
    """Least-squares coefficients along the singular directions, times s_max: no overflow."""
    return spectrum.z / (spectrum.s / spectrum.s[:1])[:, None]


# Central differences of order six, at -3, ..., 3 steps.
_STEP = 0.05
_FIRST = np.array([-1 / 60, 3 / 20, -3 / 4, 0, 3 / 4, -3 / 20, 1 / 60]) / _STEP
_SECOND = np.array([1 / 90, -3 / 20, 3 / 2, -49 / 18, 3 / 2, -3 / 20, 1 / 90]) / _STEP**2


def _derivatives(spectrum, alphas):
    """First and second derivative of phi in log alpha, (A, T, r), to about nine digits each.

    Differences are taken of log(phi / psi), for Tikhonov a straight line, so that the digits are
    relative ones even where phi or psi is tiny: the curvature of the L-curve needs them there.
    """
    first = second = 0
    with np.errstate(divide="ignore", invalid="ignore"):
        for k in range(-3, 4):
            phi, psi = spectrum.factors(alphas * np.exp(k * _STEP))
            odds = np.log(phi) - np.log(psi)
            first = first + _FIRST[k + 3] * odds
            second = second + _SECOND[k + 3] * odds
    phi, psi = spectrum.factors(alphas)
    moving = np.isfinite(first) & np.isfinite(second)  # not stuck at 0 or 1
    first, second = np.where(moving, first, 0), np.where(moving, second, 0)
    return phi * psi * first, phi * psi * (second + (psi - phi) * first**2)


def _log_norm(square, first, second):
    """Derivatives of log ||v|| from ||v||^2 and its derivatives."""
    slope = first / square / 2
    return slope, second / square / 2 - 2 * slope**2


def _periodogram_distance(residuals):
    """Distance of the cumulative periodogram of (n, A, t) residuals from white noise's, (A, t)."""
    half = len(residuals) // 2
    if half < 2:  # one frequency has nothing to be compared with
        return np.full(residuals.shape[1:], np.inf)
    power = np.abs(np.fft.rfft(residuals, axis=0)[1 : half + 1]) ** 2
    line = np.arange(1, half + 1).reshape(-1, 1, 1) / half
    total = power.sum(axis=0)
    share = np.cumsum(power, axis=0) / np.where(total > 0, total, 1)
    return np.where(total > 0, np.linalg.norm(share - line, axis=0), np.inf)
