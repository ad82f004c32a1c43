import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from skreg._solvers.multi_task_dual import Dual, Reference, largest_singular_value, row_norms


def conjugate(z, l1, l2, radius):
    """The largest z u - l1 u - l2/2 u^2 over u >= 0, or over [0, radius] without penalties."""
    if l1 == l2 == 0:
        return z * radius
    if l2 == 0:
        return 0.0 if z <= l1 * (1 + 1e-12) else np.inf
    return max(z - l1, 0.0) ** 2 / (2 * l2)


def dual_value(s, dual, l1, l2, radius):
    walls = sum(map(conjugate, s * dual.norms, l1, l2, radius))
    return s * dual.product - 0.5 * s * s * dual.length - walls


@pytest.mark.parametrize(
    ("l1", "l2"),
    [
        ([1.0, 2.0, 0.5], [0.0, 0.0, 0.0]),
        ([1.0, 2.0, 0.5], [0.3, 0.1, 2.0]),
        ([1.0, 0.0, np.inf], [0.0, 0.0, 0.0]),
        ([0.0, 0.0, 0.0], [1.0, 0.2, 3.0]),
        ([0.0, 0.0, 0.0], [0.0, 0.0, 0.0]),
        ([1.0, 0.0, 0.4], [0.5, 0.0, 0.0]),
    ],
)
def test_the_best_scale_is_found(l1, l2):
    l1, l2, radius = np.array(l1), np.array(l2), np.array([0.1, 0.2, 0.3])
    for length, product in ((2.0, 3.0), (5.0, 1.0), (0.1, 0.5)):
        dual = Dual(length, product, np.array([1.5, 0.7, 0.9]))
        found = dual.value(l1, l2, radius)
        scales = np.append(np.linspace(0, 6, 6001), l1[l2 == 0] / dual.norms[l2 == 0])
        best = max(dual_value(s, dual, l1, l2, radius) for s in scales[np.isfinite(scales)])
        assert best - 1e-12 <= found <= best + 1e-5


def test_a_dual_point_of_zero():
    dual = Dual(0.0, 0.0, np.zeros(2))
    assert dual.value(np.ones(2), np.zeros(2), np.zeros(2)) == 0


@settings(max_examples=50, deadline=None)
@given(
    st.integers(1, 12), st.integers(1, 9), st.integers(1, 5),
    st.integers(-30, 30), st.integers(0, 20), st.integers(0, 1000),
)  # fmt: skip
def test_bounds_from_a_reference_hold(n, p, t, share, off, seed):
    rng = np.random.default_rng(seed)
    X, R0 = rng.standard_normal((n, p)), rng.standard_normal((n, t))
    R = share / 10 * R0 + off / 10 * rng.standard_normal((n, t))
    exact = row_norms(X.T @ R)
    bounds = Reference(R0, row_norms(X.T @ R0)).bounds(R, np.linalg.norm(X, axis=0))
    assert np.all(bounds >= exact * (1 - 1e-10))
    if off == 0:
        assert_allclose(bounds, exact, rtol=1e-6, atol=1e-6)


def test_a_reference_of_zero_bounds_by_norms():
    X = np.eye(3)
    R = np.ones((3, 2))
    bounds = Reference(np.zeros((3, 2)), np.zeros(3)).bounds(R, np.ones(3))
    assert_allclose(bounds, np.sqrt(6))
    assert len(bounds) == X.shape[1]


@pytest.mark.parametrize("shape", [(5, 2), (2, 5), (1, 1), (3, 0)])
def test_the_largest_singular_value(shape):
    A = np.random.default_rng(0).standard_normal(shape)
    expected = np.linalg.norm(A, 2) if A.size else 0
    assert_allclose(largest_singular_value(A), expected, rtol=1e-12)


def test_rounding_beyond_the_penalty_costs_nothing():
    # h_j* is (z - l1)^2 / (2 l2): of no use where l2 is nothing and z - l1 is rounding.
    l1 = np.ones(3)
    dual = Dual(2.0, 2.5, np.array([1 + 2e-16, 0.3, 1 - 1e-16]))
    hard = dual.value(l1, np.zeros(3), np.zeros(3))
    assert hard == pytest.approx(1.5)
    assert dual.value(l1, np.full(3, 1e-150), np.zeros(3)) == pytest.approx(hard)
