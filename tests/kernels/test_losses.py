"""Cross-entropies fused with smoothing and gradient, against the twin and far out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skreg._kernels.losses import LOSSES, loss_and_gradient
from tests import reference


def random_targets(rng, loss, rows, cols):
    if loss == "softmax":
        return rng.integers(0, cols, (rows, 1), dtype=np.int32)
    return rng.integers(0, 2, (rows, cols), dtype=np.int32)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.8])
@pytest.mark.parametrize(
    ("loss", "shape"),
    [("softmax", (1, 2)), ("softmax", (0, 3)), ("softmax", (9, 5)),
     ("logistic", (1, 1)), ("logistic", (0, 1)), ("logistic", (9, 5))],
)  # fmt: skip
def test_loss_and_gradient_equal_their_twin(loss, shape, smoothing, dtype):
    rng = np.random.default_rng(0)
    z = (3 * rng.normal(size=shape)).astype(dtype)
    targets = random_targets(rng, loss, *shape)
    weight = rng.uniform(0, 2, shape[0]).astype(dtype)
    value, gradient = reference.output_loss(z, targets, weight, loss, smoothing)
    rtol = 1e-5 if dtype == np.float32 else 1e-13
    found = loss_and_gradient(LOSSES[loss], z, targets, weight, 0.25, smoothing)
    np.testing.assert_allclose(found, value, rtol=rtol)
    np.testing.assert_allclose(z, 0.25 * gradient, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("loss", LOSSES)
def test_far_logits_give_the_exact_loss(loss, dtype):
    # Wrong by 500: the loss is 500, where a probability would have underflowed to 0.
    z = np.array([[0, 500]] if loss == "softmax" else [[500]], dtype=dtype)
    found = loss_and_gradient(
        LOSSES[loss], z, np.zeros((1, 1), np.int32), np.ones(1, dtype), 1.0, 0.0
    )
    assert found == 500
    np.testing.assert_array_equal(z[0], [-1, 1] if loss == "softmax" else [1])


def test_a_tiny_loss_keeps_its_digits():
    # log(1 + exp(-40)) is exp(-40) to 17 digits, where 1 + exp(-40) rounds to 1.
    z = np.array([[40.0]])
    found = loss_and_gradient(
        LOSSES["logistic"], z, np.ones((1, 1), np.int32), np.ones(1), 1.0, 0.0
    )
    np.testing.assert_allclose(found, np.exp(-40), rtol=1e-14)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_non_finite_logits_give_a_non_finite_loss(loss, bad):
    z = np.array([[0.0, bad]])
    targets = np.zeros((1, 1 if loss == "softmax" else 2), np.int32)
    assert not np.isfinite(loss_and_gradient(LOSSES[loss], z, targets, np.ones(1), 1.0, 0.1))


@given(
    st.sampled_from(sorted(LOSSES)),
    st.integers(2, 6),
    st.floats(0, 0.95),
    st.integers(0, 2**32 - 1),
)
def test_zero_gradient_exactly_at_the_smoothed_target(loss, cols, smoothing, seed):
    # The loss is least where the predicted distribution is the smoothed target.
    rng = np.random.default_rng(seed)
    targets = random_targets(rng, loss, 1, cols)
    t = np.clip(reference.smoothed_targets(targets, loss, cols, smoothing), 1e-12, 1 - 1e-12)
    z = np.log(t) if loss == "softmax" else np.log(t / (1 - t))
    loss_and_gradient(LOSSES[loss], z, targets, np.ones(1), 1.0, smoothing)
    np.testing.assert_allclose(z, 0, atol=1e-10)


@given(st.floats(-50, 50), st.integers(0, 2**32 - 1))
def test_softmax_does_not_see_a_common_shift(shift, seed):
    rng = np.random.default_rng(seed)
    z, targets, weight = rng.normal(size=(4, 3)), rng.integers(0, 3, (4, 1), "i4"), rng.random(4)
    moved = z + shift
    a = loss_and_gradient(LOSSES["softmax"], z, targets, weight, 1.0, 0.1)
    b = loss_and_gradient(LOSSES["softmax"], moved, targets, weight, 1.0, 0.1)
    np.testing.assert_allclose(a, b, rtol=1e-10)
    np.testing.assert_allclose(z, moved, atol=1e-12)


def test_two_softmax_outputs_are_one_logistic_output():
    rng = np.random.default_rng(0)
    z, targets, weight = rng.normal(size=(8, 1)), rng.integers(0, 2, (8, 1), "i4"), rng.random(8)
    pair = np.hstack([np.zeros_like(z), z])
    for smoothing in (0.0, 0.2):
        one, two = z.copy(), pair.copy()
        a = loss_and_gradient(LOSSES["logistic"], one, targets, weight, 1.0, smoothing)
        b = loss_and_gradient(LOSSES["softmax"], two, targets, weight, 1.0, smoothing)
        np.testing.assert_allclose(a, b, rtol=1e-13)
        np.testing.assert_allclose(one[:, 0], two[:, 1], atol=1e-14)
