"""Augmentations: new training samples from old ones, batch by batch.

An augmentation is any function ``(X, y, rng) -> (X, y)``:

- X, of shape (n_samples, n_features), float32 or float64, holds copies of training samples. It
  may be changed in place, and what is returned has its dtype.
- y, of shape (n_samples, n_outputs), holds the targets as floats: probabilities of classes, labels
  0 and 1, or numbers.
- rng is a ``numpy.random.RandomState``, the only source of chance.

The ready ones are here. They can be cloned, pickled and compared.
"""

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from numbers import Integral, Real

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from skreg._validation import Interval

__all__ = ["Chain", "FeatureMask", "GaussianNoise", "ImageShift", "MixUp"]

FINITE = Interval(Real, None, None, closed="neither")
NON_NEGATIVE = Interval(Real, 0, None, closed="left")
POSITIVE = Interval(Real, 0, None, closed="neither")
PROBABILITY = Interval(Real, 0, 1, closed="both")
COUNT = Interval(Integral, 1, None, closed="left")

# Of the entries that FeatureMask picks: masked, or else swapped, or else kept.
MASKED, SWAPPED = 0.8, 0.1


@dataclass(frozen=True)
class ImageShift:
    """Shift images by a few pixels.

    A batch is shifted with probability `prob`. If it is, each of its images moves by its own
    number of rows and of columns, both drawn from {-max_shift, ..., -1, 1, ..., max_shift}. What
    leaves the frame is lost, and what comes in is `fill`.

    Parameters
    ----------
    image_shape : tuple of int
        (height, width) or (height, width, channels) of the images that the rows of X hold, in C
        order: the channel runs fastest, then the column.
    max_shift : int, default=2
        Largest shift in pixels, at least 1 and less than height and width.
    prob : float, default=0.5
        Probability that a batch is shifted, in [0, 1].
    fill : float, default=0.0
        Value of the pixels that come in; give that of the background, as it is after scaling.

    Raises
    ------
    ValueError
        For a parameter out of its range; in a batch, for images of another size.

    Examples
    --------
    >>> import numpy as np
    >>> from skreg.augment import ImageShift
    >>> X, y = np.arange(1.0, 10.0).reshape(1, 9), np.ones((1, 1))
    >>> shift = ImageShift((3, 3), max_shift=1, prob=1.0)
    >>> X, y = shift(X, y, np.random.RandomState(0))
    >>> X.reshape(3, 3)
    array([[0., 0., 0.],
           [2., 3., 0.],
           [5., 6., 0.]])
    """

    image_shape: tuple[int, ...]
    max_shift: int = 2
    prob: float = 0.5
    fill: float = 0.0

    def __post_init__(self):
        shape = self.image_shape
        shape = tuple(shape) if np.iterable(shape) else (shape,)
        if len(shape) not in (2, 3) or not all(_allows(COUNT, size) for size in shape):
            raise ValueError(
                "image_shape must be (height, width) or (height, width, channels), in whole "
                f"numbers of at least 1; got {self.image_shape!r}"
            )
        object.__setattr__(self, "image_shape", shape)  # a list would be neither hashed nor equal
        _check("max_shift", self.max_shift, COUNT)
        if self.max_shift >= min(shape[:2]):
            raise ValueError(
                f"max_shift must be less than height and width of image_shape={shape}, lest the "
                f"image is lost; got {self.max_shift!r}"
            )
        _check("prob", self.prob, PROBABILITY)
        _check("fill", self.fill, FINITE)

    def __call__(self, X, y, rng):
        """Shift the images of a batch, or none of them."""
        height, width, channels = (*self.image_shape, 1)[:3]
        n, m = len(X), self.max_shift
        if X.shape[1] != height * width * channels:
            raise ValueError(
                f"image_shape={self.image_shape} makes {height * width * channels} features, but "
                f"X has {X.shape[1]}: give the shape of the images that the rows of X hold."
            )
        if rng.random_sample() >= self.prob:
            return X, y
        down, right = _shifts(m, n, rng), _shifts(m, n, rng)
        # A shifted image is a window into its padded self; the rows of one hold the channels too.
        padded = np.full((n, height + 2 * m, (width + 2 * m) * channels), self.fill, X.dtype)
        inside = slice(m * channels, (m + width) * channels)
        padded[:, m : m + height, inside] = X.reshape(n, height, width * channels)
        windows = sliding_window_view(padded, (height, width * channels), axis=(1, 2))
        windows = windows[:, :, ::channels]
        return windows[np.arange(n), m - down, m - right].reshape(X.shape), y


@dataclass(frozen=True)
class FeatureMask:
    """Hide some entries, so that the network learns not to lean on one feature.

    Each entry of X is picked with probability `rate`. Of those picked, 80 % become `value`, 10 %
    the value that another sample of the batch has there, and 10 % stay, as in the training of
    masked language models [1]_.

    Parameters
    ----------
    rate : float, default=0.15
        Probability that an entry is picked, in [0, 1].
    value : float, default=0.0
        What hidden entries become; 0 is the mean of standardized features.

    Raises
    ------
    ValueError
        For a parameter out of its range.

    References
    ----------
    .. [1] J. Devlin, M.-W. Chang, K. Lee, K. Toutanova, "BERT: Pre-training of Deep Bidirectional
       Transformers for Language Understanding", NAACL (2019).

    Examples
    --------
    >>> import numpy as np
    >>> from skreg.augment import FeatureMask
    >>> X, y = np.ones((100, 50)), np.ones((100, 1))
    >>> X, y = FeatureMask(rate=0.5)(X, y, np.random.RandomState(0))
    >>> print(f"{X.mean():.1f}")
    0.6
    """

    rate: float = 0.15
    _: KW_ONLY
    value: float = 0.0

    def __post_init__(self):
        _check("rate", self.rate, PROBABILITY)
        _check("value", self.value, FINITE)

    def __call__(self, X, y, rng):
        """Hide and swap entries of a batch, in place."""
        n, n_features = X.shape
        chance = rng.random_sample(X.size)
        picked = np.flatnonzero(chance < self.rate)
        share = chance[picked] / self.rate
        hidden = picked[share < MASKED]
        swapped = picked[(share >= MASKED) & (share < MASKED + SWAPPED)]
        rows, columns = np.divmod(swapped, n_features)
        # One to n - 1 rows further; a sample that is alone stays as it is.
        donors = (rows + rng.randint(1, max(n, 2), len(rows))) % n
        given = X[donors, columns]  # before any of them is hidden
        np.put(X, hidden, self.value)
        X[rows, columns] = given
        return X, y


@dataclass(frozen=True)
class GaussianNoise:
    """Add independent normal noise to the features.

    For small noise this is close to a penalty on the gradient of the network's output, and for a
    linear model and squared loss it is the ridge penalty: n scale^2 ||w||^2 on the sum over n
    samples [1]_.

    Parameters
    ----------
    scale : float or array-like of shape (n_features,)
        Standard deviation of the noise, in [0, inf), one for all features or one for each.

    Raises
    ------
    ValueError
        For a parameter out of its range; in a batch, for another number of features.

    References
    ----------
    .. [1] C. M. Bishop, "Training with Noise is Equivalent to Tikhonov Regularization", Neural
       Computation 7 (1995).

    Examples
    --------
    >>> import numpy as np
    >>> from skreg.augment import GaussianNoise
    >>> X, y = np.zeros((10000, 2)), np.ones((10000, 1))
    >>> X, y = GaussianNoise([0.5, 2.0])(X, y, np.random.RandomState(0))
    >>> X.std(axis=0).round(1).tolist()
    [0.5, 2.0]
    """

    scale: float | tuple[float, ...]

    def __post_init__(self):
        many = np.iterable(self.scale)
        if not all(_allows(NON_NEGATIVE, s) for s in (self.scale if many else [self.scale])):
            raise ValueError(
                "scale must be one number in [0, inf), or one for each feature; got "
                f"{self.scale!r}"
            )
        if many:  # an array would be neither hashed nor compared
            object.__setattr__(self, "scale", tuple(map(float, self.scale)))

    def __call__(self, X, y, rng):
        """Add noise to a batch, in place."""
        scale = np.asarray(self.scale, X.dtype)
        if scale.ndim and len(scale) != X.shape[1]:
            raise ValueError(
                f"scale holds {len(scale)} numbers, but X has {X.shape[1]} features: give one "
                "number, or one for each feature."
            )
        X += scale * rng.standard_normal(X.shape).astype(X.dtype, copy=False)
        return X, y


@dataclass(frozen=True)
class MixUp:
    """Mix each sample with another, targets included.

    One number lam ~ Beta(alpha, alpha) a batch, and one random order of its samples [1]_::

        x_i <- lam x_i + (1 - lam) x_j,  y_i <- lam y_i + (1 - lam) y_j.

    Probabilities of classes stay probabilities.

    Parameters
    ----------
    alpha : float, default=0.2
        Strength, in (0, inf): towards 0 samples stay alone, towards infinity they mix half and
        half.

    Raises
    ------
    ValueError
        For a parameter out of its range.

    References
    ----------
    .. [1] H. Zhang, M. Cisse, Y. N. Dauphin, D. Lopez-Paz, "mixup: Beyond Empirical Risk
       Minimization", ICLR (2018).

    Examples
    --------
    >>> import numpy as np
    >>> from skreg.augment import MixUp
    >>> X, y = np.array([[0.0], [10.0]]), np.array([[1.0, 0.0], [0.0, 1.0]])
    >>> X, y = MixUp(alpha=1.0)(X, y, np.random.RandomState(1))
    >>> bool(np.allclose(X / 10, y[:, 1:])), y.sum(axis=1).tolist()
    (True, [1.0, 1.0])
    """

    alpha: float = 0.2

    def __post_init__(self):
        _check("alpha", self.alpha, POSITIVE)

    def __call__(self, X, y, rng):
        """Mix the samples of a batch."""
        share = rng.beta(self.alpha, self.alpha)
        partner = rng.permutation(len(X))
        return tuple(share * a + (1 - share) * a[partner] for a in (X, y))


@dataclass(frozen=True, init=False, repr=False)
class Chain:
    """Several augmentations, one after the other.

    Parameters
    ----------
    *augmentations : callable
        Functions ``(X, y, rng) -> (X, y)``, in the order in which they are applied.

    Raises
    ------
    TypeError
        For something in the list that is not callable.

    Examples
    --------
    >>> from skreg.augment import Chain, GaussianNoise, ImageShift
    >>> Chain(ImageShift((28, 28)), GaussianNoise(0.1))
    Chain(ImageShift(image_shape=(28, 28), max_shift=2, prob=0.5, fill=0.0),
          GaussianNoise(scale=0.1))
    """

    augmentations: tuple[Callable, ...]

    def __init__(self, *augmentations):
        for augmentation in augmentations:
            if not callable(augmentation):
                raise TypeError(
                    "augmentations must be functions (X, y, rng) -> (X, y), each an argument of "
                    f"its own; got {augmentation!r}"
                )
        object.__setattr__(self, "augmentations", augmentations)

    def __repr__(self):
        return f"Chain({', '.join(map(repr, self.augmentations))})"

    def __call__(self, X, y, rng):
        """Apply them to a batch, the first one first."""
        for augmentation in self.augmentations:
            X, y = augmentation(X, y, rng)
        return X, y


def _shifts(largest, n, rng):
    """n numbers from {-largest, ..., -1, 1, ..., largest}."""
    drawn = rng.randint(-largest, largest, n)
    return drawn + (drawn >= 0)


def _allows(allowed, value):
    """Whether a value is allowed; True and False are no numbers."""
    return allowed.is_satisfied_by(value) and not isinstance(value, bool)


def _check(name, value, allowed):
    """Raise where a parameter is not allowed."""
    if not _allows(allowed, value):
        raise ValueError(f"{name} must be {allowed}; got {value!r}")
