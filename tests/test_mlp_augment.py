"""batch_augment: what the function gets, what becomes of what it returns, what is refused."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone

from skreg import MLPClassifier, MLPRegressor
from skreg.augment import Chain, FeatureMask, GaussianNoise, ImageShift, MixUp
from tests.mlp_cases import TABLES, digits, ignore_convergence, labels, parameters

pytestmark = ignore_convergence
READY = [
    ImageShift((8, 8), max_shift=1), FeatureMask(0.2), GaussianNoise(0.1), MixUp(0.4),
    Chain(ImageShift((8, 8), max_shift=1), GaussianNoise(0.05)),
]  # fmt: skip


def fitted(X, y, cls=MLPClassifier, weight=None, **params):
    settings = {"hidden_layer_sizes": (8,), "random_state": 0, "batch_size": 40, "max_iter": 4}
    return cls(**{**settings, **params}).fit(X, y, weight)


def identity(X, y, rng):
    return X, y


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("params", [{}, {"dropout": 0.3, "label_smoothing": 0.1},
                                    {"sam_rho": 0.1, "average": "ema"}, {"solver": "sgd"},
                                    {"early_stopping": True}])  # fmt: skip
@pytest.mark.parametrize("table", [*TABLES, "regression"])
def test_a_function_that_changes_nothing_changes_no_bit(table, params, dtype):
    X, y = digits(90) if table == "regression" else TABLES[table]()
    if table == "regression":
        params = {k: v for k, v in params.items() if k != "label_smoothing"}
    X, y = X[:90].astype(dtype), y[:90]
    cls = MLPRegressor if table == "regression" else MLPClassifier
    weight = np.linspace(0, 2, 90)
    plain = fitted(X, y, cls, weight, **params)
    for function in (identity, lambda X, y, rng: (X[::1].copy(order="F"), y.astype(float))):
        found = fitted(X, y, cls, weight, batch_augment=function, **params)
        assert_array_equal(parameters(found), parameters(plain))
        assert found.loss_curve_ == plain.loss_curve_


@pytest.mark.parametrize("weights", [None, "some of zero"])
def test_batches_of_weight_zero_are_skipped_with_it_too(weights):
    X, y = digits(90)
    weight = np.repeat([0.0, 1.0], [40, 50]) if weights else None
    params = {"shuffle": False, "alpha": lambda t: 0.1 * t}
    plain = fitted(X, y, weight=weight, **params)
    found = fitted(X, y, weight=weight, batch_augment=identity, **params)
    assert_array_equal(parameters(found), parameters(plain))


@pytest.mark.parametrize("table", [*TABLES, "regression"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_the_function_gets(table, dtype):
    X, y = digits(90) if table == "regression" else TABLES[table]()
    X = X[:90].astype(dtype)
    before, seen = X.copy(), []

    def look(X_batch, y_batch, rng):
        seen.append((X_batch.copy(), y_batch.copy()))
        assert X_batch.flags.c_contiguous
        assert X_batch.flags.writeable
        assert isinstance(rng, np.random.RandomState)
        X_batch[:] = 0.0  # a copy, which may be changed
        y_batch[:] = 0.0
        return X_batch, y_batch

    cls = MLPRegressor if table == "regression" else MLPClassifier
    fitted(X, y[:90], cls, batch_augment=look, shuffle=False, max_iter=2)
    assert_array_equal(X, before)
    assert [len(batch) for batch, _ in seen] == 2 * [40, 40, 10]
    assert_array_equal(np.concatenate([batch for batch, _ in seen[:3]]), X)
    targets = np.concatenate([batch for _, batch in seen[3:]])
    assert targets.dtype == seen[0][0].dtype == dtype
    expected = {
        "binary": lambda: y[:90, None],
        "multiclass": lambda: y[:90, None] == np.arange(10),
        "multilabel": lambda: y[:90],
        "regression": lambda: y[:90, None],
    }[table]()
    # What was changed in one epoch was not the targets themselves.
    assert_array_equal(targets, expected)


def test_what_it_returns_is_trained_on():
    X, y = digits(90)
    half = fitted(X, y, batch_augment=lambda X, y, rng: (X / 2, y))
    assert_array_equal(parameters(half), parameters(fitted(X / 2, y)))
    soft = fitted(X, y, batch_augment=lambda X, y, rng: (X, 0.7 * y + 0.3 * (1 - y) / 9))
    assert_allclose(parameters(soft), parameters(fitted(X, y, label_smoothing=0.3)), atol=1e-9)


@pytest.mark.parametrize("augment", READY, ids=lambda a: type(a).__name__)
@pytest.mark.parametrize("cls", [MLPClassifier, MLPRegressor])
def test_every_ready_one_trains_and_repeats(augment, cls):
    X, y = digits(200)
    params = {"batch_augment": augment, "max_iter": 40, "learning_rate_init": 0.02}
    model = fitted(X, y, cls, **params)
    assert model.score(X, y) > (0.7 if cls is MLPClassifier else 0.3)
    assert_array_equal(parameters(fitted(X, y, cls, **params)), parameters(model))
    assert np.abs(parameters(model) - parameters(fitted(X, y, cls, **params | {
        "batch_augment": None}))).max() > 1e-3  # fmt: skip
    assert clone(model).batch_augment == augment


def test_partial_fit_and_multilabel_targets_are_augmented():
    X, Y = labels()
    a, b = (
        MLPClassifier((5,), random_state=0, batch_augment=f).partial_fit(X, Y, classes=range(5))
        for f in (None, MixUp())
    )
    assert np.abs(parameters(a) - parameters(b)).max() > 1e-6


def test_a_model_with_an_augmentation_can_be_pickled():
    X, y = digits(90)
    model = fitted(X, y, batch_augment=READY[-1])
    again = pickle.loads(pickle.dumps(model)).fit(X, y)
    assert_array_equal(parameters(again), parameters(model))


def short(X, y, rng):
    return X[1:], y[1:]


BAD = {
    "nothing": (lambda X, y, rng: None, "returned a NoneType: it must return the tuple"),
    "X alone": (lambda X, y, rng: X, "returned a ndarray"),
    "three": (lambda X, y, rng: (X, y, rng), "returned a tuple"),
    "fewer rows": (short, r"shapes \(39, 64\) and \(39, 10\) for a batch of \(40, 64\)"),
    "class codes": (lambda X, y, rng: (X, y.argmax(axis=1)), r"\(40,\) .*must keep the shapes"),
    "wider X": (lambda X, y, rng: (np.c_[X, X], y), "must keep the shapes"),
    "NaN": (lambda X, y, rng: (X * np.nan, y), "returned NaN or infinity"),
    "infinite y": (lambda X, y, rng: (X, y + np.inf), "returned NaN or infinity"),
    "words": (lambda X, y, rng: (X, "a"), "could not convert|must keep the shapes"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_it_may_not_return(case):
    X, y = digits(90)
    function, message = BAD[case]
    model = MLPClassifier((8,), batch_size=40, batch_augment=function)
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)
    assert not hasattr(model, "coefs_")


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"batch_augment": "noise"}, "'batch_augment' parameter"),
        ({"batch_augment": identity, "solver": "lbfgs"}, "batch_augment=.* solver='lbfgs'"),
        ({"batch_augment": ImageShift((9, 9))}, "makes 81 features, but X has 64"),
        ({"batch_augment": GaussianNoise([1.0, 2.0])}, "scale holds 2 numbers"),
    ],
)
def test_what_it_does_not_go_with(params, message):
    X, y = digits(90)
    with pytest.raises(ValueError, match=message):
        fitted(X, y, **params)


def test_sparse_rows_are_not_augmented():
    X, y = digits(90)
    with pytest.raises(ValueError, match=r"batch_augment needs dense batches.*X.toarray\(\)"):
        fitted(sparse.csr_array(X), y, batch_augment=identity)


class FailsAfter:
    """The batch as it is, but an error in the n-th call."""

    def __init__(self, n):
        self.left = n

    def __call__(self, X, y, rng):
        self.left -= 1
        if self.left == 0:
            raise OSError("no more")
        return X, y


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_an_epoch_that_fails_leaves_nothing_behind(solver):
    X, y = digits(90)
    one, other = (
        MLPClassifier((8,), solver=solver, batch_size=30, shuffle=False, random_state=0)
        for _ in range(2)
    )
    one.partial_fit(X, y, classes=range(10))
    other.partial_fit(X, y, classes=range(10))
    with pytest.raises(OSError, match="no more"):
        other.set_params(batch_augment=FailsAfter(3)).partial_fit(X, y)
    other.set_params(batch_augment=None)
    for model in (one, other):
        model.partial_fit(X, y)
    assert_array_equal(parameters(other), parameters(one))


def test_targets_of_classes_stay_probabilities():
    X, y = digits(90)
    with pytest.raises(ValueError, match="y_batch from 3 to 4: for classes it must hold"):
        fitted(X, y, batch_augment=lambda X, y, rng: (X, y + 3))
    assert fitted(X, 1.0 * y, MLPRegressor, batch_augment=lambda X, y, rng: (X, y + 3)).loss_ > 0
