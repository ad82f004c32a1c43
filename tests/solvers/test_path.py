"""Walks along alpha, whatever form the problem takes, against the optimality conditions."""

import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from skreg._solvers import descent, quadratic, sparse_screening, threads
from skreg._solvers import features as features_module
from skreg._solvers import path as module
from skreg._solvers.features import Features
from skreg._solvers.path import alpha_max, certified, walk
from skreg._solvers.penalty import penalty
from tests.reference import bounded_enet
from tests.solvers.sparse_cases import (
    CONTAINERS,
    DENSE,
    SPARSE,
    data,
    dense,
    explicit,
    objective,
    violation,
    weights,
)

SHAPES = [(40, 12), (12, 40)]
PRECISE = {"tol": 1e-13, "max_iter": 100_000}
# Each set of constants makes one form of the same problem, with buffers that have to grow.
FORMS = {
    "whole Gram matrix": {},
    "working set": {"WHOLE": 1},
    "working set that grows": {"WHOLE": 1, "FIRST": 2, "ROOM": 3, "FEWEST": 1},
    "working set, few residuals known": {"WHOLE": 1, "MOST": 1, "FEWEST": 2},
    "working set, all products at every pass": {"WHOLE": 1, "MANY": 10**9},
    "working set, only products in doubt": {"WHOLE": 1, "MANY": 1},
    "columns": {"WHOLE": 1, "SMALL": 1, "WORTH": 0},
    "columns, sweeps not combined": {"WHOLE": 1, "SMALL": 1},
    "columns that come one by one": {
        "WHOLE": 1,
        "SMALL": 1,
        "FEWEST": 1,
        "MOST": 2,
        "MANY": 1,
        "WORTH": 0,
    },
}
MODULES = {
    "WORTH": descent,
    "WHOLE": features_module, "SMALL": module, "FEWEST": module, "FIRST": quadratic,
    "ROOM": quadratic, "MOST": sparse_screening, "MANY": sparse_screening,
}  # fmt: skip


def take_form(patch, form):
    for name, value in FORMS[form].items():
        patch.setattr(MODULES[name], name, value)


def problem(shape, container="F", *, weight=None, fit_intercept=True, dtype=np.float64, **terms):
    """Features, target, penalty, and the explicit columns and target."""
    X, y = data(*shape)
    X = X.astype(dtype)
    features = Features.of(CONTAINERS[container](X), weight, fit_intercept=fit_intercept)
    given = penalty(shape[1], shape[0], **terms)
    yc, _ = features.target(y)
    return features, yc, given, explicit(X, y, weight, fit_intercept=fit_intercept)[0]


def terms_of(p, kind):
    """Arguments of `penalty`."""
    rng = np.random.default_rng(5)
    lower = rng.choice([-np.inf, -0.3, 0.0, 0.05], p)
    bounds = {"lower": lower, "upper": np.maximum(lower, rng.choice([np.inf, 0.4, 0.0], p))}
    v = rng.choice([0.0, 0.5, 1.0, 2.0], p, p=[0.1, 0.3, 0.3, 0.3])
    out = rng.choice([1.0, np.inf], p)
    return {
        "lasso": {},
        "elastic net": {"l1_ratio": 0.7},
        "weights": {"weights": v},
        "excluded": {"weights": out, "l1_ratio": 0.9},
        "bounds": bounds,
        "everything": {"weights": v, "l1_ratio": 0.7} | bounds,
        "nothing free": {"weights": np.maximum(v, 0.1), "l1_ratio": 0.7} | bounds,
    }[kind]


BOUNDING = ["lasso", "elastic net", "excluded", "bounds", "nothing free"]  # gaps do, strictly
TERMS = ["lasso", "elastic net", "weights", "excluded", "bounds", "everything"]


def assert_optimal(points, Z, y, given, share=1e-6):
    for point in points:
        w = dense(point, Z.shape[1])
        assert point.converged
        assert np.all(point.coef != 0)
        assert np.all(np.diff(point.support) > 0)
        assert violation(w, Z, y, point.alpha, given) < share
    assert len(points) > 0


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", TERMS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("container", ["F", "CSC"])
def test_every_form_finds_the_minimum(container, shape, kind, form, monkeypatch):
    take_form(monkeypatch, form)
    features, y, given, Z = problem(shape, container, **terms_of(shape[1], kind))
    largest = alpha_max(features, y, given)
    points = list(walk(features, y, given, largest * np.geomspace(1, 0.02, 8), **PRECISE))
    assert_optimal(points, Z, y, given, 1e-6 if "columns" in form else 1e-12)
    assert sum(len(point.support) for point in points) > 20


@pytest.mark.parametrize("form", [form for form in FORMS if "columns" not in form])
@pytest.mark.parametrize("kind", TERMS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("container", ["F", "CSC"])
@pytest.mark.parametrize("tol", [0.5, 1e-4])
def test_with_gram_matrices_it_is_exact_whatever_the_tolerance(
    container, shape, kind, form, tol, monkeypatch
):
    take_form(monkeypatch, form)
    features, y, given, Z = problem(shape, container, **terms_of(shape[1], kind))
    alphas = alpha_max(features, y, given) * np.geomspace(1, 0.05, 6)
    assert_optimal(list(walk(features, y, given, alphas, tol=tol)), Z, y, given, 1e-10)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("max_iter", range(1, 12))
def test_no_more_steps_are_taken_than_allowed(form, max_iter, monkeypatch):
    take_form(monkeypatch, form)
    features, y, given, Z = problem((12, 40), "CSC")
    alphas = alpha_max(features, y, given) * np.array([0.3, 0.01])
    for point in walk(features, y, given, alphas, tol=1e-12, max_iter=max_iter):
        assert point.n_iter <= max_iter
        if not point.converged:
            assert point.n_iter == max_iter
        r = y - Z @ dense(point, 40)
        assert point.gap <= r @ r / 2 + point.alpha * given.l1[0] * np.abs(point.coef).sum()


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("form", ["whole Gram matrix", "working set", "columns"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_all_data_are_the_same_to_it(
    container, shape, form, weighted, fit_intercept, dtype, monkeypatch
):
    take_form(monkeypatch, form)
    options = {"weight": weights(shape[0]) if weighted else None, "fit_intercept": fit_intercept}
    features, y, given, Z = problem(shape, container, dtype=dtype, l1_ratio=0.9, **options)
    alphas = alpha_max(features, y, given) * np.array([0.5, 0.1, 0.02])
    precise = PRECISE if dtype == np.float64 else {"tol": 1e-9}
    points = list(walk(features, y, given, alphas, **precise))
    assert_optimal(points, Z, y, given, 1e-6 if dtype == np.float64 else 2e-5)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("form", FORMS)
def test_it_agrees_with_plain_descent(shape, form, monkeypatch):
    take_form(monkeypatch, form)
    terms = terms_of(shape[1], "everything")
    features, y, given, Z = problem(shape, "CSC", **terms)
    alphas = alpha_max(features, y, given) * np.array([0.6, 0.3])
    for point in walk(features, y, given, alphas, **PRECISE):
        alpha = point.alpha
        arguments = Z, y, alpha * given.l1, alpha * given.l2, given.lower, given.upper
        assert_allclose(dense(point, shape[1]), bounded_enet(*arguments), atol=1e-8)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("container", ["F", "CSC"])
def test_any_order_of_alphas_and_any_start_give_the_same(container, shape, form, monkeypatch):
    take_form(monkeypatch, form)
    rng = np.random.default_rng(0)
    features, y, given, Z = problem(shape, container, l1_ratio=0.5)  # one minimum only
    alphas = alpha_max(features, y, given) * np.geomspace(1.5, 0.02, 6)
    expected = [dense(point, shape[1]) for point in walk(features, y, given, alphas, **PRECISE)]
    twice = np.repeat(np.arange(6), 2)
    for order in [np.arange(6)[::-1], twice, twice[::-1], rng.permutation(twice)]:
        start = rng.choice([None, 0.0, 1.0, 1e6])
        if start is not None:
            start = start * rng.standard_normal(shape[1])
        points = list(walk(features, y, given, alphas[order], start=start, **PRECISE))
        assert_optimal(points, Z, y, given)
        for k, point in zip(order, points, strict=True):
            assert point.alpha == alphas[k]
            assert_allclose(dense(point, shape[1]), expected[k], atol=3e-6)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", ["lasso", "bounds", "weights"])
def test_a_start_at_the_solution_takes_no_step(shape, form, kind, monkeypatch):
    take_form(monkeypatch, form)
    features, y, given, _ = problem(shape, "CSC", **terms_of(shape[1], kind))
    alpha = 0.2 * alpha_max(features, y, given)
    (point,) = walk(features, y, given, [alpha], **PRECISE)
    start = dense(point, shape[1])
    (again,) = walk(features, y, given, [alpha], start=start)
    assert again.n_iter <= 1
    assert_allclose(dense(again, shape[1]), start, atol=1e-6 * np.abs(start).max())


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("container", ["F", "CSC"])
def test_weights_are_repeated_rows(container, form, monkeypatch):
    take_form(monkeypatch, form)
    X, y = data(40, 12)
    weight = np.random.default_rng(0).integers(0, 4, 40)
    rows = np.repeat(np.arange(40), weight)
    given = penalty(12, len(rows), 0.8)
    make = CONTAINERS[container]
    weighed = Features.of(make(X), weight.astype(float))
    repeated = Features.of(make(X[rows]))
    alphas = np.array([0.5, 0.05])
    paths = [
        walk(features, features.target(target)[0], given, alphas, **PRECISE)
        for features, target in [(weighed, y), (repeated, y[rows])]
    ]
    for one, other in zip(*paths, strict=True):
        assert len(one.support) > 1
        assert_allclose(dense(one, 12), dense(other, 12), atol=1e-9)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shape", SHAPES)
def test_rows_without_weight_say_nothing(shape, form, monkeypatch):
    take_form(monkeypatch, form)
    X, y = data(*shape)
    weight = weights(shape[0])
    kept = weight > 0
    spoiled, target = X.copy(), y.copy()
    spoiled[~kept], target[~kept] = 1e4, -1e4
    given = penalty(shape[1], shape[0], 0.8)
    features, without = Features.of(spoiled, weight), Features.of(X[kept], weight[kept])
    (one,) = walk(features, features.target(target)[0], given, [0.1], **PRECISE)
    (other,) = walk(without, without.target(y[kept])[0], given, [0.1], **PRECISE)
    assert len(one.support) > 1
    assert_allclose(dense(one, shape[1]), dense(other, shape[1]), atol=1e-8)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("container", ["C", "CSC"])
@pytest.mark.parametrize("kind", ["lasso", "everything"])
def test_alpha_zero_is_least_squares(container, form, kind, monkeypatch):
    take_form(monkeypatch, form)
    features, y, given, Z = problem((40, 12), container, **terms_of(12, kind))
    for alphas in ([0.0], [0.1, 0.0], [0.0, 0.1]):
        assert_optimal(list(walk(features, y, given, alphas, **PRECISE)), Z, y, given, 1e-7)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("container", ["F", "CSC"])
def test_alpha_zero_of_more_features_than_samples_fits_exactly(container, form, monkeypatch):
    take_form(monkeypatch, form)
    features, y, given, Z = problem((12, 40), container)
    (point,) = walk(features, y, given, [0.0], max_iter=100_000)
    assert np.linalg.norm(y - Z @ dense(point, 40)) < 0.02 * np.linalg.norm(y)
    assert point.converged


def test_alpha_zero_takes_no_more_memory_than_it_needs():
    X = np.asfortranarray(np.random.default_rng(0).normal(size=(50, 8000)))
    features = Features.of(X)
    y, _ = features.target(X[:, :100].sum(axis=1))
    tracemalloc.start()
    (point,) = walk(features, y, penalty(8000, 50), [0.0])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert point.converged
    assert point.gap < 1e-10 * (y @ y)
    assert peak < 2 * X.nbytes  # where a Gram matrix of all features has 160 times that


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", TERMS)
@pytest.mark.parametrize("container", ["F", "CSC"])
def test_alpha_max_is_exact_from_both_sides(container, shape, kind, form, monkeypatch):
    take_form(monkeypatch, form)
    features, y, given, _ = problem(shape, container, **terms_of(shape[1], kind))
    largest = alpha_max(features, y, given)
    nearest = np.clip(0.0, given.lower, given.upper)
    held = given.l1 > 0
    above, below = (
        dense(point, shape[1])
        for point in walk(features, y, given, largest * np.array([1 + 1e-6, 1 - 1e-4]), **PRECISE)
    )
    assert_array_equal(above[held], nearest[held])
    assert np.any(below[held] != nearest[held])


@pytest.mark.parametrize("form", FORMS)
def test_alpha_max_knows_the_slope_at_a_bound(form, monkeypatch):
    # 5 (5 - w) pulls at w = 2, whom 0.5 + 0.5 * 2 hold for each alpha.
    take_form(monkeypatch, form)
    features = Features.of(np.diag([np.sqrt(5.0), 1.0]), fit_intercept=False)
    y = np.array([5 * np.sqrt(5.0), 0.0])
    given = penalty(2, 1, 0.5, lower=[2, -1], upper=[np.inf, 1])
    assert_allclose(alpha_max(features, y, given), 15 / 1.5)
    fixed = penalty(2, 1, 0.5, lower=[2, -1], upper=[2, 1])
    assert alpha_max(features, y, fixed) == 0
    ridge = penalty(2, 1, 0.0, lower=[2, -1], upper=[3, 1])
    assert alpha_max(features, y, ridge) == 0


def test_alpha_max_of_a_target_without_correlations_is_zero():
    X, _ = data(40, 12)
    features = Features.of(X)
    assert alpha_max(features, np.zeros(40), penalty(12, 40)) == 0
    y, _ = features.target(X[:, 0])
    assert alpha_max(features, y, penalty(12, 40, l1_ratio=0.0)) == 0
    assert alpha_max(features, y, penalty(12, 40, weights=np.full(12, np.inf))) == 0
    assert alpha_max(features, y, penalty(12, 40, lower=0, upper=0)) == 0
    assert alpha_max(features, y, penalty(12, 40)) > 0


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(sorted(FORMS)))
def test_the_gap_bounds_what_is_left(seed, form):
    rng = np.random.default_rng(seed)
    n, p = rng.integers(2, 25), rng.integers(1, 30)
    X = rng.normal(size=(n, p)) * (rng.random((n, p)) < 0.6)
    make = CONTAINERS[rng.choice(["F", "CSC"])]
    kind = rng.choice(BOUNDING)
    with pytest.MonkeyPatch.context() as patch:
        take_form(patch, form)
        features = Features.of(make(X), weights(n, seed) if rng.random() < 0.5 else None)
        y, _ = features.target(rng.normal(size=n))
        given, Z = penalty(p, n, **terms_of(p, kind)), features.block(np.arange(p))
        if sparse.issparse(Z):
            Z = Z.toarray() - np.outer(features.root_weight, features.shift)
        alpha = 0.3 * (alpha_max(features, y, given) or 1.0)
        (best,) = walk(features, y, given, [alpha], **PRECISE)
        lowest = objective(dense(best, p), Z, y, alpha, given)
        start = np.clip(rng.normal(size=p), given.lower, given.upper)
        start[np.isinf(given.l1)] = 0
        for max_iter in (0, 1, 2, 5):
            (point,) = walk(features, y, given, [alpha], start=start, max_iter=max_iter)
            left = objective(dense(point, p), Z, y, alpha, given) - lowest
            assert point.n_iter <= max_iter
            assert left <= point.gap * (1 + 1e-9) + 1e-9 * (y @ y)
            assert point.converged == (point.gap <= 1e-4 * (y @ y))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("tol", [1e-2, 1e-6, 0.0])
def test_what_is_called_converged_has_a_small_gap(form, tol, monkeypatch):
    take_form(monkeypatch, form)
    features, y, given, Z = problem((12, 40), "CSC")
    alphas = alpha_max(features, y, given) * np.array([0.5, 0.1])
    lowest = [
        objective(dense(point, 40), Z, y, point.alpha, given)
        for point in walk(features, y, given, alphas, **PRECISE)
    ]
    for point, least in zip(
        walk(features, y, given, alphas, tol=tol, max_iter=10_000), lowest, strict=True
    ):
        assert point.converged
        assert point.gap <= max(tol, 1e-14) * (y @ y)
        assert objective(dense(point, 40), Z, y, point.alpha, given) - least <= point.gap + 1e-10
    (short,) = walk(features, y, given, alphas[1:], tol=tol, max_iter=0)
    assert not short.converged
    assert short.n_iter == 0


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("scale", [1e-150, 1e150])
@pytest.mark.parametrize("container", ["F", "CSC"])
def test_scales_of_data_move_coefficients_only(container, scale, form, monkeypatch):
    take_form(monkeypatch, form)
    X, y = data(12, 40)
    make = CONTAINERS[container]
    alphas = np.array([0.3, 0.03])

    def coefs(X, y, alphas):
        features = Features.of(make(X))
        target, _ = features.target(y)
        points = walk(features, target, penalty(40, 12), alphas, tol=1e-12, max_iter=100_000)
        return np.array([dense(point, 40) for point in points])

    base = coefs(X, y, alphas)
    assert np.count_nonzero(base) > 10
    assert_allclose(coefs(X, y * scale, alphas * scale) / scale, base, atol=1e-6)
    assert_allclose(coefs(X * scale, y, alphas * scale) * scale, base, atol=1e-6)


@pytest.mark.parametrize("scale", [1e-150, 1e150])
def test_gaps_are_in_the_units_of_the_target(scale):
    features, y, given, _ = problem((12, 40))
    start = np.linspace(-1, 1, 40)
    (one,) = walk(features, y, given, [0.1], start=start, max_iter=1)
    scaled = y * scale, given, [0.1 * scale]
    (other,) = walk(features, *scaled, start=start * scale, max_iter=1)
    assert one.gap > 1e-3
    assert_allclose(other.gap / scale / scale, one.gap, rtol=1e-9)


@pytest.mark.parametrize("form", [form for form in FORMS if "columns" not in form])
@pytest.mark.parametrize("container", DENSE)
def test_large_means_cost_few_digits(container, form, monkeypatch):
    take_form(monkeypatch, form)
    X, y = data(12, 40)
    X += 1e8
    features = Features.of(CONTAINERS[container](X))
    given = penalty(40, 12)
    Z = explicit(X - 1e8, y)[0]  # which rounds no further
    target, _ = features.target(y)
    points = list(walk(features, target, given, [0.3, 0.03], **PRECISE))
    assert_optimal(points, Z, target, given, 1e-6)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("container", ["F", *SPARSE])
def test_columns_without_deviation_are_left_alone(container, shape, form, monkeypatch):
    # A start, no penalty or bounds beside zero must not make anything of them.
    take_form(monkeypatch, form)
    X, y = data(*shape)
    X[:, 1] = 0
    p = shape[1]
    features = Features.of(CONTAINERS[container](X))
    target, _ = features.target(y)
    unpenalized = np.where(np.isin(np.arange(p), [1, 7]), 0.0, 1.0)
    for v in (np.ones(p), unpenalized):
        given = penalty(p, shape[0], weights=v)
        for start in (None, np.ones(p)):
            points = list(walk(features, target, given, [0.1, 0.01], start=start, **PRECISE))
            for point in points:
                assert not np.isin(point.support, [1, 7]).any()
                assert len(point.support) > 1
                assert point.converged
    lower = np.where(np.arange(p) == 7, 0.5, -np.inf)
    given = penalty(p, shape[0], lower=lower)
    (point,) = walk(features, target, given, [0.1], **PRECISE)
    assert dense(point, p)[7] == 0.5


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("container", ["F", "CSC"])
def test_repeated_and_collinear_columns(container, form, monkeypatch):
    take_form(monkeypatch, form)
    for shape in SHAPES:
        X, y = data(*shape)
        X[:, 3], X[:, 4] = X[:, 0], -X[:, 2]
        X[:, 5] = X[:, 0] + X[:, 2]
        features, given = Features.of(CONTAINERS[container](X)), penalty(shape[1], shape[0])
        target, _ = features.target(y)
        alphas = [0.5, 0.1, 0.01]
        points = list(walk(features, target, given, alphas, tol=1e-11, max_iter=100_000))
        assert_optimal(points, explicit(X, y)[0], target, given, 1e-5)


@pytest.mark.parametrize("form", FORMS)
def test_the_smallest_data(form, monkeypatch):
    take_form(monkeypatch, form)
    for make in CONTAINERS.values():
        one = Features.of(make(np.array([[2.0]])))
        (point,) = walk(one, one.target(np.array([5.0]))[0], penalty(1, 1), [0.1])
        assert len(point.support) == 0
        assert point.gap == 0
        one = Features.of(make(np.array([[2.0]])), fit_intercept=False)
        points = walk(one, np.array([5.0]), penalty(1, 1), [20.0, 10.0, 1.0, 0.0], **PRECISE)
        assert_allclose([dense(point, 1)[0] for point in points], [0, 0, 2.25, 2.5], atol=1e-12)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("start", [None, 1.0])
def test_a_constant_target_needs_nothing(form, start, monkeypatch):
    take_form(monkeypatch, form)
    features, y, given, _ = problem((12, 40), "CSC")
    start = None if start is None else np.full(40, start)
    for point in walk(features, 0 * y, given, [1.0, 1e-3, 1.0], start=start, max_iter=100_000):
        assert len(point.support) == 0
        assert point.gap == 0
        assert point.converged


def test_no_support_is_forgotten_along_a_long_path():
    # 100 targets and many alphas on the same features: each as if it were alone.
    X, _ = data(20, 60)
    targets = X[:, :3] @ np.random.default_rng(0).normal(size=(3, 100))
    features, given = Features.of(X), penalty(60, 20)
    Z = explicit(X, targets[:, 0])[0]
    for y in targets.T:
        target, _ = features.target(y)
        alphas = alpha_max(features, target, given) * np.geomspace(1, 0.05, 4)
        assert_optimal(list(walk(features, target, given, alphas)), Z, target, given, 1e-7)


def test_a_walk_may_be_left_at_any_point():
    features, y, given, _ = problem((12, 40))
    steps = walk(features, y, given, np.geomspace(1, 1e-3, 50))
    first = next(steps)
    kept = first.coef.copy(), first.support.copy()
    for _ in range(20):
        next(steps)
    steps.close()
    assert_array_equal(first.coef, kept[0])  # later steps do not write to it
    assert_array_equal(first.support, kept[1])


@pytest.mark.parametrize("container", ["F", "CSC"])
def test_ctrl_c_is_answered_at_once(container, interrupt_after, monkeypatch):
    # Descent that never ends by itself: no tolerance, and a residual form where that is sparse.
    take_form(monkeypatch, "columns")
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 1500)) @ np.diag(np.geomspace(1, 1e-3, 1500)) + 1
    features = Features.of(CONTAINERS[container](X), fit_intercept=False)
    y = rng.normal(size=400)
    alphas = alpha_max(features, y, penalty(1500, 400)) * np.geomspace(1, 1e-9, 100_000)
    interrupt_after(0.3)
    begun = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        for _ in walk(features, y, penalty(1500, 400), alphas, tol=0.0, max_iter=10**9):
            pass
    assert time.perf_counter() - begun < 1.5


@pytest.mark.parametrize("form", FORMS)
def test_a_path_that_was_given_up_ends_without_steps(form, monkeypatch):
    take_form(monkeypatch, form)
    giving_up = threads.GivenUp()
    token = threads.stop.set(giving_up)
    try:
        features, y, given, _ = problem((12, 40), "CSC")
        points = walk(features, y, given, alpha_max(features, y, given) * np.array([0.5, 0.1]))
        assert next(points).n_iter > 0
        giving_up.set()
        left = next(points)
        assert left.n_iter == 0
        assert not left.converged
    finally:
        threads.stop.reset(token)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", TERMS)
@pytest.mark.parametrize("container", [*DENSE, *SPARSE])
def test_certified_gaps_are_those_of_the_samples(container, kind, weighted):
    weight = weights(40) if weighted else None
    features, y, given, Z = problem((40, 12), container, weight=weight, **terms_of(12, kind))
    alpha = 0.1 * alpha_max(features, y, given)
    point = next(walk(features, y, given, [alpha], **PRECISE))
    found = certified(features, y, given, point, 1e-13)
    assert found.converged
    assert abs(found.gap - point.gap) <= 1e-12 * (y @ y)
    # Coefficients that are not the solution's, whatever the walk had said of them.
    wrong = point._replace(coef=0.9 * point.coef, gap=0.0)
    bounds = np.clip(dense(wrong, 12), given.lower, given.upper)
    wrong = wrong._replace(support=np.flatnonzero(bounds), coef=bounds[bounds != 0])
    excess = objective(dense(wrong, 12), Z, y, alpha, given)
    excess -= objective(dense(point, 12), Z, y, alpha, given)
    found = certified(features, y, given, wrong, 1e-13)
    assert found.gap >= excess * (1 - 1e-9) - 1e-12 * (y @ y)
    assert found.converged == (found.gap <= 1e-13 * (y @ y))


def test_gaps_of_a_working_set_are_certified_already():
    features, y, given, _ = problem((12, 40))
    point = next(walk(features, y, given, [0.1]))
    assert certified(features, y, given, point, 1e-4) is point
