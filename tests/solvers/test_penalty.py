import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skreg._solvers.penalty import penalty
from tests.solvers.sparse_cases import data, objective


def test_it_is_that_of_the_elastic_net_times_the_number_of_samples():
    found = penalty(3, 50, 0.8)
    assert_array_equal(found.l1, np.full(3, 40.0))
    assert_allclose(found.l2, np.full(3, 10.0))
    assert_array_equal(found.lower, np.full(3, -np.inf))
    assert_array_equal(found.upper, np.full(3, np.inf))


def test_weights_multiply_both_parts():
    found = penalty(4, 10, 0.5, weights=[0, 1, 3, np.inf])
    assert_array_equal(found.l1, [0, 5, 15, np.inf])
    assert_array_equal(found.l2, [0, 5, 15, 0])  # not the product of infinity and zero
    assert_array_equal(penalty(2, 10, 0.0, weights=[1, np.inf]).l1, [0, np.inf])


def test_bounds_are_a_number_or_one_for_each_feature():
    found = penalty(3, 10, lower=-1, upper=[1, np.inf, 2])
    assert_array_equal(found.lower, [-1, -1, -1])
    assert_array_equal(found.upper, [1, np.inf, 2])
    found.lower[0] = -5  # an array of its own, not a view of one number
    assert_array_equal(found.lower, [-5, -1, -1])


@pytest.mark.parametrize(("unit_X", "unit_y"), [(4.0, 0.5), (1.0, 8.0), (0.25, 1.0)])
def test_units_change_the_objective_by_a_factor_only(unit_X, unit_y):
    X, y = data(8, 5)
    rng = np.random.default_rng(0)
    given = penalty(5, 8, 0.7, weights=rng.uniform(0, 2, 5), lower=-1, upper=2)
    w = rng.uniform(-1, 2, 5)
    units = given.in_units(unit_X, unit_y)
    moved = w * unit_X / unit_y
    inside = objective(moved, X / unit_X, y / unit_y, 0.3, units)
    assert_allclose(inside * unit_y**2, objective(w, X, y, 0.3, given), rtol=1e-14)
    assert_allclose(units.lower, -unit_X / unit_y)
    assert_allclose(units.upper, 2 * unit_X / unit_y)


@pytest.mark.parametrize("unit", [2.0**-500, 1.0, 2.0**500])
def test_units_make_no_nan_and_no_new_infinity(unit):
    given = penalty(4, 1e10, 0.5, weights=[0, 1, 1e290, np.inf], lower=[-1, -np.inf, 0, 0])
    for pair in [(unit, unit), (unit, 1 / unit), (1.0, unit)]:
        found = given.in_units(*pair)
        assert np.all(np.isfinite(found.l1))
        assert np.all(np.isfinite(found.l2))
        assert not np.any(np.isnan([found.lower, found.upper]))
        assert found.lower[3] == found.upper[3] == 0  # kept out by its bounds now


def test_what_is_held_is_as_near_to_zero_as_bounds_let():
    given = penalty(5, 1, lower=[-1, 1, -3, -np.inf, -1], upper=[1, 2, -2, np.inf, 1])
    found = given.holding(np.array([True, True, True, True, False]))
    assert_array_equal(found.lower, [0, 1, -2, 0, -1])
    assert_array_equal(found.upper, [0, 1, -2, 0, 1])
    assert_array_equal(given.lower[:2], [-1, 1])  # which is left as it was
