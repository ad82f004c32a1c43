"""Data that a perceptron is followed on while it trains: held-out rows and the user's own."""

from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from sklearn.metrics import get_scorer
from sklearn.model_selection import train_test_split

from skreg._perceptron_checks import in_range
from skreg._solvers.losses import mean_loss
from skreg._solvers.network import outputs, split
from skreg._validation import check_weights, safe_indexing, takes_weights


class Samples(NamedTuple):
    """Data as the solver takes them, and X as the user gave it, with its names."""

    name: str
    X: np.ndarray
    y: np.ndarray
    targets: np.ndarray
    weight: np.ndarray | None
    given: Any


def held_out(model, data, training_weight, rng):
    """Split the rows; return those to train on, and those to score on."""
    n_rows = data.X.shape[0]
    try:
        kept, held = train_test_split(
            np.arange(n_rows),
            random_state=rng,
            test_size=model.validation_fraction,
            stratify=model._strata(data.targets),
        )
    except ValueError as error:
        raise ValueError(
            f"validation_fraction={model.validation_fraction} of {n_rows} samples cannot be "
            f"held out: {str(error).rstrip('.')}. Change validation_fraction, or pass X_val and "
            "y_val to fit."
        ) from error
    if len(held) < 2:
        raise ValueError(
            "The validation set is too small. Increase 'validation_fraction' "
            f"({model.validation_fraction}) or the size of your dataset ({n_rows} samples)."
        )
    for weight, rows in ((training_weight, kept), (data.weight, held)):
        if weight is not None and not weight[rows].any():
            raise ValueError(
                "With early_stopping=True, sample_weight and class_weight must be positive for "
                "some training samples, and sample_weight for some held-out ones. Change "
                f"validation_fraction ({model.validation_fraction}), or drop the samples of "
                "weight zero."
            )
    return kept, held


def followed_rows(model, data, held):
    """Some of the training rows, to follow as validation data."""
    weight, rows = None if data.weight is None else data.weight[held], data.X[held]
    given = safe_indexing(data.given, held) if hasattr(model, "feature_names_in_") else rows
    return Samples("validation", rows, data.y[held], data.targets[held], weight, given)


def followed_data(model, name, label, given, y, weight=None):
    """Data of the user's own, checked as those of fit are; errors begin with the label."""
    with named_errors(label):
        if y is None:
            raise ValueError("X and y are needed, but y is None.")
        # The wider of the two types would be that of the outputs.
        X, y = model._validated(given, y, dtype=model.coefs_[0].dtype, reset=False)
        if y.ndim == 2 and y.shape[1] == 1:
            y = y.ravel()
        targets = model._encode_known(y)
        weight = check_weights(weight, X, np.float64)
        weight = None if weight is None else in_range(weight, X.dtype)
    return Samples(name, X, y, targets, weight, given)


def followed_sets(model, eval_sets):
    """The data of `eval_sets`."""
    if not isinstance(eval_sets, dict):
        raise ValueError(
            "eval_sets must be a dict of name to (X, y) or (X, y, sample_weight), such as "
            f"{{'test': (X_test, y_test)}}; got a {type(eval_sets).__name__}."
        )
    for name, data in eval_sets.items():
        if not isinstance(name, str) or name == "validation":
            raise ValueError(
                f"eval_sets has the name {name!r}: it must be a string, and not 'validation', "
                "which in history_ stands for the data that early_stopping watches."
            )
        if not isinstance(data, tuple | list) or len(data) not in (2, 3):
            raise ValueError(
                f"eval_sets[{name!r}] must be (X, y) or (X, y, sample_weight); got "
                f"{f'{len(data)} items' if isinstance(data, tuple | list) else type(data)}."
            )
    return [
        followed_data(model, name, f"eval_sets[{name!r}]", *data)
        for name, data in eval_sets.items()
    ]


@contextmanager
def named_errors(label):
    """A context whose errors say which of the data they are about."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{label}: {error}") from error


def scorer_of(model):
    """The user's scorer; None where the default score or the loss will do."""
    return None if model.scoring in (None, "loss") else get_scorer(model.scoring)


def evaluate(model, network, learned, data, scorer, epoch):
    """(mean loss, score) of a parameter vector on followed data, the loss without smoothing."""
    with np.errstate(over="ignore", invalid="ignore"):
        z = outputs(data.X, *split(learned, network.units), network.activations)
        loss = mean_loss(network, z, data.targets, data.weight)
        prediction = model._prediction(z)
    if not (np.isfinite(z).all() and np.isfinite(prediction).all() and np.isfinite(loss)):
        raise model._overflow(epoch, f"the outputs or the loss of the {data.name} data")
    if scorer is None:
        with named_errors(f"the {data.name} data"):
            score = -loss if model.scoring == "loss" else model._default_score(prediction, data)
            return loss, score
    weights = {"sample_weight": data.weight}
    weighted = data.weight is not None and takes_weights(scorer)
    with named_errors(f"scoring={model.scoring!r} of the {data.name} data"):
        found = scorer(model, data.given, data.y, **(weights if weighted else {}))
    try:
        score = float(found)
    except (TypeError, ValueError):
        score = np.nan
    if not np.isfinite(score):
        raise ValueError(
            f"scoring={model.scoring!r} returned {found!r} for the {data.name} data; it must "
            "return a finite number."
        )
    return loss, score
