"""Labels and the probabilities of their classes, checked."""

import numpy as np
from sklearn.utils import check_array, check_consistent_length, column_or_1d

from skreg._validation import check_weight_sum, check_weights

# How far rounding may take a probability out of [0, 1], or the sum of a row away from 1. Those in
# float64 may have been computed in float32.
SLACK = {"float16": 1e-2, "float32": 1e-4, "float64": 1e-6}


def check_probabilities(y, proba, sample_weight, classes):
    """The column of each sample's class, the probabilities, and weights in float64.

    Samples of weight zero are left out. Probabilities of shape (n_samples,) stand for the second
    of two columns.

    Raises
    ------
    ValueError
        For NaN or infinity, probabilities out of range, shapes that do not fit, and labels that
        have no column.
    """
    proba = _in_range(check_array(proba, dtype="numeric", ensure_2d=False, input_name="proba"))
    check_consistent_length(y, proba)
    codes = _columns(y, 2 if proba.ndim == 1 else proba.shape[1], classes)
    weight = np.ones(len(codes))
    if sample_weight is not None:
        weight = check_weights(sample_weight, weight)
        check_weight_sum(weight)
        if not weight.all():
            codes, proba, weight = (array[weight > 0] for array in (codes, proba, weight))
    return codes, proba, weight


def _in_range(proba):
    """Probabilities in float32 or float64, from 0 to 1, those of a row with sum 1."""
    slack = SLACK.get(proba.dtype.name, SLACK["float64"])
    if proba.dtype != np.float32:
        proba = proba.astype(np.float64, copy=False)
    if proba.ndim == 2 and proba.shape[1] == 1:
        raise ValueError(
            f"proba has shape {proba.shape}: pass proba.ravel() if it is the probability of the "
            "second of two classes, else a column for each class."
        )
    low, high = proba.min(), proba.max()
    if low < -slack or high > 1 + slack:
        raise ValueError(
            f"proba must lie between 0 and 1; it contains {low if low < -slack else high}. Pass "
            "probabilities, as predict_proba returns them."
        )
    if proba.ndim == 2:
        sums = proba.sum(axis=1, dtype=np.float64)
        worst = np.abs(sums - 1).argmax()
        if abs(sums[worst] - 1) > slack:
            raise ValueError(
                f"Rows of proba must sum to 1; row {worst} sums to {sums[worst]}. Pass the "
                "probabilities of all classes, or divide each row by its sum."
            )
    return proba.clip(0, 1) if low < 0 or high > 1 else proba


def _columns(y, n_columns, classes):
    """The column that belongs to each label."""
    labels, codes = _distinct(y)
    known = labels if classes is None else np.asarray(classes)
    column = {label: k for k, label in enumerate(known.ravel().tolist())}
    if known.ndim != 1 or len(column) < len(known):
        raise ValueError(
            f"classes must be one-dimensional, without repetitions; got {known.tolist()}."
        )
    if len(known) != n_columns:
        source = "y holds" if classes is None else "classes has"
        raise ValueError(
            f"proba is for {n_columns} classes, but {source} {len(known)}: "
            f"{_some(known.tolist())}. Pass classes=, the labels of all columns in order, for "
            "example the classifier's classes_."
        )
    unknown = [label for label in labels.tolist() if label not in column]
    if unknown:
        raise ValueError(
            f"y contains {_some(unknown)}, not among classes={known.tolist()}. Pass the labels of "
            "all columns as classes."
        )
    return np.array([column[label] for label in labels.tolist()])[codes]


def _distinct(y):
    """The sorted labels, and the position of each sample's among them."""
    y = column_or_1d(y)
    try:
        labels, codes = np.unique(y, return_inverse=True)
    except TypeError as reason:
        raise ValueError(f"y must hold numbers only, or words only: {reason}.") from reason
    numbers = (label for label in labels.tolist() if isinstance(label, float))
    wrong = next((label for label in numbers if not label.is_integer()), None)
    if wrong is not None:
        raise ValueError(
            f"y must hold class labels, whole numbers or words; it contains {wrong}. The labels "
            "come first, then proba."
        )
    return labels, codes


def _some(labels):
    """A text that names the first of many labels."""
    return f"{labels[:10]}"[:-1] + (", ...]" if len(labels) > 10 else "]")
