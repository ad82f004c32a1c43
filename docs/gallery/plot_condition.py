"""
What a penalty does to the condition number
===========================================

Least squares divides by squared singular values. With singular values of 100, 1 and .01 the normal
equations have the condition number :math:`10^8`: noise along the third direction comes back ten
thousand times as large as along the first. The penalty :math:`\\alpha` adds itself to every
squared singular value.
"""

import matplotlib.pyplot as plt
import numpy as np

from skreg import Ridge

rng = np.random.default_rng(0)
left = np.linalg.qr(rng.standard_normal((50, 3)))[0]
right = np.linalg.qr(rng.standard_normal((3, 3)))[0]
s = np.array([100, 1, 0.01])
X = left * s @ right.T
w = right @ np.ones(3)  # the same size along each direction

# %%
# Condition number and error against alpha
# ----------------------------------------
# Noise of size .003 on y, a thousand times: the mean squared error of the coefficients is bias
# squared plus variance, and the least sum lies where neither is 0.

alphas = np.geomspace(1e-6, 1e6, 60)
noise = 0.003 * rng.standard_normal((50, 1_000))
model = Ridge(alpha=1, fit_intercept=False, store_spectrum=True)
spectrum = model.fit(X, X @ w[:, None] + noise).spectrum_
coefs = spectrum.coef(alphas)  # (n_alphas, n_targets, n_features)
bias = np.square(coefs.mean(axis=1) - w).sum(axis=-1)
variance = coefs.var(axis=1).sum(axis=-1)
condition = (s[0] ** 2 + alphas) / (s[-1] ** 2 + alphas)
for alpha in (0, 1, 1e4):
    value = (s[0] ** 2 + alpha) / (s[-1] ** 2 + alpha)
    print(f"alpha = {alpha:6g}: condition number of X'X + alpha I {value:.3g}")
best = (bias + variance).argmin()
print(f"least error {np.sqrt((bias + variance)[best]):.3g} at alpha = {alphas[best]:.2g}")

figure, (first, second) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
first.loglog(alphas, condition, color="k")
first.set(xlabel="alpha", ylabel="condition number of $X'X + \\alpha I$")
second.loglog(alphas, bias, "--", color="#0072B2", label="bias squared")
second.loglog(alphas, variance, ":", color="#D55E00", label="variance")
second.loglog(alphas, bias + variance, color="k", label="their sum")
second.set(xlabel="alpha", ylabel="mean squared error of coefficients")
second.legend()
plt.show()
