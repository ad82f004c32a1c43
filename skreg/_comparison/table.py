"""The tables that are compared on: two built-in ones, or the user's."""

from dataclasses import dataclass

import numpy as np
from sklearn import datasets
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from skreg._comparison.columns import prepare_columns
from skreg._comparison.errors import InputError
from skreg._comparison.reading import read_frame
from skreg._comparison.target import infer_task, prepare_target


@dataclass
class Table:
    """Data, the task, and the preprocessing that goes before the estimator."""

    name: str
    X: object  # array or data frame (n_samples, n_features)
    y: np.ndarray  # (n_samples,)
    task: str  # "regression" or "classification"
    prepare: object  # an unfitted transformer
    notes: list  # lines to print above the results


def built_in(task=None):
    """Yield the built-in table of a task, or both: real data that come with scikit-learn."""
    if task in (None, "regression"):
        X, y = datasets.load_diabetes(return_X_y=True)
        # Ten columns need little regularization; their squares and products do.
        prepare = make_pipeline(PolynomialFeatures(2, include_bias=False), StandardScaler())
        yield Table(
            "diabetes",
            X,
            y,
            "regression",
            prepare,
            [
                f"{len(y):,} rows, {X.shape[1]} columns; regression of disease progression.",
                "Preprocessing: squares and products of the columns added, scaling.",
            ],
        )
    if task in (None, "classification"):
        X, y = datasets.load_breast_cancer(return_X_y=True)
        yield Table(
            "breast cancer",
            X,
            y,
            "classification",
            StandardScaler(),
            [
                f"{len(y):,} rows, {X.shape[1]} columns; classification of tumours.",
                "Preprocessing: scaling.",
            ],
        )


def from_file(path, target, task=None):
    """Return the `Table` of a CSV or Parquet file, to predict its column `target`."""
    frame, name = read_frame(path, target)
    present = frame[name].notna()
    frame = frame[present]
    if frame.empty:
        raise InputError(
            f"target {name!r} has no values: every row lacks it. Choose another --target."
        )
    chosen = task or infer_task(frame[name])
    y = prepare_target(frame[name], chosen)
    X, prepare, notes = prepare_columns(frame.drop(columns=name))
    kind = f"{len(np.unique(y))} classes" if chosen == "classification" else "numbers"
    how = "as asked" if task else "inferred from the target; --task says otherwise"
    n_dropped = int((~present).sum())
    missing = f" {n_dropped:,} rows without a target were dropped." if n_dropped else ""
    return Table(
        str(path),
        X,
        y,
        chosen,
        prepare,
        [
            f"{len(y):,} rows, {X.shape[1]} columns; {chosen} of {name!r} ({kind}), {how}."
            + missing,
            *notes,
        ],
    )
