"""Dropout of inputs and units: draws by Monte-Carlo dropout, sparse as dense, any dtype."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from skreg import MLPClassifier, MLPRegressor
from tests.mlp_cases import TABLES, digits, ignore_convergence, labels, parameters

pytestmark = ignore_convergence


def fitted(X, y, cls=MLPClassifier, **params):
    settings = {"hidden_layer_sizes": (20,), "random_state": 0, "batch_size": 40, "max_iter": 4}
    return cls(**{**settings, **params}).fit(X, y)


@pytest.mark.parametrize("table", TABLES)
def test_draws_are_probabilities_around_the_prediction(table):
    X, y = TABLES[table]()
    model = fitted(X, y, dropout=0.02, input_dropout=0.02, hidden_layer_sizes=(60,))
    p = model.predict_proba(X)
    draws = model.sample_proba(X, 400, random_state=1)
    assert draws.shape == (400, *p.shape)
    assert ((draws >= 0) & (draws <= 1)).all()
    if table != "multilabel":
        assert_allclose(draws.sum(axis=-1), 1, rtol=1e-10)
    error = np.abs(draws.mean(axis=0) - p)
    assert error.max() < 0.05
    # Unless the mean was the prediction by chance: it is within its own error, but for curvature.
    assert np.median(error / (draws.std(axis=0) / np.sqrt(400) + 1e-3)) < 3
    assert (draws.std(axis=0).max(axis=1) > 0).all()


def test_mean_and_variance_of_a_linear_network_are_those_of_dropped_inputs():
    # Without hidden layers z = b + sum_j x_j w_j k_j, with E k = 1 and Var k = p / (1 - p).
    X, y = digits(60)
    model = fitted(X, y > 4, hidden_layer_sizes=(), input_dropout=0.25)
    p = model.sample_proba(X, 4000, random_state=0)[..., 1]
    z = np.log(p / (1 - p))
    w = model.coefs_[0][:, 0]
    mean, variance = X @ w + model.intercepts_[0], (X**2) @ w**2 * (0.25 / 0.75)
    assert (np.abs(z.mean(axis=0) - mean) < 5 * np.sqrt(variance / 4000)).all()
    assert_allclose(z.var(axis=0), variance, rtol=0.2)


def test_draws_repeat_with_the_seed_and_differ_from_each_other():
    X, y = digits(60)
    model = fitted(X, y, dropout=0.3)
    a, b = (model.sample_proba(X, 3, random_state=7) for _ in range(2))
    assert_array_equal(a, b)
    assert np.abs(a - model.sample_proba(X, 3, random_state=8)).max() > 1e-3
    assert np.abs(a[0] - a[1]).max() > 1e-3
    # More draws begin with the same ones; None is the seed of the model.
    assert_array_equal(model.sample_proba(X, 5, random_state=7)[:3], a)
    assert_array_equal(model.sample_proba(X, 2), model.sample_proba(X, 2, random_state=0))
    assert_array_equal(model.predict_proba(X), model.predict_proba(X))


def test_the_rows_of_a_draw_have_masks_of_their_own():
    X, y = digits(60)
    model = fitted(X, y, dropout=0.5)
    p = model.sample_proba(np.repeat(X[:1], 50, axis=0), 1)[0]
    assert len(np.unique(p[:, 0])) > 40


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [1, 7, 1300])
def test_sparse_rows_have_the_masks_of_dense_ones(n, dtype):
    X = np.resize(digits(1300)[0], (n, 64)).astype(dtype)
    model = fitted(*digits(200), dropout=0.3, input_dropout=0.4)
    dense = model.sample_proba(X, 2)
    # A block of rows is 1024 long.
    assert_allclose(model.sample_proba(sparse.csr_array(X), 2), dense, atol=1e-6)
    assert_allclose(model.sample_proba(sparse.csc_matrix(X), 2), dense, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("params", [{"input_dropout": 0.3}, {"dropout": 0.3},
                                    {"input_dropout": 0.3, "dropout": 0.3}])  # fmt: skip
def test_training_on_sparse_rows_drops_what_dense_ones_would(params, dtype):
    X, y = digits(100)
    X = X.astype(dtype)
    dense = fitted(X, y, **params)
    loose = fitted(sparse.csr_array(X), y, **params)
    assert_allclose(
        parameters(loose), parameters(dense), atol=1e-4 if dtype == np.float32 else 1e-9
    )
    assert np.abs(parameters(dense) - parameters(fitted(X, y))).max() > 1e-3


def test_input_dropout_by_itself_and_its_mean():
    # All units stay: only inputs can tell the first losses apart.
    X, y = np.ones((400, 1)), np.zeros(400)
    model = MLPRegressor(hidden_layer_sizes=(), input_dropout=0.5, solver="sgd", max_iter=200,
                         learning_rate_init=1e-9, random_state=0, alpha=0, batch_size=400, tol=0,
                         n_iter_no_change=np.inf).fit(X, y)  # fmt: skip
    (w,), b = model.coefs_[0][0], model.intercepts_[0][0]
    # E (2 w k + b)^2 / 2 with k = 0 or 1.
    expected = ((2 * w + b) ** 2 + b**2) / 4
    assert_allclose(np.mean(model.loss_curve_), expected, rtol=0.02)
    assert np.std(model.loss_curve_) > 0


@pytest.mark.parametrize("cls", [MLPClassifier, MLPRegressor])
def test_without_dropout_there_is_nothing_to_draw(cls):
    X, y = digits(60)
    model = fitted(X, y, cls)
    draw = model.sample_proba if cls is MLPClassifier else (
        lambda X, **more: model.predict(X, return_std=True, **more)
    )  # fmt: skip
    with pytest.raises(ValueError, match=r"dropout=0.0 and input_dropout=0.0. Set one of them"):
        draw(X)
    model = fitted(X, y, cls, dropout=0.1)
    draw = model.sample_proba if cls is MLPClassifier else (
        lambda X, **more: model.predict(X, return_std=True, **more)
    )  # fmt: skip
    for wrong in (0, -1, 1.5, "3", None):
        with pytest.raises(ValueError, match="n_samples must be a whole number of at least"):
            draw(X, n_samples=wrong)
    with pytest.raises(ValueError, match="X has 5 features"):
        draw(X[:, :5])


def test_only_input_dropout_is_enough_to_draw():
    X, Y = labels()
    draws = fitted(X, Y, input_dropout=0.2).sample_proba(X, 3)
    assert draws.shape == (3, *Y.shape)
    assert draws.std(axis=0).max() > 0
