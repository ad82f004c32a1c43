"""Information criteria of paths, against hat matrices and hand-written formulas."""

from math import comb, log, pi
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import sparse

from skreg._solvers.features import Features
from skreg._solvers.information_criteria import (
    degrees_of_freedom,
    free_part,
    judge,
    log_binomial,
    trace_from_columns,
    trace_from_gram,
)
from skreg._solvers.path import walk
from skreg._solvers.penalty import penalty
from skreg._solvers.sparse_cv import Samples, total_weight


class Point(NamedTuple):
    alpha: float
    support: np.ndarray
    coef: np.ndarray


def samples_of(n, p, seed=0, *, weighted=True, kind="dense", scale=1.0):
    rng = np.random.default_rng(seed)
    X = (rng.standard_normal((n, p)) * (rng.random((n, p)) < 0.7) + 2) * scale
    y = X[:, : min(3, p)].sum(axis=1) / scale + rng.standard_normal(n)
    weight = rng.uniform(0.5, 2, n) if weighted else None
    return Samples(sparse.csc_array(X) if kind == "sparse" else X, y, weight, True)


def centred(samples):
    """Xc and yc, the long way."""
    X = samples.X.toarray() if sparse.issparse(samples.X) else samples.X
    v = np.ones(len(X)) if samples.weight is None else samples.weight
    root = np.sqrt(v)[:, None]
    y = np.sqrt(v) * (samples.Y - np.average(samples.Y, weights=v))
    return root * (X - np.average(X, axis=0, weights=v)), y


def features_of(samples):
    return Features.of(samples.X, samples.weight, fit_intercept=True)


def hat_trace(Z, l2):
    """tr(Z (Z'Z + diag(l2))^+ Z')."""
    return np.trace(Z @ np.linalg.pinv(Z.T @ Z + np.diag(l2), rcond=1e-10) @ Z.T)


@given(st.integers(1, 9), st.integers(0, 6), st.integers(0, 3), st.integers(0, 10**6))
def test_the_trace_is_that_of_the_hat_matrix(n, ridged, bare, seed):
    rng = np.random.default_rng(seed)
    Z = rng.standard_normal((n, ridged + bare))
    l2 = rng.permutation(np.r_[rng.uniform(0.1, 5, ridged), np.zeros(bare)])
    assert trace_from_gram(Z.T @ Z, l2) == pytest.approx(hat_trace(Z, l2), abs=1e-6)


def test_collinear_features_without_a_penalty_count_once():
    Z = np.random.default_rng(0).standard_normal((9, 3))[:, [0, 0, 1, 2]]
    l2 = np.array([0.0, 0.0, 0.0, 0.5])
    assert trace_from_gram(Z.T @ Z, l2) == pytest.approx(hat_trace(Z, l2))
    assert trace_from_gram(Z.T @ Z, np.zeros(4)) == pytest.approx(3)


@pytest.mark.parametrize("kind", ["dense", "sparse"])
@pytest.mark.parametrize("scale", [1.0, 1e-150, 1e150])
@pytest.mark.parametrize(("n", "p"), [(30, 6), (12, 40)])
@pytest.mark.parametrize("bare", [0, 2])
def test_degrees_of_freedom_of_an_elastic_net(n, p, bare, scale, kind):
    samples = samples_of(n, p, kind=kind, scale=scale)
    features = features_of(samples)
    l2 = np.ones(p) * 3
    l2[:bare] = 0
    supports = [np.arange(p), np.arange(0, p, 2), np.array([], int)]
    points = [Point(a, s, np.ones(len(s))) for a, s in zip([0.1, 1.0, 9.0], supports, strict=True)]
    unit = penalty(p, 1.0)._replace(l2=l2 * scale**2)
    Z = centred(samples._replace(X=samples.X / scale))[0]
    found = degrees_of_freedom(samples, features, unit, points, supports)
    ratio = [0.1, 1.0, 9.0]
    expected = [hat_trace(Z[:, s], a * l2[s]) for a, s in zip(ratio, supports, strict=True)]
    assert_allclose(found, expected, rtol=1e-6, atol=1e-12)


def test_both_ways_to_the_trace_agree():
    samples = samples_of(20, 8)
    features, support = features_of(samples), np.array([0, 2, 3, 5, 7])
    l2 = np.array([0.0, 1.0, 0.0, 2.0, 3.0])
    Z = centred(samples)[0][:, support]
    found = trace_from_columns(samples, features, support, l2)
    assert found == pytest.approx(trace_from_gram(Z.T @ Z, l2))


def test_coefficients_at_their_bounds_are_not_free():
    bounded = penalty(4, 1.0, lower=[0.0, -1.0, 0.0, 2.0], upper=[1.0, 1.0, np.inf, np.inf])
    point = Point(1.0, np.array([0, 1, 3]), np.array([1.0, 0.5, 2.0]))
    assert list(free_part(point, bounded)) == [1]


@given(st.integers(0, 60), st.integers(0, 60))
def test_log_binomial(n, k):
    if k <= n:
        assert log_binomial(n, k) == pytest.approx(log(comb(n, k)), abs=1e-9)


@pytest.mark.parametrize("criterion", ["aic", "bic", "ebic"])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.4])
def test_criteria_written_out(l1_ratio, criterion):
    samples = samples_of(25, 5, seed=3)
    features = features_of(samples)
    target, _ = features.target(samples.Y)
    weights = np.array([1.0, 0.0, 2.0, np.inf, 1.0])
    given = penalty(5, total_weight(features), l1_ratio, weights=weights)
    points = list(walk(features, target, given, [1.0, 0.3, 0.01], tol=1e-12))
    found = judge(samples, features, target, given, points, criterion, gamma=0.5)
    Z, y = centred(samples)
    for point, loss, degrees in zip(points, *found, strict=True):
        support = point.support
        assert 3 not in support
        assert 1 in support
        d = 1 + len(support)
        if l1_ratio < 1:
            d = 1 + hat_trace(Z[:, support], point.alpha * given.l2[support])
        square = np.sum((y - Z[:, support] @ point.coef) ** 2)
        expected = 25 * log(2 * pi * square / 25) + 25 + d * (2 if criterion == "aic" else log(25))
        if criterion == "ebic":  # features 0, 2 and 4 may be chosen
            expected += 2 * 0.5 * log(comb(3, len(set(support) & {0, 2, 4})))
        assert degrees == pytest.approx(d)
        assert loss == pytest.approx(expected)
    assert len(points[0].support) < len(points[-1].support)


def test_models_that_come_to_pass_through_the_samples_are_left_out():
    samples = samples_of(12, 60, seed=5)
    features = features_of(samples)
    target, _ = features.target(samples.Y)
    given = penalty(60, total_weight(features))
    points = list(walk(features, target, given, np.geomspace(2, 1e-6, 30), tol=1e-12))
    found = judge(samples, features, target, given, points, "bic")
    assert found.degrees.max() > 6
    assert np.all(np.isinf(found.loss) == (found.degrees > 6))


def test_a_sample_of_weight_zero_is_no_sample():
    samples = samples_of(25, 4)
    weight = np.r_[samples.weight, 0.0]
    more = Samples(np.r_[samples.X, samples.X[:1] * 9], np.r_[samples.Y, 7.0], weight, True)
    losses = []
    for one in (samples, more):
        features = features_of(one)
        target, _ = features.target(one.Y)
        given = penalty(4, total_weight(features), 0.5)
        points = list(walk(features, target, given, [0.5, 0.1], tol=1e-12))
        losses.append(judge(one, features, target, given, points, "ebic").loss)
    assert_allclose(losses[0], losses[1], rtol=1e-9)
