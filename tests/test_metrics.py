import doctest
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, make_scorer
from sklearn.model_selection import cross_val_score

from skreg import metrics
from skreg.metrics import (
    brier_decomposition,
    expected_calibration_error,
    maximum_calibration_error,
    reliability_table,
)

ALL = {name: getattr(metrics, name) for name in metrics.__all__}
STRATEGIES = ("quantile", "uniform")


def forecasts(n=240, n_classes=3, seed=0, digits=None):
    """Labels drawn from the probabilities, which few digits tie."""
    rng = np.random.default_rng(seed)
    proba = rng.dirichlet(np.ones(n_classes), size=n)
    if digits is not None:
        proba = proba.round(digits)
        proba[:, -1] = 1 - proba[:, :-1].sum(axis=1)
        proba = np.abs(proba)
        proba /= proba.sum(axis=1, keepdims=True)
    codes = (proba.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    return codes, proba


def assert_same(found, expected, rtol=1e-12, atol=1e-13):
    """Compare the results of a metric, tuples of arrays or numbers."""
    assert np.shape(found) == np.shape(expected)
    np.testing.assert_allclose(np.array(found), np.array(expected), rtol=rtol, atol=atol)


# Known answers


def test_top_label_by_hand():
    y = ["b", "a", "c", "c", "a"]
    proba = [[0.1, 0.9, 0], [0.7, 0.3, 0], [0.9, 0, 0.1], [0, 0.3, 0.7], [0.2, 0.5, 0.3]]
    table = reliability_table(y, proba, n_bins=10, strategy="uniform")
    np.testing.assert_allclose(table.lower, [0.4, 0.6, 0.8])
    np.testing.assert_allclose(table.upper, [0.5, 0.7, 0.9])
    np.testing.assert_array_equal(table.weight, [1, 2, 2])
    np.testing.assert_allclose(table.confidence, [0.5, 0.7, 0.9])
    np.testing.assert_array_equal(table.accuracy, [0, 1, 0.5])
    np.testing.assert_allclose(table.gap, [0.5, -0.3, 0.4])
    error = expected_calibration_error(y, proba, n_bins=10, strategy="uniform")
    assert error == pytest.approx((0.5 + 2 * 0.3 + 2 * 0.4) / 5)
    assert maximum_calibration_error(y, proba, n_bins=10, strategy="uniform") == pytest.approx(0.5)


def test_one_dimension_is_the_second_class():
    y, proba = [0, 1, 0, 1], np.array([0.1, 0.2, 0.6, 0.8])
    table = reliability_table(y, proba, n_bins=2)
    np.testing.assert_allclose(table.confidence, [0.15, 0.7])
    np.testing.assert_array_equal(table.accuracy, [0.5, 0.5])
    np.testing.assert_allclose([table.lower, table.upper], [[0, 0.4], [0.4, 1]])
    assert expected_calibration_error(y, proba, n_bins=2) == pytest.approx((0.35 + 0.2) / 2)
    # Of two columns the class predicted counts: confidences 0.9, 0.8, 0.6, 0.8.
    both = np.c_[1 - proba, proba]
    assert expected_calibration_error(y, both, n_bins=1) == pytest.approx(0.775 - 0.5)


def test_the_first_of_equal_classes_is_predicted():
    table = reliability_table([0, 1, 2], [[0.4, 0.4, 0.2]] * 3)
    np.testing.assert_allclose(table.accuracy, [1 / 3])


def test_bins_of_equal_weight_hold_equally_many():
    y, proba = forecasts(n=240)
    top = np.sort(proba.max(axis=1))
    table = reliability_table(y, proba, n_bins=8)
    np.testing.assert_array_equal(table.weight, np.full(8, 30))
    np.testing.assert_allclose(table.confidence, top.reshape(8, 30).mean(axis=1))
    table = reliability_table(y, proba, n_bins=7)
    assert set(table.weight) == {34, 35}
    table = reliability_table(y, proba, n_bins=1_000)
    np.testing.assert_array_equal(table.weight, np.ones(240))


@pytest.mark.parametrize(
    ("proba", "n_bins", "weight"),
    [
        ([0.3] * 6, 4, [6]),
        ([0.1, 0.2, 0.5, 0.5, 0.5, 0.5, 0.8, 0.9], 2, [2, 6]),  # the middle lies on the edge
        ([0.1, 0.5, 0.5, 0.5, 0.5, 0.7, 0.8, 0.9], 2, [5, 3]),
        ([0.1, 0.2, 0.3, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0], 3, [3, 6]),
    ],
)
def test_equal_confidences_stay_together(proba, n_bins, weight):
    y = np.arange(len(proba)) % 2
    table = reliability_table(y, proba, n_bins=n_bins)
    np.testing.assert_array_equal(table.weight, weight)
    assert table.lower[0] == 0
    assert table.upper[-1] == 1
    np.testing.assert_array_equal(table.lower[1:], table.upper[:-1])
    assert np.all((table.lower <= table.confidence) & (table.confidence <= table.upper))


def test_rounding_moves_no_sample():
    # The middle of the third sample lies on the edge; with this weight it is rounded below.
    y, proba = [0, 1, 0, 1, 1], [0.1, 0.3, 0.5, 0.7, 0.9]
    table = reliability_table(y, proba, n_bins=2, sample_weight=[0.3] * 5)
    np.testing.assert_allclose(table.weight, [0.6, 0.9])
    # That of the last lies on the upper end.
    table = reliability_table([0, 1], [0.1, 0.9], n_bins=1, sample_weight=[1, 1e-12])
    np.testing.assert_allclose(table.weight, [1])


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_uniform_bins_are_closed_above(dtype):
    proba = np.arange(11, dtype=dtype) / dtype(10)
    table = reliability_table(np.arange(11) % 2, proba, n_bins=10, strategy="uniform")
    if dtype == np.float16:  # its tenths are others in float64
        assert table.weight.sum() == 11
    else:
        np.testing.assert_array_equal(table.weight, [2] + [1] * 9)
        np.testing.assert_allclose(table.upper, np.arange(1, 11) / 10)


def test_brier_parts_by_hand():
    # Two forecasts only, so that nothing varies within the bins: Murphy's three parts.
    y = [0, 0, 0, 1, 0, 1, 1, 1, 1, 1]
    proba = [0.2] * 4 + [0.7] * 6
    parts = brier_decomposition(y, proba, n_bins=2)
    assert parts.reliability == pytest.approx(0.4 * (0.2 - 0.25) ** 2 + 0.6 * (0.7 - 5 / 6) ** 2)
    assert parts.resolution == pytest.approx(0.4 * (0.25 - 0.6) ** 2 + 0.6 * (5 / 6 - 0.6) ** 2)
    assert parts.uncertainty == pytest.approx(0.24)
    assert parts[4:] == pytest.approx((0, 0), abs=1e-15)
    # In one bin, nothing is resolved.
    parts = brier_decomposition(y, proba, n_bins=1)
    assert parts.reliability == pytest.approx((0.5 - 0.6) ** 2)
    assert parts.resolution == pytest.approx(0, abs=1e-15)
    assert parts.within_bin_variance == pytest.approx(np.var(proba))
    assert parts.within_bin_covariance == pytest.approx(2 * np.cov(proba, y, bias=True)[0, 1])


# Calibrated and uncalibrated models


def standardized(table):
    """Gaps in their standard errors under perfect calibration."""
    variance = table.confidence * (1 - table.confidence)  # up to that within the bin
    return table.gap / np.sqrt(variance / table.weight)


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("n_classes", [2, 5])
def test_calibrated_forecasts_err_by_noise(strategy, n_classes):
    y, proba = forecasts(60_000, n_classes, seed=1)
    proba = proba[:, 1] if n_classes == 2 else proba
    table = reliability_table(y, proba, strategy=strategy)
    error = standardized(table)
    assert np.abs(error).max() < 4
    assert abs(np.mean(error**2) - 1) < 4 * np.sqrt(2 / len(error))
    # The mean of |Z| is sqrt(2 / pi), its variance 1 - 2 / pi.
    spread = table.weight / table.weight.sum() * table.gap / error
    expected, deviation = np.sqrt(2 / np.pi) * spread.sum(), np.linalg.norm(spread) * 0.6028
    found = expected_calibration_error(y, proba, strategy=strategy)
    assert abs(found - expected) < 4 * deviation


def test_overconfidence_is_a_positive_gap():
    y, proba = forecasts(20_000, 4)
    sharp = proba**3 / (proba**3).sum(axis=1, keepdims=True)
    flat = np.sqrt(proba) / np.sqrt(proba).sum(axis=1, keepdims=True)
    assert np.all(reliability_table(y, sharp).gap > 0)
    assert np.all(reliability_table(y, flat).gap < 0)
    errors = [expected_calibration_error(y, p) for p in (proba, flat, sharp)]
    assert errors[0] < 0.02 < 0.1 < min(errors[1:])
    reliability, resolution = np.transpose([brier_decomposition(y, p)[1:3] for p in (proba, flat)])
    assert reliability[0] < 0.001 < 0.01 < reliability[1]
    assert resolution[0] == pytest.approx(resolution[1], rel=0.05)


def test_sharp_and_right_is_perfect():
    y = np.array([0, 1, 2, 1])
    assert expected_calibration_error(y, np.eye(3)[y]) == 0
    assert maximum_calibration_error(y, np.eye(3)[y].astype(bool)) == 0
    parts = brier_decomposition(y, np.eye(3)[y])
    assert parts.brier_score == parts.reliability == 0
    assert parts.resolution == pytest.approx(parts.uncertainty)


# Agreement with scikit-learn


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("n_bins", [1, 5, 12])
def test_agrees_with_calibration_curve(strategy, n_bins):
    y, proba = forecasts(n=600, n_classes=2)
    shares, means = calibration_curve(y, proba[:, 1], n_bins=n_bins, strategy=strategy)
    table = reliability_table(y, proba[:, 1], n_bins=n_bins, strategy=strategy)
    np.testing.assert_allclose(table.accuracy, shares)
    np.testing.assert_allclose(table.confidence, means)


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n_classes", [2, 3, 6])
def test_parts_sum_to_the_brier_score(strategy, weighted, n_classes):
    y, proba = forecasts(n_classes=n_classes, digits=1)
    weight = np.random.default_rng(1).exponential(size=len(y)) if weighted else None
    for n_bins in (1, 4, 500):
        parts = brier_decomposition(
            y, proba, n_bins=n_bins, strategy=strategy, sample_weight=weight
        )
        total = parts.reliability - parts.resolution + parts.uncertainty
        total += parts.within_bin_variance - parts.within_bin_covariance
        assert parts.brier_score == pytest.approx(total, rel=1e-13)
        assert parts.brier_score == pytest.approx(brier_score_loss(y, proba, sample_weight=weight))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_one_column_or_two_give_the_same_brier_parts(strategy):
    y, proba = forecasts(n_classes=2)
    assert_same(
        brier_decomposition(y, proba, strategy=strategy),
        brier_decomposition(y, proba[:, 1], strategy=strategy),
    )
    score = brier_score_loss(y, proba[:, 1])
    assert brier_decomposition(y, proba[:, 1]).brier_score == pytest.approx(score)


# Invariances

METRICS = [partial(f, n_bins=n) for f in ALL.values() for n in (4, 15)]
names = pytest.mark.parametrize("metric", METRICS, ids=lambda f: f"{f.func.__name__}-{f.keywords}")


@names
@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_order_of_rows_does_not_matter(metric, strategy, n_classes, weighted):
    y, proba = forecasts(n_classes=n_classes, digits=1)
    rng = np.random.default_rng(2)
    proba = proba[:, 1] if n_classes == 2 else proba
    weight = rng.exponential(size=len(y)) if weighted else np.ones(len(y))
    order = rng.permutation(len(y))
    assert_same(
        metric(y, proba, strategy=strategy, sample_weight=weight),
        metric(y[order], proba[order], strategy=strategy, sample_weight=weight[order]),
    )


@settings(max_examples=60, deadline=None)
@given(
    metric=st.sampled_from(METRICS),
    strategy=st.sampled_from(STRATEGIES),
    digits=st.sampled_from([1, 2, None]),
    scale=st.sampled_from([1.0, 0.1, 3e7, 1e-9]),
    seed=st.integers(0, 1000),
)
def test_weights_are_repeated_rows(metric, strategy, digits, scale, seed):
    y, proba = forecasts(n=60, seed=seed, digits=digits)
    times = np.random.default_rng(seed).integers(0, 4, size=len(y))
    found = metric(y, proba, strategy=strategy, sample_weight=scale * times, classes=[0, 1, 2])
    if metric.func is reliability_table:
        found = found._replace(weight=found.weight / scale)
    repeated = np.repeat(y, times), np.repeat(proba, times, axis=0)
    assert_same(found, metric(*repeated, strategy=strategy, classes=[0, 1, 2]))


@names
def test_names_and_order_of_classes_do_not_matter(metric):
    y, proba = forecasts()
    expected = metric(y, proba)
    words = np.array(["low", "middle", "high"])
    shift = [2, 0, 1]
    assert_same(metric(words[y], proba, classes=words), expected)
    assert_same(metric(words[y], proba[:, shift], classes=words[shift].tolist()), expected)
    assert_same(metric(words[y].astype(object), proba[:, [2, 0, 1]]), expected)  # sorted
    assert_same(metric(10.0 * y - 7, proba), expected)


@names
def test_two_classes_may_be_turned_round(metric):
    y, proba = forecasts(n_classes=2)
    yes = np.where(y == 1, "yes", "no")
    expected = metric(y, proba[:, 1])
    assert_same(metric(yes, proba[:, 1]), expected)
    assert_same(metric(y == 1, proba[:, 1]), expected)
    turned = metric(yes, proba[:, 0], classes=["yes", "no"])
    if metric.func is reliability_table:
        assert_same(turned.weight, expected.weight[::-1])
        assert_same(turned.gap, -expected.gap[::-1])
    else:
        assert_same(turned, expected)


@names
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_float32_costs_no_digits(metric, strategy):
    y, proba = forecasts()
    proba = proba.astype(np.float32)
    weight = np.random.default_rng(3).exponential(size=len(y))
    kwargs = {"strategy": strategy, "sample_weight": weight}
    # Sums are in float64 whatever the probabilities.
    assert_same(metric(y, proba, **kwargs), metric(y, proba.astype(np.float64), **kwargs))


@names
def test_classes_may_be_absent_from_the_sample(metric):
    y, proba = forecasts(n_classes=4)
    kept = y != 2
    assert np.all(np.isfinite(metric(y[kept], proba[kept], classes=np.arange(4))))
    assert np.all(np.isfinite(metric([1, 1], [0.3, 0.4], classes=[0, 1])))


# Scorers


@pytest.mark.parametrize("n_classes", [2, 3])
def test_serves_as_a_scorer(n_classes):
    X, y = make_classification(
        300, n_informative=5, n_classes=n_classes, random_state=0, flip_y=0.2
    )
    y = np.array(["a", "b", "c"])[y]
    weight = np.random.default_rng(0).exponential(size=len(y))
    scorer = make_scorer(
        expected_calibration_error,
        response_method="predict_proba",
        greater_is_better=False,
        n_bins=8,
    )
    model = LogisticRegression().fit(X, y)
    proba = model.predict_proba(X)
    proba = proba[:, 1] if n_classes == 2 else proba  # what make_scorer hands over
    expected = -expected_calibration_error(y, proba, n_bins=8, sample_weight=weight)
    assert scorer(model, X, y, sample_weight=weight) == expected
    scores = cross_val_score(LogisticRegression(), X, y, scoring=scorer, error_score="raise")
    assert np.all((scores > -0.5) & (scores < 0))


@pytest.mark.parametrize("name", ALL)
def test_examples_run(name):
    tests = [t for t in doctest.DocTestFinder().find(ALL[name], name, module=False) if t.examples]
    assert tests, f"{name} has no example"
    runner = doctest.DocTestRunner()
    for test in tests:
        test.globs = {}
        runner.run(test)
    assert runner.summarize(verbose=False).failed == 0
