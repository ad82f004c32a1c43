"""Classical ill-posed test problems: discretized integral equations A x = b.

Their singular values decay fast, so the least-squares solution of noisy data is all noise and a
penalty is needed. Each function returns the matrix, the noiseless right-hand side and the
solution; add noise to b, fit without intercept, and compare with x. Where b is not A x, it comes
from the integral itself, so the discretization error is part of the problem.
"""

from numbers import Integral

import numpy as np
from scipy.linalg import toeplitz

__all__ = ["baart", "deriv2", "foxgood", "gravity", "heat", "phillips", "shaw"]


def shaw(n=32):
    """One-dimensional image restoration: light behind a slit.

    The integral equation is

        integral from -pi/2 to pi/2 of K(s, t) x(t) dt = b(s),
        K = [(cos s + cos t) sin(u) / u]^2,  u = pi (sin s + sin t),

    discretized by the midpoint rule. The solution has two humps; b = A x.

    Parameters
    ----------
    n : int, default=32
        Number of equations and unknowns; even and positive.

    Returns
    -------
    A : ndarray of shape (n, n)
        The symmetric matrix.
    b : ndarray of shape (n,)
        The noiseless right-hand side.
    x : ndarray of shape (n,)
        The solution.

    Raises
    ------
    ValueError
        If n is not an even positive integer.

    References
    ----------
    C. B. Shaw, Jr., Improvements of the resolution of an instrument by numerical solution of an
    integral equation, J. Math. Anal. Appl. 37 (1972).

    P. C. Hansen, Regularization Tools, Numer. Algorithms 6 (1994).

    Examples
    --------
    >>> from skreg.problems import shaw
    >>> A, b, x = shaw(32)
    >>> float((abs(A @ x - b)).max())
    0.0
    """
    _check_size(n, 2)
    t = -np.pi / 2 + _midpoints(n) * np.pi
    c, s = np.cos(t), np.sin(t)
    # numpy's sinc is sin(pi v) / (pi v); on the antidiagonal, s_i + s_j vanishes.
    A = np.pi / n * (np.add.outer(c, c) * np.sinc(np.add.outer(s, s))) ** 2
    x = 2 * np.exp(-6 * (t - 0.8) ** 2) + np.exp(-2 * (t + 0.5) ** 2)
    return A, A @ x, x


def phillips(n=32):
    """Deconvolution with a raised cosine, the first problem on which regularization was tried.

    The integral equation is, with f(t) = 1 + cos(pi t / 3) for abs(t) < 3 and 0 elsewhere,

        integral from -6 to 6 of f(s - t) x(t) dt = b(s),  x = f,

    discretized by Galerkin's method with orthonormal box functions.

    Parameters
    ----------
    n : int, default=32
        Number of equations and unknowns; a positive multiple of 4.

    Returns
    -------
    A : ndarray of shape (n, n)
        The symmetric Toeplitz matrix, zero outside a band.
    b : ndarray of shape (n,)
        The noiseless right-hand side, from the integral.
    x : ndarray of shape (n,)
        The solution.

    Raises
    ------
    ValueError
        If n is not a positive multiple of 4.

    References
    ----------
    D. L. Phillips, A technique for the numerical solution of certain integral equations of the
    first kind, J. ACM 9 (1962).

    P. C. Hansen, Regularization Tools, Numer. Algorithms 6 (1994).

    Examples
    --------
    >>> import numpy as np
    >>> from skreg.problems import phillips
    >>> A, b, x = phillips(32)
    >>> bool(np.linalg.norm(A @ x - b) < 0.01 * np.linalg.norm(b))
    True
    """
    _check_size(n, 4)
    h, quarter = 12 / n, n // 4
    cosine = np.cos(np.pi / 3 * h * np.arange(-1, quarter + 1))
    row = np.zeros(n)
    bend = 2 * cosine[1:-1] - cosine[:-2] - cosine[2:]
    row[:quarter] = h + 9 / (h * np.pi**2) * bend
    row[quarter] = h / 2 + 9 / (h * np.pi**2) * (np.cos(np.pi / 3 * h) - 1)

    def antiderivative(t):
        c = np.pi / 3
        wave = (3 - t / 2) * np.sin(c * t) - 2 / c * (np.cos(c * t) - 1)
        return t * (6 - t / 2) + wave / c

    t = h * np.arange(n // 2 + 1)  # the right half; b and x are symmetric
    b = np.diff(antiderivative(t)) / np.sqrt(h)
    x = np.zeros(n // 2)
    x[:quarter] = (h + np.diff(np.sin(np.pi / 3 * t[: quarter + 1])) * 3 / np.pi) / np.sqrt(h)
    return toeplitz(row), np.r_[b[::-1], b], np.r_[x[::-1], x]


def gravity(n=32):
    """Gravity surveying: a mass density at depth 1/4, from the field at the surface.

    The integral equation is

        integral from 0 to 1 of d (d^2 + (s - t)^2)^(-3/2) x(t) dt = b(s),  d = 1/4,

    discretized by the midpoint rule, with x(t) = sin(pi t) + sin(2 pi t) / 2 and b = A x.

    Parameters
    ----------
    n : int, default=32
        Number of equations and unknowns; positive.

    Returns
    -------
    A : ndarray of shape (n, n)
        The symmetric Toeplitz matrix.
    b : ndarray of shape (n,)
        The noiseless right-hand side.
    x : ndarray of shape (n,)
        The solution.

    Raises
    ------
    ValueError
        If n is not a positive integer.

    References
    ----------
    P. C. Hansen, Discrete Inverse Problems (SIAM, 2010), section 2.1.

    Examples
    --------
    >>> from skreg.problems import gravity
    >>> A, b, x = gravity(32)
    >>> float(A[0, 0] * 32)
    16.0
    """
    _check_size(n, 1)
    t, depth = _midpoints(n), 0.25
    A = depth / n * (depth**2 + np.subtract.outer(t, t) ** 2) ** -1.5
    x = np.sin(np.pi * t) + np.sin(2 * np.pi * t) / 2
    return A, A @ x, x


def heat(n=32):
    """The inverse heat equation: what went in at one end of a rod, from what came out.

    The Volterra equation of the first kind is

        integral from 0 to s of k(s - t) x(t) dt = b(s),
        k(t) = t^(-3/2) exp(-1 / (4 t)) / (2 sqrt(pi)),  0 <= s <= 1,

    discretized by the midpoint rule. The solution rises, bends and decays; b = A x.

    Parameters
    ----------
    n : int, default=32
        Number of equations and unknowns; even and positive.

    Returns
    -------
    A : ndarray of shape (n, n)
        The lower triangular Toeplitz matrix.
    b : ndarray of shape (n,)
        The noiseless right-hand side.
    x : ndarray of shape (n,)
        The solution; zero in its second half.

    Raises
    ------
    ValueError
        If n is not an even positive integer.

    References
    ----------
    A. S. Carasso, Determining surface temperatures from interior observations, SIAM J. Appl.
    Math. 42 (1982).

    P. C. Hansen, Regularization Tools, Numer. Algorithms 6 (1994).

    Examples
    --------
    >>> from skreg.problems import heat
    >>> A, b, x = heat(32)
    >>> x[[1, 3, 5, 16]].round(3).tolist()
    [0.293, 1.0, 0.167, 0.0]
    """
    _check_size(n, 2)
    t = _midpoints(n)
    column = t**-1.5 * np.exp(-1 / (4 * t)) / (2 * np.sqrt(np.pi)) / n
    tau = 20 * np.arange(1, n // 2 + 1) / n
    rise, bend, decay = 0.75 * tau**2 / 4, 0.75 + (tau - 2) * (3 - tau), 0.75 * np.exp(6 - 2 * tau)
    x = np.zeros(n)
    x[: n // 2] = np.where(tau < 2, rise, np.where(tau < 3, bend, decay))
    A = toeplitz(column, np.zeros(n))
    return A, A @ x, x


def foxgood(n=32):
    """A severely ill-posed problem whose solution is a straight line.

    The integral equation is

        integral from 0 to 1 of sqrt(s^2 + t^2) x(t) dt = ((1 + s^2)^(3/2) - s^3) / 3,  x(t) = t,

    discretized by the midpoint rule. The discretization error keeps b from being exactly A x.

    Parameters
    ----------
    n : int, default=32
        Number of equations and unknowns; positive.

    Returns
    -------
    A : ndarray of shape (n, n)
        The symmetric matrix.
    b : ndarray of shape (n,)
        The noiseless right-hand side, from the integral.
    x : ndarray of shape (n,)
        The solution.

    Raises
    ------
    ValueError
        If n is not a positive integer.

    References
    ----------
    L. Fox and E. T. Goodwin, The numerical solution of non-singular linear integral equations,
    Philos. Trans. R. Soc. Lond. A 245 (1953).

    Examples
    --------
    >>> from skreg.problems import foxgood
    >>> A, b, x = foxgood(32)
    >>> bool(abs(A @ x - b).max() < 1e-4)
    True
    """
    _check_size(n, 1)
    t = _midpoints(n)
    return np.hypot.outer(t, t) / n, ((1 + t**2) ** 1.5 - t**3) / 3, t


def deriv2(n=32, example=1):
    """Computation of the second derivative, a mildly ill-posed problem.

    The kernel is the Green's function of the second derivative with zero boundary values,

        integral from 0 to 1 of K(s, t) x(t) dt = b(s),
        K(s, t) = s (t - 1) for s < t, t (s - 1) otherwise,

    discretized by Galerkin's method with orthonormal box functions.

    Parameters
    ----------
    n : int, default=32
        Number of equations and unknowns; positive.
    example : {1, 2}, default=1
        The solution: 1 for x(t) = t, b(s) = (s^3 - s) / 6; 2 for x(t) = exp(t),
        b(s) = exp(s) + (1 - e) s - 1.

    Returns
    -------
    A : ndarray of shape (n, n)
        The symmetric, negative definite matrix.
    b : ndarray of shape (n,)
        The noiseless right-hand side, from the integral.
    x : ndarray of shape (n,)
        The solution.

    Raises
    ------
    ValueError
        If n is not a positive integer, or example is neither 1 nor 2.

    References
    ----------
    L. M. Delves and J. L. Mohamed, Computational Methods for Integral Equations (Cambridge
    University Press, 1985).

    P. C. Hansen, Regularization Tools, Numer. Algorithms 6 (1994).

    Examples
    --------
    >>> from skreg.problems import deriv2
    >>> A, b, x = deriv2(32, example=2)
    >>> bool(abs(A @ x - b).max() < 1e-4)
    True
    """
    _check_size(n, 1)
    if isinstance(example, bool) or example not in (1, 2):
        raise ValueError(f"example must be 1 or 2; got {example!r}")
    h, t, i = 1 / n, _midpoints(n), np.arange(1, n + 1)
    A = h * np.minimum.outer(t, t) * (np.maximum.outer(t, t) - 1)
    A.flat[:: n + 1] = h**2 * ((i**2 - i + 0.25) * h - (i - 2 / 3))
    if example == 1:
        return A, np.sqrt(h) * t * ((i**2 + (i - 1) ** 2) * h**2 / 2 - 1) / 6, np.sqrt(h) * t
    # exp((i - 1) h) (e^h - 1), without the cancellation of the difference.
    x = np.exp((i - 1) * h) * np.expm1(h) / np.sqrt(h)
    return A, x + ((1 - np.e) * t - 1) * np.sqrt(h), x


def baart(n=32):
    """A severely ill-posed Fredholm equation; three or four singular values hold the solution.

    The integral equation is

        integral from 0 to pi of exp(s cos t) x(t) dt = 2 sinh(s) / s,  0 <= s <= pi / 2,

    with x(t) = sin(t), discretized by Galerkin's method with orthonormal box functions. One of
    the two integrations is exact, the other is Simpson's rule.

    Parameters
    ----------
    n : int, default=32
        Number of equations and unknowns; even and positive.

    Returns
    -------
    A : ndarray of shape (n, n)
        The matrix, which is not symmetric.
    b : ndarray of shape (n,)
        The noiseless right-hand side, from the integral.
    x : ndarray of shape (n,)
        The solution.

    Raises
    ------
    ValueError
        If n is not an even positive integer.

    References
    ----------
    M. L. Baart, The use of auto-correlation for pseudo-rank determination in noisy
    ill-conditioned linear least-squares problems, IMA J. Numer. Anal. 2 (1982).

    P. C. Hansen, Regularization Tools, Numer. Algorithms 6 (1994).

    Examples
    --------
    >>> import numpy as np
    >>> from skreg.problems import baart
    >>> A, b, x = baart(32)
    >>> bool(np.linalg.norm(A @ x - b) < 0.01 * np.linalg.norm(b))
    True
    """
    _check_size(n, 2)
    hs, ht = np.pi / (2 * n), np.pi / n
    starts = hs * np.arange(n)[:, None]
    # exp(s cos t) integrated over s, at the ends and the middle of each interval in t.
    slope = np.cos(ht / 2 * np.arange(2 * n + 1))
    slope[n] = 1e-100  # zero up to rounding, and the quotient below needs no case of its own
    strips = np.exp(starts * slope) * np.expm1(hs * slope) / slope
    A = (strips[:, :-1:2] + 4 * strips[:, 1::2] + strips[:, 2::2]) / (3 * np.sqrt(2))
    s = hs / 2 * np.arange(2 * n + 1)
    f = np.ones(2 * n + 1)  # sinh(s) / s, 1 at s = 0
    f[1:] = np.sinh(s[1:]) / s[1:]
    b = np.sqrt(hs) / 3 * (f[:-1:2] + 4 * f[1::2] + f[2::2])
    return A, b, -np.diff(np.cos(ht * np.arange(n + 1))) / np.sqrt(ht)


def _check_size(n, divisor):
    """Refuse a size that the discretization cannot have."""
    if isinstance(n, bool) or not isinstance(n, Integral) or n < 1 or n % divisor:
        kind = {1: "a positive integer", 2: "an even positive integer"}
        raise ValueError(
            f"n must be {kind.get(divisor, f'a positive multiple of {divisor}')}; got {n!r}"
        )


def _midpoints(n):
    """(i - 1/2) / n for i = 1, ..., n."""
    return (np.arange(n) + 0.5) / n
