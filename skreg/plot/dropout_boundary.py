"""Decision boundaries of single passes with dropout, and of their mean."""

from copy import copy
from itertools import cycle
from numbers import Integral

import numpy as np
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils.validation import check_consistent_length

from skreg._validation import new_samples
from skreg.plot._axes import COLORS, Display, require

POINTS = (COLORS[1], COLORS[2], COLORS[3], COLORS[4], COLORS[5], COLORS[6])
MARKERS = "os^DvpX"  # of another number than the colours, so that pairs differ for long


class DropoutBoundaryDisplay(Display):
    """Decision boundaries of single Monte-Carlo dropout passes, and of their mean.

    For a classifier on two features. Each thin line is where the most probable class changes in
    one pass with units dropped as in training, the same ones all over the plane: one member of the
    ensemble that dropout trains. (`sample_proba` drops other units for each sample.)
    The thick line is that of the mean of their probabilities: smoother than any of them. Where
    the thin lines lie far apart, the network does not know where the boundary is.

    Parameters
    ----------
    x0 : array-like of shape (n_columns,)
        Places of the grid in the first feature.
    x1 : array-like of shape (n_rows,)
        Places of the grid in the second feature.
    draws : array-like of shape (n_samples, n_rows, n_columns, n_classes)
        Probabilities of each pass on the grid.
    X : array-like of shape (n_points, 2), default=None
        Data to show.
    y : array-like of shape (n_points,), default=None
        Their classes.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the picture.
    figure_ : matplotlib Figure
        Its figure.
    draws_ : list of matplotlib QuadContourSet
        Boundaries of single passes. With K classes each pass has K - 1 of them, around classes 0
        to K - 2; what is left is the last class.
    mean_ : list of matplotlib QuadContourSet
        Boundaries of the mean, K - 1 of them.
    points_ : list of matplotlib PathCollection
        The data, one collection a class.

    Raises
    ------
    NotFittedError
        Where the network was not fitted.
    ValueError
        For an estimator without `sample_proba`, a network without dropout or with another number
        of features than 2, and data that do not fit.

    References
    ----------
    Y. Gal and Z. Ghahramani, Dropout as a Bayesian approximation: representing model uncertainty
    in deep learning, ICML (2016).

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from skreg import MLPClassifier
    >>> from skreg.plot import DropoutBoundaryDisplay
    >>> X, y = make_moons(100, noise=0.2, random_state=0)
    >>> mlp = MLPClassifier((32, 32), dropout=0.3, random_state=0)
    >>> for _ in range(50):
    ...     mlp = mlp.partial_fit(X, y, classes=[0, 1])
    >>> display = DropoutBoundaryDisplay.from_estimator(
    ...     mlp, X, y, n_samples=5, grid_resolution=20, random_state=0)
    >>> display.draws.shape
    (5, 20, 20, 2)
    """

    def __init__(self, *, x0, x1, draws, X=None, y=None):
        self.x0 = x0
        self.x1 = x1
        self.draws = draws
        self.X = X
        self.y = y

    @classmethod
    def from_estimator(
        cls, mlp, X, y, *, n_samples=20, grid_resolution=100, random_state=None, ax=None, **kwargs
    ):
        """Draw the boundaries of a fitted network around its data.

        Parameters
        ----------
        mlp : MLPClassifier
            Network fitted to two features with `dropout` or `input_dropout`; of a pipeline, its
            last step.
        X : array-like of shape (n_points, 2)
            Data to show, as the network takes them.
        y : array-like of shape (n_points,)
            Their classes.
        n_samples : int, default=20
            Passes, at least 1. The mean is that of the same passes.
        grid_resolution : int, default=100
            Places of the grid in each feature, at least 2.
        random_state : int, RandomState instance or None, default=None
            Source of the masks; None takes the network's `random_state`.
        ax, **kwargs
            See `plot`.

        Returns
        -------
        display : DropoutBoundaryDisplay
            The picture.
        """
        require(
            mlp, "sample_proba", "pass an MLPClassifier of skreg; of a pipeline, its last step."
        )
        if mlp.n_features_in_ != 2:
            raise ValueError(
                f"The network was fitted to {mlp.n_features_in_} features, but boundaries are "
                "drawn over 2: fit it to two features."
            )
        if not isinstance(grid_resolution, Integral) or grid_resolution < 2:
            raise ValueError(
                f"grid_resolution={grid_resolution!r}: pass a whole number from 2 on."
            )
        X = new_samples(mlp, X, dtype=(np.float64, np.float32))
        y = column_or_1d(y)
        check_consistent_length(X, y)
        x0, x1 = (_around(column, grid_resolution) for column in X.T)
        mlp = copy(mlp)
        vars(mlp).pop("feature_names_in_", None)  # checked with X; a grid has none
        # Raises what the network has to say where it has no dropout.
        mlp.sample_proba(X[:1], n_samples=n_samples, random_state=0)
        grid = np.stack(np.meshgrid(x0, x1), axis=-1).reshape(-1, 2)
        members = _members(mlp, n_samples, random_state)
        draws = np.stack([member.predict_proba(grid) for member in members])
        draws = draws.reshape(-1, grid_resolution, grid_resolution, draws.shape[-1])
        return cls(x0=x0, x1=x1, draws=draws, X=X, y=y).plot(ax=ax, **kwargs)

    def plot(self, *, ax=None, **kwargs):
        """Draw boundaries and data.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes new ones.
        **kwargs : dict
            Passed to `matplotlib.axes.Axes.contour` for the single passes, such as `alpha`.

        Returns
        -------
        self : DropoutBoundaryDisplay
            The display, with its artists.
        """
        draws = np.asarray(self.draws)
        if draws.ndim != 4 or draws.shape[1:3] != (len(self.x1), len(self.x0)):
            raise ValueError(
                f"draws has the shape {draws.shape}: pass (n_samples, {len(self.x1)}, "
                f"{len(self.x0)}, n_classes), for the places in x1 and x0."
            )
        ax = self._begin(ax)
        self.points_ = []
        if self.X is not None:
            X, y = np.asarray(self.X), np.asarray(self.y)
            for label, color, marker in zip(
                np.unique(y), cycle(POINTS), cycle(MARKERS), strict=False
            ):
                look = {"color": color, "marker": marker, "s": 14, "alpha": 0.8, "linewidths": 0}
                self.points_.append(ax.scatter(*X[y == label].T, label=f"class {label}", **look))
        thin = {"colors": "black", "linewidths": 0.5, "alpha": 0.35, **kwargs}
        self.draws_ = [c for proba in draws for c in self._boundaries(proba, **thin)]
        thick = {"colors": "black", "linewidths": 2.5}
        self.mean_ = self._boundaries(draws.mean(axis=0), **thick)
        # A contour has no entry in the legend of its own.
        ax.plot([], [], color="black", linewidth=0.5, label=f"{len(draws)} single passes")
        ax.plot([], [], color="black", linewidth=2.5, label="their mean")
        ax.set(xlabel="Feature 0", ylabel="Feature 1")
        ax.set(xlim=(self.x0[0], self.x0[-1]), ylim=(self.x1[0], self.x1[-1]))
        ax.legend(fontsize="small")
        return self

    def _boundaries(self, proba, **look):
        """Contours where the lead of a class over all others is 0, for all classes but one."""
        sets = []
        for k in range(proba.shape[-1] - 1):
            lead = proba[..., k] - np.delete(proba, k, axis=-1).max(axis=-1)
            # Without a change of sign there is no line, of which matplotlib would warn.
            if lead.min() < 0 < lead.max():
                sets.append(self.ax_.contour(self.x0, self.x1, lead, levels=[0], **look))
        return sets


def _members(mlp, n_samples, random_state):
    """Networks without dropout whose predictions are passes with one mask for all samples.

    `sample_proba` draws a mask for each sample, and a boundary would be a cloud of specks. What
    a dropped unit would send on, its row of the next weight matrix, is 0 here.
    """
    rng = check_random_state(mlp.random_state if random_state is None else random_state)
    for _ in range(n_samples):
        member = copy(mlp)
        member.coefs_ = []
        for weights, rate in zip(mlp.coefs_, mlp._rates, strict=True):
            factor = (rng.random((len(weights), 1)) >= rate) / (1 - rate)
            member.coefs_.append(weights * factor.astype(weights.dtype))
        yield member


def _around(column, n):
    """n places from below the least value to above the largest."""
    least, most = column.min(), column.max()
    margin = 0.15 * (most - least) or 1.0
    return np.linspace(least - margin, most + margin, n)
