"""What the displays share: axes, colours, and words for what is missing."""

from sklearn.utils.validation import check_is_fitted

# Okabe and Ito's colours, which colour-blind people tell apart, and black first.
COLORS = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442")
SEQUENTIAL, DIVERGING = "cividis", "RdBu_r"  # colour maps that they can read


def new_axes(ax=None):
    """The axes given, or new ones."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            "Displays are drawn by matplotlib, which is not installed: pip install 'skreg[plot]'."
        ) from error
    return plt.subplots()[1] if ax is None else ax


class Display:
    """What every display does when it draws."""

    def _begin(self, ax):
        """The axes to draw on, kept with their figure."""
        self.ax_ = new_axes(ax)
        self.figure_ = self.ax_.figure
        return self.ax_


class EntitledDisplay(Display):
    """Lines under a title that says whose they are; subclasses have ``_draw(ax, **kwargs)``."""

    title, of = "", "of"  # what is shown, and the word before the name of whose it is

    def plot(self, *, ax=None, name=None, **kwargs):
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on, new ones by default.
        name : str, default=None
            Name in the title, that of the estimator by default.
        **kwargs : dict
            Keyword arguments of the lines, for `matplotlib.axes.Axes.plot`.

        Returns
        -------
        display : the class itself
            The display, with its artists.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        self._draw(self._begin(ax), **kwargs)
        name = name or self.estimator_name
        self.ax_.set_title(f"{self.title} {self.of} {name}" if name else self.title)
        return self


def require(estimator, attribute, advice):
    """A fitted attribute of the estimator; raise with advice where the fit has not left it.

    Raises
    ------
    NotFittedError
        Where the estimator was not fitted.
    ValueError
        Where it was, without what the display needs.
    """
    check_is_fitted(estimator)
    try:
        found = getattr(estimator, attribute)
    except AttributeError:
        found = None
    if found is None:
        raise ValueError(f"This {type(estimator).__name__} has no {attribute}: {advice}")
    return found
