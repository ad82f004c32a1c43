"""
Weight decay smooths the decision boundary
==========================================

A 2-64-64-2 network of tanh units learns two half moons of which every tenth label is wrong. It is
large enough to learn the wrong labels by heart, and without a penalty it does. The L2 penalty
:math:`\\frac{\\lambda}{2} \\|W\\|^2` on top of the mean loss makes large weights dear: the
boundary grows smoother, and the network less sure of itself.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from experiments import FULL, SEEDS, boundary_length, grid, noisy_moons, report
from sklearn.exceptions import ConvergenceWarning

from skreg import MLPClassifier
from skreg.schedules import PowerLaw

warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is part of the design
PENALTIES = np.arange(0, 0.0201, 0.0025 if FULL else 0.01)
EPOCHS, BATCH = 10_000 if FULL else 1_500, 32


def network(penalty, seed):
    """The network; `alpha` counts for a whole batch, the penalty for the mean loss."""
    return MLPClassifier(
        (64, 64),
        "tanh",
        solver="sgd",
        learning_rate=PowerLaw(0.15, a=1.0, tau=5e4),
        alpha=penalty * BATCH,
        batch_size=BATCH,
        max_iter=EPOCHS,
        n_iter_no_change=EPOCHS,
        tol=0,
        random_state=seed,
    )


# %%
# What is measured
# ----------------
# The length of the boundary between the classes, the mean confidence (the probability of the more
# probable class) over the plane, the accuracy on the training samples with their wrong labels, and
# on 2,000 new samples with none.


def measure(penalty, seed):
    """Return the fitted network and the four numbers."""
    X, y = noisy_moons(250, 0.15, 0.1, seed)
    X_test, y_test = noisy_moons(2_000, 0.15, 0.0, seed + 1_000)
    model = network(penalty, seed).fit(X, y)
    points, axes = grid(X)
    p = model.predict_proba(points)[:, 1]
    confidence = np.maximum(p, 1 - p).mean()
    accuracies = model.score(X, y), model.score(X_test, y_test)
    return model, [boundary_length(p, axes), confidence, *accuracies]


found = {penalty: [measure(penalty, seed) for seed in SEEDS] for penalty in PENALTIES}
report(
    "L2 penalty",
    {f"{penalty:.4f}": [numbers for _, numbers in runs] for penalty, runs in found.items()},
    ["boundary", "confidence", "train accuracy", "test accuracy"],
)

# %%
# Probability of the second class
# -------------------------------

shown = [PENALTIES[0], PENALTIES[len(PENALTIES) // 2], PENALTIES[-1]]
X, y = noisy_moons(250, 0.15, 0.1, 0)
points, axes = grid(X)
figure, panels = plt.subplots(1, 3, figsize=(10, 3.6), sharey=True, layout="constrained")
for panel, penalty in zip(panels, shown, strict=True):
    p = found[penalty][0][0].predict_proba(points)[:, 1].reshape(200, 200)
    filled = panel.contourf(*axes, p, np.linspace(0, 1, 11), cmap="RdBu_r")
    panel.contour(*axes, p, [0.5], colors="k", linewidths=1)
    panel.scatter(*X.T, c=y, cmap="RdBu_r", edgecolor="k", s=14, linewidth=0.5)
    panel.set(title=f"$\\lambda$ = {penalty:g}", xlabel="first feature")
panels[0].set_ylabel("second feature")
figure.colorbar(filled, ax=panels, label="P(second class)")
plt.show()
