import numpy as np
import pytest
from sklearn.datasets import load_diabetes
from sklearn.exceptions import NotFittedError

from skreg import Ridge, RidgeCV
from skreg.plot import FilterFactorsDisplay

X, Y = load_diabetes(return_X_y=True)


def test_draws_the_factors_of_the_fit():
    model = Ridge(alpha=0.1, store_spectrum=True).fit(X, Y)
    display = FilterFactorsDisplay.from_estimator(model)
    display.figure_.canvas.draw()
    (line,) = display.lines_
    np.testing.assert_allclose(line.get_ydata(), model.filter_factors_, rtol=1e-12)
    np.testing.assert_array_equal(line.get_xdata(), model.spectrum_.s)
    assert line.get_label() == f"alpha = 0.1, sum {model.spectrum_.dof(0.1) - 1:.3g}"
    assert display.ax_.get_xscale() == "log"
    assert display.ax_.xaxis_inverted()
    assert display.ax_.get_title() == "Filter factors of Ridge"


def test_several_alphas_against_the_index():
    model = RidgeCV(store_spectrum=True).fit(X, Y)
    alphas = [1, 0.01, 0.1]
    display = FilterFactorsDisplay.from_estimator(model, alphas=alphas, against="index")
    np.testing.assert_array_equal(display.alphas, [0.01, 0.1, 1])
    s = model.spectrum_.s
    for alpha, line in zip(display.alphas, display.lines_, strict=True):
        np.testing.assert_allclose(line.get_ydata(), s**2 / (s**2 + alpha), rtol=1e-12)
        np.testing.assert_array_equal(line.get_xdata(), np.arange(1, 11))
    assert len({line.get_color() for line in display.lines_}) == 3
    assert display.ax_.get_xscale() == "linear"


def test_counts():
    model = Ridge(alpha=4, filter="truncated_svd", store_spectrum=True).fit(X, Y)
    display = FilterFactorsDisplay.from_estimator(model)
    np.testing.assert_array_equal(display.lines_[0].get_ydata(), [1] * 4 + [0] * 6)


def test_alpha_of_one_target():
    model = Ridge(alpha=[0.1, 1.0], store_spectrum=True).fit(X, np.c_[Y, Y])
    display = FilterFactorsDisplay.from_estimator(model, target=1)
    np.testing.assert_allclose(display.lines_[0].get_ydata(), model.filter_factors_[1])
    with pytest.raises(ValueError, match="there are 2 targets"):
        FilterFactorsDisplay.from_estimator(model)


def test_draws_on_given_axes_and_passes_keywords_on():
    import matplotlib.pyplot as plt

    _, ax = plt.subplots()
    display = FilterFactorsDisplay(s=[2, 1], alphas=[1], filter_factors=[[0.8, 0.5]])
    assert display.plot(ax=ax, name="data", color="red", label="phi") is display
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    assert display.lines_[0].get_color() == "red"
    assert display.lines_[0].get_label() == "phi"
    assert ax.get_title() == "Filter factors of data"


def test_a_picture_is_not_blank(tmp_path):
    import matplotlib.pyplot as plt

    path = tmp_path / "factors.png"
    model = Ridge(store_spectrum=True).fit(X, Y)
    FilterFactorsDisplay.from_estimator(model).figure_.savefig(path)
    assert 0.001 < np.mean(plt.imread(path)[..., :3].min(axis=-1) < 0.5) < 0.5


def test_what_is_missing_is_said():
    with pytest.raises(NotFittedError):
        FilterFactorsDisplay.from_estimator(Ridge())
    with pytest.raises(ValueError, match="set store_spectrum=True and fit again"):
        FilterFactorsDisplay.from_estimator(Ridge().fit(X, Y))
    model = Ridge(store_spectrum=True).fit(X, Y)
    with pytest.raises(ValueError, match="against='s': use 'singular_value' or 'index'"):
        FilterFactorsDisplay.from_estimator(model, against="s")
    for alphas in (-1, [], [np.nan], np.inf):
        with pytest.raises(ValueError, match="alphas must be finite numbers of at least 0"):
            FilterFactorsDisplay.from_estimator(model, alphas=alphas)
