import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skreg import RidgeClassifier
from skreg.metrics import expected_calibration_error, reliability_table
from skreg.plot import ReliabilityDisplay

X, y = make_classification(
    n_samples=300, n_classes=3, n_informative=6, n_redundant=2, flip_y=0.2, random_state=0
)
LABELS = np.array(["c", "a", "b"])[y]
MODEL = make_pipeline(StandardScaler(), GaussianNB()).fit(X, LABELS)
WEIGHT = np.arange(300) % 3


@pytest.mark.parametrize("strategy", ["quantile", "uniform"])
@pytest.mark.parametrize("sample_weight", [None, WEIGHT])
def test_points_and_bars_are_the_table(strategy, sample_weight):
    options = {"n_bins": 6, "strategy": strategy, "sample_weight": sample_weight}
    display = ReliabilityDisplay.from_estimator(MODEL, X, LABELS, **options)
    display.figure_.canvas.draw()
    proba = MODEL.predict_proba(X)
    table = reliability_table(LABELS, proba, classes=MODEL.classes_, **options)
    np.testing.assert_array_equal(display.line_.get_data(), [table.confidence, table.accuracy])
    bars = [(b.get_x(), b.get_x() + b.get_width(), b.get_height()) for b in display.bars_]
    shares = table.weight / table.weight.sum()
    np.testing.assert_allclose(bars, np.c_[table.lower, table.upper, shares])
    expected = [[(c, c), (c, a)] for c, a in zip(table.confidence, table.accuracy, strict=True)]
    np.testing.assert_allclose(display.gaps_.get_segments(), expected)
    error = expected_calibration_error(LABELS, proba, classes=MODEL.classes_, **options)
    assert display.expected_calibration_error_ == pytest.approx(error)
    assert display.line_.get_label() == f"Pipeline: ECE {error:.3f}"


def test_probabilities_of_two_classes():
    proba = np.array([0.1, 0.2, 0.6, 0.8])
    display = ReliabilityDisplay.from_predictions([0, 1, 0, 1], proba, n_bins=2)
    np.testing.assert_allclose(display.line_.get_data(), [[0.15, 0.7], [0.5, 0.5]])
    assert display.line_.get_label() == "ECE 0.275"


def test_samples_may_lack_a_class():
    some = LABELS != "b"
    display = ReliabilityDisplay.from_estimator(MODEL, X[some], LABELS[some], n_bins=1)
    assert display.line_.get_ydata() == pytest.approx(MODEL.score(X[some], LABELS[some]))


def test_two_models_share_axes_and_one_diagonal():
    ax = plt.subplots()[1]
    first = ReliabilityDisplay.from_estimator(MODEL, X, LABELS, ax=ax)
    second = ReliabilityDisplay.from_estimator(MODEL, X, LABELS, ax=ax, name="again")
    assert first.ax_ is second.ax_ is ax
    assert first.figure_ is ax.figure
    np.testing.assert_array_equal(first.diagonal_.get_data(), [[0, 1], [0, 1]])
    assert second.diagonal_ is None
    assert first.line_.get_color() != second.line_.get_color()
    entries = [t.get_text().split(":")[0] for t in ax.get_legend().get_texts()]
    assert entries == ["calibrated", "Pipeline", "again"]
    third = ReliabilityDisplay.from_estimator(MODEL, X, LABELS, ax=ax, color="red", label="mine")
    assert (third.line_.get_color(), third.line_.get_label()) == ("red", "mine")


def test_errors_say_what_to_do():
    draw = ReliabilityDisplay.from_estimator
    with pytest.raises(NotFittedError):
        draw(LogisticRegression(), X, y)
    with pytest.raises(ValueError, match="LinearRegression has no classes_: pass a classifier"):
        draw(LinearRegression().fit(X, y), X, y)
    with pytest.raises(ValueError, match=r"no predict_proba: .*CalibratedClassifierCV"):
        draw(RidgeClassifier().fit(X, y), X, y)
    with pytest.raises(ValueError, match="strategy"):
        draw(MODEL, X, LABELS, strategy="equal")
    with pytest.raises(ValueError, match="NaN"):
        ReliabilityDisplay.from_predictions(y, np.full((300, 3), np.nan))
