"""The curve of cross-validation."""

import numpy as np

from skreg.plot._alphas import STYLES, alpha_axis, legend_above, mark_choice
from skreg.plot._axes import COLORS, EntitledDisplay
from skreg.plot._candidates import candidates


class CVCurveDisplay(EntitledDisplay):
    """Cross-validation curve: error or score against alpha, with its standard error.

    Shows the mean over the folds (for leave-one-out errors, over the samples), and a band of one
    standard error around it; one line for each l1_ratio. Vertical lines mark the best alpha, and
    the strongest regularization whose mean is within one standard error of the best, which is as
    good as the data can tell and gives the simpler model. The strongest regularization is at the
    left. Rules and information criteria, which have no standard error, are shown without a band.

    Parameters
    ----------
    alphas : array-like of shape (n_l1_ratios, n_alphas)
        Strengths of the penalty.
    values : array-like of shape (n_l1_ratios, n_alphas)
        Mean errors or scores.
    std_error : array-like of shape (n_l1_ratios, n_alphas), default=None
        Standard errors of these means.
    l1_ratios : array-like of shape (n_l1_ratios,), default=None
        Names of the lines.
    best_alpha, one_se_alpha : float, default=None
        Alphas to mark.
    meaning : str, default="score"
        What the values are, for the label of the axis.
    counts : bool, default=False
        Whether the alphas are counts, of components or steps.
    best_l1_ratio : float, default=None
        The l1_ratio that the alphas to mark go with, for the legend.
    estimator_name : str, default=None
        Name for the title.

    Attributes
    ----------
    alphas, values, std_error, l1_ratios : ndarray or None
        As given.
    best_alpha, one_se_alpha, best_l1_ratio : float or None
        As given.
    lines_ : list of matplotlib Line2D
        One for each l1_ratio.
    bands_ : list of matplotlib PolyCollection
        The standard errors, one band for each line; empty where there are none.
    best_, one_se_ : matplotlib Line2D or None
        The vertical lines; one where both alphas are the same.
    ax_ : matplotlib Axes
        What was drawn on.
    figure_ : matplotlib Figure
        The figure of these axes.

    See Also
    --------
    CoefficientPathDisplay : The coefficients for the same alphas.

    References
    ----------
    T. Hastie, R. Tibshirani, J. Friedman, "The Elements of Statistical Learning", Springer
    (2009), section 7.10.

    Examples
    --------
    >>> from skreg import LassoCV
    >>> from skreg.plot import CVCurveDisplay
    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True)
    >>> display = CVCurveDisplay.from_estimator(LassoCV().fit(X, y))
    >>> print(f"{display.best_alpha:.4f}, {display.one_se_alpha:.4f}")
    0.0038, 0.1868
    """

    title, of = "Choice of alpha", "by"

    def __init__(
        self,
        *,
        alphas,
        values,
        std_error=None,
        l1_ratios=None,
        best_alpha=None,
        one_se_alpha=None,
        meaning="score",
        counts=False,
        best_l1_ratio=None,
        estimator_name=None,
    ):
        self.alphas = np.atleast_2d(alphas)
        self.values = np.atleast_2d(values)
        self.std_error = None if std_error is None else np.atleast_2d(std_error)
        self.l1_ratios = None if l1_ratios is None else np.atleast_1d(l1_ratios)
        self.best_alpha, self.one_se_alpha = best_alpha, one_se_alpha
        self.meaning, self.counts, self.best_l1_ratio = meaning, counts, best_l1_ratio
        self.estimator_name = estimator_name

    @classmethod
    def from_estimator(cls, estimator, *, target=None, ax=None, name=None, **kwargs):
        """Draw what a fitted search found.

        Parameters
        ----------
        estimator : RidgeCV, LassoCV, ElasticNetCV or another search with `cv_results_` of alphas
            The fitted estimator.
        target : int, default=None
            Index of the target to show; needed where each has scores of its own
            (``alpha_per_target=True``).
        ax, name, **kwargs
            See `plot`.

        Returns
        -------
        display : CVCurveDisplay
            The display, drawn.

        Raises
        ------
        NotFittedError
            If the estimator was not fitted.
        ValueError
            If it has no ``cv_results_`` with scores of alphas, or several targets and none is
            named.
        ImportError
            If matplotlib is not installed.
        """
        found = candidates(estimator, target)
        display = cls(**found._asdict(), estimator_name=type(estimator).__name__)
        return display.plot(ax=ax, name=name, **kwargs)

    def _draw(self, ax, **kwargs):
        """A line for each l1_ratio, with a band where errors have standard errors."""
        self.lines_, self.bands_ = [], []
        for k, (alphas, values) in enumerate(zip(self.alphas, self.values, strict=True)):
            label = self.meaning if self.std_error is None else "mean and SE"
            if self.l1_ratios is not None and len(self.l1_ratios) > 1:
                label = f"l1_ratio = {self.l1_ratios[k]:.3g}"
            style = {
                "color": COLORS[1 + k % (len(COLORS) - 1)],  # black is for the vertical lines
                "linestyle": STYLES[k % len(STYLES)],
                "marker": "." if len(alphas) <= 20 else None,
            }
            self.lines_ += ax.plot(alphas, values, **(style | {"label": label} | kwargs))
            if self.std_error is not None:
                error, color = self.std_error[k], self.lines_[-1].get_color()
                band = ax.fill_between(
                    alphas, values - error, values + error, color=color, alpha=0.15, linewidth=0
                )
                self.bands_.append(band)
        best = "best"
        if len(self.alphas) > 1 and self.best_l1_ratio is not None:
            best = f"best (l1_ratio = {self.best_l1_ratio:.3g})"
        self.best_, self.one_se_ = mark_choice(ax, self.best_alpha, self.one_se_alpha, best)
        alpha_axis(ax, counts=self.counts)
        ax.set_ylabel(self.meaning)
        marks = [line for line in (self.best_, self.one_se_) if line is not None]
        legend_above(ax, *self._limits(), self.lines_ + marks)

    def _limits(self):
        """Ends of the y axis, with a margin around what is finite."""
        error = 0 if self.std_error is None else self.std_error
        ends = np.concatenate([self.values - error, self.values + error])
        ends = ends[np.isfinite(ends)] if np.isfinite(ends).any() else np.zeros(1)
        margin = 0.05 * np.ptp(ends) or 1
        return ends.min() - margin, ends.max() + margin
