import numpy as np
import pytest
from sklearn.datasets import load_diabetes
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV

from skreg import ElasticNetCV, KernelRidgeCV, LassoCV, MultiTaskLassoCV, Ridge, RidgeCV
from skreg.plot import CVCurveDisplay

X, Y = load_diabetes(return_X_y=True)
GRID = np.geomspace(1e-3, 1e2, 21)


def test_lasso_errors_and_their_standard_errors():
    model = LassoCV(alphas=30).fit(X, Y)
    display = CVCurveDisplay.from_estimator(model)
    display.figure_.canvas.draw()
    mean = model.mse_path_.mean(axis=1)
    (line,), (band,) = display.lines_, display.bands_
    np.testing.assert_array_equal(line.get_xdata(), model.alphas_)
    np.testing.assert_allclose(line.get_ydata(), mean)
    error = model.mse_path_.std(axis=1, ddof=1) / np.sqrt(5)
    np.testing.assert_allclose(display.std_error[0], error)
    ends = band.get_paths()[0].vertices[:, 1]
    assert ends.max() == pytest.approx((mean + error).max())
    assert ends.min() == pytest.approx((mean - error).min())
    assert display.ax_.xaxis_inverted()
    assert display.ax_.get_ylabel() == "mean squared error"
    assert display.ax_.get_title() == "Choice of alpha by LassoCV"


SEARCHES = [
    LassoCV(alphas=30),
    ElasticNetCV(l1_ratio=[0.5, 0.9], alphas=30),
    ElasticNetCV(l1_ratio=[0.5, 0.9, 1.0], alphas=list(GRID)),
    RidgeCV(alphas="auto"),
    RidgeCV(alphas=GRID),
    RidgeCV(alphas=GRID[::-1], cv=5),
    RidgeCV(alphas=GRID, cv=5, scoring="neg_mean_absolute_error"),
    RidgeCV(alphas=list(range(1, 11)), cv=5, filter="truncated_svd"),
    KernelRidgeCV(alphas=GRID, kernel="rbf"),
]


@pytest.mark.parametrize("model", SEARCHES, ids=lambda model: type(model).__name__)
def test_lines_are_where_the_search_would_choose(model):
    best = model.fit(X, Y)
    display = CVCurveDisplay.from_estimator(best)
    display.figure_.canvas.draw()
    assert display.best_alpha == best.alpha_
    np.testing.assert_array_equal(display.best_.get_xdata(), [best.alpha_] * 2)
    chosen = best.alpha_
    cautious = type(model)(**model.get_params() | {"choose": "one_se"}).fit(X, Y)
    assert display.one_se_alpha == cautious.alpha_ != chosen
    np.testing.assert_array_equal(display.one_se_.get_xdata(), [cautious.alpha_] * 2)
    again = CVCurveDisplay.from_estimator(cautious)
    assert again.one_se_alpha == display.one_se_alpha
    if not isinstance(model.alphas, str):  # with "auto", min searches between the candidates
        assert again.best_alpha == display.best_alpha


def test_one_line_for_each_l1_ratio():
    model = ElasticNetCV(l1_ratio=[0.5, 0.9, 1.0], alphas=12).fit(X, Y)
    display = CVCurveDisplay.from_estimator(model)
    np.testing.assert_array_equal(display.l1_ratios, [0.5, 0.9, 1.0])
    for k, line in enumerate(display.lines_):
        np.testing.assert_array_equal(line.get_xdata(), model.alphas_[k])
        np.testing.assert_allclose(line.get_ydata(), model.mse_path_[k].mean(axis=1))
    labels = [line.get_label() for line in display.lines_]
    assert labels == ["l1_ratio = 0.5", "l1_ratio = 0.9", "l1_ratio = 1"]
    assert len({line.get_color() for line in display.lines_}) == 3
    assert display.best_.get_label() == f"best (l1_ratio = 1), {model.alpha_:.3g}"


@pytest.mark.parametrize(
    ("model", "label", "sign"),
    [
        (RidgeCV(GRID), "leave-one-out squared error", -1),
        (RidgeCV(GRID, cv=5), "score (r2)", 1),
        (RidgeCV(GRID, cv=5, scoring="neg_max_error"), "score (neg_max_error)", 1),
        (RidgeCV(GRID, rule="gcv"), "gcv", -1),
        (RidgeCV(GRID, rule="quasi_optimality"), "quasi_optimality", -1),
    ],
)
def test_ridge_says_what_its_scores_are(model, label, sign):
    results = model.fit(X, Y).cv_results_
    score = results["mean_test_score" if "mean_test_score" in results else "score"]
    display = CVCurveDisplay.from_estimator(model)
    display.figure_.canvas.draw()
    assert display.ax_.get_ylabel() == label
    np.testing.assert_array_equal(display.lines_[0].get_ydata(), sign * score[::-1])
    assert len(display.bands_) == ("std_error" in results)
    assert np.isfinite(display.ax_.get_ylim()).all()


def test_a_criterion_has_no_standard_error():
    model = LassoCV(criterion="bic").fit(X, Y)
    display = CVCurveDisplay.from_estimator(model)
    assert display.bands_ == []
    assert display.one_se_alpha is None
    assert display.one_se_ is None
    assert display.ax_.get_ylabel() == "BIC"
    np.testing.assert_array_equal(display.lines_[0].get_ydata(), -model.cv_results_["score"])
    assert display.best_alpha == model.alpha_


def test_several_targets():
    targets = np.c_[Y, Y[::-1]]
    display = CVCurveDisplay.from_estimator(MultiTaskLassoCV(alphas=9).fit(X, targets))
    assert len(display.lines_) == 1  # one choice for all
    model = RidgeCV(GRID, alpha_per_target=True).fit(X, targets)
    display = CVCurveDisplay.from_estimator(model, target=1)
    scores = model.cv_results_["mean_test_score"][:, 1]
    np.testing.assert_array_equal(display.lines_[0].get_ydata(), -scores[::-1])
    assert display.best_alpha == model.alpha_[1]
    with pytest.raises(ValueError, match="there are 2 targets"):
        CVCurveDisplay.from_estimator(model)


def test_lines_that_agree_are_drawn_once():
    display = CVCurveDisplay(alphas=[2, 1], values=[1, 2], best_alpha=2.0, one_se_alpha=2.0).plot()
    assert display.best_.get_label() == "best (one SE), 2"
    assert display.one_se_ is None


def test_draws_on_given_axes_and_passes_keywords_on():
    import matplotlib.pyplot as plt

    _, ax = plt.subplots()
    display = CVCurveDisplay(alphas=[2, 1, 0], values=[1, 2, 3], best_alpha=0.0)
    assert display.plot(ax=ax, name="data", color="red") is display
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    assert display.lines_[0].get_color() == "red"
    assert display.best_ is None  # 0 is not on the axis
    assert ax.get_title() == "Choice of alpha by data"
    ends = ax.get_ylim()
    display.plot(ax=ax)
    assert ax.get_ylim() == ends
    ax.figure.canvas.draw()


def test_a_picture_is_not_blank(tmp_path):
    import matplotlib.pyplot as plt

    path = tmp_path / "cv.png"
    CVCurveDisplay.from_estimator(LassoCV(alphas=9).fit(X, Y)).figure_.savefig(path)
    assert 0.001 < np.mean(plt.imread(path)[..., :3].min(axis=-1) < 0.5) < 0.5


@pytest.mark.parametrize(
    ("model", "error", "match"),
    [
        (LassoCV(), NotFittedError, "not fitted"),
        (Ridge().fit(X, Y), ValueError, "has no cv_results_: estimators that search for alpha"),
        (
            RidgeCV(GRID, store_cv_results=True).fit(X, Y),
            ValueError,
            "set store_cv_results=False and fit again",
        ),
        (
            GridSearchCV(Ridge(), {"alpha": [1, 2]}).fit(X, Y),
            ValueError,
            "of this GridSearchCV has no alphas: give an estimator that searches by itself",
        ),
    ],
)
def test_what_is_missing_is_said(model, error, match):
    with pytest.raises(error, match=match):
        CVCurveDisplay.from_estimator(model)
