"""Data that a perceptron is followed on while it trains: held-out rows and the user's own."""

from typing import NamedTuple

import numpy as np
from sklearn.metrics import get_scorer
from sklearn.model_selection import train_test_split
from sklearn.utils.validation import validate_data

from skreg._solvers.losses import mean_loss
from skreg._solvers.network import outputs, split
from skreg._validation import check_weights, takes_weights


class Followed(NamedTuple):
    """Rows to score on: as the user gave them, and as the solver takes them."""

    name: str
    X: np.ndarray
    y: np.ndarray
    targets: np.ndarray
    weight: np.ndarray | None


def held_out(model, X, y, targets, weight, rng):
    """Split the rows; return those to train on, and those to score on."""
    kept, held = train_test_split(
        np.arange(X.shape[0]),
        random_state=rng,
        test_size=model.validation_fraction,
        stratify=model._strata(targets),
    )
    if len(held) < 2:
        raise ValueError(
            "The validation set is too small. Increase 'validation_fraction' "
            f"({model.validation_fraction}) or the size of your dataset ({X.shape[0]} samples)."
        )
    if weight is not None and not (weight[kept].any() and weight[held].any()):
        raise ValueError(
            "With early_stopping=True, sample_weight must be positive for some training and "
            "some held-out samples. Increase 'validation_fraction', or drop the samples of "
            "weight zero."
        )
    return kept, held


def followed_rows(X, y, targets, weight, held):
    """Some of the training rows, to follow as validation data."""
    held_weight = None if weight is None else weight[held]
    return Followed("validation", X[held], y[held], targets[held], held_weight)


def followed_data(model, name, X, y, weight=None):
    """Data of the user's own, checked as those of fit are."""
    if y is None:
        raise ValueError(f"{name} data need X and y, but y is None.")
    # The wider of the two types would be that of the outputs.
    X, y = validate_data(
        model,
        X,
        y,
        accept_sparse="csr",
        multi_output=True,
        dtype=model.coefs_[0].dtype if hasattr(model, "coefs_") else (np.float64, np.float32),
        reset=False,
        y_numeric=model._estimator_type_is_regressor(),
    )
    if y.ndim == 2 and y.shape[1] == 1:
        y = y.ravel()
    targets = model._encode_known(y)
    return Followed(name, X, y, targets, model._weigh(y, check_weights(weight, X)))


def scorer_of(model):
    """The user's scorer; None where the default score or the loss will do."""
    return None if model.scoring in (None, "loss") else get_scorer(model.scoring)


def evaluate(model, network, learned, data, scorer):
    """(mean loss, score) of a parameter vector on followed data, the loss without smoothing."""
    z = outputs(data.X, *split(learned, network.units), network.activations)
    with np.errstate(over="ignore", invalid="ignore"):
        loss = mean_loss(network, z, data.targets, data.weight)
    if scorer is None:
        return loss, (-loss if model.scoring == "loss" else model._default_score(z, data))
    weights = {"sample_weight": data.weight}
    weighted = data.weight is not None and takes_weights(scorer)
    score = float(scorer(model, data.X, data.y, **(weights if weighted else {})))
    if not np.isfinite(score):
        raise ValueError(
            f"scoring={model.scoring!r} returned {score} for the {data.name} data; it must return "
            "a finite number."
        )
    return loss, score
