"""The L-curve."""

import numpy as np

from skreg._solvers.choice import choose
from skreg._solvers.filters import truncated_svd
from skreg.plot._axes import COLORS, EntitledDisplay
from skreg.plot._spectra import alpha_of, check_grid, check_target, spectrum_of


class LCurveDisplay(EntitledDisplay):
    """L-curve: norm of the residual against norm of the coefficients, for all alphas.

    Both axes are logarithmic. Along the flat part at the right a weaker penalty lowers the
    residual at little cost; along the steep part at the left it only makes the coefficients
    grow, which is what fitting noise looks like. The corner between, the point of largest
    curvature, is the choice of the rule 'l_curve'. A curve without a clear corner says nothing
    about alpha.

    Parameters
    ----------
    alphas : array-like of shape (n_alphas,)
        Strengths of the penalty, increasing.
    residual_norm, coef_norm : array-like of shape (n_alphas,)
        Norms of the weighted residual and of the penalized part of the coefficients.
    corner, chosen : tuple of float (alpha, residual norm, coefficient norm) or None, default=None
        The corner, and the fit, to be marked.
    estimator_name : str, default=None
        Name for the title.

    Attributes
    ----------
    alphas, residual_norm, coef_norm : ndarray of shape (n_alphas,)
        As given.
    corner, chosen : tuple of float or None
        As given; the corner is None where the curve has none.
    line_ : matplotlib Line2D
        The curve.
    corner_, chosen_ : matplotlib Line2D or None
        The markers.
    ax_ : matplotlib Axes
        What was drawn on.
    figure_ : matplotlib Figure
        The figure of these axes.

    See Also
    --------
    RuleCurvesDisplay : What the rules make of each alpha.

    References
    ----------
    P. C. Hansen, "Analysis of Discrete Ill-Posed Problems by Means of the L-Curve", SIAM Review
    34 (1992).

    Examples
    --------
    >>> from skreg import RidgeCV
    >>> from skreg.plot import LCurveDisplay
    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = RidgeCV(alphas="auto", store_spectrum=True).fit(X, y)
    >>> display = LCurveDisplay.from_estimator(model)
    >>> bool(display.chosen[0] == model.alpha_)
    True
    """

    title = "L-curve"

    def __init__(
        self, *, alphas, residual_norm, coef_norm, corner=None, chosen=None, estimator_name=None
    ):
        self.alphas = np.asarray(alphas, dtype=np.float64)
        self.residual_norm = np.asarray(residual_norm, dtype=np.float64)
        self.coef_norm = np.asarray(coef_norm, dtype=np.float64)
        self.corner, self.chosen = corner, chosen
        self.estimator_name = estimator_name

    @classmethod
    def from_estimator(cls, estimator, *, alphas=None, target=None, ax=None, name=None, **kwargs):
        """Draw the L-curve of a fitted estimator.

        Parameters
        ----------
        estimator : Ridge, RidgeCV or KernelRidgeCV
            Fitted with ``store_spectrum=True``.
        alphas : array-like of shape (n_alphas,), default=None
            Strengths of the penalty; by default a range that holds all singular values, between
            whose points the corner is searched further. The filter 'truncated_svd' has a curve,
            but no corner, as it is not smooth.
        target : int, default=None
            Index of the target to show; needed where there are several.
        ax, name, **kwargs
            See `plot`.

        Returns
        -------
        display : LCurveDisplay
            The display, drawn.

        Raises
        ------
        NotFittedError
            If the estimator was not fitted.
        ValueError
            If it has no ``spectrum_``, for alphas below 0, or for several targets of which none
            is named.
        ImportError
            If matplotlib is not installed.
        """
        spectrum = spectrum_of(estimator)
        target = check_target(target, spectrum.z.shape[1])

        def norms(alphas):
            return [norm[..., target] for norm in spectrum.l_curve(alphas)]

        corner, given = None, alphas is not None
        alphas = check_grid(alphas, spectrum)
        if spectrum.filter is not truncated_svd:
            found = choose(spectrum, "l_curve", alphas if given else "auto")
            if found.found[target]:
                corner = (found.alpha[target], *norms(found.alpha[target]))
        alpha = alpha_of(estimator, target)
        residual_norm, coef_norm = norms(alphas)
        display = cls(
            alphas=alphas,
            residual_norm=residual_norm,
            coef_norm=coef_norm,
            corner=corner,
            chosen=(alpha, *norms(alpha)),
            estimator_name=type(estimator).__name__,
        )
        return display.plot(ax=ax, name=name, **kwargs)

    def _draw(self, ax, **kwargs):
        """The curve, and hollow markers for the corner and the fit."""
        style = {"color": COLORS[0], "label": "L-curve"} | kwargs
        (self.line_,) = ax.plot(self.residual_norm, self.coef_norm, **style)
        self.corner_ = self._mark(self.corner, "corner", color=COLORS[2], marker="s")
        self.chosen_ = self._mark(self.chosen, "fit", color=COLORS[1], marker="o")
        ax.set_xscale("log", nonpositive="mask")
        ax.set_yscale("log", nonpositive="mask")
        ax.set_xlabel("norm of the residual")
        ax.set_ylabel("norm of the coefficients")
        ax.legend()

    def _mark(self, point, label, **style):
        """A marker, hollow so that two on one place are both seen."""
        if point is None:
            return None
        alpha, residual_norm, coef_norm = point
        size = 11 if label == "corner" else 6
        style |= {"linestyle": "none", "markersize": size, "fillstyle": "none"}
        text = f"{label}, alpha = {alpha:.3g}"
        return self.ax_.plot([residual_norm], [coef_norm], label=text, **style)[0]
