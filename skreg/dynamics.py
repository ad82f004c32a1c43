"""How training went: which directions of the data the weights moved in, and when."""

from itertools import pairwise
from numbers import Integral
from typing import NamedTuple

import numpy as np
from scipy import linalg
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted

from skreg._solvers.scaling import unit
from skreg._validation import Interval, validate_params

__all__ = ["spectral_energy", "weights_over_time"]

NO_RECORD = "set record='parameters' and fit again."


class SpectralEnergy(NamedTuple):
    """Where updates go; components are in descending order of their variance."""

    energy: np.ndarray  # (n_times - 1, n_components)
    cumulative_share: np.ndarray  # (n_times - 1, n_components)
    explained_variance: np.ndarray  # (n_components,)
    isotropic: np.ndarray  # (n_components,)


@validate_params(
    {"weights_over_time": ["array-like"], "X": ["array-like"]}, prefer_skip_nested_validation=True
)
def spectral_energy(weights_over_time, X):
    r"""Energy of weight updates in each principal component of the data.

    With the principal components :math:`v_k` of centred X, in descending order of their variance,
    and the updates :math:`\Delta W(t) = W(t+1) - W(t)` between recorded times,

    .. math:: E_k(t) = \| \Delta W(t)^T v_k \|^2, \qquad
              \sum_k E_k(t) = \| \Delta W(t) \|_F^2.

    Gradient descent learns along leading components first (spectral bias): the share of the first
    ones lies far above the isotropic line at first, and later updates come nearer to it.

    Parameters
    ----------
    weights_over_time : array-like of shape (n_times, n_features, n_units) or (n_times, n_features)
        Weights W(t) of a layer that takes X, at two times or more; see :func:`weights_over_time`
        for those of a network, `coef_` at each time for a linear model.
    X : array-like of shape (n_samples, n_features)
        Samples that the layer takes, at least two that differ.

    Returns
    -------
    result : SpectralEnergy
        Named tuple of arrays in float64, where n_components is n_features:

        - energy, of shape (n_times - 1, n_components): E_k(t).
        - cumulative_share, of the same shape: share of components 1 to k in the energy of each
          update, ascending to 1. NaN for an update that is zero, which has no direction.
        - explained_variance, of shape (n_components,): variance of X along v_k.
        - isotropic, of shape (n_components,): k / n_components, the cumulative share expected of
          an update without preferred direction.

    Raises
    ------
    ValueError
        For NaN or infinity, fewer than two times or samples, weights with another number of
        features than X, sparse X, or samples that are all equal.

    Notes
    -----
    Components without variance (constant features, or more features than samples) are no
    direction of their own: any basis of their space would do. The energy in this space is shared
    evenly among them, which is its mean over all bases. Components of equal variance are one such
    basis, too, so that only the sum of their energies says something.

    Gradients of the first layer are combinations of samples that are not centred. If X has a
    large mean, updates along the mean, too, are counted in the components that it lies in.

    Weights in float32 are rounded to about seven digits. Updates smaller than that are mostly
    rounding, which has no preferred direction.

    Time grows with n_samples n_features^2 + n_times n_features^2 n_units; the weights are not
    copied as a whole if they are floats in one array.

    References
    ----------
    N. Rahaman et al., On the spectral bias of neural networks, ICML (2019).

    A. M. Saxe, J. L. McClelland and S. Ganguli, Exact solutions to the nonlinear dynamics of
    learning in deep linear neural networks, ICLR (2014).

    Examples
    --------
    Gradient descent on least squares, on features with standard deviations 3 and 1: the first
    updates go along the first component, the last ones along the second.

    >>> import numpy as np
    >>> from skreg.dynamics import spectral_energy
    >>> X = np.array([[3.0, 1.0], [3.0, -1.0], [-3.0, 1.0], [-3.0, -1.0]])
    >>> y = X @ [1.0, 1.0]
    >>> weights = [np.zeros(2)]
    >>> for _ in range(30):
    ...     weights.append(weights[-1] - 0.05 * X.T @ (X @ weights[-1] - y) / 4)
    >>> share = spectral_energy(weights, X).cumulative_share
    >>> share[[0, 4, 29], 0].round(2).tolist()
    [0.99, 0.51, 0.0]
    """
    weights = _checked_weights(weights_over_time)
    X = _checked_samples(X, n_features=weights.shape[1])
    components, variance = _principal_components(X)
    n_features = X.shape[1]
    energy, share = np.empty((2, len(weights) - 1, n_features))
    for t, (before, after) in enumerate(pairwise(weights)):
        update = np.subtract(after, before, dtype=np.float64)
        # Squares of what is divided by its size neither overflow nor vanish.
        size = np.abs(update).max()
        relative = _energy(update / size, components) if size > 0 else np.zeros(n_features)
        with np.errstate(over="ignore", under="ignore"):
            energy[t] = relative * size * size
        sums = np.cumsum(relative)
        share[t] = sums / sums[-1] if size > 0 else np.nan
    return SpectralEnergy(energy, share, variance, np.arange(1, n_features + 1) / n_features)


@validate_params(
    {
        "layer": [Interval(Integral, 0, None, closed="left")],
        "every": [Interval(Integral, 1, None, closed="left")],
    },
    prefer_skip_nested_validation=True,
)
def weights_over_time(mlp, layer=0, every=1):
    """Weight matrix of one layer after each recorded epoch.

    ``history_["parameters"]`` of a network fitted with ``record="parameters"`` has a row for each
    epoch: all weight matrices one after the other, each row by row, then all biases. This cuts
    out one matrix. The first time is the end of the first epoch, as the weights before training
    are not recorded. Epochs trained without the record are left out.

    Parameters
    ----------
    mlp : MLPClassifier or MLPRegressor
        Network fitted with ``record="parameters"`` (with others, if you like).
    layer : int, default=0
        Number of the weight matrix, from 0 for the one that takes X.
    every : int, default=1
        Take every such epoch, beginning with the first one.

    Returns
    -------
    weights : ndarray of shape (n_times, units[layer], units[layer + 1])
        Weights W(t), in the dtype of ``mlp.coefs_``.

    Raises
    ------
    NotFittedError
        Where the network was not fitted.
    ValueError
        Where the parameters were not recorded, or the network has no such layer.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skreg import MLPClassifier
    >>> from skreg.dynamics import spectral_energy, weights_over_time
    >>> X, y = load_iris(return_X_y=True)
    >>> mlp = MLPClassifier((8,), record="parameters", random_state=0)
    >>> for _ in range(20):
    ...     mlp = mlp.partial_fit(X, y, classes=[0, 1, 2])
    >>> weights = weights_over_time(mlp, every=5)
    >>> weights.shape
    (4, 4, 8)
    >>> spectral_energy(weights, X).energy.shape
    (3, 4)
    """
    return recorded_weights(mlp, layer, every)[1]


def recorded_weights(mlp, layer=0, every=1):
    """Epochs, from 1 on, and the weights of `weights_over_time`."""
    check_is_fitted(mlp)
    recorded = getattr(mlp, "history_", {}).get("parameters")
    if recorded is None:
        raise ValueError(
            f"This {type(mlp).__name__} has no history_['parameters']: a network of skreg trained "
            f"by 'sgd', 'adam' or 'adamw' records them: {NO_RECORD} (Of a pipeline, take the last "
            "step.)"
        )
    shapes = [w.shape for w in mlp.coefs_]
    if layer >= len(shapes):
        raise ValueError(
            f"layer={layer}, but the network has {len(shapes)} weight matrices: choose one from 0 "
            f"to {len(shapes) - 1}."
        )
    start = sum(a * b for a, b in shapes[:layer])
    n_inputs, n_units = shapes[layer]
    found = recorded[:, start : start + n_inputs * n_units]
    epochs = np.flatnonzero(~np.isnan(found).all(axis=1))[::every]
    return epochs + 1, found[epochs].reshape(-1, n_inputs, n_units)


def _checked_weights(weights):
    """Weights of shape (n_times, n_features, n_units)."""
    weights = check_array(
        weights, dtype=(np.float64, np.float32), allow_nd=True, ensure_min_features=0,
        ensure_min_samples=0, input_name="weights_over_time",
    )  # fmt: skip
    if weights.ndim == 2:
        weights = weights[:, :, np.newaxis]
    if weights.ndim != 3 or len(weights) < 2 or 0 in weights.shape:
        raise ValueError(
            f"weights_over_time has the shape {weights.shape}: pass weights of shape (n_times, "
            "n_features, n_units) at two times or more, such as "
            "skreg.dynamics.weights_over_time(mlp) of a fit of two recorded epochs or more."
        )
    return weights


def _checked_samples(X, n_features):
    """Samples in float64, of which two at least differ."""
    X = check_array(X, dtype=np.float64, input_name="X")
    if X.shape[1] != n_features:
        raise ValueError(
            f"X has {X.shape[1]} features, but weights_over_time has weights for {n_features}: "
            "pass the samples as the layer takes them, scaled as in training."
        )
    if (X[0] == X).all():
        raise ValueError(
            f"X has {len(X)} sample(s), all equal, and thus no principal components: pass two "
            "samples or more that differ."
        )
    return X


def _principal_components(X):
    """Components with variance, as rows, and the variance of all n_features components.

    As Vt of the singular value decomposition of centred X.
    """
    scale = unit(X)
    # The difference to one sample leaves exactly 0 of constant features, whatever their size.
    centred = X / scale - X[0] / scale
    centred -= centred.mean(axis=0)
    _, s, components = linalg.svd(centred, full_matrices=False, check_finite=False)
    rank = np.count_nonzero(s > s[0] * max(X.shape) * np.finfo(np.float64).eps)
    variance = np.zeros(X.shape[1])
    with np.errstate(over="ignore", under="ignore"):
        variance[:rank] = (s[:rank] * scale) ** 2 / (len(X) - 1)
    return components[:rank], variance


def _energy(update, components):
    """E_k of one update, that of components without variance shared among them."""
    rank, n_features = components.shape
    parts = components @ update
    energy = np.empty(n_features)
    energy[:rank] = np.square(parts).sum(axis=1)
    if rank < n_features:
        rest = update - components.T @ parts
        energy[rank:] = np.square(rest).sum() / (n_features - rank)
    return energy
