import pickle
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.linalg import LinAlgWarning
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import Ridge as ScikitRidge
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from skreg import Ridge
from tests import reference

TIGHT = {"tol": 1e-12, "max_iter": 20000, "random_state": 0}
DENSE = ["auto", "svd", "cholesky", "lsqr", "sparse_cg", "sag", "saga"]
SPARSE = ["auto", "cholesky", "lsqr", "sparse_cg", "sag", "saga"]
# Every way to a solution, for dense and for sparse data.
ROUTES = [
    *((np.asarray, {"solver": solver}) for solver in DENSE),
    *((sparse.csr_array, {"solver": solver}) for solver in SPARSE),
    (np.asarray, {"positive": True}),
    (sparse.csr_array, {"positive": True}),
]


def data(n=40, p=6, t=None, seed=0, shift=0.5):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * (rng.random((n, p)) < 0.6) + shift
    y = rng.normal(size=n if t is None else (n, t)) + 2
    return X, y, rng.uniform(0.2, 3, n)


def difference(coef, expected):
    """The largest difference relative to the largest coefficient."""
    return np.max(np.abs(coef - expected)) / np.max(np.abs(expected))


@parametrize_with_checks(
    [
        Ridge(),
        Ridge(alpha=0),
        Ridge(fit_intercept=False),
        *(Ridge(solver=solver, tol=1e-10, max_iter=20000) for solver in DENSE[1:]),
        Ridge(positive=True),
        Ridge(positive=True, solver="lbfgs", fit_intercept=False),
    ]
)
@pytest.mark.filterwarnings("ignore:alpha=0, and X has rank:scipy.linalg.LinAlgWarning")
def test_scikit_learn_contract(estimator, check):
    check(estimator)


# Against scikit-learn and the oracle


@pytest.mark.parametrize("alpha", [0.1, 1, 100])
@pytest.mark.parametrize("load", [load_diabetes, load_breast_cancer, load_digits])
def test_equals_scikit_learn_on_real_data(load, alpha):
    X, y = load(return_X_y=True)
    expected = ScikitRidge(alpha=alpha, solver="svd").fit(X, y)
    for Z in (X, sparse.csr_array(X)):
        model = Ridge(alpha=alpha).fit(Z, y)
        assert difference(model.coef_, expected.coef_) < 1e-9
        assert model.intercept_ == pytest.approx(expected.intercept_, rel=1e-9)


@pytest.mark.parametrize("seed", range(30))
def test_equals_scikit_learn_on_random_problems(seed):
    """n < p, n > p, rank-deficient, weighted, sparse, several targets, an alpha for each."""
    rng = np.random.default_rng(seed)
    n, p = [(50, 10), (20, 60), (30, 30)][seed % 3]
    X = rng.normal(size=(n, p)) * (rng.random((n, p)) < 0.4)
    if seed % 2:
        X = X @ rng.normal(size=(p, 5)) @ rng.normal(size=(5, p)) / p + rng.normal(size=p)
    y, alpha = rng.normal(size=(n, 3)) + 1, rng.uniform(0.5, 5, 3)
    weight = rng.uniform(0.1, 2, n) if seed % 5 < 3 else None
    parameters = {"alpha": alpha, "fit_intercept": seed % 4 > 0}
    expected = ScikitRidge(solver="svd", **parameters).fit(X, y, weight)
    for solver in ("auto", "svd"):
        model = Ridge(solver=solver, **parameters).fit(X, y, weight)
        assert difference(model.coef_, expected.coef_) < 1e-9
        np.testing.assert_allclose(model.intercept_, expected.intercept_, rtol=1e-9)
    for make in (sparse.csr_array, sparse.csc_array, sparse.coo_array, sparse.csr_matrix):
        model = Ridge(**parameters).fit(make(X), y, weight)
        assert difference(model.coef_, expected.coef_) < 1e-9


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("shape", [(40, 6), (6, 40)])
@pytest.mark.parametrize(
    ("solver", "make"),
    [(s, np.asarray) for s in DENSE] + [(s, sparse.csr_array) for s in SPARSE],
)
def test_every_solver_equals_the_oracle(solver, make, shape, fit_intercept):
    X, y, v = data(*shape, t=2)
    alpha = [0.5, 3.0]
    coef, intercept = reference.ridge(X, y, alpha, v, fit_intercept)
    model = Ridge(alpha, solver=solver, fit_intercept=fit_intercept, **TIGHT).fit(make(X), y, v)
    assert difference(model.coef_, coef) < 1e-9
    np.testing.assert_allclose(model.intercept_, intercept, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(model.predict(make(X)), X @ coef.T + intercept, rtol=1e-8)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("target", [(40,), (40, 1), (40, 3)])
@pytest.mark.parametrize("solver", DENSE)
def test_shapes_and_types_are_scikit_learns(solver, target, dtype):
    rng = np.random.default_rng(0)
    X, y = (5 * rng.normal(size=(40, 4))).astype(dtype), rng.normal(size=target)
    parameters = {"solver": solver, "max_iter": 1000, "random_state": 0}
    model, twin = (c(**parameters).fit(X, y) for c in (Ridge, ScikitRidge))
    for name in ("coef_", "intercept_"):
        ours, theirs = getattr(model, name), getattr(twin, name)
        assert type(ours) is type(theirs)
        assert ours.dtype == theirs.dtype
        assert ours.shape == theirs.shape
    assert model.predict(X).shape == twin.predict(X).shape
    assert model.solver_ == twin.solver_
    assert model.n_iter_.shape == (1 if y.ndim == 1 else y.shape[1],)
    assert model.n_iter_.min() >= 1
    assert Ridge(fit_intercept=False).fit(X, y).intercept_ == 0.0


# Optimality and invariances


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 30), st.integers(1, 30), st.floats(1e-3, 1e3), st.integers(0, 10**6))
def test_the_gradient_of_the_objective_vanishes(n, p, alpha, seed):
    X, y, v = data(n, p, seed=seed)
    model = Ridge(alpha).fit(X, y, v)
    gw, gb = reference.ridge_gradient(X, y, alpha, model.coef_, model.intercept_, v)
    scale = np.linalg.norm(X) * np.linalg.norm(y) * v.max()
    assert np.abs(gw).max() < 1e-12 * scale
    assert abs(gb) < 1e-12 * scale


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 20), st.integers(1, 20), st.integers(0, 10**6), st.floats(1e-6, 1e6))
def test_rotation_permutation_and_scaling_of_the_features(n, p, seed, c):
    X, y, v = data(n, p, seed=seed)
    rng = np.random.default_rng(seed)
    Q = np.linalg.qr(rng.normal(size=(p, p)))[0]
    order = rng.permutation(p)
    coef = Ridge(0.7).fit(X, y, v).coef_
    tolerance = {"rtol": 1e-8, "atol": 1e-10 * np.abs(coef).max() + 1e-15}
    np.testing.assert_allclose(Ridge(0.7).fit(X @ Q, y, v).coef_, Q.T @ coef, **tolerance)
    np.testing.assert_allclose(Ridge(0.7).fit(X[:, order], y, v).coef_, coef[order], **tolerance)
    np.testing.assert_allclose(Ridge(0.7 * c * c).fit(X * c, y, v).coef_ * c, coef, **tolerance)


@pytest.mark.parametrize(("make", "parameters"), ROUTES)
def test_weights_are_repetitions_and_zero_leaves_out(make, parameters):
    X, y, _ = data(30, 5)
    count = np.random.default_rng(1).integers(0, 4, 30)
    X[0], y[0], count[0] = 100, 100, 0  # far out, to be seen where it has an influence
    model = Ridge(**parameters, **TIGHT)
    weighted = clone(model).fit(make(X), y, sample_weight=count)
    repeated = model.fit(make(np.repeat(X, count, axis=0)), np.repeat(y, count))
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, rtol=1e-8)
    np.testing.assert_allclose(weighted.intercept_, repeated.intercept_, rtol=1e-8)


@pytest.mark.parametrize(("make", "parameters"), ROUTES)
@pytest.mark.parametrize("scale", [1e-150, 1e150])
@pytest.mark.parametrize("shape", [(40, 6), (6, 40)])
def test_extreme_scales_give_the_scaled_solution(shape, scale, make, parameters):
    X, y, _ = data(*shape)
    y = -y  # so that `positive` leaves some coefficients
    expected = Ridge(**parameters, **TIGHT).fit(X, y).coef_
    model = Ridge(scale * scale, **parameters, **TIGHT)
    assert difference(model.fit(make(X * scale), y).coef_ * scale, expected) < 1e-8
    model = Ridge(**parameters, **TIGHT)
    assert difference(model.fit(make(X), y * scale).coef_ / scale, expected) < 1e-8


def test_an_ordinary_alpha_is_nothing_to_huge_data_and_everything_to_tiny_ones():
    X, y, _ = data()
    Xc, yc = X - X.mean(axis=0), y - y.mean()
    for make in (np.asarray, sparse.csr_array):
        huge = Ridge(1.0).fit(make(X * 1e160), y).coef_ * 1e160
        np.testing.assert_allclose(huge, reference.ridge(X, y, 0)[0][0], rtol=1e-9)
        tiny = Ridge(1.0).fit(make(X * 1e-160), y).coef_
        np.testing.assert_allclose(tiny * 1e160, Xc.T @ yc, rtol=1e-9)


@pytest.mark.parametrize("solver", ["auto", "svd", "lsqr", "sparse_cg", "sag"])
def test_means_a_million_times_the_spread(solver):
    X, y, _ = data(200, 5)
    expected = reference.ridge(X, y, 1.0)[0][0]
    model = Ridge(solver=solver, **TIGHT).fit(X + 1e6, y + 1e6)
    assert difference(model.coef_, expected) < 1e-9
    fitted = Ridge().fit(X, y).predict(X)
    np.testing.assert_allclose(model.predict(X + 1e6) - 1e6, fitted, atol=1e-7)
    if solver == "auto":
        coef = Ridge().fit(sparse.csr_array(X + 1e6), y).coef_
        assert difference(coef, expected) < 1e-8


# alpha = 0


@pytest.mark.parametrize(
    ("make", "solver"),
    [
        (make, solver)
        for make in (np.asarray, sparse.csr_array)
        for solver in ("auto", "svd", "cholesky", "lsqr", "sparse_cg")
        if (make, solver) != (sparse.csr_array, "svd")
    ],
)
@pytest.mark.parametrize("shape", [(30, 10), (10, 30)])
def test_without_penalty_the_norm_is_the_smallest(shape, make, solver):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(shape[0], 4)) @ rng.normal(size=(4, shape[1])) + 3
    y = rng.normal(size=shape[0])
    expected = np.linalg.lstsq(X - X.mean(axis=0), y - y.mean(), rcond=1e-10)[0]
    model = Ridge(0, solver=solver, tol=1e-12)
    if solver in ("auto", "svd", "cholesky"):
        with pytest.warns(LinAlgWarning, match=f"rank 4 of {shape[1]} features"):
            model.fit(make(X), y)
    else:
        model.fit(make(X), y)
    np.testing.assert_allclose(model.coef_, expected, atol=1e-10)


def test_digits_without_penalty():
    """Constant pixels make X'X singular; scikit-learn's solver 'svd' is off by 1e13 here."""
    X, y = load_digits(return_X_y=True)
    expected = np.linalg.lstsq(X - X.mean(axis=0), y - y.mean(), rcond=1e-12)[0]
    for make in (np.asarray, sparse.csr_array):
        with pytest.warns(LinAlgWarning, match="rank 61 of 64 features after centring"):
            assert difference(Ridge(0).fit(make(X), y).coef_, expected) < 1e-9


# positive=True


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array, sparse.csc_array])
@pytest.mark.parametrize("shape", [(60, 15), (15, 60)])
def test_positive_coefficients_are_optimal(shape, make, fit_intercept):
    X, y, v = data(*shape, t=3)
    y += X @ np.random.default_rng(1).normal(size=(shape[1], 3))
    alpha = np.array([0.0, 0.1, 10.0])
    model = Ridge(alpha, positive=True, fit_intercept=fit_intercept).fit(make(X), y, v)
    assert model.solver_ == "lbfgs"
    assert np.all(model.coef_ >= 0)
    assert np.any(model.coef_ == 0)
    for k, w in enumerate(model.coef_):
        b = model.intercept_[k] if fit_intercept else 0
        gw, gb = reference.ridge_gradient(X, y[:, k], alpha[k], w, b, v)
        unit = np.linalg.norm(X) * np.linalg.norm(y[:, k])
        assert np.abs(gw[w > 0]).max() < 1e-10 * unit
        assert gw.min() > -1e-10 * unit
        assert not fit_intercept or abs(gb) < 1e-10 * unit


def test_positive_equals_scikit_learn_with_a_tight_tolerance():
    X, y = load_diabetes(return_X_y=True)
    model = Ridge(0.01, positive=True).fit(X, y)
    twin = ScikitRidge(0.01, positive=True, tol=1e-15).fit(X, y)
    assert difference(model.coef_, twin.coef_) < 1e-4
    objective = [
        np.sum((y - m.predict(X)) ** 2) + 0.01 * np.sum(m.coef_**2) for m in (model, twin)
    ]
    assert objective[0] <= objective[1]


# Input


def test_containers_and_memory_layouts(tmp_path):
    X, y, v = data(30, 4)
    expected = Ridge().fit(X, y, v).coef_
    wide = np.zeros((60, 8))
    wide[::2, ::2] = X
    read_only = X.copy()
    read_only.flags.writeable = False
    mapped = np.memmap(tmp_path / "X", dtype=np.float64, mode="w+", shape=X.shape)
    mapped[:] = X
    columns = list("abcd")
    pandas, frame = pd.DataFrame(X, columns=columns), pl.DataFrame(X, schema=columns)
    inputs = [np.asfortranarray(X), wide[::2, ::2], read_only, mapped, X.tolist(), pandas, frame]
    for fit_intercept in (True, False):
        expected = Ridge(fit_intercept=fit_intercept).fit(X, y, v).coef_
        for Z in inputs:
            model = Ridge(fit_intercept=fit_intercept).fit(Z, y, v)
            np.testing.assert_allclose(model.coef_, expected, rtol=1e-12)
    assert list(Ridge().fit(pandas, y).feature_names_in_) == columns
    assert list(Ridge().fit(frame, y).feature_names_in_) == columns


@pytest.mark.parametrize(
    ("make", "parameters"),
    [*ROUTES, (np.asfortranarray, {}), (np.asfortranarray, {"solver": "svd"})],
)
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_arguments_are_not_changed(make, fit_intercept, parameters):
    X, y, v = data()
    Z = make(X)
    before = [a.copy() for a in (Z, y, v)]
    Ridge(fit_intercept=fit_intercept, **parameters, **TIGHT).fit(Z, y, v)
    for a, b in zip((Z, y, v), before, strict=True):
        assert (a != b).sum() == 0


def test_copy_x_false_centres_in_place_where_it_may():
    """The direct solvers never copy X, so they have no use for it."""
    X, y, _ = data()
    iterative = {"solver": "lsqr", "copy_X": False}
    expected = Ridge(solver="lsqr").fit(X, y).coef_
    Z = X.copy()
    np.testing.assert_array_equal(Ridge(**iterative).fit(Z, y).coef_, expected)
    np.testing.assert_allclose(Z, X - X.mean(axis=0))
    Z = X.copy()
    with pytest.raises(ValueError, match="penalties"):
        Ridge([1, 2], **iterative).fit(Z, y)
    np.testing.assert_array_equal(Z, X)
    Ridge(copy_X=False).fit(Z, y)
    np.testing.assert_array_equal(Z, X)
    X.flags.writeable = False
    np.testing.assert_array_equal(Ridge(**iterative).fit(X, y).coef_, expected)


@pytest.mark.parametrize("parameters", [{"solver": s} for s in SPARSE] + [{"positive": True}])
def test_sparse_indices_of_64_bits_duplicates_and_no_entries(parameters):
    X, y, _ = data()
    model = Ridge(**parameters, **TIGHT)
    expected = clone(model).fit(X, y).coef_
    S = sparse.csr_array(X)
    S.indices, S.indptr = S.indices.astype(np.int64), S.indptr.astype(np.int64)
    np.testing.assert_allclose(clone(model).fit(S, y).coef_, expected, rtol=1e-8)
    p = X.shape[1]
    halves = np.tile(X / 2, 2).ravel(), np.tile(np.arange(p), 2 * len(X))
    S = sparse.csr_array((*halves, 2 * p * np.arange(len(X) + 1)), shape=X.shape)
    assert not S.has_canonical_format
    np.testing.assert_allclose(clone(model).fit(S, y).coef_, expected, rtol=1e-8)
    assert S.nnz == 2 * X.size
    assert not clone(model).fit(sparse.csr_array(X.shape), y).coef_.any()


def test_integer_targets_have_fractional_means():
    X, _, _ = data(7, 2)
    y = np.array([0, 1, 1, 0, 1, 0, 0])
    np.testing.assert_array_equal(Ridge().fit(X, y).coef_, Ridge().fit(X, y * 1.0).coef_)
    assert Ridge(1e12).fit(X, y).intercept_ == pytest.approx(3 / 7)


# Errors and warnings


@pytest.mark.parametrize(
    ("alpha", "message"),
    [
        (-1, "'alpha' parameter of Ridge must be a float in the range .0.0, inf.*Got -1"),
        (np.nan, "'alpha' parameter of Ridge must be"),
        ([1, -2.5, 1], "alpha must be finite and non-negative.*-2.5"),
        ([1, np.nan, 1], "alpha must be finite and non-negative.*nan"),
        ([1, np.inf, 1], "alpha must be finite and non-negative.*inf"),
        ([1, 2], "alpha holds 2 penalties but y has 3 targets"),
        ([], "alpha holds 0 penalties but y has 3 targets"),
        (["a"], "could not convert string to float"),
    ],
)
def test_bad_alpha(alpha, message):
    X, y, _ = data(t=3)
    with pytest.raises(ValueError, match=message):
        Ridge(alpha).fit(X, y)


@pytest.mark.parametrize(
    ("parameters", "is_sparse", "error", "message"),
    [
        ({"solver": "svd", "positive": True}, False, ValueError, "solver='svd'.*positive"),
        ({"solver": "lbfgs"}, False, ValueError, "solver='lbfgs' is for positive=True"),
        ({"solver": "svd"}, True, ValueError, "solver='svd' does not support sparse"),
        ({"solver": "svd", "fit_intercept": False}, True, TypeError, "does not support sparse"),
        ({"solver": "qr"}, False, ValueError, "'solver' parameter of Ridge"),
        ({"max_iter": 0}, False, ValueError, "'max_iter' parameter of Ridge"),
        ({"tol": -1}, False, ValueError, "'tol' parameter of Ridge"),
    ],
)
def test_parameters_that_do_not_go_together(parameters, is_sparse, error, message):
    X, y, _ = data()
    Z = sparse.csr_array(X) if is_sparse else X
    with pytest.raises(error, match=message):
        Ridge(**parameters).fit(Z, y)
    with pytest.raises(error):
        ScikitRidge(**parameters).fit(Z, y)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda X, y: (X * np.nan, y), ValueError, "X contains NaN"),
        (lambda X, y: (X, y * np.inf), ValueError, "y contains infinity"),
        (lambda X, y: (X + 1j, y), ValueError, "Complex data not supported"),
        (lambda X, y: (X[:0], y[:0]), ValueError, "0 sample"),
        (lambda X, y: (X[:, :0], y), ValueError, "0 feature"),
        (lambda X, y: (X, y[:-1]), ValueError, "inconsistent numbers of samples"),
        (lambda X, y: (X[0], y), ValueError, "Expected 2D array"),
        (lambda X, y: (X.astype(str) + "a", y), ValueError, "could not convert string"),
        (lambda X, y: (X, sparse.csr_array(y[:, None])), TypeError, "y is sparse"),
    ],
)
def test_bad_data(change, error, message):
    X, y = change(*data()[:2])
    with pytest.raises(error, match=message):
        Ridge().fit(X, y)


@pytest.mark.parametrize("weight", [np.zeros(40), -np.ones(40), np.full(40, np.nan), np.ones(3)])
def test_bad_weights(weight):
    X, y, _ = data()
    with pytest.raises(ValueError, match=r"(?i)sample.?weight"):
        Ridge().fit(X, y, sample_weight=weight)


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
def test_overflow_is_an_error(make):
    X, y, _ = data()
    X[:3] = 1.7e308
    with pytest.raises(ValueError, match=r"too large for float64.*Scale the data"):
        Ridge().fit(make(X), y)
    X, y, _ = data()
    with pytest.raises(ValueError, match=r"too large for float32.*Scale the data"):
        Ridge().fit(make(X.astype(np.float32)), y * 1e39)


@pytest.mark.parametrize(
    "parameters",
    [{"solver": s} for s in ("lsqr", "sparse_cg", "sag", "saga")] + [{"positive": True}],
)
@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
def test_stopping_early_is_told(make, parameters):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(300, 100)) + 1, rng.normal(size=300)
    model = Ridge(1e-6, max_iter=2, tol=1e-9, random_state=0, **parameters)
    if model.positive:
        model.set_params(max_iter=1)
    message = r"did not converge to tol=1e-09 within max_iter=\d.*residual reached is \d"
    with pytest.warns(ConvergenceWarning, match=message) as caught:
        model.fit(make(X), y)
    assert caught[0].filename == __file__


@pytest.mark.parametrize("parameters", [{"solver": s} for s in DENSE] + [{"positive": True}])
def test_no_warning_with_defaults(parameters):
    X, y, _ = data(100, 10)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        Ridge(random_state=0, **parameters).fit(X, y)
    assert caught == []


def test_the_random_state_decides():
    X, y, _ = data()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        a, b, c = (
            Ridge(solver="sag", max_iter=3, random_state=seed).fit(X, y).coef_
            for seed in (1, 1, 2)
        )
    np.testing.assert_array_equal(a, b)
    assert np.abs(a - c).max() > 1e-8


# Inside scikit-learn


@pytest.mark.parametrize("search", [GridSearchCV, HalvingGridSearchCV])
def test_in_a_pipeline_with_a_search(search):
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    grid = {"ridge__alpha": [0.1, 10, 1e4]}
    options = {"random_state": 0} if search is HalvingGridSearchCV else {}
    ours, theirs = (
        search(make_pipeline(StandardScaler(), r), grid, n_jobs=2, cv=3, **options).fit(X, y)
        for r in (Ridge(), ScikitRidge())
    )
    assert ours.best_params_ == theirs.best_params_
    np.testing.assert_allclose(
        ours.cv_results_["mean_test_score"], theirs.cv_results_["mean_test_score"], rtol=1e-9
    )


def test_clone_pickle_and_set_params():
    X, y, _ = data()
    model = Ridge(3.0, solver="svd").fit(X, y)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert clone(model).get_params() == model.get_params()
    assert model.set_params(alpha=5.0).alpha == 5.0
    assert ScikitRidge().get_params().items() <= Ridge().get_params().items()


# What centring leaves of a column


@pytest.mark.parametrize(
    "make", [np.asarray, np.asfortranarray, sparse.csr_array, sparse.coo_array]
)
@pytest.mark.parametrize("value", [0.1, 1e-3, -7.7, 1e8])
@pytest.mark.parametrize("alpha", [0.0, 1e-12, 1e-6])
@pytest.mark.filterwarnings("ignore:alpha=0, and X has rank:scipy.linalg.LinAlgWarning")
def test_a_constant_column_has_no_coefficient(make, value, alpha):
    X, y, v = data(60, 4)
    X[:, 2] = value
    v[:5] = 0
    X[:5, 2] = 3  # rows that do not count
    coef = Ridge(alpha).fit(make(X), y, v).coef_
    assert coef[2] == 0
    without = np.delete(X, 2, axis=1)
    np.testing.assert_allclose(
        np.delete(coef, 2), Ridge(alpha).fit(make(without), y, v).coef_, rtol=1e-9
    )


@pytest.mark.parametrize("parameters", [{}, {"solver": "sag"}, {"positive": True}])
def test_sparse_indices_of_two_types(parameters):
    X, y, _ = data()
    S = sparse.csr_array(X)
    S.indptr = S.indptr.astype(np.int64)
    model = Ridge(random_state=0, **parameters)
    np.testing.assert_array_equal(model.fit(S, y).coef_, model.fit(sparse.csr_array(X), y).coef_)
    assert S.indices.dtype == np.int32
