"""Memory of a long training: the resident set after 100 and after 1,100 epochs of a small net.

    python benchmarks/network_memory.py

Every training runs once by one call of `fit`, watched from inside, and once by a call of
`partial_fit` an epoch. `history_` may grow, by some hundred bytes an epoch: the exit status is 1
where a training grows by more than a megabyte. Only Linux tells the resident set.
"""

import sys
import warnings

import numpy as np
from memory import STATUS, resident
from rich.console import Console
from rich.table import Table

import skreg

SETTLED, EPOCHS = 100, 1_100  # epochs after which the resident set is read
LIMIT = 10**6  # bytes
WIDTH = 120  # of a table in a file or pipe
ROWS, BATCH = 512, 32
TRAININGS = {
    "plain": {},
    "dropout, smoothing, AdamW, clipping": {
        "solver": "adamw",
        "dropout": 0.1,
        "input_dropout": 0.1,
        "label_smoothing": 0.1,
        "max_grad_norm": 1.0,
    },
    "SAM, L1, spectral norms, average": {
        "solver": "sgd",
        "sam_rho": 0.05,
        "l1": 1e-4,
        "spectral_norm": "cap",
        "average": "ema",
        "record": ("gradient_norm", "update_norm", "spectral_norm"),
    },
}


class Watch:
    """A constant learning rate that reads the resident set when asked for a given update."""

    def __init__(self, *updates):
        self.found = dict.fromkeys(updates)

    def __call__(self, t):
        if t in self.found:
            self.found[t] = resident("VmRSS")
        return 1e-3

    @property
    def growth(self):
        """Bytes between the first and the last reading."""
        first, *_, last = self.found.values()
        return last - first


def data(seed=0):
    """Rows of three classes."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((ROWS, 20))
    return X.astype(np.float32), np.digitize(X[:, 0] + X[:, 1] ** 2, [0.5, 1.5])


def model(watch, epochs, options):
    """A small net that never stops early."""
    return skreg.MLPClassifier(
        (32, 32), batch_size=BATCH, learning_rate=watch, max_iter=epochs,
        n_iter_no_change=np.inf, random_state=0, **options,
    )  # fmt: skip


def in_one_fit(options, settled, epochs):
    """Growth within one call of `fit`, which follows other data, too; the schedule watches.

    It is asked for the updates of an epoch when that begins.
    """
    X, y = data()
    X_other, y_other = data(1)
    steps = ROWS // BATCH
    watch = Watch(settled * steps, epochs * steps)
    learner = model(watch, epochs + 1, {**options, "early_stopping": True, "scoring": "loss"})
    learner.fit(X, y, X_val=X_other, y_val=y_other, eval_sets={"other": (X_other, y_other)})
    return watch.growth


def epoch_by_epoch(options, settled, epochs):
    """Growth over calls of `partial_fit`."""
    X, y = data()
    steps = ROWS // BATCH
    watch = Watch(settled * steps, epochs * steps)
    learner = model(watch, 1, options)
    for _ in range(epochs + 1):
        learner.partial_fit(X, y, classes=np.unique(y))
    return watch.growth


def main(settled=SETTLED, epochs=EPOCHS, console=None):
    console = console or Console(width=None if sys.stdout.isatty() else WIDTH)
    if not STATUS.is_file():
        console.print("this system does not tell a process's resident set")
        return 2
    table = Table(title=f"growth from {settled} to {epochs:,} epochs, kB", title_justify="left")
    for head, justify in [("training", "left"), ("fit", "right"), ("partial_fit", "right")]:
        table.add_column(head, justify=justify)
    worst = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # none of them converges
        for name, options in TRAININGS.items():
            found = [grow(options, settled, epochs) for grow in (in_one_fit, epoch_by_epoch)]
            table.add_row(name, *(f"{growth / 1000:.0f}" for growth in found))
            worst = max(worst, *found)
    console.print(table)
    console.print(f"largest of all: {worst / 1000:.0f} kB; limit {LIMIT / 1000:.0f} kB")
    return int(worst > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
