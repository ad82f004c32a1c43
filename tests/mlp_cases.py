"""Tables and small steps that the tests of the perceptron share."""

import warnings

import numpy as np
import pytest
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
