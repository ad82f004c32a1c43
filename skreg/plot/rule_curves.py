"""Rules for the choice of alpha, side by side."""

import numpy as np

from skreg._solvers.filters import tikhonov, truncated_svd
from skreg._solvers.rules import RULES
from skreg.plot._alphas import STYLES, alpha_axis, legend_above, mark_alpha
from skreg.plot._axes import COLORS, EntitledDisplay
from skreg.plot._spectra import alpha_of, check_grid, check_target, counts_of, spectrum_of

DEFAULT = ("loo", "gcv", "robust_gcv", "l_curve", "ncp", "quasi_optimality", "evidence")
MARKERS = "os^vD<>"  # hollow, so that minima on one place are all seen


class RuleCurvesDisplay(EntitledDisplay):
    """Scores of several rules against alpha, each with a marker at its minimum.

    The smaller a score, the better alpha is in the eyes of that rule. As the rules measure
    different things in different units, each curve is scaled to [0, 1] on its finite range; the
    `scores` are raw. Where the minima agree, the choice of alpha is safe. A flat minimum says
    that many alphas serve as well, a missing stretch that the rule says nothing there. The
    strongest regularization is at the left.

    Parameters
    ----------
    alphas : array-like of shape (n_alphas,)
        Strengths of the penalty, increasing.
    scores : dict of str to array-like of shape (n_alphas,)
        The score of each rule, the smaller the better, infinite where it says nothing.
    chosen : float, default=None
        An alpha to mark by a line.
    counts : bool, default=False
        Whether the alphas are counts, of components or steps.
    estimator_name : str, default=None
        Name for the title.

    Attributes
    ----------
    alphas : ndarray of shape (n_alphas,)
        As given.
    scores : dict of str to ndarray of shape (n_alphas,)
        As given.
    best_alphas : dict of str to float
        The alpha of the least score of each rule that has a finite one; of equal ones the
        strongest.
    lines_, markers_ : dict of str to matplotlib Line2D
        The scaled curves, and the markers at the minima.
    chosen_ : matplotlib Line2D or None
        The line at the alpha of the fit.
    ax_ : matplotlib Axes
        What was drawn on.
    figure_ : matplotlib Figure
        The figure of these axes.

    See Also
    --------
    skreg.RidgeCV : Chooses alpha by one of these rules.

    References
    ----------
    P. C. Hansen, "Discrete Inverse Problems: Insight and Algorithms", SIAM (2010), chapter 5.

    Examples
    --------
    >>> from skreg import Ridge
    >>> from skreg.plot import RuleCurvesDisplay
    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = Ridge(alpha=0.1, store_spectrum=True).fit(X, y)
    >>> display = RuleCurvesDisplay.from_estimator(model, rules=["loo", "gcv"])
    >>> {rule: f"{alpha:.3f}" for rule, alpha in display.best_alphas.items()}
    {'loo': '0.004', 'gcv': '0.008'}
    """

    title, of = "Rules", "for"

    def __init__(self, *, alphas, scores, chosen=None, counts=False, estimator_name=None):
        self.alphas = np.asarray(alphas, dtype=np.float64)
        self.scores = {rule: np.asarray(score, np.float64) for rule, score in scores.items()}
        self.chosen, self.counts = chosen, counts
        self.estimator_name = estimator_name
        strength = self.alphas if counts else -self.alphas
        self.best_alphas = {
            rule: float(self.alphas[np.lexsort((strength, score))[0]])
            for rule, score in self.scores.items()
            if np.isfinite(score).any()
        }

    @classmethod
    def from_estimator(
        cls,
        estimator,
        *,
        rules=None,
        alphas=None,
        noise_std=None,
        target=None,
        ax=None,
        name=None,
        **kwargs,
    ):
        """Draw what the rules make of a fitted estimator.

        Parameters
        ----------
        estimator : Ridge, RidgeCV or KernelRidgeCV
            Fitted with ``store_spectrum=True``.
        rules : list of str, default=None
            Names of rules, see :class:`skreg.RidgeCV`. By default those of 'loo', 'gcv',
            'robust_gcv', 'l_curve', 'ncp', 'quasi_optimality' and 'evidence' that are defined
            for this fit.
        alphas : array-like of shape (n_alphas,), default=None
            Strengths of the penalty, by default a range that holds all singular values.
        noise_std : float, default=None
            Standard deviation of the noise in y, for 'discrepancy' and 'upre'.
        target : int, default=None
            Index of the target to show; needed where there are several.
        ax, name, **kwargs
            See `plot`.

        Returns
        -------
        display : RuleCurvesDisplay
            The display, drawn.

        Raises
        ------
        NotFittedError
            If the estimator was not fitted.
        ValueError
            If it has no ``spectrum_``; for unknown rules, and rules that are not defined for
            this fit; for alphas below 0; for several targets of which none is named.
        ImportError
            If matplotlib is not installed.
        """
        spectrum = spectrum_of(estimator)
        target = check_target(target, spectrum.z.shape[1])
        alphas = check_grid(alphas, spectrum)
        if rules is None:
            rules = [rule for rule in DEFAULT if missing(rule, spectrum, noise_std) is None]
        for rule in rules:
            if (text := missing(rule, spectrum, noise_std)) is not None:
                raise ValueError(f"rule {rule!r} {text}.")
        display = cls(
            alphas=alphas,
            scores={rule: score(rule, spectrum, alphas, noise_std)[:, target] for rule in rules},
            chosen=alpha_of(estimator, target),
            counts=counts_of(spectrum),
            estimator_name=type(estimator).__name__,
        )
        return display.plot(ax=ax, name=name, **kwargs)

    def _draw(self, ax, **kwargs):
        """Each rule's scores on its own scale, and a marker at their minimum."""
        self.lines_, self.markers_ = {}, {}
        for k, (rule, score) in enumerate(self.scores.items()):
            style = {"color": COLORS[k % len(COLORS)], "linestyle": STYLES[k % len(STYLES)]}
            scaled = unit_range(score)
            (line,) = ax.plot(self.alphas, scaled, **(style | {"label": rule} | kwargs))
            self.lines_[rule] = line
            if rule in self.best_alphas:
                best = [self.best_alphas[rule]], [np.nanmin(scaled)]
                style = {"marker": MARKERS[k % len(MARKERS)], "color": line.get_color()}
                (self.markers_[rule],) = ax.plot(*best, fillstyle="none", markersize=8, **style)
        self.chosen_ = mark_alpha(ax, self.chosen, "fit", color="0.5", linestyle=":")
        alpha_axis(ax, counts=self.counts)
        ax.set_ylabel("score, scaled to [0, 1]")
        handles = [*self.lines_.values(), self.chosen_]
        legend_above(ax, -0.05, 1.05, [line for line in handles if line is not None])
        ax.set_yticks(np.linspace(0, 1, 6))


def unit_range(score):
    """Scores scaled to [0, 1] on their finite range; NaN elsewhere."""
    finite = np.isfinite(score)
    scaled = np.full(len(score), np.nan)
    if finite.any():
        low, high = score[finite].min(), score[finite].max()
        scaled[finite] = (score[finite] - low) / (high - low if high > low else 1)
    return scaled


def missing(rule, spectrum, noise_std):
    """What a rule lacks on this spectrum; None where it can be asked."""
    if rule not in RULES:
        return f"is unknown: use some of {', '.join(RULES)}"
    entry = RULES[rule]
    if entry.tikhonov_only and spectrum.filter is not tikhonov:
        return "is defined for filter='tikhonov' only: leave it out"
    if entry.smooth_only and spectrum.filter is truncated_svd:
        return "needs a filter that is smooth in alpha, not 'truncated_svd': leave it out"
    if entry.needs_rows and spectrum.y is None:
        return "looks at each sample, of which partial_fit keeps none: call fit, or leave it out"
    if rule == "discrepancy" and noise_std is None:
        return "needs noise_std, the standard deviation of the noise in y"
    return None


def score(rule, spectrum, alphas, noise_std):
    """Scores (n_alphas, n_targets) of a rule."""
    entry = RULES[rule]
    options = {"noise_std": noise_std} if "noise_std" in entry.options else {}
    return entry.score(spectrum, alphas, **options)
