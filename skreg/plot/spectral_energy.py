"""Which principal components of the data the weights moved along, early and late."""

from numbers import Integral

import numpy as np

from skreg.dynamics import recorded_weights, spectral_energy
from skreg.plot._axes import SEQUENTIAL, Display


class SpectralEnergyDisplay(Display):
    """Share of weight updates in the leading principal components, from early to late.

    A line for each of some updates, from dark (early) to bright (late): the share of its energy
    in components 1 to k of the data. The dashed isotropic line is what an update without
    preferred direction would have. Lines far above it go along leading components; spectral bias
    is that early lines lie above late ones. Components count on a logarithmic axis, as the first
    few are those that matter. See :func:`skreg.dynamics.spectral_energy`.

    Parameters
    ----------
    cumulative_share : array-like of shape (n_times - 1, n_components)
        Cumulative shares, as of :func:`skreg.dynamics.spectral_energy`; rows of NaN, of updates
        that are zero, are left out.
    isotropic : array-like of shape (n_components,)
        What updates without preferred direction would have.
    epochs : array-like of shape (n_times,), default=None
        Epochs of the weights; update t leads from the one of time t to the next. None numbers
        them from 1 on.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the picture.
    figure_ : matplotlib Figure
        Its figure.
    drawn_ : ndarray of int
        Which updates are drawn.
    lines_ : list of matplotlib Line2D
        Their lines.
    isotropic_line_ : matplotlib Line2D
        Line of updates without preferred direction.

    Raises
    ------
    NotFittedError
        Where the network was not fitted.
    ValueError
        Where its parameters were not recorded, or at one epoch only; where nothing was updated;
        and for what :func:`skreg.dynamics.spectral_energy` lists.

    References
    ----------
    N. Rahaman et al., On the spectral bias of neural networks, ICML (2019).

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skreg import MLPClassifier
    >>> from skreg.plot import SpectralEnergyDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> mlp = MLPClassifier((16,), activation="tanh", record="parameters", random_state=0)
    >>> for _ in range(10):
    ...     mlp = mlp.partial_fit(X / 16, y, classes=range(10))
    >>> display = SpectralEnergyDisplay.from_estimator(mlp, X / 16)
    >>> bool(display.cumulative_share[0, 9] > 2 * display.isotropic[9])
    True
    """

    def __init__(self, *, cumulative_share, isotropic, epochs=None):
        self.cumulative_share = cumulative_share
        self.isotropic = isotropic
        self.epochs = epochs

    @classmethod
    def from_estimator(cls, mlp, X, *, every=1, ax=None, n_lines=6, **kwargs):
        """Draw the updates of a network's first layer.

        Parameters
        ----------
        mlp : MLPClassifier or MLPRegressor
            Network fitted with ``record="parameters"``; of a pipeline, its last step.
        X : array-like of shape (n_samples, n_features)
            Samples as the network takes them, such as those that it was trained on.
        every : int, default=1
            Epochs from one time to the next; updates over many epochs are less noisy.
        ax, n_lines, **kwargs
            See `plot`.

        Returns
        -------
        display : SpectralEnergyDisplay
            The picture.
        """
        epochs, weights = recorded_weights(mlp, every=every)
        result = spectral_energy(weights, X)
        display = cls(
            cumulative_share=result.cumulative_share, isotropic=result.isotropic, epochs=epochs
        )
        return display.plot(ax=ax, n_lines=n_lines, **kwargs)

    def plot(self, *, ax=None, n_lines=6, **kwargs):
        """Draw the shares.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes new ones.
        n_lines : int, default=6
            Most updates to draw, at least 1: the first, the last and some between, denser at the
            beginning, where most changes.
        **kwargs : dict
            Passed to `matplotlib.axes.Axes.plot` for the lines.

        Returns
        -------
        self : SpectralEnergyDisplay
            The display, with its artists.
        """
        share = np.asarray(self.cumulative_share, dtype=np.float64)
        epochs = np.arange(1, len(share) + 2) if self.epochs is None else np.asarray(self.epochs)
        if share.ndim != 2 or share.shape != (len(epochs) - 1, len(self.isotropic)):
            raise ValueError(
                f"cumulative_share has the shape {share.shape}: pass (n_times - 1, n_components), "
                f"with {len(self.isotropic)} components in isotropic and {len(epochs)} epochs."
            )
        self.drawn_ = _spread(np.flatnonzero(~np.isnan(share).any(axis=1)), n_lines)
        self._begin(ax)
        from matplotlib import colormaps

        # The bright end is yellow, hardly seen on white.
        colors = colormaps[SEQUENTIAL](np.linspace(0, 0.85, len(self.drawn_)))
        components = np.arange(1, share.shape[1] + 1)
        self.lines_ = []
        for t, color in zip(self.drawn_, colors, strict=True):
            look = {"color": color, "label": f"{epochs[t]} to {epochs[t + 1]}", **kwargs}
            self.lines_ += self.ax_.plot(components, share[t], **look)
        look = {"color": "0.4", "linestyle": "--", "label": "isotropic"}
        self.isotropic_line_ = self.ax_.plot(components, self.isotropic, **look)[0]
        self.ax_.set(xscale="log", ylim=(-0.02, 1.02), xlabel="Principal component k")
        self.ax_.set_ylabel("Share of update in components 1 to k")
        self.ax_.legend(title="Update from epoch", fontsize="small", title_fontsize="small")
        return self


def _spread(updates, n_lines):
    """Up to n_lines of the updates, in geometric progression."""
    if not len(updates):
        raise ValueError(
            "cumulative_share is NaN throughout: no update has changed the weights. Record a "
            "training with a larger learning rate."
        )
    if not isinstance(n_lines, Integral) or n_lines < 1:
        raise ValueError(f"n_lines={n_lines!r}: pass a whole number, 1 or more.")
    places = np.geomspace(1, len(updates), min(n_lines, len(updates)))
    return updates[np.unique(places.round().astype(int)) - 1]
