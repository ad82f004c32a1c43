"""
Shifted digits
==============

A digit moved by a pixel or two is the same digit, but a network without convolutions does not
know. Half of the batches are therefore shifted at random, by :class:`skreg.augment.ImageShift`.
(The reduced form has digits of 8 x 8 pixels, of which one is a lot.)
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from experiments import FULL, SEEDS, images, report
from sklearn.exceptions import ConvergenceWarning

from skreg import MLPClassifier
from skreg.augment import ImageShift
from skreg.schedules import PowerLaw

warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is part of the design
EPOCHS = 250 if FULL else 40
SHIFT = ImageShift((28, 28), 2, prob=0.5) if FULL else ImageShift((8, 8), 1, prob=0.5)


def network(shift, seed):
    """A 784-128-10 network (64-128-10 for the reduced form)."""
    return MLPClassifier(
        (128,),
        "tanh",
        learning_rate=PowerLaw(0.01, a=0.5, tau=5e4),
        alpha=0,
        batch_augment=shift,
        batch_size=8,
        max_iter=EPOCHS,
        n_iter_no_change=EPOCHS,
        tol=0,
        random_state=seed,
    )


def measure(shift, seed):
    """Return the test accuracies after every epoch."""
    X, y, X_test, y_test = images("mnist", seed=seed)
    model = network(shift, seed).fit(X, y, eval_sets={"test": (X_test, y_test)})
    return model.history_["test_score"]


found = {
    name: np.array([measure(shift, seed) for seed in SEEDS])
    for name, shift in {"as they are": None, "half of the batches shifted": SHIFT}.items()
}
report(
    "test accuracy",
    {name: scores[:, [-1]] for name, scores in found.items()},
    ["after the last epoch"],
)

# %%
# Test accuracy in the course of training
# ---------------------------------------

figure, panel = plt.subplots(figsize=(6, 3.8), layout="constrained")
for (name, scores), color in zip(found.items(), ("#000000", "#0072B2"), strict=True):
    for one in scores:
        panel.plot(np.arange(1, EPOCHS + 1), one, color=color, linewidth=0.6, alpha=0.5)
    panel.plot(np.arange(1, EPOCHS + 1), scores.mean(axis=0), color=color, label=name)
panel.set(xlabel="epoch", ylabel="test accuracy", ylim=(np.min(list(found.values())) * 0.98, 1))
panel.legend()
plt.show()
