"""
Networks learn leading components first
=======================================

A 784-128-128-10 network learns a thousand images of clothes by gradient descent. The updates of
its first weight matrix are split into the principal components of the images. At first they go
along the leading ones, which carry what the classes have in common; as the training samples are
learned by heart, they spread to later ones. Early stopping keeps the former.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from experiments import FULL, SEEDS, images, report
from sklearn.exceptions import ConvergenceWarning

from skreg import MLPClassifier
from skreg.dynamics import spectral_energy
from skreg.plot import SpectralEnergyDisplay
from skreg.schedules import PowerLaw

warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is part of the design
EPOCHS, EVERY = (1000, 20) if FULL else (400, 20)
LEADING = 10


class Recorder:
    """A callback that keeps the first weight matrix every so many epochs."""

    def __init__(self, every):
        self.every = every

    def setup(self, estimator, context):
        self.epochs, self.weights = 0, []

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context, **data):
        pass

    def on_fit_task_end(self, estimator, context, **data):
        if context.task_name != "epoch":
            return
        if self.epochs % self.every == 0:
            self.weights.append(estimator.coefs_[0].copy())
        self.epochs += 1


# %%
# Training, with records
# ----------------------


def measure(seed):
    """Return the spectral energy between records, and the test loss after every epoch."""
    X, y, X_test, y_test = images("fashion", seed=seed)
    recorder = Recorder(EVERY)
    model = MLPClassifier(
        (128, 128),
        "tanh",
        solver="sgd",
        learning_rate=PowerLaw(0.05, a=1.0, tau=5e3),
        alpha=0,
        batch_size=min(500, len(X)),
        max_iter=EPOCHS,
        n_iter_no_change=EPOCHS,
        tol=0,
        random_state=seed,
    ).set_callbacks(recorder)
    # A thousand looks at all test images would take longer than the training.
    model.fit(X, y, eval_sets={"test": (X_test[:10_000], y_test[:10_000])})
    return spectral_energy(np.array(recorder.weights), X), model.history_["test_loss"]


runs = [measure(seed) for seed in SEEDS]
rows = []
for energy, test_loss in runs:
    leading = energy.cumulative_share[:, LEADING - 1]
    turn = test_loss.argmin()
    rows.append([leading[0], leading[min(turn // EVERY, len(leading) - 1)], leading[-1], turn + 1])
report(
    f"share of the first {LEADING} components in the updates "
    f"(isotropic: {runs[0][0].isotropic[LEADING - 1]:.3f})",
    {"": rows},
    ["first epochs", "least test loss", "last epochs", "its epoch"],
)

# %%
# Energy and test loss
# --------------------

energy, test_loss = runs[0]
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
times = 1 + EVERY * np.arange(len(energy.energy) + 1)
SpectralEnergyDisplay(
    cumulative_share=energy.cumulative_share, isotropic=energy.isotropic, epochs=times
).plot(ax=left)
right.plot(np.arange(1, len(test_loss) + 1), test_loss, color="#D55E00", label="test loss")
right.set(xlabel="epoch", ylabel="test loss")
share = right.twinx()
share.plot(times[1:], energy.cumulative_share[:, LEADING - 1], color="#0072B2")
share.set_ylabel(f"share of the first {LEADING} components", color="#0072B2")
plt.show()
