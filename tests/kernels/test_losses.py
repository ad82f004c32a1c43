"""Losses fused with smoothing and gradient, against the twin and far out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from skreg._kernels.losses import LOSSES, loss_and_gradient, softmax
from tests import reference
from tests.network_cases import LEVELS, random_targets

CLASSIFICATION = ("softmax", "logistic")
REGRESSION = [name for name in LOSSES if name not in CLASSIFICATION]
KINDS_OF_TARGETS = [(loss, False, 0.0) for loss in REGRESSION] + [
    (loss, soft, eps)
    for loss in CLASSIFICATION
    for soft in (False, True)
    for eps in (0.0, 0.1, 0.8)
]


def run(loss, z, targets, weight=None, scale=1.0, smoothing=0.0, level=None):
    """(value, gradient); z stays."""
    z = np.array(z)
    targets = np.asarray(targets, z.dtype)
    weight = np.ones(len(z), z.dtype) if weight is None else weight
    level = LEVELS.get(loss, 0.0) if level is None else level
    level = np.broadcast_to(np.float64(level), z.shape[1]).copy()
    return loss_and_gradient(LOSSES[loss], z, targets, weight, scale, smoothing, level), z


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (1, 2), (9, 5), (33, 1)])
@pytest.mark.parametrize(("loss", "soft", "smoothing"), KINDS_OF_TARGETS)
def test_value_and_gradient_equal_their_twin(loss, soft, smoothing, shape, dtype):
    rng = np.random.default_rng(0)
    z = (3 * rng.normal(size=shape)).astype(dtype)
    targets = random_targets(rng, loss, *shape, soft=soft).astype(dtype)
    weight = rng.uniform(0, 2, shape[0]).astype(dtype)
    level = rng.uniform(0.2, 0.9, shape[1])
    found, gradient = run(loss, z, targets, weight, 0.25, smoothing, level)
    value, slope = reference.weighted_loss(z, targets, weight, loss, smoothing, level)
    rtol = 1e-5 if dtype == np.float32 else 1e-13
    np.testing.assert_allclose(found, value, rtol=rtol, atol=rtol)
    np.testing.assert_allclose(gradient, 0.25 * slope, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("loss", CLASSIFICATION)
def test_far_logits_give_the_exact_loss(loss, dtype):
    # Wrong by 500: the loss is 500, where a probability would have underflowed to 0.
    z = np.array([[0, 500]] if loss == "softmax" else [[500]], dtype)
    value, gradient = run(loss, z, [[1, 0]] if loss == "softmax" else [[0]])
    assert value == 500
    np.testing.assert_array_equal(gradient[0], [-1, 1] if loss == "softmax" else [1])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("loss", LOSSES)
def test_far_outputs_give_finite_losses(loss, dtype):
    far = 80 if loss == "poisson" else 1e30 if dtype == np.float32 else 1e140
    z = np.array([[far, -far]], dtype)
    value, gradient = run(loss, z, [[0, 1]])
    assert np.isfinite(value)
    assert value >= far / 4
    assert np.isfinite(gradient).all()


def test_a_tiny_loss_keeps_its_digits():
    # log(1 + exp(-40)) is exp(-40) to 17 digits, where 1 + exp(-40) rounds to 1.
    value, _ = run("logistic", [[40.0]], [[1]])
    np.testing.assert_allclose(value, np.exp(-40), rtol=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("column", [0, 1, 2])
@pytest.mark.parametrize("loss", LOSSES)
def test_outputs_that_are_not_finite_give_such_a_loss(loss, column, bad, dtype):
    z = np.zeros((1, 3), dtype)
    z[0, column] = bad
    assert not np.isfinite(run(loss, z, [[1, 0, 0]], smoothing=0.1)[0])


@pytest.mark.parametrize("loss", REGRESSION)
def test_a_target_of_nan_shows_in_the_loss(loss):
    assert np.isnan(run(loss, [[0.5, 0.5]], [[1, np.nan]])[0])


@settings(deadline=None)
@given(
    st.sampled_from(CLASSIFICATION),
    st.integers(2, 6),
    st.floats(0, 0.95),
    st.booleans(),
    st.integers(0, 2**32 - 1),
)
def test_zero_gradient_exactly_at_the_smoothed_target(loss, cols, smoothing, soft, seed):
    # The loss is least where the predicted distribution is the smoothed target.
    targets = random_targets(np.random.default_rng(seed), loss, 1, cols, soft)
    t = np.clip(reference.smoothed_targets(targets, loss, smoothing), 1e-12, 1 - 1e-12)
    z = np.log(t) if loss == "softmax" else np.log(t / (1 - t))
    _, gradient = run(loss, z, targets, smoothing=smoothing)
    np.testing.assert_allclose(gradient, 0, atol=1e-10)


@pytest.mark.parametrize("loss", CLASSIFICATION)
def test_a_soft_target_is_a_mixture_of_certain_ones(loss):
    rng = np.random.default_rng(0)
    z, certain = rng.normal(size=(1, 3)), np.eye(3)
    mixed = run(loss, z, [[0.2, 0.5, 0.3]])
    parts = [run(loss, z, certain[[k]]) for k in range(3)]
    for found, *each in zip(mixed, *parts, strict=True):
        np.testing.assert_allclose(found, np.tensordot([0.2, 0.5, 0.3], each, 1), rtol=1e-12)


@settings(deadline=None)
@given(st.floats(-50, 50), st.integers(0, 2**32 - 1))
def test_softmax_does_not_see_a_common_shift(shift, seed):
    rng = np.random.default_rng(seed)
    z, targets, weight = rng.normal(size=(4, 3)), np.eye(3)[rng.integers(0, 3, 4)], rng.random(4)
    a, first = run("softmax", z, targets, weight, smoothing=0.1)
    b, second = run("softmax", z + shift, targets, weight, smoothing=0.1)
    np.testing.assert_allclose(a, b, rtol=1e-10)
    np.testing.assert_allclose(first, second, atol=1e-12)


def test_two_softmax_outputs_are_one_logistic_output():
    rng = np.random.default_rng(0)
    z, p, weight = rng.normal(size=(8, 1)), rng.random((8, 1)), rng.random(8)
    for smoothing in (0.0, 0.2):
        a, one = run("logistic", z, p, weight, smoothing=smoothing)
        pair = np.hstack([np.zeros_like(z), z])
        b, two = run("softmax", pair, np.hstack([1 - p, p]), weight, smoothing=smoothing)
        np.testing.assert_allclose(a, b, rtol=1e-13)
        np.testing.assert_allclose(one[:, 0], two[:, 1], atol=1e-14)


def residuals(loss, level, n=9):
    rng = np.random.default_rng(1)
    return run(loss, rng.normal(size=(n, 2)), rng.normal(size=(n, 2)), level=level)


@pytest.mark.parametrize(
    ("loss", "level", "other", "factor"),
    [("huber", 100.0, "squared_error", 1), ("huber", 1e-9, "absolute_error", 1e-9),
     ("quantile", 0.5, "absolute_error", 0.5)],
)  # fmt: skip
def test_some_losses_have_others_as_limits(loss, level, other, factor):
    found, expected = residuals(loss, level), residuals(other, 0)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, factor * b, rtol=1e-8)


@settings(deadline=None)
@given(st.floats(0.05, 0.95), st.integers(1, 60), st.integers(0, 2**32 - 1))
def test_the_best_constant_is_the_quantile(q, n, seed):
    y = np.random.default_rng(seed).normal(size=(n, 1))
    values = [run("quantile", np.full((n, 1), z), y, level=q)[0] for z in y[:, 0]]
    best = y[np.argmin(values), 0]
    assert np.mean(y < best) <= q + 1e-12
    assert np.mean(y <= best) >= q - 1e-12


def test_every_output_has_its_own_level():
    z, targets = np.array([[2.0, 2.0, 2.0]]), np.zeros((1, 3))
    value, gradient = run("quantile", z, targets, level=[0.1, 0.5, 0.9])
    np.testing.assert_allclose(gradient, [[0.9, 0.5, 0.1]], rtol=1e-15)
    np.testing.assert_allclose(value, 3.0, rtol=1e-15)
    np.testing.assert_allclose(run("huber", z, targets, level=[0.5, 1, 9])[1], [[0.5, 1, 2]])


def test_the_deviance_of_a_perfect_mean_is_zero():
    counts = np.array([[1.0, 2.5, 40.0]])
    value, gradient = run("poisson", np.log(counts), counts)
    np.testing.assert_allclose(value, 0, atol=1e-13)
    np.testing.assert_allclose(gradient, 0, atol=1e-13)
    # A count of 0 has the deviance 2 exp(z).
    np.testing.assert_allclose(run("poisson", [[-1.0]], [[0]])[0], np.exp(-1), rtol=1e-15)


@pytest.mark.parametrize("loss", ["absolute_error", "quantile"])
def test_at_the_kink_the_slope_is_zero(loss):
    value, gradient = run(loss, [[1.5]], [[1.5]])
    assert value == gradient[0, 0] == 0


@pytest.mark.parametrize("loss", LOSSES)
def test_rows_of_weight_zero_say_nothing(loss):
    rng = np.random.default_rng(0)
    z, targets = rng.normal(size=(6, 3)), random_targets(rng, loss, 6, 3)
    weight = np.array([1.0, 0, 2, 0, 0, 3])
    value, gradient = run(loss, z, targets, weight, smoothing=0.1)
    kept = weight > 0
    expected = run(loss, z[kept], targets[kept], weight[kept], smoothing=0.1)
    np.testing.assert_allclose(value, expected[0], rtol=1e-14)
    np.testing.assert_array_equal(gradient[kept], expected[1])
    np.testing.assert_array_equal(gradient[~kept], 0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(0, 3), (3, 1), (1, 2), (9, 5), (65, 33)])
def test_softmax_is_scipy_s_and_stays_finite_far_out(shape, dtype):
    z = np.random.default_rng(0).normal(size=shape).astype(dtype)
    for scale in (1, 30, 1e30):
        p = (z * scale).astype(dtype)
        expected = special.softmax(p, axis=1)
        softmax(p)
        np.testing.assert_allclose(p, expected, rtol=9 * np.finfo(dtype).eps, atol=1e-37)
        assert (p[expected == 0] == 0).all()
