from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skreg._solvers.filters import DESCENDING, FILTERS, landweber, tikhonov, truncated_svd

SMOOTH = ["tikhonov", "iterated_tikhonov", "damped_svd", "exponential"]
S = np.array([3.0, 2.0, 0.5, 1e-3])

powers = st.floats(-12, 12)


def exact(name, s, alpha):
    """phi and psi of one rational filter in exact arithmetic, where sqrt(alpha) is rational."""
    q = alpha / s**2
    psi = {
        "tikhonov": q / (1 + q),
        "iterated_tikhonov": (q / (1 + q)) ** 2,
        "damped_svd": (alpha_root := Fraction(float(alpha) ** 0.5)) / (s + alpha_root),
    }[name]
    return 1 - psi, psi


@pytest.mark.parametrize("name", FILTERS)
def test_factors_and_complements_lie_between_zero_and_one_and_sum_to_one(name):
    alphas = np.array([[0.0], [1], [2], [7], [1e4]])
    phi, psi = FILTERS[name](S, alphas)
    assert phi.shape == psi.shape == (5, 4)
    assert phi.dtype == psi.dtype == np.float64
    assert phi.min() >= 0
    assert psi.min() >= 0
    np.testing.assert_allclose(phi + psi, 1, rtol=1e-15)
    assert np.all(np.diff(phi, axis=1) <= 0)  # smaller singular values are damped more
    sign = 1 if FILTERS[name] in DESCENDING else -1
    assert np.all(sign * np.diff(phi, axis=0) >= 0)
    assert np.any(np.diff(phi, axis=0) != 0)


@pytest.mark.parametrize("name", FILTERS)
def test_alpha_zero_is_least_squares_or_where_alpha_counts_the_zero_solution(name):
    phi, psi = FILTERS[name](S, 0.0)
    expected = 0 if FILTERS[name] in DESCENDING else 1
    np.testing.assert_array_equal(phi, np.full(4, expected))
    np.testing.assert_array_equal(psi, np.full(4, 1 - expected))


@pytest.mark.parametrize("name", ["tikhonov", "iterated_tikhonov", "damped_svd"])
@given(powers, powers)
def test_neither_factor_cancels(name, log_s, log_root):
    s, root = 10.0**log_s, Fraction(2) ** round(3 * log_root)
    phi, psi = FILTERS[name](np.array([s]), float(root**2))
    expected_phi, expected_psi = exact(name, Fraction(s), root**2)
    assert phi[0] == pytest.approx(float(expected_phi), rel=2e-15, abs=0)
    assert psi[0] == pytest.approx(float(expected_psi), rel=2e-15, abs=0)


def test_the_exponential_filter_keeps_digits_at_both_ends():
    phi, psi = FILTERS["exponential"](np.array([1.0]), np.array([[1e20], [1.0], [1 / 512]]))
    np.testing.assert_allclose(phi[:, 0], [1e-20, 1 - 1 / np.e, 1], rtol=1e-15)
    np.testing.assert_allclose(psi[:, 0], [1, 1 / np.e, np.exp(-512)], rtol=1e-15)


def test_iterated_tikhonov_fits_the_residual_again():
    fit, rest = np.zeros(4), np.ones(4)
    for order in range(1, 5):
        step = tikhonov(S, 0.3)[0] * rest
        fit, rest = fit + step, rest - step
        phi, psi = FILTERS["iterated_tikhonov"](S, 0.3, order=order)
        np.testing.assert_allclose(phi, fit, rtol=1e-13)
        np.testing.assert_allclose(psi, rest, rtol=1e-9)


def test_truncated_svd_keeps_the_largest():
    phi, psi = truncated_svd(S, np.array([[0], [1], [3], [9]]))
    assert phi.tolist() == [[0, 0, 0, 0], [1, 0, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1]]
    np.testing.assert_array_equal(phi, 1 - psi)


def test_landweber_is_gradient_descent_stopped_early():
    rng = np.random.default_rng(0)
    U, _, Vt = np.linalg.svd(rng.normal(size=(7, 4)), full_matrices=False)
    X, y, w = U * S @ Vt, rng.normal(size=7), np.zeros(4)
    for k in range(1, 30):
        w = w + X.T @ (y - X @ w) / S[0] ** 2
        phi, psi = landweber(S, np.array([float(k)]))
        np.testing.assert_allclose(Vt.T @ (phi / S * (U.T @ y)), w, rtol=1e-10)
        np.testing.assert_allclose(psi, (1 - (S / S[0]) ** 2) ** k, rtol=1e-12)


@given(st.integers(1, 10**9), st.integers(1, 40))
def test_landweber_keeps_digits_near_both_ends(k, shift):
    # 1 - (s / s_max)^2 of an s just below s_max, and of an s far below it, in exact arithmetic.
    near = 1 - Fraction(1, 3 * 2**shift)
    far = Fraction(1, 2 ** (shift + 15))
    s = np.array([float(3 * r) for r in (1, near, far)])  # exact
    phi, psi = landweber(s, float(k))
    assert (phi[0], psi[0]) == (1, 0)
    log = np.array([k * np.log(float(1 - near**2)), -k * float(far**2 + far**4 / 2)])
    with np.errstate(under="ignore"):
        np.testing.assert_allclose(psi[1:], np.exp(log), rtol=1e-12, atol=1e-300)
        np.testing.assert_allclose(phi[1:], -np.expm1(log), rtol=1e-12)


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("scale", [1e-200, 1e-160, 1e160, 1e200])
def test_units_do_not_count(name, scale):
    # Singular values beyond the range of their squares; alpha goes with the square, so it must
    # be zero or a count there.
    alpha = 2.0 if FILTERS[name] in DESCENDING else 0.0
    np.testing.assert_allclose(
        FILTERS[name](scale * S, alpha), FILTERS[name](S, alpha), rtol=1e-12, atol=1e-300
    )


@pytest.mark.parametrize("name", SMOOTH)
def test_limits_beyond_the_range_of_squares(name):
    phi, psi = FILTERS[name](np.array([1e200, 1e-200]), np.array([[1.0]]))
    np.testing.assert_allclose(phi, [[1, 0]], atol=1e-150)
    np.testing.assert_allclose(psi, [[0, 1]], atol=1e-150)


@pytest.mark.parametrize("name", SMOOTH)
def test_extreme_units_with_alpha_to_match(name):
    np.testing.assert_allclose(
        FILTERS[name](1e-150 * S[:3], 1e-300), FILTERS[name](S[:3], 1.0), rtol=1e-13
    )


@pytest.mark.parametrize("name", FILTERS)
def test_no_singular_values(name):
    phi, psi = FILTERS[name](np.empty(0), np.ones((3, 1)))
    assert phi.shape == psi.shape == (3, 0)


@pytest.mark.parametrize("name", FILTERS)
def test_one_alpha_a_target(name):
    alphas = np.array([[1.0, 2.0], [3.0, 0.0]])
    phi, psi = FILTERS[name](S, alphas[..., None])
    assert phi.shape == (2, 2, 4)
    np.testing.assert_array_equal(phi[1, 0], FILTERS[name](S, 3.0)[0])
    np.testing.assert_array_equal(psi[0, 1], FILTERS[name](S, 2.0)[1])
