"""Following a training: validation data, scorers, eval_sets, the best epoch."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.metrics import accuracy_score, f1_score, log_loss, make_scorer, r2_score

from skreg import MLPClassifier, MLPRegressor
from tests.mlp_cases import after, digits, ignore_convergence, labels, parameters

pytestmark = ignore_convergence
HIDDEN = 12


def halves(n=400):
    X, y = digits(n)
    return X[: n // 2], y[: n // 2], X[n // 2 :], y[n // 2 :]


def model(cls=MLPClassifier, **params):
    return cls(**{"hidden_layer_sizes": (HIDDEN,), "max_iter": 8, "random_state": 0,
                  "batch_size": 32, **params})  # fmt: skip


# --- validation data ---


def closeness(model, X, y):
    """A scorer that takes no weights."""
    return -np.abs(model.predict(X) - y).mean()


# For each way to score: what the score is of labels, predictions, loss and weights.
SCORES = {
    None: lambda y, predicted, loss, weight: accuracy_score(y, predicted, sample_weight=weight),
    "loss": lambda y, predicted, loss, weight: -loss,
    "f1_macro": lambda y, predicted, loss, weight: f1_score(
        y, predicted, average="macro", sample_weight=weight
    ),
    closeness: lambda y, predicted, loss, weight: -np.abs(predicted - y).mean(),
}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("scoring", SCORES)
def test_the_best_epoch_on_the_validation_data_is_restored(scoring, weighted):
    X, y, X_val, y_val = halves()
    weight = np.linspace(0, 2, len(y_val)) if weighted else None
    fitted = model(
        early_stopping=True, solver="sgd", learning_rate_init=1.0, momentum=0.0, max_iter=15,
        n_iter_no_change=99, record="parameters", scoring=scoring,
    ).fit(X, y, X_val=X_val, y_val=y_val, sample_weight_val=weight)  # fmt: skip
    final = parameters(fitted).copy()
    scores, losses = [], []
    for epoch in range(15):
        p = after(fitted, epoch).predict_proba(X_val)
        losses.append(log_loss(y_val, p, labels=range(10), sample_weight=weight))
        scores.append(SCORES[scoring](y_val, p.argmax(axis=1), losses[-1], weight))
    assert_allclose(fitted.history_["validation_loss"], losses, rtol=1e-9)
    assert_allclose(fitted.history_["validation_score"], scores, rtol=1e-9)
    assert_allclose(fitted.validation_scores_, scores, rtol=1e-9)
    best = int(np.argmax(scores))
    assert best < 14  # or else nothing has to be restored
    assert fitted.best_epoch_ == best + 1
    assert fitted.best_validation_score_ == max(fitted.validation_scores_)
    assert_array_equal(final, fitted.history_["parameters"][best])


def test_a_scorer_may_take_the_weights():
    X, y, X_val, y_val = halves()
    weight = np.linspace(0, 2, len(y_val))
    fitted = model(early_stopping=True, scoring=make_scorer(accuracy_score), max_iter=3)
    default = model(early_stopping=True, max_iter=3)
    data = {"X_val": X_val, "y_val": y_val, "sample_weight_val": weight}
    assert_allclose(fitted.fit(X, y, **data).validation_scores_,
                    default.fit(X, y, **data).validation_scores_, rtol=1e-12)  # fmt: skip


@pytest.mark.parametrize("loss", ["squared_error", "quantile", "poisson"])
def test_a_regressor_watches_its_score(loss):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 3))
    y = np.exp(X[:, 0] + 0.1 * rng.normal(size=120))
    weight = rng.uniform(0, 1, 40)
    fitted = model(MLPRegressor, loss=loss, quantile=0.7, early_stopping=True)
    fitted.fit(X[:80], y[:80], X_val=X[80:], y_val=y[80:], sample_weight_val=weight)
    found = fitted.score(X[80:], y[80:], weight)
    assert_allclose(fitted.best_validation_score_, found, rtol=1e-12)
    if loss == "squared_error":
        assert_allclose(found, r2_score(y[80:], fitted.predict(X[80:]), sample_weight=weight))


@pytest.mark.parametrize("container", [sparse.csr_array, sparse.csc_matrix, pd.DataFrame, list])
def test_validation_data_in_any_container(container):
    X, y, X_val, y_val = halves(200)
    wrap = np.ndarray.tolist if container is list else container
    plain = model(early_stopping=True, max_iter=3).fit(X, y, X_val=X_val, y_val=y_val)
    other = model(early_stopping=True, max_iter=3).fit(X, y, X_val=wrap(X_val), y_val=list(y_val))
    assert_array_equal(parameters(other), parameters(plain))


def test_a_row_of_the_validation_data_may_lack_classes_and_be_alone():
    X, y, X_val, y_val = halves(200)
    fitted = model(early_stopping=True).fit(X, y, X_val=X_val[:1], y_val=y_val[:1])
    assert set(fitted.validation_scores_) <= {0.0, 1.0}
    alone = model(MLPRegressor, early_stopping=True, scoring="loss")
    assert len(alone.fit(X, y, X_val=X_val[:1], y_val=y_val[:1]).validation_scores_) == 8


def test_multilabel_validation_counts_whole_rows():
    X, Y = labels()
    fitted = model(early_stopping=True).fit(X[:150], Y[:150], X_val=X[150:], y_val=Y[150:])
    assert_allclose(fitted.best_validation_score_, fitted.score(X[150:], Y[150:]))
    again = model(early_stopping=True)
    again.fit(X[:150], Y[:150], X_val=X[150:], y_val=sparse.csr_array(Y[150:]))
    assert again.validation_scores_ == fitted.validation_scores_


def test_class_weights_do_not_count_in_scores():
    X, y, X_val, y_val = halves()
    weight = {k: 1.0 + (k == 3) * 9 for k in range(10)}
    fitted = model(early_stopping=True, class_weight=weight)
    fitted.fit(X, y, X_val=X_val, y_val=y_val)
    assert_allclose(fitted.best_validation_score_, fitted.score(X_val, y_val))


def test_data_to_follow_may_lack_a_class_that_has_a_weight():
    X, y, X_val, y_val = halves()
    weight = dict.fromkeys(range(10), 2.0)
    fitted = model(class_weight=weight).fit(X, y, eval_sets={"few": (X_val, y_val % 2)})
    assert len(fitted.history_["few_score"]) == fitted.n_iter_
    part = model(class_weight=weight).partial_fit(X, y, classes=range(10))
    part.partial_fit(X[y < 3], y[y < 3])  # some classes come later


@pytest.mark.parametrize("given", ["fraction", "own"])
@pytest.mark.parametrize("scoring", [None, "f1_macro", "loss"])
def test_data_frames_are_scored_with_their_names(given, scoring):
    X, y, X_val, y_val = halves(200)
    frames = [pd.DataFrame(part).rename(columns=str) for part in (X, X_val)]
    data = {"X_val": frames[1], "y_val": y_val} if given == "own" else {}
    fitted = model(early_stopping=True, scoring=scoring, max_iter=2)
    fitted.fit(frames[0], y, **data, eval_sets={"test": (frames[1], y_val)})
    assert len(fitted.history_["test_score"]) == 2
    with pytest.raises(ValueError, match=r"'test'.*feature names"):
        fitted.fit(frames[0], y, **data, eval_sets={"test": (frames[1].iloc[:, ::-1], y_val)})


# --- eval_sets ---


def test_eval_sets_are_followed_and_change_nothing():
    X, y, X_val, y_val = halves()
    weight = np.linspace(0, 2, len(y_val))
    sets = {"train": (X, y), "test": (X_val, y_val), "heavy": [sparse.csr_array(X_val), y_val,
                                                              weight]}  # fmt: skip
    fitted = model(record="parameters", label_smoothing=0.1, dropout=0.2)
    fitted.fit(X, y, eval_sets=sets)
    assert_array_equal(parameters(fitted), parameters(
        model(label_smoothing=0.1, dropout=0.2).fit(X, y)))  # fmt: skip
    history = fitted.history_
    names = {f"{name}_{what}" for name in sets for what in ("loss", "score")}
    assert {k for k in history if k.endswith(("_loss", "_score"))} == names
    for epoch in range(8):
        p = after(fitted, epoch).predict_proba(X_val)
        # Neither smoothing nor dropout.
        assert_allclose(history["test_loss"][epoch], log_loss(y_val, p, labels=range(10)))
        assert_allclose(history["test_score"][epoch], fitted.score(X_val, y_val))
        assert_allclose(history["train_score"][epoch], fitted.score(X, y))
        assert_allclose(history["heavy_score"][epoch], fitted.score(X_val, y_val, weight))


def test_eval_sets_get_the_scorer():
    X, y, X_val, y_val = halves()
    fitted = model(scoring="f1_macro", record="parameters")
    fitted.fit(X, y, eval_sets={"test": (X_val, y_val)})
    found = [f1_score(y_val, after(fitted, k).predict(X_val), average="macro") for k in range(8)]
    assert_allclose(fitted.history_["test_score"], found)


BAD = {
    "a list": ([(0, 1)], "eval_sets must be a dict of name to"),
    "a number as name": ({3: "data"}, "eval_sets has the name 3: it must be a string"),
    "a name that is taken": ({"validation": "data"}, "and not 'validation'"),
    "X alone": ({"test": "X"}, r"eval_sets\['test'\] must be \(X, y\)"),
    "three and one": ({"test": ("X", "y", "w", "w")}, "got 4 items"),
    "no y": ({"test": ("X", None)}, "y is None"),
    "NaN": ({"test": ("NaN", "y")}, r"eval_sets\['test'\]: Input X contains NaN"),
    "few columns": ({"test": ("short", "y")}, r"eval_sets\['test'\]: X has 5 features"),
    "an unseen class": ({"test": ("X", "other")}, r"eval_sets\['test'\]: `y` has classes not"),
    "bad weights": ({"test": ("X", "y", "bad")}, "sample_weight must be non-negative"),
    "labels": ({"test": ("X", "labels")}, "y holds a 0/1 matrix of labels"),
    "numbers": ({"test": ("X", "numbers")}, "Unknown label type: continuous"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_eval_sets_are_named_before_training(case):
    X, y, X_val, y_val = halves(200)
    known = {"X": X_val, "y": y_val, "NaN": X_val * np.nan, "short": X_val[:, :5],
             "other": y_val + 1, "bad": -np.ones(100), "labels": np.eye(10, dtype=int)[y_val],
             "numbers": y_val + 0.5, "w": np.ones(100)}  # fmt: skip
    sets, message = BAD[case]
    if isinstance(sets, dict):
        sets = {name: tuple(known.get(k, k) for k in data) if isinstance(data, tuple) else X_val
                for name, data in sets.items()}  # fmt: skip
    estimator = model()
    with pytest.raises(ValueError, match=message):
        estimator.fit(X, y, eval_sets=sets)
    assert not hasattr(estimator, "coefs_")


@pytest.mark.parametrize(
    ("data", "params", "message"),
    [
        ({"X_val": "X"}, {}, "X_val and y_val belong together"),
        ({"y_val": "y"}, {}, "X_val and y_val belong together"),
        ({"X_val": "X", "y_val": "y"}, {"early_stopping": False}, "pass eval_sets"),
        ({"X_val": "X", "y_val": "y"}, {"solver": "lbfgs"}, "with a stochastic solver"),
        ({"sample_weight_val": "w"}, {}, "sample_weight_val weighs X_val and y_val"),
        ({"X_val": "NaN", "y_val": "y"}, {}, "X_val and y_val: Input X contains NaN"),
        ({"X_val": "short", "y_val": "y"}, {}, "X_val and y_val: X has 5 features"),
        ({"X_val": "X", "y_val": "other"}, {}, "X_val and y_val: `y` has classes not in"),
        ({"X_val": "X", "y_val": "y"}, {"scoring": "accurate"}, "not a valid scoring value"),
        ({"X_val": "X", "y_val": "y"}, {"scoring": lambda m, X, y: None}, "returned None for"),
        ({"X_val": "X", "y_val": "y"}, {"scoring": lambda m, X, y: np.nan}, "a finite number"),
        ({"X_val": "huge", "y_val": "y"}, {"activation": "identity"}, "iteration 1: the outputs"),
        ({"eval_sets": {"a": ("X", "y")}}, {"solver": "lbfgs"}, "eval_sets does not work with"),
    ],
)
def test_bad_validation_data(data, params, message):
    X, y, X_val, y_val = halves(200)
    known = {"X": X_val, "y": y_val, "NaN": X_val * np.nan, "short": X_val[:, :5],
             "other": y_val + 1, "w": np.ones(100), "huge": X_val * 1e308}  # fmt: skip
    data = {k: known[v] if isinstance(v, str) else v for k, v in data.items()}
    with pytest.raises(ValueError, match=message):
        model(**{"early_stopping": True, **params}).fit(X, y, **data)


def test_one_row_has_no_r2():
    X, y, X_val, y_val = halves(200)
    with pytest.raises(ValueError, match=r"single sample is not defined.*scoring='loss'"):
        model(MLPRegressor, early_stopping=True).fit(X, y, X_val=X_val[:1], y_val=y_val[:1])
