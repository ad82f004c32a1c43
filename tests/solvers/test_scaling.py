import numpy as np
import pytest
from scipy import sparse

from skreg._solvers.design import centre
from skreg._solvers.scaling import in_range, power_of_two


def design(X_scale=1.0, y_scale=1.0, make=np.asarray, dtype=np.float64):
    rng = np.random.default_rng(0)
    X = (rng.normal(size=(9, 3)) * X_scale).astype(dtype)
    return centre(make(X), rng.normal(size=(9, 2)) * y_scale)


def test_ordinary_data_are_returned_as_they_are():
    d = design()
    scaled, c, d_y = in_range(d, alpha=1.0)
    assert scaled is d
    assert c == 1
    np.testing.assert_array_equal(d_y, 1)


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1e160, 1e300])
@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_squares_are_in_range_and_no_digit_changes(scale, make, alpha):
    d = design(scale, scale, make)
    scaled, power, d_y = in_range(d, alpha=alpha)
    X, Z = (m.toarray() if sparse.issparse(m) else m for m in (d.X, scaled.X))
    c = np.max(np.abs(X)) / np.max(np.abs(Z))
    assert c == power
    assert np.log2(c) == np.round(np.log2(c))
    np.testing.assert_array_equal(Z * c, X)
    assert np.isfinite(Z.T @ Z).all()
    assert np.isfinite((alpha / c / c) ** 1.9)
    np.testing.assert_allclose(scaled.y * d_y, d.y, rtol=1e-14)


def test_float32_keeps_to_its_own_range():
    scaled, _, _ = in_range(design(1e15, dtype=np.float32), alpha=1.0)
    assert scaled.X.dtype == np.float32
    assert np.abs(scaled.X).max() < 1e6


@pytest.mark.parametrize(
    ("size", "power"), [(0, 1), (1, 1), (3.9, 4), (0.2, 0.25), (1e300, 2**997)]
)
def test_power_of_two(size, power):
    assert power_of_two(size) == power
