"""The penalty and its conjugates, against their twin and against their definitions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from skreg._kernels.gap import penalties
from tests import reference


def draw(rng, m):
    """Random (g, w, l1, l2, lower, upper), with every kind of bound and penalty."""
    lower = rng.choice([-np.inf, -1.0, 0.0, 0.2], m)
    upper = np.maximum(lower, rng.choice([np.inf, 1.0, 0.0, 0.3], m))
    w = np.clip(rng.normal(size=m) * rng.integers(0, 2, m), lower, upper)
    l1 = rng.choice([0.0, 0.5, 2.0], m)
    return 2 * rng.normal(size=m), w, l1, rng.choice([0.0, 1.5], m), lower, upper


def finite(part):
    return [part[0], *part[1], *part[2], *part[3]]


@pytest.mark.parametrize("m", [0, 1, 7])
@pytest.mark.parametrize("others", [0.0, 1.7, np.inf])
@pytest.mark.parametrize("seed", range(20))
def test_it_equals_its_twin(m, others, seed):
    arguments = draw(np.random.default_rng(seed), m)
    expected = reference.penalty_and_conjugates(*arguments, others)
    assert_allclose(
        finite(penalties(*arguments, others)), finite(expected), rtol=1e-13, atol=1e-14
    )


@given(st.integers(0, 2**32 - 1))
def test_conjugates_are_above_every_line(seed):
    # Fenchel: h(w) + h*(u) >= u w for every w within bounds, at every scale.
    rng = np.random.default_rng(seed)
    g, w, l1, l2, lower, upper = draw(rng, 6)
    value, *scaled = penalties(g, w, l1, l2, lower, upper, rng.uniform(0, 3))
    for s, against in scaled:
        assert 0 <= s <= 1
        assert value + against >= s * g @ w - 1e-12


def test_where_l1_holds_all_products_there_is_nothing_to_scale():
    one = np.ones(3)
    g, none = np.array([0.5, -1.0, 1.0]), np.zeros(3)
    found = penalties(g, none, one, none, -np.inf * one, np.inf * one, 1.0)
    assert found[:2] == (0.0, (1.0, 0.0))
    assert_allclose(found[2], (1.0, 0.0), rtol=1e-14)
    assert found[3] == (0.0, 0.0)


def test_a_bound_or_a_square_keeps_the_scale():
    # Conjugates of products beyond l1: (|u| - l1) upper, and (|u| - l1)^2 / (2 l2).
    g, l1, l2 = np.array([3.0, -3.0]), np.ones(2), np.array([0.0, 4.0])
    lower, upper = np.full(2, -np.inf), np.array([2.5, np.inf])
    _, first, second, none = penalties(g, np.zeros(2), l1, l2, lower, upper, 0.0)
    assert first == (1.0, 2 * 2.5 + 2**2 / 8)
    assert_allclose(second, (1 / 3, 0.0), atol=1e-15)
    assert none == (0.0, 0.0)


@pytest.mark.parametrize("l2", [1e-300, 1e-30, 1.0])
def test_what_l1_holds_has_no_conjugate_however_small_l2_is(l2):
    # By rounding, s g may exceed l1; its square over l2 would be all there is to see.
    rng = np.random.default_rng(0)
    g = rng.normal(size=200)
    none, ends = np.zeros(200), np.full(200, np.inf)
    second = penalties(g, none, np.abs(g) / 3, np.full(200, l2), -ends, ends, 0.0)[2]
    assert_allclose(second[0], 1 / 3, rtol=1e-14)
    assert second[1] == 0


def test_bounds_that_ask_for_a_coefficient_are_charged_without_any_residual():
    l1, l2 = np.ones(2), np.array([0.0, 4.0])
    lower, upper = np.array([0.5, -1.0]), np.array([2.5, np.inf])
    third = penalties(np.array([3.0, -3.0]), np.ones(2), l1, l2, lower, upper, 0.0)[3]
    assert third == (0.0, -0.5)


def test_rounding_beyond_l1_costs_nothing():
    # The second scale brings all products to where l1 holds them, so no l2 is too small for it.
    rng = np.random.default_rng(0)
    for g, l1 in rng.uniform(1, 2, (500, 2, 1)) * [[5], [1]]:
        _, _, (s, against), _ = penalties(
            g, np.zeros(1), l1, np.array([1e-150]), np.array([-np.inf]), np.array([np.inf]), 0.0
        )
        assert against == 0
        assert_allclose(s, l1[0] / g[0])


def test_coefficients_at_a_bound_do_not_shrink_the_second_scale():
    # What pushes against a bound may exceed l1 by any factor; -4 does not, and is held.
    g, w = np.array([300.0, -500.0, -4.0]), np.array([1.5, 0.0, -1.0])
    lower, upper = np.array([-np.inf, 0.0, -np.inf]), np.array([1.5, np.inf, np.inf])
    _, _, second, _ = penalties(g, w, np.ones(3), np.full(3, 1e-30), lower, upper, 0.0)
    assert_allclose(second, (1 / 4, (300 / 4 - 1) * 1.5), rtol=1e-14)
