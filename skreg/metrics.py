"""How far probabilities can be believed: calibration errors and the parts of the Brier score.

A classifier is calibrated if, of all samples that it gives a class with probability p, a share p
is of this class. Samples are put into bins of like probability, and in each bin the mean
probability is held against that share. The functions take labels and probabilities as
scikit-learn's metrics do, and `sklearn.metrics.make_scorer` makes scorers of them.
"""

from numbers import Integral
from typing import NamedTuple

import numpy as np

from skreg._class_probabilities import check_probabilities
from skreg._validation import Interval, StrOptions, validate_params

__all__ = [
    "brier_decomposition",
    "expected_calibration_error",
    "maximum_calibration_error",
    "reliability_table",
]

CONSTRAINTS = {
    "y": ["array-like"],
    "proba": ["array-like"],
    "n_bins": [Interval(Integral, 1, None, closed="left")],
    "strategy": [StrOptions({"quantile", "uniform"})],
    "sample_weight": ["array-like", None],
    "classes": ["array-like", None],
}

# Middles of tied samples nearer to an edge, in bins, differ from it by rounding only.
ROUNDING = 1e-9


class ReliabilityTable(NamedTuple):
    """What a reliability diagram draws; arrays of shape (n_nonempty_bins,)."""

    lower: np.ndarray
    upper: np.ndarray
    weight: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray
    gap: np.ndarray


class BrierDecomposition(NamedTuple):
    """The Brier score and its parts, floats."""

    brier_score: float
    reliability: float
    resolution: float
    uncertainty: float
    within_bin_variance: float
    within_bin_covariance: float


@validate_params(CONSTRAINTS, prefer_skip_nested_validation=True)
def reliability_table(
    y, proba, *, n_bins=15, strategy="quantile", sample_weight=None, classes=None
):
    """Mean confidence and accuracy of the samples in each bin of confidence.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Class labels, numbers or words.
    proba : array-like of shape (n_samples, n_classes) or (n_samples,)
        Probabilities, between 0 and 1 with rows that sum to 1, both up to rounding: 1e-6 in
        float64, 1e-4 in float32, 1e-2 in float16.

        - Of shape (n_samples, n_classes): those of all classes. The confidence is the largest of
          a row, and a sample counts as right if its label is the class that has it. Of classes
          that share the largest the first counts, as in `predict`.
        - Of shape (n_samples,): those of the second of two classes. The confidence is this
          probability, from 0 to 1, and the "accuracy" the share of the second class, as in
          `sklearn.calibration.calibration_curve`.
    n_bins : int, default=15
        Number of bins, at least 1. Empty ones are left out.
    strategy : {'quantile', 'uniform'}, default='quantile'
        - 'quantile': bins of equal weight, as far as samples of equal confidence allow, which
          stay together: they go where the middle of their weight lies. The order of the samples
          does not matter.
        - 'uniform': bins of equal width, ((m - 1) / n_bins, m / n_bins] for m = 1, ..., n_bins;
          the first has 0, too.
    sample_weight : array-like of shape (n_samples,), default=None
        Non-negative weights, 2 being the same as the sample twice; None stands for 1 each.
    classes : array-like of shape (n_classes,), default=None
        Labels in the order of the columns of proba, a classifier's `classes_`; of two if proba
        has one dimension. None stands for the sorted labels in y, which then must be all.

    Returns
    -------
    table : ReliabilityTable
        Named tuple of arrays of shape (n_nonempty_bins,), in ascending order of confidence:

        - lower, upper : edges of the bin. For 'quantile' they lie halfway between the samples on
          both sides, the outermost at 0 and 1.
        - weight : sum of the weights; without weights the number of samples.
        - confidence : mean confidence.
        - accuracy : share of samples that are right.
        - gap : confidence - accuracy, positive where the model promises too much.

    Raises
    ------
    ValueError
        For NaN or infinity; for probabilities, weights, shapes or parameters out of range; for
        labels that are not in `classes`, or classes that do not fit the columns of proba.

    References
    ----------
    A. Niculescu-Mizil and R. Caruana, Predicting good probabilities with supervised learning,
    ICML (2005).

    Examples
    --------
    >>> from skreg.metrics import reliability_table
    >>> y = ["no", "no", "yes", "no", "yes", "yes"]
    >>> table = reliability_table(y, [0.1, 0.1, 0.3, 0.5, 0.8, 1.0], n_bins=2)
    >>> table.weight.tolist(), table.accuracy.round(2).tolist()
    ([3.0, 3.0], [0.33, 0.67])
    >>> table.lower.tolist(), table.upper.tolist()
    ([0.0, 0.4], [0.4, 1.0])
    """
    codes, proba, weight = check_probabilities(y, proba, sample_weight, classes)
    confidence, right = _judged(codes, proba)
    bins, lower, upper = _binned(confidence, weight, n_bins, strategy)
    sums = np.bincount(bins, weight)
    confidence = np.bincount(bins, weight * confidence) / sums
    accuracy = np.bincount(bins, weight * right) / sums
    return ReliabilityTable(lower, upper, sums, confidence, accuracy, confidence - accuracy)


@validate_params(CONSTRAINTS, prefer_skip_nested_validation=True)
def expected_calibration_error(
    y, proba, *, n_bins=15, strategy="quantile", sample_weight=None, classes=None
):
    """Expected calibration error: mean distance between confidence and accuracy.

    With the samples in bins Q_m of like confidence and N samples in all, it is::

        sum_m |Q_m| / N abs(conf(Q_m) - acc(Q_m))

    that is, the mean of the gaps of :func:`reliability_table`, without their signs and weighted by
    the bins. 0 is best, and at most 1 is possible. Noise does not cancel: of a calibrated model,
    too, bins of k samples expect gaps of the order 1 / sqrt(k), so compare models with the same
    bins on the same samples.

    Parameters
    ----------
    y, proba, n_bins, strategy, sample_weight, classes
        See :func:`reliability_table`. Note that proba of shape (n_samples, 2) asks for the
        calibration of the class predicted, proba of shape (n_samples,) for that of the second
        class; the two errors differ.

    Returns
    -------
    error : float
        The expected calibration error.

    Raises
    ------
    ValueError
        See :func:`reliability_table`.

    References
    ----------
    M. P. Naeini, G. F. Cooper and M. Hauskrecht, Obtaining well calibrated probabilities using
    Bayesian binning, AAAI (2015).

    C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, On calibration of modern neural networks,
    ICML (2017).

    Examples
    --------
    >>> from skreg.metrics import expected_calibration_error
    >>> proba = [[0.9, 0.1, 0.0], [0.2, 0.7, 0.1], [0.9, 0.0, 0.1], [0.3, 0.0, 0.7]]
    >>> round(expected_calibration_error([0, 1, 1, 2], proba), 3)
    0.35

    As a scorer, which for two classes gets the probability of the second one:

    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.metrics import make_scorer
    >>> from sklearn.model_selection import cross_val_score
    >>> scorer = make_scorer(
    ...     expected_calibration_error, response_method="predict_proba", greater_is_better=False)
    >>> X, y = load_iris(return_X_y=True)
    >>> scores = cross_val_score(LogisticRegression(max_iter=500), X, y, scoring=scorer)
    >>> bool(scores.mean() > -0.15)
    True
    >>> scores = cross_val_score(LogisticRegression(), X[50:], y[50:], scoring=scorer)
    >>> bool(scores.mean() > -0.25)
    True
    """
    table = reliability_table(
        y, proba, n_bins=n_bins, strategy=strategy, sample_weight=sample_weight, classes=classes
    )
    return float(np.average(np.abs(table.gap), weights=table.weight))


@validate_params(CONSTRAINTS, prefer_skip_nested_validation=True)
def maximum_calibration_error(
    y, proba, *, n_bins=15, strategy="quantile", sample_weight=None, classes=None
):
    """Maximum calibration error: largest distance between confidence and accuracy of any bin.

    It is ``max_m abs(conf(Q_m) - acc(Q_m))`` over the bins Q_m that are not empty: the largest gap
    of :func:`reliability_table`, without its sign. A bin of few samples can decide it, so it is of
    more use with ``strategy="quantile"`` and not too many bins.

    Parameters
    ----------
    y, proba, n_bins, strategy, sample_weight, classes
        See :func:`reliability_table`.

    Returns
    -------
    error : float
        The maximum calibration error, from 0 to 1.

    Raises
    ------
    ValueError
        See :func:`reliability_table`.

    References
    ----------
    M. P. Naeini, G. F. Cooper and M. Hauskrecht, Obtaining well calibrated probabilities using
    Bayesian binning, AAAI (2015).

    Examples
    --------
    >>> from skreg.metrics import maximum_calibration_error
    >>> proba = [[0.9, 0.1, 0.0], [0.2, 0.7, 0.1], [0.9, 0.0, 0.1], [0.3, 0.0, 0.7]]
    >>> round(maximum_calibration_error([0, 1, 1, 2], proba), 3)
    0.4
    """
    table = reliability_table(
        y, proba, n_bins=n_bins, strategy=strategy, sample_weight=sample_weight, classes=classes
    )
    return float(np.abs(table.gap).max())


@validate_params(CONSTRAINTS, prefer_skip_nested_validation=True)
def brier_decomposition(
    y, proba, *, n_bins=15, strategy="quantile", sample_weight=None, classes=None
):
    """Brier score, and the parts that it is the sum of.

    For one class, with f its probabilities, o = 1 for samples of this class and 0 for others, and
    bins of like f in which f and o have the means f_m and o_m, the score ``mean (f - o)^2`` is::

        reliability - resolution + uncertainty + within_bin_variance - within_bin_covariance

    reliability = mean (f_m - o_m)^2 is the calibration error, resolution = mean (o_m - mean o)^2
    what the bins tell of the class, uncertainty = mean o (1 - mean o) what there is to tell. The
    last two, mean (f - f_m)^2 and 2 mean (f - f_m)(o - o_m), are left over where f varies within
    the bins, and make the sum exact. All means are over samples, weighted.

    Parameters
    ----------
    y, proba, n_bins, strategy, sample_weight, classes
        See :func:`reliability_table`; but bins are made for each class, of its probabilities.

    Returns
    -------
    parts : BrierDecomposition
        Named tuple of the floats brier_score, reliability, resolution, uncertainty,
        within_bin_variance and within_bin_covariance. With three classes and more each is the sum
        over all classes, with two that of the second class, whether proba has one column or two.
        The score is then that of `sklearn.metrics.brier_score_loss`.

    Raises
    ------
    ValueError
        See :func:`reliability_table`.

    References
    ----------
    Allan H. Murphy, A new vector partition of the probability score, J. Appl. Meteorol. 12 (1973).

    D. B. Stephenson, C. A. S. Coelho and I. T. Jolliffe, Two extra components in the Brier score
    decomposition, Weather and Forecasting 23 (2008).

    Examples
    --------
    >>> from skreg.metrics import brier_decomposition
    >>> y, proba = [0, 0, 1, 0, 1, 1], [0.1, 0.1, 0.3, 0.5, 0.8, 1.0]
    >>> parts = brier_decomposition(y, proba, n_bins=2)
    >>> print(f"{parts.reliability:.3f} - {parts.resolution:.3f} + {parts.uncertainty:.3f}")
    0.019 - 0.028 + 0.250
    >>> print(f"{parts.within_bin_variance:.3f} - {parts.within_bin_covariance:.3f}")
    0.026 - 0.133
    >>> print(f"{parts.brier_score:.3f}")
    0.133
    """
    codes, proba, weight = check_probabilities(y, proba, sample_weight, classes)
    if proba.ndim == 1 or proba.shape[1] == 2:
        columns = [(1, proba if proba.ndim == 1 else proba[:, 1])]
    else:
        columns = enumerate(proba.T)
    parts = [_brier_parts(f, codes == k, weight, n_bins, strategy) for k, f in columns]
    return BrierDecomposition(*np.sum(parts, axis=0).tolist())


def _brier_parts(f, o, weight, n_bins, strategy):
    """The fields of BrierDecomposition for the probabilities f of one class."""
    bins, *_ = _binned(f, weight, n_bins, strategy)
    f, o, share = f.astype(np.float64), o.astype(np.float64), weight / weight.sum()
    sums = np.bincount(bins, share)
    f_bin, o_bin = (np.bincount(bins, share * values) / sums for values in (f, o))
    f_rest, o_rest, o_mean = f - f_bin[bins], o - o_bin[bins], share @ o
    return (
        share @ (f - o) ** 2,
        sums @ (f_bin - o_bin) ** 2,
        sums @ (o_bin - o_mean) ** 2,
        o_mean * (1 - o_mean),
        share @ f_rest**2,
        2 * (share @ (f_rest * o_rest)),
    )


def _judged(codes, proba):
    """The confidence in each sample, and whether it is right."""
    if proba.ndim == 1:
        return proba, codes == 1
    return proba.max(axis=1), codes == proba.argmax(axis=1)


def _binned(confidence, weight, n_bins, strategy):
    """The bin of each sample, numbered without gaps, and the lower and upper edges of the bins."""
    if strategy == "uniform":
        edges = np.arange(n_bins + 1) / n_bins
        # In the dtype of the confidences, where those on an edge are rounded as it is.
        bins = np.searchsorted(edges[1:-1].astype(confidence.dtype), confidence)
        used, bins = np.unique(bins, return_inverse=True)
        return bins, edges[used], edges[used + 1]
    values, groups = np.unique(confidence, return_inverse=True)
    mass = np.bincount(groups, weight)
    middle = (np.cumsum(mass) - mass / 2) / mass.sum()
    bin_of_group = np.minimum(np.floor(n_bins * middle + ROUNDING), n_bins - 1)
    _, first, bin_of_group = np.unique(bin_of_group, return_index=True, return_inverse=True)
    values = values.astype(np.float64)
    between = (values[first[1:] - 1] + values[first[1:]]) / 2
    return bin_of_group[groups], np.r_[0.0, between], np.r_[between, 1.0]
