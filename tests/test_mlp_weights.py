"""class_weight and label_smoothing: what they mean in the objective, whoever else weighs."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.utils import compute_class_weight, compute_sample_weight

from skreg import MLPClassifier
from tests.mlp_cases import cancer, digits, ignore_convergence, labels, parameters

pytestmark = ignore_convergence
SOLVERS = ("lbfgs", "sgd", "adamw")


def fitted(X, y, weight=None, **params):
    settings = {"hidden_layer_sizes": (8,), "random_state": 0, "max_iter": 5}
    return MLPClassifier(**{**settings, **params}).fit(X, y, weight)


def uneven(n=150):
    X, y = digits(400)
    keep = np.r_[np.flatnonzero(y < 3)[:n], np.flatnonzero(y > 6)[:40]]
    return X[keep], y[keep]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("solver", SOLVERS)
def test_balanced_is_the_dict_is_the_sample_weights(solver, weighted):
    X, y = uneven()
    weight = np.linspace(0.5, 2, len(y)) if weighted else None
    classes = np.unique(y)
    by_hand = dict(zip(classes, compute_class_weight("balanced", classes=classes, y=y),
                       strict=True))  # fmt: skip
    each = compute_sample_weight("balanced", y) * (1 if weight is None else weight)
    models = [
        fitted(X, y, weight, solver=solver, class_weight="balanced"),
        fitted(X, y, weight, solver=solver, class_weight=by_hand),
        fitted(X, y, each, solver=solver),
    ]
    for model in models[1:]:
        assert_allclose(parameters(model), parameters(models[0]), rtol=0, atol=1e-12)
    plain = fitted(X, y, weight, solver=solver)
    assert np.abs(parameters(plain) - parameters(models[0])).max() > 1e-4


def test_class_weights_of_labels_by_name_and_in_partial_fit():
    X, y = cancer()
    names = np.array(["malignant", "benign"])[y]
    weight = {"malignant": 5.0, "benign": 1.0}
    named = fitted(X, names, class_weight=weight)
    assert_array_equal(parameters(named), parameters(fitted(X, names, np.where(y == 0, 5.0, 1.0))))
    a = MLPClassifier((8,), random_state=0, class_weight=weight)
    b = MLPClassifier((8,), random_state=0)
    for _ in range(2):
        a.partial_fit(X, names, classes=["benign", "malignant"])
        b.partial_fit(X, names, np.where(y == 0, 5.0, 1.0), classes=["benign", "malignant"])
    assert_array_equal(parameters(a), parameters(b))


def test_a_heavier_class_is_predicted_more_often():
    X, y = cancer()
    counts = [
        (fitted(X[:, :2], y, solver="lbfgs", max_iter=60, class_weight={0: w, 1: 1}).predict(
            X[:, :2]) == 0).sum()
        for w in (0.2, 1, 5)
    ]  # fmt: skip
    assert counts[0] < counts[1] < counts[2]


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_multilabel_targets_have_a_dict_for_each_label(container):
    X, Y = labels()
    weights = [{0: 1.0, 1: 1.0 + k} for k in range(5)]
    each = compute_sample_weight(weights, Y)
    model = fitted(X, container(Y), class_weight=weights)
    assert_allclose(parameters(model), parameters(fitted(X, Y, each)), atol=1e-12)


def test_a_class_of_weight_zero_is_not_learned():
    X, y = digits(300)
    model = fitted(X, y, class_weight={k: float(k != 3) for k in range(10)}, max_iter=60,
                   learning_rate_init=0.02, alpha=0)  # fmt: skip
    assert 3 not in model.predict(X)
    assert (model.predict(X)[y != 3] == y[y != 3]).mean() > 0.95


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"class_weight": {0: -1.0}}, r"class_weight=\{0: -1.0\} must hold finite numbers"),
        ({"class_weight": {0: np.nan}}, "must hold finite numbers of at least 0"),
        ({"class_weight": dict.fromkeys(range(10), 0.0)}, "gives every sample weight 0"),
        ({"class_weight": {77: 1.0}}, "not in class_weight"),
        ({"class_weight": "uniform"}, "'class_weight' parameter"),
        ({"class_weight": 2.0}, "'class_weight' parameter"),
    ],
)
def test_bad_class_weights(params, message):
    with pytest.raises(ValueError, match=message):
        fitted(*digits(100), **params)


def test_weights_that_cancel_each_other_are_refused():
    X, y = digits(100)
    with pytest.raises(ValueError, match="gives every sample weight 0: keep a class"):
        fitted(X, y, (y == 3).astype(float), class_weight={k: float(k != 3) for k in range(10)})


# --- label smoothing ---


def loss_of(model, X, target):
    """The mean cross-entropy of targets that are probabilities."""
    log_p = model.predict_log_proba(X)
    return -(target * log_p).sum() / len(X)


@pytest.mark.parametrize("smoothing", [0.1, 0.5, 0.95])
@pytest.mark.parametrize("table", ["binary", "multiclass", "multilabel"])
def test_the_loss_is_that_of_smoothed_targets(table, smoothing):
    X, y = {"binary": cancer, "multiclass": digits, "multilabel": labels}[table]()
    model = fitted(X, y, label_smoothing=smoothing, solver="sgd", learning_rate_init=1e-200,
                   alpha=0.0, batch_size=len(X), max_iter=1)  # fmt: skip
    if table == "multilabel":
        target = np.where(y == 1, 1 - smoothing, smoothing)
        p = model.predict_proba(X)
        expected = -(target * np.log(p) + (1 - target) * np.log1p(-p)).sum() / len(X)
    else:
        n_classes = len(model.classes_)
        hot = y[:, None] == np.arange(n_classes)
        expected = loss_of(model, X, np.where(hot, 1 - smoothing, smoothing / (n_classes - 1)))
    assert_allclose(model.loss_, expected, rtol=1e-10)


def test_smoothing_says_the_same_for_two_classes_either_way():
    # Two classes by one logistic output, or as one label of two that exclude each other.
    X, y = cancer()
    binary = fitted(X, y, label_smoothing=0.2, solver="lbfgs", max_iter=300, tol=1e-8, alpha=1.0,
                    hidden_layer_sizes=())  # fmt: skip
    both = fitted(X, np.c_[1 - y, y], label_smoothing=0.2, solver="lbfgs", max_iter=300, tol=1e-8,
                  alpha=1.0, hidden_layer_sizes=())  # fmt: skip
    assert_allclose(binary.predict_proba(X), both.predict_proba(X), atol=1e-3)


def test_smoothing_keeps_probabilities_from_extremes():
    X, y = cancer()
    largest = [
        fitted(X, y, label_smoothing=e, max_iter=200, learning_rate_init=0.02)
        .predict_proba(X)
        .max()
        for e in (0.0, 0.1, 0.3)
    ]
    assert largest[0] > 0.9999
    assert_allclose(largest[1:], [0.9, 0.7], atol=0.08)
