"""history_: every column against its own computation, and what ends a training."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import log_loss

from skreg import MLPClassifier, MLPRegressor
from skreg.schedules import Cosine
from tests.mlp_cases import after, digits, ignore_convergence, parameters

pytestmark = ignore_convergence
USUAL = {"loss", "l2_penalty", "l1_penalty", "learning_rate", "parameter_norm",
         "layer_parameter_norm", "zero_share"}  # fmt: skip
EVERYTHING = ["gradient_norm", "update_norm", "spectral_norm", "parameters"]


def fitted(X, y, cls=MLPClassifier, **params):
    """A network with two hidden layers, trained on all rows at once."""
    settings = {"hidden_layer_sizes": (9, 7), "max_iter": 6, "random_state": 0,
                "batch_size": len(y)}  # fmt: skip
    return cls(**{**settings, **params}).fit(X, y)


def layers(model, vector):
    """Weights of each layer, and weights with biases, from a recorded vector."""
    weights, biases, start = [], [], 0
    for array in (*model.coefs_, *model.intercepts_):
        (weights if array.ndim == 2 else biases).append(
            vector[start : start + array.size].reshape(array.shape)
        )
        start += array.size
    return weights, [np.r_[w.ravel(), b] for w, b in zip(weights, biases, strict=True)]


def test_usual_columns_and_their_shapes():
    X, y = digits(100)
    history = fitted(X, y).history_
    assert history.keys() == USUAL
    assert {name: column.shape for name, column in history.items()} == {
        name: (6, 3) if name.startswith("layer") else (6,) for name in USUAL
    }
    history = fitted(X, y, record=EVERYTHING).history_
    extra = {"gradient_norm", "layer_gradient_norm", "update_norm", "layer_update_norm",
             "layer_spectral_norm", "parameters"}  # fmt: skip
    assert history.keys() == USUAL | extra
    n = 64 * 9 + 9 + 9 * 7 + 7 + 7 * 10 + 10
    assert history["parameters"].shape == (6, n)
    assert history["layer_gradient_norm"].shape == history["layer_spectral_norm"].shape == (6, 3)
    assert fitted(X, y, record="update_norm").history_.keys() == USUAL | {
        "update_norm", "layer_update_norm"
    }  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_columns_hold_what_their_names_say(dtype):
    X, y = digits(100)
    model = fitted(X.astype(dtype), y, record=EVERYTHING, alpha=0.5, l1=0.02, solver="sgd",
                   learning_rate_init=0.1, momentum=0.0)  # fmt: skip
    h, rtol = model.history_, 1e-4 if dtype == np.float32 else 1e-10
    objective = h["loss"] + h["l2_penalty"] + h["l1_penalty"]
    assert_allclose(objective, model.loss_curve_, rtol=1e-12)
    assert model.loss_ == model.loss_curve_[-1]
    for k in range(6):
        weights, whole = layers(model, h["parameters"][k])
        flat = np.concatenate([w.ravel() for w in weights])
        assert_allclose(h["layer_parameter_norm"][k], [np.linalg.norm(p) for p in whole], rtol)
        assert_allclose(h["parameter_norm"][k], np.linalg.norm(h["parameters"][k]), rtol)
        assert_allclose(h["l1_penalty"][k], 0.02 * np.abs(flat).sum(), rtol)
        assert h["zero_share"][k] == (flat == 0).mean()
        sigma = [np.linalg.norm(w, 2) for w in weights]
        assert_allclose(h["layer_spectral_norm"][k], sigma, rtol)
        if k:
            # The loss is that before the step.
            p = after(model, k - 1).predict_proba(X.astype(dtype))
            assert_allclose(h["loss"][k], log_loss(y, p), rtol)
            squares = np.square(h["parameters"][k - 1][: flat.size]).sum()
            assert_allclose(h["l2_penalty"][k], 0.5 / 2 * squares / 100, rtol)
            step = h["parameters"][k] - h["parameters"][k - 1]
            assert_allclose(h["update_norm"][k], np.linalg.norm(step), rtol=1e-4)
            assert_allclose(h["layer_update_norm"][k].sum() > h["update_norm"][k], True)
    assert h["zero_share"][-1] > 0
    assert_array_equal(h["learning_rate"], 0.1)


def test_gradients_are_recorded_before_they_are_clipped():
    X, y = digits(100)
    params = {"solver": "sgd", "momentum": 0.0, "learning_rate_init": 0.01, "alpha": 3.0}
    free = fitted(X, y, record=EVERYTHING, **params).history_
    assert_allclose(free["update_norm"], 0.01 * free["gradient_norm"], rtol=1e-9)
    assert_allclose(free["layer_update_norm"], 0.01 * free["layer_gradient_norm"], rtol=1e-9)
    squares = np.square(free["layer_gradient_norm"]).sum(axis=1)
    assert_allclose(free["gradient_norm"], np.sqrt(squares), rtol=1e-12)
    clipped = fitted(X, y, record=EVERYTHING, max_grad_norm=1e-3, **params).history_
    assert_allclose(clipped["update_norm"], 1e-5, rtol=1e-6)
    assert clipped["gradient_norm"][0] == free["gradient_norm"][0] > 1e-3


def test_norms_of_several_batches_are_root_mean_squares():
    X, y = digits(100)
    params = {"solver": "sgd", "momentum": 0.0, "learning_rate_init": 0.1, "shuffle": False,
              "record": EVERYTHING, "max_iter": 1}  # fmt: skip
    whole = fitted(X, y, batch_size=50, **params)
    first = fitted(X[:50], y[:50], batch_size=50, **params | {"shuffle": False})
    # The first batch of the epoch is the whole epoch of the other model, if classes agree.
    assert_array_equal(first.classes_, whole.classes_)
    a = first.history_["update_norm"][0]
    b = np.linalg.norm(whole.history_["parameters"][0] - first.history_["parameters"][0])
    assert_allclose(whole.history_["update_norm"][0], np.sqrt((a**2 + b**2) / 2), rtol=1e-9)


def test_the_learning_rate_is_that_of_the_last_step():
    X, y = digits(100)
    schedule = Cosine(0.1)
    found = fitted(X, y, learning_rate=schedule, batch_size=25).history_["learning_rate"]
    assert_array_equal(found, schedule.over(6 * 4)(np.arange(3, 24, 4)))
    slow = fitted(X, y, solver="sgd", learning_rate="invscaling", learning_rate_init=0.1)
    # The column is written before the rate of the next epoch is set.
    assert_allclose(slow.history_["learning_rate"], [0.1, *0.1 / np.sqrt(100 * np.r_[1:6] + 1)])


def test_an_average_is_what_is_recorded_and_what_predicts():
    X, y = digits(100)
    model = fitted(X, y, average="ema", average_decay=0.8, record=EVERYTHING)
    assert_array_equal(parameters(model), model.history_["parameters"][-1])
    assert np.linalg.norm(parameters(model)) != model.history_["parameter_norm"][-1]


def test_lbfgs_records_its_objective():
    X, y = digits(100)
    model = fitted(X, y, solver="lbfgs")
    assert model.history_.keys() == {"loss"}
    assert model.history_["loss"].shape == (6,)
    assert model.history_["loss"][-1] == model.loss_
    assert (np.diff(model.history_["loss"]) < 0).all()


def test_nothing_of_an_earlier_fit_with_epochs_stays():
    X, y = digits(100)
    model = fitted(X, y, early_stopping=True, dropout=0.2, batch_size=50)
    model.set_params(solver="lbfgs", dropout=0.0).fit(X, y)
    for name in ("loss_curve_", "best_loss_", "validation_scores_", "best_epoch_"):
        assert not hasattr(model, name), name
    with pytest.raises(ValueError, match="trained with dropout"):
        model.sample_proba(X)
    assert len(model.set_params(solver="adam").fit(X, y).loss_curve_) == 6


def test_before_a_fit_there_is_no_history():
    with pytest.raises(AttributeError, match="has no history_ yet: call fit"):
        _ = MLPClassifier().history_


# --- the end of a training ---


@pytest.mark.parametrize(("patience", "epochs"), [(1, 3), (4, 6), (np.inf, 20)])
def test_patience_counts_epochs_without_progress_by_the_tolerance(patience, epochs):
    X, y = digits(100)
    # The first epoch is progress from nothing; then no step gains 100.
    model = fitted(X, y, tol=100.0, n_iter_no_change=patience, max_iter=20)
    assert model.n_iter_ == len(model.loss_curve_) == len(model.history_["loss"]) == epochs


def test_a_tolerance_of_zero_takes_any_progress():
    X, y = digits(100)
    assert fitted(X, y, tol=0.0, n_iter_no_change=1, max_iter=30).n_iter_ == 30


def test_without_validation_the_best_epoch_has_the_least_loss():
    X, y = digits(100)
    model = fitted(X, y, solver="sgd", learning_rate_init=1.0, batch_size=10, max_iter=12)
    assert model.best_epoch_ == np.argmin(model.loss_curve_) + 1 < 12
    assert model.best_loss_ == min(model.loss_curve_)


def test_a_warm_start_has_a_history_and_a_best_epoch_of_its_own():
    X, y = digits(200)
    model = MLPClassifier((9,), max_iter=5, early_stopping=True, warm_start=True, random_state=0)
    model.fit(X, y)
    model.set_params(max_iter=4).fit(X, y)
    assert len(model.loss_curve_) == len(model.validation_scores_) == 9
    scores = model.history_["validation_score"]
    assert scores.shape == (4,)
    assert model.best_epoch_ == np.argmax(scores) + 1
    assert scores[model.best_epoch_ - 1] == model.best_validation_score_


def test_partial_fit_adds_to_the_history():
    X, y = digits(100)
    model = MLPClassifier((9,), random_state=0).partial_fit(X, y, classes=range(10))
    model.partial_fit(X, y).set_params(record="update_norm").partial_fit(X, y)
    assert model.history_["loss"].shape == (3,)
    assert model.best_epoch_ == 3
    # What was not asked for at first has no numbers there.
    assert_array_equal(np.isnan(model.history_["update_norm"]), [True, True, False])
    assert_array_equal(np.isnan(model.history_["layer_update_norm"]).sum(axis=1), [2, 2, 0])


def test_ctrl_c_while_scores_are_computed_leaves_columns_of_one_length():
    X, y = digits(100)
    calls = []

    def score(model, X, y):
        calls.append(0)
        if len(calls) == 6:  # the second one of the third epoch
            raise KeyboardInterrupt
        return len(calls)

    model = MLPClassifier((9,), early_stopping=True, scoring=score)
    with pytest.warns(UserWarning, match="interrupted"):
        model.fit(X, y, eval_sets={"a": (X, y)})
    assert model.n_iter_ == 3
    assert {len(column) for column in model.history_.values()} == {3}
    assert_array_equal(np.isnan(model.history_["a_score"]), [False, False, True])


def test_a_regressor_has_the_same_columns():
    X, y = digits(100)
    history = fitted(X, y, MLPRegressor, early_stopping=True, batch_size=30).history_
    assert history.keys() == USUAL | {"validation_loss", "validation_score"}
    assert (history["l2_penalty"] > 0).all()
