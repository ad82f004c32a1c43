"""
Dropout averages many networks
==============================

A wide network of tanh units learns two noisy half moons, without dropout and with 40 % of its
hidden units dropped in every step. A single pass with dropout is one of many thinned networks, and
its boundary is rough; prediction without dropout stands for their mean, and is smooth.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from experiments import FULL, SEEDS, boundary_length, grid, noisy_moons, report
from sklearn.exceptions import ConvergenceWarning

from skreg import MLPClassifier
from skreg.plot import DropoutBoundaryDisplay
from skreg.schedules import PowerLaw

warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is part of the design
EPOCHS = 10_000 if FULL else 300
RATES, PASSES, NOISE = (0.0, 0.4), 50, 0.3


def network(rate, seed):
    """A 2-96-96-2 network; both classes share one logistic output."""
    return MLPClassifier(
        (96, 96),
        "tanh",
        learning_rate=PowerLaw(0.05, a=0.5, tau=5e4),
        alpha=0,
        dropout=rate,
        batch_size=32,
        max_iter=EPOCHS,
        n_iter_no_change=EPOCHS,
        tol=0,
        random_state=seed,
    )


# %%
# What is measured
# ----------------
# The length of the boundary of the prediction and, with dropout, of single passes and of the mean
# of 50 of them; and the accuracy on 2,000 new samples.


def measure(rate, seed):
    """Return the network and the numbers."""
    X, y = noisy_moons(300, NOISE, 0.0, seed)
    model = network(rate, seed).fit(X, y)
    points, axes = grid(X)
    draws = model.sample_proba(points, PASSES)[..., 1] if rate else None
    lengths = [boundary_length(model.predict_proba(points)[:, 1], axes)]
    if rate:
        lengths += [
            np.mean([boundary_length(p, axes) for p in draws]),
            boundary_length(draws.mean(axis=0), axes),
        ]
    else:
        lengths += [np.nan, np.nan]
    score = model.score(*noisy_moons(2_000, NOISE, 0.0, seed + 1_000))
    return model, [*lengths, score]


found = {rate: [measure(rate, seed) for seed in SEEDS] for rate in RATES}
report(
    "dropout",
    {f"{rate:g}": [numbers for _, numbers in runs] for rate, runs in found.items()},
    ["boundary", "single passes", "mean of passes", "test accuracy"],
)

# %%
# Boundaries
# ----------
# `sample_proba`, which was measured, drops other units for each point of the plane, as training
# does for each sample. :class:`skreg.plot.DropoutBoundaryDisplay` drops the same ones everywhere:
# its lines are the boundaries of single thinned networks.

X, y = noisy_moons(300, NOISE, 0.0, 0)
points, axes = grid(X)
figure, panels = plt.subplots(1, 3, figsize=(10, 3.6), sharey=True, layout="constrained")
for panel, rate in zip(panels, RATES, strict=False):
    p = found[rate][0][0].predict_proba(points)[:, 1]
    panel.contourf(*axes, p.reshape(200, 200), np.linspace(0, 1, 11), cmap="RdBu_r", alpha=0.6)
    panel.scatter(*X.T, c=y, cmap="RdBu_r", edgecolor="k", s=12, linewidth=0.4)
    panel.contour(*axes, p.reshape(200, 200), [0.5], colors="k", linewidths=2)
    panel.set(title=f"dropout {rate:g}", xlabel="first feature")
DropoutBoundaryDisplay.from_estimator(found[0.4][0][0], X, y, ax=panels[-1], random_state=0)
panels[-1].set(title="thinned networks", xlabel="first feature", ylabel="")
panels[0].set_ylabel("second feature")
plt.show()
