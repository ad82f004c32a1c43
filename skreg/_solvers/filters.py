"""Spectral filters: which part of each singular direction a regularized solution keeps.

With X = U diag(s) V', a filter phi in [0, 1] gives the coefficients V diag(phi / s) U'y. A filter
is one function `name(s, alpha) -> (phi, psi)` with psi = 1 - phi, which residuals and degrees of
freedom live on. Each of the two is computed on its own, so that neither loses digits where it is
tiny.

s > 0 lies along the last axis, in decreasing order; alpha >= 0 broadcasts against it, so s of
shape (r,) and alpha of shape (..., 1) give (..., r). The ratio q = alpha / s^2 is formed without
squaring s, which would overflow or vanish for data in extreme units.

Source: Hansen, Rank-Deficient and Discrete Ill-Posed Problems (SIAM, 1998), chapters 4 and 6.
"""

import numpy as np

# What overflows here is a ratio whose limit, zero or one, is the right answer.
_limits = np.errstate(over="ignore", under="ignore", divide="ignore")


def _ratio(s, alpha):
    """Return q = alpha / s^2 and 1 / q; 0 and inf at alpha = 0."""
    # If alpha / s overflows (or vanishes), the next division would have done so anyway.
    q = np.asarray(alpha / s / s, np.float64)
    return q, 1 / q


@_limits
def tikhonov(s, alpha):
    """Ridge: phi = s^2 / (s^2 + alpha). At alpha = 0, phi = 1: least squares."""
    q, inverse = _ratio(s, alpha)
    return 1 / (1 + q), 1 / (1 + inverse)


@_limits
def iterated_tikhonov(s, alpha, order=2):
    """Ridge, `order` times over, each time fitting what the last residual left; psi = psi_1^order.

    Unlike ridge it does not saturate: the larger the order, the sharper the step from 1 to 0.
    """
    inverse = _ratio(s, alpha)[1]
    return -np.expm1(-order * np.log1p(inverse)), (1 / (1 + inverse)) ** order


def truncated_svd(s, alpha):
    """Keep the `alpha` largest singular values and drop the others; alpha counts them."""
    s, alpha = np.broadcast_arrays(s, alpha)
    kept = np.arange(s.shape[-1]) < alpha
    return kept.astype(np.float64), (~kept).astype(np.float64)


@_limits
def damped_svd(s, alpha):
    """A gentler step than ridge's: phi = s / (s + sqrt(alpha))."""
    root = np.asarray(np.sqrt(alpha) / s, np.float64)
    return 1 / (1 + root), 1 / (1 + 1 / root)


@_limits
def exponential(s, alpha):
    """Gradient flow from zero for a time 1 / alpha (Showalter): psi = exp(-s^2 / alpha)."""
    inverse = _ratio(s, alpha)[1]
    return -np.expm1(-inverse), np.exp(-inverse)


@_limits
def landweber(s, alpha):
    """Gradient descent from zero, stopped after `alpha` steps of size 1 / s_max^2.

    psi = (1 - (s / s_max)^2)^alpha: early stopping as a filter.
    """
    largest = s[..., :1]
    ratio = s / largest
    # log(1 - ratio^2); the difference s_max - s is exact where ratio is near one.
    log_psi = np.where(
        ratio < 0.5,
        np.log1p(-(np.minimum(ratio, 0.5) ** 2)),
        np.log((largest - s) / largest) + np.log1p(ratio),
    )
    steps = np.asarray(alpha, np.float64)
    # Without a step nothing is fitted, not even the direction that one step would finish.
    log_psi = np.where(steps > 0, np.where(steps > 0, steps, 1) * log_psi, 0.0)
    return -np.expm1(log_psi), np.exp(log_psi)


FILTERS = {
    "tikhonov": tikhonov,
    "iterated_tikhonov": iterated_tikhonov,
    "truncated_svd": truncated_svd,
    "damped_svd": damped_svd,
    "exponential": exponential,
    "landweber": landweber,
}

# Those whose alpha is a count: they regularize less as it grows, and fit nothing at zero.
DESCENDING = (truncated_svd, landweber)
