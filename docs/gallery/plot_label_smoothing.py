"""
Label smoothing calibrates
==========================

A network that has learned its training digits by heart is right nearly as often as it can be, but
far surer of itself than that. Label smoothing takes a share :math:`\\varepsilon` of the
probability from the true class; a little of it brings confidence down to accuracy, too much below
it.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from experiments import FULL, SEEDS, images, report
from sklearn.exceptions import ConvergenceWarning

from skreg import MLPClassifier
from skreg.metrics import expected_calibration_error
from skreg.schedules import PowerLaw

warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is part of the design
SMOOTHING = [0, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.3] if FULL else [0, 0.02, 0.05, 0.2]
EPOCHS = 250 if FULL else 60


def network(smoothing, seed):
    """A 784-128-10 network (64-128-10 for the reduced form)."""
    return MLPClassifier(
        (128,),
        "tanh",
        solver="sgd",
        learning_rate=PowerLaw(0.15, a=1.0, tau=5e3),
        alpha=0,
        label_smoothing=smoothing,
        batch_size=32,
        max_iter=EPOCHS,
        n_iter_no_change=EPOCHS,
        tol=0,
        random_state=seed,
    )


# %%
# What is measured
# ----------------
# On the test images: the expected calibration error (15 bins of equal numbers), the mean of
# confidence minus accuracy, whose sign tells over- from underconfidence, and the accuracy.


def measure(smoothing, seed):
    """Return the three numbers."""
    X, y, X_test, y_test = images("mnist", seed=seed)
    model = network(smoothing, seed).fit(X, y)
    proba = model.predict_proba(X_test)
    accuracy = model.score(X_test, y_test)
    error = expected_calibration_error(y_test, proba, n_bins=15, strategy="quantile")
    return [error, proba.max(axis=1).mean() - accuracy, accuracy]


found = {smoothing: [measure(smoothing, seed) for seed in SEEDS] for smoothing in SMOOTHING}
report(
    "label smoothing",
    {f"{smoothing:g}": runs for smoothing, runs in found.items()},
    ["ECE", "overconfidence", "test accuracy"],
)

# %%
# Calibration against smoothing
# -----------------------------

numbers = np.array([np.mean(found[smoothing], axis=0) for smoothing in SMOOTHING])
figure, panel = plt.subplots(figsize=(6, 3.8), layout="constrained")
panel.plot(SMOOTHING, numbers[:, 0], "o-", color="#0072B2", label="expected calibration error")
panel.plot(SMOOTHING, numbers[:, 1], "s--", color="#D55E00", label="confidence - accuracy")
panel.axhline(0, color="k", linewidth=0.8)
panel.set(xlabel="label smoothing", ylabel="probability")
panel.legend()
plt.show()
