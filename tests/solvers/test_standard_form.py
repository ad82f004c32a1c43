import re

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import sparse

from skreg._solvers.design import centre
from skreg._solvers.standard_form import complete_orthogonal, operator, standard_form

RNG = np.random.default_rng(7)
P = 12
PENALTIES = {
    "identity": np.eye(P),
    "orthogonal": 3.0 * np.linalg.qr(RNG.normal(size=(P, P)))[0],
    "first": "first",
    "second": "second",
    "wide": RNG.normal(size=(5, P)),
    "tall": RNG.normal(size=(40, P)),
    "deficient": RNG.normal(size=(9, 4)) @ RNG.normal(size=(4, P)),
    "tall deficient": RNG.normal(size=(30, 6)) @ RNG.normal(size=(6, P)),
    "one row": RNG.normal(size=(1, P)),
    "sparse": sparse.random_array((20, P), density=0.2, rng=3, format="csr"),
    "graded": np.diag(10.0 ** np.linspace(-5, 5, P)),
    "zero": np.zeros((3, P)),
}
EACH_PENALTY = pytest.mark.parametrize("name", PENALTIES)


def data(n=30, p=P, t=2, seed=0):
    rng = np.random.default_rng(seed)
    design = centre(rng.normal(size=(n, p)), rng.normal(size=(n, t)))
    return design.X, design.y


def stacked(X, y, L, alpha, w0=0.0):
    """The definition: least squares on [X; sqrt(alpha) L], of minimum norm."""
    rows = np.vstack([X, np.sqrt(alpha) * L])
    prior = np.broadcast_to(w0, (y.shape[1], X.shape[1]))
    target = np.vstack([y - X @ prior.T, np.zeros((len(L), y.shape[1]))])
    return np.linalg.lstsq(rows, target)[0].T + prior


def ridge(form, alpha):
    """Coefficients in standard form by their own stacked least squares."""
    q = form.X.shape[1]
    return stacked(form.X, form.y, np.eye(q), alpha) if q else np.zeros((form.y.shape[1], 0))


def fit(X, y, L, alpha, w0=None):
    form = standard_form(X, y, L, w0)
    return form.coef(ridge(form, alpha))


@EACH_PENALTY
@pytest.mark.parametrize("n", [30, 7, 1])
@pytest.mark.parametrize("alpha", [1e-3, 1.0, 1e3])
def test_solves_the_stacked_least_squares_problem(name, n, alpha):
    X, y = data(n)
    L = operator(PENALTIES[name], P)
    np.testing.assert_allclose(fit(X, y, L, alpha), stacked(X, y, L, alpha), rtol=1e-9, atol=1e-9)


@EACH_PENALTY
@pytest.mark.parametrize("n", [30, 7])
def test_shrinks_towards_the_prior_mean(name, n):
    X, y = data(n)
    L, w0 = operator(PENALTIES[name], P), np.random.default_rng(3).normal(size=(2, P))
    each = [stacked(X, y[:, [k]], L, 0.7, w0[k])[0] for k in range(2)]
    np.testing.assert_allclose(fit(X, y, L, 0.7, w0), each, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(fit(X, y, L, 0.7, w0[0])[0], each[0], rtol=1e-9, atol=1e-9)


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    n=st.integers(1, 15),
    p=st.integers(1, 10),
    q=st.integers(1, 14),
    rank=st.integers(1, 10),
    log_alpha=st.floats(-3, 3),
)
@example(seed=252, n=3, p=9, q=3, rank=3, log_alpha=0.0)  # L has a condition of 1e4
def test_any_shape_and_rank(seed, n, p, q, rank, log_alpha):
    rng = np.random.default_rng(seed)
    X, y = data(n, p, 1, seed)
    L = rng.normal(size=(q, rank)) @ rng.normal(size=(rank, p))
    alpha, w0 = 10**log_alpha, rng.normal(size=p)
    w = fit(X, y, L, alpha, w0)
    expected = stacked(X, y, L, alpha, w0)
    np.testing.assert_allclose(w, expected, rtol=1e-6, atol=1e-6 * (1 + np.abs(expected).max()))


def test_the_identity_is_ridge():
    X, y = data()
    form = standard_form(X, y, np.eye(P))
    assert form.free.shape == (30, 0)
    assert form.rounding <= 30 * np.finfo(float).eps * np.linalg.norm(X, 2)
    expected = np.linalg.solve(X.T @ X + 2.0 * np.eye(P), X.T @ y).T
    np.testing.assert_allclose(form.coef(ridge(form, 2.0)), expected, rtol=1e-11)
    np.testing.assert_allclose(
        np.linalg.svd(form.X, compute_uv=False), np.linalg.svd(X, compute_uv=False), rtol=1e-13
    )


def test_a_rotation_only_scales_alpha():
    X, y = data()
    rotated = fit(X, y, PENALTIES["orthogonal"], 2.0)
    np.testing.assert_allclose(rotated, fit(X, y, np.eye(P), 18.0), atol=1e-14)


@EACH_PENALTY
@pytest.mark.parametrize("n", [30, 7])
def test_the_parts_belong_together(name, n):
    X, y = data(n)
    L = operator(PENALTIES[name], P)
    form = standard_form(X, y, L)
    G, F = form.penalty, form.free
    scale, size = max(1.0, np.abs(L).max() ** 2), 1 + np.abs(form.X).max(initial=0)
    np.testing.assert_allclose(G.T @ G, L.T @ L, rtol=0, atol=1e-12 * scale)
    np.testing.assert_allclose(F.T @ F, np.eye(F.shape[1]), atol=1e-13)
    np.testing.assert_allclose(F.T @ form.X, 0, atol=1e-14 * size)
    np.testing.assert_allclose(F.T @ form.y, 0, atol=1e-14)
    np.testing.assert_allclose(X @ form.free_back, F, atol=1e-12)
    np.testing.assert_allclose(X @ form.back, form.X, rtol=0, atol=1e-12 * size)
    np.testing.assert_allclose(L @ form.free_back, 0, atol=1e-12 * np.sqrt(scale))
    v = np.random.default_rng(0).normal(size=(2, G.shape[0]))
    w = form.coef(v)
    np.testing.assert_allclose(
        np.linalg.norm(w @ L.T, axis=1), np.linalg.norm(v, axis=1), rtol=1e-9, atol=1e-9
    )
    np.testing.assert_allclose(y - X @ w.T, form.y - form.X @ v.T, rtol=1e-9, atol=1e-9)


def test_coefficients_of_many_alphas_at_once():
    X, y = data()
    form = standard_form(X, y, operator("second", P), np.ones(P))
    V = np.stack([ridge(form, a) for a in (0.1, 1.0, 10.0)])
    W = form.coef(V)
    assert W.shape == (3, 2, P)
    np.testing.assert_array_equal(W[1], form.coef(V[1]))


@pytest.mark.parametrize("n", [40, 9])
def test_a_straight_line_is_not_penalized_by_second_differences(n):
    X, _ = data(n)
    line = 3.0 - 0.25 * np.arange(P)
    y = (X @ line)[:, None]
    form = standard_form(X, y, operator("second", P))
    # Without any penalized part, as for alpha tending to infinity.
    np.testing.assert_allclose(form.coef(np.zeros((1, P - 2)))[0], line, rtol=1e-12)
    np.testing.assert_allclose(fit(X, y, operator("second", P), 1e12)[0], line, rtol=1e-10)
    np.testing.assert_allclose(fit(X, y, operator("second", P), 1e-3)[0], line, rtol=1e-10)


@EACH_PENALTY
def test_infinite_alpha_leaves_the_prior_mean_and_the_null_space(name):
    X, y = data()
    L, w0 = operator(PENALTIES[name], P), np.linspace(-1, 1, P)
    form = standard_form(X, y, L, w0)
    w = form.coef(np.zeros((2, len(form.penalty))))
    scale = np.abs(L).max()
    np.testing.assert_allclose((w - w0) @ L.T, 0, atol=1e-11 * scale)
    # What remains is least squares over the null space of L.
    N = np.linalg.svd(L)[2][np.linalg.matrix_rank(L) :].T
    free = np.linalg.lstsq(X @ N, y - (X @ w0)[:, None])[0]
    np.testing.assert_allclose(w, w0 + (N @ free).T, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("n", [30, 5])
def test_what_nothing_determines_keeps_the_prior_mean(n):
    """Constants are free under "first", and invisible where the columns of X cancel."""
    X, y = data(n)
    X = X - X.mean(axis=1, keepdims=True)
    form = standard_form(X, y, operator("first", P))
    assert form.free.shape == (n, 0)
    w = fit(X, y, operator("first", P), 0.5, np.full(P, 4.0))
    np.testing.assert_allclose(w.mean(axis=1), 4.0, rtol=1e-12)
    expected = stacked(X, y, operator("first", P), 0.5, np.full(P, 4.0))
    np.testing.assert_allclose(w, expected, rtol=1e-9)


def test_a_free_direction_counts_however_small_its_columns():
    X, y = data(30, 4)
    X = X * [1e9, 1e9, 1e9, 1e-9]
    L = np.eye(4)[:3]
    form = standard_form(X, y, L)
    assert form.free.shape == (30, 1)
    np.testing.assert_allclose(np.abs(form.free[:, 0]), np.abs(X[:, 3]) / np.linalg.norm(X[:, 3]))


def test_free_directions_that_fit_everything_leave_nothing_to_penalize():
    X, y = data(6)
    form = standard_form(X, y, np.eye(P)[:3])
    assert form.free.shape == (6, 5)  # the centred rows
    assert not form.X.any()
    assert form.rounding > 0
    np.testing.assert_allclose(X @ fit(X, y, np.eye(P)[:3], 1.0).T, y, atol=1e-12)


def test_free_directions_are_projected_out_to_the_last_digit():
    """So that U and F are orthogonal: leverages are sums of their squares."""
    X, y = data()
    large = 1e6 * X[:, :1]
    form = standard_form(np.hstack([X[:, :1], X[:, 1:] + large]), y + large, np.eye(P)[1:])
    np.testing.assert_allclose(form.free.T @ form.X, 0, atol=1e-14)
    np.testing.assert_allclose(form.free.T @ form.y, 0, atol=1e-14)


def test_rounding_is_told_apart_from_singular_values():
    """A large free direction takes the digits from what is left; the cut-off knows."""
    rng = np.random.default_rng(0)
    common = rng.normal(size=(40, 1))
    X = centre(1e8 * common + rng.normal(size=(40, 3)) @ rng.normal(size=(3, P)), common).X
    form = standard_form(X, common, operator("first", P))
    s = np.linalg.svd(form.X, compute_uv=False)
    assert np.count_nonzero(s > form.rounding) == 3
    assert np.count_nonzero(s > s[0] * 40 * np.finfo(float).eps) > 3


@pytest.mark.parametrize("name", ["second", "tall", "wide", "deficient"])
@pytest.mark.parametrize("X_scale", [2.0**-500, 2.0**500])
@pytest.mark.parametrize("L_scale", [2.0**-500, 1.0, 2.0**500])
def test_no_scale_matters(name, X_scale, L_scale):
    X, y = data()
    L, w0 = operator(PENALTIES[name], P), np.linspace(-1, 1, P)
    form = standard_form(X, y, L, w0)
    scaled = standard_form(X * X_scale, y, L * L_scale, w0 / X_scale)
    np.testing.assert_allclose(scaled.X, form.X * (X_scale / L_scale), rtol=1e-12)
    np.testing.assert_allclose(scaled.y, form.y, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(scaled.free, form.free, rtol=1e-12, atol=1e-14)
    V = np.random.default_rng(0).normal(size=(2, len(form.penalty)))
    np.testing.assert_allclose(scaled.coef(V * L_scale / X_scale) * X_scale, form.coef(V))
    np.testing.assert_allclose(scaled.penalty, form.penalty * L_scale)
    # Each factor in range: L and X alone, as well as what they become together.
    assert scaled.rounding == pytest.approx(form.rounding * (X_scale / L_scale), abs=0)


@pytest.mark.parametrize("n", [30, 7])
@pytest.mark.parametrize("name", ["identity", "first", "second", "tall", "wide"])
def test_the_covariance_inverts_the_hessian(name, n):
    X, y = data(n)
    L, alpha = operator(PENALTIES[name], P), 0.3
    form = standard_form(X, y, L)
    C = np.linalg.inv(form.X.T @ form.X + alpha * np.eye(form.X.shape[1]))
    covariance, hessian = form.covariance(C), X.T @ X + alpha * L.T @ L
    np.testing.assert_allclose(hessian @ covariance @ hessian, hessian, rtol=1e-6, atol=1e-6)
    if np.linalg.matrix_rank(hessian) == P:
        np.testing.assert_allclose(covariance, np.linalg.inv(hessian), rtol=1e-6, atol=1e-8)


@EACH_PENALTY
@pytest.mark.parametrize("n", [30, 7])
def test_the_resolution_maps_the_truth_to_its_estimate(name, n):
    X, _ = data(n)
    L, truth = operator(PENALTIES[name], P), np.random.default_rng(5).normal(size=P)
    form = standard_form(X, (X @ truth)[:, None], L)
    q, alpha = form.X.shape[1], 0.3
    gram = form.X.T @ form.X
    R = np.linalg.solve(gram + alpha * np.eye(q), gram)
    np.testing.assert_allclose(
        form.resolution(R) @ truth, form.coef(ridge(form, alpha))[0], rtol=1e-8, atol=1e-8
    )


def test_float32_is_computed_in_float64_and_cut_off_at_its_own_rounding():
    X, y = data()
    X32, y32 = X.astype(np.float32), y.astype(np.float32)
    form = standard_form(X32, y32, operator("first", P))
    assert {a.dtype for a in form if isinstance(a, np.ndarray)} == {np.dtype(np.float64)}
    double = standard_form(X32.astype(np.float64), y32.astype(np.float64), operator("first", P))
    np.testing.assert_array_equal(form.X, double.X)
    assert form.rounding / double.rounding == pytest.approx(2.0**29)
    # Constants are invisible to columns that cancel up to float32's rounding.
    X32 -= X32.mean(axis=1, keepdims=True)
    assert standard_form(X32, y32, operator("first", P)).free.shape == (30, 0)


def test_arguments_are_left_alone():
    X, y = data()
    L, w0 = operator("second", P), np.ones(P)
    before = [a.copy() for a in (X, y, L, w0)]
    for a in (X, y, L, w0):
        a.flags.writeable = False
    standard_form(X, y, L, w0)
    for a, b in zip((X, y, L, w0), before, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (5, 5), (3, 1), (1, 3), (4, 0)])
@pytest.mark.parametrize("rank", [1, 2, 6])
def test_complete_orthogonal_decomposition(shape, rank):
    rng = np.random.default_rng(0)
    A = rng.normal(size=(shape[0], rank)) @ rng.normal(size=(rank, shape[1]))
    Q, T, Z = complete_orthogonal(A)
    k = min(*shape, rank)
    assert T.shape == (k, k)
    np.testing.assert_allclose(Q[:, :k] @ T.T @ Z.T, A, atol=1e-13)
    np.testing.assert_allclose(Z.T @ Z, np.eye(k), atol=1e-14)
    np.testing.assert_array_equal(T, np.triu(T))


def test_operators_by_name():
    np.testing.assert_array_equal(operator("first", 3), [[-1, 1, 0], [0, -1, 1]])
    np.testing.assert_array_equal(operator("second", 4), [[1, -2, 1, 0], [0, 1, -2, 1]])


@pytest.mark.parametrize(
    "make",
    [np.asarray, np.ndarray.tolist, sparse.csr_array, sparse.coo_matrix],
)
def test_operators_from_matrices(make):
    L = np.array([[1.0, 0.0, -2.0], [0.0, 3.0, 0.0]])
    np.testing.assert_array_equal(operator(make(L), 3), L)


@pytest.mark.parametrize(
    ("L", "error", "text"),
    [
        ("third", ValueError, "penalty_matrix='third' is unknown: use 'first', 'second'"),
        (
            np.eye(4),
            ValueError,
            "penalty_matrix has shape (4, 4); expected at least one row and 3",
        ),
        (sparse.eye_array(2), ValueError, "penalty_matrix has shape (2, 2)"),
        (np.ones(3), ValueError, "shape (3,); expected at least one row and 3 columns, one for "),
        (np.ones(3), ValueError, "np.diag(weights)"),
        (np.ones((1, 3, 3)), ValueError, "penalty_matrix has shape (1, 3, 3)"),
        (np.ones((0, 3)), ValueError, "penalty_matrix has shape (0, 3)"),
        ([[1, np.nan, 0]], ValueError, "penalty_matrix contains NaN or infinity"),
        ([[1, np.inf, 0]], ValueError, "penalty_matrix contains NaN or infinity"),
        ([["a", "b", "c"]], ValueError, "penalty_matrix must be 'first', 'second' or a matrix"),
        ([[1, 2, 3], [1]], ValueError, "penalty_matrix must be 'first', 'second' or a matrix"),
        (object(), TypeError, "penalty_matrix must be 'first', 'second' or a matrix"),
    ],
)
def test_errors_of_operators_say_what_to_do(L, error, text):
    with pytest.raises(error, match=re.escape(text)):
        operator(L, 3)


@pytest.mark.parametrize(("word", "p"), [("first", 1), ("second", 2), ("second", 1)])
def test_differences_need_neighbours(word, p):
    needed = {"first": 2, "second": 3}[word]
    with pytest.raises(ValueError, match=f"penalty_matrix='{word}'.*at least {needed} features"):
        operator(word, p)


@pytest.mark.parametrize("condition", [1e1, 1e2, 1e3, 1e4])
@pytest.mark.parametrize(("n", "p"), [(5, 12), (30, 80)])
def test_a_null_space_that_the_data_do_not_see_is_not_fitted(condition, n, p):
    """LN = 0 where XN = 0: of XN remain rounding errors, which grow with L's condition."""
    for seed in range(10):
        rng = np.random.default_rng(seed)
        X, y = rng.normal(size=(n, p)), rng.normal(size=(n, 1))
        U, V = (np.linalg.qr(rng.normal(size=(n, n)))[0] for _ in range(2))
        L = (U * np.geomspace(1, 1 / condition, n)) @ V.T @ X
        assert standard_form(X, y, L).free.shape == (n, 0)
        expected = stacked(X, y, L, 1.0)
        scale = np.abs(expected).max()
        np.testing.assert_allclose(fit(X, y, L, 1.0), expected, atol=1e-9 * scale)


@pytest.mark.parametrize("condition", [1.0, 1e2, 1e5])
@pytest.mark.parametrize("small", [1.0, 1e-6])
def test_a_null_space_that_the_data_see_in_part(condition, small):
    for seed in range(10):
        rng = np.random.default_rng(seed)
        V = np.linalg.qr(rng.normal(size=(9, 9)))[0]
        U = np.linalg.qr(rng.normal(size=(4, 4)))[0]
        L = U * np.geomspace(1, 1 / condition, 4) @ V[:, :4].T
        seen = np.repeat([1.0, small, 0.0], [4, 2, 3])
        X, y = (rng.normal(size=(20, 9)) * seen) @ V.T, rng.normal(size=(20, 1))
        assert standard_form(X, y, L).free.shape == (20, 2)


def test_rounding_knows_that_a_faint_free_direction_is_uncertain():
    """X has rank 2 and one direction is free, so that one is left; F is known to eps / 1e-7."""
    for seed in range(10):
        rng = np.random.default_rng(seed)
        V, U = np.linalg.qr(rng.normal(size=(6, 6)))[0], np.linalg.qr(rng.normal(size=(40, 2)))[0]
        X = np.outer(U[:, 0], V[:, 0] + 1e-7 * V[:, 5]) + np.outer(U[:, 1], V[:, 1])
        form = standard_form(X, U[:, :1], V[:, :5].T)
        assert form.free.shape == (40, 1)
        s = np.linalg.svd(form.X, compute_uv=False)
        assert s[1] < form.rounding < 1e-3 * s[0]
