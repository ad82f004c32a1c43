import numpy as np
import pytest
from sklearn.datasets import load_diabetes
from sklearn.exceptions import NotFittedError

from skreg import Ridge, RidgeCV
from skreg.plot import LCurveDisplay

X, Y = load_diabetes(return_X_y=True)


def blurred(n=64, seed=0):
    """A smoothing matrix and a noisy image of a smooth function: a problem with a corner."""
    t = (np.arange(n) + 0.5) / n
    A = np.exp(-((t[:, None] - t) ** 2) / 0.02) / n
    noise = np.random.default_rng(seed).standard_normal(n)
    return A, A @ np.sin(np.pi * t) + 1e-3 * noise


@pytest.fixture(scope="module")
def model():
    options = {"rule": "l_curve", "fit_intercept": False, "store_spectrum": True}
    return RidgeCV(alphas="auto", **options).fit(*blurred())


def test_draws_the_norms(model):
    A, b = blurred()
    display = LCurveDisplay.from_estimator(model)
    display.figure_.canvas.draw()
    residual_norm, coef_norm = model.spectrum_.l_curve(display.alphas)
    np.testing.assert_array_equal(display.line_.get_xdata(), residual_norm[:, 0])
    np.testing.assert_array_equal(display.line_.get_ydata(), coef_norm[:, 0])
    assert np.linalg.norm(b - A @ model.coef_) == pytest.approx(display.chosen_.get_xdata()[0])
    assert np.linalg.norm(model.coef_) == pytest.approx(display.chosen_.get_ydata()[0])
    assert display.ax_.get_xscale() == display.ax_.get_yscale() == "log"
    assert display.ax_.get_title() == "L-curve of RidgeCV"


def test_the_corner_is_what_the_rule_chooses(model):
    display = LCurveDisplay.from_estimator(model)
    alpha, residual_norm, coef_norm = display.corner
    assert alpha == pytest.approx(model.alpha_, rel=1e-3)
    np.testing.assert_array_equal(display.corner_.get_xdata(), [residual_norm])
    np.testing.assert_array_equal(display.corner_.get_ydata(), [coef_norm])
    assert display.corner_.get_label() == f"corner, alpha = {alpha:.3g}"
    assert display.chosen_.get_label() == f"fit, alpha = {model.alpha_:.3g}"


def test_alphas_of_the_user(model):
    alphas = np.geomspace(1e-10, 1, 21)
    display = LCurveDisplay.from_estimator(model, alphas=alphas[::-1])
    np.testing.assert_array_equal(display.alphas, alphas)
    assert display.corner[0] in alphas


def test_no_corner():
    # At these alphas the curve bends the other way.
    model = Ridge(store_spectrum=True).fit(X, Y)
    display = LCurveDisplay.from_estimator(model, alphas=np.geomspace(5, 500, 20))
    assert display.corner is None
    assert display.corner_ is None
    model = Ridge(alpha=3, filter="truncated_svd", store_spectrum=True).fit(X, Y)
    display = LCurveDisplay.from_estimator(model)
    assert display.corner is None
    assert display.chosen[0] == 3
    display.figure_.canvas.draw()


def test_one_of_several_targets():
    model = Ridge(alpha=[0.1, 1.0], store_spectrum=True).fit(X, np.c_[Y, Y[::-1]])
    display = LCurveDisplay.from_estimator(model, target=1)
    assert display.chosen[0] == 1
    assert display.chosen[2] == pytest.approx(np.linalg.norm(model.coef_[1]))
    with pytest.raises(ValueError, match="there are 2 targets"):
        LCurveDisplay.from_estimator(model)


def test_draws_on_given_axes_and_passes_keywords_on():
    import matplotlib.pyplot as plt

    _, ax = plt.subplots()
    display = LCurveDisplay(alphas=[1, 2], residual_norm=[1, 2], coef_norm=[2, 1])
    assert display.plot(ax=ax, name="data", color="red") is display
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    assert display.line_.get_color() == "red"
    assert display.corner_ is display.chosen_ is None
    assert ax.get_title() == "L-curve of data"


def test_a_picture_is_not_blank(model, tmp_path):
    import matplotlib.pyplot as plt

    path = tmp_path / "l_curve.png"
    LCurveDisplay.from_estimator(model).figure_.savefig(path)
    assert 0.001 < np.mean(plt.imread(path)[..., :3].min(axis=-1) < 0.5) < 0.5


def test_what_is_missing_is_said():
    with pytest.raises(NotFittedError):
        LCurveDisplay.from_estimator(Ridge())
    with pytest.raises(ValueError, match="set store_spectrum=True and fit again"):
        LCurveDisplay.from_estimator(Ridge().fit(X, Y))
