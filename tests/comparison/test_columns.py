"""Kinds of columns, and what the preprocessing makes of them."""

import datetime
import decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skreg._comparison.columns import as_numbers, kind_of, prepare_columns
from skreg._comparison.errors import InputError

pd = pytest.importorskip("pandas")

DAY = datetime.date(1970, 1, 11)
KINDS = [
    ([1, 2, 3], None, "number"),
    ([1, None, 3], "Int64", "number"),
    ([1.5, np.nan], None, "number"),
    ([decimal.Decimal("1.5"), None], object, "number"),
    ([1, 2.5], object, "number"),
    ([True, False], None, "category"),
    ([True, None], "boolean", "category"),
    (["a", None], None, "category"),
    ([1, "a"], object, "category"),
    ([1, 2], "category", "category"),
    (["2020-01-31", None], None, "date"),
    (["2020-01-31T10:00:00+02:00", "2020-01-31 10:00"], None, "date"),
    (["2020-99-31", "2020-01-01"], None, "category"),
    (["31.01.2020", "1.2.2020"], None, "category"),
    ([DAY, None], object, "date"),
    ([pd.Timestamp("2020-01-01", tz="Asia/Tokyo")], None, "date"),
    ([pd.Timedelta(hours=12)], None, "duration"),
    ([[1], [2]], object, None),
    ([b"1", b"2"], object, None),
    ([1j, 2j], None, None),
]


@pytest.mark.parametrize(("values", "dtype", "kind"), KINDS)
def test_kinds(values, dtype, kind):
    assert kind_of(pd.Series(values, dtype=dtype)) == kind


@pytest.mark.parametrize(
    ("values", "dtype", "numbers"),
    [
        ([1, None], "Int64", [1, np.nan]),
        ([decimal.Decimal("1.5"), None], object, [1.5, np.nan]),
        (["1970-01-11", None, "1970-01-01T12:00"], None, [10, np.nan, 0.5]),
        ([DAY, None], object, [10, np.nan]),
        ([pd.Timestamp("1970-01-02 09:00", tz="Asia/Tokyo")], None, [1]),
        ([pd.Timedelta(hours=36), pd.NaT], None, [1.5, np.nan]),
    ],
)
def test_numbers_are_plain_or_days(values, dtype, numbers):
    column = pd.Series(values, dtype=dtype)
    np.testing.assert_allclose(as_numbers(column, kind_of(column)), numbers)


@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e200])
def test_infinity_and_giants_are_named(value):
    column = pd.Series([1.0, value, value], name="width")
    with pytest.raises(InputError, match=r"'width' has (infinity|values .*1e\+100) in 2 rows"):
        as_numbers(column, "number")


def mixed(n=60):
    """A table with each kind of column and each reason to drop one."""
    i = np.arange(n)
    frame = pd.DataFrame(
        {
            "Unnamed: 0": i,
            "width": np.where(i % 7 == 0, np.nan, i * 1.5),
            "city": np.where(i % 3 == 0, None, np.where(i % 2, "Oslo", "Rome")),
            "open": i % 2 == 0,
            "since": pd.date_range("2020-01-01", periods=n).strftime("%Y-%m-%d"),
            "name": [f"n{k}" for k in i],
            "same": 1.0,
            "void": None,
        }
    )
    frame["lists"] = [[k] for k in i]
    return frame


def test_useless_columns_are_dropped_and_named():
    X, _, notes = prepare_columns(mixed())
    assert list(X.columns) == ["width", "city", "open", "since"]
    for why in (
        "'Unnamed: 0' (row numbers)",
        "'name' (all values differ, like a name)",
        "'same' (constant)",
        "'void' (all missing)",
        "'lists' (neither numbers, text nor dates)",
    ):
        assert why in notes[-1]
    assert "2 categorical" in notes[0]
    assert "1 date" in notes[0]


def test_a_constant_with_gaps_and_a_categorical_of_distinct_values_stay():
    frame = pd.DataFrame({"gap": [1.0, None, 1.0], "kind": pd.Categorical(["a", "b", "c"])})
    X, _, _ = prepare_columns(frame)
    assert list(X.columns) == ["gap", "kind"]


def test_transformed_columns():
    X, transformer, _ = prepare_columns(mixed())
    Z = transformer.fit_transform(X)
    Z = Z.toarray() if hasattr(Z, "toarray") else Z
    # width, since, width's missing indicator; then 3 levels of city and 2 of open.
    assert Z.shape == (60, 8)
    np.testing.assert_allclose(Z[:, :3].mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(Z[:, :3].std(axis=0), 1)
    missing = np.isnan(X["width"].to_numpy())
    assert (Z[missing, 2] > 0).all()
    assert (Z[~missing, 2] < 0).all()
    median = np.nanmedian(X["width"])
    filled = np.where(missing, median, X["width"])
    np.testing.assert_allclose(Z[:, 0], (filled - filled.mean()) / filled.std())
    np.testing.assert_array_equal(Z[:, 3:6].sum(axis=1), 1)


def test_rare_levels_are_grouped_and_new_ones_are_no_error():
    levels = ["a"] * 150 + ["b"] * 148 + ["rare", "rarer"]
    X, transformer, _ = prepare_columns(pd.DataFrame({"level": levels}))
    assert transformer.fit_transform(X).shape == (300, 3)
    new = transformer.transform(pd.DataFrame({"level": ["new"]}))
    rare = transformer.transform(pd.DataFrame({"level": ["rare"]}))
    np.testing.assert_array_equal(new, rare)


def test_many_levels_stay_a_bounded_number_of_columns():
    levels = [f"v{k % 45}" for k in range(900)]
    X, transformer, _ = prepare_columns(pd.DataFrame({"level": levels}))
    assert transformer.fit_transform(X).shape == (900, 20)


def test_a_column_missing_in_a_training_fold_is_no_error():
    X, transformer, _ = prepare_columns(pd.DataFrame({"late": [np.nan] * 5 + [1.0, 2.0, 3.0]}))
    assert np.isfinite(transformer.fit(X.iloc[:5]).transform(X)).all()


def test_no_column_is_an_error():
    with pytest.raises(InputError, match="no column but the target"):
        prepare_columns(pd.DataFrame(index=range(3)))
    with pytest.raises(InputError, match=r"no column is left.*'same' \(constant\)"):
        prepare_columns(pd.DataFrame({"same": [1, 1, 1]}))


def twelve(values):
    return st.lists(values, min_size=12, max_size=12)


VALUES = st.one_of(
    twelve(st.floats(-1e9, 1e9) | st.none()),
    twelve(st.integers(-(2**63), 2**63 - 1)),
    twelve(st.sampled_from(["a", "b", "", "é", "2020-01-01", None])),
    twelve(st.booleans() | st.none()),
    twelve(st.dates() | st.none()),
    twelve(st.integers(0, 9) | st.text(max_size=2) | st.none()),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(VALUES, max_size=4))
def test_any_mixture_becomes_finite_numbers(columns):
    frame = pd.DataFrame({f"c{k}": values for k, values in enumerate(columns)})
    frame["ramp"] = np.arange(12)
    X, transformer, _ = prepare_columns(frame)
    transformer.fit(X.iloc[:6])
    Z = transformer.transform(X)
    Z = Z.toarray() if hasattr(Z, "toarray") else Z
    assert len(Z) == 12
    assert np.isfinite(Z).all()


def test_a_text_missing_in_a_training_fold_is_no_error():
    frame = pd.DataFrame({"late": [None] * 6 + ["a", "b", "a", "b"], "ramp": np.arange(10.0)})
    X, prepare, _ = prepare_columns(frame)
    prepare.fit(X.iloc[:6])
    assert np.isfinite(prepare.transform(X)).all()


def test_nearly_numeric_columns_are_named_as_such():
    frame = pd.DataFrame({"x": [str(k) for k in range(9)] + ["unknown"], "y": np.arange(10.0)})
    _, _, notes = prepare_columns(frame)
    assert any("9 of 10 values are numbers, but 'unknown' is not" in note for note in notes)
