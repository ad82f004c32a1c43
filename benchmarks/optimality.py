"""How exact the sparse models are: conditions of optimality, and agreement with scikit-learn.

    python benchmarks/optimality.py [--quick] [--cases TEXT]

1. Every path of `run.py lasso --path`: the largest violation of the optimality conditions at any
   alpha, relative to alpha.
2. A hundred random problems that take turns in weights, signs, intercept, form and precision: the
   largest difference of the coefficients to scikit-learn's at tol=1e-10, relative to the largest
   coefficient. scikit-learn solves all of them in float64; where the numbers are float32, the
   difference is that of our float32 fit.

The exit status is 1 where a limit is exceeded.
"""

import argparse
import sys
import warnings
from typing import NamedTuple

import numpy as np
import problems
from rich.console import Console
from rich.table import Table
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import ElasticNet

import skreg

TOL = 1e-14  # of the paths
VIOLATION = 1e-7
N_PROBLEMS = 100
DIFFERENCE = {np.float64: 1e-7, np.float32: 1e-6}
KINDS = ("all", "weights", "positive", "intercept", "sparse", "more columns than rows")


class Draw(NamedTuple):
    """A random problem, and what is told of it."""

    X: np.ndarray | sparse.csc_array
    y: np.ndarray
    weight: np.ndarray | None
    parameters: dict  # of ElasticNet

    def is_of(self, kind):
        """Whether it has the property of that name."""
        return {
            "all": True,
            "weights": self.weight is not None,
            "positive": self.parameters["positive"],
            "intercept": self.parameters["fit_intercept"],
            "sparse": sparse.issparse(self.X),
            "more columns than rows": self.X.shape[1] > self.X.shape[0],
        }[kind]


def draw(seed):
    """Draw a problem; the bits of the seed say which terms it has, 32 in turn."""
    has = [bool(seed >> bit & 1) for bit in range(5)]
    rng = np.random.default_rng(seed)
    n, p = rng.integers(20, 200), rng.integers(2, 200)
    X = rng.standard_normal((n, p)) + 0.5 * rng.standard_normal((n, 1)) + rng.standard_normal(p)
    if has[0]:
        X[rng.random((n, p)) > 0.3] = 0.0
    y = X[:, :10] @ rng.standard_normal(min(p, 10)) + rng.standard_normal(n) + 3
    dtype = np.float32 if has[1] else np.float64
    X, y = X.astype(dtype), y.astype(dtype)
    weight = rng.exponential(size=n) if has[2] else None
    l1_ratio = rng.choice([1.0, 0.9, 0.3])
    share = np.ones(n) / n if weight is None else weight / weight.sum()
    rest = y - has[3] * (share @ y)
    largest = np.abs(X.T @ (share * rest)).max() / l1_ratio
    return Draw(
        sparse.csc_array(X) if has[0] else X,
        y,
        weight,
        {
            "alpha": largest * 10 ** rng.uniform(-2, 0),
            "l1_ratio": l1_ratio,
            "fit_intercept": has[3],
            "positive": has[4],
            "tol": 1e-10,
        },
    )


def difference(problem):
    """Return the largest difference of the coefficients relative to the largest coefficient."""
    X, y, weight = problem.X, problem.y, problem.weight
    theirs = ElasticNet(**problem.parameters, max_iter=1_000_000)
    theirs.fit(X.astype(np.float64), y.astype(np.float64), weight)
    with warnings.catch_warnings():
        # In float32, rounding may leave a larger gap; the difference is what counts.
        warnings.simplefilter("ignore", ConvergenceWarning)
        ours = skreg.ElasticNet(**problem.parameters, max_iter=10_000).fit(X, y, weight)
    scale = max(np.abs(theirs.coef_).max(), np.finfo(float).tiny)
    return float(np.abs(ours.coef_ - theirs.coef_).max() / scale)


def agreement(n_problems=N_PROBLEMS):
    """Return the differences of all problems, and a table of the largest of each kind."""
    draws = [draw(seed) for seed in range(n_problems)]
    found = np.array([difference(problem) for problem in draws])
    table = Table(title="largest difference to scikit-learn at tol=1e-10", title_justify="left")
    for head in ("problems", "float64", "of", "float32", "of"):
        table.add_column(head, justify="left" if head == "problems" else "right")
    for kind in KINDS:
        cells = []
        for dtype in DIFFERENCE:
            of_kind = found[[d.X.dtype == dtype and d.is_of(kind) for d in draws]]
            cells += [f"{of_kind.max(initial=0):.0e}", str(len(of_kind))]
        table.add_row(kind, *cells)
    limits = [DIFFERENCE[d.X.dtype.type] for d in draws]
    return found, bool(np.all(found <= limits)), table


def path(problem):
    """Return the coefficients (n_features, n_alphas), as exact as they get."""
    return skreg.enet_path(
        problem.X,
        problem.y,
        l1_ratio=problem.l1_ratio,
        alphas=problem.alphas,
        tol=TOL,
        max_iter=100_000,
    )[1]


def conditions(cases):
    """Return the largest violation of each path, and a table of them."""
    table = Table(title="violation of optimality, relative to alpha", title_justify="left")
    for head in ("path", "n x p", "nonzero", "violation", "duality gap"):
        table.add_column(head, justify="left" if head == "path" else "right")
    found = []
    for case in cases:
        try:
            problem = case.make()
        except problems.DataAbsentError as reason:
            table.add_row(f"{case.name}: left out, {reason}")
            continue
        coefs, (n, p) = path(problem), problem.X.shape
        found.append(problem.violation(coefs))
        table.add_row(
            case.name,
            f"{n:,} x {p:,}",
            f"{np.count_nonzero(coefs[:, -1]):,}",
            f"{found[-1]:.0e}",
            f"{problem.certificate(coefs):.0e}",
        )
    return found, table


def main(arguments=None, console=None):
    parser = argparse.ArgumentParser(prog="benchmarks/optimality.py")
    parser.add_argument("--quick", action="store_true", help="small cases")
    parser.add_argument("--cases", default="", metavar="TEXT", help="only cases named with TEXT")
    options = parser.parse_args(arguments)
    console = console or Console()
    cases = problems.lasso_cases(options.quick, path=True)
    violations, table = conditions([case for case in cases if options.cases in case.name])
    worst = max(violations, default=0.0)
    console.print(table, f"largest: {worst:.1e}; limit {VIOLATION:.0e}\n")
    found, agrees, table = agreement()
    limits = " and ".join(f"{limit:.0e}" for limit in DIFFERENCE.values())
    console.print(table, f"largest: {found.max():.1e}; limits {limits}")
    return int(worst > VIOLATION or not agrees)


if __name__ == "__main__":
    sys.exit(main())
