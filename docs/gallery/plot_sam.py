"""
Sharpness-aware minimization finds flatter minima
=================================================

SAM takes every gradient at the worst point within a small distance. Where it ends, the loss rises
more slowly when the weights are disturbed.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from skreg import MLPClassifier

warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is part of the design
X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(X / 16, y, train_size=500, random_state=0)

# %%
# Training loss around the end
# ----------------------------
# Along random directions of the whole parameter vector; each line is the mean of twenty.

DISTANCES = np.linspace(0, 6, 13)


def around(model, seed=0):
    """Mean training loss at each distance from the end of the training."""
    rng = np.random.default_rng(seed)
    ends = [part.copy() for part in (*model.coefs_, *model.intercepts_)]
    parts = [*model.coefs_, *model.intercepts_]
    losses = np.zeros(len(DISTANCES))
    for _ in range(20):
        direction = [rng.standard_normal(end.shape) for end in ends]
        length = np.sqrt(sum(np.square(d).sum() for d in direction))
        for k, distance in enumerate(DISTANCES):
            for part, end, d in zip(parts, ends, direction, strict=True):
                part[:] = end + distance / length * d
            losses[k] += log_loss(y, model.predict_proba(X)) / 20
    for part, end in zip(parts, ends, strict=True):
        part[:] = end
    return losses


figure, panel = plt.subplots(figsize=(6, 3.8), layout="constrained")
for rho, color in ((0, "#000000"), (0.05, "#0072B2"), (0.2, "#D55E00")):
    model = MLPClassifier(
        (64,), solver="sgd", learning_rate_init=0.1, alpha=0, batch_size=50, max_iter=150, tol=0,
        n_iter_no_change=150, sam_rho=rho, random_state=0,
    ).fit(X, y)  # fmt: skip
    losses = around(model)
    print(
        f"rho = {rho:4}: test accuracy {model.score(X_test, y_test):.3f}, training loss "
        f"{losses[0]:.4f}, at a distance of {DISTANCES[-1]:g} {losses[-1]:.3f}"
    )
    panel.plot(DISTANCES, losses, color=color, label=f"rho = {rho:g}")
panel.set(xlabel="distance from the end of training", ylabel="training loss", yscale="log")
panel.legend()
plt.show()
