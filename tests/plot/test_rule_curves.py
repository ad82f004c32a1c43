import numpy as np
import pytest
from sklearn.datasets import load_diabetes
from sklearn.exceptions import NotFittedError

from skreg import Ridge, RidgeCV
from skreg._solvers.rules import RULES
from skreg.plot import RuleCurvesDisplay

X, Y = load_diabetes(return_X_y=True)
ALPHAS = np.geomspace(1e-4, 1e2, 31)


@pytest.fixture(scope="module")
def model():
    return Ridge(alpha=0.1, store_spectrum=True).fit(X, Y)


@pytest.mark.parametrize("rule", RULES)
def test_scores_and_minima_are_those_of_the_search(rule, model):
    options = {"noise_std": 54.0} if rule in ("discrepancy", "upre") else {}
    search = RidgeCV(alphas=ALPHAS, rule=rule, **options).fit(X, Y)
    results = search.cv_results_
    expected = -results["mean_test_score" if rule == "loo" else "score"]
    display = RuleCurvesDisplay.from_estimator(model, rules=[rule], alphas=ALPHAS, **options)
    np.testing.assert_allclose(display.scores[rule], expected, rtol=1e-6)
    assert display.best_alphas[rule] == search.alpha_
    np.testing.assert_array_equal(display.markers_[rule].get_xdata(), [search.alpha_])


def test_curves_are_scaled_on_their_finite_range(model):
    display = RuleCurvesDisplay.from_estimator(model)
    display.figure_.canvas.draw()
    assert len(display.lines_) == 7
    assert np.isinf(display.scores["quasi_optimality"]).any()
    for rule, line in display.lines_.items():
        score, drawn = display.scores[rule], line.get_ydata()
        finite = np.isfinite(score)
        low, high = score[finite].min(), score[finite].max()
        np.testing.assert_allclose(drawn[finite], (score[finite] - low) / (high - low))
        assert np.isnan(drawn[~finite]).all()
        np.testing.assert_array_equal(display.markers_[rule].get_ydata(), [0])
        assert line.get_label() == rule
    assert display.ax_.xaxis_inverted()
    assert display.ax_.get_title() == "Rules for Ridge"
    np.testing.assert_array_equal(display.chosen_.get_xdata(), [0.1, 0.1])
    assert display.chosen_.get_label() == "fit, 0.1"


def test_a_rule_that_says_nothing_has_no_marker():
    scores = {"none": [np.inf] * 3, "flat": [2.0] * 3}
    display = RuleCurvesDisplay(alphas=[1, 2, 3], scores=scores).plot()
    display.figure_.canvas.draw()
    assert display.best_alphas == {"flat": 3.0}  # the strongest of equal ones
    assert list(display.markers_) == ["flat"]
    assert RuleCurvesDisplay(alphas=[1, 2, 3], scores=scores, counts=True).best_alphas == {
        "flat": 1.0
    }


def test_counts_leave_out_what_is_not_defined():
    model = Ridge(alpha=4, filter="truncated_svd", store_spectrum=True).fit(X, Y)
    display = RuleCurvesDisplay.from_estimator(model)
    assert list(display.scores) == ["gcv", "robust_gcv", "ncp", "quasi_optimality"]
    np.testing.assert_array_equal(display.alphas, np.arange(1, 11))
    assert not display.ax_.xaxis_inverted()
    for rule, match in (("loo", "filter='tikhonov' only"), ("l_curve", "smooth in alpha")):
        with pytest.raises(ValueError, match=match):
            RuleCurvesDisplay.from_estimator(model, rules=[rule])


def test_blocks_leave_out_what_looks_at_samples():
    model = Ridge(store_spectrum=True).partial_fit(X, Y)
    display = RuleCurvesDisplay.from_estimator(model)
    assert not {"loo", "ncp"} & set(display.scores)
    with pytest.raises(ValueError, match=r"'loo' looks at each sample.*call fit"):
        RuleCurvesDisplay.from_estimator(model, rules=["loo"])


def test_alphas_end_at_the_rounding_errors_of_the_data():
    columns = X * np.logspace(0, -12, 10)
    model = Ridge(store_spectrum=True).fit(columns, Y)
    display = RuleCurvesDisplay.from_estimator(model, rules=["gcv"])
    s = model.spectrum_.s
    assert s[-1] < 1e-10 * s[0]
    assert display.alphas[0] == pytest.approx(s[0] ** 2 * np.finfo(float).eps)
    assert display.alphas[-1] > s[0] ** 2


def test_one_of_several_targets():
    model = Ridge(alpha=[0.1, 1.0], store_spectrum=True).fit(X, np.c_[Y, Y[::-1]])
    display = RuleCurvesDisplay.from_estimator(model, rules=["gcv"], target=1)
    np.testing.assert_allclose(display.scores["gcv"], model.spectrum_.gcv(display.alphas)[:, 1])
    assert display.chosen == 1
    with pytest.raises(ValueError, match="there are 2 targets"):
        RuleCurvesDisplay.from_estimator(model)


def test_draws_on_given_axes_and_passes_keywords_on(model):
    import matplotlib.pyplot as plt

    _, ax = plt.subplots()
    display = RuleCurvesDisplay.from_estimator(model, rules=["gcv"], ax=ax, name="data", lw=3)
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    assert display.lines_["gcv"].get_linewidth() == 3
    assert ax.get_title() == "Rules for data"


def test_a_picture_is_not_blank(model, tmp_path):
    import matplotlib.pyplot as plt

    path = tmp_path / "rules.png"
    RuleCurvesDisplay.from_estimator(model).figure_.savefig(path)
    assert 0.001 < np.mean(plt.imread(path)[..., :3].min(axis=-1) < 0.5) < 0.5


def test_what_is_missing_is_said(model):
    with pytest.raises(NotFittedError):
        RuleCurvesDisplay.from_estimator(Ridge())
    with pytest.raises(ValueError, match="set store_spectrum=True and fit again"):
        RuleCurvesDisplay.from_estimator(Ridge().fit(X, Y))
    with pytest.raises(ValueError, match="'aic' is unknown: use some of loo, gcv"):
        RuleCurvesDisplay.from_estimator(model, rules=["aic"])
    with pytest.raises(ValueError, match="'discrepancy' needs noise_std"):
        RuleCurvesDisplay.from_estimator(model, rules=["discrepancy"])
