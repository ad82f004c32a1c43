"""Fashion-MNIST to 90 %: a 784-256-256-10 perceptron with dropout, label smoothing and AdamW.

    python benchmarks/fashion_mnist.py [--held-out]

skreg and PyTorch train by one recipe (RECIPE, the learning rates of all steps from one schedule)
in float32 for 30 epochs, in turn for every seed, PyTorch with the count of threads that is faster
in one epoch. The exit status is 1 where the accuracy of skreg on the test rows is below 90 %.

The recipe was chosen by --held-out, which keeps the last 10,000 training rows for judging and
leaves the test rows alone. Needs Debian's dataset-fashion-mnist.
"""

import argparse
import statistics
import sys
import time
import warnings
from dataclasses import replace

import networks
import numpy as np
import problems
from contest import available_cores, settle
from environment import handicap
from objective import NetworkTraining
from rich.console import Console
from rich.table import Table

from skreg.schedules import OneCycle

TARGET = 90.0  # percent right
WIDTH = 120  # of a table in a file or pipe
TRAINING_ROWS, TEST_ROWS, HELD_OUT = 60_000, 10_000, 10_000
HIDDEN, BATCH, EPOCHS = (256, 256), 256, 30
RECIPE = {"input_dropout": 0.05, "dropout": 0.1, "label_smoothing": 0.1, "weight_decay": 0.01}
LEARNING_RATE = OneCycle(0.002)


def data(held_out):
    """Return training rows, then those that judge."""
    X, y = problems.fashion_mnist(TRAINING_ROWS)
    if held_out:
        return X[:-HELD_OUT], y[:-HELD_OUT], X[-HELD_OUT:], y[-HELD_OUT:]
    return X, y, *problems.fashion_mnist(TEST_ROWS, "t10k")


def best_count(contestant, problem, cores):
    """Return the count of threads, one or all, on which an epoch is faster (the second of two)."""
    contestant.load(replace(problem, epochs=1))
    counts = sorted({1, cores})
    seconds = [timed(contestant, count)[1] for count in counts * 2][len(counts) :]
    return counts[int(np.argmin(seconds))]


def timed(contestant, threads):
    """Return a trained model and the seconds of its training."""
    settle()
    with contestant.threads(threads):
        start = time.perf_counter()
        model = contestant.solve(None)
        return model, time.perf_counter() - start


def accuracy(contestant, model, X, y):
    """Return the percentage of right labels."""
    right = contestant.probabilities(model, X.astype(contestant.dtype)).argmax(axis=1) == y
    return 100 * float(np.mean(right))


def contestants(console):
    """Return skreg by name, and PyTorch where it is installed."""
    found = {"skreg": networks.SkregNetwork()}
    try:
        found["PyTorch"] = networks.Torch()
    except ImportError as error:
        console.print(f"absent: PyTorch ({error}); get it with: pip install torch")
    return found


def table_of(found, counts, title):
    """Return a row for each contestant: accuracies by seed, their mean, seconds of a training."""
    table = Table(title=title, title_justify="left")
    seeds = range(len(next(iter(found.values()))))
    heads = ["threads", *(f"seed {seed}" for seed in seeds), "mean", "seconds", "least - most"]
    table.add_column("")
    for head in heads:
        table.add_column(head, justify="right")
    for name, runs in found.items():
        percents, seconds = zip(*runs, strict=True)
        table.add_row(
            name,
            str(counts[name]),
            *(f"{percent:.2f}" for percent in percents),
            f"{statistics.mean(percents):.2f}",
            f"{statistics.median(seconds):.1f}",
            f"{min(seconds):.1f} - {max(seconds):.1f}",
        )
    return table


def main(arguments=None, console=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--held-out", action="store_true", help="judge by training rows kept out")
    parser.add_argument("--seeds", type=int, default=3, help="trainings of each (default: 3)")
    options = parser.parse_args(arguments)
    if options.seeds < 1:
        parser.error(f"--seeds must be at least 1; got {options.seeds}")
    console = console or Console(width=None if sys.stdout.isatty() else WIDTH)
    if warning := handicap():
        console.print(f"warning: {warning}")
    try:
        X, y, X_judge, y_judge = data(options.held_out)
    except problems.DataAbsentError as reason:
        console.print(f"left out: {reason}")
        return 2
    problem = NetworkTraining(
        X, y, HIDDEN, BATCH, EPOCHS, RECIPE, np.float32, learning_rate=LEARNING_RATE
    )
    entrants = contestants(console)
    names, found = list(entrants), {name: [] for name in entrants}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nobody is asked to converge
        counts = {name: best_count(entrants[name], problem, available_cores()) for name in names}
        for seed in range(options.seeds):
            for name in names[:: -1 if seed % 2 else 1]:
                entrants[name].load(replace(problem, seed=seed))
                model, seconds = timed(entrants[name], counts[name])
                percent = accuracy(entrants[name], model, X_judge, y_judge)
                found[name].append((percent, seconds))
                console.print(f"seed {seed}: {name} {percent:.2f} % in {seconds:.1f} s")
    judges = "rows held out" if options.held_out else "test rows"
    title = f"percent right of {len(y_judge):,} {judges}, and seconds for {EPOCHS} epochs"
    console.print(table_of(found, counts, title))
    return int(min(percent for percent, _ in found["skreg"]) < TARGET)


if __name__ == "__main__":
    sys.exit(main())
