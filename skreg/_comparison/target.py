"""The task that a target column asks for, and the target as an array for it."""

import numpy as np

from skreg._comparison.columns import as_numbers, as_texts, kind_of
from skreg._comparison.errors import InputError

# An integer target counts as classes up to this many values, each with 5 rows on average.
MOST_CLASSES = 20
ROWS_PER_CLASS = 5


def infer_task(column):
    """Text, truth values and few distinct integers are classes; other numbers are a quantity."""
    if kind_of(column) != "number":
        return "classification"
    numbers = as_numbers(column, "number")
    n_values = len(np.unique(numbers))
    few = n_values <= min(MOST_CLASSES, max(2, len(numbers) / ROWS_PER_CLASS))
    return "classification" if few and is_whole(numbers) else "regression"


def prepare_target(column, task):
    """Return y: floats for regression; integers or text for classification."""
    kind = kind_of(column)
    if kind not in ("number", "category"):
        raise InputError(
            f"target {column.name!r} holds neither numbers nor classes. "
            f"Make a number of it, for example the days since some date."
        )
    y = quantities(column, kind) if task == "regression" else classes(column, kind)
    if len(np.unique(y)) == 1:
        raise InputError(
            f"target {column.name!r} is constant: every row has {y[0]!s}. "
            f"There is nothing to predict; choose another --target."
        )
    return y


def quantities(column, kind):
    """A target of numbers (truth values count as 0 and 1)."""
    import pandas

    if kind == "category":
        numbers = pandas.to_numeric(column.astype(object), errors="coerce")
        if numbers.isna().any():
            text = column[numbers.isna()].iloc[0]
            raise InputError(
                f"target {column.name!r} has text such as {str(text)!r}, which regression cannot "
                f"predict. Use --task classification, or make all of its values numbers."
            )
        column = numbers
    return as_numbers(column, "number")


def classes(column, kind):
    """A target of labels: text, or whole numbers."""
    if kind == "category":
        return as_texts(column).astype(str)
    numbers = as_numbers(column, kind)
    if not is_whole(numbers):
        example = numbers[np.mod(numbers, 1) != 0][0]
        raise InputError(
            f"target {column.name!r} has continuous values such as {example:g}, which are no "
            f"classes. Use --task regression, or cut it into classes."
        )
    return numbers


def is_whole(numbers):
    """Whether all numbers are integers."""
    return bool(np.all(np.mod(numbers, 1) == 0))


def choose_folds(y, task, n_folds):
    """Return (folds, note): fewer than asked where a class is too rare for as many.

    Every test fold needs each class, and two rows for a score that compares with their mean.
    """
    if task == "regression":
        if len(y) < 2 * n_folds:
            most = len(y) // 2
            hint = f"Use --folds {most}, or add rows." if most >= 2 else "Add rows."
            raise InputError(f"{len(y)} rows are too few for {n_folds} folds. {hint}")
        return n_folds, None
    labels, counts = np.unique(y, return_counts=True)
    rarest = labels[np.argmin(counts)]
    rarest = repr(str(rarest)) if isinstance(rarest, str) else f"{rarest:g}"
    if counts.min() == 1:
        raise InputError(
            f"{np.sum(counts == 1)} of {len(labels)} classes have a single row, for example "
            f"{rarest}, which cannot be both learned and tested. "
            f"Merge such classes with others or remove them."
        )
    if counts.min() >= n_folds:
        return n_folds, None
    note = f"{counts.min()} folds instead of {n_folds}: class {rarest} has no more rows."
    return int(counts.min()), note
