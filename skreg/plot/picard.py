"""The Picard plot."""

import numpy as np

from skreg.plot._axes import COLORS, EntitledDisplay
from skreg.plot._spectra import check_target, spectrum_of


class PicardDisplay(EntitledDisplay):
    """Picard plot: how much of the target each singular direction of the data carries.

    Shows, against the index i of the singular values, the singular values s_i, the coefficients of
    the target ``|u_i'y|``, and their quotients ``|u_i'y| / s_i``, by which the least-squares
    solution is built. The solution makes sense as far as ``|u_i'y|`` falls faster than s_i. Where
    ``|u_i'y|`` levels off at the size of the noise while s_i goes on falling, the quotients grow
    and least squares fits noise: this is where a penalty has to cut in.

    Parameters
    ----------
    s : array-like of shape (rank,)
        Singular values, decreasing.
    projections : array-like of shape (rank,)
        Sizes of the target in the basis of the left singular vectors, ``|U'y|``.
    estimator_name : str, default=None
        Name for the title.

    Attributes
    ----------
    s, projections : ndarray of shape (rank,)
        As given.
    solution : ndarray of shape (rank,)
        ``projections / s``.
    lines_ : list of matplotlib Line2D
        s, the projections and their quotients.
    ax_ : matplotlib Axes
        What was drawn on.
    figure_ : matplotlib Figure
        The figure of these axes.

    See Also
    --------
    FilterFactorsDisplay : Which of the directions a penalty keeps.

    References
    ----------
    P. C. Hansen, "The discrete Picard condition for discrete ill-posed problems", BIT 30 (1990).

    Examples
    --------
    >>> from skreg import Ridge
    >>> from skreg.plot import PicardDisplay
    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = Ridge(alpha=0.1, store_spectrum=True).fit(X, y)
    >>> display = PicardDisplay.from_estimator(model)
    >>> [line.get_label() for line in display.lines_]
    ['s', "|U'y|", "|U'y| / s"]
    """

    title = "Picard plot"

    def __init__(self, *, s, projections, estimator_name=None):
        self.s = np.asarray(s, dtype=np.float64)
        self.projections = np.asarray(projections, dtype=np.float64)
        self.solution = self.projections / self.s
        self.estimator_name = estimator_name

    @classmethod
    def from_estimator(cls, estimator, *, target=None, ax=None, name=None, **kwargs):
        """Draw the Picard plot of a fitted estimator.

        Parameters
        ----------
        estimator : Ridge, RidgeCV or KernelRidgeCV
            Fitted with ``store_spectrum=True``.
        target : int, default=None
            Index of the target to show; needed where there are several.
        ax, name, **kwargs
            See `plot`.

        Returns
        -------
        display : PicardDisplay
            The display, drawn.

        Raises
        ------
        NotFittedError
            If the estimator was not fitted.
        ValueError
            If it has no ``spectrum_``, or several targets and none is named.
        ImportError
            If matplotlib is not installed.
        """
        s, projections, _ = spectrum_of(estimator).picard()
        target = check_target(target, projections.shape[1])
        display = cls(
            s=s, projections=projections[:, target], estimator_name=type(estimator).__name__
        )
        return display.plot(ax=ax, name=name, **kwargs)

    def _draw(self, ax, **kwargs):
        """Three sequences on one logarithmic axis."""
        index = np.arange(1, len(self.s) + 1)
        shown = (
            (self.s, "s", {"linestyle": "-", "color": COLORS[0]}),
            (self.projections, "|U'y|", {"marker": "o", "color": COLORS[1]}),
            (self.solution, "|U'y| / s", {"marker": "x", "color": COLORS[2]}),
        )
        self.lines_ = []
        for values, label, own in shown:
            style = {"linestyle": "none", "markersize": 4} | own | kwargs
            self.lines_ += ax.plot(index, values, label=label, **style)
        ax.set_yscale("log", nonpositive="mask")
        ax.set_xlabel("index of the singular value")
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.legend()
