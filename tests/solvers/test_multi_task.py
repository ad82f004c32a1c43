import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from skreg._solvers import multi_task, multi_task_rows, path
from skreg._solvers.features import Features
from skreg._solvers.multi_task import Path, alpha_max, walk
from skreg._solvers.multi_task_products import TaskProducts
from skreg._solvers.penalty import penalty
from tests.reference import multi_task_objective, multi_task_stationarity, row_norms


def problem(n, p, t, *, rows=5, noise=0.5, seed=0):
    """Data with some rows of W that are not zero."""
    rng = np.random.default_rng(seed)
    X, W = rng.standard_normal((n, p)), np.zeros((p, t))
    W[rng.choice(p, min(rows, p), replace=False)] = rng.standard_normal((min(rows, p), t))
    return X, X @ W + noise * rng.standard_normal((n, t)) + 2.0


def targets(features, Y):
    return np.column_stack([features.target(y)[0] for y in Y.T])


def solved(X, Y, alphas, l1_ratio=1.0, weight=None, v=None, **options):
    """Points at these shares of alpha_max, W for each, and the Features."""
    features = Features.of(X, weight)
    centred = targets(features, Y)
    given = penalty(X.shape[1], X.shape[0], l1_ratio, weights=v)
    largest = alpha_max(features, centred, given)
    options = {"tol": 1e-13, "max_iter": 20_000} | options
    points = list(walk(features, centred, given, largest * np.asarray(alphas), **options))
    return points, [full(point, X.shape[1], Y.shape[1]) for point in points], features


def full(point, p, t):
    W = np.zeros((p, t))
    W[point.support] = point.coef
    return W


def violation(point, W, X, Y, l1_ratio=1.0, weight=None, v=None):
    """Of the optimality conditions, in parts of alpha l1_ratio, with the best intercept."""
    X = X.toarray() if sparse.issparse(X) else X
    b = np.average(Y - X @ W, axis=0, weights=weight)
    found = multi_task_stationarity(W, b, X, Y, point.alpha, l1_ratio, weight, v)
    return found / point.alpha / l1_ratio


SHAPES = {"wide": (30, 80), "wider than twice": (12, 90), "square": (25, 25), "tall": (90, 12)}
PATH = np.geomspace(1.2, 1e-3, 15)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("l1_ratio", [1.0, 0.5, 0.05])
@pytest.mark.parametrize("layout", [np.asfortranarray, np.ascontiguousarray, sparse.csc_array])
def test_optimality_at_every_alpha(shape, l1_ratio, layout):
    X, Y = problem(*shape, 3)
    X[np.abs(X) < 0.3] = 0
    points, coefs, _ = solved(layout(X), Y, PATH, l1_ratio)
    assert [point.converged for point in points] == [True] * len(PATH)
    assert max(violation(a, W, X, Y, l1_ratio) for a, W in zip(points, coefs, strict=True)) < 1e-7
    assert len(points[0].support) == 0
    assert len(points[-1].support) > 5


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_weights_of_rows_and_of_features(shape):
    X, Y = problem(*shape, 2)
    rng = np.random.default_rng(1)
    weight = rng.random(shape[0]) * (rng.random(shape[0]) < 0.8)
    weight *= shape[0] / weight.sum()
    v = rng.choice([1.0, 2.5, np.inf], shape[1])
    v[:2] = 0
    points, coefs, _ = solved(X, Y, PATH, 0.9, weight, v)
    found = [violation(a, W, X, Y, 0.9, weight, v) for a, W in zip(points, coefs, strict=True)]
    assert max(found) < 1e-7
    assert_array_equal(coefs[-1][np.isinf(v)], 0)
    assert set(points[0].support) == {0, 1}


def test_orthonormal_features_are_shrunk_as_blocks():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 6))
    Q, _ = np.linalg.qr(X - X.mean(axis=0))
    Y = rng.standard_normal((40, 3))
    Y -= Y.mean(axis=0)
    features, G = Features.of(Q), Q.T @ Y
    point = next(walk(features, Y, penalty(6, 1.0), [0.3], tol=1e-14))
    norms = row_norms(G)
    assert_allclose(full(point, 6, 3), np.maximum(1 - 0.3 / norms, 0)[:, None] * G, atol=1e-12)


@pytest.mark.parametrize("shape", [(30, 60), (60, 10)])
def test_one_task_is_the_lasso(shape):
    X, Y = problem(*shape, 1)
    alphas = [0.5, 0.1, 0.01]
    _, coefs, features = solved(X, Y, alphas)
    y = targets(features, Y)[:, 0]
    given = penalty(shape[1], shape[0])
    alphas = path.alpha_max(features, y, given) * np.array(alphas)
    for W, point in zip(coefs, path.walk(features, y, given, alphas, tol=1e-13), strict=True):
        assert_allclose(W[point.support, 0], point.coef, rtol=1e-6, atol=1e-9)
        assert_array_equal(np.flatnonzero(W[:, 0]), point.support)


def test_rotated_tasks_have_rotated_coefficients():
    X, Y = problem(30, 50, 4)
    U, _ = np.linalg.qr(np.random.default_rng(1).standard_normal((4, 4)))
    _, plain, _ = solved(X, Y, [0.3, 0.05])
    _, rotated, _ = solved(X, Y @ U, [0.3, 0.05])
    for W, V in zip(plain, rotated, strict=True):
        assert_allclose(W @ U, V, atol=1e-9)


def test_permuted_features_have_permuted_coefficients():
    X, Y = problem(30, 50, 2)
    order = np.random.default_rng(1).permutation(50)
    _, plain, _ = solved(X, Y, [0.3, 0.05])
    _, permuted, _ = solved(X[:, order], Y, [0.3, 0.05])
    for W, U in zip(plain, permuted, strict=True):
        assert_allclose(W[order], U, atol=1e-9)


@pytest.mark.parametrize("unit_X", [1e-150, 1.0, 1e150])
@pytest.mark.parametrize("unit_Y", [1e-150, 1e150])
@pytest.mark.parametrize("shape", [(20, 30), (30, 8)])
def test_units_do_not_matter(unit_X, unit_Y, shape):
    X, Y = problem(*shape, 2)
    _, plain, _ = solved(X, Y, [0.3, 0.05])
    points, scaled, _ = solved(X * unit_X, Y * unit_Y, [0.3, 0.05])
    for W, U in zip(plain, scaled, strict=True):
        assert_allclose(U * unit_X, W * unit_Y, rtol=1e-8, atol=1e-9 * unit_Y)
    assert all(point.converged for point in points)


@pytest.mark.parametrize("shape", [(20, 40), (60, 10)])
def test_any_order_of_alphas(shape):
    X, Y = problem(*shape, 3)
    shares = np.geomspace(1, 0.01, 8)
    _, down, _ = solved(X, Y, shares)
    order = np.random.default_rng(0).permutation(8)
    points, mixed, _ = solved(X, Y, np.append(shares[order], shares[order[-1]]))
    for k, W in zip(order, mixed, strict=False):
        assert_allclose(W, down[k], atol=1e-8)
    assert_allclose(mixed[-1], mixed[-2], atol=1e-8)  # the same alpha again
    assert all(point.converged for point in points)


@pytest.mark.parametrize("shape", [(20, 40), (60, 10)])
def test_start_at_the_solution_stays_there(shape):
    X, Y = problem(*shape, 3)
    points, coefs, _ = solved(X, Y, [0.1])
    again, found, _ = solved(X, Y, [0.1], start=coefs[0])
    assert_allclose(found[0], coefs[0], atol=1e-8)
    assert again[0].n_iter <= 3 < points[0].n_iter
    # A bad start ends at the same place, and an excluded feature does not stay in.
    _, bad, _ = solved(X, Y, [0.1], start=1e3 * np.ones_like(coefs[0]))
    assert_allclose(bad[0], coefs[0], atol=1e-7)
    v, out = np.ones(shape[1]), points[0].support[0]
    v[out] = np.inf
    _, held, _ = solved(X, Y, [0.1], v=v, start=coefs[0])
    _, good, _ = solved(X, Y, [0.1], v=v)
    assert_allclose(held[0], good[0], atol=1e-7)
    assert_array_equal(held[0][out], 0)


@pytest.mark.parametrize("shape", [(20, 40), (60, 10)])
@pytest.mark.parametrize("tol", [1e-2, 1e-5])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.3])
def test_the_gap_is_an_upper_bound_and_below_the_tolerance(shape, tol, l1_ratio, monkeypatch):
    X, Y = problem(*shape, 3)
    shares = np.geomspace(1, 0.02, 20)
    _, best, _ = solved(X, Y, shares, l1_ratio)
    monkeypatch.setattr(multi_task_rows, "SMALL_STEP", 0)  # Newton steps would leave no gap
    points, coefs, features = solved(X, Y, shares, l1_ratio, tol=tol)
    total = np.sum(targets(features, Y) ** 2)
    wide = 0
    for point, W, U in zip(points, coefs, best, strict=True):
        values = [
            multi_task_objective(A, (Y - X @ A).mean(axis=0), X, Y, point.alpha, l1_ratio)
            for A in (W, U)
        ]
        excess = shape[0] * (values[0] - values[1])
        assert excess <= point.gap + 1e-12 * total
        assert point.gap <= tol * total
        assert point.converged
        wide += point.gap > 1e-13 * total
    assert wide > 0  # else the bound was not put to the test


def test_not_converged_says_so_and_keeps_its_gap():
    X, Y = problem(30, 60, 3)
    points, coefs, _ = solved(X, Y, [1e-3], max_iter=2)
    best = solved(X, Y, [1e-3])[1][0]
    assert (points[0].n_iter, points[0].converged) == (2, False)
    values = [
        multi_task_objective(A, (Y - X @ A).mean(axis=0), X, Y, points[0].alpha, 1.0)
        for A in (coefs[0], best)
    ]
    assert 0 < 30 * (values[0] - values[1]) <= points[0].gap


def test_alpha_max_is_the_smallest_that_gives_zeros():
    X, Y = problem(30, 20, 3)
    for v in (None, np.r_[0.0, 0.0, np.inf, np.arange(1.0, 18.0)]):
        points, _, _ = solved(X, Y, [1 + 1e-9, 1 - 1e-6], v=v)
        free = 0 if v is None else 2
        assert [len(point.support) for point in points] == [free, free + 1]


def test_alpha_max_without_a_penalty_or_a_target():
    X, Y = problem(10, 4, 2)
    features = Features.of(X)
    centred = targets(features, Y)
    assert alpha_max(features, centred, penalty(4, 10.0, 0.0)) == 0
    assert alpha_max(features, 0 * centred, penalty(4, 10.0)) == 0


@pytest.mark.parametrize("shape", [(20, 30), (60, 8), (1, 3), (5, 1), (1, 1)])
@pytest.mark.parametrize("alpha", [0.0, 1e-3, 1e9])
def test_hard_data_end(shape, alpha):
    X, Y = problem(*shape, 2)
    X[:, 0] = 3.0
    X[:, -1] = X[:, 0] if shape[1] < 3 else X[:, 1]
    features = Features.of(X)
    for Z in (targets(features, Y), np.zeros_like(Y)):
        point = next(walk(features, Z, penalty(shape[1], 1.0), [alpha], tol=1e-9, max_iter=5000))
        assert point.converged
        assert np.all(np.isfinite(point.coef))
        if alpha == 1e9 or not Z.any():
            assert len(point.support) == 0


def test_without_any_penalty_it_is_least_squares():
    X, Y = problem(60, 8, 3)
    features = Features.of(X)
    centred = targets(features, Y)
    point = next(walk(features, centred, penalty(8, 60.0), [0.0], tol=1e-12))
    expected = np.linalg.lstsq(X - X.mean(axis=0), centred)[0]
    assert_allclose(full(point, 8, 3), expected, atol=1e-8)


def test_a_long_way_down_is_taken_in_steps():
    """From zero, at once to nearly an interpolation of the data, with columns that are equal."""
    X, Y = problem(20, 30, 2)
    X[:, -1] = X[:, 1]
    features = Features.of(X)
    options = {"tol": 1e-9, "max_iter": 1000}
    point = next(walk(features, targets(features, Y), penalty(30, 1.0), [1e-3], **options))
    assert point.converged
    assert point.n_iter < 500


def test_collinear_columns():
    X, Y = problem(30, 10, 2)
    X = np.hstack([X, X, X[:, :1]])
    points, coefs, _ = solved(X, Y, PATH)
    assert all(point.converged for point in points)
    assert max(violation(a, W, X, Y) for a, W in zip(points, coefs, strict=True)) < 1e-6


@pytest.mark.parametrize("shape", [(30, 60), (60, 10)])
def test_float32_is_solved_as_far_as_its_products_go(shape):
    X, Y = problem(*shape, 3)
    X = X.astype(np.float32)
    _, coefs, _ = solved(X, Y, [0.3, 0.05], tol=1e-6)
    _, double, _ = solved(X.astype(np.float64), Y, [0.3, 0.05])
    for W, U in zip(coefs, double, strict=True):
        assert_allclose(W, U, atol=5e-3 * np.abs(U).max())


def test_one_task_and_few_samples():
    """The residual of one task is contiguous both ways, and must not be changed in descent."""
    X, Y = problem(3, 60, 1)
    points, coefs, _ = solved(X, Y, [0.2, 0.05])
    assert max(violation(a, W, X, Y) for a, W in zip(points, coefs, strict=True)) < 1e-7


def test_folds_by_weights_and_by_moments():
    """Rows of weight zero are not there, and given moments stand for the rows."""
    X, Y = problem(60, 10, 2)
    weight = np.ones(60)
    weight[40:] = 0
    points, coefs, features = solved(X, Y, [0.2, 0.02], weight=weight)
    assert features.gram is not None  # so that the next fold would not form it again
    _, left, _ = solved(X[:40], Y[:40], [0.2, 0.02])
    for point, W, U in zip(points, coefs, left, strict=True):
        assert point.converged
        assert_allclose(W, U, atol=1e-8)


def test_bounds_save_products_and_earlier_dual_points_sweeps(monkeypatch):
    X, Y = problem(30, 200, 3, rows=30)
    formed, whole = [], TaskProducts.gradient

    def counted(self, R, which=None):
        formed.append(200 if which is None else len(which))
        return whole(self, R, which)

    monkeypatch.setattr(TaskProducts, "gradient", counted)
    shares, sweeps = np.geomspace(1, 0.05, 100), []
    for lasting in (multi_task.LASTING, np.inf):
        monkeypatch.setattr(multi_task, "LASTING", lasting)
        monkeypatch.setattr(multi_task_rows, "SMALL_STEP", 0)
        formed.clear()
        points, _, _ = solved(X, Y, shares, tol=1e-4)
        assert all(point.converged for point in points)
        assert sum(formed) < 0.6 * 100 * 200
        sweeps.append(sum(point.n_iter for point in points))
    assert sweeps[0] < 0.9 * sweeps[1]


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 25), st.integers(1, 40), st.integers(1, 4),
    st.floats(0.05, 1), st.floats(1e-3, 1), st.integers(0, 10_000),
)  # fmt: skip
def test_optimality_on_any_problem(n, p, t, l1_ratio, share, seed):
    X, Y = problem(n, p, t, seed=seed)
    features = Features.of(X)
    centred = targets(features, Y)
    given = penalty(p, n, l1_ratio)
    largest = alpha_max(features, centred, given)
    if largest <= 1e-12 * np.abs(Y).max():  # one sample: nothing is left to explain
        return
    point = next(walk(features, centred, given, [share * largest], tol=1e-14, max_iter=20_000))
    assert point.converged
    assert violation(point, full(point, p, t), X, Y, l1_ratio) < 1e-6


def test_a_path_does_not_keep_what_it_does_not_need():
    """The working set holds the columns that were looked at, not all of X."""
    X, Y = problem(40, 2000, 2)
    features = Features.of(X)
    walker = Path(features, targets(features, Y), penalty(2000, 40.0))
    largest = alpha_max(features, targets(features, Y), penalty(2000, 40.0))
    for share in np.geomspace(1, 0.5, 10):
        walker.solve(share * largest, 1e-8, 1000)
    assert len(walker.rows.support()) > 2
    assert walker.rows.A.nbytes < X.nbytes / 5
