"""Folds against refits by least squares on stacked rows."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse
from sklearn.metrics import r2_score

from skreg._solvers import folds as module
from skreg._solvers.filters import FILTERS
from skreg._solvers.folds import GramFolds, MomentFolds, Samples, SparseFolds, folds_of, r2_losses
from skreg._solvers.moments import Moments

ALPHAS = np.array([0.01, 1.0, 30.0])
TALL, WIDE, JUST_TALL, SQUARE = (40, 6), (12, 25), (13, 12), (10, 10)


def data(shape, targets=2, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=shape) + 3
    y = X @ rng.normal(size=(shape[1], targets)) + rng.normal(size=(shape[0], targets))
    return X, y, rng.uniform(0.3, 3, shape[0])


def blocks(n, k=3):
    """Splits that leave out every k-th sample."""
    rows = np.arange(n)
    return [(rows[rows % k != j], rows[rows % k == j]) for j in range(k)]


def refit(X, y, weight, alpha, fit_intercept):
    """Coefficients (p, t) and intercepts by least squares on the rows and those of the penalty."""
    n, p = X.shape
    root = np.sqrt(np.ones(n) if weight is None else weight)[:, None]
    ones = np.ones((n, 1)) if fit_intercept else np.zeros((n, 1))
    A = np.vstack([root * np.hstack([X, ones]), np.sqrt(alpha) * np.eye(p, p + 1)])
    found = np.linalg.lstsq(A, np.vstack([root * y, np.zeros((p, y.shape[1]))]), rcond=None)[0]
    return found[:p], found[p] * fit_intercept


def brute_force(X, y, weight, split, fit_intercept):
    """Predictions (n_test, n_alphas, n_targets) by refits."""
    train, test = split
    v = None if weight is None else weight[train]
    fits = [refit(X[train], y[train], v, alpha, fit_intercept) for alpha in ALPHAS]
    return np.stack([X[test] @ W + b for W, b in fits], axis=1)


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("shape", [TALL, WIDE, JUST_TALL, SQUARE])
def test_predictions_and_scores_equal_refits(shape, weighted, fit_intercept, known):
    X, y, weight = data(shape)
    weight = weight if weighted else None
    splits = blocks(len(X))
    samples = Samples(X, y, weight, fit_intercept)
    folds = folds_of(samples, splits, ALPHAS if known else None)
    for k, (train, test) in enumerate(splits):
        fold = folds.fold(k, ALPHAS.min())
        expected = brute_force(X, y, weight, (train, test), fit_intercept)
        assert_allclose(fold.predictions(ALPHAS), expected, rtol=1e-9, atol=1e-9)
        v = None if weight is None else weight[test]
        scores = [
            r2_score(y[test], one, sample_weight=v, multioutput="raw_values")
            for one in np.moveaxis(expected, 1, 0)
        ]
        assert_allclose(-r2_losses(fold, ALPHAS, per_target=True), scores, rtol=1e-9, atol=1e-9)
        mean = np.mean(scores, axis=1, keepdims=True)
        assert_allclose(-r2_losses(fold, ALPHAS, per_target=False), mean, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("shape", [TALL, WIDE])
def test_sparse_data_without_a_cheap_gram_matrix_take_conjugate_gradients(
    monkeypatch, shape, fit_intercept
):
    X, y, weight = data(shape)
    X[np.abs(X - 3) < 0.7] = 0
    splits = blocks(len(X))
    monkeypatch.setattr(module, "has_cheap_gram", lambda X: False)
    monkeypatch.setattr("skreg._solvers.direct.has_cheap_gram", lambda X: False)
    samples = Samples(sparse.csr_array(X), y, weight, fit_intercept)
    folds = folds_of(samples, splits, ALPHAS)
    assert isinstance(folds, SparseFolds)
    for k, split in enumerate(splits):
        expected = brute_force(X, y, weight, split, fit_intercept)
        found = folds.fold(k, ALPHAS.min()).predictions(ALPHAS)
        assert_allclose(found, expected, rtol=1e-6, atol=1e-6)
    single = Samples(samples.X.astype(np.float32), y, weight, fit_intercept)
    found = folds_of(single, splits, ALPHAS).fold(2, 0.01).predictions(ALPHAS)
    double = Samples(single.X.astype(np.float64), y, weight, fit_intercept)
    expected = folds_of(double, splits, ALPHAS).fold(2, 0.01).predictions(ALPHAS)
    assert_allclose(found, expected, rtol=1e-9)
    many = folds_of(samples, splits, np.geomspace(1, 2, module.SOME + 1))
    assert not isinstance(many, SparseFolds)
    assert not isinstance(folds_of(samples, splits), SparseFolds)


@pytest.mark.parametrize("shape", [TALL, WIDE])
def test_few_alphas_need_no_eigenvalues(monkeypatch, shape):
    X, y, weight = data(shape)
    forbid(monkeypatch, module, "resolvent")
    forbid(monkeypatch, module, "decompose")
    splits = blocks(len(X))
    few = np.geomspace(0.1, 10, module.FEW)
    folds_of(Samples(X, y, weight), splits, few).fold(0, few.min()).predictions(few)
    more = folds_of(Samples(X, y, weight), splits, np.geomspace(0.1, 10, module.FEW + 1))
    with pytest.raises(AssertionError, match="resolvent was called"):
        more.fold(0, 0.1)


def forbid(monkeypatch, owner, name):
    def refuse(*args, **options):
        raise AssertionError(f"{name} was called")

    monkeypatch.setattr(owner, name, refuse)


@pytest.mark.parametrize("shape", [TALL, WIDE])
def test_no_fold_looks_at_its_rows_again(shape, monkeypatch):
    X, y, weight = data(shape)
    splits = blocks(len(X))
    folds = folds_of(Samples(X, y, weight), splits)
    forbid(monkeypatch, module, "decompose")
    forbid(monkeypatch, module, "moments")
    forbid(monkeypatch, module.Fold, "predictions")
    for loss in folds.losses(lambda _, fold, alphas: r2_losses(fold, alphas, per_target=True)):
        assert np.all(loss(ALPHAS) < 1)


@pytest.mark.parametrize("container", [sparse.csr_array, sparse.csc_array])
@pytest.mark.parametrize("shape", [TALL, WIDE])
def test_sparse_equals_dense(shape, container):
    X, y, weight = data(shape)
    X[np.abs(X - 3) < 0.7] = 0
    splits = blocks(len(X))
    dense, found = (folds_of(Samples(A, y, weight), splits) for A in (X, container(X).tocsr()))
    for k in range(3):
        assert_allclose(
            found.fold(k, 0.01).predictions(ALPHAS), dense.fold(k, 0.01).predictions(ALPHAS)
        )


@pytest.mark.parametrize("shape", [TALL, WIDE])
def test_float32_data_are_summed_in_float64(shape):
    X, y, _ = data(shape)
    X = X.astype(np.float32)
    for fit_intercept in (True, False):
        samples = (Samples(A, y, None, fit_intercept) for A in (X, X.astype(np.float64)))
        single, double = (folds_of(s, blocks(len(X))).fold(0, 1.0) for s in samples)
        assert_allclose(single.predictions(ALPHAS), double.predictions(ALPHAS), rtol=1e-5)
        assert_allclose(single.coef(ALPHAS), double.coef(ALPHAS), rtol=1e-9)


def test_one_alpha_for_each_target():
    X, y, weight = data(TALL)
    fold = folds_of(Samples(X, y, weight), blocks(40)).fold(0, 0.01)
    each = fold.predictions(np.array([[0.01, 30.0]]))
    alone = fold.predictions(ALPHAS)
    assert_allclose(each[:, 0], np.stack([alone[:, 0, 0], alone[:, 2, 1]], axis=1))


RNG = np.random.default_rng(5)
SPLITS = {
    "shuffled": [(np.sort(p[:30]), p[30:]) for p in [RNG.permutation(40)]],
    "part of the rest": [(np.arange(10, 40), np.arange(3)), (np.arange(25), np.arange(30, 40))],
    "few training samples": [(np.arange(9), np.arange(9, 40))],
    "repeated training samples": [(RNG.integers(0, 40, 40), np.arange(5))],
    "repeated test samples": [(np.arange(10, 40), np.array([0, 0, 1, 2, 3, 4, 5, 6, 7, 8]))],
    "overlap": [(np.arange(30), np.arange(20, 40))],
    "more folds than fit in memory": blocks(40, 20),
}


@pytest.mark.parametrize("name", SPLITS)
@pytest.mark.parametrize("shape", [TALL, (40, 45)])
def test_any_splits(name, shape):
    X, y, weight = data(shape)
    splits = SPLITS[name]
    folds = folds_of(Samples(X, y, weight), splits)
    for k, split in enumerate(splits):
        fold, expected = folds.fold(k, 0.01), brute_force(X, y, weight, split, True)
        assert_allclose(fold.predictions(ALPHAS), expected, rtol=1e-9, atol=1e-8)
        squares = np.einsum("i,iat->at", weight[split[1]], (y[split[1]][:, None] - expected) ** 2)
        assert_allclose(fold.squares(ALPHAS), squares, rtol=1e-9)


@pytest.mark.parametrize("shape", [TALL, WIDE])
def test_an_outlier_held_out_costs_the_others_no_digits(shape):
    X, y, _ = data(shape)
    X[0] *= 1e9
    y[0] *= 1e9
    split = blocks(len(X))[0]  # tests row 0
    fold = folds_of(Samples(X, y, None), blocks(len(X))).fold(0, 0.01)
    expected = brute_force(X, y, None, split, True)
    assert_allclose(fold.predictions(ALPHAS)[1:], expected[1:], rtol=1e-8)


@pytest.mark.parametrize("shape", [TALL, WIDE])
def test_means_far_from_each_other_cost_no_digits(shape):
    X, y, _ = data(shape)
    far = np.arange(len(X)) % 3 == 0
    X[far] += 1e6
    fold = folds_of(Samples(X, y, None), blocks(len(X))).fold(0, 0.01)
    expected = brute_force(X, y, None, blocks(len(X))[0], True)
    assert_allclose(fold.predictions(ALPHAS), expected, rtol=1e-9)


@pytest.mark.parametrize("shape", [TALL, WIDE])
def test_ill_conditioned_folds_take_singular_values(shape):
    X, y, _ = data(shape)
    if shape == TALL:
        X[:, 1] = X[:, 0] + 1e-7 * X[:, 1]
    else:
        X[2] = X[1] + 1e-7 * X[2]
    alphas = np.array([1e-13, 1e-10])
    fold = folds_of(Samples(X, y, None), blocks(len(X))).fold(0, 1e-13)
    train, test = blocks(len(X))[0]
    fits = [refit(X[train], y[train], None, alpha, True) for alpha in alphas]
    expected = np.stack([X[test] @ W + b for W, b in fits], axis=1)
    spectrum = fold.coef.__self__
    assert spectrum.U is not None
    assert spectrum.V is not None
    # The refits themselves lose digits in proportion to the condition number.
    assert_allclose(fold.predictions(alphas), expected, rtol=1e-6)


@pytest.mark.parametrize("shape", [TALL, WIDE])
def test_least_squares_at_alpha_zero(shape):
    X, y, weight = data(shape)
    train, test = blocks(len(X))[0]
    fold = folds_of(Samples(X, y, weight), blocks(len(X))).fold(0, 0.0)
    centre = np.average(X[train], axis=0, weights=weight[train])
    mean = np.average(y[train], axis=0, weights=weight[train])
    root = np.sqrt(weight[train])[:, None]
    W = np.linalg.pinv(root * (X[train] - centre), rcond=1e-10) @ (root * (y[train] - mean))
    assert_allclose(
        fold.predictions(np.array([0.0]))[:, 0], (X[test] - centre) @ W + mean, rtol=1e-8
    )


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("shape", [TALL, WIDE])
def test_every_filter(name, shape):
    X, y, _ = data(shape)
    alphas = np.array([1.0, 3.0])
    fold = folds_of(Samples(X, y, None, filter=FILTERS[name]), blocks(len(X))).fold(0, 1.0)
    train, test = blocks(len(X))[0]
    centre, mean = X[train].mean(axis=0), y[train].mean(axis=0)
    U, s, Vt = np.linalg.svd(X[train] - centre, full_matrices=False)
    kept = s > 1e-10 * s[0]
    U, s, Vt = U[:, kept], s[kept], Vt[kept]
    phi = FILTERS[name](s, alphas[:, None])[0]
    W = np.einsum("rp,ar,rt->apt", Vt, phi / s, U.T @ (y[train] - mean))
    expected = np.einsum("ip,apt->iat", X[test] - centre, W) + mean
    assert_allclose(fold.predictions(alphas), expected, rtol=1e-8, atol=1e-9)


def test_exact_fits_are_judged_by_rows():
    X, _, _ = data(TALL)
    y = X @ np.arange(6.0)[:, None]
    fold = folds_of(Samples(X, y, None), blocks(40)).fold(0, 1e-9)
    alphas = np.array([1e-7, 1e-6, 1e-5])
    expected = np.square(y[fold.test][:, None] - fold.predictions(alphas)).sum(axis=0)
    assert np.all(expected < 1e-10)
    assert_allclose(fold.squares(alphas), expected, rtol=1e-12)
    assert np.all(np.diff(fold.squares(alphas), axis=0) > 0)


def test_constant_targets_score_as_in_scikit_learn():
    X, y, _ = data(TALL)
    y[:, 0] = 0.1
    test = blocks(40)[0][1]
    y[test, 1] = 7.0
    fold = folds_of(Samples(X, y, None), blocks(40)).fold(0, 0.01)
    found = -r2_losses(fold, ALPHAS, per_target=True)
    for a, prediction in enumerate(np.moveaxis(fold.predictions(ALPHAS), 1, 0)):
        assert_allclose(found[a], r2_score(y[test], prediction, multioutput="raw_values"))
    assert_allclose(found, [[1, 0]] * 3)


def test_folds_are_kept_only_where_they_are_small(monkeypatch):
    monkeypatch.setattr(module, "KEPT", 0)
    X, y, _ = data(TALL)
    few = MomentFolds(Samples(X, y, None), blocks(40))
    assert few.fold(0, 0.1) is few.fold(0, 0.2)
    assert few.fold(0, 0.1) is not few.fold(0, 0.01)
    many = MomentFolds(Samples(X, y, None), blocks(40, 40))
    assert many.fold(0, 0.1) is not many.fold(0, 0.1)
    wide = GramFolds(Samples(*data((10, 90))[:2], None), blocks(10))
    assert wide.fold(1, 0.1) is wide.fold(1, 0.1)


def test_what_keeps_digits():
    zero = np.zeros(2)
    of = [
        Moments(5, 5.0, zero, zero, np.eye(2) * a, np.eye(2), np.array([b, 1.0]))
        for a, b in [(1.0, 1.0), (0.5, 0.5), (1e-3, 1.0), (1.0, 1e-3)]
    ]
    assert [module.keeps_digits(one, of[0]) for one in of] == [True, True, False, False]
