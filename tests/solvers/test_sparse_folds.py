"""The features of a fold are those of its training rows, on which way ever they were made."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skreg._solvers.features import Features
from skreg._solvers.path import walk
from skreg._solvers.penalty import penalty
from skreg._solvers.sparse_folds import features_of_folds, train_weight
from tests.solvers.sparse_cases import CONTAINERS, DENSE, data, dense

SHAPES = [(60, 8), (24, 40)]  # by moments, and by weights


def splits(n, kind):
    rows = np.random.default_rng(0).permutation(n)
    parts = np.array_split(rows, 4)
    if kind == "partition":
        return [(np.setdiff1d(rows, part), part) for part in parts]
    if kind == "overlapping":
        return [(rows[k : k + 2 * n // 3], rows[:5]) for k in (0, 3, 7)]
    drawn = np.random.default_rng(1).integers(0, n, (3, n))
    return [(train, np.setdiff1d(rows, train)) for train in drawn]  # the bootstrap


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", ["partition", "overlapping", "bootstrap"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("fit_intercept", [False, True])
def test_they_are_those_of_the_training_rows(container, shape, kind, weighted, fit_intercept):
    n, p = shape
    X, y = data(n, p)
    weight = np.random.default_rng(2).choice([0.0, 1.0, 2.5], n) if weighted else None
    given = penalty(p, n, 0.8)
    folds = splits(n, kind)
    found = features_of_folds(
        CONTAINERS[container](X), y, weight, folds, fit_intercept=fit_intercept
    )[1]
    assert len(found) == len(folds)
    for features, (train, _) in zip(found, folds, strict=True):
        own = None if weight is None else weight[train]
        alone = Features.of(X[train], own, fit_intercept=fit_intercept)
        assert_allclose(features.X_mean, alone.X_mean, atol=1e-13)
        norms = alone.square_norms
        assert_allclose(features.square_norms, norms, rtol=1e-11, atol=1e-11 * norms.max())
        assert_array_equal(features.square_norms == 0, norms == 0)
        (yc, mean), (target, expected) = features.target(y), alone.target(y[train])
        assert_allclose(mean, expected, rtol=1e-12)
        assert_allclose(yc @ yc, target @ target, rtol=1e-12)
        assert_allclose(features.gradient(yc), alone.gradient(target), atol=1e-11)
        alphas = np.array([0.3, 0.05])
        options = {"tol": 1e-13, "max_iter": 100_000}
        for one, other in zip(
            walk(features, yc, given, alphas, **options),
            walk(alone, target, given, alphas, **options),
            strict=True,
        ):
            assert len(one.support) > 0
            assert_allclose(dense(one, p), dense(other, p), atol=1e-8)


@pytest.mark.parametrize("container", ["F", "CSC"])
def test_folds_of_many_samples_have_their_gram_matrices_already(container):
    X, y = data(60, 8)
    everything, folds, held_out = features_of_folds(
        CONTAINERS[container](X), y, None, splits(60, "partition"), fit_intercept=True
    )
    for known, (_, test) in zip(held_out, splits(60, "partition"), strict=True):
        assert_allclose(known.X_mean, X[test].mean(axis=0), atol=1e-12)
        assert_allclose(known.yy, [np.sum((y[test] - y[test].mean()) ** 2)], rtol=1e-12)
    for features in [everything, *folds]:
        assert features.gram.shape == (8, 8)
        target, _ = features.target(y)
        G, products = features.gram_and_products(target)
        assert G is features.gram
        assert_allclose(products, features.gradient(target), atol=1e-11)  # known, not formed


@pytest.mark.parametrize("shape", SHAPES)
def test_all_targets_share_the_folds(shape):
    X, y = data(*shape)
    Y = np.column_stack([y, X[:, 1], -y])
    folds = splits(shape[0], "partition")
    found = features_of_folds(X, Y, None, folds, fit_intercept=True)[1]
    for features, (train, _) in zip(found, folds, strict=True):
        alone = Features.of(X[train])
        for target in Y.T:
            expected = alone.gradient(alone.target(target[train])[0])
            assert_allclose(features.gradient(features.target(target)[0]), expected, atol=1e-11)
            if features.whole:
                products = features.gram_and_products(features.target(target)[0])[1]
                assert_allclose(products, expected, atol=1e-11)


@pytest.mark.parametrize("container", DENSE)
@pytest.mark.parametrize("shape", SHAPES)
def test_large_means_cost_few_digits(container, shape):
    X, y = data(*shape)
    X += 1e7
    folds = splits(shape[0], "partition")
    given = penalty(shape[1], shape[0])
    found = features_of_folds(CONTAINERS[container](X), y, None, folds, fit_intercept=True)[1]
    for features, (train, _) in zip(found, folds, strict=True):
        alone = Features.of(X[train] - 1e7)
        (one,) = walk(features, features.target(y)[0], given, [0.1], tol=1e-12)
        (other,) = walk(alone, alone.target(y[train])[0], given, [0.1], tol=1e-12)
        assert_allclose(dense(one, shape[1]), dense(other, shape[1]), atol=1e-5)


@pytest.mark.parametrize("scale", [1e-150, 1e150])
@pytest.mark.parametrize("shape", SHAPES)
def test_scales_are_taken_out(scale, shape):
    X, y = data(*shape)
    folds = splits(shape[0], "partition")
    given = penalty(shape[1], shape[0])
    scaled = features_of_folds(X * scale, y, None, folds, fit_intercept=True)[1]
    for features, (train, _) in zip(scaled, folds, strict=True):
        alone = Features.of(X[train])
        (one,) = walk(features, features.target(y)[0], given, [0.1 * scale], tol=1e-12)
        (other,) = walk(alone, alone.target(y[train])[0], given, [0.1], tol=1e-12)
        assert_allclose(dense(one, shape[1]) * scale, dense(other, shape[1]), atol=1e-7)


def test_a_sample_counts_as_often_as_it_is_drawn():
    assert_array_equal(train_weight(np.array([0, 2, 2]), 4, None), [1, 0, 2, 0])
    weight = np.array([0.5, 1, 3, 1])
    assert_array_equal(train_weight(np.array([0, 2, 2]), 4, weight), [0.5, 0, 6, 0])
