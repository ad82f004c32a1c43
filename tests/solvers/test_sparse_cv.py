"""Folds of sparse models: errors of points on test samples, the choice, threads."""

import threading
import time
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from skreg._solvers import sparse_cv
from skreg._solvers.path import walk
from skreg._solvers.penalty import penalty
from skreg._solvers.sparse_cv import (
    Ahead,
    Samples,
    as_slice,
    blocks,
    choose,
    cross_validate,
    make_folds,
    path_errors,
    side_by_side,
    standard_error,
    total_weight,
)
from skreg._solvers.threads import is_given_up


class Point(NamedTuple):
    support: np.ndarray
    coef: np.ndarray
    gap: float = 0.0
    converged: bool = True


def data(seed=0, n=30, p=7, t=None, weighted=False, fit_intercept=True):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p)) * (rng.random((n, p)) < 0.6) + 1
    Y = rng.standard_normal(n if t is None else (n, t)) + 3
    weight = rng.uniform(0.5, 2, n) if weighted else None
    return Samples(X, Y, weight, fit_intercept)


def points(rng, n, p, t=None):
    """Points with supports of any size, the empty one first."""
    found = []
    for k in range(n):
        support = np.sort(rng.permutation(p)[: k % (p + 1)])
        size = len(support) if t is None else (len(support), t)
        found.append(Point(support, rng.standard_normal(size)))
    return found


def brute_force(samples, train, test, points):
    """Errors by dense coefficients and explicit means."""
    X, Y, weight, fit_intercept = samples
    X, Y = (X.toarray() if sparse.issparse(X) else X), Y.reshape(len(Y), -1)
    v = np.ones(len(Y)) if weight is None else weight
    errors = []
    for point in points:
        W = np.zeros((X.shape[1], Y.shape[1]))
        W[point.support] = point.coef.reshape(-1, Y.shape[1])
        fitted = X @ W
        if fit_intercept:
            fitted += np.average(Y[train] - fitted[train], axis=0, weights=v[train])
        squares = (Y - fitted)[test] ** 2
        errors.append(np.average(squares.mean(axis=1), weights=v[test]))
    return np.array(errors)


@pytest.fixture
def small_pieces(monkeypatch):
    """Let every few points and every few rows be a piece of their own."""
    monkeypatch.setattr(sparse_cv, "STRETCH", 20)
    monkeypatch.setattr(sparse_cv, "BLOCK", 1)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("t", [None, 1, 3])
@pytest.mark.parametrize("form", ["C", "F", "csc"])
@pytest.mark.usefixtures("small_pieces")
def test_errors_are_those_of_dense_coefficients(form, t, weighted, fit_intercept):
    samples = data(1, 150, t=t, weighted=weighted, fit_intercept=fit_intercept)
    rng = np.random.default_rng(2)
    walked = points(rng, 20, 7, t)
    order = rng.permutation(150)
    for train, test in [(order[:70], order[70:]), (np.arange(80, 150), np.arange(80))]:
        expected = brute_force(samples, train, test, walked)
        X = sparse.csc_array(samples.X) if form == "csc" else np.array(samples.X, order=form)
        laid = samples._replace(X=X)
        fold = make_folds(laid, [(train, test)])[1][0]
        assert isinstance(fold.test, slice) == (test[0] == 0)
        assert_allclose(path_errors(laid, fold, walked).mse, expected, rtol=1e-12)


@pytest.mark.usefixtures("small_pieces")
def test_a_large_mean_costs_no_digits():
    samples = data(3)
    shifted = samples._replace(X=samples.X + 1e8)
    split = (np.arange(20), np.arange(20, 30))
    walked = points(np.random.default_rng(4), 8, 7)
    errors = [path_errors(s, make_folds(s, [split])[1][0], walked).mse for s in (samples, shifted)]
    assert_allclose(errors[1], errors[0], rtol=1e-6)


def test_repeated_test_samples_count_as_often():
    samples = data(5)
    walked = points(np.random.default_rng(6), 8, 7)
    train, test = np.arange(20), np.array([20, 21, 21, 29, 29, 29])
    fold = make_folds(samples, [(train, test)])[1][0]
    expected = brute_force(samples, train, test, walked)
    assert_allclose(path_errors(samples, fold, walked).mse, expected, rtol=1e-12)


def test_points_that_did_not_converge_are_counted():
    samples = data(7, weighted=True)
    fold = make_folds(samples, [(np.arange(20), np.arange(20, 30))])[1][0]
    walked = [
        Point(np.array([0]), np.array([1.0]), gap, converged)
        for gap, converged in [(9.0, True), (2.0, False), (4.0, False)]
    ]
    found = path_errors(samples, fold, walked)
    assert found.unsolved == 2
    assert found.gap == pytest.approx(4 / samples.weight[:20].sum())


def lasso_walks(samples, alphas, ratios=(1.0,)):
    def walk_of(ratio):
        def start(k, fold):
            unit = penalty(samples.X.shape[1], total_weight(fold.features), ratio)
            return walk(fold.features, fold.target, unit, alphas, tol=1e-12)

        return start

    return [walk_of(ratio) for ratio in ratios]


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_results_come_in_order_whatever_the_number_of_threads(threads):
    samples, alphas = data(8, weighted=True), np.array([0.3, 0.1, 0.01])
    folds = np.array_split(np.arange(30), 3)
    splits = [(np.setdiff1d(np.arange(30), test), test) for test in folds]
    walks = lasso_walks(samples, alphas, (1.0, 0.5))
    found = cross_validate(samples, make_folds(samples, splits)[1], walks, threads=threads)
    for row, start in zip(found, walks, strict=True):
        for k, (errors, (train, test)) in enumerate(zip(row, splits, strict=True)):
            walked = list(start(k, make_folds(samples, [(train, test)])[1][0]))
            assert_allclose(errors.mse, brute_force(samples, train, test, walked), rtol=1e-9)
            assert errors.unsolved == 0


def test_a_walk_goes_on_while_a_thread_is_idle():
    ahead = Ahead(iter(range(10)))
    finish = threading.Event()

    def slow():
        assert finish.wait(20)
        return 1

    def watch():
        deadline = time.monotonic() + 20
        while len(ahead.kept) < 10 and time.monotonic() < deadline:
            time.sleep(0.001)
        finish.set()

    watcher = threading.Thread(target=watch)
    watcher.start()
    assert side_by_side([slow, lambda: 2], 2, ahead.walk_until) == [1, 2]
    watcher.join()
    assert ahead.kept == list(range(10))


def test_ahead_takes_a_walk_up_where_it_was_left():
    drawn = []

    def draw():
        for k in range(5):
            drawn.append(k)
            yield k

    ahead, enough = Ahead(draw()), threading.Event()
    assert ahead[1] == 1
    enough.set()
    ahead.walk_until(enough)
    assert ahead.kept == [0, 1, 2]
    assert list(ahead) == [0, 1, 2, 3, 4]
    assert ahead[0] == 0
    assert drawn == [0, 1, 2, 3, 4]
    with pytest.raises(StopIteration):
        ahead[5]


def until_given_up():
    deadline = time.monotonic() + 20
    while not is_given_up():
        assert time.monotonic() < deadline, "nobody gave up"
        time.sleep(0.001)


def test_an_error_in_one_thread_ends_the_others():
    ended = []

    def fail():
        raise ZeroDivisionError

    def work():
        until_given_up()
        ended.append(True)

    with pytest.raises(ZeroDivisionError):
        side_by_side([fail, work, work, work], 2)
    assert 1 <= len(ended) <= 2  # what had not begun never does


def test_an_interrupt_ends_all_threads_within_a_second(interrupt_after):
    samples, alphas = data(9), np.geomspace(1, 0.1, 10**6)
    splits = [(np.arange(20), np.arange(20, 30)), (np.arange(10, 30), np.arange(10))]
    folds = make_folds(samples, splits)[1]
    pressed = time.monotonic() + 0.3
    interrupt_after(0.3)
    with pytest.raises(KeyboardInterrupt):
        cross_validate(samples, folds, lasso_walks(samples, alphas), threads=2)
    assert 0 < time.monotonic() - pressed < 1


def test_how_arrays_are_treated_carries_over_into_threads():
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        side_by_side([lambda: np.array([1e300]) * 1e300] * 2, 2)


def test_consecutive_indices_are_slices():
    assert as_slice(np.array([3, 4, 5])) == slice(3, 6)
    assert as_slice(np.array([3])) == slice(3, 4)
    for indices in ([3, 5, 4], [3, 4, 4, 6], [5, 4, 3], [0, 2], [0, 0], []):
        given = np.array(indices, int)
        assert as_slice(given) is given, indices


@pytest.mark.parametrize("rows", [slice(5, 300), np.arange(300)[::-1], slice(5, 6), slice(4, 4)])
def test_blocks_cover_the_rows_once(rows):
    at = np.arange(1000)
    parts = [at[part] for part in blocks(rows, 10**5)]
    assert_array_equal(np.concatenate([at[:0], *parts]), at[rows])
    assert all(len(part) <= 64 for part in parts)


# The choice


def test_the_least_mean_error_is_chosen_and_of_equal_ones_the_first():
    mse = np.array([[[3.0, 1.0], [1.0, 1.0], [1.0, 1.0]], [[2.0, 2.0], [0.0, 2.0], [9.0, 9.0]]])
    assert choose(mse) == (0, 1)
    mse[1, 1, 0] = -0.5
    assert choose(mse) == (1, 1)


def test_one_standard_error_known_by_hand():
    # The least mean is 2, its standard error sqrt(2) / sqrt(2) = 1: means up to 3 will do.
    mse = np.array([[[4.0, 4.0], [2.9, 2.9], [1.0, 3.0], [2.5, 2.5]]])
    assert standard_error(mse)[0, 2] == pytest.approx(1.0)
    assert choose(mse, "min") == (0, 2)
    assert choose(mse, "one_se") == (0, 1)


def test_alphas_without_a_number_are_never_chosen():
    mse = np.array([[[np.nan, 1.0], [5.0, 5.0]]])
    assert choose(mse) == (0, 1)
    assert choose(mse, "one_se") == (0, 1)


@given(st.integers(1, 5), st.integers(1, 8), st.integers(2, 6), st.integers(0, 10**6))
def test_one_standard_error_is_the_strongest_of_the_good_ones(rows, alphas, folds, seed):
    mse = np.random.default_rng(seed).integers(0, 5, (rows, alphas, folds)).astype(float)
    row, best = choose(mse)
    same, strong = choose(mse, "one_se")
    assert row == same
    assert strong <= best
    mean = mse.mean(axis=-1)
    limit = mean[row, best] + np.std(mse[row, best], ddof=1) / np.sqrt(folds)
    assert mean.min() == mean[row, best]
    assert mean[row, strong] <= limit
    assert np.all(mean[row, :strong] > limit)
