import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.linalg import LinAlgWarning
from sklearn import config_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.kernel_ridge import KernelRidge as ScikitKernelRidge
from sklearn.metrics import r2_score
from sklearn.metrics.pairwise import PAIRWISE_KERNEL_FUNCTIONS, pairwise_kernels, rbf_kernel
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, PredefinedSplit
from sklearn.utils.estimator_checks import parametrize_with_checks

from skreg import KernelRidge, KernelRidgeCV, Ridge
from skreg._solvers.filters import FILTERS
from skreg._solvers.rules import RULES

SEMIDEFINITE = sorted(set(PAIRWISE_KERNEL_FUNCTIONS) - {"sigmoid", "additive_chi2"})
NOISY = {"discrepancy", "upre"}
GRID = np.geomspace(1e-4, 10, 8)


def data(n=40, p=3, t=None, seed=0):
    """Positive features (chi2 needs them), smooth targets with noise, and weights."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(0.1, 3, (n, p))
    y = np.sin(2 * X @ rng.normal(size=(p, t or 1))) + 0.1 * rng.normal(size=(n, t or 1))
    return X, y if t else y[:, 0], rng.uniform(0.2, 3, n)


def by_hand(K, y, weight, alpha):
    """Dual coefficients from the equations as they are written, for one target."""
    kept = weight > 0
    c = np.zeros(len(y))
    c[kept] = np.linalg.solve(K[np.ix_(kept, kept)] + alpha * np.diag(1 / weight[kept]), y[kept])
    return c


def left_out(K, y, weight, alpha):
    """Leave-one-out errors of each target by refitting."""
    errors = np.empty(y.shape)
    for i in range(len(y)):
        rows = np.arange(len(y)) != i
        for k, target in enumerate(y.T):
            c = by_hand(K[np.ix_(rows, rows)], target[rows], weight[rows], alpha)
            errors[i, k] = target[i] - K[i, rows] @ c
    return errors


# --- the contract ---

# Here the checks make up a matrix that is no kernel, which only KernelRidge takes.
INDEFINITE = {
    "check_positive_only_tag_during_fit": "the matrix has large negative eigenvalues",
    "check_estimators_dtypes": "rounded to integers, the matrix has negative eigenvalues",
}


# Here the checks set cv, which goes with rule="loo" only.
FOLDS = dict.fromkeys(
    [
        "check_sample_weight_equivalence_on_dense_data",
        "check_sample_weight_equivalence_on_sparse_data",
    ],
    "rule='gcv' takes no folds",
)


def expected_failures(model):
    refuses = isinstance(model, KernelRidgeCV) and model.kernel == "precomputed"
    failures = INDEFINITE if refuses else {}
    return failures | (FOLDS if getattr(model, "rule", None) == "gcv" else {})


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore::scipy.linalg.LinAlgWarning")
@parametrize_with_checks(
    [
        KernelRidge(),
        KernelRidge(kernel="rbf"),
        KernelRidge(kernel="precomputed"),
        KernelRidge(alpha=0, kernel="laplacian"),
        KernelRidgeCV(),
        KernelRidgeCV(kernel="rbf", cv=3),
        KernelRidgeCV(kernel="precomputed", cv=3),
        KernelRidgeCV("auto", kernel="rbf", rule="gcv"),
        KernelRidgeCV(kernel="rbf", scoring="neg_mean_absolute_error", alpha_per_target=True),
        KernelRidgeCV(5, kernel="laplacian", filter="truncated_svd", rule="gcv"),
    ],
    expected_failed_checks=expected_failures,
)
def test_scikit_learn_contract(estimator, check):
    check(estimator)


# --- KernelRidge ---


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kernel", SEMIDEFINITE)
def test_equals_scikit_learn(kernel, weighted):
    X, y, weight = data(t=2)
    weight = weight if weighted else None
    for alpha in (1.0, 0.01, [0.3, 2.0]):
        ours, theirs = (
            cls(alpha=alpha, kernel=kernel, gamma=0.5).fit(X, y, weight)
            for cls in (KernelRidge, ScikitKernelRidge)
        )
        assert_allclose(ours.dual_coef_, theirs.dual_coef_, rtol=1e-9, atol=1e-9)
        assert_allclose(ours.predict(X[:7]), theirs.predict(X[:7]), rtol=1e-9, atol=1e-9)
        assert_array_equal(ours.X_fit_, X)


def test_kernel_parameters_reach_the_kernel():
    X, y, _ = data()
    for kernel, params in {
        "rbf": {"gamma": 0.7},
        "poly": {"gamma": 0.5, "degree": 2, "coef0": 0.3},
        "laplacian": {"gamma": 0.2},
    }.items():
        model = KernelRidge(alpha=0.1, kernel=kernel, **params).fit(X, y)
        K = pairwise_kernels(X, metric=kernel, **params)
        expected = by_hand(K, y, np.ones(len(y)), 0.1)
        assert_allclose(model.dual_coef_, expected, rtol=1e-9, atol=1e-9)


def test_gamma_may_be_left_to_each_kernel():
    X, y, _ = data()
    for kernel, gamma in {"rbf": 1 / 3, "laplacian": 1 / 3, "poly": 1 / 3, "chi2": 1.0}.items():
        given = KernelRidge(kernel=kernel, gamma=gamma).fit(X, y).dual_coef_
        assert_allclose(KernelRidge(kernel=kernel).fit(X, y).dual_coef_, given, rtol=1e-12)


def test_callable_and_precomputed_kernels():
    X, y, weight = data()

    def kernel(a, b, width):
        return np.exp(-np.sum((a - b) ** 2) / width)

    K, Z = rbf_kernel(X, gamma=1 / 0.8), X[:5] + 0.1
    named = KernelRidge(alpha=0.1, kernel="rbf", gamma=1 / 0.8).fit(X, y, weight)
    own = KernelRidge(alpha=0.1, kernel=kernel, kernel_params={"width": 0.8}).fit(X, y, weight)
    before = K.copy()
    given = KernelRidge(alpha=0.1, kernel="precomputed").fit(K, y, weight)
    assert_array_equal(K, before)
    assert_allclose(own.predict(Z), named.predict(Z), rtol=1e-9)
    assert_allclose(given.predict(rbf_kernel(Z, X, gamma=1 / 0.8)), named.predict(Z), rtol=1e-9)
    assert_allclose(
        KernelRidge(alpha=0.1, kernel="precomputed").fit(sparse.csr_array(K), y).dual_coef_,
        KernelRidge(alpha=0.1, kernel="precomputed").fit(K, y).dual_coef_,
    )


@pytest.mark.parametrize("shape", [(40, 5), (10, 30)])
def test_linear_kernel_is_ridge_on_centred_data(shape):
    X, y, _ = data(*shape)
    X, y = X - X.mean(axis=0), y - y.mean()
    for alpha in (1e-3, 1.0):
        expected = Ridge(alpha=alpha).fit(X, y).predict(X)
        assert_allclose(KernelRidge(alpha=alpha).fit(X, y).predict(X), expected, atol=1e-9)
        found = KernelRidgeCV([alpha]).fit(X, y)
        assert_allclose(found.predict(X), expected, atol=1e-9)


def test_sparse_equals_dense():
    X, y, weight = data()
    X[X < 1] = 0
    for kernel in ("linear", "rbf", "poly"):
        dense = KernelRidge(kernel=kernel).fit(X, y, weight).predict(X)
        for container in (sparse.csr_array, sparse.csc_array, sparse.coo_array):
            S = container(X)
            assert_allclose(KernelRidge(kernel=kernel).fit(S, y, weight).predict(S), dense)


@pytest.mark.parametrize("make", [KernelRidge, KernelRidgeCV])
def test_weights_are_repetitions_and_zeros_leave_out(make):
    X, y, _ = data(n=20)
    times = np.array([0, 1, 2, 3] * 5)
    model = make(kernel="rbf").set_params(**({"alphas": [0.1]} if make is KernelRidgeCV else {}))
    weighted = model.fit(X, y, times).predict(X)
    repeated = model.fit(np.repeat(X, times, axis=0), np.repeat(y, times)).predict(X)
    assert_allclose(weighted, repeated, rtol=1e-9)
    assert np.all(model.fit(X, y, times).dual_coef_[times == 0] == 0)


def test_prediction_in_blocks(monkeypatch):
    X, y, _ = data(t=2)
    model = KernelRidge(kernel="rbf").fit(X, y)
    whole = model.predict(X)
    monkeypatch.setattr("skreg._kernel_model.BLOCK", 7 * len(X))
    calls = []
    kernel = model._kernel
    monkeypatch.setattr(model, "_kernel", lambda *args: calls.append(1) or kernel(*args))
    assert_allclose(model.predict(X), whole, rtol=1e-12)
    assert len(calls) == 6


def test_float32_in_float32_out():
    X, y, weight = data()
    exact = KernelRidge(kernel="rbf", alpha=0.1).fit(X, y, weight)
    for model in (KernelRidge(kernel="rbf", alpha=0.1), KernelRidgeCV([0.1], kernel="rbf")):
        single = model.fit(X.astype(np.float32), y.astype(np.float32), weight)
        assert single.dual_coef_.dtype == np.float32
        assert single.predict(X.astype(np.float32)).dtype == np.float32
        assert_allclose(single.predict(X), exact.predict(X), atol=1e-4)


@pytest.mark.parametrize("unit", [1e-150, 1e150])
def test_units_do_not_count(unit):
    X, y, _ = data()
    for kernel in ("linear", "precomputed"):
        K = X @ X.T if kernel == "precomputed" else X
        scaled = K * unit**2 if kernel == "precomputed" else X * unit
        plain = KernelRidge(alpha=0.5, kernel=kernel).fit(K, y)
        other = KernelRidge(alpha=0.5 * unit**2, kernel=kernel).fit(scaled, y)
        assert_allclose(other.predict(scaled), plain.predict(K), rtol=1e-9)
        assert_allclose(other.dual_coef_ * unit**2, plain.dual_coef_, rtol=1e-9)
        plain = KernelRidgeCV("auto", kernel=kernel).fit(K, y)
        other = KernelRidgeCV("auto", kernel=kernel).fit(scaled, y * unit)
        assert_allclose(other.alpha_ / unit**2, plain.alpha_, rtol=1e-6)
        assert_allclose(other.predict(scaled) / unit, plain.predict(K), rtol=1e-6)


@pytest.mark.parametrize("unit", [1e-190, 1e170])
@pytest.mark.parametrize("filter", ["tikhonov", "damped_svd"])
def test_targets_whose_squares_leave_the_range(filter, unit):
    X, y, _ = data()
    rule = "loo" if filter == "tikhonov" else "robust_gcv"
    model = KernelRidgeCV("auto", kernel="rbf", filter=filter, rule=rule, store_spectrum=True)
    alpha, expected = model.fit(X, y).alpha_, model.predict(X)
    z = model.spectrum_.z
    model.fit(X, y * unit)
    assert_allclose(model.alpha_, alpha, rtol=1e-6)
    assert_allclose(model.predict(X) / unit, expected, rtol=1e-6)
    assert_allclose(model.spectrum_.z / unit, z, rtol=1e-9)


def test_targets_keep_their_proportions():
    """A target of next to no size has no say in a shared alpha, but one in its own."""
    X, Y, _ = data(t=2)
    Y[:, 1] = np.random.default_rng(0).normal(size=len(Y))
    first, second = (KernelRidgeCV(GRID, kernel="rbf").fit(X, y).alpha_ for y in Y.T)
    assert KernelRidgeCV(GRID, kernel="rbf").fit(X, Y).alpha_ != first
    Y *= [1e-100, 1e-150]  # both are brought into range, by the same factor
    assert KernelRidgeCV(GRID, kernel="rbf").fit(X, Y).alpha_ == first
    each = KernelRidgeCV(GRID, kernel="rbf", alpha_per_target=True).fit(X, Y)
    assert_array_equal(each.alpha_, [first, second])


def test_overflow_is_an_error():
    X, y, _ = data()
    for model in (KernelRidge(alpha=1e-300), KernelRidgeCV([1e-300])):
        with pytest.raises(ValueError, match="non-finite values in dual_coef_"):
            model.fit(X * 1e-150, y * 1e100)


def test_least_norm_where_the_kernel_is_singular():
    """A repeated sample: its two dual coefficients are equal, and f takes the mean of y there."""
    X, y, _ = data(n=15)
    X[3], y[3], y[7] = X[7], 1.0, 2.0
    with pytest.warns(LinAlgWarning, match="alpha=0, .* has rank 14 with 15 samples") as record:
        model = KernelRidge(alpha=0, kernel="laplacian").fit(X, y)
    assert record[0].filename == __file__
    with pytest.warns(LinAlgWarning, match="alpha=0, .* has rank 14 with 15 samples") as record:
        found = KernelRidgeCV([0], kernel="laplacian", cv=3).fit(X, y)
    assert record[0].filename == __file__
    assert_allclose(found.dual_coef_, model.dual_coef_)
    assert_allclose(model.dual_coef_[3], model.dual_coef_[7], rtol=1e-9)
    others = np.delete(np.arange(15), [3, 7])
    assert_allclose(model.predict(X)[others], y[others], rtol=1e-9)
    assert_allclose(model.predict(X)[[3, 7]], 1.5, rtol=1e-9)
    # No warning where the kernel is regular, or alpha is not 0.
    assert_allclose(
        KernelRidge(alpha=0, kernel="laplacian").fit(X[4:], y[4:]).predict(X[4:]), y[4:]
    )
    tiny = KernelRidge(alpha=1e-13, kernel="laplacian").fit(X, y)
    assert_allclose(tiny.predict(X), model.predict(X), rtol=1e-6)


def test_a_nearly_singular_kernel_loses_nothing():
    """Kernels so wide that K is singular to rounding: fits must still be fits."""
    X, y, _ = data(n=60, p=1)
    y = np.sin(X[:, 0])
    for alpha in (1e-8, 1e-11, 1e-14):
        model = KernelRidge(alpha=alpha, kernel="rbf", gamma=0.5).fit(X, y)
        assert np.max(np.abs(model.predict(X) - y)) < 1e-3 * alpha**0.25
        assert np.max(np.abs(model.dual_coef_)) < 1e8


# --- indefinite kernels ---

INDEFINITE_KERNEL = r"kernel matrix is indefinite \(kernel='{}'\).* need not be its minimum"


def scikit_learn_quietly(alpha, kernel, X, y, weight=None):
    """scikit-learn's dual coefficients; it warns of a singular matrix here."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Singular matrix", UserWarning)
        return ScikitKernelRidge(alpha=alpha, kernel=kernel).fit(X, y, weight).dual_coef_


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("t", [None, 3])
@pytest.mark.parametrize("alpha", [0.1, 1.0, 100.0])
@pytest.mark.parametrize("kernel", ["additive_chi2", "sigmoid"])
def test_indefinite_kernels_equal_scikit_learn(kernel, alpha, t, weighted):
    X, y, weight = data(t=t)
    weight[:4] = 0
    weight = weight if weighted else None
    model = KernelRidge(alpha=alpha, kernel=kernel)
    root = np.sqrt(np.ones(len(X)) if weight is None else weight)
    K = pairwise_kernels(X, metric=kernel)
    if np.linalg.eigvalsh(K * np.outer(root, root))[0] < -alpha:
        with pytest.warns(LinAlgWarning, match=INDEFINITE_KERNEL.format(kernel)) as record:
            model.fit(X, y, weight)
        assert len(record) == 1
        assert record[0].filename == __file__
    else:
        model.fit(X, y, weight)
    expected = scikit_learn_quietly(alpha, kernel, X, y, weight)
    assert_allclose(model.dual_coef_, expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max())
    if weighted:
        assert_array_equal(model.dual_coef_[:4], 0)


def indefinite(n=12, seed=0):
    """A matrix with eigenvalues from -6 to 6, none smaller than 0.5, and two targets."""
    rng = np.random.default_rng(seed)
    Q = np.linalg.qr(rng.normal(size=(n, n)))[0]
    K = (Q * (0.5 + np.arange(n) // 2) * (-1.0) ** np.arange(n)) @ Q.T
    return (K + K.T) / 2, rng.normal(size=(n, 2))


@pytest.mark.filterwarnings("ignore:The kernel matrix is indefinite")
@pytest.mark.parametrize("alpha", [0.0, 1e-3, 2.0, [0.0, 3.0], [2.0, 50.0]])
@pytest.mark.parametrize("zeros", [0, 3])
def test_indefinite_matrices_with_one_alpha_or_more(zeros, alpha):
    K, Y = indefinite()
    weight = np.random.default_rng(1).uniform(0.3, 2, len(K))
    weight[:zeros] = 0
    model = KernelRidge(alpha=alpha, kernel="precomputed")
    each = zip(Y.T, np.broadcast_to(alpha, 2), strict=True)
    expected = np.column_stack([by_hand(K, y, weight, a) for y, a in each])
    assert_allclose(model.fit(K, Y, weight).dual_coef_, expected, rtol=1e-9, atol=1e-12)
    if np.ndim(alpha) == 0:  # scikit-learn takes these with one alpha only
        theirs = scikit_learn_quietly(alpha, "precomputed", K, Y, weight)
        assert_allclose(model.dual_coef_, theirs, rtol=1e-9, atol=1e-12)
    model.fit(K.astype(np.float32), Y.astype(np.float32), weight)
    assert model.dual_coef_.dtype == np.float32
    assert_allclose(model.dual_coef_, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


def test_many_penalties_on_an_indefinite_matrix():
    K, Y = indefinite()
    Y, alpha = np.tile(Y, 5), 0.1 + 0.31 * np.arange(10)
    with pytest.warns(LinAlgWarning, match=INDEFINITE_KERNEL.format("precomputed")) as record:
        model = KernelRidge(alpha=alpha, kernel="precomputed").fit(K, Y)
    assert len(record) == 1
    assert_allclose(K @ model.dual_coef_ + alpha * model.dual_coef_, Y, atol=1e-10)


@pytest.mark.filterwarnings("ignore:The kernel matrix is indefinite")
@pytest.mark.parametrize("unit", [1e-300, 1e300])
def test_units_of_an_indefinite_matrix_do_not_count(unit):
    K, Y = indefinite()
    plain = KernelRidge(alpha=1.0, kernel="precomputed").fit(K, Y).dual_coef_
    scaled = KernelRidge(alpha=unit, kernel="precomputed").fit(K * unit, Y).dual_coef_
    assert_allclose(scaled * unit, plain, rtol=1e-9)


@pytest.mark.parametrize("alpha", [1.0, 1.0 - 1e-14, [0.5, 1.0], np.append(np.ones(9), 0.5)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_penalty_that_cancels_an_eigenvalue_is_an_error(alpha, dtype):
    """Eigenvalues are 2 and -1: alpha = 1 leaves the equations without a solution."""
    K, y = (1 - np.eye(3)).astype(dtype), np.arange(3.0).astype(dtype)
    y = y if np.ndim(alpha) == 0 else np.tile(y[:, None], len(alpha))
    message = r"not positive semidefinite, and with alpha in .*1\..* nearly singular\. Use another"
    for matrix in (K, -np.eye(3, dtype=dtype)):
        with pytest.raises(ValueError, match=message):
            KernelRidge(alpha=alpha, kernel="precomputed").fit(matrix, y)


def test_a_singular_indefinite_matrix_is_an_error_at_zero():
    K = np.diag([1.0, -1.0, 0.0])
    with pytest.raises(ValueError, match=r"with alpha in \[0\.\] .* nearly singular"):
        KernelRidge(alpha=0, kernel="precomputed").fit(K, np.ones(3))
    with pytest.warns(LinAlgWarning, match="indefinite"):  # its sample left out, it is regular
        model = KernelRidge(alpha=0, kernel="precomputed").fit(K, np.ones(3), [1, 1, 0])
    assert_allclose(model.dual_coef_, [1, -1, 0])


def test_no_warning_where_the_penalty_outweighs_the_negative_eigenvalues():
    K = 1 - np.eye(3)  # eigenvalues 2, -1, -1
    model = KernelRidge(alpha=1.5, kernel="precomputed").fit(K, [1.0, 2.0, 3.0])
    assert_allclose((K + 1.5 * np.eye(3)) @ model.dual_coef_, [1, 2, 3])


@pytest.mark.parametrize("K", [1 - np.eye(3), -np.eye(3)])
@pytest.mark.parametrize("cv", [None, 3])
def test_the_search_refuses_indefinite_matrices(K, cv):
    with pytest.raises(ValueError, match=r"not positive semidefinite: .* go from -1 to"):
        KernelRidgeCV([5.0], kernel="precomputed", cv=cv).fit(K, [1.0, 2.0, 3.0])


def test_constant_zero_features():
    y = np.array([1.0, 2.0, 4.0])
    model = KernelRidge(alpha=2).fit(np.zeros((3, 2)), y)
    assert_allclose(model.dual_coef_, y / 2)
    found = KernelRidgeCV().fit(np.zeros((3, 2)), y)
    assert found.alpha_ == 0.1  # the first of equals
    assert_allclose(found.best_score_, -np.mean(y**2))
    assert_allclose(found.predict(np.ones((2, 2))), 0)


# --- KernelRidgeCV: leave-one-out ---


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kernel", ["rbf", "linear"])
def test_leave_one_out_equals_refitting(kernel, weighted):
    X, Y, weight = data(n=25, t=2)
    weight = weight if weighted else np.ones(25)
    K = pairwise_kernels(X, metric=kernel, filter_params=True)
    errors = np.stack([left_out(K, Y, weight, alpha) for alpha in GRID])  # (A, n, t)
    squares = weight[:, None] * errors**2
    models = {
        per_target: KernelRidgeCV(
            GRID, kernel=kernel, alpha_per_target=per_target, store_cv_results=True
        ).fit(X, Y, weight if weighted else None)
        for per_target in (False, True)
    }
    expected = np.moveaxis(squares, 0, -1)
    found = models[False].cv_results_
    assert_allclose(found, expected, rtol=1e-9, atol=1e-9 * expected.mean())
    scores = -squares.mean(axis=1)
    assert models[False].alpha_ == GRID[scores.mean(axis=1).argmax()]
    assert_allclose(models[False].best_score_, scores.mean(axis=1).max(), rtol=1e-9)
    assert_array_equal(models[True].alpha_, GRID[scores.argmax(axis=0)])
    assert_allclose(models[True].best_score_, scores.max(axis=0), rtol=1e-9)
    for model in models.values():
        alpha = np.broadcast_to(model.alpha_, 2)
        c = np.column_stack([by_hand(K, y, weight, a) for y, a in zip(Y.T, alpha, strict=True)])
        assert_allclose(model.dual_coef_, c, rtol=1e-9, atol=1e-9 * np.abs(c).max())


def test_scoring_sees_leave_one_out_predictions():
    X, y, weight = data(n=25)
    model = KernelRidgeCV(GRID, kernel="rbf", scoring="r2", store_cv_results=True)
    K = rbf_kernel(X)
    predictions = np.stack([y - left_out(K, y[:, None], weight, a)[:, 0] for a in GRID])
    model.fit(X, y, weight)
    assert_allclose(model.cv_results_, predictions.T, rtol=1e-9)
    scores = [r2_score(y, p, sample_weight=weight) for p in predictions]
    assert model.alpha_ == GRID[np.argmax(scores)]
    assert_allclose(model.best_score_, max(scores), rtol=1e-9)
    stored = KernelRidgeCV(GRID, kernel="rbf", scoring="r2").fit(X, y, weight).cv_results_
    assert_allclose(stored["mean_test_score"], scores, rtol=1e-9)


def test_one_standard_error():
    X, y, _ = data(n=50)
    y += np.random.default_rng(1).normal(size=50)
    least = KernelRidgeCV(GRID, kernel="rbf").fit(X, y)
    results = least.cv_results_
    best = np.argmax(results["mean_test_score"])
    limit = results["mean_test_score"][best] - results["std_error"][best]
    expected = GRID[results["mean_test_score"] >= limit].max()
    assert expected > least.alpha_
    chosen = KernelRidgeCV(GRID, kernel="rbf", choose="one_se").fit(X, y)
    assert chosen.alpha_ == expected
    errors = left_out(rbf_kernel(X), y[:, None], np.ones(50), GRID[best]) ** 2
    assert_allclose(results["std_error"][best], errors.std(ddof=1) / np.sqrt(50), rtol=1e-8)


def test_auto_goes_between_the_candidates_of_an_int():
    X, y, _ = data(n=50)
    auto, grid = (KernelRidgeCV(alphas, kernel="rbf").fit(X, y) for alphas in ("auto", 100))
    assert auto.best_score_ >= grid.best_score_
    assert auto.alpha_ != grid.alpha_
    near = KernelRidgeCV(auto.alpha_ * np.array([0.98, 1, 1.02]), kernel="rbf").fit(X, y)
    assert near.alpha_ == auto.alpha_


# --- KernelRidgeCV: folds ---


@pytest.mark.parametrize("scoring", [None, "neg_mean_squared_error", "neg_median_absolute_error"])
@pytest.mark.parametrize("kernel", ["rbf", "precomputed"])
def test_folds_equal_grid_search(kernel, scoring):
    X, Y, _ = data(n=43, t=2)
    X = rbf_kernel(X) if kernel == "precomputed" else X
    cv = KFold(4, shuffle=True, random_state=0)
    ours = KernelRidgeCV(GRID, kernel=kernel, cv=cv, scoring=scoring).fit(X, Y)
    search = GridSearchCV(
        ScikitKernelRidge(kernel=kernel), {"alpha": GRID}, cv=cv, scoring=scoring
    ).fit(X, Y)
    for name in ("mean_test_score", *(f"split{k}_test_score" for k in range(4))):
        assert_allclose(ours.cv_results_[name], search.cv_results_[name], rtol=1e-8)
    assert ours.alpha_ == search.best_params_["alpha"]
    assert_allclose(ours.best_score_, search.best_score_, rtol=1e-8)
    assert_allclose(ours.predict(X), search.predict(X), rtol=1e-8)


def test_weights_of_folds_are_repetitions():
    X, y, _ = data(n=24)
    times, fold = np.array([0, 1, 2, 3] * 6), np.arange(24) % 3
    weighted = KernelRidgeCV(GRID, kernel="rbf", cv=PredefinedSplit(fold)).fit(X, y, times)
    X, y, fold = (np.repeat(a, times, axis=0) for a in (X, y, fold))
    repeated = KernelRidgeCV(GRID, kernel="rbf", cv=PredefinedSplit(fold)).fit(X, y)
    for name, value in repeated.cv_results_.items():
        assert_allclose(weighted.cv_results_[name], value, rtol=1e-8, err_msg=name)


def test_folds_per_target_are_folds_of_each_target():
    X, Y, weight = data(n=43, t=2)
    for scoring in (None, "neg_mean_absolute_error"):
        options = {"alphas": GRID, "kernel": "laplacian", "cv": 3, "scoring": scoring}
        both = KernelRidgeCV(**options, alpha_per_target=True).fit(X, Y, weight)
        for k, y in enumerate(Y.T):
            one = KernelRidgeCV(**options).fit(X, y, weight)
            assert both.alpha_[k] == one.alpha_
            assert_allclose(both.best_score_[k], one.best_score_, rtol=1e-9)
            assert_allclose(both.dual_coef_[:, k], one.dual_coef_, rtol=1e-8, atol=1e-8)


def test_alpha_zero_with_folds():
    X, y, _ = data(n=30)
    model = KernelRidgeCV([0, 1e-3], kernel="laplacian", cv=3).fit(X, y)
    search = GridSearchCV(ScikitKernelRidge(kernel="laplacian"), {"alpha": [0, 1e-3]}, cv=3)
    expected = search.fit(X, y).cv_results_["mean_test_score"]
    assert_allclose(model.cv_results_["mean_test_score"], expected, rtol=1e-8)


def test_groups_are_routed_to_the_splitter():
    X, y, _ = data(n=30)
    groups = np.arange(30) % 5
    with config_context(enable_metadata_routing=True):
        model = KernelRidgeCV(GRID, kernel="rbf", cv=GroupKFold(5)).fit(X, y, groups=groups)
    splits = list(GroupKFold(5).split(X, y, groups))
    expected = KernelRidgeCV(GRID, kernel="rbf", cv=splits).fit(X, y)
    assert_allclose(model.cv_results_["mean_test_score"], expected.cv_results_["mean_test_score"])


# --- KernelRidgeCV: rules and filters ---


@pytest.mark.filterwarnings("ignore:rule='l_curve' found no answer")
@pytest.mark.parametrize("rule", RULES)
def test_rules_on_the_hat_matrix(rule):
    """The score of each rule is that of the spectrum of sqrt(v) K sqrt(v), and a fit comes out."""
    X, Y, weight = data(n=60, t=2)
    noise = 0.1 if rule in NOISY else None
    model = KernelRidgeCV(
        GRID, kernel="rbf", rule=rule, noise_std=noise, alpha_per_target=True, store_spectrum=True
    ).fit(X, Y, weight)
    name = "mean_test_score" if rule == "loo" else "score"
    options = {"noise_std": noise} if noise else {}
    scores = -RULES[rule].score(model.spectrum_, GRID, **options)
    assert_allclose(model.cv_results_[name], scores, rtol=1e-9)
    assert_allclose(model.best_score_, scores.max(axis=0), rtol=1e-9)
    c = KernelRidge(alpha=model.alpha_, kernel="rbf").fit(X, Y, weight).dual_coef_
    assert_allclose(model.dual_coef_, c, rtol=1e-8, atol=1e-8 * np.abs(c).max())


def test_gcv_by_its_definition():
    X, y, _ = data()
    K, n = rbf_kernel(X), len(y)
    scores = []
    for alpha in GRID:
        H = K @ np.linalg.inv(K + alpha * np.eye(n))
        scores.append(-n * np.sum((y - H @ y) ** 2) / np.trace(np.eye(n) - H) ** 2)
    model = KernelRidgeCV(GRID, kernel="rbf", gamma=1, rule="gcv").fit(X, y)
    assert not np.allclose(model.cv_results_["score"], scores)
    model = KernelRidgeCV(GRID, kernel="rbf", rule="gcv").fit(X, y)
    assert_allclose(model.cv_results_["score"], scores, rtol=1e-9)


@pytest.mark.parametrize("filter", FILTERS)
def test_filters_by_the_eigenvalues(filter):
    X, y, weight = data()
    alphas = [3.0, 12.0] if filter in ("truncated_svd", "landweber") else [0.01, 0.3]
    model = KernelRidgeCV(alphas, kernel="rbf", rule="gcv", filter=filter).fit(X, y, weight)
    root = np.sqrt(weight)
    values, U = np.linalg.eigh(rbf_kernel(X) * np.outer(root, root))
    values, U = values[::-1], U[:, ::-1]
    phi = FILTERS[filter](np.sqrt(values), np.array([model.alpha_]))[0]
    c = root * (U @ (phi / values * (U.T @ (root * y))))
    assert_allclose(model.dual_coef_, c, rtol=1e-7, atol=1e-8 * np.abs(c).max())


def test_spectrum_answers_in_the_kernel_s_terms():
    X, y, v = data()
    model = KernelRidgeCV(GRID, kernel="rbf", store_spectrum=True).fit(X, y)
    K, c = rbf_kernel(X), model.dual_coef_
    assert_allclose(model.spectrum_.coef_norm(model.alpha_), np.sqrt(c @ K @ c), rtol=1e-8)
    hat = K @ np.linalg.inv(K + model.alpha_ * np.eye(len(K)))
    assert_allclose(model.spectrum_.dof(model.alpha_), np.trace(hat), rtol=1e-9)
    assert_allclose(model.spectrum_.resolution(model.alpha_), hat, atol=1e-9)
    root = np.diag(np.sqrt(v))
    model.fit(X, y, v)
    values, U = np.linalg.eigh(root @ K @ root)
    power = U * np.sqrt(np.clip(values, 0, None)) @ U.T
    b = power @ np.linalg.solve(root, KernelRidge(0.5, kernel="rbf").fit(X, y, v).dual_coef_)
    assert_allclose(model.spectrum_.coef(0.5)[0], b, atol=1e-9)
    assert not hasattr(model.set_params(store_spectrum=False).fit(X, y), "spectrum_")


def test_warnings_name_rule_and_edge():
    X, y, _ = data()
    with pytest.warns(ConvergenceWarning, match="rule='discrepancy' found no answer") as record:
        KernelRidgeCV(GRID, kernel="rbf", rule="discrepancy", noise_std=1e-9).fit(X, y)
    assert record[0].filename == __file__
    noise = np.random.default_rng(0).normal(size=len(y))
    with pytest.warns(ConvergenceWarning, match="upper edge") as record:
        KernelRidgeCV("auto", kernel="rbf", cv=3, scoring="neg_mean_squared_error").fit(X, noise)
    assert record[0].filename == __file__


# --- bad input ---

SQUARE = np.eye(3)


@pytest.mark.parametrize("cls", [KernelRidge, KernelRidgeCV])
@pytest.mark.parametrize(
    ("kernel", "X", "message"),
    [
        ("precomputed", np.ones((3, 2)), r"square matrix .* X has shape \(3, 2\)"),
        ("precomputed", SQUARE + np.eye(3, k=1), r"not symmetric: entry \(0, 1\) is 1.0"),
        (lambda a, b: np.nan, SQUARE, "gives nan for samples 0 and 0"),
        ("linear", SQUARE * 1e200, "gives inf for samples 0 and 0"),
        ("no such kernel", SQUARE, "'kernel' parameter"),
    ],
    ids=["not square", "asymmetric", "NaN", "overflow", "unknown"],
)
def test_bad_kernels(cls, kernel, X, message):
    alpha = {"alpha": 0.5} if cls is KernelRidge else {"alphas": [0.5]}
    with pytest.raises(ValueError, match=message):
        cls(kernel=kernel, **alpha).fit(X, [1.0, 2.0, 3.0])


def test_negative_eigenvalues_of_single_precision_are_rounding():
    X = data(n=50, p=1)[0]
    K = rbf_kernel(X, gamma=0.1).astype(np.float32)
    assert np.linalg.eigvalsh(K.astype(np.float64))[0] < -1e-8
    for model in (
        KernelRidgeCV("auto", kernel="precomputed", rule="gcv"),
        KernelRidge(alpha=1e-9, kernel="precomputed"),
    ):
        assert_allclose(model.fit(K, np.sin(X[:, 0])).predict(K), np.sin(X[:, 0]), atol=1e-3)


def test_weights_beyond_the_range():
    with pytest.raises(ValueError, match="non-finite values in kernel_times_weight"):
        KernelRidge(kernel="precomputed").fit(SQUARE * 1e300, [1.0, 2, 3], [1e10, 1, 1])


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"alpha": -1.0}, "'alpha' parameter"),
        ({"alpha": [1.0, -2.0]}, "non-negative for every target; it contains -2.0"),
        ({"alpha": [1.0, np.nan]}, "it contains nan"),
        ({"alpha": [1.0, 2.0, 3.0]}, "holds 3 penalties but y has 2 targets"),
        ({"gamma": -1.0}, "'gamma' parameter"),
        ({"degree": "high"}, "'degree' parameter"),
        ({"kernel_params": [1]}, "'kernel_params' parameter"),
    ],
)
def test_bad_parameters(params, message):
    with pytest.raises(ValueError, match=message):
        KernelRidge(**params).fit(SQUARE, np.ones((3, 2)))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"alphas": [1.0, 0.0]}, r"alphas\[1\] == 0.0"),
        ({"alphas": [-1.0], "cv": 2}, r"alphas\[0\] == -1.0"),
        ({"alphas": []}, "alphas is empty"),
        ({"alphas": 0}, "'alphas' parameter"),
        ({"rule": "no such rule"}, "'rule' parameter"),
        ({"rule": "discrepancy"}, "needs noise_std"),
        ({"rule": "gcv", "cv": 2}, "needs no test samples"),
        ({"rule": "loo", "filter": "damped_svd"}, "filter='tikhonov' only"),
        ({"choose": "one_se", "rule": "gcv"}, "needs a standard error"),
        ({"filter_order": 0}, "'filter_order' parameter"),
        ({"cv": [([0, 1], [2]), ([1, 2], [0])]}, "test set of 1 sample"),
    ],
)
def test_bad_search(params, message):
    with pytest.raises(ValueError, match=message):
        KernelRidgeCV(**params).fit(SQUARE, np.ones((3, 2)))
