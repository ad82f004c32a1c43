"""
L1 empties the weight matrix
============================

The network of :doc:`plot_l2_sweep` with an L1 penalty instead. Each update ends with a proximal
step, which moves every weight towards 0 by the learning rate times the penalty and stops there:
weights become exactly 0, not merely small, and most of the 64 x 64 matrix in the middle is not
needed.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from experiments import FULL, SEEDS, noisy_moons, report
from sklearn.exceptions import ConvergenceWarning

from skreg import MLPClassifier
from skreg.plot import WeightMatrixDisplay
from skreg.schedules import PowerLaw

warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is part of the design
PENALTIES = np.arange(0, 0.00401, 0.0005 if FULL else 0.002)
EPOCHS = 10_000 if FULL else 1_500


def network(penalty, seed):
    """A 2-64-64-2 network; both classes share one logistic output."""
    return MLPClassifier(
        (64, 64),
        "tanh",
        solver="sgd",
        learning_rate=PowerLaw(0.15, a=1.0, tau=5e4),
        alpha=0,
        l1=penalty,
        batch_size=32,
        max_iter=EPOCHS,
        n_iter_no_change=EPOCHS,
        tol=0,
        random_state=seed,
    )


# %%
# What is measured
# ----------------
# The share of exact zeros in the middle matrix, the hidden units of the second layer that still
# have an input, and the accuracy on 2,000 new samples without wrong labels.


def measure(penalty, seed):
    """Return the middle matrix and the three numbers."""
    X_test, y_test = noisy_moons(2_000, 0.15, 0.0, seed + 1_000)
    model = network(penalty, seed).fit(*noisy_moons(250, 0.15, 0.1, seed))
    middle = model.coefs_[1]
    return middle, [(middle == 0).mean(), middle.any(axis=0).sum(), model.score(X_test, y_test)]


found = {penalty: [measure(penalty, seed) for seed in SEEDS] for penalty in PENALTIES}
report(
    "L1 penalty",
    {f"{penalty:.4f}": [numbers for _, numbers in runs] for penalty, runs in found.items()},
    ["share of zeros", "units in use", "test accuracy"],
)

# %%
# The middle matrix
# -----------------
# Rows and columns are sorted by their largest weight; exact zeros are grey.

shown = [PENALTIES[0], PENALTIES[len(PENALTIES) // 2], PENALTIES[-1]]
figure, panels = plt.subplots(1, 3, figsize=(10, 3.6), layout="constrained")
for panel, penalty in zip(panels, shown, strict=True):
    middle = found[penalty][0][0]
    rows, columns = (np.argsort(-np.abs(middle).max(axis=axis)) for axis in (1, 0))
    WeightMatrixDisplay(weights=middle[rows][:, columns]).plot(ax=panel)
    panel.set_title(f"penalty {penalty:g}: {(middle == 0).mean():.0%} zeros")
plt.show()
