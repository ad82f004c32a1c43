"""What the metrics of probabilities take, and what they say of anything else."""

import numpy as np
import pytest

from skreg import metrics
from skreg.metrics import expected_calibration_error

Y3, P3 = [0, 1, 1], np.array([[0.5, 0.5], [0.2, 0.8], [0.9, 0.1]])


@pytest.mark.parametrize(
    ("dtype", "slack"), [(np.float64, 5e-7), (np.float32, 5e-5), (np.float16, 5e-3)]
)
def test_rounding_is_forgiven(dtype, slack):
    near = np.array([[0.5, 0.5 + slack], [1 + slack, -slack]], dtype)
    found = expected_calibration_error([1, 0], near, n_bins=1)
    assert found == pytest.approx(0.25, abs=slack)
    with pytest.raises(ValueError, match=r"Rows of proba must sum to 1; row 1 sums to 1\.0"):
        expected_calibration_error([1, 0], np.array([[0.5, 0.5], [0.5, 0.5 + 4 * slack]], dtype))
    with pytest.raises(ValueError, match=r"proba must lie between 0 and 1; it contains 1\."):
        expected_calibration_error([1, 0], np.array([0.5, 1 + 4 * slack], dtype))
    with pytest.raises(ValueError, match="proba must lie between 0 and 1; it contains -"):
        expected_calibration_error([1, 0], np.array([0.5, -4 * slack], dtype))


@pytest.mark.parametrize("name", metrics.__all__)
@pytest.mark.parametrize(
    ("y", "proba", "kwargs", "message"),
    [
        (Y3, P3, {"n_bins": 0}, r"'n_bins' parameter .* range \[1, inf\)\. Got 0"),
        (Y3, P3, {"n_bins": 2.0}, r"'n_bins' parameter .* Got 2\.0"),
        (Y3, P3, {"strategy": "equal"}, "'strategy' parameter .* Got 'equal'"),
        (Y3, P3 * np.nan, {}, "proba contains NaN"),
        (Y3, P3[:, 1] * np.inf, {}, "proba contains infinity"),
        (Y3, P3 + [[-0.5, 0.5]], {}, r"proba must lie between 0 and 1; it contains -0\.3"),
        (Y3, 2 * P3[:, 1], {}, r"between 0 and 1; it contains 1\.6.*predict_proba"),
        (Y3, P3 * 0.9, {}, r"must sum to 1; row 0 sums to 0\.9"),
        (Y3, P3[:, :1], {}, r"proba has shape \(3, 1\): pass proba\.ravel\(\)"),
        (Y3, P3[:, :, None], {}, "dim 3"),
        (Y3, P3[:0], {}, "0 sample"),
        (Y3, P3[:2], {}, r"inconsistent numbers of samples: \[3, 2\]"),
        ([P3, P3], P3[:2], {}, r"1d array, got an array of shape \(2, 3, 2\)|dim 3"),
        ([1, 1, 1], P3[:, 0], {}, r"2 classes, but y holds 1: \[1\]\. Pass classes="),
        (Y3, np.full((3, 4), 0.25), {}, r"4 classes, but y holds 2: \[0, 1\]\. Pass classes="),
        (range(20), np.full(20, 0.5), {}, r"but y holds 20: \[0, .*, 9, \.\.\.\]"),
        (Y3, P3, {"classes": [0, 1, 2]}, r"2 classes, but classes has 3: \[0, 1, 2\]"),
        (Y3, P3, {"classes": [1, 2]}, r"y contains \[0\], not among classes=\[1, 2\]"),
        (Y3, P3, {"classes": ["0", "1"]}, r"y contains \[0, 1\], not among classes=\['0', '1'\]"),
        (Y3, P3, {"classes": [1, 1]}, r"without repetitions; got \[1, 1\]"),
        (Y3, P3, {"classes": [[0, 1]]}, r"one-dimensional.* got \[\[0, 1\]\]"),
        ([0.2, 1, 0], P3, {}, r"whole numbers or words; it contains 0\.2"),
        ([np.nan, 1, 0], P3, {}, "whole numbers or words; it contains nan"),
        ([None, "a", "b"], P3, {}, "y must hold numbers only, or words only"),
        (Y3, P3, {"sample_weight": [1, -2, 1]}, r"sample_weight must be non-negative.*-2\.0"),
        (Y3, P3, {"sample_weight": [0, 0, 0]}, "at least one non-zero"),
        (Y3, P3, {"sample_weight": [1, np.inf, 1]}, "sample_weight contains infinity"),
        (Y3, P3, {"sample_weight": [1, 1]}, r"sample_weight\.shape == \(2,\), expected \(3,\)"),
        (Y3, P3, {"sample_weight": [1e308] * 3}, "sample_weight holds 1e.308, too large"),
    ],
)
def test_errors_say_what_is_wrong(name, y, proba, kwargs, message):
    with pytest.raises(ValueError, match=message):
        getattr(metrics, name)(y, proba, **kwargs)
