"""Tables and small steps that the tests of the perceptron share."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.datasets import load_breast_cancer, load_digits, make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from skreg._solvers.network import initial_parameters

ignore_convergence = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def digits(n=400):
    X, y = load_digits(return_X_y=True)
    return X[:n] / 16, y[:n]


def cancer():
    X, y = load_breast_cancer(return_X_y=True)
    return (X - X.mean(axis=0)) / X.std(axis=0), y


def labels():
    X, y = make_multilabel_classification(200, 12, random_state=0)
    return X / 10, y


TABLES = {"binary": cancer, "multiclass": digits, "multilabel": labels}


def quiet_fit(model, *args, **kwargs):
    """Fit where stopping early is part of the test."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(*args, **kwargs)


def parameters(model):
    return np.concatenate([p.ravel() for p in (*model.coefs_, *model.intercepts_)])


def held_out(X, y, seed, fraction, hidden):
    """The rows that a fit with this seed holds out."""
    rng = np.random.RandomState(seed)
    initial_parameters((X.shape[1], hidden, len(np.unique(y))), ("relu",), float, rng)
    return train_test_split(np.arange(len(y)), random_state=rng, test_size=fraction)[1]


class Stop:
    """A callback that ends the training after so many epochs, and counts those that it sees."""

    def __init__(self, epochs):
        self.epochs, self.seen = epochs, 0

    def setup(self, estimator, context):
        self.seen = 0

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context):
        self.seen += context.task_name == "epoch"
        return self.seen >= self.epochs


def assert_same_training(a, b):
    """Two fitted models agree in every bit."""
    assert_array_equal(parameters(a), parameters(b))
    assert a.history_.keys() == b.history_.keys()
    for name, column in a.history_.items():
        assert_array_equal(column, b.history_[name], err_msg=name)
    for name in ("loss_curve_", "validation_scores_", "best_epoch_", "n_iter_", "t_", "loss_",
                 "best_loss_", "best_validation_score_"):  # fmt: skip
        assert getattr(a, name) == getattr(b, name), name


def constant_rate(t):
    return 0.01


def after(fitted, epoch):
    """The model as it was after an epoch, which has been recorded."""
    vector, start = fitted.history_["parameters"][epoch], 0
    for array in (*fitted.coefs_, *fitted.intercepts_):
        array[...] = vector[start : start + array.size].reshape(array.shape)
        start += array.size
    return fitted
