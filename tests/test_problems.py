import doctest
from functools import partial
from itertools import pairwise

import numpy as np
import pytest

from skreg import problems
from skreg.problems import baart, deriv2, foxgood, gravity, heat, phillips, shaw

ALL = {name: getattr(problems, name) for name in problems.__all__}
ALL["deriv2, example 2"] = partial(deriv2, example=2)


def integral(f, low, high, order=40):
    """Gauss-Legendre quadrature on [low, high], to rounding for the smooth f below."""
    nodes, weights = np.polynomial.legendre.leggauss(order)
    t = (low + high) / 2 + (high - low) / 2 * nodes
    return (high - low) / 2 * weights @ f(t)


def box_moments(f, edges):
    """The integrals of f against orthonormal box functions between the edges."""
    h = edges[1] - edges[0]
    return np.array([integral(f, a, b) for a, b in pairwise(edges)]) / np.sqrt(h)


@pytest.mark.parametrize(
    ("problem", "norms"),
    [
        (shaw, (3.6928676495, 13.1873576295, 5.6467360226)),
        (phillips, (10.0496036105, 15.2733056231, 2.9936005900)),
        (deriv2, (0.1052845103, 0.0459847304, 0.5772797876)),
        (foxgood, (0.8163969049, 2.5308740629, 3.2655876194)),
    ],
)
def test_norms_known_from_regularization_tools(problem, norms):
    np.testing.assert_allclose([np.linalg.norm(a) for a in problem(32)], norms, rtol=1e-9)


@pytest.mark.parametrize("name", ["shaw", "gravity", "heat"])
def test_the_right_hand_side_is_the_product(name):
    A, b, x = ALL[name](20)
    np.testing.assert_allclose(b, A @ x, rtol=1e-14)


@pytest.mark.parametrize("name", ["phillips", "deriv2", "deriv2, example 2", "baart", "foxgood"])
def test_the_product_tends_to_the_right_hand_side(name):
    errors = []
    for n in (16, 32, 64):
        A, b, x = ALL[name](n)
        errors.append(np.linalg.norm(A @ x - b) / np.linalg.norm(b))
    assert errors[2] < 1e-3
    assert errors[2] < 1e-13 or errors[1] / errors[2] > 3  # of second order


def test_gravity_is_the_field_of_a_mass():
    A, b, x = gravity(200)
    t = (np.arange(200) + 0.5) / 200
    np.testing.assert_allclose(A[3, 7], 0.25 / 200 * (0.0625 + (t[3] - t[7]) ** 2) ** -1.5)
    field = integral(
        lambda s: (
            0.25
            * (0.0625 + (t[9] - s) ** 2) ** -1.5
            * (np.sin(np.pi * s) * (1 + np.cos(np.pi * s)))
        ),
        0,
        1,
    )
    assert b[9] == pytest.approx(field, rel=1e-4)  # of second order in 1/n
    np.testing.assert_allclose(np.linalg.norm(x) ** 2 / 200, 0.625, rtol=1e-12)


def test_heat_is_what_flows_through():
    # The kernel integrates to the complementary error function of 1 / (2 sqrt(s)).
    from scipy.special import erfc

    n = 400
    A = heat(n)[0]
    s = np.arange(1, n + 1) / n
    np.testing.assert_allclose(A.sum(axis=1), erfc(0.5 / np.sqrt(s)), rtol=0, atol=5e-6)
    np.testing.assert_array_equal(A, np.tril(A))
    np.testing.assert_array_equal(A[1:, 1:], A[:-1, :-1])


def test_heat_s_solution_rises_bends_and_decays():
    x, tau = heat(400)[2], 20 * np.arange(1, 201) / 400
    assert x[39] == pytest.approx(0.75)  # tau = 2
    assert x[59] == pytest.approx(0.75)  # tau = 3
    assert x.max() == pytest.approx(1.0)  # tau = 2.5
    np.testing.assert_allclose(x[:30], 0.1875 * tau[:30] ** 2)
    assert x[199] == pytest.approx(0.75 * np.exp(-14))
    assert not x[200:].any()


def test_deriv2_undoes_a_second_derivative():
    # Galerkin: entries are double integrals of the Green's function over boxes.
    n, h = 6, 1 / 6
    A = deriv2(n)[0]
    edges = np.arange(n + 1) * h

    def green(s, t):
        return np.where(s < t, s * (t - 1), t * (s - 1))

    for i in range(n):
        for j in range(n):
            # split where the kernel bends, so that the inner integrands are polynomials

            def inner(s, j=j):
                a, b = edges[j], edges[j + 1]
                cut = np.clip(s, a, b)
                return np.array(
                    [
                        integral(lambda t, q=q: green(q, t), a, c)
                        + integral(lambda t, q=q: green(q, t), c, b)
                        for q, c in zip(s, cut, strict=True)
                    ]
                )

            expected = integral(inner, edges[i], edges[i + 1]) / h
            assert A[i, j] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("example", "x", "b"),
    [
        (1, lambda t: t, lambda s: (s**3 - s) / 6),
        (2, np.exp, lambda s: np.exp(s) + (1 - np.e) * s - 1),
    ],
)
def test_deriv2_holds_box_moments(example, x, b):
    edges = np.arange(33) / 32
    A, right, solution = deriv2(32, example=example)
    np.testing.assert_allclose(solution, box_moments(x, edges), rtol=1e-12)
    np.testing.assert_allclose(right, box_moments(b, edges), rtol=1e-10, atol=1e-14)
    assert np.linalg.eigvalsh(A).max() < 0


def test_baart_holds_box_moments():
    n = 32
    A, b, x = baart(n)
    s, t = np.pi / 2 / n * np.arange(n + 1), np.pi / n * np.arange(n + 1)
    np.testing.assert_allclose(x, box_moments(np.sin, t), rtol=1e-12)
    # Simpson's rule stands in for one of the integrations.
    np.testing.assert_allclose(b, box_moments(lambda q: 2 * np.sinh(q) / q, s), rtol=1e-7)
    expected = np.array(
        [
            [
                integral(lambda q, j=j: box_moments_of_kernel(q, t[j], t[j + 1]), s[i], s[i + 1])
                / np.sqrt(s[1])
                for j in range(0, n, 5)
            ]
            for i in range(0, n, 5)
        ]
    )
    np.testing.assert_allclose(A[::5, ::5], expected, rtol=1e-6)


def box_moments_of_kernel(s, low, high):
    """The integrals of exp(s cos t) over one box in t, for each s."""
    return np.array([integral(lambda t, q=q: np.exp(q * np.cos(t)), low, high) for q in s]) / (
        np.sqrt(high - low)
    )


def test_phillips_holds_box_moments_of_a_raised_cosine():
    n = 32
    A, b, x = phillips(n)
    edges = -6 + 12 / n * np.arange(n + 1)

    def hump(t):
        return np.where(abs(t) < 3, 1 + np.cos(np.pi * t / 3), 0)

    def right(s):
        return (6 - abs(s)) * (1 + np.cos(np.pi * s / 3) / 2) + 4.5 / np.pi * np.sin(
            np.pi * abs(s) / 3
        )

    np.testing.assert_allclose(x, box_moments(hump, edges), rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(b, box_moments(right, edges), rtol=1e-10, atol=1e-13)
    i, h = 20, 12 / n
    for j in (17, 19, 20, 24, 27, 28, 31):
        # The difference of two points in boxes k apart has a triangular density.
        gap = h * (i - j)
        expected = sum(
            integral(lambda d: (1 - abs(d) / h) * hump(gap + d), a, c)  # noqa: B023
            for a, c in ((-h, 0), (0, h))
        )
        assert A[i, j] == pytest.approx(expected, rel=1e-11, abs=1e-14)


def test_foxgood_and_shaw_at_single_points():
    A, b, x = foxgood(10)
    assert A[2, 6] == pytest.approx(np.sqrt(0.25**2 + 0.65**2) / 10)
    assert b[2] == pytest.approx(integral(lambda t: t * np.hypot(0.25, t), 0, 1))
    np.testing.assert_allclose(x, np.arange(10) / 10 + 0.05)
    A = shaw(4)[0]
    assert A[0, 3] == pytest.approx(np.pi * np.cos(3 * np.pi / 8) ** 2)  # the ratio is one there
    u = np.pi * (np.sin(-np.pi / 8) + np.sin(3 * np.pi / 8))
    c = np.cos(np.pi / 8) + np.cos(3 * np.pi / 8)
    assert A[1, 3] == pytest.approx(np.pi / 4 * (c * np.sin(u) / u) ** 2)


@pytest.mark.parametrize("name", ALL)
def test_problems_are_ill_posed_and_well_formed(name):
    A, b, x = ALL[name](64)
    assert (A.shape, b.shape, x.shape) == ((64, 64), (64,), (64,))
    assert all(a.dtype == np.float64 and np.isfinite(a).all() for a in (A, b, x))
    s = np.linalg.svd(A, compute_uv=False)
    assert s[-1] < 1e-3 * s[0]
    if name not in ("heat", "baart"):
        np.testing.assert_allclose(A, A.T, rtol=1e-14)


@pytest.mark.parametrize(
    ("name", "divisor"), [("shaw", 2), ("phillips", 4), ("heat", 2), ("baart", 2)]
)
def test_smallest_sizes(name, divisor):
    A, b, x = ALL[name](divisor)
    assert A.shape == (divisor, divisor)
    assert all(np.isfinite(a).all() for a in (A, b, x))
    with pytest.raises(ValueError, match=rf"n must be .*; got {divisor + 1}"):
        ALL[name](divisor + 1)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("n", [0, -4, 4.0, True, "8", None])
def test_bad_sizes_are_refused(name, n):
    with pytest.raises(ValueError, match=r"n must be .*got"):
        ALL[name](n)


def test_numpy_integers_are_sizes():
    assert shaw(np.int64(4))[0].shape == (4, 4)


@pytest.mark.parametrize("example", [0, 3, "1", True, None])
def test_bad_examples_are_refused(example):
    with pytest.raises(ValueError, match=r"example must be 1 or 2; got"):
        deriv2(8, example=example)


def test_docstring_examples_run():
    result = doctest.testmod(problems)
    assert result.attempted > 0
    assert result.failed == 0
