import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression

from skreg import MLPClassifier
from skreg.plot import WeightMatrixDisplay

X, y = make_classification(n_samples=80, random_state=0)


def fitted():
    mlp = MLPClassifier((12, 9), l1=0.3, learning_rate_init=0.02, random_state=0)
    for _ in range(20):
        mlp.partial_fit(X, y, classes=[0, 1])
    return mlp


@pytest.mark.parametrize("layer", [0, 1, np.int64(2)])
def test_the_image_is_the_matrix(layer):
    mlp = fitted()
    display = WeightMatrixDisplay.from_estimator(mlp, layer=layer)
    display.figure_.canvas.draw()
    weights, image = mlp.coefs_[layer], display.image_.get_array()
    np.testing.assert_array_equal(image.filled(0), weights)
    np.testing.assert_array_equal(np.ma.getmaskarray(image), weights == 0)
    assert display.zero_share_ == (weights == 0).mean()
    assert layer == 2 or display.zero_share_ > 0
    size = np.abs(weights).max()
    assert display.image_.get_clim() == pytest.approx((-size, size))
    n, m = weights.shape
    title = f"Layer {layer}: {n} x {m}, {display.zero_share_:.1%} exact zeros (grey)"
    assert display.ax_.get_title() == title


def test_zeros_look_unlike_small_weights():
    display = WeightMatrixDisplay(weights=[[0.0, 1e-9], [1.0, -1.0]]).plot()
    display.ax_.set_axis_off()
    display.ax_.set_axis_on()
    display.figure_.canvas.draw()
    pixels = np.asarray(display.figure_.canvas.buffer_rgba())

    def colour(row, column):
        x, y = display.ax_.transData.transform((column, row)).round().astype(int)
        return pixels[len(pixels) - y, x, :3].astype(int)

    assert np.abs(colour(0, 0) - 255 * 0.72).max() <= 1  # grey
    assert colour(0, 1).min() > 240  # white
    assert colour(1, 0)[0] > 2 * colour(1, 0)[2]  # red
    assert colour(1, 1)[2] > 2 * colour(1, 1)[0]  # blue


@pytest.mark.parametrize("value", [0.0, 1e-300, 3.0])
def test_a_matrix_of_one_number(value):
    display = WeightMatrixDisplay(weights=np.full((2, 3), value)).plot()
    display.figure_.canvas.draw()
    assert display.zero_share_ == (value == 0)
    low, high = display.image_.get_clim()
    assert low == -high < 0


def test_axes_and_scale_are_those_given():
    ax = plt.subplots()[1]
    display = WeightMatrixDisplay.from_estimator(fitted(), ax=ax, vmax=7.0, cmap="PuOr")
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    assert len(plt.get_fignums()) == 1
    assert display.image_.get_clim() == (-7, 7)
    assert display.image_.get_cmap().name == "PuOr"


def test_errors_say_what_to_do():
    draw = WeightMatrixDisplay.from_estimator
    with pytest.raises(NotFittedError):
        draw(MLPClassifier())
    with pytest.raises(ValueError, match="LogisticRegression has no coefs_: pass a network"):
        draw(LogisticRegression().fit(X, y))
    for layer in (3, -1, 0.5):
        with pytest.raises(ValueError, match=f"layer={layer}, but the .* 3 .*one from 0 to 2"):
            draw(fitted(), layer=layer)
    with pytest.raises(ValueError, match="weights contains NaN"):
        WeightMatrixDisplay(weights=[[np.nan]]).plot()
    with pytest.raises(ValueError, match="Expected 2D array"):
        WeightMatrixDisplay(weights=[1.0]).plot()
