import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import make_classification
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from skreg import MLPClassifier, MLPRegressor
from skreg.plot import TrainingHistoryDisplay
from skreg.plot.training_history import running_median

X, y = make_classification(n_samples=80, random_state=0)


def fitted(**params):
    mlp = MLPClassifier((8, 5), early_stopping=True, n_iter_no_change=8, random_state=0)
    return mlp.set_params(learning_rate_init=0.02, **params).fit(X, y, eval_sets={"all": (X, y)})


def test_lines_are_the_columns():
    mlp = fitted()
    display = TrainingHistoryDisplay.from_estimator(mlp, smoothing=2)
    display.figure_.canvas.draw()
    names = [line.get_label() for line in display.lines_]
    assert names == ["loss", "validation_loss", "all_loss"]
    epochs = np.arange(1, mlp.n_iter_ + 1)
    for name, raw, smooth in zip(names, display.raw_lines_, display.lines_, strict=True):
        np.testing.assert_array_equal(raw.get_data(), [epochs, mlp.history_[name]])
        expected = running_median(mlp.history_[name], 2)
        np.testing.assert_array_equal(smooth.get_data(), [epochs, expected])
        assert raw.get_color() == smooth.get_color()
        assert raw.get_linewidth() < smooth.get_linewidth()
    assert display.best_line_.get_xdata()[0] == mlp.best_epoch_
    assert "median of 5 epochs" in display.ax_.get_legend().get_title().get_text()


def test_axes_and_looks_are_those_given():
    ax = plt.subplots()[1]
    display = TrainingHistoryDisplay.from_estimator(fitted(), columns="loss", ax=ax, linewidth=5)
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    assert len(plt.get_fignums()) == 1
    assert [line.get_linewidth() for line in display.lines_] == [5]


def test_each_layer_has_a_line():
    mlp = fitted(record="update_norm")
    display = TrainingHistoryDisplay.from_estimator(mlp, columns=["layer_update_norm"])
    assert list(display.columns_) == [f"layer_update_norm[{i}]" for i in range(3)]
    for line, column in zip(display.raw_lines_, mlp.history_["layer_update_norm"].T, strict=True):
        np.testing.assert_array_equal(line.get_ydata(), column)


def test_many_lines_look_different():
    columns = {"norm": np.ones((4, 20))}
    display = TrainingHistoryDisplay(columns=columns).plot()
    looks = {(line.get_color(), line.get_linestyle()) for line in display.lines_}
    assert len(looks) == 20
    assert display.best_line_ is None


def test_lbfgs_has_no_best_epoch():
    X, y = make_classification(n_samples=30, random_state=0)
    mlp = MLPRegressor(hidden_layer_sizes=(3,), solver="lbfgs", max_iter=2000).fit(X, y)
    display = TrainingHistoryDisplay.from_estimator(mlp)
    display.figure_.canvas.draw()
    assert display.best_line_ is None
    np.testing.assert_array_equal(display.raw_lines_[0].get_ydata(), mlp.history_["loss"])


# The running median


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30), st.integers(0, 10))
def test_a_median_commutes_with_order(values, reach):
    values = np.array(values)
    smoothed = running_median(values, reach)
    np.testing.assert_array_equal(smoothed[[0, -1]], values[[0, -1]])
    assert values.min() <= smoothed.min() <= smoothed.max() <= values.max()
    np.testing.assert_array_equal(running_median(values[::-1], reach), smoothed[::-1])
    np.testing.assert_array_equal(running_median(values, 0), values)
    # What only rises is kept as it is: a median does not lag.
    np.testing.assert_array_equal(running_median(np.sort(values), reach), np.sort(values))


def test_a_peak_and_missing_epochs_are_passed_over():
    column = np.array([1, 1, 9, 1, 1, np.nan, 1, np.nan])
    np.testing.assert_array_equal(running_median(column, 1), [1, 1, 1, 1, 1, 1, 1, np.nan])
    np.testing.assert_array_equal(running_median(np.full(3, np.nan), 1), [np.nan] * 3)


# Errors


def test_errors_say_what_to_do():
    draw = TrainingHistoryDisplay.from_estimator
    with pytest.raises(NotFittedError):
        draw(MLPClassifier())
    with pytest.raises(ValueError, match="LogisticRegression has no history_: pass an MLPClass"):
        draw(LogisticRegression().fit(X, y))
    with pytest.raises(ValueError, match="of a pipeline, its last step"):
        draw(make_pipeline(fitted()))
    with pytest.raises(ValueError, match=r"no \['lost'\]: choose from \['all_loss'"):
        draw(fitted(), columns=["loss", "lost"])
    with pytest.raises(ValueError, match=r"columns=\[\]"):
        draw(fitted(), columns=[])
    with pytest.raises(ValueError, match=r"'parameters' has the shape.*SpectralEnergyDisplay"):
        draw(fitted(record="parameters"), columns="parameters")
    for smoothing in (-1, 2.5):
        with pytest.raises(ValueError, match=f"smoothing={smoothing}: pass a number of epochs"):
            draw(fitted(), smoothing=smoothing)
    with pytest.raises(ValueError, match=r"'a' has the shape \(0,\)"):
        TrainingHistoryDisplay(columns={"a": []}).plot()
