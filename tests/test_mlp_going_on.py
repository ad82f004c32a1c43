"""partial_fit and warm_start: a network that goes on learning keeps all that it needs."""

import pickle
from itertools import permutations

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.exceptions import DataConversionWarning

from skreg import MLPClassifier, MLPRegressor
from skreg._solvers.network import joined
from skreg.schedules import Cosine, PowerLaw
from tests.mlp_cases import digits, ignore_convergence, labels, parameters

pytestmark = ignore_convergence
SOLVERS = ("sgd", "adam", "adamw")


def model(cls=MLPClassifier, **params):
    return cls(**{"hidden_layer_sizes": (6,), "random_state": 0, "batch_size": 30, **params})


def epochs(estimator, X, y, n=3, **first):
    """The parameters after each of n calls of partial_fit."""
    seen = []
    for k in range(n):
        estimator.partial_fit(X, y, **(first if k == 0 else {}))
        seen.append(parameters(estimator).copy())
    return seen


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("n_targets", [1, 3])
def test_a_regressor_s_partial_fit_is_fit_one_epoch_at_a_time(n_targets, solver):
    X = digits(100)[0]
    Y = X[:, 20 : 20 + n_targets] if n_targets > 1 else X[:, 20]
    params = {"solver": solver, "shuffle": False, "learning_rate": PowerLaw(0.02, tau=9)}
    whole = model(MLPRegressor, max_iter=3, n_iter_no_change=99, **params).fit(X, Y)
    steps = model(MLPRegressor, **params)
    epochs(steps, X, Y)
    assert_array_equal(parameters(steps), parameters(whole))
    assert steps.loss_curve_ == whole.loss_curve_
    assert steps.predict(X).shape == Y.shape


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("more", [{}, {"average": "swa"}, {"average": "ema", "l1": 0.1},
                                  {"dropout": 0.3}, {"spectral_norm": "cap"}])  # fmt: skip
def test_pickling_in_between_changes_nothing(solver, more):
    X, y = digits(100)
    straight, pickled = (model(solver=solver, **more) for _ in range(2))
    epochs(straight, X, y, 4, classes=range(10))
    pickled.partial_fit(X, y, classes=range(10))
    for _ in range(3):
        pickled = pickle.loads(pickle.dumps(pickled)).partial_fit(X, y)
    assert_array_equal(parameters(pickled), parameters(straight))
    assert_array_equal(pickled.history_["loss"], straight.history_["loss"])


@pytest.mark.parametrize("solvers", [*permutations([*SOLVERS, "lbfgs"], 2)])
def test_the_solver_may_change_between_fits(solvers):
    X, y = digits(200)
    fitted = model(solver=solvers[0], max_iter=20, warm_start=True, learning_rate_init=0.01)
    before = fitted.fit(X, y).loss_
    after = fitted.set_params(solver=solvers[1]).fit(X, y).loss_
    assert after < before
    if solvers[1] != "lbfgs":
        assert np.isfinite(fitted.partial_fit(X, y).loss_)
        assert len(fitted.loss_curve_) >= 21


@pytest.mark.parametrize(
    ("solver", "change"),
    [
        ("adam", {"learning_rate_init": 1e-9}),
        ("adam", {"learning_rate": lambda t: 1e-9}),
        ("sgd", {"learning_rate": "invscaling", "power_t": 9.0, "momentum": 0.0}),
    ],
)
def test_a_new_learning_rate_counts_from_the_next_call_on(solver, change):
    X, y = digits(100)
    fitted = model(solver=solver)
    start, moved = epochs(fitted, X, y, 2, classes=range(10))
    assert np.abs(moved - start).max() > 1e-5
    *_, still, more = epochs(fitted.set_params(**change), X, y, 3)
    assert np.abs(more - still).max() < 1e-6


def test_the_exponent_of_inverse_scaling_may_change():
    X, y = digits(100)
    fitted = model(solver="sgd", learning_rate="invscaling", power_t=0.0)
    epochs(fitted, X, y, classes=range(10))
    assert fitted.history_["learning_rate"][-1] == 1e-3
    epochs(fitted.set_params(power_t=1.0), X, y, 2)
    assert_allclose(fitted.history_["learning_rate"][-1], 1e-3 / 401)


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array, sparse.csc_matrix])
def test_multilabel_partial_fit(container):
    X, Y = labels()
    dense, other = (model(shuffle=False) for _ in range(2))
    epochs(dense, X, Y, classes=range(5))
    epochs(other, X, container(Y), classes=range(5))
    assert_array_equal(parameters(dense), parameters(other))
    whole = model(shuffle=False, max_iter=3).fit(X, Y)
    assert_array_equal(parameters(whole), parameters(dense))
    assert dense.predict(X).shape == Y.shape
    # A batch may lack a label.
    dense.partial_fit(X, np.where(np.arange(5) == 2, 0, Y))


MISMATCHES = {
    "too many classes": ((labels, range(7)), None, r"classes=.* do not fit y, which has 5 labels"),
    "too few classes": ((labels, range(4)), None, r"pass classes=range\(5\)"),
    "classes after labels": ((labels, range(5)), lambda y: np.arange(len(y)) % 5,
                             "y holds one class a sample, but .* a 0/1 matrix of labels"),
    "labels after classes": ((digits, range(10)), lambda y: np.eye(10, dtype=int)[y],
                             "y holds a 0/1 matrix of labels"),
    "fewer labels": ((labels, range(5)), lambda y: y[:, :4], "mismatch"),
    "more labels": ((labels, range(5)), lambda y: np.c_[y, y[:, :1]], "classes not in|mismatch"),
}  # fmt: skip


@pytest.mark.parametrize("case", MISMATCHES)
def test_targets_of_another_kind_are_refused(case):
    (table, classes), change, message = MISMATCHES[case]
    X, y = table()
    fitted = model()
    if change is None:
        with pytest.raises(ValueError, match=message):
            fitted.partial_fit(X, y, classes=classes)
        assert not hasattr(fitted, "classes_")
        return
    before = parameters(fitted.partial_fit(X, y, classes=classes)).copy()
    with pytest.raises(ValueError, match=message):
        fitted.partial_fit(X, change(y))
    assert_array_equal(parameters(fitted), before)


def test_a_binary_network_refuses_two_labels():
    X, y = digits(100)
    fitted = model().partial_fit(X, y > 4, classes=[False, True])
    with pytest.raises(ValueError, match="y holds a 0/1 matrix of labels"):
        fitted.partial_fit(X, np.c_[y > 4, y < 5].astype(int))


@pytest.mark.parametrize("kind", ["i1", "u8", "f8", "?", "U5", "O"])
def test_labels_of_any_type(kind):
    X, y = digits(100)
    y = (y > 4).astype("U5" if kind == "O" else kind).astype(kind)
    fitted = model().partial_fit(X, y, classes=np.unique(y)).partial_fit(X[:20], y[:20])
    assert fitted.predict(X).dtype == (kind if kind != "O" else "U5")
    assert set(fitted.predict(X)) <= set(y)
    assert_array_equal(fitted.classes_, np.unique(y))


def test_a_column_of_labels_warns_in_partial_fit_too():
    X, y = digits(100)
    with pytest.warns(DataConversionWarning, match="column-vector"):
        column = model().partial_fit(X, y[:, None], classes=range(10))
    assert_array_equal(
        parameters(column), parameters(model().partial_fit(X, y, classes=range(10)))
    )
    X, y = X, X[:, 20]
    flat, column = (model(MLPRegressor).partial_fit(X, t) for t in (y, y[:, None]))
    assert_array_equal(flat.predict(X), column.predict(X))


def test_with_warm_start_partial_fit_still_takes_what_comes():
    X, y = digits(100)
    fitted = model(warm_start=True).partial_fit(X, y, classes=range(10))
    assert np.isfinite(fitted.partial_fit(X[y < 3], y[y < 3]).loss_)


def test_the_type_of_the_first_samples_stays():
    X, y = digits(100)
    fitted = model().partial_fit(X.astype(np.float32), y, classes=range(10)).partial_fit(X, y)
    assert fitted.coefs_[0].dtype == np.float32
    again = model(max_iter=2, warm_start=True).fit(X.astype(np.float32), y).fit(X, y)
    assert again.coefs_[0].dtype == np.float32


# --- averages ---


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_plain_average_of_partial_fits_is_that_of_their_ends(solver):
    X, y = digits(100)
    ends = epochs(model(solver=solver), X, y, 4, classes=range(10))
    means = epochs(model(solver=solver, average="swa"), X, y, 4, classes=range(10))
    for k in range(4):
        assert_allclose(means[k], np.mean(ends[: k + 1], axis=0), rtol=1e-9, atol=1e-12)


def test_the_exponential_average_of_partial_fits_has_no_memory_of_the_start():
    X, y = digits(30)
    ends = epochs(model(), X, y, 4, classes=range(10))  # one step each
    means = epochs(model(average="ema", average_decay=0.7), X, y, 4, classes=range(10))
    for k in range(4):
        weights = 0.7 ** np.arange(k, -1.0, -1)
        assert_allclose(means[k], weights @ ends[: k + 1] / weights.sum(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", ["ema", "swa"])
def test_an_average_may_be_switched_on_and_off(kind):
    X, y = digits(100)
    fitted = model(learning_rate_init=0.01)
    *_, before = epochs(fitted, X, y, 20, classes=range(10))
    *_, after = epochs(fitted.set_params(average=kind), X, y, 1)
    # Not an average with zeros, from before there was anything to average.
    assert_allclose(after, before, atol=0.2)
    assert_allclose(np.linalg.norm(after), np.linalg.norm(before), rtol=0.05)
    assert np.isfinite(fitted.set_params(average=None).partial_fit(X, y).loss_)


def test_a_warm_start_averages_its_own_epochs():
    X, y = digits(100)
    fitted = model(average="swa", average_start=0.5, max_iter=4, warm_start=True)
    fitted.set_params(record="parameters", shuffle=False).fit(X, y).fit(1 - X, y)
    last = fitted.history_["parameters"]
    # What is recorded is the average so far: it begins with the third epoch of this fit.
    bare = model(max_iter=8, shuffle=False).fit(X, y)
    assert last.shape == (4, len(parameters(bare)))
    a, b = last[2], 2 * last[3] - last[2]  # the ends of the last two epochs
    assert np.linalg.norm(last[3] - (a + b) / 2) < 1e-12
    assert np.abs(last[1] - last[2]).max() > 0
    plain = model(max_iter=4, warm_start=True, record="parameters", shuffle=False)
    plain.fit(X, y).fit(1 - X, y)
    assert_allclose(last[:3], plain.history_["parameters"][:3], atol=1e-12)
    assert_allclose(last[3], plain.history_["parameters"][2:].mean(axis=0), atol=1e-12)


# --- schedules ---


def test_a_schedule_goes_on_from_call_to_call():
    X, y = digits(60)  # two steps an epoch
    fitted = model(learning_rate=Cosine(0.1, n_steps=8))
    epochs(fitted, X, y, 4, classes=range(10))
    assert_array_equal(fitted.history_["learning_rate"], Cosine(0.1, n_steps=8)([1, 3, 5, 7]))
    with pytest.raises(ValueError, match=r"Cosine needs the planned number of updates: pass"):
        model(learning_rate=Cosine(0.1)).partial_fit(X, y, classes=range(10))


def test_many_small_calls_stay_quick():
    # Every call once made arrays of the whole history.
    X, y = np.eye(4), np.arange(4) % 2
    fitted = model().partial_fit(X, y, classes=[0, 1])
    columns = fitted._history.columns
    fitted.partial_fit(X, y)
    assert fitted._history.columns is columns
    assert isinstance(columns["loss"], list)


def test_a_pickled_model_predicts_from_one_vector_again():
    X, y = digits(100)
    fitted = model(max_iter=3).fit(X, y)
    again = pickle.loads(pickle.dumps(fitted))
    assert_array_equal(again.predict_proba(X), fitted.predict_proba(X))
    vector = again.coefs_[0].base
    assert joined(again.coefs_, again.intercepts_, vector.dtype) is vector
    assert pickle.loads(pickle.dumps(MLPClassifier())).get_params() == MLPClassifier().get_params()


class Fails:
    """A callback that fails at the end of everything."""

    def setup(self, estimator, context):
        """Nothing to prepare."""

    teardown = setup

    def on_fit_task_begin(self, estimator, context, **data):
        """Nothing to see yet."""

    def on_fit_task_end(self, estimator, context, **data):
        raise OSError("no more")


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_partial_fit_whose_callback_fails_leaves_nothing_behind(solver):
    X, y = digits(90)
    one, other = (model(solver=solver) for _ in range(2))
    for estimator in (one, other):
        epochs(estimator, X, y, classes=range(10))
    with pytest.raises(OSError, match="no more"):
        other.set_callbacks(Fails()).partial_fit(X, y)
    other.set_callbacks()
    for estimator in (one, other):
        epochs(estimator, X, y)
    assert_array_equal(parameters(other), parameters(one))
    assert other.loss_curve_ == one.loss_curve_
    assert other.t_ == one.t_


def test_a_model_in_mapped_memory_goes_on(tmp_path):
    X, y = digits(90)
    one = model().partial_fit(X, y, classes=range(10))
    joblib.dump(one, tmp_path / "model")
    other = joblib.load(tmp_path / "model", mmap_mode="r")
    assert_array_equal(parameters(other.partial_fit(X, y)), parameters(one.partial_fit(X, y)))
