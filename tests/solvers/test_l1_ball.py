import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skreg._solvers import l1_ball
from skreg._solvers.features import Features
from skreg._solvers.l1_ball import Ball, at_bound, least_norm, solve_in_ball, way_down
from skreg._solvers.path import Point, alpha_max, walk
from skreg._solvers.penalty import penalty


def problem(seed=0, n=40, p=6, **options):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p))
    features = Features.of(X)
    y, _ = features.target(X @ np.arange(1.0, p + 1) + rng.standard_normal(n))
    return features, y, penalty(p, n, **options)


def norm(point, weights):
    return weights[point.support] @ np.abs(point.coef)


def test_the_way_down_begins_and_ends_where_it_should():
    for largest, alpha in [(2.0, 1.9), (2.0, 1e-3), (1e150, 1e145), (3.0, 4e-8)]:
        way = way_down(largest, alpha)
        assert way[0] == largest
        assert way[-1] == alpha
        assert np.all(np.diff(way) < 0)
        assert np.all(way[1:] / way[:-1] >= 0.7)
    assert_array_equal(way_down(2.0, 2.0), [2.0])
    assert_array_equal(way_down(2.0, 5.0), [5.0])
    assert_array_equal(way_down(0.0, 0.0), [0.0])
    to_zero = way_down(2.0, 0.0)
    assert to_zero[-1] == 0
    assert 1e-9 < to_zero[-2] < 1e-6


def test_excess_is_signed_and_zero_at_the_bound():
    ball = Ball(np.array([1.0, 0.5, 0.0]), 2.0)

    def point(*coef):
        return Point(1.0, np.arange(3), np.array(coef), 0.0, 1, True)

    assert ball.excess(point(1.0, -2.0, 9.0)) == 0
    assert ball.excess(point(2.0, -2.0, 9.0)) == 1
    assert ball.excess(point(0.0, -2.0, 9.0)) == -1
    assert ball.excess(point(1.0, -2.0 - 1e-11, 9.0)) == 0
    assert ball.excess(point(1.0, -2.0 - 1e-8, 9.0)) > 0


def test_least_norm_is_that_of_the_nearest_point_to_zero():
    bounds = {"lower": [0.5, -1, -3, -np.inf], "upper": [1, 1, -2, np.inf]}
    assert least_norm(np.array([2.0, 1.0, 1.0, 1.0]), penalty(4, 1, **bounds)) == 3.0


@pytest.mark.parametrize("l1_ratio", [1.0, 0.4])
@pytest.mark.parametrize("share", [1e-6, 0.1, 0.5, 0.999])
def test_the_bound_is_met_and_the_alpha_belongs_to_it(l1_ratio, share):
    weights = np.array([1.0, 2.0, 0.5, 1.0, 0.0, 3.0])
    features, y, cost = problem(l1_ratio=l1_ratio, weights=weights)
    free = next(walk(features, y, cost, [1e-4], tol=1e-12))
    ball = Ball(weights, share * norm(free, weights))
    point = solve_in_ball(features, y, cost, ball, 1e-4)
    assert_allclose(norm(point, weights), ball.bound, rtol=1e-9)
    assert 1e-4 < point.alpha < alpha_max(features, y, cost)
    assert point.converged
    again = next(walk(features, y, cost, [point.alpha], tol=1e-12))
    assert_array_equal(again.support, point.support)
    assert_allclose(again.coef, point.coef, atol=1e-8)


def test_a_bound_that_holds_leaves_the_alpha():
    features, y, cost = problem()
    for alpha in (0.0, 0.1, 1e6):
        point = solve_in_ball(features, y, cost, Ball(np.ones(6), 1e3), alpha)
        assert point.alpha == alpha
        expected = next(walk(features, y, cost, [alpha], tol=1e-12))
        assert_allclose(point.coef, expected.coef, atol=1e-9)


def test_the_least_bound_is_met_at_the_largest_alpha():
    features, y, cost = problem(lower=[0.25] + [-np.inf] * 5)
    point = solve_in_ball(features, y, cost, Ball(np.ones(6), 0.25), 0.0)
    assert_array_equal(point.support, [0])
    assert_array_equal(point.coef, [0.25])
    assert_allclose(point.alpha, alpha_max(features, y, cost))


def test_unpenalized_data_need_no_way():
    features, y, cost = problem(weights=np.zeros(6))
    point = solve_in_ball(features, y, cost, Ball(np.zeros(6), 1.0), 0.1)
    assert point.alpha == 0.1
    assert len(point.support) == 6


def line(slope=-1.0, steps=()):
    """A path whose norm is a straight line in alpha, and what was asked of it."""

    def solve(alpha, start):
        steps.append((alpha, start.alpha))
        return Point(alpha, np.array([0]), np.array([3 + slope * alpha]), 0.0, 1, True)

    return solve


def test_a_straight_line_takes_one_secant_that_starts_far_away():
    steps = []
    solve = line(steps=steps)
    outside, inside = solve(0.5, Point(0, *[None] * 5)), solve(2.9, Point(0, *[None] * 5))
    steps.clear()
    point, n_iter = at_bound(solve, Ball(np.ones(1), 0.4), outside, inside)
    assert_allclose(point.alpha, 2.6)
    assert n_iter == len(steps) == 1
    assert steps[0][1] == 0.5


def test_where_rounding_hides_the_bound_the_nearest_point_inside_is_taken():
    def solve(alpha, start):
        return Point(alpha, np.array([0]), np.array([1.0 if alpha < 2 else 0.5]), 0.0, 1, True)

    outside, inside = solve(1.0, None), solve(3.0, None)
    point, n_iter = at_bound(solve, Ball(np.ones(1), 0.75), outside, inside)
    assert point.coef[0] == 0.5
    assert_allclose(point.alpha, 2.0)
    assert 10 < n_iter <= l1_ball.MOST_TRIALS


def test_few_solutions_are_asked_for(monkeypatch):
    asked = []

    def counted(features, y, cost, alphas, **options):
        for point in walk(features, y, cost, alphas, **options):
            asked.append(point.n_iter)
            yield point

    monkeypatch.setattr(l1_ball, "walk", counted)
    for seed in range(20):
        asked.clear()
        features, y, cost = problem(seed, p=30)
        point = solve_in_ball(features, y, cost, Ball(np.ones(30), 20.0), 0.0)
        assert len(asked) < 60
        assert point.n_iter == sum(asked)


def test_too_few_sweeps_are_told():
    features, y, cost = problem(p=30)
    point = solve_in_ball(features, y, cost, Ball(np.ones(30), 20.0), 0.0, tol=0, max_iter=1)
    assert not point.converged
    assert point.gap > 0
