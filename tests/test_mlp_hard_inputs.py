"""Odd but valid data, values at the edges, and the words of every refusal."""

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning

from skreg import MLPClassifier, MLPRegressor
from skreg._perceptron_checks import NOT_WITH_LBFGS
from skreg.schedules import Cosine
from tests.mlp_cases import digits, ignore_convergence, parameters

pytestmark = ignore_convergence
both = pytest.mark.parametrize("cls", [MLPClassifier, MLPRegressor])
solvers = pytest.mark.parametrize("solver", ["lbfgs", "sgd", "adam", "adamw"])
LOSSES = ("squared_error", "absolute_error", "huber", "quantile", "poisson")


def small(cls, **params):
    return cls(**{"hidden_layer_sizes": (4,), "random_state": 0, "max_iter": 5, **params})


# --- odd, but valid ---


@both
@pytest.mark.parametrize("name", ["epsilon", "sample_weight"])
def test_numbers_that_float32_takes_for_nothing(name, cls):
    X, y = digits(60)
    weight = np.full(60, 1e-50) if name == "sample_weight" else None
    params = {"epsilon": 1e-43} if name == "epsilon" else {}
    with pytest.raises(ValueError, match=rf"{name}.*1e-(43|50).* nothing in float32"):
        small(cls, **params).fit(X.astype(np.float32), y, weight)
    assert np.isfinite(small(cls, **params).fit(X, y, weight).loss_)


@solvers
@pytest.mark.parametrize("loss", LOSSES)
def test_one_sample_and_one_feature(loss, solver):
    model = small(MLPRegressor, loss=loss, solver=solver, max_iter=300, learning_rate_init=0.05)
    model.fit([[2.0]], [3.0])
    assert_allclose(model.predict([[2.0]]), 3.0, atol=0.7)


@solvers
def test_two_samples_of_two_classes(solver):
    model = small(MLPClassifier, solver=solver, max_iter=300, learning_rate_init=0.1)
    X = [[-1.0, 0.0], [1.0, 0.0]]
    assert list(model.fit(X, ["a", "b"]).predict(X)) == ["a", "b"]


@solvers
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("value", [0.0, 4.0])
def test_constant_targets(value, loss, solver):
    X = np.random.default_rng(0).standard_normal((30, 3))
    model = small(MLPRegressor, loss=loss, solver=solver, max_iter=400, learning_rate_init=0.02)
    assert_allclose(model.fit(X, np.full(30, value)).predict(X), value, atol=0.8)


@both
@solvers
@pytest.mark.parametrize("hidden", [(), [], np.array([], int), (3,), [3, 2], np.array([3, 2]), 3])
def test_any_sequence_of_layers(hidden, solver, cls):
    X, y = digits(60)
    model = small(cls, hidden_layer_sizes=hidden, solver=solver).fit(X, y)
    assert model.n_layers_ == 2 + np.size(hidden) == len(model.coefs_) + 1
    assert np.isfinite(model.predict(X)).all()


@both
@pytest.mark.parametrize("dtype", ["f2", "i1", "u8", "?", "O", ">f8", "f4", "f8", "g"])
def test_numbers_of_any_type(dtype, cls):
    X, y = digits(60)
    X = (16 * X).round().astype(dtype)
    model = small(cls).fit(X, y)
    wide = X.astype(np.float32 if dtype == "f4" else np.float64)
    assert model.coefs_[0].dtype == wide.dtype
    assert_array_equal(parameters(model), parameters(small(cls).fit(wide, y)))
    assert_array_equal(model.predict(X), model.predict(wide))


@both
@pytest.mark.parametrize("dtype", ["i2", "?", "f4", "O"])
def test_targets_of_any_type(dtype, cls):
    X, y = digits(60)
    y = (y > 4).astype(int)
    model = small(cls).fit(X, y.astype(dtype) if cls is MLPRegressor or dtype != "O" else y)
    assert_array_equal(parameters(model), parameters(small(cls).fit(X, y)))


@both
@pytest.mark.parametrize("wrap", [list, np.float32, np.int64, pd.Series, lambda w: w > 0])
def test_weights_of_any_type(wrap, cls):
    X, y = digits(60)
    weight = np.arange(60) % 3
    model = small(cls).fit(X, y, wrap(weight))
    expected = small(cls).fit(X, y, np.asarray(wrap(weight), float))
    assert_array_equal(parameters(model), parameters(expected))


@both
@solvers
@pytest.mark.parametrize("scale", [0.0, 1e-300, 1e-30])
def test_features_that_say_next_to_nothing(scale, solver, cls):
    X, y = digits(60)
    assert np.isfinite(small(cls, solver=solver).fit(scale * X, y).predict(scale * X)).all()


@both
def test_many_more_features_than_samples(cls):
    X = np.random.default_rng(0).standard_normal((3, 5000))
    model = small(cls, solver="lbfgs", max_iter=50).fit(X, [0, 1, 0])
    assert_allclose(model.predict(X), [0, 1, 0], atol=0.1)


def test_numbers_of_numpy_are_numbers():
    X, y = digits(60)
    names = {"alpha": 0.5, "l1": 0.01, "dropout": 0.25, "sam_rho": 0.5, "max_grad_norm": 2.0,
             "weight_decay": 0.125, "learning_rate_init": 0.25}  # fmt: skip
    plain = small(MLPClassifier, **names).fit(X, y)
    wrapped = {name: np.float32(value) if value != 0.01 else np.float64(value)
               for name, value in names.items()}  # fmt: skip
    other = small(MLPClassifier, **wrapped | {
        "max_iter": np.int64(5), "batch_size": np.int32(60), "hidden_layer_sizes": np.int64(4),
        "shuffle": np.True_}).fit(X, y)  # fmt: skip
    assert_array_equal(parameters(other), parameters(plain))


# --- too much of something ---


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_divergence_names_the_epoch_and_what_to_turn(solver, loss):
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((60, 3)), rng.uniform(0, 2, 60)
    model = small(MLPRegressor, loss=loss, solver=solver, learning_rate_init=1e200, max_iter=99,
                  activation="identity", hidden_layer_sizes=(4, 4))  # fmt: skip
    with pytest.raises(
        ValueError,
        match=r"overflowed in iteration \d+: .*Lower "
        r"learning_rate_init \(1e\+200\), or scale X and y.*max_grad_norm",
    ):
        model.fit(X, y)  # fmt: skip
    assert np.isfinite(parameters(model)).all()
    assert model.n_iter_ == len(model.loss_curve_)


def test_divergence_under_a_schedule_names_the_schedule():
    X, y = digits(60)
    model = small(MLPClassifier, learning_rate=Cosine(1e200), activation="identity", max_iter=99)
    with pytest.raises(ValueError, match=r"Lower learning_rate \(Cosine\(initial=1e\+200"):
        model.fit(X, y)


@both
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_huge_features_overflow_with_a_word(dtype, cls):
    X, y = digits(60)
    X = X.astype(dtype) * np.finfo(dtype).max / 4
    model = small(cls, activation="identity", solver="sgd")
    with pytest.raises(ValueError, match=r"overflowed in iteration \d: .*scale X.*StandardScaler"):
        model.fit(X, y)
    assert np.isfinite(parameters(model)).all()
    # It learns again from data in range.
    assert np.isfinite(model.fit(digits(60)[0], y).loss_)


def test_after_a_divergence_partial_fit_goes_on():
    X, y = digits(60)
    model = small(MLPClassifier).partial_fit(X, y, classes=range(10))
    before = parameters(model).copy()
    with pytest.raises(ValueError, match="overflowed"):
        model.partial_fit(1e300 * X, y)
    assert_array_equal(parameters(model), before)
    assert np.isfinite(model.partial_fit(X, y).loss_)


def test_validation_data_that_overflow_end_the_training_with_the_model():
    X, y = digits(60)
    model = small(MLPClassifier, activation="identity")
    with pytest.raises(ValueError, match="iteration 1: the outputs or the loss of the far data"):
        model.fit(X, y, eval_sets={"far": (X * 1e308, y)})
    assert model.n_iter_ == 1
    assert np.isfinite(model.predict_proba(X)).all()


# --- refusals ---

BAD = {
    "l1": [-1.0, np.nan, "much", None], "sam_rho": [-0.1, None], "sam_adaptive": ["yes", 2],
    "max_grad_norm": [0.0, -1.0, np.nan], "spectral_norm": ["clip", 1.0],
    "max_spectral_norm": [0.0, -1.0, None], "average": ["mean", True],
    "average_decay": [1.0, -0.1], "average_start": [1.0, -0.1],
    "record": ["loss", ["loss"], 3, {"gradient": 1}],
    "scoring": [3, "good"], "input_dropout": [1.0, [0.1]], "n_iter_no_change": [0, 2.5],
    "momentum": [1.1], "beta_1": [1.0], "epsilon": [0.0], "validation_fraction": [1.0, -0.1],
    "max_iter": [0, 2.5], "batch_size": [0, "all"], "tol": [-1.0], "power_t": [-1.0],
    "activation": ["sine", ["sine"]],
    "hidden_layer_sizes": [(0,), (2.5,), ("a",), -1, [[2]], None],
    "weight_decay": ["some", -1.0], "alpha": [-1.0, None], "shuffle": ["no"], "checkpoint": [3],
}  # fmt: skip


@both
@pytest.mark.parametrize(("name", "value"), [(k, v) for k, values in BAD.items() for v in values])
def test_bad_values_are_named(name, value, cls):
    X, y = digits(60)
    params = {"early_stopping": True} if name in ("scoring", "validation_fraction") else {}
    model = small(cls, **params, **{name: value})
    with pytest.raises((ValueError, TypeError), match=str(value) if name == "scoring" else name):
        model.fit(X, y)
    assert not hasattr(model, "coefs_")


ON = {"weight_decay": 0.1, "l1": 0.1, "dropout": [0.1], "input_dropout": 0.1, "max_grad_norm": 1.0,
      "spectral_norm": "cap", "sam_rho": 0.1, "average": "swa", "checkpoint": "file",
      "batch_augment": lambda X, y, rng: (X, y), "record": "parameters"}  # fmt: skip


@both
@pytest.mark.parametrize("name", NOT_WITH_LBFGS)
def test_what_needs_epochs_conflicts_with_lbfgs(name, cls):
    X, y = digits(60)
    with pytest.raises(
        ValueError,
        match=rf"^{name}=.* does not work with solver='lbfgs'.*"
        rf"Set {name}=.*, or solver='adamw'",
    ):
        small(cls, solver="lbfgs", **{name: ON[name]}).fit(X, y)  # fmt: skip
    off = {"dropout": [0.0], "record": [], "weight_decay": 0.0}.get(name, NOT_WITH_LBFGS[name])
    assert np.isfinite(small(cls, solver="lbfgs", **{name: off}).fit(X, y).loss_)


@pytest.mark.parametrize(
    ("y", "params", "message"),
    [
        ([0, 0, 0, 0, 1], {}, r"validation_fraction=0.1 of 5 samples.*pass X_val and y_val"),
        ([0, 1, 0, 1, 0], {"validation_fraction": 0.0}, "validation_fraction=0.0"),
        ([0, 1, 0, 1, 0], {"validation_fraction": 0.99}, "validation_fraction=0.99"),
    ],
)
def test_too_little_to_hold_out(y, params, message):
    model = small(MLPClassifier, early_stopping=True, **params)
    with pytest.raises(ValueError, match=message):
        model.fit(np.eye(5), y)


@pytest.mark.parametrize("what", ["features", "names", "NaN", "classes", "layers"])
def test_a_refusal_leaves_the_fitted_model(what):
    X, y = digits(60)
    frame = pd.DataFrame(X).rename(columns=str)
    model = small(MLPClassifier, warm_start=what == "features").fit(frame, y)
    before, labels = model.predict_proba(frame), model.classes_
    changed = {
        "features": (frame.iloc[:, :5], y, {}),
        "names": (frame.rename(columns=lambda name: name + "x"), np.full(60, np.nan), {}),
        "NaN": (frame * np.nan, y, {}),
        "classes": (frame, np.zeros(60), {}),
        "layers": (frame.iloc[:, :7], y % 3, {"hidden_layer_sizes": (0,)}),
    }
    X_new, y_new, params = changed[what]
    with pytest.raises(ValueError, match=r"feature|NaN|one class|hidden_layer_sizes"):
        model.set_params(**params).fit(X_new, y_new)
    assert_array_equal(model.predict_proba(frame), before)
    assert model.classes_ is labels
    assert model.n_features_in_ == 64
    assert list(model.feature_names_in_) == list(frame.columns)


# --- warnings ---


@both
@pytest.mark.filterwarnings("default::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("params", [{}, {"solver": "lbfgs"}, {"early_stopping": True}])
def test_a_warning_points_to_the_line_that_calls_fit(params, cls):
    X, y = digits(60)
    with pytest.warns(ConvergenceWarning) as found:
        small(cls, **params).fit(X, y)
    assert [w.filename for w in found] == [__file__]


# --- weights and steps out of range ---


class Interrupts:
    """The batch as it is, but Ctrl-C in the second one."""

    def __init__(self):
        self.calls = 0

    def __call__(self, X, y, rng):
        self.calls += 1
        if self.calls == 2:
            raise KeyboardInterrupt
        return X, y


@pytest.mark.parametrize("spectral_norm", [None, "cap"])
def test_ctrl_c_after_a_step_to_infinity_leaves_the_weights_before_it(spectral_norm):
    X, y = digits(60)
    model = small(
        MLPRegressor, solver="sgd", learning_rate_init=1e38, batch_augment=Interrupts(),
        batch_size=20, spectral_norm=spectral_norm,
    )  # fmt: skip
    with pytest.warns(UserWarning, match="interrupted"):
        model.fit(X.astype(np.float32), 1000.0 * y)
    assert np.isfinite(parameters(model)).all()
    model.set_params(batch_augment=None, learning_rate_init=1e-9)
    assert np.isfinite(model.partial_fit(X.astype(np.float32), 1.0 * y).loss_)


TOO_SMALL = {"class_weight": dict.fromkeys(range(10), 1e-50)}


@pytest.mark.parametrize("solver", ["lbfgs", "sgd", "adam"])
@pytest.mark.parametrize(
    ("params", "weight", "message"),
    [
        ({"class_weight": dict.fromkeys(range(10), 1e-310)}, None, "class_weight holds 1e-310"),
        ({}, 1e308, "sample_weight holds 1e.308, too large for the sum"),
        ({"class_weight": {9: 1e300}}, 1e200, "sample_weight times class_weight holds inf"),
    ],
)
def test_weights_whose_sum_or_inverse_is_infinite(params, weight, message, solver):
    X, y = digits(60)
    weight = None if weight is None else np.full(60, weight)
    with pytest.raises(ValueError, match=message):
        small(MLPClassifier, solver=solver, **params).fit(X, y, weight)


def test_weights_that_vanish_in_float32():
    X, y = digits(60)
    with pytest.raises(ValueError, match="class_weight holds 1e-50, which is nothing in float32"):
        small(MLPClassifier, **TOO_SMALL).fit(X.astype(np.float32), y)
    assert small(MLPClassifier, **TOO_SMALL).fit(X, y).loss_ > 0.1


def test_classes_of_weight_zero_may_be_all_that_is_left_to_train_on():
    X, y = digits(40)
    y = np.repeat([1, 2, 0], [2, 2, 36])
    model = small(MLPClassifier, early_stopping=True, validation_fraction=0.9, random_state=3,
                  class_weight={0: 0, 1: 1, 2: 0})  # fmt: skip
    with pytest.raises(ValueError, match="class_weight must be positive for some training"):
        model.fit(X, y)


def test_weights_of_validation_data_have_a_finite_sum():
    X, y = digits(60)
    with pytest.raises(ValueError, match=r"X_val and y_val: sample_weight holds 1e.308"):
        small(MLPClassifier, early_stopping=True).fit(
            X, y, X_val=X, y_val=y, sample_weight_val=np.full(60, 1e308)
        )


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_a_learning_rate_that_float32_takes_for_nothing(solver):
    X, y = digits(60)
    with pytest.raises(ValueError, match="learning_rate_init=1e-50 is nothing in float32"):
        small(MLPClassifier, solver=solver, learning_rate_init=1e-50).fit(X.astype("f4"), y)


def test_an_epsilon_below_all_numbers_has_no_wider_type():
    X, y = digits(60)
    with pytest.raises(ValueError, match=r"epsilon=9.*e-321 .*float64.* Make it larger\.$"):
        small(MLPClassifier, epsilon=1e-320).fit(X, y)
    small(MLPClassifier, epsilon=1e-320, solver="sgd").fit(X, y)


def test_predictions_that_overflow_end_the_training_with_the_model():
    X = np.linspace(-1, 1, 200).astype(np.float32)[:, None]
    model = small(MLPRegressor, hidden_layer_sizes=(), loss="poisson", solver="sgd",
                  early_stopping=True)  # fmt: skip
    with pytest.raises(ValueError, match=r"overflowed in iteration 1.*validation data"):
        model.fit(X, np.ones(200), X_val=X * 3000, y_val=np.ones(200))
    assert np.isfinite(parameters(model)).all()


@both
def test_numbers_in_arrays_without_an_axis(cls):
    X, y = digits(60)
    odd = small(cls, hidden_layer_sizes=np.array(5), dropout=np.array(0.1)).fit(X, y)
    assert_array_equal(
        parameters(odd), parameters(small(cls, hidden_layer_sizes=5, dropout=0.1).fit(X, y))
    )
    with pytest.raises(ValueError, match=r"activation=.* must be one name"):
        small(cls, activation=[["relu"]]).fit(X, y)


@pytest.mark.parametrize("average", [None, "ema", "swa"])
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_training_goes_on_after_a_divergence_from_the_weights_that_predict(solver, average):
    X, y = digits(60)
    model = small(MLPRegressor, solver=solver, activation="identity", batch_size=10,
                  average=average)  # fmt: skip
    for _ in range(3):
        model.partial_fit(X, y)
    before = model.predict(X)
    with pytest.raises(ValueError, match="overflowed"):
        model.set_params(learning_rate_init=1e307).partial_fit(X, y)
    assert_array_equal(model.predict(X), before)
    model.set_params(learning_rate_init=1e-12).partial_fit(X, y)
    assert_allclose(model.predict(X), before, rtol=1e-6, atol=1e-8)
    assert (len(model.loss_curve_), model.t_) == (4, 240)


@pytest.mark.parametrize("warm_start", [False, True])
@pytest.mark.parametrize("average", [None, "ema"])
def test_data_to_follow_that_overflow_leave_no_memory_of_the_fit_before(average, warm_start):
    X, y = digits(60)
    model = small(MLPRegressor, loss="poisson", activation="identity", average=average,
                  warm_start=warm_start)  # fmt: skip
    model.fit(X, y / 10)
    model.set_params(hidden_layer_sizes=(4,) if warm_start else (7,))
    with pytest.raises(ValueError, match="overflowed in iteration 1"):
        model.fit(X, y / 10, eval_sets={"far": (np.vstack([X, -X]) * 1e6, np.tile(y, 2))})
    before, epochs = model.predict(X), len(model.loss_curve_)
    model.set_params(learning_rate_init=1e-12).partial_fit(X, y / 10)
    assert_allclose(model.predict(X), before, rtol=1e-6, atol=1e-8)
    assert len(model.loss_curve_) == epochs + 1


def test_a_warning_that_is_an_error_does_not_undo_the_fit():
    X, y = digits(60)
    model = small(MLPClassifier)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ConvergenceWarning):
            model.fit(X, y)
    assert model.n_iter_ == 5


def test_bad_class_weights_are_named():
    X, y = digits(60)
    for wrong in ({0: "a"}, [{0: 1}], {0: 10**400}):
        with pytest.raises(ValueError, match=r"class_weight=.* does not fit y: "):
            small(MLPClassifier, class_weight=wrong).fit(X, y)


def test_a_scorer_that_cannot_judge_the_validation_data_is_named():
    X, y = digits(100)
    model = small(MLPClassifier, early_stopping=True, scoring="neg_log_loss")
    with pytest.raises(ValueError, match="scoring='neg_log_loss' of the validation data: "):
        model.fit(X, y, X_val=X[y < 4], y_val=y[y < 4])
