"""The coefficients of skreg beside those of R's glmnet: penalty factors, weights and bounds.

    python benchmarks/glmnet_agreement.py

Needs R and its package glmnet (Debian's r-cran-glmnet). The largest difference along a path of
alphas is given relative to the path's largest coefficient; the exit status is 1 where it exceeds
1e-5. glmnet runs without standardizing X, and at thresh=1e-22: at 1e-14, where its paths of wide
data come near to interpolation, its own coefficients are off by up to 1 %.

Two conventions differ. glmnet rescales penalty factors to sum to p, an excluded feature counting
as 1. And it divides y by its standard deviation, which changes the balance of the two penalties:
here y has a (weighted) standard deviation of 1 for both.
"""

import subprocess
import sys
import tempfile
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
from problems import autoregressive, sparse_data
from rich.console import Console
from rich.table import Table
from scipy import sparse
from sklearn.datasets import load_diabetes

import skreg

LIMIT = 1e-5
SCRIPT = Path(__file__).with_suffix(".R")
TERMS = ("penalty factors", "weights", "bounds", "all three")


class Problem(NamedTuple):
    """A path in skreg's terms; y has weighted mean 0 and standard deviation 1."""

    X: np.ndarray | sparse.csc_array
    y: np.ndarray
    alphas: np.ndarray
    l1_ratio: float
    weight: np.ndarray
    penalty: np.ndarray
    lower: np.ndarray
    upper: np.ndarray

    @property
    def glmnet_alphas(self):
        """The alphas that give glmnet, which rescales the factors, the same penalties."""
        return self.alphas * np.where(np.isinf(self.penalty), 1.0, self.penalty).mean()


def state(X, y, terms, l1_ratio, seed=0):
    """State a problem with random terms of the named kind, some of them extreme."""
    (n, p), rng = X.shape, np.random.default_rng(seed)
    weight, penalty = np.ones(n), np.ones(p)
    lower, upper = np.full(p, -np.inf), np.full(p, np.inf)
    if terms in ("weights", "all three"):
        weight = rng.exponential(size=n)
        weight[: n // 20] = 0.0
    y = y - np.average(y, weights=weight)
    y = y / np.sqrt(np.average(y**2, weights=weight))
    means = (weight @ X) / weight.sum()
    slope = ((weight * y) @ X - (weight @ y) * means) / weight.sum()
    if terms in ("penalty factors", "all three"):
        penalty = rng.exponential(size=p)
        penalty[rng.choice(p, 2, replace=False)] = 0.0, np.inf
    if terms in ("bounds", "all three"):
        # Below what each feature alone would get, so that many hold.
        alone = np.abs(slope) / ((weight @ X**2) / weight.sum() - means**2)
        lower, upper = -alone * rng.random(p), alone * rng.random(p)
        lower[::3], upper[::4] = 0.0, np.inf
    alphas = np.abs(slope).max() / l1_ratio * np.geomspace(1, 1e-2, 30)
    return Problem(X, y, alphas, l1_ratio, weight, penalty, lower, upper)


def cases():
    """Return pairs of a name and (X, y)."""
    return {
        "diabetes": load_diabetes(return_X_y=True, scaled=False),
        "tall": autoregressive(1_000, 50, 0.5, 20),
        "wide": autoregressive(100, 1_000, 0.5, 10),
        "sparse": sparse_data(500, 300, density=0.05),
    }


def with_skreg(problem):
    """Return the coefficients (n_features, n_alphas)."""
    model = skreg.ElasticNet(
        l1_ratio=problem.l1_ratio,
        penalty_weights=problem.penalty,
        lower=problem.lower,
        upper=problem.upper,
        tol=1e-14,
        max_iter=100_000,
        warm_start=True,
    )
    fits = (model.set_params(alpha=alpha) for alpha in problem.alphas)
    return np.transpose(
        [fit.fit(problem.X, problem.y, problem.weight).coef_.copy() for fit in fits]
    )


def with_glmnet(all_problems):
    """Return the coefficients (n_features, n_alphas) of each problem, from one run of R."""
    with tempfile.TemporaryDirectory() as parent:
        folders = [Path(parent, str(k)) for k in range(len(all_problems))]
        for folder, problem in zip(folders, all_problems, strict=True):
            write(folder, problem)
        done = subprocess.run(
            ["Rscript", "--vanilla", SCRIPT, *folders], capture_output=True, text=True
        )
        if done.returncode:
            raise RuntimeError(f"R failed: {done.stderr.strip()}")
        return [
            np.fromfile(folder / "coefs").reshape(len(problem.alphas), -1).T
            for folder, problem in zip(folders, all_problems, strict=True)
        ]


def write(folder, problem):
    """Write the arrays as R's readBin reads them, X by columns without its zeros."""
    folder.mkdir()
    X = sparse.csc_array(problem.X)
    numbers = {
        "data": X.data,
        "y": problem.y,
        "weight": problem.weight,
        "l1_ratio": np.array([problem.l1_ratio]),
        "alphas": problem.glmnet_alphas,
        "penalty": problem.penalty,
        "lower": problem.lower,
        "upper": problem.upper,
    }
    for name, values in numbers.items():
        values.astype("<f8").tofile(folder / name)
    for name, values in {"shape": X.shape, "indices": X.indices, "indptr": X.indptr}.items():
        np.asarray(values, "<i4").tofile(folder / name)


def difference(coefs, others):
    """Return the largest difference relative to the largest coefficient of the path."""
    return float(np.abs(coefs - others).max() / np.abs(others).max())


def main(console=None):
    console = console or Console()
    data = cases()
    keys = list(product(data, (1.0, 0.5), TERMS))
    stated = [state(*data[name], terms, l1_ratio) for name, l1_ratio, terms in keys]
    table = Table(title="largest difference to glmnet, relative to the largest coefficient")
    for head in ("data", "n x p", "l1_ratio", "with", "difference"):
        table.add_column(head, justify="left" if head in ("data", "with") else "right")
    worst = 0.0
    for (name, l1_ratio, terms), problem, theirs in zip(
        keys, stated, with_glmnet(stated), strict=True
    ):
        found = difference(with_skreg(problem), theirs)
        worst = max(worst, found)
        n, p = problem.X.shape
        table.add_row(name, f"{n:,} x {p:,}", str(l1_ratio), terms, f"{found:.0e}")
    console.print(table)
    console.print(f"largest of all: {worst:.1e}; limit {LIMIT:.0e}")
    return int(worst > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
