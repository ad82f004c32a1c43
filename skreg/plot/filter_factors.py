"""Filter factors against the singular values."""

import numpy as np

from skreg.plot._alphas import STYLES
from skreg.plot._axes import COLORS, Display
from skreg.plot._spectra import alpha_of, check_grid, check_target, spectrum_of


class FilterFactorsDisplay(Display):
    """Filter factors: which share of each singular direction a regularized solution keeps.

    Shows phi between 0 and 1 against the singular values s of the centred data, large ones at
    the left, one line for each alpha. Directions with phi near 1 are those of least squares,
    directions with phi near 0 are left out. For ridge, phi = s^2 / (s^2 + alpha) passes 1/2
    where s is the root of alpha. The sum over phi is the number of degrees of freedom that the
    penalty leaves to the coefficients; the legend tells it.

    Parameters
    ----------
    s : array-like of shape (rank,)
        Singular values, decreasing.
    alphas : array-like of shape (n_alphas,)
        Strengths of the penalty.
    filter_factors : array-like of shape (n_alphas, rank)
        The factors phi.
    estimator_name : str, default=None
        Name for the title.

    Attributes
    ----------
    s, alphas, filter_factors : ndarray
        As given.
    lines_ : list of matplotlib Line2D
        One for each alpha.
    ax_ : matplotlib Axes
        What was drawn on.
    figure_ : matplotlib Figure
        The figure of these axes.

    See Also
    --------
    PicardDisplay : What the directions carry of the target.

    References
    ----------
    P. C. Hansen, "Discrete Inverse Problems: Insight and Algorithms", SIAM (2010), chapter 4.

    T. Hastie, R. Tibshirani, J. Friedman, "The Elements of Statistical Learning", Springer
    (2009), section 3.4.1.

    Examples
    --------
    >>> from skreg import Ridge
    >>> from skreg.plot import FilterFactorsDisplay
    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = Ridge(alpha=0.1, store_spectrum=True).fit(X, y)
    >>> display = FilterFactorsDisplay.from_estimator(model, alphas=[0.01, 0.1, 1])
    >>> display.filter_factors.shape
    (3, 10)
    """

    def __init__(self, *, s, alphas, filter_factors, estimator_name=None):
        self.s = np.asarray(s, dtype=np.float64)
        self.alphas = np.asarray(alphas, dtype=np.float64)
        self.filter_factors = np.asarray(filter_factors, dtype=np.float64)
        self.estimator_name = estimator_name

    @classmethod
    def from_estimator(
        cls,
        estimator,
        *,
        alphas=None,
        against="singular_value",
        target=None,
        ax=None,
        name=None,
        **kwargs,
    ):
        """Draw the filter factors of a fitted estimator.

        Parameters
        ----------
        estimator : Ridge, RidgeCV or KernelRidgeCV
            Fitted with ``store_spectrum=True``.
        alphas : float or array-like of shape (n_alphas,), default=None
            Strengths of the penalty, that of the fit by default.
        against : {'singular_value', 'index'}, default='singular_value'
            What to draw them against, see `plot`.
        target : int, default=None
            Index of the target whose ``alpha_`` to show; needed where each has one of its own.
        ax, name, **kwargs
            See `plot`.

        Returns
        -------
        display : FilterFactorsDisplay
            The display, drawn.

        Raises
        ------
        NotFittedError
            If the estimator was not fitted.
        ValueError
            If it has no ``spectrum_``, or for alphas below 0.
        ImportError
            If matplotlib is not installed.
        """
        spectrum = spectrum_of(estimator)
        if alphas is None:
            alphas = alpha_of(estimator, check_target(target, np.size(estimator.alpha_)))
        alphas = check_grid(np.atleast_1d(alphas), spectrum)
        display = cls(
            s=spectrum.s,
            alphas=alphas,
            filter_factors=spectrum.filter_factors(alphas),
            estimator_name=type(estimator).__name__,
        )
        return display.plot(against=against, ax=ax, name=name, **kwargs)

    def plot(self, *, against="singular_value", ax=None, name=None, **kwargs):
        """Draw.

        Parameters
        ----------
        against : {'singular_value', 'index'}, default='singular_value'
            Whether x is the singular value, on a logarithmic axis, or its index from 1 on.
        ax : matplotlib Axes, default=None
            Axes to draw on, new ones by default.
        name : str, default=None
            Name in the title, that of the estimator by default.
        **kwargs : dict
            Keyword arguments of the lines, for `matplotlib.axes.Axes.plot`.

        Returns
        -------
        display : FilterFactorsDisplay
            The display itself.
        """
        if against not in ("singular_value", "index"):
            raise ValueError(f"against={against!r}: use 'singular_value' or 'index'.")
        ax = self._begin(ax)
        by_index = against == "index"
        x = np.arange(1, len(self.s) + 1) if by_index else self.s
        self.lines_ = []
        for k, (alpha, phi) in enumerate(zip(self.alphas, self.filter_factors, strict=True)):
            style = {"marker": "o", "markersize": 4, "linestyle": STYLES[k % len(STYLES)]}
            style["color"] = COLORS[k % len(COLORS)]
            label = f"alpha = {alpha:.3g}, sum {phi.sum():.3g}"
            self.lines_ += ax.plot(x, phi, **(style | {"label": label} | kwargs))
        if by_index:
            ax.set_xlabel("index of the singular value")
            ax.xaxis.get_major_locator().set_params(integer=True)
        else:
            ax.set_xscale("log")
            ax.xaxis.set_inverted(True)
            ax.set_xlabel("singular value s")
        ax.set_ylim(-0.05, 1.05)
        ax.set_ylabel("filter factor phi")
        name = name or self.estimator_name
        ax.set_title(f"Filter factors of {name}" if name else "Filter factors")
        ax.legend()
        return self
