"""The columns of a user's table: what kind each is, and the preprocessing they get.

Only what looks at one value at a time happens here (text to date, date to number); whatever
learns from the rows (medians, scales, levels) is left to the transformer, which is fitted on
training folds alone.
"""

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skreg._comparison.errors import InputError

# Beyond this, squares and their sums leave the range of float64.
LARGEST = 1e100
MOST_LEVELS = 20
RARE = 0.01  # levels in a smaller share of the rows are grouped
ISO_DATE = r"\d{4}-\d\d-\d\d"
# pandas' names for what a column of objects holds.
NUMBERS = ("integer", "floating", "mixed-integer-float", "decimal")
TEXTS = ("string", "mixed-integer", "boolean", "categorical", "empty")
DATES = ("datetime64", "datetime", "date")
DURATIONS = ("timedelta64", "timedelta")


def kind_of(column):
    """Return "number", "category", "date", "duration", or None for anything else."""
    import pandas

    inferred = pandas.api.types.infer_dtype(column, skipna=True)
    if inferred in NUMBERS:
        return "number"
    if inferred == "string" and column.dropna().str.match(ISO_DATE).all():
        dates = pandas.to_datetime(column.dropna(), format="ISO8601", utc=True, errors="coerce")
        return "date" if dates.notna().all() else "category"
    for kind, names in (("category", TEXTS), ("date", DATES), ("duration", DURATIONS)):
        if inferred in names:
            return kind
    return None


def as_numbers(column, kind):
    """Floats of a column of numbers, dates or durations (in days); NaN where missing."""
    import pandas

    day = pandas.Timedelta(days=1)
    if kind == "date":
        text = pandas.api.types.infer_dtype(column, skipna=True) == "string"
        dates = pandas.to_datetime(column, utc=True, format="ISO8601" if text else None)
        column = (dates - pandas.Timestamp("1970-01-01", tz="UTC")) / day
    elif kind == "duration":
        column = pandas.to_timedelta(column) / day
    numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
    for what, found in (
        ("infinity", np.isinf(numbers)),
        (f"values beyond {LARGEST:g}", abs(numbers) > LARGEST),
    ):
        if n := np.count_nonzero(found):
            raise InputError(
                f"column {column.name!r} has {what} in {n:,} {'row' if n == 1 else 'rows'}. "
                f"Empty those cells or remove the rows."
            )
    return numbers


def as_texts(column):
    """Text of each value, NaN where missing: one type a column, as encoders ask for."""
    present = column.notna().to_numpy()
    texts = np.full(len(column), np.nan, dtype=object)
    texts[present] = [str(value) for value in column[present]]
    return texts


def reason_to_drop(column, kind):
    """Why a column says nothing about the target, or None."""
    if kind is None:
        return "neither numbers, text nor dates"
    n_values = column.nunique()
    if n_values == 0:
        return "all missing"
    if n_values == 1 and column.notna().all():
        return "constant"
    if kind == "category" and n_values == column.count() and column.dtype != "category":
        return all_differ(column)
    unnamed = kind == "number" and column.name.startswith("Unnamed:")
    if unnamed and np.all(np.diff(as_numbers(column, kind)) == 1):
        return "row numbers"
    return None


def all_differ(column):
    """The reason to drop a column of distinct texts: names, or numbers that cannot be read."""
    import pandas

    present = column.dropna()
    numeric = pandas.to_numeric(present.astype(str), errors="coerce").notna()
    if numeric.mean() > 0.5:
        text = str(present[~numeric].iloc[0])
        return f"{numeric.sum()} of {len(present)} values are numbers, but {text!r} is not"
    return "all values differ, like a name"


def prepare_columns(frame):
    """Return (X, transformer, notes): cleaned columns and what the pipeline does to them."""
    import pandas

    if frame.shape[1] == 0:
        raise InputError("the table has no column but the target. Add columns to predict from.")
    columns, dropped, kinds = {}, [], {}
    for name, column in frame.items():
        kind = kind_of(column)
        if why := reason_to_drop(column, kind):
            dropped.append(f"{name!r} ({why})")
            continue
        kinds.setdefault(kind, []).append(name)
        columns[name] = as_texts(column) if kind == "category" else as_numbers(column, kind)
    left_out = [f"Dropped: {', '.join(dropped)}."] if dropped else []
    if not columns:
        raise InputError(f"no column is left to predict from. {left_out[0]}")
    X = pandas.DataFrame(columns)
    return X, transformer(kinds), [describe(kinds), *left_out]


def transformer(kinds):
    """Imputation, scaling and one-hot encoding, to be fitted on training rows."""
    quantities = [name for kind, names in kinds.items() if kind != "category" for name in names]
    scaled = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
        StandardScaler(),
    )
    encoded = make_pipeline(
        SimpleImputer(strategy="constant", fill_value="missing", keep_empty_features=True),
        OneHotEncoder(
            handle_unknown="infrequent_if_exist", min_frequency=RARE, max_categories=MOST_LEVELS
        ),
    )
    return ColumnTransformer(
        [("scaled", scaled, quantities), ("encoded", encoded, kinds.get("category", []))]
    )


def describe(kinds):
    """Say in one line what each kind of column gets."""
    treatments = {
        "number": ("numeric", "median imputation, missing indicators, scaling"),
        "date": ("date", "days since 1970, then as numeric"),
        "duration": ("duration", "days, then as numeric"),
        "category": (
            "categorical",
            f"missing as a level, one-hot, levels under {RARE:.0%} or beyond the "
            f"{MOST_LEVELS} commonest grouped",
        ),
    }
    parts = [
        f"{len(kinds[kind])} {word} ({what})"
        for kind, (word, what) in treatments.items()
        if kind in kinds
    ]
    return f"Preprocessing: {'; '.join(parts)}."
