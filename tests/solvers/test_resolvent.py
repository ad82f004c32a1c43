import numpy as np
import pytest
from numpy.testing import assert_allclose

from skreg._solvers.resolvent import count_below, resolvent, solutions

ALPHAS = np.array([1e-3, 1.0, 100.0])


def problem(m, rank=None, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(m if rank is None else rank, m)) / 3
    if rank is None:
        X = np.vstack([X, 3 * np.eye(m)])
    return X.T @ X, rng.normal(size=(m, 2))


@pytest.mark.parametrize("m", [2, 3, 40])
def test_it_solves_for_every_alpha(m):
    G, B = problem(m)
    found = resolvent(G.copy(), B, ALPHAS.min()).coef(ALPHAS)
    expected = [np.linalg.solve(G + a * np.eye(m), B).T for a in ALPHAS]
    assert_allclose(found, expected, rtol=1e-11, atol=1e-13)


def test_each_target_may_have_its_own_alpha():
    G, B = problem(9)
    found = resolvent(G.copy(), B, 1e-3)
    each = found.coef(np.array([[1e-3, 100.0], [1.0, 1.0]]))
    shared = found.coef(ALPHAS)
    assert_allclose(each[0], [shared[0, 0], shared[2, 1]], rtol=1e-12)
    assert_allclose(each[1], shared[1], rtol=1e-12)


def test_it_declines_what_would_lose_digits():
    G, B = problem(9, rank=4)
    assert resolvent(G.copy(), B, 1e-9) is None
    assert resolvent(G.copy(), B, 1e-3) is not None
    assert resolvent(G.copy(), B, 0.0, nulls=5) is None  # singular
    assert resolvent(G.copy(), B, 1e-9, nulls=5) is not None
    for scale in (0.0, 1e-300, 1e300, np.nan):
        assert resolvent(G * scale, B, 1.0) is None
    assert resolvent(np.ones((1, 1)), B[:1], 1.0) is None  # nothing to reduce


def test_known_nulls_spoil_only_their_own_direction():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(12, 30)) + 2
    X -= X.mean(axis=0)
    y = rng.normal(size=(12, 1))
    y -= y.mean()
    found = resolvent(X @ X.T, y, 1e-9, nulls=1).coef(np.array([1e-9]))[0, 0]
    found -= found.mean()
    assert_allclose(found, (np.linalg.pinv(X @ X.T, rcond=1e-12) @ y)[:, 0], rtol=1e-8)


@pytest.mark.parametrize("m", [2, 3, 7, 8, 9, 17, 40])
@pytest.mark.parametrize("n_alphas", [1, 2, 3])
def test_the_diagonal_is_that_of_the_inverse(m, n_alphas):
    G, B = problem(m)
    found = resolvent(G.copy(), B, ALPHAS.min()).inverse_diagonal(ALPHAS[:n_alphas])
    expected = [np.linalg.inv(G + a * np.eye(m)).diagonal() for a in ALPHAS[:n_alphas]]
    assert_allclose(found, np.transpose(expected), rtol=1e-11)


def test_the_diagonal_is_the_same_in_several_threads(monkeypatch):
    G, B = problem(300)
    found = resolvent(G.copy(), B, 1e-3)
    one = found.inverse_diagonal(ALPHAS)
    monkeypatch.setattr("skreg._solvers.threads.SMALL_PASS", 0)
    monkeypatch.setattr("skreg._solvers.threads.available", lambda: 3)
    assert_allclose(found.inverse_diagonal(ALPHAS), one, rtol=1e-14)


def test_it_solves_for_an_alpha_a_column():
    G, B = problem(9)
    alpha = np.array([1e-3, 100.0])
    found = resolvent(G.copy(), B, 1e-3).at(alpha).solve(2 * B)
    for k in range(2):
        expected = np.linalg.solve(G + alpha[k] * np.eye(9), 2 * B[:, k])
        assert_allclose(found[:, k], expected, rtol=1e-11)


def test_zero_eigenvalues_need_a_penalty_that_outweighs_their_rounding():
    G, B = problem(9, rank=4)
    top = np.linalg.eigvalsh(G)[-1]
    assert resolvent(G.copy(), B, 9e-8 * top) is None
    assert resolvent(G.copy(), B, 1.1e-7 * top) is not None


def test_few_solutions_are_those_of_each_alpha():
    G, B = problem(9)
    found = solutions(G, B, ALPHAS)
    expected = [np.linalg.solve(G + a * np.eye(9), B).T for a in ALPHAS]
    assert_allclose(found.coef(ALPHAS), expected, rtol=1e-11)
    each = found.coef(np.array([[1e-3, 100.0]]))
    assert_allclose(each[0], [expected[0][0], expected[2][1]], rtol=1e-11)
    assert solutions(problem(9, rank=4)[0], B, [1e-9]) is None


@pytest.mark.parametrize("scale", [1e-200, 1e-160, 1e160, 1e250])
def test_what_is_harmless_does_not_depend_on_the_unit(scale):
    t = np.linspace(0, 1, 40)
    X = t[:, None] ** np.arange(12)
    G, B = X.T @ X, np.ones((12, 1))
    assert resolvent(G.copy(), B, 1e-12) is None
    assert resolvent(G * scale, B, 1e-12 * scale) is None
    found = resolvent(G * scale, B * scale, scale).coef(np.array([scale]))
    assert_allclose(found, resolvent(G.copy(), B, 1.0).coef(np.array([1.0])), rtol=1e-8)


def test_eigenvalues_below_a_bound_are_counted():
    G, B = problem(40)
    found = resolvent(G.copy(), B, 1.0)
    values = np.linalg.eigvalsh(G)
    for bound in (0.0, values[0] * 1.01, values[17] * 1.0001, values[-1] * 1.01):
        expected = np.count_nonzero(values < bound)
        assert count_below(found.diagonal, found.beside, bound) == expected
