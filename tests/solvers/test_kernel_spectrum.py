import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from skreg._solvers import kernel_spectrum
from skreg._solvers.kernel_spectrum import (
    decompose,
    dual_coef,
    is_indefinite,
    solve,
    spectrum_of,
    weigh,
)


def problem(n=20, rank=None, t=2, seed=0, weighted=True):
    """A positive semidefinite matrix with eigenvalues from 1 to 10, targets and weights."""
    rng = np.random.default_rng(seed)
    Q = np.linalg.qr(rng.normal(size=(n, n)))[0][:, : n if rank is None else rank]
    K = (Q * np.linspace(10, 1, Q.shape[1])) @ Q.T
    K = (K + K.T) / 2
    weight = rng.uniform(0.3, 2, n) if weighted else None
    return K, rng.normal(size=(n, t)), weight


def equations(K, y, weight, alpha, dual):
    """What is left of D (K c - y) + alpha D^-1 c, for positive weights."""
    root = np.sqrt(weight)[:, None]
    return root * (K @ dual - y) + alpha * dual / root


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(1, 25),
    rank=st.integers(1, 25),
    log_alpha=st.floats(-6, 6),
    n_alphas=st.integers(1, 8),
    seed=st.integers(0, 2**32 - 1),
)
def test_solutions_solve_their_equations(n, rank, log_alpha, n_alphas, seed):
    K, y, weight = problem(n, min(n, rank), t=8, seed=seed)
    alpha = 10.0**log_alpha * (1 + np.arange(8) % n_alphas)
    solution = solve(weigh(K, y, weight), alpha)
    assert solution.rank is None
    rest = equations(K, y, weight, alpha, solution.dual_coef)
    assert np.abs(rest).max() < 1e-12 * (np.abs(y).max() + 30 * np.abs(solution.dual_coef).max())


def test_every_route_gives_the_same(monkeypatch):
    K, y, weight = problem()
    setting, alpha = weigh(K, y, weight), np.array([0.3, 0.3])
    by_cholesky = solve(setting, alpha).dual_coef
    by_eigenvalues = solve(setting, alpha, decompose(setting)).dual_coef
    by_spectrum = dual_coef(spectrum_of(setting, decompose(setting)), alpha)[0]
    one_by_one = solve(setting, np.array([0.3, 0.4])).dual_coef
    assert_allclose(one_by_one[:, 0], by_cholesky[:, 0], rtol=1e-12)
    monkeypatch.setattr(kernel_spectrum, "FEW", 1)
    assert_allclose(solve(setting, np.array([0.3, 0.4])).dual_coef, one_by_one, rtol=1e-11)
    monkeypatch.setattr(kernel_spectrum, "factorize", lambda *_: None)
    after_failure = solve(setting, alpha).dual_coef
    for other in (by_eigenvalues, by_spectrum, after_failure):
        assert_allclose(other, by_cholesky, rtol=1e-11)


def test_cholesky_needs_no_eigenvalues(monkeypatch):
    monkeypatch.delattr(kernel_spectrum, "decompose")
    K, y, weight = problem()
    assert solve(weigh(K, y, weight), np.array([0.3, 0.4])).rank is None
    y = np.tile(y, 4)
    assert solve(weigh(K, y, weight), np.full(8, 0.3)).rank is None
    with pytest.raises(NameError):  # a penalty each: now eigenvalues are cheaper
        solve(weigh(K, y, weight), np.linspace(0.1, 0.8, 8))


def test_the_matrix_is_copied_only_where_it_must_be():
    K, y, weight = problem()
    before = K.copy()
    assert weigh(K, y).A is K
    weigh(K, y, weight)
    solve(weigh(K, y), np.array([1.0, 1.0]))
    solve(weigh(K, y), np.array([1.0, 2.0]))
    assert_array_equal(K, before)
    assert weigh(K, y, weight, overwrite=True).A is K
    assert_allclose(K, before * np.sqrt(np.outer(weight, weight)))


@pytest.mark.parametrize("rank", [1, 7, 19, 20])
@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e290])
def test_rank(rank, scale):
    K, y, weight = problem(rank=rank)
    found = decompose(weigh(K * scale, y, weight))
    assert found.rank == rank
    assert np.all(np.diff(found.values) <= 0)
    # A sample without weight takes one dimension with it, but not from a smaller rank.
    weight[3] = 0
    assert decompose(weigh(K * scale, y, weight)).rank == min(rank, 19)


def test_rank_of_single_precision():
    K, y, _ = problem(rank=7)
    assert decompose(weigh(K.astype(np.float32), y)).rank == 7
    tiny = np.diag([1.0, 1e-8, 1e-8])
    assert decompose(weigh(tiny.astype(np.float32), y[:3])).rank == 1
    assert decompose(weigh(tiny, y[:3])).rank == 3
    # The same numbers in float64 have small eigenvalues of both signs: these are rounding too.
    assert decompose(weigh(K.astype(np.float32).astype(float), y)).rank == 7


def test_zero_matrix():
    setting = weigh(np.zeros((3, 3)), np.ones((3, 1)))
    spectrum = spectrum_of(setting, decompose(setting))
    assert len(spectrum.s) == 0
    assert_allclose(spectrum.loo([1.0]), 1)
    assert_allclose(solve(setting, np.array([4.0])).dual_coef, 0.25)
    at_zero = solve(setting, np.array([0.0]))
    assert at_zero.rank == 0
    assert_array_equal(at_zero.dual_coef, 0)


@pytest.mark.parametrize("alpha", [[0.0, 1e-13], [1e-12, 1e-12], [0.0, 0.0]])
def test_singular_directions_are_left_out_of_the_dual_coefficients(alpha):
    K, y, _ = problem(rank=7)
    setting = weigh(K, y)
    for decomposition in (None, decompose(setting)):
        solution = solve(setting, np.array(alpha), decomposition)
        assert solution.rank == 7
        assert_allclose(solution.dual_coef, np.linalg.pinv(K, rcond=1e-8) @ y, atol=1e-10)


def test_leave_one_out_of_an_interpolation():
    """As alpha vanishes, the error at sample i tends to (K^-1 y)_i / (K^-1)_ii (Dubrule, 1983)."""
    K, y, weight = problem()
    inverse = np.linalg.inv(K)
    expected = inverse @ y / np.diag(inverse)[:, None]
    setting = weigh(K, y, weight)
    spectrum = spectrum_of(setting, decompose(setting))
    for alpha in (1e-13, 1e-200, 0.0):
        assert_allclose(spectrum.loo_residuals([alpha])[:, 0], expected, rtol=1e-9)


@pytest.mark.parametrize("share", [1e-2, 1e-5])
def test_negative_eigenvalues(share):
    K, y, _ = problem(rank=19)
    values, Q = np.linalg.eigh(K)
    bad = (Q * np.where(np.arange(20) == 0, -10 * share, values)) @ Q.T
    with pytest.raises(ValueError, match=f"from -{10 * share:.3g} to 10"):
        decompose(weigh(bad, y))


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(1, 25),
    negative=st.integers(1, 25),
    share=st.sampled_from([1e-3, 1.0, 1e3]),
    n_alphas=st.sampled_from([1, 3, 8]),
    seed=st.integers(0, 2**32 - 1),
)
def test_indefinite_solutions_solve_their_equations(n, negative, share, n_alphas, seed):
    rng = np.random.default_rng(seed)
    K, y, weight = problem(n, t=8, seed=seed)
    values, Q = np.linalg.eigh(K)
    values[:negative] *= -share
    K = (Q * values) @ Q.T
    K = (K + K.T) / 2
    A = K * np.sqrt(np.outer(weight, weight))
    # One penalty halfway between two eigenvalues, the others above them all.
    ends = np.sort(np.append(np.maximum(-np.linalg.eigvalsh(A), 0), 0))
    gap = np.argmax(np.diff(ends))
    alpha = np.append((ends[gap] + ends[gap + 1]) / 2, ends[-1] + rng.uniform(1, 2, n_alphas - 1))
    alpha = np.resize(alpha, 8)
    solution = solve(weigh(K, y, weight), alpha)
    assert solution.indefinite
    rest = equations(K, y, weight, alpha, solution.dual_coef)
    size = np.abs(y).max() + (np.abs(K).sum(axis=0).max() + 1) * np.abs(solution.dual_coef).max()
    assert np.abs(rest).max() < 1e-12 * size


def test_an_uncertified_indefinite_solution_is_an_error(monkeypatch):
    K, y, weight = problem()
    assert solve(weigh(-K, y, weight), np.zeros(2)).indefinite
    monkeypatch.setattr(kernel_spectrum, "refine", lambda *_: None)
    with pytest.raises(ValueError, match=r"alpha in \[0.\] added to its diagonal"):
        solve(weigh(-K, y, weight), np.zeros(2))


@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e290])
def test_rounding_is_not_taken_for_indefinite(scale):
    for rank in (1, 7, 20):
        K = problem(rank=rank)[0] * scale
        assert not is_indefinite(K)
        assert is_indefinite(K - 1e-3 * K.diagonal().max() * np.eye(20)) == (rank < 20)
    assert not is_indefinite(problem(rank=7)[0].astype(np.float32).astype(float) * scale)
    assert not is_indefinite(np.zeros((3, 3)))


def test_spectrum_is_that_of_data_with_this_gram_matrix():
    rng = np.random.default_rng(0)
    X, y, weight = rng.normal(size=(12, 5)), rng.normal(size=(12, 2)), rng.uniform(0.2, 2, 12)
    setting = weigh(X @ X.T, y, weight)
    spectrum = spectrum_of(setting, decompose(setting))
    root = np.sqrt(weight)[:, None]
    s = np.linalg.svd(root * X, compute_uv=False)
    assert_allclose(spectrum.s, s, rtol=1e-12)
    alpha = 0.7
    w = np.linalg.solve(X.T @ (weight[:, None] * X) + alpha * np.eye(5), X.T @ (root**2 * y))
    assert_allclose(spectrum.coef_norm(alpha), np.linalg.norm(w, axis=0), rtol=1e-12)
    residual = np.linalg.norm(root * (y - X @ w), axis=0)
    assert_allclose(spectrum.residual_norm(alpha), residual, rtol=1e-12)
    assert_allclose(X.T @ dual_coef(spectrum, [alpha])[0], w, rtol=1e-10)
    assert spectrum.n_samples == 12
    assert not spectrum.full


def test_targets_in_other_units():
    K, y, weight = problem()
    setting = weigh(K, y, weight)
    plain = spectrum_of(setting, decompose(setting))
    unit = np.array([4.0, 0.5])
    divided = spectrum_of(setting, decompose(setting), unit=unit)
    assert_allclose(divided.loo([1.0]) * unit**2, plain.loo([1.0]))
    assert_allclose(dual_coef(divided, [1.0]) * unit, dual_coef(plain, [1.0]))
