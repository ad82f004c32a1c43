"""What MLPClassifier takes, what it refuses, and what it says."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning
from sklearn.neural_network import MLPClassifier as Twin

from skreg import MLPClassifier
from tests.mlp_cases import (
    cancer,
    digits,
    held_out,
    ignore_convergence,
    labels,
    parameters,
    quiet_fit,
)


def test_string_labels_and_their_order():
    X, y = cancer()
    names = np.array(["malignant", "benign"])[y]
    for early_stopping in (False, True):
        params = {"max_iter": 10, "random_state": 0, "early_stopping": early_stopping}
        model = quiet_fit(MLPClassifier(**params), X, names)
        assert list(model.classes_) == ["benign", "malignant"]
        assert_array_equal(model.predict(X), quiet_fit(Twin(**params), X, names).predict(X))


def test_column_of_labels_warns_as_scikit_learn_does():
    X, y = cancer()
    model = MLPClassifier((3,), max_iter=2, random_state=0)
    with pytest.warns(DataConversionWarning, match="column-vector"):
        quiet_fit(model, X, y[:, None])
    assert model.predict(X).shape == y.shape


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_multilabel_predictions(container):
    X, y = labels()
    model, twin = (
        quiet_fit(c(solver="lbfgs", max_iter=20, random_state=0), X, container(y))
        for c in (MLPClassifier, Twin)
    )
    ours, theirs = model.predict(X), twin.predict(X)
    assert type(ours) is type(theirs)
    assert ours.dtype == theirs.dtype
    assert (ours != theirs).sum() == 0
    assert_array_equal(model.classes_, twin.classes_)
    assert_array_equal(model.predict_proba(X) > 0.5, y * 0 + (ours == 1))


def test_log_probabilities_stay_finite():
    X, y = cancer()
    model = MLPClassifier((), solver="lbfgs", alpha=0, max_iter=30)
    quiet_fit(model, X, y)
    log_p = model.predict_log_proba(100 * X)
    assert np.isfinite(log_p).all()
    assert log_p.min() < -1000
    assert_allclose(np.exp(log_p), model.predict_proba(100 * X), rtol=1e-10, atol=1e-300)


@pytest.mark.parametrize("solver", ["lbfgs", "adam"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_dense_x_is_not_copied(order, solver):
    X = np.asarray(np.random.default_rng(0).normal(size=(50_000, 50)), order=order)
    y = np.arange(50_000) % 2
    model = MLPClassifier((2,), solver=solver, max_iter=1)
    tracemalloc.start()
    quiet_fit(model, X, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < X.nbytes / 4


@pytest.mark.parametrize("solver", ["lbfgs", "adam"])
def test_sparse_x_is_never_made_dense(solver):
    X = sparse.random_array((3000, 100_000), density=1e-4, rng=0, format="csr")
    y = np.arange(3000) % 2
    model = MLPClassifier((2,), solver=solver, max_iter=1)
    tracemalloc.start()
    quiet_fit(model, X, y).predict(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # Dense, X would be 2400 MB; the parameters and their companions are some MB each.
    assert peak < 100e6


@pytest.mark.parametrize("solver", ["lbfgs", "adam"])
def test_sparse_x_without_a_single_entry(solver):
    X, y = np.zeros((6, 3)), np.arange(6) % 2
    params = {"solver": solver, "max_iter": 3, "random_state": 0}
    dense = quiet_fit(MLPClassifier(**params), X, y)
    empty = quiet_fit(MLPClassifier(**params), sparse.csr_array(X), y)
    assert_allclose(parameters(empty), parameters(dense), rtol=1e-12)


@settings(max_examples=25, deadline=None)
@given(
    st.integers(2, 5), st.integers(5, 30), st.integers(1, 4),
    st.sampled_from(["relu", "tanh", "logistic", "identity"]), st.integers(0, 2**31),
)  # fmt: skip
def test_probabilities_and_predictions_belong_together(n_classes, n, n_features, activation, seed):
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(n, n_features)), np.arange(n) % n_classes
    model = MLPClassifier((3,), activation, solver="adamw", max_iter=2, random_state=0)
    p = quiet_fit(model, X, y).predict_proba(X)
    assert p.shape == (n, n_classes)
    assert_allclose(p.sum(axis=1), 1, rtol=1e-12)
    assert_array_equal(model.predict(X), model.classes_[p.argmax(axis=1)])


def test_weights_of_any_scale_mean_the_same_without_penalty():
    X, y = cancer()
    weight = np.random.default_rng(0).uniform(0, 2, len(y))
    params = {"alpha": 0, "max_iter": 5, "random_state": 0, "solver": "sgd"}
    a, b = (quiet_fit(MLPClassifier(**params), X, y, sample_weight=s * weight) for s in (1, 1024))
    assert_array_equal(parameters(a), parameters(b))


def test_rows_of_weight_zero_do_not_matter():
    X, y = cancer()
    weight = (np.arange(len(y)) % 3 > 0).astype(float)
    spoilt = np.where(weight[:, None] > 0, X, 1e3)
    params = {"solver": "lbfgs", "max_iter": 20, "random_state": 0}
    a = quiet_fit(MLPClassifier(**params), X[weight > 0], y[weight > 0])
    b = quiet_fit(MLPClassifier(**params), spoilt, y, sample_weight=weight)
    assert_allclose(parameters(a), parameters(b), atol=1e-8)
    # Whole batches of weight zero are left out.
    weight = np.repeat([0.0, 1.0], [200, len(y) - 200])
    model = MLPClassifier(batch_size=50, shuffle=False, max_iter=2)
    assert np.isfinite(quiet_fit(model, X, y, sample_weight=weight).loss_)


def test_verbose_prints_every_epoch(capsys):
    X, y = cancer()
    quiet_fit(MLPClassifier(max_iter=3, verbose=True, early_stopping=True), X, y)
    out = capsys.readouterr().out
    assert out.count("Iteration") == out.count("Validation score") == 3
    quiet_fit(MLPClassifier(max_iter=3), X, y)
    assert capsys.readouterr().out == ""


def test_parameters_are_views_of_one_vector():
    X, y = digits(50)
    model = quiet_fit(MLPClassifier((4, 3), max_iter=1), X, y)
    bases = {id(p.base) for p in model.coefs_ + model.intercepts_}
    assert len(bases) == 1


# --- errors and warnings ---


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"dropout": 1.0}, "'dropout' parameter"),
        ({"dropout": -0.1}, "'dropout' parameter"),
        ({"dropout": "much"}, "'dropout' parameter"),
        ({"dropout": [0.1]}, r"each of the 2 hidden layers; got \[0.1\]"),
        ({"dropout": [0.1, 1.0]}, r"rate in \[0, 1\).*got \[0.1, 1.0\]"),
        ({"dropout": [0.1, np.nan]}, r"rate in \[0, 1\)"),
        ({"dropout": [0.1, "a"]}, r"rate in \[0, 1\)"),
        ({"dropout": 0.1, "solver": "lbfgs"}, r"dropout=0.1 .*solver='lbfgs'"),
        ({"label_smoothing": 1.0}, "'label_smoothing' parameter"),
        ({"label_smoothing": -0.1}, "'label_smoothing' parameter"),
        ({"weight_decay": -1.0}, "'weight_decay' parameter"),
        ({"solver": "rmsprop"}, "'solver' parameter"),
        ({"hidden_layer_sizes": (4, 0)}, "hidden_layer_sizes must be > 0"),
        ({"hidden_layer_sizes": (4, 2.5)}, "hidden_layer_sizes must be > 0"),
        ({"hidden_layer_sizes": 0}, "'hidden_layer_sizes' parameter"),
        ({"early_stopping": True, "validation_fraction": 0.01}, "validation set is too small"),
    ],
)
def test_bad_parameters(params, message):
    X, y = digits(60)
    with pytest.raises(ValueError, match=message):
        MLPClassifier(**{"hidden_layer_sizes": (4, 3), **params}).fit(X, y)


@pytest.mark.parametrize("y", [[1, 1, 1], ["a", "a", "a"]])
def test_one_class(y):
    with pytest.raises(ValueError, match=f"only one class: {y[0]}"):
        MLPClassifier().fit([[0.0], [1.0], [2.0]], y)
    with pytest.raises(ValueError, match=f"only one class: {y[0]}"):
        MLPClassifier().partial_fit([[0.0], [1.0], [2.0]], y, classes=y[:1])


def test_continuous_targets():
    with pytest.raises(ValueError, match="Unknown label type"):
        MLPClassifier().fit([[0.0], [1.0], [2.0]], [0.1, 0.2, 0.3])


def test_classes_of_partial_fit():
    X, y = digits(60)
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        MLPClassifier().partial_fit(X, y)
    with pytest.raises(ValueError, match=r"classes not in `self.classes_`"):
        MLPClassifier().partial_fit(X, y, classes=[0, 1])
    model = MLPClassifier().partial_fit(X, y, classes=np.arange(12))
    assert model.predict_proba(X).shape == (60, 12)
    model.partial_fit(X[y < 3], y[y < 3])
    with pytest.raises(ValueError, match="not the same as on last call"):
        model.partial_fit(X, y, classes=[0, 1])
    with pytest.raises(ValueError, match="12"):
        model.partial_fit(X, np.where(y == 3, 12, y))


def test_partial_fit_and_early_stopping_exclude_each_other():
    X, y = digits(60)
    with pytest.raises(ValueError, match="partial_fit does not support early_stopping=True"):
        MLPClassifier(early_stopping=True).partial_fit(X, y, classes=np.arange(10))


def test_lbfgs_has_no_partial_fit():
    assert hasattr(MLPClassifier(solver="adamw"), "partial_fit")
    assert not hasattr(MLPClassifier(solver="lbfgs"), "partial_fit")
    with pytest.raises(AttributeError, match="partial_fit"):
        MLPClassifier(solver="lbfgs").partial_fit([[0.0]], [1])


@pytest.mark.parametrize("change", ["layers", "classes", "features"])
def test_warm_start_needs_the_same_network(change):
    X, y = digits(60)
    model = quiet_fit(MLPClassifier((4,), warm_start=True, max_iter=2), X, y)
    messages = {"layers": "Keep hidden_layer_sizes", "classes": "same classes",
                "features": "64 features"}  # fmt: skip
    if change == "layers":
        model.set_params(hidden_layer_sizes=(5,))
    elif change == "classes":
        y = np.minimum(y, 8)
    else:
        X = X[:, :60]
    with pytest.raises(ValueError, match=messages[change]):
        model.fit(X, y)


@ignore_convergence
def test_warm_start_may_change_solver_and_early_stopping():
    X, y = digits()
    model = MLPClassifier((20,), warm_start=True, max_iter=10, random_state=0, solver="lbfgs")
    loss = model.fit(X, y).loss_
    model.set_params(solver="adamw").fit(X, y)
    assert model.loss_curve_[0] < 1.5 * loss
    model.set_params(early_stopping=True).fit(X, y)
    assert len(model.validation_scores_) == model.n_iter_
    model.set_params(early_stopping=False).fit(X, y)
    assert model.validation_scores_ is None
    assert np.isfinite(model.best_loss_)


def test_a_batch_is_not_larger_than_the_data():
    X, y = digits(60)
    with pytest.raises(ValueError, match=r"batch_size=100 is larger than the 60 .* at most 60"):
        MLPClassifier(batch_size=100).fit(X, y)
    # partial_fit takes what comes.
    params = {"random_state": 0}
    models = (MLPClassifier(batch_size=n, **params) for n in (100, 60))
    part, same = (model.partial_fit(X, y, classes=np.arange(10)) for model in models)
    assert_array_equal(parameters(part), parameters(same))


@pytest.mark.parametrize("solver", ["lbfgs", "adam"])
def test_too_few_iterations_warn(solver):
    X, y = digits(60)
    with pytest.warns(ConvergenceWarning, match="max_iter"):
        MLPClassifier(solver=solver, max_iter=2).fit(X, y)
    with pytest.warns(ConvergenceWarning, match="max_fun"):
        MLPClassifier(solver="lbfgs", max_fun=2).fit(X, y)


# lbfgs computes in float64, which no float32 input overflows.
@pytest.mark.parametrize(
    ("solver", "dtype"),
    [("lbfgs", np.float64), *((s, d) for s in ("sgd", "adam") for d in (np.float32, np.float64))],
)
def test_overflow_is_an_error_that_names_the_epoch(solver, dtype):
    X, y = digits(60)
    X = X.astype(dtype) * (np.finfo(dtype).max / 2)
    model = MLPClassifier(solver=solver, random_state=0)
    with pytest.raises(ValueError, match=r"overflowed in iteration \d+.*[Ss]cale X"):
        model.fit(X, y)
    # What was finite stays.
    assert np.isfinite(parameters(model)).all()
    assert np.isfinite(model.predict_proba(np.zeros_like(X))).all()


def test_overflow_in_the_very_last_step_is_an_error():
    # The loss of the only epoch was finite: it was taken before the step.
    X, y = digits(60)
    model = MLPClassifier((), solver="sgd", learning_rate_init=1e308, max_iter=1)
    with pytest.raises(ValueError, match="overflowed in iteration 1"):
        model.fit(100 * X, y)


def test_a_learning_rate_that_explodes_is_an_error():
    X, y = digits(60)
    model = MLPClassifier(
        activation="identity", solver="sgd", learning_rate_init=1e60, max_iter=50, random_state=0
    )
    with pytest.raises(ValueError, match=r"Lower learning_rate_init \(1e\+60\)"):
        model.fit(X, y)


def test_early_stopping_needs_weight_on_both_sides():
    X, y = digits()
    weight = np.ones(len(y))
    weight[held_out(X, y, seed=0, fraction=0.1, hidden=3)] = 0
    model = MLPClassifier((3,), early_stopping=True, random_state=0)
    for one_sided in (weight, 1 - weight):
        with pytest.raises(ValueError, match="positive for some training samples"):
            model.fit(X, y, sample_weight=one_sided)


@pytest.mark.parametrize("wrap", [pd.DataFrame, np.asfortranarray, np.ndarray.tolist])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_multilabel_targets_in_any_layout(wrap, solver):
    X = np.random.default_rng(0).standard_normal((60, 5))
    Y = (X[:, :3] > 0).astype(int)
    model = MLPClassifier((6,), solver=solver, max_iter=3, random_state=0)
    expected = quiet_fit(clone(model), X, Y).predict_proba(X)
    assert_array_equal(quiet_fit(model, X, wrap(Y)).predict_proba(X), expected)


def test_a_refused_refit_leaves_the_model():
    X = np.random.default_rng(0).standard_normal((60, 5))
    y = np.repeat(["a", "b", "c"], 20)
    model = quiet_fit(MLPClassifier((6,), max_iter=3, random_state=0), X, y)
    before = model.predict(X)
    with pytest.raises(ValueError, match="only one class: z"):
        model.fit(X, np.repeat("z", 60))
    assert_array_equal(model.predict(X), before)


def test_an_overflow_of_the_moments_is_an_error_and_is_forgotten():
    X = np.random.default_rng(0).standard_normal((60, 5)).astype(np.float32)
    y = (X[:, 0] > 0).astype(int)
    model = MLPClassifier((6,), random_state=0).partial_fit(X, y, classes=[0, 1])
    with pytest.raises(ValueError, match="overflowed in iteration 1"):
        model.partial_fit(X * np.float32(1e25), y)
    assert np.isfinite(model.partial_fit(X, y).loss_)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_warm_start_learns_new_labels(early_stopping):
    X = np.random.default_rng(0).standard_normal((300, 5))
    y = (X[:, 0] > 0).astype(int)
    model = MLPClassifier(
        (16,), random_state=0, warm_start=True, learning_rate_init=0.02,
        early_stopping=early_stopping,
    )  # fmt: skip
    model = quiet_fit(model, X, y)
    assert model.score(X, y) > 0.9
    assert quiet_fit(model, X, 1 - y).score(X, 1 - y) > 0.9
