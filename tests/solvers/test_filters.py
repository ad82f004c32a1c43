import numpy as np
import pytest

from skreg._solvers.filters import tikhonov


def test_known_values():
    assert tikhonov(2.0, 0.0) == 0.5
    assert tikhonov(2.0, 4.0) == 0.25
    s, alpha = np.array([3.0, 1.0])[:, None], np.array([0.0, 1.0, 7.0])
    np.testing.assert_allclose(tikhonov(s, alpha), s / (s**2 + alpha))


@pytest.mark.parametrize("scale", [1e-200, 1e-160, 1e160, 1e300])
def test_no_overflow_where_squares_overflow(scale):
    assert tikhonov(scale, 0.0) == pytest.approx(1 / scale, rel=1e-15)
    np.testing.assert_allclose(
        tikhonov(np.array([scale]), 1.0), [scale if scale < 1 else 1 / scale], rtol=1e-15
    )


def test_a_factor_below_the_smallest_number_is_zero():
    assert tikhonov(np.array([1e-300]), 1e300) == 0
