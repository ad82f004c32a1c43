"""Losses and other columns of a training's history."""

from numbers import Integral

import numpy as np

from skreg.plot._axes import COLORS, Display, require

# Yellow, the last one, is hardly seen as a thin line on white.
LINE_COLORS, LINE_STYLES = COLORS[:7], ("-", "--", ":", "-.")


class TrainingHistoryDisplay(Display):
    """Columns of a network's `history_` against the epoch, raw and smoothed.

    Each column is drawn as it was recorded, thin and pale, and on top as a running median of it,
    thick. A median keeps the place of a turn and ignores single peaks; still, believe the pale
    line where the two differ. A validation loss that rises while the training loss falls says
    that the network overfits from there on; the dotted line marks the best epoch.

    Parameters
    ----------
    columns : dict of str to array-like of shape (n_epochs,) or (n_epochs, n_layers)
        Values to draw by name; of two dimensions, a line for each layer.
    best_epoch : int, default=None
        Epoch to mark, from 1 on; None marks none.

    Attributes
    ----------
    columns_ : dict of str to ndarray of shape (n_epochs,)
        What is drawn, each layer by itself.
    smoothed_ : dict of str to ndarray of shape (n_epochs,)
        The running medians.
    ax_ : matplotlib Axes
        Axes of the picture.
    figure_ : matplotlib Figure
        Its figure.
    raw_lines_, lines_ : list of matplotlib Line2D
        Lines of the columns as recorded, and smoothed.
    best_line_ : matplotlib Line2D or None
        Mark of the best epoch.

    Raises
    ------
    NotFittedError
        Where the estimator was not fitted.
    ValueError
        Where it keeps no history or lacks a column, and for columns of other shapes.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skreg import MLPClassifier
    >>> from skreg.plot import TrainingHistoryDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> mlp = MLPClassifier(
    ...     max_iter=300, tol=1e-3, learning_rate_init=0.01, early_stopping=True, random_state=0)
    >>> mlp = mlp.fit(X, y)
    >>> display = TrainingHistoryDisplay.from_estimator(mlp)
    >>> sorted(display.columns_)
    ['loss', 'validation_loss']
    """

    def __init__(self, *, columns, best_epoch=None):
        self.columns = columns
        self.best_epoch = best_epoch

    @classmethod
    def from_estimator(cls, mlp, *, columns=None, ax=None, smoothing=None, **kwargs):
        """Draw the history of a fitted network.

        Parameters
        ----------
        mlp : MLPClassifier or MLPRegressor
            Fitted network; of a pipeline, its last step.
        columns : str or list of str, default=None
            Names in `history_`. None takes 'loss' and every '<name>_loss': the validation loss
            and those of the `eval_sets` of `fit`.
        ax, smoothing, **kwargs
            See `plot`.

        Returns
        -------
        display : TrainingHistoryDisplay
            The picture.
        """
        history = require(
            mlp,
            "history_",
            "pass an MLPClassifier or MLPRegressor of skreg; of a pipeline, its last step.",
        )
        if columns is None:
            columns = [name for name in history if name == "loss" or name.endswith("_loss")]
        columns = [columns] if isinstance(columns, str) else list(columns)
        missing = [name for name in columns if name not in history]
        if missing or not columns:
            raise ValueError(
                f"columns={columns!r}, but history_ has no {missing}: choose from "
                f"{sorted(history)}. Others come with `record`, early_stopping=True, or the "
                "`eval_sets` of fit."
            )
        chosen = {name: history[name] for name in columns}
        display = cls(columns=chosen, best_epoch=getattr(mlp, "best_epoch_", None))
        return display.plot(ax=ax, smoothing=smoothing, **kwargs)

    def plot(self, *, ax=None, smoothing=None, **kwargs):
        """Draw the columns.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes new ones.
        smoothing : int, default=None
            Epochs on either side that the running median at an epoch takes in, fewer near both
            ends; 0 or more. None is a fortieth of all epochs.
        **kwargs : dict
            Passed to `matplotlib.axes.Axes.plot` for the smoothed lines.

        Returns
        -------
        self : TrainingHistoryDisplay
            The display, with its artists.
        """
        self.columns_ = _one_dimensional(self.columns)
        n_epochs = max(map(len, self.columns_.values()))
        reach = n_epochs // 40 if smoothing is None else smoothing
        if not isinstance(reach, Integral) or reach < 0:
            raise ValueError(f"smoothing={reach!r}: pass a number of epochs, 0 or more, or None.")
        self.smoothed_ = {name: running_median(c, reach) for name, c in self.columns_.items()}
        self._begin(ax)
        self.raw_lines_, self.lines_ = [], []
        for i, (name, column) in enumerate(self.columns_.items()):
            turn, k = divmod(i, len(LINE_COLORS))
            look = {"color": LINE_COLORS[k], "linestyle": LINE_STYLES[turn % len(LINE_STYLES)]}
            epochs = np.arange(1, len(column) + 1)
            raw = {**look, "linewidth": 0.7, "alpha": 0.45}
            self.raw_lines_ += self.ax_.plot(epochs, column, **raw)
            look |= {"label": name, "linewidth": 2, **kwargs}
            self.lines_ += self.ax_.plot(epochs, self.smoothed_[name], **look)
        self.best_line_ = None
        if self.best_epoch:
            mark = {"color": "0.4", "linestyle": ":", "label": f"best epoch: {self.best_epoch}"}
            self.best_line_ = self.ax_.axvline(self.best_epoch, **mark)
        self.ax_.set(xlabel="Epoch", ylabel=_common_name(self.columns_))
        title = f"thick: median of {2 * reach + 1} epochs"
        self.ax_.legend(title=title, fontsize="small", title_fontsize="small")
        return self


def running_median(column, reach):
    """Median of up to `reach` finite values on either side, equally many on both."""
    smoothed, n = np.full(len(column), np.nan), len(column)
    for t in range(n):
        # A window cut off on one side would lag behind a slope.
        r = min(reach, t, n - 1 - t)
        window = column[t - r : t + r + 1]
        window = window[np.isfinite(window)]
        if window.size:
            smoothed[t] = np.median(window)
    return smoothed


def _one_dimensional(columns):
    """The columns as arrays of shape (n_epochs,), those of layers by number."""
    lines = {}
    for name, column in columns.items():
        column = np.asarray(column, dtype=np.float64)
        if column.ndim not in (1, 2) or name == "parameters" or 0 in column.shape:
            raise ValueError(
                f"Column {name!r} has the shape {column.shape} and cannot be drawn as lines: pass "
                "columns of shape (n_epochs,) or (n_epochs, n_layers). For the parameters see "
                "SpectralEnergyDisplay."
            )
        if column.ndim == 1:
            lines[name] = column
        else:
            lines |= {f"{name}[{i}]": c for i, c in enumerate(column.T)}
    return lines


def _common_name(names):
    """What an axis of all these is called."""
    if all(name == "loss" or name.endswith("_loss") for name in names):
        return "Loss"
    return next(iter(names)) if len(names) == 1 else "Value"
