"""Heat maps of weight matrices."""

import numpy as np
from sklearn.utils import check_array

from skreg.plot._axes import DIVERGING, Display, require

ZERO = "0.72"  # a grey that is darker than the middle of the colour map


class WeightMatrixDisplay(Display):
    """Heat map of one weight matrix of a network, with its share of exact zeros.

    A row for each input of the layer and a column for each unit. Red weights are positive, blue
    ones negative, white ones small; the scale is the same to both sides. Weights that are exactly
    0 are grey: an L1 penalty makes them, weight decay does not. A grey row is an input that
    the layer does not use, a grey column a unit that does not listen.

    Parameters
    ----------
    weights : array-like of shape (n_inputs, n_units)
        The matrix.
    name : str, default=None
        What the title calls it.

    Attributes
    ----------
    zero_share_ : float
        Share of weights that are exactly 0.
    ax_ : matplotlib Axes
        Axes of the picture.
    figure_ : matplotlib Figure
        Its figure.
    image_ : matplotlib AxesImage
        The heat map, of an array in which zeros are masked.
    colorbar_ : matplotlib Colorbar
        Scale of its colours.

    Raises
    ------
    NotFittedError
        Where the estimator was not fitted.
    ValueError
        Where it has no weight matrices, or no such layer; for weights of another shape, NaN or
        infinity.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skreg import MLPClassifier
    >>> from skreg.plot import WeightMatrixDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> mlp = MLPClassifier((32, 32), l1=0.1, learning_rate_init=0.01, random_state=0)
    >>> for _ in range(50):
    ...     mlp = mlp.partial_fit(X, y, classes=[0, 1, 2])
    >>> display = WeightMatrixDisplay.from_estimator(mlp, layer=1)
    >>> bool(display.zero_share_ > 0.3)
    True
    """

    def __init__(self, *, weights, name=None):
        self.weights = weights
        self.name = name

    @classmethod
    def from_estimator(cls, mlp, *, layer=0, ax=None, **kwargs):
        """Draw a weight matrix of a fitted network.

        Parameters
        ----------
        mlp : MLPClassifier or MLPRegressor
            Fitted network; of a pipeline, its last step.
        layer : int, default=0
            Number of the weight matrix in `coefs_`, from 0 for the one that takes X.
        ax, **kwargs
            See `plot`.

        Returns
        -------
        display : WeightMatrixDisplay
            The picture.
        """
        coefs = require(mlp, "coefs_", "pass a network; of a pipeline, its last step.")
        if layer not in range(len(coefs)):
            raise ValueError(
                f"layer={layer!r}, but the network has {len(coefs)} weight matrices: choose one "
                f"from 0 to {len(coefs) - 1}."
            )
        return cls(weights=coefs[layer], name=f"Layer {layer}").plot(ax=ax, **kwargs)

    def plot(self, *, ax=None, **kwargs):
        """Draw the matrix.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes new ones.
        **kwargs : dict
            Passed to `matplotlib.axes.Axes.imshow`, such as `vmax` for a scale that several
            pictures share.

        Returns
        -------
        self : WeightMatrixDisplay
            The display, with its artists.
        """
        weights = check_array(self.weights, dtype=[np.float64, np.float32], input_name="weights")
        self.zero_share_ = float((weights == 0).mean())
        self._begin(ax)
        size = kwargs.pop("vmax", None) or np.abs(weights).max() or 1.0
        look = {"cmap": DIVERGING, "aspect": "auto", "interpolation": "nearest"}
        look |= {"vmin": -size, "vmax": size, **kwargs}
        # Masked, so that zeros show what lies behind, whatever the colour map.
        self.ax_.set_facecolor(ZERO)
        self.image_ = self.ax_.imshow(np.ma.masked_equal(weights, 0), **look)
        self.colorbar_ = self.figure_.colorbar(self.image_, ax=self.ax_, label="Weight")
        title = f"{self.name + ': ' if self.name else ''}{weights.shape[0]} x {weights.shape[1]}"
        self.ax_.set_title(f"{title}, {self.zero_share_:.1%} exact zeros (grey)")
        self.ax_.set(xlabel="Unit", ylabel="Input")
        for axis in (self.ax_.xaxis, self.ax_.yaxis):
            axis.get_major_locator().set_params(integer=True)
        return self
