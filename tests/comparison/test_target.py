"""The task inferred from a target, and the folds that it allows."""

import numpy as np
import pytest

from skreg._comparison.errors import InputError
from skreg._comparison.target import choose_folds, infer_task, prepare_target

pd = pytest.importorskip("pandas")


@pytest.mark.parametrize(
    ("values", "task"),
    [
        (["a", "b"] * 5, "classification"),
        ([True, False] * 5, "classification"),
        (pd.Categorical([1, 2] * 5), "classification"),
        ([0, 1] * 5, "classification"),
        ([0.0, 1.0] * 5, "classification"),
        ([1, 2, 3] * 5, "classification"),
        ([1, 2, 3, 4], "regression"),
        (list(range(21)) * 10, "regression"),
        ([0.5, 1.5] * 5, "regression"),
    ],
)
def test_inferred_task(values, task):
    assert infer_task(pd.Series(values)) == task


@pytest.mark.parametrize(
    ("values", "task", "y"),
    [
        ([1, 2], "regression", [1.0, 2.0]),
        ([True, False], "regression", [1.0, 0.0]),
        (["1.5", "2"], "regression", [1.5, 2.0]),
        ([True, False], "classification", ["True", "False"]),
        (pd.Categorical(["u", "v"]), "classification", ["u", "v"]),
        ([3, 5], "classification", [3, 5]),
    ],
)
def test_target_values(values, task, y):
    np.testing.assert_array_equal(prepare_target(pd.Series(values), task), y)


@pytest.mark.parametrize(
    ("values", "task", "message"),
    [
        ([2, 2], "regression", "'y' is constant: every row has 2"),
        (["a", "a"], "classification", "'y' is constant: every row has a"),
        (["1", "b"], "regression", "has text such as 'b'"),
        ([1.0, 2.5], "classification", "continuous values such as 2.5"),
        ([1.0, np.inf], "regression", "'y' has infinity in 1 row"),
        (["2020-01-01", "2020-01-02"], "regression", "neither numbers nor classes"),
    ],
)
def test_unusable_targets(values, task, message):
    with pytest.raises(InputError, match=message):
        prepare_target(pd.Series(values, name="y"), task)


def test_folds_of_regression():
    assert choose_folds(np.arange(10.0), "regression", 5) == (5, None)
    with pytest.raises(InputError, match=r"9 rows are too few for 5 folds\. Use --folds 4"):
        choose_folds(np.arange(9.0), "regression", 5)
    with pytest.raises(InputError, match=r"3 rows are too few for 2 folds\. Add rows"):
        choose_folds(np.arange(3.0), "regression", 2)


def test_folds_of_rare_classes():
    y = np.array(["a"] * 20 + ["b"] * 3)
    n_folds, note = choose_folds(y, "classification", 5)
    assert n_folds == 3
    assert note == "3 folds instead of 5: class 'b' has no more rows."
    assert choose_folds(y, "classification", 2) == (2, None)
    y[-2:] = "a"
    with pytest.raises(InputError, match="1 of 2 classes have a single row, for example 'b'"):
        choose_folds(y, "classification", 2)
    with pytest.raises(InputError, match="2 of 3 classes have a single row, for example 1,"):
        choose_folds(np.array([0.0, 0, 1, 2]), "classification", 2)
