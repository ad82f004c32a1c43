"""
Why L1 selects and L2 shrinks
=============================

The same loss, bounded by an L1 and by an L2 norm. The best point of a diamond is often a corner,
where one coefficient is exactly 0; a disc has no corners, and its best point has no zeros.
"""

import matplotlib.pyplot as plt
import numpy as np

from skreg import Lasso, Ridge

rng = np.random.default_rng(1)
X = rng.standard_normal((200, 2)) @ np.array([[1.0, 0.6], [0.0, 0.8]])
y = X @ np.array([1.0, 0.15]) + 0.3 * rng.standard_normal(200)

# %%
# Both are one parameter of the estimator
# ---------------------------------------
# `max_l1_norm` of :class:`skreg.Lasso` and `max_norm` of :class:`skreg.Ridge` find the penalty
# whose solution has that norm, if that of `alpha` does not do.

RADIUS = 0.7
free = Ridge(alpha=0, fit_intercept=False).fit(X, y).coef_
lasso = Lasso(1e-6, max_l1_norm=RADIUS, fit_intercept=False).fit(X, y).coef_
ridge = Ridge(alpha=0, max_norm=RADIUS, fit_intercept=False).fit(X, y).coef_
for name, w in {"least squares": free, "L1 ball": lasso, "L2 ball": ridge}.items():
    print(f"{name:14} {w.round(3)}")

axes = np.linspace(-1, 1.6, 200), np.linspace(-1, 1.2, 200)
W = np.stack(np.meshgrid(*axes), axis=-1)
loss = np.square(W @ X.T - y).mean(axis=-1)
angle = np.linspace(0, 2 * np.pi, 200)
shapes = {
    "L1 ball": (np.array([[1, 0], [0, 1], [-1, 0], [0, -1], [1, 0]]).T, lasso),
    "L2 ball": (np.array([np.cos(angle), np.sin(angle)]), ridge),
}
figure, panels = plt.subplots(1, 2, figsize=(9, 4), sharey=True, layout="constrained")
for panel, (name, (edge, w)) in zip(panels, shapes.items(), strict=True):
    panel.contour(*axes, loss, np.quantile(loss, np.linspace(0.01, 0.9, 12)), cmap="cividis")
    panel.fill(*(RADIUS * edge), color="#0072B2", alpha=0.3)
    panel.plot(*free, "k+", markersize=10, label="least squares")
    panel.plot(*w, "o", color="#D55E00", label="best of the ball")
    panel.axhline(0, color="k", linewidth=0.5)
    panel.axvline(0, color="k", linewidth=0.5)
    panel.set(title=name, xlabel="$w_1$", aspect="equal")
panels[0].set_ylabel("$w_2$")
panels[0].legend(loc="lower right")
plt.show()
