import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import optimize

from skreg._solvers import secular as module
from skreg._solvers.secular import norm_bound_alpha, ratio


def coef_norm(s, z, alpha):
    """||w(alpha)|| for one target, whatever its scale."""
    w = z / (s + alpha / s)
    top = np.abs(w).max()
    return top * np.linalg.norm(w / top) if top > 0 else 0.0


def problem(r=12, t=3, decades=6.0, seed=0):
    rng = np.random.default_rng(seed)
    s = np.sort(10 ** (-decades * rng.random(r)))[::-1]
    return s, rng.normal(size=(r, t))


def full_norms(s, z):
    return np.array([coef_norm(s, column, 0.0) for column in z.T])


def test_one_singular_value_has_the_closed_solution():
    # s z / (s^2 + alpha) = bound
    alpha = norm_bound_alpha(np.array([2.0]), np.array([[3.0, -3.0, 0.5]]), 0.5)
    np.testing.assert_allclose(alpha, [8.0, 8.0, 0.0], rtol=1e-15)


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    r=st.integers(1, 40),
    decades=st.floats(0, 15),
    smooth=st.floats(0, 2.5),
    below=st.floats(0, 20),
)
def test_the_norm_is_the_bound(seed, r, decades, smooth, below):
    s, z = problem(r, 1, decades, seed)
    z = z * s[:, None] ** smooth  # from rough to smooth targets
    shortest = coef_norm(s, z[:, 0], 0.0)
    bound = shortest * 10**-below
    assume(bound < shortest * (1 - 1e-12))
    (alpha,) = norm_bound_alpha(s, z, bound)
    assert alpha > 0
    assert coef_norm(s, z[:, 0], alpha) == pytest.approx(bound, rel=1e-13)


@pytest.mark.parametrize("decades", [0.5, 6, 14])
@pytest.mark.parametrize("fraction", [0.9, 0.1, 1e-6])
def test_agrees_with_a_bracketing_root_finder(decades, fraction):
    s, z = problem(decades=decades)
    bounds = fraction * full_norms(s, z)
    alpha = norm_bound_alpha(s, z, bounds)
    for a, column, bound in zip(alpha, z.T, bounds, strict=True):

        def excess(log_alpha, column=column, bound=bound):
            return np.log(coef_norm(s, column, np.exp(log_alpha)) / bound)

        log_alpha = optimize.brentq(excess, -100, 60, xtol=1e-13, rtol=1e-14)
        assert a == pytest.approx(np.exp(log_alpha), rel=1e-10)


@pytest.mark.parametrize("s_scale", [1e-150, 1e-100, 1, 1e100, 1e150])
@pytest.mark.parametrize("z_scale", [1e-150, 1e-100, 1, 1e100, 1e150])
def test_no_scale_matters(s_scale, z_scale):
    s, z = problem(decades=2)
    bound = 0.2 * full_norms(s, z)
    expected = norm_bound_alpha(s, z, bound)
    alpha = norm_bound_alpha(s * s_scale, z * z_scale, bound * (z_scale / s_scale))
    np.testing.assert_allclose(alpha, expected * s_scale * s_scale, rtol=1e-12)


@pytest.mark.parametrize("bound", [1e-12, 1e-150, 1e-300])
def test_a_tiny_bound_leaves_the_gradient_direction(bound):
    # w tends to X'y / alpha
    s, z = problem()
    expected = np.linalg.norm(s[:, None] * z, axis=0) / bound
    np.testing.assert_allclose(norm_bound_alpha(s, z, bound), expected, rtol=1e-10)
    # The same where the ratio of the scales leaves the range of floating point.
    alpha = norm_bound_alpha(s * 1e-160, z * 1e160, bound)
    np.testing.assert_allclose(alpha, expected, rtol=1e-10)


def test_a_bound_that_does_not_bind_leaves_alpha_as_it_is():
    s, z = problem(t=2)
    z[:, 1] = 0
    least_squares = full_norms(s, z)[0]
    np.testing.assert_array_equal(norm_bound_alpha(s, z, 1.001 * least_squares), 0)
    np.testing.assert_array_equal(norm_bound_alpha(s, z, 1e300), 0)
    alpha0 = np.array([0.3, 0.7])
    at_alpha0 = coef_norm(s, z[:, 0], 0.3)
    np.testing.assert_array_equal(norm_bound_alpha(s, z, 1.001 * at_alpha0, alpha0), alpha0)


def test_alpha0_only_counts_where_it_is_enough():
    s, z = problem()
    bound = 0.1 * full_norms(s, z)
    free = norm_bound_alpha(s, z, bound)
    alpha0 = free * [0.5, 1.5, 0.999]
    alpha = norm_bound_alpha(s, z, bound, alpha0)
    np.testing.assert_allclose(alpha, np.maximum(free, alpha0), rtol=1e-12)


def test_targets_do_not_touch_each_other():
    s, z = problem(t=5)
    bound = full_norms(s, z) * [1e-9, 2.0, 0.5, 0.99, 1e-3]
    alone = [norm_bound_alpha(s, z[:, [k]], bound[k])[0] for k in range(5)]
    np.testing.assert_allclose(norm_bound_alpha(s, z, bound), alone, rtol=1e-12)


def test_nothing_to_bound():
    np.testing.assert_array_equal(norm_bound_alpha(np.zeros(0), np.zeros((0, 2)), 1.0), [0, 0])
    np.testing.assert_array_equal(norm_bound_alpha(np.ones(2), np.zeros((2, 1)), 1.0, 0.4), [0.4])


@pytest.mark.parametrize(("decades", "most"), [(1, 7), (6, 10), (14, 10)])
@pytest.mark.parametrize("smooth", [0, 0.5, 1, 1.5, 2])
def test_a_few_steps_suffice(decades, most, smooth, monkeypatch):
    steps, newton = [], module.newton_step
    monkeypatch.setattr(module, "newton_step", lambda *a: steps.append(0) or newton(*a))
    s = np.logspace(0, -decades, 200)
    z = (s**smooth)[:, None]
    for fraction in (1 - 1e-10, 0.99, 0.7, 0.3, 1e-4, 1e-9):
        steps.clear()
        norm_bound_alpha(s, z, fraction * full_norms(s, z))
        assert 1 <= len(steps) <= most


@pytest.mark.parametrize("shape", [(30, 6), (6, 30)])
@pytest.mark.parametrize("radius", [1e-3, 0.2, 10.0])
def test_is_the_trust_region_step(shape, radius):
    """The step p minimizes g'p + p'Hp/2 over ||p|| <= radius: More and Sorensen's conditions."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=shape), rng.normal(size=shape[0])
    H, g = X.T @ X, -X.T @ y
    U, s, Vt = np.linalg.svd(X, full_matrices=False)
    z = (U.T @ y)[:, None]
    (multiplier,) = norm_bound_alpha(s, z, radius)
    step = Vt.T @ (z[:, 0] / (s + multiplier / s))
    np.testing.assert_allclose(H @ step + multiplier * step, -g, atol=1e-12)
    assert np.linalg.norm(step) <= radius * (1 + 1e-13)
    assert multiplier == 0 or np.linalg.norm(step) == pytest.approx(radius, rel=1e-13)
    assert (multiplier == 0) == (radius == 10.0)
    others = rng.normal(size=(200, shape[1]))
    others *= (radius * rng.random((200, 1))) / np.linalg.norm(others, axis=1, keepdims=True)
    value = others @ g + 0.5 * np.einsum("ij,ij->i", others @ H, others)
    assert g @ step + 0.5 * step @ H @ step <= value.min()


@pytest.mark.parametrize(
    ("above", "below", "expected"),
    [
        ((3.0, 1e300, 1e300), (1e300, 1e299), 30.0),
        ((1e-200, 1e-200), (1e-200, 1e-200, 4.0), 0.25),
        ((1e300, 1e300), (1.0,), np.inf),
        ((1e-300, 1e-300), (1.0,), 0.0),
        ((0.0, 1e300), (1e-300,), 0.0),
    ],
)
def test_ratio_is_right_wherever_the_result_is_in_range(above, below, expected):
    assert ratio(above, below) == pytest.approx(expected, rel=1e-14)
