import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.exceptions import NotFittedError

from skreg import MLPClassifier
from skreg.dynamics import spectral_energy, weights_over_time
from skreg.plot import SpectralEnergyDisplay

X, y = make_classification(n_samples=80, n_features=12, random_state=0)


def trained(n_epochs=30, **params):
    mlp = MLPClassifier((6,), **{"record": "parameters", "random_state": 0, **params})
    for _ in range(n_epochs):
        mlp.partial_fit(X, y, classes=[0, 1])
    return mlp


@pytest.mark.parametrize("every", [1, 3])
def test_lines_are_the_shares(every):
    mlp = trained()
    display = SpectralEnergyDisplay.from_estimator(mlp, X, every=every)
    display.figure_.canvas.draw()
    result = spectral_energy(weights_over_time(mlp, every=every), X)
    assert len(display.lines_) == len(display.drawn_) <= 6
    assert display.drawn_[0] == 0
    assert display.drawn_[-1] == len(result.energy) - 1
    for t, line in zip(display.drawn_, display.lines_, strict=True):
        np.testing.assert_array_equal(
            line.get_data(), [np.arange(1, 13), result.cumulative_share[t]]
        )
        assert line.get_label() == f"{1 + t * every} to {1 + (t + 1) * every}"
    np.testing.assert_array_equal(display.isotropic_line_.get_ydata(), result.isotropic)


def test_late_lines_are_brighter():
    share = np.linspace(0.1, 1, 50 * 4).reshape(50, 4)
    display = SpectralEnergyDisplay(cumulative_share=share, isotropic=[0.25, 0.5, 0.75, 1])
    brightness = [np.sum(line.get_color()[:3]) for line in display.plot(n_lines=4).lines_]
    assert np.all(np.diff(brightness) > 0)
    np.testing.assert_array_equal(display.drawn_, [0, 3, 13, 49])
    assert [line.get_label() for line in display.lines_][::3] == ["1 to 2", "50 to 51"]


def test_updates_of_zero_are_left_out():
    share = np.full((3, 2), np.nan)
    share[1] = 0.5, 1
    display = SpectralEnergyDisplay(cumulative_share=share, isotropic=[0.5, 1]).plot()
    assert display.drawn_.tolist() == [1]
    share[1] = np.nan
    with pytest.raises(ValueError, match=r"NaN throughout.*larger learning rate"):
        SpectralEnergyDisplay(cumulative_share=share, isotropic=[0.5, 1]).plot()


def test_axes_and_looks_are_those_given():
    ax = plt.subplots()[1]
    mlp = trained(5)
    display = SpectralEnergyDisplay.from_estimator(mlp, X, ax=ax, n_lines=2, linewidth=4)
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    assert len(plt.get_fignums()) == 1
    assert [line.get_linewidth() for line in display.lines_] == [4, 4]


def test_errors_say_what_to_do():
    draw = SpectralEnergyDisplay.from_estimator
    with pytest.raises(NotFittedError):
        draw(MLPClassifier(), X)
    with pytest.raises(ValueError, match="set record='parameters' and fit again"):
        draw(trained(record=()), X)
    with pytest.raises(ValueError, match="at two times or more"):
        draw(trained(1), X)
    with pytest.raises(ValueError, match="X has 11 features, but"):
        draw(trained(3), X[:, 1:])
    for n_lines in (0, 2.5):
        with pytest.raises(ValueError, match=f"n_lines={n_lines}: pass a whole number"):
            draw(trained(3), X, n_lines=n_lines)
    for arrays in (
        {"isotropic": [1.0]},
        {"isotropic": [0.5, 1.0], "epochs": [1, 2, 3]},
    ):
        with pytest.raises(ValueError, match=r"cumulative_share has the shape \(1, 2\)"):
            SpectralEnergyDisplay(cumulative_share=[[0.5, 1.0]], **arrays).plot()
