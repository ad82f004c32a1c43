"""
Early stopping is a filter
==========================

Gradient descent on least squares, from zero, is a path of regularized solutions. After :math:`k`
steps of length :math:`\\eta` it has multiplied the part of the least-squares solution along the
:math:`i`-th right singular vector by :math:`1 - (1 - \\eta s_i^2)^k`, the filter that Landweber's
iteration is named for: large singular values come first. And if nobody stops it, it ends at the
solution of least norm, of all those that fit the data.
"""

import matplotlib.pyplot as plt
import numpy as np

from skreg import Ridge
from skreg.plot import FilterFactorsDisplay
from skreg.problems import shaw

# %%
# Descent equals the filter
# -------------------------
# An ill-posed problem, whose solution after any number of steps :class:`skreg.Ridge` with
# ``filter="landweber"`` knows
# from one factorization; and gradient descent written out.

rng = np.random.default_rng(0)
X, y, truth = shaw(64)
y = y + 1e-2 * rng.standard_normal(len(y))
step = 1 / np.linalg.norm(X, 2) ** 2


def descent(X, y, step, n_steps):
    """Coefficients after each number of steps."""
    w, found = np.zeros(X.shape[1]), {}
    for k in range(1, max(n_steps) + 1):
        w = w + step * X.T @ (y - X @ w)
        if k in n_steps:
            found[k] = w
    return found


steps = [1, 10, 100, 1_000, 10_000]
by_hand = descent(X, y, step, steps)
differences = {}
for k in steps:
    filtered = Ridge(alpha=k, filter="landweber", fit_intercept=False).fit(X, y).coef_
    differences[k] = np.linalg.norm(filtered - by_hand[k]) / np.linalg.norm(by_hand[k])
    print(f"{k:6} steps: relative difference {differences[k]:.1e}")

# %%
# What the filter lets through
# ----------------------------

ridge = Ridge(alpha=1, filter="landweber", fit_intercept=False, store_spectrum=True)
ridge.fit(X, y)
errors = [np.linalg.norm(by_hand[k] - truth) / np.linalg.norm(truth) for k in steps]
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
FilterFactorsDisplay.from_estimator(ridge, alphas=steps, ax=left, markersize=3)
right.loglog(steps, errors, "o-", color="#0072B2")
right.set(xlabel="steps", ylabel="relative error of the solution")
plt.show()

# %%
# The end of the path
# -------------------
# With more unknowns than equations many solutions fit exactly. Descent ends at the shortest.

X_wide = rng.standard_normal((20, 50))
y_wide = rng.standard_normal(20)
step = 1 / np.linalg.norm(X_wide, 2) ** 2
end = descent(X_wide, y_wide, step, [20_000])[20_000]
shortest = np.linalg.pinv(X_wide) @ y_wide
print(f"residual {np.linalg.norm(X_wide @ end - y_wide):.1e}")
print(f"distance to the solution of least norm {np.linalg.norm(end - shortest):.1e}")
