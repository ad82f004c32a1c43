"""How far off each rule's alpha is, on seven ill-posed problems with noise.

    python benchmarks/rules.py [--draws 200] [--seed 0]

The table shows the percent of noise draws on which the error of the solution, ||w - x||, exceeds
five times the smallest error on the grid: four alphas a decade from 1e-7 to 10. Each rule chooses
from the same grid ("grid"), or from the range of the spectrum with a local search ("auto"). UPRE
and the discrepancy principle are told the noise; no other rule is.
"""

import argparse

import numpy as np
from rich.console import Console
from rich.table import Table

from skreg import problems
from skreg._solvers.choice import choose
from skreg._solvers.design import centre
from skreg._solvers.factorization import decompose
from skreg._solvers.rules import RULES

GRID = np.geomspace(1e-7, 10, 33)
FAR = 5.0  # times the best possible error

# name: (the problem, standard deviation of the noise)
CASES = {
    "shaw 32": (problems.shaw(32), 1e-3),
    "phillips 64": (problems.phillips(64), 1e-3),
    "gravity 32": (problems.gravity(32), 1e-2),
    "heat 64": (problems.heat(64), 1e-3),
    "deriv2 (2) 64": (problems.deriv2(64, example=2), 1e-4),
    "baart 32": (problems.baart(32), 1e-3),
    "foxgood 32": (problems.foxgood(32), 1e-3),
}


def errors(spectrum, alphas, x):
    """||w - x|| for alphas (n_alphas,) or (n_alphas, n_draws); shape (n_alphas, n_draws)."""
    return np.linalg.norm(spectrum.coef(alphas) - x, axis=-1)


def percent_far(problem, sigma, draws, seed):
    """Percent of draws far off, for alphas from the grid and "auto", by rule."""
    A, b, x = problem
    noise = np.random.default_rng(seed).normal(scale=sigma, size=(len(b), draws))
    design = centre(A, b[:, None] + noise, fit_intercept=False)
    spectrum = decompose(design, exact=True)
    limit = FAR * errors(spectrum, GRID, x).min(axis=0)
    result = {}
    for name, rule in RULES.items():
        options = {"noise_std": sigma} if "noise_std" in rule.options else {}
        for alphas in (GRID, "auto"):
            chosen = choose(spectrum, name, alphas, **options).alpha
            far = errors(spectrum, chosen[None], x)[0] > limit
            result[name, "auto" if alphas is not GRID else "grid"] = 100 * far.mean()
    return result


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--draws", type=int, default=200, help="of noise, a problem")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if options.draws < 1:
        parser.error(f"--draws must be at least 1; got {options.draws}")
    results = {
        title: percent_far(problem, sigma, options.draws, options.seed)
        for title, (problem, sigma) in CASES.items()
    }
    table = Table(title=f"percent of {options.draws} draws worse than {FAR:g} times the best")
    for heading in ("rule", "alphas", *results):
        table.add_column(heading, justify="left" if heading in ("rule", "alphas") else "right")
    for key in next(iter(results.values())):
        table.add_row(*key, *(f"{result[key]:.1f}" for result in results.values()))
    console = Console()
    console.width = max(console.width, 120)  # whole also in a pipe
    console.print(table)


if __name__ == "__main__":
    main()
