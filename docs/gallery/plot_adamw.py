"""
Adam with L2 is not weight decay
================================

In plain gradient descent an L2 penalty and weight decay are the same step. Adam divides every
gradient by its size, that of the penalty included: weights with large gradients are then penalized
less than others. AdamW takes the decay out of the division, and shrinks all weights alike.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from skreg import MLPClassifier

warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is part of the design
X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(X / 16, y, train_size=300, random_state=0)

# %%
# Shrinkage against the size of gradients
# ---------------------------------------
# Weights from pixels that are nearly always dark see small gradients. The picture shows what is
# left of them, beside a training without penalty, with the coupled penalty (`alpha`) and with
# decay. Strengths are such that both leave about as much.


def weights(**params):
    """Root mean square of the weights of every pixel, and the test accuracy."""
    model = MLPClassifier(
        (64,), learning_rate_init=0.003, batch_size=50, max_iter=150, tol=0,
        n_iter_no_change=150, random_state=0, **params,
    ).fit(X, y)  # fmt: skip
    return np.sqrt(np.square(model.coefs_[0]).mean(axis=1)), model.score(X_test, y_test)


free, accuracy = weights(solver="adam", alpha=0)
print(f"no penalty: test accuracy {accuracy:.3f}")
activity = X.std(axis=0)
used = activity > 0
forms = {
    "Adam, coupled L2": {"solver": "adam", "alpha": 0.05},
    "AdamW, decoupled decay": {"solver": "adamw", "alpha": 0, "weight_decay": 0.35},
}
figure, panel = plt.subplots(figsize=(6, 3.8), layout="constrained")
for (name, params), color in zip(forms.items(), ("#D55E00", "#0072B2"), strict=True):
    size, accuracy = weights(**params)
    left = size[used] / free[used]
    slope = np.corrcoef(activity[used], left)[0, 1]
    print(
        f"{name}: test accuracy {accuracy:.3f}, weights left {np.median(left):.2f}, "
        f"correlation with the activity of their pixel {slope:.2f}"
    )
    panel.plot(activity[used], left, "o", color=color, markersize=4, label=name)
panel.set(xlabel="standard deviation of the pixel", ylabel="weights, relative to no penalty")
panel.set_ylim(bottom=0)
panel.legend()
plt.show()
