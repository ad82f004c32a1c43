"""The cases: real data where they are at hand, and synthetic data of the shapes that matter."""

import gzip
import os
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from folds import LassoCrossValidation
from objective import NetworkPrediction, NetworkTraining, RidgeRegression, SparseRegression
from scipy import sparse
from scipy.signal import lfilter
from selection import CrossValidation, GeneralizedCrossValidation, LeaveOneOut
from sklearn.datasets import load_diabetes, load_digits, make_moons
from sklearn.preprocessing import PolynomialFeatures

FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")
REGULARIZERS = {"dropout": 0.1, "label_smoothing": 0.1, "weight_decay": 1e-2}
CLIPPED = {**REGULARIZERS, "max_grad_norm": 1.0}


class DataAbsentError(Exception):
    """Data are not on this machine; the message says where to get them."""


class Case(NamedTuple):
    """A named problem, made when its turn comes so that only one lies in memory."""

    name: str
    make: object  # () -> problem


# Sparse regression -----------------------------------------------------------------------------


def lasso_cases(quick=False, path=False):
    """Single fits at alpha_max / 20 or, with `path`, paths of alphas down to alpha_max / 100."""
    data = {
        "diabetes, cubic features": diabetes,
        "tall": partial(tall, quick),
        "wide, correlated": partial(wide, quick),
        "square, correlated": lambda: correlated(
            *((300, 600) if quick else (2_000, 5_000)), 0.8, 400
        ),
        "sparse": lambda: sparse_data(*((4_000, 10_000) if quick else (20_000, 50_000))),
        "leukemia": leukemia,
        "Fashion-MNIST, one against rest": lambda: one_against_rest(1_000 if quick else 60_000),
    }
    alphas = np.geomspace(1, 1e-2, 20 if quick else 100) if path else np.array([1 / 20])
    cases = [Case(name, lambda m=make: regression(*m(), alphas)) for name, make in data.items()]
    square = data["square, correlated"]
    cases.append(Case("square, elastic net", lambda: regression(*square(), alphas, l1_ratio=0.5)))
    return cases


def lasso_cv_cases(quick=False):
    """Choices among 100 alphas down to alpha_max / 1000, as scikit-learn's default has them."""
    data = {
        "diabetes, cubic features": diabetes,
        "leukemia": leukemia,
        "tall": partial(tall, quick),
        "wide, correlated": partial(wide, quick),
    }
    fractions = np.geomspace(1, 1e-3, 20 if quick else 100)
    return [
        Case(name, lambda m=make: cross_validation(*m(), fractions)) for name, make in data.items()
    ]


def cross_validation(X, y, fractions):
    """State the choice on as many rows as make folds of one size, so that all means agree."""
    n = len(y) - len(y) % LassoCrossValidation.cv.n_splits
    problem = regression(*centred(X[:n], y[:n], scale=False), fractions)
    return LassoCrossValidation(problem.X, problem.y, problem.alphas)


def regression(X, y, fractions, l1_ratio=1.0):
    """State the problem at fractions of alpha_max, y having mean 0 and mean square 1.

    That scale makes glmnet's objective the same as everybody's for the elastic net too, and
    a tolerance mean the same to all.
    """
    y = y - y.mean()
    y /= np.sqrt(np.mean(y**2))
    alpha_max = np.max(np.abs(X.T @ y)) / len(y) / l1_ratio
    return SparseRegression(X, y, alpha_max * fractions, l1_ratio)


def centred(X, y, scale=True):
    """Centre the columns of X, and give them unit variance."""
    X = np.asfortranarray(X - X.mean(axis=0), dtype=np.float64)
    if scale:
        deviation = X.std(axis=0)
        X /= np.where(deviation > 0, deviation, 1.0)
    return X, y


def diabetes():
    """442 patients; all products up to degree three of ten measurements, 285 columns."""
    X, y = load_diabetes(return_X_y=True)
    return centred(PolynomialFeatures(3, include_bias=False).fit_transform(X), y)


def tall(quick=False):
    """A hundred thousand rows, 200 columns."""
    return correlated(*((10_000, 100) if quick else (100_000, 200)), 0.5, 50)


def wide(quick=False):
    """200 rows, twenty thousand columns."""
    return correlated(*((100, 2_000) if quick else (200, 20_000)), 0.8)


def correlated(n, p, rho, n_active=100, seed=0):
    """Gaussian columns, neighbours correlated by rho, and a signal-to-noise ratio of 3."""
    X, y = autoregressive(n, p, rho, n_active, seed)
    return centred(X, y)


def autoregressive(n, p, rho, n_active, seed=0):
    """Columns x_j = rho x_{j-1} + sqrt(1 - rho^2) e_j, not centred, with means of their own."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p))
    X[:, 1:] *= np.sqrt(1 - rho**2)
    X = lfilter([1.0], [1.0, -rho], X, axis=1)
    X += rng.standard_normal(p)
    coef = np.zeros(p)
    chosen = rng.choice(p, min(n_active, p), replace=False)
    coef[chosen] = rng.standard_normal(len(chosen))
    signal = X @ coef
    return X, signal + signal.std() / 3 * rng.standard_normal(n)


def sparse_data(n, p, density=1e-3, seed=0):
    """A random sparse design; it is not centred, so it stays sparse."""
    rng = np.random.default_rng(seed)
    X = sparse.random_array((n, p), density=density, rng=rng, format="csc")
    # Some libraries take 32-bit indices only.
    X.indices, X.indptr = X.indices.astype(np.int32), X.indptr.astype(np.int32)
    coef = np.where(rng.random(p) < 0.01, rng.standard_normal(p), 0.0)
    signal = X @ coef
    return X, signal + signal.std() / 3 * rng.standard_normal(n)


def leukemia():
    """72 patients, 7,129 expression levels, two kinds of leukemia."""
    path = Path(os.environ.get("SKREG_DATA", "."), "leukemia.npz")
    if not path.is_file():
        raise DataAbsentError("set SKREG_DATA to the folder that holds leukemia.npz")
    with np.load(path) as data:
        return centred(data["X"].astype(np.float64), data["y"].astype(np.float64))


def one_against_rest(n):
    """Fashion-MNIST's first class against the others, 784 pixels."""
    images, labels = fashion_mnist(n)
    return centred(images, (labels == 0).astype(np.float64), scale=False)


# Ridge -----------------------------------------------------------------------------------------


def ridge_cases(quick=False):
    """Uncentred data of four shapes, with an intercept: fits at alpha = 1, and choices of alpha.

    The grid ends far from the best alpha on either side, for all four shapes.
    """
    shapes = {
        "very tall": (20_000, 100) if quick else (100_000, 200),
        "tall": (4_000, 400) if quick else (20_000, 1_000),
        "wide": (200, 4_000) if quick else (500, 20_000),
        "square": (600, 600) if quick else (2_000, 2_000),
    }
    alphas = np.geomspace(1e-3, 1e5, 20 if quick else 100)
    jobs = {
        "single fit": (RidgeRegression, 1.0),
        "leave-one-out": (LeaveOneOut, alphas),
        "GCV": (GeneralizedCrossValidation, alphas),
        "5-fold": (CrossValidation, alphas),
    }
    return [
        Case(f"{name}, {job}", partial(uncentred, *shape, *settings))
        for job, settings in jobs.items()
        for name, shape in shapes.items()
    ]


def uncentred(n, p, state, alpha):
    """State a problem on Gaussian columns with means of their own."""
    X, y = autoregressive(n, p, 0.5, 100)
    return state(np.ascontiguousarray(X), y, alpha)


# Multilayer perceptrons ------------------------------------------------------------------------


def mlp_cases(quick=False):
    """Four nets in float32 and float64: trained without and with regularizers, among them
    clipping, which many leave out; their predictions.

    A training has some thousand steps where they are short, so that what a fit costs beyond them
    does not show.
    """
    images = "fashion" if has_fashion_mnist() else "random data shaped as Fashion-MNIST"
    pictures = partial(fashion, 1_500 if quick else 20_000)
    nets = [
        Net("moons", partial(moons, 500 if quick else 2_048), (2, 96, 96, 2), 32, 100),
        Net("digits", digits, (64, 100, 10), 32, 100),
        Net(images, pictures, (784, 128, 10), 200, 6),
        Net(images, pictures, (784, 256, 256, 256, 10), 256, 4),
    ]
    if quick:
        nets = [net._replace(epochs=min(net.epochs, 10)) for net in nets]
    kinds = {"": {}, ", regularized": REGULARIZERS, ", regularized and clipped": CLIPPED}
    trainings = [
        Case(
            f"{net.title}, batch {net.batch_size}, {dtype.__name__}{kind}",
            partial(net.training, regularizers, dtype),
        )
        for net in nets
        for dtype in (np.float32, np.float64)
        for kind, regularizers in kinds.items()
    ]
    predictions = [
        Case(
            f"{net.title}, {dtype.__name__}, predict {n:,} row" + "s" * (n > 1),
            partial(net.prediction, n, dtype),
        )
        for net in nets
        for dtype in (np.float32, np.float64)
        for n in (1, 1_000 if quick else 10_000)
    ]
    return trainings + predictions


class Net(NamedTuple):
    """A network with data to train on."""

    name: str
    data: object  # () -> X, y
    units: tuple  # widths of all layers, one output a class
    batch_size: int
    epochs: int

    @property
    def title(self):
        return f"{self.name} {'-'.join(map(str, self.units))}"

    def training(self, regularizers, dtype):
        """State the training on as many rows as make batches of one size."""
        X, y = self.data()
        n = len(y) - len(y) % self.batch_size
        return NetworkTraining(
            X[:n], y[:n], self.units[1:-1], self.batch_size, self.epochs, regularizers, dtype
        )

    def prediction(self, n, dtype):
        """State the prediction of n rows, repeated data, by random parameters."""
        X, y = self.data()
        units = NetworkTraining(X, y, self.units[1:-1], 1, 1).units
        rng = np.random.default_rng(0)
        coefs = tuple(
            rng.uniform(-1, 1, (fan_in, fan_out)) * np.sqrt(6 / (fan_in + fan_out))
            for fan_in, fan_out in pairwise(units)
        )
        intercepts = tuple(rng.uniform(-0.1, 0.1, fan_out) for fan_out in units[1:])
        flop = 2 * n * sum(coef.size for coef in coefs)
        calls = 1_000 if n == 1 else max(1, 5 * 10**9 // flop)
        rows = np.resize(np.arange(len(X)), n)
        return NetworkPrediction(X[rows], coefs, intercepts, calls, dtype)


def moons(n):
    """Two interleaved half circles."""
    X, y = make_moons(n, noise=0.2, random_state=0)
    return X, y.astype(np.int64)


def digits():
    """1,797 images of digits, 64 pixels."""
    X, y = load_digits(return_X_y=True)
    return X / 16.0, y.astype(np.int64)


def fashion(n):
    """Fashion-MNIST, or random data of its shape where it is absent (the case is named so)."""
    if has_fashion_mnist():
        return fashion_mnist(n)
    rng = np.random.default_rng(0)
    return rng.random((n, 784)), np.arange(n) % 10


def fashion_files(part="train"):
    """Paths of images and labels: of the training rows, or of the test rows ("t10k")."""
    names = (f"{part}-images-idx3-ubyte.gz", f"{part}-labels-idx1-ubyte.gz")
    return [FASHION_MNIST / name for name in names]


def has_fashion_mnist(part="train"):
    """Whether both files are there."""
    return all(path.is_file() for path in fashion_files(part))


def fashion_mnist(n, part="train"):
    """The first n images, pixels in [0, 1], and their labels 0 to 9."""
    if not has_fashion_mnist(part):
        raise DataAbsentError(
            f"no Fashion-MNIST in {FASHION_MNIST}: install Debian's dataset-fashion-mnist"
        )
    # An IDX file is a header (4 bytes, then 4 a dimension) before the raw bytes.
    images, labels = (
        np.frombuffer(gzip.decompress(path.read_bytes()), np.uint8) for path in fashion_files(part)
    )
    images = images[16 : 16 + n * 784].reshape(-1, 784)
    return images / 255.0, labels[8 : 8 + n].astype(np.int64)
