"""Paths in stretches: the points of a walk, in its order, whatever the number of threads."""

import threading

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from threadpoolctl import threadpool_limits

from skreg._solvers import path, stretches
from skreg._solvers.features import Features
from skreg._solvers.path import alpha_max
from skreg._solvers.penalty import penalty
from skreg._solvers.stretches import LENGTH, walk_in_stretches
from skreg._solvers.threads import one_blas_thread
from tests.solvers.sparse_cases import dense, violation


@pytest.fixture
def problem(monkeypatch):
    """Sparse data that descent on columns suits, their explicit form, and a path."""
    monkeypatch.setattr(path, "SMALL", 10)
    rng = np.random.default_rng(0)
    X = sparse.random_array((80, 120), density=0.2, format="csc", rng=rng)
    X.data[:] = rng.normal(size=X.nnz)
    features = Features.of(X)
    Z = X.toarray() - X.toarray().mean(axis=0)
    y, _ = features.target(Z[:, :8].sum(axis=1) + 0.1 * rng.normal(size=80))
    given = penalty(120, 80)
    alphas = alpha_max(features, y, given) * np.geomspace(1, 0.02, 3 * LENGTH + 4)
    return features, y, given, alphas, Z


def solved(problem, threads, **options):
    features, y, given, alphas, _ = problem
    with threadpool_limits(threads, user_api="blas"), one_blas_thread():
        return list(walk_in_stretches(features, y, given, alphas, tol=1e-10, **options))


def test_points_are_those_of_the_path(problem):
    _, y, given, alphas, Z = problem
    points = solved(problem, 2)
    assert_array_equal([point.alpha for point in points], alphas)
    for point in points:
        assert point.converged
        assert violation(dense(point, 120), Z, y, point.alpha, given) < 1e-5 * point.alpha * 80


def test_the_number_of_threads_changes_nothing(problem):
    one, two = solved(problem, 1), solved(problem, 2)
    for first, second in zip(one, two, strict=True):
        assert_array_equal(first.support, second.support)
        assert_array_equal(first.coef, second.coef)
        assert first.gap == second.gap


def test_solutions_start_from_those_before(problem):
    features, y, given, alphas, _ = problem
    known = dense(solved(problem, 1)[1], 120)
    assert solved(problem, 1, start=known)[0].n_iter > solved(problem, 1)[0].n_iter
    walked = sum(point.n_iter for point in path.walk(features, y, given, alphas, tol=1e-10))
    cold = sum(next(path.walk(features, y, given, [a], tol=1e-10)).n_iter for a in alphas)
    found = sum(point.n_iter for point in solved(problem, 1))
    assert found < (walked + cold) / 2


def test_threads_of_the_user_s_start_no_others(problem, monkeypatch):
    seen = []
    monkeypatch.setattr(stretches, "side_by_side", lambda tasks, threads: seen.append(threads))
    features, y, given, alphas, _ = problem
    arguments = features, y, given, alphas
    with threadpool_limits(2, user_api="blas"):
        thread = threading.Thread(target=walk_in_stretches, args=arguments)
        thread.start()
        thread.join()
        walk_in_stretches(*arguments)
    assert seen == [1, 2]


@pytest.mark.parametrize("reason", ["short", "ascending", "dense"])
def test_other_paths_are_walked_in_one_go(problem, reason, monkeypatch):
    features, y, given, alphas, Z = problem
    alphas = {"short": alphas[: LENGTH + 1], "ascending": alphas[::-1]}.get(reason, alphas)
    features = Features.of(Z) if reason == "dense" else features
    monkeypatch.setattr(stretches, "Stretches", None)
    assert len(list(walk_in_stretches(features, y, given, alphas, tol=1e-4))) == len(alphas)


@pytest.mark.parametrize("place", [0, 1, LENGTH, LENGTH + 1])
def test_errors_end_all_threads(problem, place, monkeypatch):
    """Whether the first solutions fail or those between them."""
    alphas, walk = problem[3], stretches.walk

    def failing(features, y, given, some, **options):
        for point in walk(features, y, given, some, **options):
            if point.alpha == alphas[place]:
                raise RuntimeError("given up")
            yield point

    monkeypatch.setattr(stretches, "walk", failing)
    before = threading.active_count()
    with pytest.raises(RuntimeError, match="given up"):
        solved(problem, 2)
    assert threading.active_count() <= before + 2  # threads that are kept for products
