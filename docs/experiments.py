"""The experiments of the gallery at full size, over several seeds.

    python docs/experiments.py            lists them
    python docs/experiments.py NAME       runs one and prints its numbers
    python docs/experiments.py NAME --save PICTURE.png

In the gallery the same scripts run in a reduced form: one seed, fewer epochs, and scikit-learn's
8 x 8 digits in place of MNIST and Fashion-MNIST. At full size these two are read from the folder
named by SKREG_DATA (IDX files, packed by gzip), else fetched from openml.org.
"""

import argparse
import gzip
import os
import runpy
import sys
from pathlib import Path

import numpy as np
from sklearn.datasets import fetch_openml, load_digits, make_moons

GALLERY = Path(__file__).parent / "gallery"
FULL = os.environ.get("SKREG_FULL") == "1"
SEEDS = range(3) if FULL else range(1)
OPENML = {"mnist": "mnist_784", "fashion": "Fashion-MNIST"}


class DataAbsentError(Exception):
    """What to do to get the data."""


def names():
    """The experiments: scripts of the gallery that import this file."""
    scripts = sorted(GALLERY.glob("plot_*.py"))
    wanted = [path for path in scripts if "from experiments import" in path.read_text("utf-8")]
    return {path.stem.removeprefix("plot_"): path for path in wanted}


def images(name, n_train=1000, seed=0):
    """Pixels in [0, 1] and labels, split at random: X, y, X_test, y_test, all but n_train to test.

    The reduced form is load_digits, half of which is for training.
    """
    if FULL:
        X, y = stored(name) or fetched(name)
    else:
        X, y = load_digits(return_X_y=True)
        X, n_train = X / 16, len(X) // 2
    order = np.random.default_rng(seed).permutation(len(X))
    train, test = order[:n_train], order[n_train:]
    return X[train].astype(np.float32), y[train], X[test].astype(np.float32), y[test]


def stored(name):
    """Images and labels from the folder SKREG_DATA, or None where it has none."""
    folder = Path(os.environ.get("SKREG_DATA", "."))
    prefix = "" if name == "fashion" else f"{name}-"
    parts = []
    for part in ("train", "t10k"):
        files = [
            folder / f"{prefix}{part}-{kind}-ubyte.gz" for kind in ("images-idx3", "labels-idx1")
        ]
        if all(file.is_file() for file in files):
            parts.append([gzip.decompress(file.read_bytes()) for file in files])
    if not parts:
        return None
    # An IDX file is a header (4 bytes, then 4 a dimension) before the raw bytes.
    X = np.concatenate([np.frombuffer(pair[0], np.uint8, offset=16) for pair in parts])
    y = np.concatenate([np.frombuffer(pair[1], np.uint8, offset=8) for pair in parts])
    return X.reshape(-1, 784) / 255, y.astype(int)


def fetched(name):
    """The same from openml.org."""
    try:
        X, y = fetch_openml(OPENML[name], version=1, return_X_y=True, as_frame=False)
    except OSError as error:
        raise DataAbsentError(
            f"no {name} images: put their four IDX files (.gz) into a folder and name it by the "
            f"environment variable SKREG_DATA, or connect to openml.org ({error})."
        ) from error
    return X / 255, y.astype(int)


def noisy_moons(n_samples, noise, flipped, seed):
    """Two half moons, standardized, and a share of their labels turned over."""
    X, y = make_moons(n_samples, noise=noise, random_state=seed)
    turned = np.random.default_rng(seed).permutation(n_samples)[: round(flipped * n_samples)]
    y[turned] = 1 - y[turned]
    return (X - X.mean(axis=0)) / X.std(axis=0), y


def grid(X, resolution=200, margin=0.5):
    """Points (resolution^2, 2) over the plane of X, and the axes of their mesh."""
    low, high = X.min(axis=0) - margin, X.max(axis=0) + margin
    axes = [np.linspace(a, b, resolution) for a, b in zip(low, high, strict=True)]
    return np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2), axes


def boundary_length(p, axes):
    """Length of the line p = 1/2 on a mesh: what the sides between unlike cells measure.

    Such a staircase overstates every length by the same factor on average, 4 / pi.
    """
    side = (p > 0.5).reshape(len(axes[1]), len(axes[0]))
    dx, dy = (axis[1] - axis[0] for axis in axes)
    upright, level = side[:, 1:] != side[:, :-1], side[1:] != side[:-1]
    return np.pi / 4 * (upright.sum() * dy + level.sum() * dx)


def report(title, rows, columns):
    """Print mean and standard deviation over the seeds; rows: name -> (n_seeds, n_columns)."""
    print(title)
    width = max(map(len, rows)) + 2
    print(" " * width + "".join(f"{column:>16}" for column in columns))
    for name, values in rows.items():
        values = np.asarray(values, float)
        spread = values.std(axis=0, ddof=1) if len(values) > 1 else np.zeros(values.shape[1])
        cells = (f"{m:9.4g} +-{s:5.2g}" for m, s in zip(values.mean(axis=0), spread, strict=True))
        print(f"{name:<{width}}" + "".join(f"{cell:>16}" for cell in cells))


def main(arguments=None):
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", nargs="?", choices=sorted(names()), metavar="NAME")
    parser.add_argument("--save", metavar="FILE", help="where to write the picture")
    options = parser.parse_args(arguments)
    if options.name is None:
        print("\n".join(sorted(names())))
        return 0
    os.environ["SKREG_FULL"] = "1"
    sys.modules.pop("experiments", None)  # it reads the environment
    sys.path.insert(0, str(GALLERY.parent))
    import matplotlib

    matplotlib.use("Agg")
    try:
        runpy.run_path(str(names()[options.name]), run_name="__main__")
    except Exception as error:
        if type(error).__name__ != "DataAbsentError":
            raise
        print(error, file=sys.stderr)
        return 1
    if options.save:
        import matplotlib.pyplot as plt

        plt.savefig(options.save, dpi=150)
    return 0


if __name__ == "__main__":
    sys.exit(main())
