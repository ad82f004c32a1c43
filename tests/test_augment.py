import copy
import doctest
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from skreg import augment
from skreg.augment import Chain, FeatureMask, GaussianNoise, ImageShift, MixUp

READY = {
    "shift": ImageShift((4, 5), max_shift=2, prob=1.0),
    "shift in colour": ImageShift((2, 5, 2), max_shift=1, prob=1.0),
    "mask": FeatureMask(rate=0.5),
    "noise": GaussianNoise(0.3),
    "noise by feature": GaussianNoise(np.linspace(0, 1, 20)),
    "mix": MixUp(alpha=1.0),
    "chain": Chain(ImageShift((4, 5)), FeatureMask(), MixUp()),
}
every_augmentation = pytest.mark.parametrize("name", READY)


def batch(n=30, n_features=20, dtype=np.float64, seed=0):
    """Features without two equal entries, and one-hot targets."""
    rng = np.random.RandomState(seed)
    X = 1 + rng.permutation(n * n_features).reshape(n, n_features).astype(dtype)
    return X, np.eye(3)[rng.randint(0, 3, n)]


def seeded(seed=0):
    return np.random.RandomState(seed)


def within_errors(count, n, probability):
    """Whether a count of n trials is within four standard errors of what is expected."""
    error = np.sqrt(n * probability * (1 - probability))
    return abs(count - n * probability) <= 4 * error


# What all of them do


@every_augmentation
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_shape_and_dtype_are_kept(name, dtype):
    X, y = batch(dtype=dtype)
    X_new, y_new = READY[name](X.copy(), y.copy(), seeded())
    assert X_new.dtype == dtype
    assert X_new.shape == X.shape
    assert X_new.flags.c_contiguous
    assert X_new.flags.writeable
    assert y_new.dtype == y.dtype
    assert y_new.shape == y.shape
    assert not np.array_equal(X_new, X)


@every_augmentation
def test_a_seed_gives_the_same_batch_again(name):
    (X, y), other = batch(), seeded(1)
    first = READY[name](X.copy(), y.copy(), seeded())
    again = READY[name](X.copy(), y.copy(), seeded())
    for a, b in zip(first, again, strict=True):
        assert_array_equal(a, b)
    assert not np.array_equal(first[0], READY[name](X.copy(), y.copy(), other)[0])


@every_augmentation
def test_targets_are_not_written_to(name):
    X, y = batch()
    before = y.copy()
    y.flags.writeable = False  # to write is an error
    READY[name](X, y, seeded())
    assert_array_equal(y, before)


@every_augmentation
def test_a_single_sample(name):
    X, y = batch(n=1)
    X_new, y_new = READY[name](X, y, seeded())
    assert np.isfinite(X_new).all()
    assert_allclose(y_new, y, rtol=1e-15)


@every_augmentation
def test_copies_are_equal_and_do_the_same(name):
    X, y = batch()
    original = READY[name]
    for f in (
        copy.deepcopy(original),
        clone(original, safe=False),
        pickle.loads(pickle.dumps(original)),
    ):
        assert f == original
        assert hash(f) == hash(original)
        found, expected = f(X.copy(), y, seeded()), original(X.copy(), y, seeded())
        assert_array_equal(found[0], expected[0])


@every_augmentation
def test_what_is_printed_can_be_typed(name):
    assert eval(repr(READY[name]), vars(augment)) == READY[name]


# Shifts


def moved(image, down, right, fill=0.0):
    """An image (height, width, channels) that is moved, pixel by pixel."""
    out = np.full_like(image, fill)
    height, width = image.shape[:2]
    for i in range(height):
        for j in range(width):
            if 0 <= i - down < height and 0 <= j - right < width:
                out[i, j] = image[i - down, j - right]
    return out


@pytest.mark.parametrize(
    ("shape", "max_shift"), [((6, 5), 2), ((6, 5, 1), 2), ((3, 7, 3), 1), ((5, 5, 2), 4)]
)
def test_each_image_moves_by_one_of_the_shifts(shape, max_shift):
    size = int(np.prod(shape))
    X, y = batch(n=40, n_features=size)
    shift = ImageShift(shape, max_shift=max_shift, prob=1.0, fill=-1.0)
    found, y_new = shift(X.copy(), y, seeded())
    assert y_new is y
    steps = [s for s in range(-max_shift, max_shift + 1) if s]
    images = X.reshape(-1, *shape[:2], size // (shape[0] * shape[1]))
    for image, row in zip(images, found, strict=True):
        candidates = [moved(image, d, r, -1.0).ravel() for d in steps for r in steps]
        assert sum(np.array_equal(row, c) for c in candidates) == 1


def test_shifts_are_independent_and_equally_frequent():
    n = 20000
    X, y = np.zeros((n, 49)), np.zeros((n, 1))
    X[:, 24] = 1.0  # the pixel in the middle, which no shift of 2 pushes out
    found = ImageShift((7, 7), max_shift=2, prob=1.0)(X, y, seeded())[0]
    assert_array_equal(found.sum(axis=1), 1.0)
    down, right = np.divmod(found.argmax(axis=1), 7)
    for i in (-2, -1, 1, 2):
        for j in (-2, -1, 1, 2):
            assert within_errors(((down == 3 + i) & (right == 3 + j)).sum(), n, 1 / 16)


def test_what_is_inside_keeps_its_sum():
    X, y = batch(n=50, n_features=100)
    frame = np.zeros((10, 10), bool)
    frame[3:-3, 3:-3] = True
    X *= frame.ravel()
    found = ImageShift((10, 10), max_shift=3, prob=1.0)(X.copy(), y, seeded())[0]
    assert_array_equal(found.sum(axis=1), X.sum(axis=1))
    assert not (found == X).all(axis=1).any()


@pytest.mark.parametrize("prob", [0.0, 0.3, 1.0])
def test_batches_are_shifted_as_a_whole(prob):
    rng, shifted, n = seeded(), 0, 2000
    X, y = batch(n=3, n_features=9)
    shift = ImageShift((3, 3), max_shift=1, prob=prob)
    for _ in range(n):
        changed = (shift(X.copy(), y, rng)[0] != X).any(axis=1)
        assert changed.all() or not changed.any()
        shifted += changed.all()
    assert within_errors(shifted, n, prob)


def test_wrong_number_of_features():
    X, y = batch(n_features=12)
    for shape, size in (((4, 5), 20), ((2, 2, 2), 8)):
        for prob in (0.0, 1.0):
            shift = ImageShift(shape, max_shift=1, prob=prob)
            with pytest.raises(ValueError, match=rf"makes {size} features, but X has 12"):
                shift(X, y, seeded())


@pytest.mark.parametrize("shape", [5, (5,), (5, 0), (5, 5.0), (5, 5, 1, 1), "ab", None, (5, True)])
def test_bad_image_shapes_are_refused(shape):
    with pytest.raises(ValueError, match=r"image_shape must be \(height, width\) or .*; got"):
        ImageShift(shape)


def test_lists_of_sizes_are_shapes():
    assert ImageShift([4, 5], max_shift=1) == ImageShift((4, 5), max_shift=1)
    assert ImageShift(np.array([4, 5]), max_shift=1) == ImageShift((4, 5), max_shift=1)


def test_shifts_that_lose_the_image_are_refused():
    with pytest.raises(ValueError, match=r"max_shift must be less than .*\(9, 3\).*; got 3"):
        ImageShift((9, 3), max_shift=3)


# Masks


def test_frequencies_of_the_mask():
    n, rate = 200_000, 0.3
    X, y = batch(n=n // 20, n_features=20)
    found, y_new = FeatureMask(rate=rate, value=-1.0)(X.copy(), y, seeded())
    assert y_new is y
    hidden, swapped = found == -1.0, (found != -1.0) & (found != X)
    assert within_errors(hidden.sum(), n, 0.8 * rate)
    assert within_errors(swapped.sum(), n, 0.1 * rate)
    for by_feature in (hidden, swapped):  # in every feature alike
        share = by_feature.mean()
        assert all(within_errors(c, n // 20, share) for c in by_feature.sum(axis=0))


def test_swapped_values_come_from_another_row_of_the_same_feature():
    X, y = batch(n=500, n_features=7)
    found = FeatureMask(rate=1.0, value=-1.0)(X.copy(), y, seeded())[0]
    swapped = (found != -1.0) & (found != X)
    assert swapped.sum() > 200
    donors = set()
    for i, j in np.argwhere(swapped):
        (donor,) = np.flatnonzero(X[:, j] == found[i, j])  # as the entry was before masking
        assert donor != i
        donors.add((donor - i) % 500)
    assert len(donors) > 100  # anywhere in the batch, not only next door


def test_no_row_swaps_with_itself():
    X, y = batch(n=2, n_features=20000)
    found = FeatureMask(rate=1.0, value=-1.0)(X.copy(), y, seeded())[0]
    swapped = found == X[::-1]
    assert within_errors(swapped.sum(), X.size, 0.1)
    assert within_errors((found == X).sum(), X.size, 0.1)


def test_rates_of_zero_and_one():
    X, y = batch(n=1000, n_features=20)
    assert_array_equal(FeatureMask(rate=0.0)(X.copy(), y, seeded())[0], X)
    found = FeatureMask(rate=1.0)(X.copy(), y, seeded())[0]
    assert within_errors((found == X).sum(), X.size, 0.1)


def test_the_mask_works_in_place():
    X, y = batch()
    before = X.copy()
    found = FeatureMask(rate=0.5)(X, y, seeded())[0]
    assert found is X
    assert not np.array_equal(X, before)


# Noise


@pytest.mark.parametrize("scale", [0.5, [0.5, 2.0, 0.0]])
def test_noise_has_its_scale(scale):
    n = 20000
    X, y = batch(n=n, n_features=3)
    noise = GaussianNoise(scale)(X.copy(), y, seeded())[0] - X
    deviation = np.broadcast_to(scale, 3)
    assert np.all(abs(noise.mean(axis=0)) <= 4 * deviation / np.sqrt(n))
    # the standard error of a sample's variance is sqrt(2 / n) of it
    assert np.all(abs(noise.var(axis=0) - deviation**2) <= 4 * deviation**2 * np.sqrt(2 / n))
    standard = noise[:, deviation > 0] / deviation[deviation > 0]
    assert within_errors((abs(standard) < 0.6744897501960817).sum(), standard.size, 0.5)
    assert np.all(abs(np.corrcoef(standard.T) - np.eye(standard.shape[1])) <= 4 / np.sqrt(n))


def test_noise_of_scale_zero():
    X, y = batch()
    assert_array_equal(GaussianNoise(0)(X.copy(), y, seeded())[0], X)


def test_noise_on_a_linear_model_is_the_ridge_penalty():
    rng = seeded()
    X, w, n = rng.standard_normal((50, 4)), np.array([1.0, -2.0, 0.5, 3.0]), 4000
    y, noise = X @ w + 1.0, GaussianNoise(0.3)
    losses = [np.sum((y - noise(X.copy(), y, rng)[0] @ w) ** 2) for _ in range(n)]
    expected = np.sum((y - X @ w) ** 2) + 50 * 0.3**2 * (w @ w)
    assert abs(np.mean(losses) - expected) <= 4 * np.std(losses) / np.sqrt(n)


def test_noise_for_another_number_of_features():
    X, y = batch(n_features=4)
    with pytest.raises(ValueError, match=r"scale holds 3 numbers, but X has 4 features"):
        GaussianNoise([1, 2, 3])(X, y, seeded())


# Mixing


def test_mixed_samples_and_targets_go_together():
    X = batch(n=30, n_features=5)[0]
    target = np.c_[X @ np.arange(5.0), X.sum(axis=1)]  # linear, so mixing keeps the relation
    found, y_new = MixUp(alpha=1.0)(X, target, seeded())
    assert_allclose(y_new, np.c_[found @ np.arange(5.0), found.sum(axis=1)], rtol=1e-13)
    assert_allclose(y_new.sum(axis=0), target.sum(axis=0), rtol=1e-13)  # every sample once


def test_mixed_probabilities_are_probabilities():
    X, y = batch(n=200)
    found = MixUp(alpha=0.5)(X, y, seeded())[1]
    assert_allclose(found.sum(axis=1), 1.0, rtol=1e-14)
    assert found.min() >= 0
    shares = np.unique(found.round(12))
    assert len(shares) == 4  # 0, lam, 1 - lam, 1: one lam a batch
    assert_allclose(shares[1] + shares[2], 1.0)


@pytest.mark.parametrize("alpha", [0.2, 1.0, 30.0])
def test_shares_follow_the_beta_distribution(alpha):
    rng, n, m = seeded(), 1500, 20
    X, y = np.eye(m), np.zeros((m, 1))
    # a row that has another partner than itself holds lam on the diagonal
    diagonals = [np.diag(MixUp(alpha=alpha)(X, y, rng)[0]) for _ in range(n)]
    lam = np.array([np.min(d) for d in diagonals])
    variance = 1 / (4 * (2 * alpha + 1))
    assert abs(lam.mean() - 0.5) <= 4 * np.sqrt(variance / n)
    errors = (lam - 0.5) ** 2
    assert abs(errors.mean() - variance) <= 4 * errors.std() / np.sqrt(n)


def test_the_batch_mixes_with_itself():
    X, y = np.eye(50), np.zeros((50, 1))
    found = MixUp(alpha=5.0)(X.copy(), y, seeded())[0]
    lam = np.diag(found).min()
    partners = found - lam * X
    assert_allclose(np.sort(partners, axis=1)[:, -1], 1 - lam)  # one partner a row ...
    assert_allclose(partners.sum(axis=0), 1 - lam)  # ... and each row once a partner


# Chains


def test_a_chain_goes_from_first_to_last():
    def double(X, y, rng):
        return 2 * X, y + 1

    def add(X, y, rng):
        return X + rng.randint(1, 100), 10 * y

    X, y = batch()
    found, y_new = Chain(double, add)(X.copy(), y.copy(), seeded())
    assert_array_equal(found, 2 * X + seeded().randint(1, 100))
    assert_array_equal(y_new, 10 * (y + 1))
    assert_array_equal(Chain()(X, y, seeded())[0], X)


def test_a_chain_shares_its_numbers():
    X, y = batch()
    rng = seeded()
    expected = MixUp()(*GaussianNoise(0.1)(X.copy(), y, rng), rng)
    for a, b in zip(
        Chain(GaussianNoise(0.1), MixUp())(X.copy(), y, seeded()), expected, strict=True
    ):
        assert_array_equal(a, b)


@pytest.mark.parametrize("bad", [None, "noise", [GaussianNoise(0.1)], 0.1])
def test_a_chain_of_what_cannot_be_called(bad):
    with pytest.raises(TypeError, match=r"augmentations must be functions .*; got"):
        Chain(GaussianNoise(0.1), bad)


# Parameters


@pytest.mark.parametrize("bad", [-0.1, np.nan, np.inf, "0.1", None, True, 1j])
@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda x: ImageShift((5, 5), max_shift=x), "max_shift"),
        (lambda x: ImageShift((5, 5), prob=x), "prob"),
        (lambda x: FeatureMask(rate=x), "rate"),
        (GaussianNoise, "scale"),
        (lambda x: GaussianNoise([0.1, x]), "scale"),
        (lambda x: MixUp(alpha=x), "alpha"),
    ],
)
def test_bad_parameters_are_refused(make, name, bad):
    with pytest.raises(ValueError, match=rf"^{name} must be .*; got"):
        make(bad)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ImageShift((5, 5), max_shift=0), r"max_shift must be an int .*got 0"),
        (lambda: ImageShift((5, 5), max_shift=1.0), r"max_shift must be an int .*got 1.0"),
        (lambda: ImageShift((5, 5), prob=1.1), r"prob must be .*\[0.0, 1.0\]; got 1.1"),
        (lambda: ImageShift((5, 5), fill=np.nan), r"fill must be .*got nan"),
        (lambda: FeatureMask(rate=1.1), r"rate must be .*\[0.0, 1.0\]; got 1.1"),
        (lambda: FeatureMask(value=np.inf), r"value must be .*got inf"),
        (lambda: GaussianNoise(np.ones((2, 2))), r"scale must be one number .*got array"),
        (lambda: MixUp(0), r"alpha must be .*\(0.0, inf\); got 0"),
    ],
)
def test_limits_of_parameters(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_negative_values_can_fill_and_hide():
    assert ImageShift((5, 5), fill=-1.5).fill == -1.5
    assert FeatureMask(value=-1.5).value == -1.5


def test_docstring_examples_run():
    result = doctest.testmod(augment, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.attempted > 0
    assert result.failed == 0
    finder = doctest.DocTestFinder()
    for name in augment.__all__:
        assert any(t.examples for t in finder.find(getattr(augment, name))), name
