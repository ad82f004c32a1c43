"""
Ridge beside truncated SVD
==========================

Both keep what large singular values say and drop what small ones say: ridge with a smooth filter,
truncated SVD with a sharp one. Along the whole path they come equally close to the truth.
"""

import matplotlib.pyplot as plt
import numpy as np

from skreg import Ridge
from skreg.problems import gravity

rng = np.random.default_rng(0)
X, y, truth = gravity(64)
y = y + 0.01 * np.linalg.norm(y) / 8 * rng.standard_normal(len(y))

# %%
# Error against effective degrees of freedom
# ------------------------------------------
# One factorization each; the penalty of ridge and the number of components of truncated SVD are
# both counted in degrees of freedom, the sum of the filter factors.

alphas = np.geomspace(1e-8, 1e2, 80)
components = np.arange(1, 25)
paths = {}
for name, values in {"tikhonov": alphas, "truncated_svd": components}.items():
    model = Ridge(alpha=values[0], filter=name, fit_intercept=False, store_spectrum=True)
    spectrum = model.fit(X, y).spectrum_
    coefs = spectrum.coef(values).reshape(len(values), -1)
    errors = np.linalg.norm(coefs - truth, axis=1) / np.linalg.norm(truth)
    paths[name] = np.ravel(spectrum.dof(values)), errors, coefs[errors.argmin()]
    print(f"{name}: least relative error {errors.min():.3f}")

figure, (first, second) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
labels = {"tikhonov": "ridge", "truncated_svd": "truncated SVD"}
second.plot(truth, color="k", linewidth=2, label="truth")
for (name, (dof, errors, best)), color in zip(paths.items(), ("#0072B2", "#D55E00"), strict=True):
    style = "-" if name == "tikhonov" else "o"
    first.semilogy(dof, errors, style, color=color, markersize=4, label=labels[name])
    second.plot(best, color=color, label=labels[name])
first.set(xlabel="degrees of freedom", ylabel="relative error", xlim=(0, 20), ylim=(None, 3))
second.set(xlabel="coefficient")
first.legend()
second.legend()
plt.show()
