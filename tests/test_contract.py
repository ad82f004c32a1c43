"""What every public estimator promises, walked over the names in skreg.__all__."""

import inspect
import pickle
import warnings

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn.kernel_ridge
import sklearn.linear_model
import sklearn.neural_network
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import BaseEstimator, clone, is_classifier, is_regressor
from sklearn.datasets import make_classification, make_regression
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

import skreg

ESTIMATORS = [
    c
    for c in vars(skreg).values()
    if isinstance(c, type) and issubclass(c, BaseEstimator) and c.__name__ in skreg.__all__
]
# Quick settings that still train; the strengths that a grid search walks over.
QUICK = {
    name: {
        "hidden_layer_sizes": (6,),
        "max_iter": 400,
        "learning_rate_init": 0.02,
        "tol": tol,
        "random_state": 0,
    }
    # The loss of a regression has the scale of y.
    for name, tol in (("MLPClassifier", 1e-3), ("MLPRegressor", 2.0))
}
TWINS = {
    name: cls
    for module in (sklearn.linear_model, sklearn.kernel_ridge, sklearn.neural_network)
    for name, cls in vars(module).items()
}
each = pytest.mark.parametrize("cls", ESTIMATORS, ids=lambda c: c.__name__)
each_with_a_twin = pytest.mark.parametrize(
    "cls", [c for c in ESTIMATORS if c.__name__ in TWINS], ids=lambda c: c.__name__
)


def make(cls, **params):
    return cls(**(QUICK.get(cls.__name__, {}) | params))


def twin(cls):
    """scikit-learn's class of the same name."""
    return TWINS[cls.__name__]


def strength(cls):
    """The parameter that holds the penalty: one, or those that the estimator chooses from."""
    return "alphas" if "alphas" in cls().get_params() else "alpha"


def strengths(cls):
    """Penalties for a search, the last of which leaves next to nothing of a model."""
    values = [1e-4, 1e-2, 1e4]
    return [[value] for value in values] if strength(cls) == "alphas" else values


def table(cls, n=60, dtype=np.float64):
    if is_classifier(cls()):
        X, y = make_classification(n, 6, random_state=0)
    else:
        X, y = make_regression(n, 6, noise=5.0, random_state=0)
        y = y.astype(dtype)
    return X.astype(dtype), shaped(cls, y)


def state(model):
    """The fitted arrays of a model, by attribute name."""
    return {
        name: value
        for name, value in vars(model).items()
        if name.endswith("_") and not name.startswith("_") and name != "feature_names_in_"
    }


def shaped(cls, y):
    """A target for the estimator: two columns where one is not enough."""
    return y if cls().__sklearn_tags__().target_tags.single_output else np.column_stack([y, y])


def flat(value):
    return np.concatenate([np.ravel(v) for v in (value if isinstance(value, list) else [value])])


def test_something_is_walked_over():
    assert ESTIMATORS


def test_most_have_a_twin():
    assert {"Ridge", "Lasso", "MLPClassifier", "KernelRidge"} < {c.__name__ for c in ESTIMATORS}
    assert [c.__name__ for c in ESTIMATORS if c.__name__ not in TWINS] == ["KernelRidgeCV"]


@each_with_a_twin
def test_parameters_begin_as_the_twin_s(cls):
    ours = inspect.signature(cls).parameters
    for name, theirs in inspect.signature(twin(cls)).parameters.items():
        assert ours[name].default == theirs.default, name
        assert ours[name].kind == theirs.kind, name


@each_with_a_twin
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_attributes_have_the_twin_s_names_shapes_and_dtypes(cls, dtype):
    X, y = table(cls, dtype=dtype)
    params = QUICK.get(cls.__name__, {})
    ours, theirs = state(cls(**params).fit(X, y)), state(twin(cls)(**params).fit(X, y))
    assert theirs.keys() <= ours.keys()
    for name, value in theirs.items():
        if value is None:  # scikit-learn counts no iterations of direct solvers
            continue
        if name in ("loss_curve_", "n_iter_", "t_"):  # as long as the fit took
            assert type(ours[name]) is type(value), name
        elif isinstance(value, list):
            assert [np.shape(v) for v in ours[name]] == [np.shape(v) for v in value], name
            assert [v.dtype for v in ours[name]] == [v.dtype for v in value], name
        else:
            assert np.shape(ours[name]) == np.shape(value), name
            assert np.asarray(ours[name]).dtype.kind == np.asarray(value).dtype.kind, name
    for method in ("predict", "predict_proba"):
        if hasattr(cls, method):
            results = [getattr(c(**params).fit(X, y), method)(X) for c in (cls, twin(cls))]
            assert results[0].dtype == results[1].dtype
            assert results[0].shape == results[1].shape


@pytest.mark.parametrize("kind", ["U25", "S25", object])
@pytest.mark.parametrize(("cls", "params"), [
    *((c, {}) for c in ESTIMATORS if is_regressor(c())),
    *((c, {"cv": 3}) for c in ESTIMATORS if is_regressor(c()) and "cv" in c().get_params()),
])  # fmt: skip
def test_targets_may_be_numbers_as_text_and_nothing_else(cls, params, kind):
    X, y = table(cls)
    model = make(cls, **params)
    expected = model.fit(X, y).predict(X)
    assert_allclose(model.fit(X, y.astype("U25").astype(kind)).predict(X), expected)
    with pytest.raises(ValueError, match="could not convert string to float"):
        model.fit(X, np.full(y.shape, "a").astype(kind))


@each
def test_grid_search_over_a_pipeline_in_two_processes(cls):
    X, y = table(cls, n=120)
    pipeline = Pipeline([("scale", StandardScaler()), ("model", make(cls))])
    grid = {f"model__{strength(cls)}": strengths(cls)}
    search = GridSearchCV(pipeline, grid, cv=3, n_jobs=2).fit(X, y)
    serial = GridSearchCV(pipeline, grid, cv=3).fit(X, y)
    assert_array_equal(
        search.cv_results_["mean_test_score"], serial.cv_results_["mean_test_score"]
    )
    assert search.best_index_ != 2
    assert search.best_score_ > 0.7


@each
def test_successive_halving(cls):
    X, y = table(cls, n=300)
    grid = {strength(cls): strengths(cls)}
    search = HalvingGridSearchCV(make(cls), grid, cv=2, random_state=0, min_resources=40)
    assert search.fit(X, y).best_params_[strength(cls)] != strengths(cls)[2]


@each
def test_clone_and_set_params(cls):
    X, y = table(cls)
    model = make(cls, **{strength(cls): 0.25}).fit(X, y)
    copy = clone(model)
    assert copy.get_params() == model.get_params()
    assert state(copy) == {}
    assert getattr(copy.set_params(**{strength(cls): 0.5}), strength(cls)) == 0.5
    with pytest.raises(ValueError, match="Invalid parameter 'no_such'"):
        copy.set_params(no_such=1)


@each
def test_pickle_round_trip(cls):
    X, y = table(cls)
    model = make(cls).fit(X, y)
    again = pickle.loads(pickle.dumps(model))
    assert_array_equal(again.predict(X), model.predict(X))
    assert state(again).keys() == state(model).keys()
    assert_array_equal(again.fit(X, y).predict(X), model.predict(X))


@each
@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame], ids=["pandas", "polars"])
def test_data_frames_carry_feature_names(cls, frame):
    X, y = table(cls)
    names = [f"column {j}" for j in range(X.shape[1])]
    data = frame(dict(zip(names, X.T, strict=True)))
    model = make(cls).fit(data, y)
    assert list(model.feature_names_in_) == names
    assert_allclose(model.predict(data), make(cls).fit(X, y).predict(X), rtol=1e-6)
    with pytest.raises(ValueError, match="feature names"):
        model.predict(data.rename(dict(zip(names, names[::-1], strict=True)), **(
            {"axis": 1} if frame is pd.DataFrame else {}
        )))  # fmt: skip


def layouts(X, folder):
    """The same numbers in other memory."""
    read_only = X.copy()
    read_only.flags.writeable = False
    joblib.dump(X, folder / "X.joblib")
    padded = np.zeros((2 * X.shape[0], 3 * X.shape[1]), X.dtype)
    padded[::2, ::3] = X
    return {
        "Fortran": np.asfortranarray(X),
        "read-only": read_only,
        "memory map": joblib.load(folder / "X.joblib", mmap_mode="r"),
        "strided": padded[::2, ::3],
        "negative strides": np.ascontiguousarray(X[::-1, ::-1])[::-1, ::-1],
        "big-endian": X.astype(X.dtype.newbyteorder(">")),
        "list": X.tolist(),
    }


@each
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_memory_layout_does_not_matter(cls, dtype, tmp_path):
    X, y = table(cls, dtype=dtype)
    expected = make(cls).fit(X, y).predict(X)
    for name, data in layouts(X, tmp_path).items():
        before = np.array(data)
        found = make(cls).fit(data, y).predict(data)
        assert_allclose(found, expected, rtol=1e-3 if dtype == np.float32 else 1e-6, err_msg=name)
        assert_array_equal(np.array(data), before, err_msg=name)


@each
@pytest.mark.parametrize("container", ["csr_array", "csc_array", "coo_array", "csr_matrix"])
@pytest.mark.parametrize("index", [np.int32, np.int64])
def test_sparse_equals_dense(cls, container, index):
    X, y = table(cls)
    X[np.abs(X) < 0.5] = 0
    S = getattr(sparse, container)(X)
    for name in {"indices", "indptr"} & set(vars(S)):
        setattr(S, name, getattr(S, name).astype(index))
    before = S.toarray()
    tight = {"tol": 1e-10} if hasattr(cls(), "positive") else {"max_iter": 20, "tol": 0.0}
    params = {name: value for name, value in tight.items() if hasattr(cls(), name)}
    models = [fit_quietly(make(cls, **params), data, y) for data in (S, X)]
    assert_allclose(models[0].predict(S), models[1].predict(X), rtol=1e-6)
    assert_array_equal(S.toarray(), before)


def fit_quietly(model, X, y):
    """Fit where stopping early is part of the test."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sklearn.exceptions.ConvergenceWarning)
        return model.fit(X, y)


BAD_X = {
    "NaN": ([[np.nan], [1.0], [2.0]], "contains NaN"),
    "infinity": ([[np.inf], [1.0], [2.0]], "contains infinity"),
    "complex": (np.array([[1j], [1.0], [2.0]]), "Complex data not supported"),
    "text": ([["a"], ["b"], ["c"]], "could not convert string"),
    "one-dimensional": ([0.0, 1.0, 2.0], "Expected 2D array"),
    "no rows": (np.empty((0, 2)), "0 sample"),
    "no columns": (np.empty((3, 0)), "0 feature"),
    "too long": ([[0.0], [1.0], [2.0], [3.0]], "inconsistent numbers of samples"),
}


@each
@pytest.mark.parametrize("case", BAD_X)
def test_bad_x(cls, case):
    X, message = BAD_X[case]
    with pytest.raises(ValueError, match=message):
        make(cls).fit(X, shaped(cls, [0, 1, 0]))


@each
def test_bad_y(cls):
    X = [[0.0], [1.0], [2.0]]
    with pytest.raises(ValueError, match=r"NaN|nan"):
        make(cls).fit(X, shaped(cls, [0.0, np.nan, 1.0]))
    with pytest.raises(ValueError, match=r"should be a 1d array|inconsistent numbers"):
        make(cls).fit(X, [[0.0, 1.0, 1.0]])
    with pytest.raises(ValueError, match="requires y to be passed"):
        make(cls).fit(X, None)


@each
@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ([1.0, -1.0, 1.0], "sample_weight must be non-negative"),
        ([0.0, 0.0, 0.0], "at least one non-zero"),
        ([1.0, np.nan, 1.0], "sample_weight contains NaN"),
        ([1.0, 1.0], r"sample_weight.shape == \(2,\)"),
        ([[1.0], [1.0], [1.0]], "must be 1D"),
    ],
)
def test_bad_weights(cls, weight, message):
    with pytest.raises(ValueError, match=message):
        make(cls).fit([[0.0], [1.0], [2.0]], shaped(cls, [0, 1, 0]), sample_weight=weight)


@each
@pytest.mark.parametrize("alpha", [-1.0, np.nan, "much", None])
def test_bad_alpha(cls, alpha):
    with pytest.raises(ValueError, match=f"'{strength(cls)}' parameter"):
        make(cls, **{strength(cls): alpha}).fit([[0.0], [1.0], [2.0]], shaped(cls, [0, 1, 0]))


@each
def test_predict_checks_its_input(cls):
    X, y = table(cls)
    model = make(cls)
    with pytest.raises(sklearn.exceptions.NotFittedError):
        model.predict(X)
    model.fit(X, y)
    with pytest.raises(ValueError, match="has 5 features"):
        model.predict(X[:, :5])
    with pytest.raises(ValueError, match="contains NaN"):
        model.predict(np.full((2, 6), np.nan))
