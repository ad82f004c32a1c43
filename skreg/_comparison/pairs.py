"""What is compared: one row of `PAIRS` an estimator.

A grid lists each penalty from strong to weak: of equal scores `GridSearchCV` takes the first, the
most regularized one, and the last candidate is the least regularized of all. A parameter with a
single value is a setting and is not reported.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from sklearn import linear_model, neural_network

import skreg


class Pair(NamedTuple):
    """An estimator of skreg, scikit-learn's twin, and the grid that each one searches."""

    name: str
    task: str  # "regression" or "classification"
    ours: type
    twin: type
    grid: Callable  # (table, seed) -> the parameter grid of ours
    twin_grid: Callable


# Half decades; Ridge's alpha is compared with a sum over rows, hence the wide range.
RIDGE_ALPHAS = np.logspace(5, -3, 17)
# The L1 penalties are compared with correlations: with scaled columns and a target of unit
# standard deviation no coefficient survives alpha = l1_ratio, so the range fits any table.
L1_ALPHAS = np.logspace(0, -4, 13)
MLP_ALPHAS = (10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01, 0.0001)
# Rows that one MLP fit may visit: keeps a table of a million rows to a handful of epochs.
MLP_VISITS = 200_000


def ridge_grid(table, seed):
    """Ridge's alpha needs no scaling: it is free of the target's unit."""
    return {"alpha": RIDGE_ALPHAS}


def lasso_grid(table, seed):
    """Alpha in the target's unit; enough sweeps that the weakest penalties converge too."""
    return {"alpha": L1_ALPHAS * np.std(table.y), "max_iter": [10_000]}


def elastic_net_grid(table, seed):
    """As the lasso's, for three mixtures of the two penalties."""
    return {**lasso_grid(table, seed), "l1_ratio": [0.9, 0.5, 0.1]}


def mlp_grid(table, seed):
    """Half of the twin's alphas, with and without the dropout that it lacks: as many fits."""
    return {"alpha": MLP_ALPHAS[1::2], "dropout": [0.3, 0.0], **mlp_budget(table, seed)}


def mlp_twin_grid(table, seed):
    """Eight values of the one penalty that scikit-learn's MLP has."""
    return {"alpha": MLP_ALPHAS, **mlp_budget(table, seed)}


def mlp_budget(table, seed):
    """The same number of epochs for both sides."""
    epochs = int(np.clip(MLP_VISITS // len(table.y), 5, 100))
    return {"max_iter": [epochs], "random_state": [seed]}


PAIRS = (
    Pair("Ridge", "regression", skreg.Ridge, linear_model.Ridge, ridge_grid, ridge_grid),
    Pair("Lasso", "regression", skreg.Lasso, linear_model.Lasso, lasso_grid, lasso_grid),
    Pair(
        "ElasticNet",
        "regression",
        skreg.ElasticNet,
        linear_model.ElasticNet,
        elastic_net_grid,
        elastic_net_grid,
    ),
    Pair(
        "MLPClassifier",
        "classification",
        skreg.MLPClassifier,
        neural_network.MLPClassifier,
        mlp_grid,
        mlp_twin_grid,
    ),
)
