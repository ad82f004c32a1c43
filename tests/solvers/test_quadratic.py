"""Quadratic problems of sets of features: Gram matrices that grow, factors that stay."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from skreg._solvers import quadratic as module
from skreg._solvers import threads
from skreg._solvers.features import Features
from skreg._solvers.penalty import penalty
from skreg._solvers.quadratic import GramForm, WholeGram
from tests.reference import bounded_enet_violation
from tests.solvers.sparse_cases import CONTAINERS, data, explicit, weights


def case(container, n=30, p=20, *, weighted=False, l1_ratio=0.9):
    X, y = data(n, p)
    weight = weights(n) if weighted else None
    features = Features.of(CONTAINERS[container](X), weight)
    Z, target = explicit(X, y, weight)
    return features, target, penalty(p, n, l1_ratio), Z


def kept(features, p):
    return np.delete(np.arange(p), np.flatnonzero(features.square_norms == 0))


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("room", [1, 3, 256])
def test_a_gram_matrix_grows_by_any_steps(container, weighted, room, monkeypatch):
    monkeypatch.setattr(module, "FIRST", room)
    monkeypatch.setattr(module, "ROOM", room)
    features, y, given, Z = case(container, weighted=weighted)
    form = GramForm(features, y, given)
    which = np.random.default_rng(0).permutation(kept(features, 20))
    for part in np.split(which, [1, 2, 3, 8]):
        form.admit(part, np.full(len(part), 0.5))
        m = form.m
        inside = Z[:, form.index[:m]]
        assert_allclose(form.Q[:m, :m], inside.T @ inside, atol=1e-11)
        assert_allclose(form.q[:m], inside.T @ y, atol=1e-11)
        assert_allclose(form.residual(), y - inside @ form.w, atol=1e-12)
        assert_array_equal(form.w, 0.5)
    assert_array_equal(form.index[:m], which)
    at = form.penalty(0.3)
    assert_allclose(at.l1, 0.3 * given.l1[which])
    assert_allclose(at.l2, 0.3 * given.l2[which])


@pytest.mark.parametrize("container", ["F", "CSC"])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.5])
def test_the_factor_follows_alpha_where_it_is_in_the_matrix(container, l1_ratio):
    # With l2 the matrix changes with alpha, and a factor kept from another alpha would be wrong.
    features, y, given, Z = case(container, l1_ratio=l1_ratio)
    form = GramForm(features, y, given)
    which = kept(features, 20)
    form.admit(which)
    inside = Z[:, which]
    for alpha in (0.5, 0.1, 0.1, 0.01, 1.0, 0.03):
        at = form.penalty(alpha)
        form.minimize(alpha, at, 1000)
        assert bounded_enet_violation(form.w, inside, y, *at) < 1e-10
        assert_allclose(form.products(), inside.T @ (y - inside @ form.w), atol=1e-11)
    form.admit(np.empty(0, int))
    assert form.m == len(which)


def test_nothing_inside_is_nothing_to_do():
    features, y, given, _ = case("F")
    form = GramForm(features, y, given)
    assert form.minimize(0.1, form.penalty(0.1), 100) == 0
    assert_array_equal(form.residual(), y)
    assert len(form.products()) == 0


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("weighted", [False, True])
def test_the_whole_gram_matrix_knows_sizes_of_residuals(container, weighted):
    features, y, given, Z = case(container, weighted=weighted)
    form = WholeGram(features, y, given, np.zeros(20))
    for alpha in (0.5, 0.05):
        at = form.penalty(alpha)
        form.minimize(alpha, at, 1000)
        r = y - Z @ form.w
        square, product = form.sizes()
        assert_allclose([square, product], [r @ r, r @ y], atol=1e-11 * (y @ y))
        assert bounded_enet_violation(form.w, Z, y, *at) < 1e-10


def test_columns_of_zeros_stay_where_bounds_hold_them():
    X, y = data(30, 5)
    X[:, 1] = X[:, 3] = 0
    features = Features.of(X, fit_intercept=False)
    lower = np.array([-np.inf, -np.inf, -np.inf, 0.2, -np.inf])
    given = penalty(5, 30, weights=[1, 0, 1, 0, 1], lower=lower)
    form = WholeGram(features, y, given, np.ones(5))
    n_iter = form.minimize(0.1, form.penalty(0.1), 1000)
    assert n_iter < 20
    assert_array_equal(form.w[[1, 3]], [0, 0.2])
    assert bounded_enet_violation(form.w, X, y, *form.penalty(0.1)) < 1e-10


def test_many_threads_form_the_same_matrix(monkeypatch):
    features, y, given, Z = case("F", 50, 80)
    monkeypatch.setattr(threads, "SMALL_PASS", 1)
    monkeypatch.setattr(threads, "available", lambda: 3)
    form = GramForm(features, y, given)
    which = kept(features, 80)
    form.admit(which[:40])
    form.admit(which[40:])
    m = form.m
    assert_allclose(form.Q[:m, :m], Z[:, which].T @ Z[:, which], atol=1e-10)


def test_sparse_columns_stay_sparse():
    features, y, given, _ = case("CSC", weighted=True)
    form = GramForm(features, y, given)
    form.admit(np.arange(5))
    assert sparse.issparse(form.block)
    assert form.block.nnz <= features.X[:, :5].nnz
