import subprocess
import sys

import numpy as np
import pytest
from sklearn.datasets import load_diabetes
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge as TheirRidge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skreg import KernelRidgeCV, Ridge, RidgeCV
from skreg.plot import PicardDisplay

X, Y = load_diabetes(return_X_y=True)


@pytest.mark.parametrize("cls", [Ridge, RidgeCV, KernelRidgeCV])
def test_draws_the_spectrum(cls):
    model = cls(store_spectrum=True).fit(X[:60], Y[:60])
    display = PicardDisplay.from_estimator(model)
    display.figure_.canvas.draw()
    s, projections, solution = model.spectrum_.picard()
    for line, values in zip(display.lines_, (s, projections, solution), strict=True):
        np.testing.assert_array_equal(line.get_ydata(), values.ravel())
        np.testing.assert_array_equal(line.get_xdata(), np.arange(1, len(s) + 1))
    assert display.ax_.get_yscale() == "log"
    assert display.ax_.get_title() == f"Picard plot of {cls.__name__}"


def test_quotients_are_least_squares():
    model = Ridge(alpha=0, store_spectrum=True).fit(X, Y)
    display = PicardDisplay.from_estimator(model)
    assert np.linalg.norm(display.solution) == pytest.approx(np.linalg.norm(model.coef_))


def test_one_of_several_targets():
    model = Ridge(store_spectrum=True).fit(X, np.c_[Y, Y[::-1]])
    display = PicardDisplay.from_estimator(model, target=1)
    np.testing.assert_array_equal(display.projections, np.abs(model.spectrum_.z[:, 1]))
    for target in (None, 2, -1):
        with pytest.raises(ValueError, match=rf"target={target}, but there are 2 targets"):
            PicardDisplay.from_estimator(model, target=target)


def test_draws_on_given_axes_and_passes_keywords_on():
    import matplotlib.pyplot as plt

    _, ax = plt.subplots()
    display = PicardDisplay(s=[2, 1], projections=[4, 1])
    assert display.plot(ax=ax, name="data", markersize=9) is display
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    assert ax.get_title() == "Picard plot of data"
    assert {line.get_markersize() for line in display.lines_} == {9}
    np.testing.assert_array_equal(display.solution, [2, 1])
    assert PicardDisplay(s=[2], projections=[4]).plot().ax_.get_title() == "Picard plot"


def test_a_picture_is_not_blank(tmp_path):
    import matplotlib.pyplot as plt

    model = Ridge(store_spectrum=True).fit(X, Y)
    path = tmp_path / "picard.png"
    PicardDisplay.from_estimator(model).figure_.savefig(path)
    picture = plt.imread(path)
    assert 0.001 < np.mean(picture[..., :3].min(axis=-1) < 0.5) < 0.5


@pytest.mark.parametrize(
    ("model", "error", "match"),
    [
        (Ridge(), NotFittedError, "not fitted"),
        (Ridge().fit(X, Y), ValueError, "set store_spectrum=True and fit again"),
        (RidgeCV().fit(X, Y), ValueError, "set store_spectrum=True and fit again"),
        (TheirRidge().fit(X, Y), ValueError, "skreg's Ridge, RidgeCV and KernelRidgeCV keep one"),
        (make_pipeline(StandardScaler(), Ridge()).fit(X, Y), ValueError, "give the last step"),
    ],
)
def test_what_is_missing_is_said(model, error, match):
    with pytest.raises(error, match=match):
        PicardDisplay.from_estimator(model)


def test_matplotlib_is_imported_when_something_is_drawn():
    code = "import sys, skreg.plot; sys.exit('matplotlib' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"pip install 'skreg\[plot\]'"):
        PicardDisplay(s=[2, 1], projections=[4, 1]).plot()
