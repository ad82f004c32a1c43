"""Reliability diagrams: how far probabilities can be believed."""

import numpy as np

from skreg.metrics import reliability_table
from skreg.plot._axes import COLORS, Display, require

DRAWN = "skreg-reliability"  # by which a display knows the lines of others on its axes


class ReliabilityDisplay(Display):
    """Reliability diagram: accuracy against confidence, with the calibration error.

    A point for each bin of samples of like confidence. On the diagonal the model keeps what it
    promises; below it the model is overconfident, above it underconfident. The thin lines from
    the diagonal are the gaps; their mean, weighted by the bins, is the expected calibration error
    (ECE) in the legend. The bars at the bottom tell the share of samples in each bin. Of few
    samples a bin strays from the diagonal by chance, by about 0.5 / sqrt(samples in the bin).

    Parameters
    ----------
    lower, upper, weight, confidence, accuracy : array-like of shape (n_bins,)
        As of :func:`skreg.metrics.reliability_table`: edges of the bins, sum of weights, mean
        confidence and share of samples that are right.
    name : str, default=None
        Name of the model in the legend.

    Attributes
    ----------
    expected_calibration_error_ : float
        Mean distance of the points from the diagonal, weighted by the bins.
    ax_ : matplotlib Axes
        Axes of the picture.
    figure_ : matplotlib Figure
        Its figure.
    line_ : matplotlib Line2D
        Accuracy against confidence.
    diagonal_ : matplotlib Line2D or None
        What a calibrated model gives; None where another display has drawn it.
    gaps_ : matplotlib LineCollection
        Distances from the diagonal.
    bars_ : matplotlib BarContainer
        Shares of samples.

    Raises
    ------
    NotFittedError
        Where the estimator was not fitted.
    ValueError
        For an estimator without `predict_proba`, and for what
        :func:`skreg.metrics.reliability_table` lists.

    References
    ----------
    A. Niculescu-Mizil and R. Caruana, Predicting good probabilities with supervised learning,
    ICML (2005).

    C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, On calibration of modern neural networks,
    ICML (2017).

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from skreg.plot import ReliabilityDisplay
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> X, X_test, y, y_test = train_test_split(X, y, random_state=0)
    >>> model = GaussianNB().fit(X, y)
    >>> display = ReliabilityDisplay.from_estimator(model, X_test, y_test, n_bins=5)
    >>> bool(display.expected_calibration_error_ > 0.05)
    True
    """

    def __init__(self, *, lower, upper, weight, confidence, accuracy, name=None):
        self.lower = lower
        self.upper = upper
        self.weight = weight
        self.confidence = confidence
        self.accuracy = accuracy
        self.name = name

    @classmethod
    def from_estimator(
        cls, estimator, X, y, *, n_bins=15, strategy="quantile", sample_weight=None, name=None,
        ax=None, **kwargs,
    ):  # fmt: skip
        """Draw the diagram of a fitted classifier on data that it has not seen.

        Parameters
        ----------
        estimator : classifier with `predict_proba`
            Fitted classifier or pipeline. Its confidence is the probability of the class
            predicted, with two classes, too.
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.
        y : array-like of shape (n_samples,)
            Their classes.
        n_bins, strategy, sample_weight
            See :func:`skreg.metrics.reliability_table`.
        name : str, default=None
            Name in the legend; None takes the estimator's class.
        ax, **kwargs
            See `plot`.

        Returns
        -------
        display : ReliabilityDisplay
            The picture.
        """
        require(estimator, "classes_", "pass a classifier.")
        predict_proba = require(
            estimator,
            "predict_proba",
            "pass a classifier with probabilities, or wrap this one in "
            "sklearn.calibration.CalibratedClassifierCV.",
        )
        return cls.from_predictions(
            y, predict_proba(X), n_bins=n_bins, strategy=strategy, sample_weight=sample_weight,
            classes=estimator.classes_, name=name or type(estimator).__name__, ax=ax, **kwargs,
        )  # fmt: skip

    @classmethod
    def from_predictions(
        cls, y, proba, *, n_bins=15, strategy="quantile", sample_weight=None, classes=None,
        name=None, ax=None, **kwargs,
    ):  # fmt: skip
        """Draw the diagram of probabilities.

        Parameters
        ----------
        y, proba, n_bins, strategy, sample_weight, classes
            See :func:`skreg.metrics.reliability_table`. For proba of shape (n_samples,), read
            "probability of the second class" for confidence and "share of it" for accuracy.
        name : str, default=None
            Name in the legend.
        ax, **kwargs
            See `plot`.

        Returns
        -------
        display : ReliabilityDisplay
            The picture.
        """
        table = reliability_table(
            y, proba, n_bins=n_bins, strategy=strategy, sample_weight=sample_weight,
            classes=classes,
        )._asdict()  # fmt: skip
        del table["gap"]
        return cls(**table, name=name).plot(ax=ax, **kwargs)

    def plot(self, *, ax=None, **kwargs):
        """Draw the diagram; several on the same axes compare models.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes new ones.
        **kwargs : dict
            Passed to `matplotlib.axes.Axes.plot` for the points and their line.

        Returns
        -------
        self : ReliabilityDisplay
            The display, with its artists.
        """
        confidence, accuracy, weight, lower, upper = (
            np.asarray(a, dtype=np.float64)
            for a in (self.confidence, self.accuracy, self.weight, self.lower, self.upper)
        )
        gap = np.abs(confidence - accuracy)
        self.expected_calibration_error_ = float(np.average(gap, weights=weight))
        ax = self._begin(ax)
        drawn = [line for line in ax.lines if line.get_gid() == DRAWN]
        self.diagonal_ = None
        if not drawn:
            look = {"color": "0.4", "linestyle": "--", "linewidth": 1, "label": "calibrated"}
            self.diagonal_ = ax.plot([0, 1], [0, 1], **look)[0]
        name = f"{self.name}: " if self.name else ""
        look = {"color": COLORS[1 + len(drawn) % 6], "marker": "o", "markersize": 4}
        look |= {"label": f"{name}ECE {self.expected_calibration_error_:.3f}", **kwargs}
        self.line_ = ax.plot(confidence, accuracy, gid=DRAWN, **look)[0]
        color = self.line_.get_color()
        self.gaps_ = ax.vlines(confidence, confidence, accuracy, color=color, linewidth=0.8)
        bars = {"color": color, "edgecolor": color, "alpha": 0.25, "align": "edge"}
        self.bars_ = ax.bar(lower, weight / weight.sum(), upper - lower, **bars)
        ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel="Mean confidence")
        ax.set_ylabel("Accuracy (points), share of samples (bars)")
        ax.set_aspect("equal")
        ax.legend(loc="upper left", fontsize="small")
        return self
