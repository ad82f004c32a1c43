"""MLPClassifier: scikit-learn's contract and scikit-learn's numbers."""

import contextlib
from unittest import SkipTest

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier as Twin
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks

from skreg import MLPClassifier
from tests.mlp_cases import TABLES, cancer, digits, ignore_convergence, parameters, quiet_fit

# --- the contract ---


@parametrize_with_checks(
    [
        MLPClassifier(max_iter=100),
        MLPClassifier(solver="lbfgs", max_iter=50),
        MLPClassifier(solver="sgd", max_iter=100, learning_rate="adaptive"),
        MLPClassifier(solver="adamw", max_iter=100, label_smoothing=0.1),
        MLPClassifier((8, 4), "tanh", solver="adamw", max_iter=100, weight_decay=0.1),
    ]
)
@ignore_convergence
def test_scikit_learn_checks(estimator, check):
    check(estimator)


# A dropout mask is drawn for each row, and a hold-out split cuts through repeated rows: here a
# weight of 2 cannot be the same as two rows. partial_fit has no early stopping, by contract. With
# a class ten million times as heavy, the best accuracy comes when that class is right, long before
# the network predicts nothing else.
EQUIVALENCE = {
    "check_sample_weight_equivalence_on_dense_data",
    "check_sample_weight_equivalence_on_sparse_data",
}
OTHER_CHECKS = {
    "dropout": (
        MLPClassifier(solver="adamw", dropout=0.2, label_smoothing=0.1, max_iter=100),
        EQUIVALENCE,
    ),
    "early stopping": (
        MLPClassifier(early_stopping=True, validation_fraction=0.3, max_iter=100),
        EQUIVALENCE
        | {
            "check_class_weight_classifiers",
            "check_fit_score_takes_y",
            "check_n_features_in_after_fitting",
            "check_estimators_partial_fit_n_features",
        },
    ),
}


@pytest.mark.parametrize("case", OTHER_CHECKS)
@ignore_convergence
def test_scikit_learn_checks_of_random_training(case):
    estimator, left_out = OTHER_CHECKS[case]
    names = set()
    for model, check in estimator_checks_generator(estimator):
        name = getattr(check, "func", check).__name__
        names.add(name)
        if name not in left_out:
            with contextlib.suppress(SkipTest):
                check(model)
    assert left_out < names


# --- scikit-learn's numbers ---

SAME = {
    "sgd": {"solver": "sgd", "learning_rate_init": 0.05},
    "plain momentum": {"solver": "sgd", "nesterovs_momentum": False, "momentum": 0.5},
    "inverse scaling": {"solver": "sgd", "learning_rate": "invscaling", "power_t": 0.3},
    "adaptive": {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.5, "n_iter_no_change": 2},
    "no shuffle": {"solver": "sgd", "shuffle": False},
    "strong penalty": {"solver": "sgd", "alpha": 10.0},
    "early stopping": {"solver": "sgd", "early_stopping": True, "learning_rate_init": 0.3},
    "two layers of tanh": {"solver": "sgd", "hidden_layer_sizes": (20, 10), "activation": "tanh"},
    "logistic": {"solver": "sgd", "activation": "logistic", "batch_size": 7},
    "identity": {"solver": "sgd", "activation": "identity"},
    "no hidden layer": {"solver": "sgd", "hidden_layer_sizes": ()},
    "lbfgs": {"solver": "lbfgs"},
    # scikit-learn adds epsilon before the bias correction: equal where epsilon does not matter.
    "adam": {"solver": "adam", "epsilon": 1e-20},
}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("case", SAME)
def test_fit_is_scikit_learn_s(case, table, weighted):
    X, y = TABLES[table]()
    weight = np.random.default_rng(0).uniform(0, 2, len(y)) if weighted else None
    params = {"max_iter": 15, "random_state": 3, "hidden_layer_sizes": (30,), **SAME[case]}
    ours = quiet_fit(MLPClassifier(**params), X, y, sample_weight=weight)
    theirs = quiet_fit(Twin(**params), X, y, sample_weight=weight)
    tolerance = 1e-8 if case == "adam" else 1e-10
    assert_allclose(parameters(ours), parameters(theirs), rtol=0, atol=tolerance)
    assert_allclose(ours.loss_, theirs.loss_, rtol=1e-10)
    assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=0, atol=tolerance)
    assert_array_equal(ours.predict(X), theirs.predict(X))
    names = ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_")
    for name in names:
        assert getattr(ours, name) == getattr(theirs, name), name
    if case != "lbfgs":
        assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-10)
        for name in ("best_loss_", "best_validation_score_", "validation_scores_"):
            if getattr(theirs, name) is None:
                assert getattr(ours, name) is None, name
            else:
                assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-10)


def test_adam_with_the_usual_epsilon_learns_as_well_as_scikit_learn_s():
    X, y = digits(1797)
    X, X_test, y, y_test = train_test_split(X, y, random_state=0)
    params = {"max_iter": 30, "random_state": 0}
    ours, theirs = (quiet_fit(c(**params), X, y) for c in (MLPClassifier, Twin))
    assert abs(ours.score(X_test, y_test) - theirs.score(X_test, y_test)) <= 0.01
    assert_allclose(ours.loss_, theirs.loss_, rtol=0.02)


def test_float32_stays_close_to_float64():
    X, y = digits()
    params = {"max_iter": 5, "random_state": 0, "solver": "sgd"}
    wide = quiet_fit(MLPClassifier(**params), X, y)
    narrow = quiet_fit(MLPClassifier(**params), X.astype(np.float32), y)
    assert_allclose(parameters(narrow), parameters(wide), atol=1e-5)


@pytest.mark.parametrize("solver", ["lbfgs", "sgd", "adam", "adamw"])
def test_float32_in_float32_out(solver):
    X, y = digits(100)
    model = quiet_fit(MLPClassifier((5,), solver=solver, max_iter=3), X.astype(np.float32), y)
    assert {p.dtype for p in model.coefs_ + model.intercepts_} == {np.dtype(np.float32)}
    assert model.predict_proba(X.astype(np.float32)).dtype == np.float32
    assert model.predict_log_proba(X.astype(np.float32)).dtype == np.float32
    assert model.predict_proba(X).dtype == np.float64


@ignore_convergence
def test_warm_started_lbfgs_goes_on_as_scikit_learn_does():
    X, y = cancer()
    params = {"solver": "lbfgs", "max_iter": 5, "random_state": 1, "warm_start": True}
    ours, theirs = (cls((7,), **params) for cls in (MLPClassifier, Twin))
    for _ in range(3):
        assert_allclose(parameters(ours.fit(X, y)), parameters(theirs.fit(X, y)), atol=1e-8)


@pytest.mark.parametrize("solver", ["sgd", "adam", "adamw"])
@ignore_convergence
def test_warm_start_keeps_the_memory_of_the_optimizer(solver):
    X, y = cancer()
    params = {"solver": solver, "shuffle": False, "random_state": 1, "learning_rate_init": 0.01}
    model = MLPClassifier((7,), max_iter=5, warm_start=True, **params)
    for _ in range(3):
        model.fit(X, y)
    # scikit-learn forgets moments and momentum between fits.
    at_once = MLPClassifier((7,), max_iter=15, **params).fit(X, y)
    assert_array_equal(parameters(model), parameters(at_once))
    assert len(model.loss_curve_) == 15
    assert model.t_ == at_once.t_
    assert len(model.history_["loss"]) == 5


@pytest.mark.parametrize("solver", ["sgd", "adam", "adamw"])
@pytest.mark.parametrize("table", TABLES)
def test_partial_fit_is_fit_one_epoch_at_a_time(table, solver):
    X, y = TABLES[table]()
    params = {"solver": solver, "shuffle": False, "random_state": 0, "hidden_layer_sizes": (6,)}
    params |= {"batch_size": 50, "learning_rate": "invscaling"}
    whole = quiet_fit(MLPClassifier(max_iter=4, n_iter_no_change=99, **params), X, y)
    steps = MLPClassifier(**params)
    for _ in range(4):
        steps.partial_fit(X, y, classes=whole.classes_)
    assert_array_equal(parameters(steps), parameters(whole))
    assert steps.loss_curve_ == whole.loss_curve_
    assert steps.t_ == whole.t_
