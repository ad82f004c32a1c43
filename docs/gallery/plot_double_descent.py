"""
Double descent, and how ridge removes it
========================================

Random features of growing number p, fitted to n noisy samples by least squares: up to p = n the
test error falls, then rises, and at p = n, where the model just manages to pass through every
sample, it explodes, as the smallest singular value nearly vanishes. Beyond, the solution of least
norm has ever more ways to pass through the samples, and the error falls again. A ridge penalty has
no peak to begin with.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np

from skreg import Ridge, RidgeCV

N_SAMPLES, N_TEST, NOISE, SEEDS = 40, 1_000, 0.5, range(20)
SIZES = [4, 8, 12, 20, 28, 34, 38, 40, 42, 46, 52, 60, 80, 120, 200, 400]


def errors(seed):
    """Test errors (2, n_sizes): of least squares, then of ridge with alpha from leave-one-out."""
    rng = np.random.default_rng(seed)
    weights = rng.standard_normal(10)
    Z = rng.standard_normal((N_SAMPLES + N_TEST, 10))
    signal = Z @ weights / np.sqrt(10)
    y = signal[:N_SAMPLES] + NOISE * rng.standard_normal(N_SAMPLES)
    directions = rng.standard_normal((10, max(SIZES)))
    found = []
    for p in SIZES:
        features = np.maximum(Z @ directions[:, :p], 0) / np.sqrt(p)
        X, X_test = features[:N_SAMPLES], features[N_SAMPLES:]
        plain = Ridge(alpha=0, solver="svd", fit_intercept=False)
        chosen = RidgeCV(alphas=np.geomspace(1e-3, 1e2, 30), fit_intercept=False)
        predictions = [model.fit(X, y).predict(X_test) for model in (plain, chosen)]
        found.append([np.mean((p - signal[N_SAMPLES:]) ** 2) for p in predictions])
    return np.array(found).T


# %%
# Test error against the number of features
# -----------------------------------------
# Medians over twenty draws.

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # without a penalty coefficients are not determined: so be it
    plain, ridge = np.median([errors(seed) for seed in SEEDS], axis=0)
print(f"least squares: peak {plain.max():.3g} at p = {SIZES[plain.argmax()]}, n = {N_SAMPLES}")
print(f"ridge: largest error {ridge.max():.3g}, at p = {SIZES[ridge.argmax()]}")

figure, panel = plt.subplots(figsize=(6, 3.8), layout="constrained")
panel.loglog(SIZES, plain, "o-", color="#D55E00", label="least squares of least norm")
panel.loglog(SIZES, ridge, "s-", color="#0072B2", label="ridge, alpha by leave-one-out")
panel.axvline(N_SAMPLES, color="k", linestyle=":", label="p = n")
panel.set(xlabel="number of random features p", ylabel="test error")
panel.legend()
plt.show()
