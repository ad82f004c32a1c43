"""What holds the weights in bounds: L1, spectral norms, clipping, averages, SAM; activations."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import log_loss

from skreg import MLPClassifier, MLPRegressor
from tests.mlp_cases import after, cancer, digits, ignore_convergence, parameters

pytestmark = ignore_convergence
SOLVERS = ("sgd", "adam", "adamw")


def fitted(X=None, y=None, cls=MLPClassifier, **params):
    X, y = digits(100) if X is None else (X, y)
    settings = {"hidden_layer_sizes": (8, 6), "random_state": 0, "batch_size": 50, "max_iter": 6,
                "learning_rate_init": 0.01}  # fmt: skip
    return cls(**{**settings, **params}).fit(X, y)


# --- L1 ---


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("solver", SOLVERS)
def test_l1_makes_exact_zeros_of_weights_and_leaves_biases(solver, dtype):
    X, y = digits(100)
    model = fitted(X.astype(dtype), y, solver=solver, l1=0.5, learning_rate_init=0.05)
    zeros = np.concatenate([w.ravel() == 0 for w in model.coefs_])
    assert 0.2 < zeros.mean() < 1
    assert model.history_["zero_share"][-1] == zeros.mean()
    assert all((b != 0).all() for b in model.intercepts_)
    # The more, the more.
    assert fitted(X, y, solver=solver, l1=2.0, learning_rate_init=0.05).history_["zero_share"][
        -1] >= zeros.mean()  # fmt: skip


@pytest.mark.parametrize("solver", SOLVERS)
def test_where_no_gradient_comes_l1_takes_a_fixed_length(solver):
    X, y = np.zeros((20, 3)), np.arange(20) % 2
    params = {"random_state": 0, "alpha": 0.0, "learning_rate_init": 0.1, "batch_size": 5,
              "solver": solver, "weight_decay": 0.0}  # fmt: skip
    start, after = (
        MLPClassifier(l1=strength, **params).partial_fit(X, y, classes=[0, 1])
        for strength in (0.0, 0.5)
    )
    shrunk = np.sign(start.coefs_[0]) * np.maximum(np.abs(start.coefs_[0]) - 4 * 0.1 * 0.5, 0)
    assert_allclose(after.coefs_[0], shrunk, rtol=1e-12, atol=1e-15)
    assert (after.coefs_[0] == 0).any()


@pytest.mark.parametrize("kind", ["ema", "swa"])
def test_averages_keep_the_zeros_of_the_last_weights(kind):
    model = fitted(l1=0.3, average=kind, average_start=0.0, average_decay=0.9)
    zeros = model._state.parameters == 0
    assert zeros.any()
    assert_array_equal(parameters(model)[zeros], 0)
    assert (parameters(model)[~zeros] != 0).all()


# --- spectral norms ---


@pytest.mark.parametrize("average", [None, "ema"])
@pytest.mark.parametrize("cap", [0.3, 1.0])
@pytest.mark.parametrize("solver", SOLVERS)
def test_a_cap_bounds_every_matrix(solver, cap, average):
    model = fitted(solver=solver, spectral_norm="cap", max_spectral_norm=cap, average=average,
                   learning_rate_init=0.1)  # fmt: skip
    sigma = [np.linalg.norm(w, 2) for w in model.coefs_]
    assert max(sigma) <= cap * (1 + 1e-12)
    if average is None:
        assert max(sigma) > 0.99 * cap


def test_a_cap_that_nothing_reaches_changes_nothing():
    loose = fitted(spectral_norm="cap", max_spectral_norm=1e3)
    assert_array_equal(parameters(loose), parameters(fitted()))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("params", [{}, {"solver": "sgd"}, {"average": "swa"}, {"l1": 0.2},
                                    {"hidden_layer_sizes": ()}])  # fmt: skip
def test_normalized_matrices_have_norm_one(params, dtype):
    X, y = digits(100)
    model = fitted(X.astype(dtype), y, spectral_norm="normalize", **params)
    sigma = [np.linalg.norm(w.astype(float), 2) for w in model.coefs_]
    assert_allclose(sigma, 1, rtol=1e-6 if dtype == np.float32 else 1e-12)


def test_a_small_step_of_a_normalized_network_gains_what_its_gradient_promises():
    X, y = digits(100)
    model = fitted(X, y, spectral_norm="normalize", solver="sgd", momentum=0.0, alpha=0.0, tol=0.0,
                   batch_size=100, learning_rate_init=1e-4, record="gradient_norm")  # fmt: skip
    # If a step changed a norm, dividing by it would cost or gain something that no slope foresees.
    gain = -np.diff(model.loss_curve_)
    assert_allclose(gain, 1e-4 * model.history_["gradient_norm"][:-1] ** 2, rtol=1e-3)


@pytest.mark.parametrize("kind", ["cap", "normalize"])
def test_the_score_of_a_bounded_network_is_that_of_its_best_epoch(kind):
    X, y = digits(400)
    model = fitted(X[:200], y[:200], spectral_norm=kind, learning_rate_init=0.1, max_iter=15)
    model.set_params(early_stopping=True, scoring="loss", n_iter_no_change=99)
    model.fit(X[:200], y[:200], X_val=X[200:], y_val=y[200:])
    found = -log_loss(y[200:], model.predict_proba(X[200:]))
    assert_allclose(found, model.best_validation_score_, rtol=1e-10)


# --- clipping ---


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_clipped_step_of_sgd_is_as_long_as_rate_times_norm(dtype):
    X, y = digits(100)
    model = fitted(X.astype(dtype), y, solver="sgd", momentum=0.0, max_grad_norm=1e-2, alpha=5.0,
                   batch_size=100, learning_rate_init=0.5, record="parameters")  # fmt: skip
    steps = np.diff(model.history_["parameters"].astype(float), axis=0)
    assert_allclose(np.linalg.norm(steps, axis=1), 0.5 * 1e-2, rtol=1e-4)


def test_a_bound_that_no_gradient_reaches_changes_nothing():
    assert_array_equal(parameters(fitted(max_grad_norm=1e6)), parameters(fitted()))


def test_clipping_saves_a_training_that_would_diverge():
    X, y = cancer()
    wild = {"solver": "sgd", "learning_rate_init": 1e3, "activation": "identity", "max_iter": 30}
    with pytest.raises(ValueError, match=r"overflowed.*max_grad_norm"):
        fitted(X, y, **wild)
    assert np.isfinite(fitted(X, y, max_grad_norm=1e-4, **wild).loss_)


# --- averages ---


def test_the_plain_average_is_the_mean_of_the_ends_of_epochs():
    params = {"record": "parameters", "batch_size": 100, "solver": "sgd"}
    ends = fitted(**params).history_["parameters"]
    for start, first in ((0.0, 0), (0.5, 3), (0.75, 5), (0.99, 6)):
        mean = fitted(average="swa", average_start=start, **params)
        expected = ends[first:].mean(axis=0) if first < 6 else ends[-1]
        assert_allclose(parameters(mean), expected, rtol=1e-10, atol=1e-13)
    assert mean.loss_curve_ == fitted(**params).loss_curve_  # an average changes no step


def test_the_exponential_average_runs_over_steps():
    params = {"record": "parameters", "batch_size": 100, "max_iter": 5}
    ends = fitted(**params).history_["parameters"]
    weights = 0.6 ** np.arange(4, -1.0, -1)
    found = fitted(average="ema", average_decay=0.6, **params)
    assert_allclose(parameters(found), weights @ ends / weights.sum(), rtol=1e-10, atol=1e-13)
    assert_array_equal(parameters(fitted(average="ema", average_decay=0.0)), parameters(fitted()))


def test_an_average_that_ends_before_it_begins_is_the_last_weights():
    found = fitted(average="swa", tol=100.0, n_iter_no_change=1, max_iter=50)
    assert found.n_iter_ == 3
    plain = fitted(tol=100.0, n_iter_no_change=1, max_iter=50)
    assert_array_equal(parameters(found), parameters(plain))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_overflow_spoils_no_average(dtype):
    X, y = digits(100)
    model = MLPClassifier((8,), "identity", solver="sgd", learning_rate_init=1e30, average="ema",
                          random_state=0, max_iter=200)  # fmt: skip
    with pytest.raises(ValueError, match="overflowed"):
        model.fit(100 * X.astype(dtype), y)
    assert np.isfinite(parameters(model)).all()


# --- SAM ---


@pytest.mark.parametrize("adaptive", [False, True])
@pytest.mark.parametrize("solver", SOLVERS)
def test_sam_without_distance_is_off_and_with_it_not(solver, adaptive):
    plain = parameters(fitted(solver=solver))
    off = fitted(solver=solver, sam_rho=0.0, sam_adaptive=adaptive)
    assert_array_equal(parameters(off), plain)
    on = fitted(solver=solver, sam_rho=0.5, sam_adaptive=adaptive)
    assert np.abs(parameters(on) - plain).max() > 1e-4
    assert on.loss_ < 2 * fitted(solver=solver).loss_


def test_sam_s_two_forms_differ():
    a, b = (fitted(sam_rho=0.5, sam_adaptive=adaptive) for adaptive in (False, True))
    assert np.abs(parameters(a) - parameters(b)).max() > 1e-4


def test_sam_takes_the_gradient_of_a_quadratic_farther_up():
    # One weight and one bias, y = 0, x = 1: the loss is (w + b)^2 / 2, whose gradient is (s, s)
    # with s = w + b. The point that is rho farther has the sum s + rho sqrt(2) sign(s).
    X, y = np.ones((4, 1)), np.zeros(4)
    params = {"hidden_layer_sizes": (), "solver": "sgd", "momentum": 0.0, "alpha": 0.0,
              "learning_rate_init": 0.1, "random_state": 0}  # fmt: skip
    start = MLPRegressor(**params | {"learning_rate_init": 1e-300}).partial_fit(X, y)
    found = MLPRegressor(sam_rho=0.3, **params).partial_fit(X, y)
    w, b = parameters(start)
    s = w + b
    step = 0.1 * (s + 0.3 * np.sqrt(2) * np.sign(s))
    assert_allclose(parameters(found), [w - step, b - step], rtol=1e-12)


# --- activations ---


@pytest.mark.parametrize("solver", ["lbfgs", "adam"])
@pytest.mark.parametrize("name", ["relu", "leaky_relu", "elu", "selu", "gelu", "silu", "mish",
                                  "tanh", "logistic", "identity"])  # fmt: skip
def test_every_activation_learns(name, solver):
    X, y = cancer()
    model = fitted(X, y, activation=name, solver=solver, max_iter=30)
    assert model.score(X, y) > 0.95
    assert_array_equal(
        parameters(model), parameters(fitted(X, y, activation=[name, name], solver=solver,
                                             max_iter=30))
    )  # fmt: skip


def test_one_activation_a_layer():
    X, y = digits(100)
    model = fitted(X, y, activation=("tanh", "logistic"))
    hidden = np.tanh(X @ model.coefs_[0] + model.intercepts_[0])
    hidden = 1 / (1 + np.exp(-hidden @ model.coefs_[1] - model.intercepts_[1]))
    z = np.exp(hidden @ model.coefs_[2] + model.intercepts_[2])
    assert_allclose(model.predict_proba(X), z / z.sum(axis=1, keepdims=True), rtol=1e-10)
    swapped = fitted(X, y, activation=np.array(["logistic", "tanh"]))
    assert np.abs(parameters(model) - parameters(swapped)).max() > 1e-2
    assert fitted(X, y, activation=[], hidden_layer_sizes=()).n_layers_ == 2


def test_recorded_parameters_predict():
    X, y = digits(100)
    model = fitted(X, y, record="parameters")
    last = model.predict_proba(X)
    assert_array_equal(after(model, -1).predict_proba(X), last)
