"""Coefficients against alpha."""

import numpy as np

from skreg._sparse_path import enet_path
from skreg._validation import new_samples
from skreg.elastic_net import ElasticNet
from skreg.elastic_net_cv import ElasticNetCV
from skreg.plot._alphas import alpha_axis, legend_above, mark_choice
from skreg.plot._axes import COLORS, EntitledDisplay, require
from skreg.plot._candidates import candidates
from skreg.plot._spectra import alpha_of, check_grid, check_target, counts_of, spectrum_of
from skreg.ridge import Ridge
from skreg.ridge_cv import RidgeCV

NAMED = 7  # features that are named in the legend: colours that are told apart on white
OUTGROWN, CUT = 30, 3  # multiples of the largest coefficient at the chosen alpha: see `_limits`
SPAN = 1e-3  # smallest over largest alpha of a path of one's own
SETTINGS = ("fit_intercept", "max_iter", "tol", "positive", "penalty_weights", "lower", "upper")


class CoefficientPathDisplay(EntitledDisplay):
    """Coefficient path: every coefficient against alpha.

    The strongest regularization, the largest alpha, is at the left: read from left to right,
    coefficients leave zero as the penalty is relaxed. Those that leave it early carry most; ridge
    moves all of them at once, the lasso one after the other. The seven features with the
    largest coefficients at the chosen alpha are coloured and named, the others are grey. Vertical
    lines mark the chosen alpha and, after cross-validation, the largest one within one standard
    error of the best. Where weak penalties let coefficients explode, the axis ends at
    three times the largest one at the chosen alpha. Features in different units have coefficients
    that cannot be compared.

    Parameters
    ----------
    alphas : array-like of shape (n_alphas,)
        Strengths of the penalty.
    coefs : array-like of shape (n_features, n_alphas)
        The coefficients.
    chosen, one_se_alpha : float, default=None
        Alphas to mark.
    feature_names : list of str of length n_features, default=None
        Names of the features; ``x0``, ``x1`` and so on by default.
    counts : bool, default=False
        Whether the alphas are counts, of components or steps.
    estimator_name : str, default=None
        Name for the title.

    Attributes
    ----------
    alphas : ndarray of shape (n_alphas,)
        As given.
    coefs : ndarray of shape (n_features, n_alphas)
        As given.
    chosen, one_se_alpha : float or None
        As given.
    feature_names : list of str
        Names of the features.
    lines_ : list of matplotlib Line2D
        One for each feature.
    chosen_, one_se_ : matplotlib Line2D or None
        The vertical lines; one where both alphas are the same.
    ax_ : matplotlib Axes
        What was drawn on.
    figure_ : matplotlib Figure
        The figure of these axes.

    See Also
    --------
    CVCurveDisplay : The errors for the same alphas.
    skreg.enet_path : The numbers behind the picture.

    References
    ----------
    T. Hastie, R. Tibshirani, J. Friedman, "The Elements of Statistical Learning", Springer
    (2009), section 3.4.

    Examples
    --------
    >>> from skreg import LassoCV
    >>> from skreg.plot import CoefficientPathDisplay
    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> model = LassoCV().fit(X, y)
    >>> display = CoefficientPathDisplay.from_estimator(model, X, y)
    >>> display.coefs.shape
    (10, 100)
    """

    title = "Coefficients"

    def __init__(
        self,
        *,
        alphas,
        coefs,
        chosen=None,
        one_se_alpha=None,
        feature_names=None,
        counts=False,
        estimator_name=None,
    ):
        self.alphas = np.asarray(alphas, dtype=np.float64)
        self.coefs = np.asarray(coefs, dtype=np.float64)
        self.chosen, self.one_se_alpha = chosen, one_se_alpha
        if feature_names is None:
            feature_names = [f"x{j}" for j in range(len(self.coefs))]
        self.feature_names = list(feature_names)
        if len(self.feature_names) != len(self.coefs):
            raise ValueError(
                f"feature_names has {len(self.feature_names)} names, but there are "
                f"{len(self.coefs)} features: give one name for each."
            )
        self.counts, self.estimator_name = counts, estimator_name

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X=None,
        y=None,
        *,
        sample_weight=None,
        target=None,
        ax=None,
        name=None,
        feature_names=None,
        **line_kw,
    ):
        """Draw the path of a fitted estimator.

        Parameters
        ----------
        estimator : Lasso, ElasticNet, LassoCV, ElasticNetCV, Ridge or RidgeCV
            The fitted estimator. The path has its settings; of a search, its alphas (of the
            l1_ratio chosen), else 100 alphas from where all coefficients are zero, and the
            estimator's own. Ridge and RidgeCV have to be fitted with ``store_spectrum=True``.
        X, y : array-like of shapes (n_samples, n_features) and (n_samples[, n_targets])
            The training data. Ridge and RidgeCV do without, as their spectrum holds the path.
        sample_weight : array-like of shape (n_samples,), default=None
            The weights of the fit.
        target : int, default=None
            Index of the target to show; needed where there are several.
        ax, name, **line_kw
            See `plot`.
        feature_names : list of str, default=None
            Names of the features, by default those of the data that the estimator was fitted to.

        Returns
        -------
        display : CoefficientPathDisplay
            The display, drawn.

        Raises
        ------
        NotFittedError
            If the estimator was not fitted.
        TypeError
            If it is none of the classes above.
        ValueError
            If a ridge estimator has no ``spectrum_``; if X or y is missing, or does not fit the
            estimator; if there are several targets and none is named, or a wrong number of names.
        ImportError
            If matplotlib is not installed.
        """
        if isinstance(estimator, Ridge | RidgeCV):
            alphas, coefs, target, counts = ridge_path(estimator, target)
        elif isinstance(estimator, ElasticNet | ElasticNetCV):
            alphas, coefs, target = sparse_path(estimator, X, y, sample_weight, target)
            counts = False
        else:
            raise TypeError(
                f"There is no path of {type(estimator).__name__}: give Lasso, ElasticNet, "
                f"LassoCV, ElasticNetCV, Ridge or RidgeCV; of a pipeline, the last step."
            )
        if feature_names is None:
            feature_names = getattr(estimator, "feature_names_in_", None)
        display = cls(
            alphas=alphas,
            coefs=coefs,
            chosen=alpha_of(estimator, target),
            one_se_alpha=one_se_alpha(estimator, target),
            feature_names=feature_names,
            counts=counts,
            estimator_name=type(estimator).__name__,
        )
        return display.plot(ax=ax, name=name, **line_kw)

    def _draw(self, ax, **kwargs):
        """A line for each feature, those of small coefficients grey."""
        rank = {int(j): k for k, j in enumerate(self._important()[:NAMED])}
        self.lines_ = []
        for j, coef in enumerate(self.coefs):
            style = {"color": "0.75", "linewidth": 0.8, "zorder": 1.5, "label": "_"}
            if j in rank:
                style = {"color": COLORS[rank[j]], "label": self.feature_names[j]}
            self.lines_ += ax.plot(self.alphas, coef, **(style | kwargs))
        ax.axhline(0, color="0.5", linewidth=0.6, zorder=1)
        lines = mark_choice(ax, self.chosen, self.one_se_alpha, "chosen")
        self.chosen_, self.one_se_ = lines
        alpha_axis(ax, counts=self.counts)
        ax.set_ylabel("coefficient")
        named = [self.lines_[j] for j in rank]  # the largest first
        legend_above(ax, *self._limits(), named + [line for line in lines if line is not None])

    def _limits(self):
        """Ends of the y axis, cut where coefficients outgrow those at the chosen alpha."""
        low, high = min(self.coefs.min(), 0), max(self.coefs.max(), 0)
        if self.chosen is not None:
            size = np.abs(self.coefs[:, np.abs(self.alphas - self.chosen).argmin()]).max()
            if 0 < OUTGROWN * size < max(high, -low):
                low, high = max(low, -CUT * size), min(high, CUT * size)
        margin = 0.05 * (high - low) or 1
        return low - margin, high + margin

    def _important(self):
        """Features in the order of their coefficients at the chosen alpha, then of the largest."""
        size = np.abs(self.coefs)
        if self.chosen is None:
            return np.argsort(-size.max(axis=1), kind="stable")
        at_chosen = size[:, np.abs(self.alphas - self.chosen).argmin()]
        return np.lexsort((-size.max(axis=1), -at_chosen))


def ridge_path(estimator, target):
    """Alphas, coefficients (n_features, n_alphas), the target, and whether alphas are counts."""
    spectrum = spectrum_of(estimator)
    target = check_target(target, spectrum.z.shape[1])
    alphas = check_grid(None, spectrum)
    own = alpha_of(estimator, target)
    alphas = np.union1d(alphas, own if own > 0 else [])
    return alphas, spectrum.coef(alphas)[:, target].T, target, counts_of(spectrum)


def sparse_path(estimator, X, y, sample_weight, target):
    """Alphas, coefficients (n_features, n_alphas) and the target; settings of the estimator."""
    require(estimator, "coef_", "fit it.")
    if X is None or y is None:
        raise ValueError(
            f"The path of {type(estimator).__name__} is computed from the data: give X and y."
        )
    X, y = new_samples(estimator, X, accept_sparse=["csr", "csc"]), np.asarray(y)
    target = check_target(target, 1 if y.ndim == 1 else y.shape[1])
    y = y if y.ndim == 1 else y[:, target]
    options = {name: getattr(estimator, name) for name in SETTINGS}
    options["l1_ratio"] = getattr(estimator, "l1_ratio_", estimator.l1_ratio)
    options["sample_weight"] = sample_weight
    alphas = path_alphas(estimator, target, X, y, options)
    return *enet_path(X, y, alphas=alphas, **options)[:2], target


def path_alphas(estimator, target, X, y, options):
    """The alphas of a search, or a grid that holds the estimator's own alpha."""
    if isinstance(estimator, ElasticNetCV):
        if np.ndim(estimator.alphas_) == 1:
            return estimator.alphas_
        ratios = estimator.cv_results_["l1_ratio"].reshape(estimator.alphas_.shape)[:, 0]
        return estimator.alphas_[np.flatnonzero(ratios == estimator.l1_ratio_)[0]]
    own = alpha_of(estimator, target)
    if options["l1_ratio"] > 0:
        largest = enet_path(X, y, alphas=1, **options)[0][0]
    else:  # no alpha makes the coefficients zero
        largest = own / SPAN if own > 0 else 1.0
    smallest = largest * SPAN if own == 0 else min(largest * SPAN, own)
    return np.union1d(np.geomspace(max(largest, own), smallest, 100), own if own > 0 else [])


def one_se_alpha(estimator, target):
    """The alpha within one standard error of the best, where folds have told it."""
    if isinstance(estimator, Ridge | ElasticNet) or not isinstance(estimator.cv_results_, dict):
        return None
    return candidates(estimator, target).one_se_alpha
