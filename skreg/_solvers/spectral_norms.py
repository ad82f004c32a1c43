"""Largest singular values of weight matrices: where power iterations start, and exact bounds."""

import numpy as np
from scipy.linalg import eigvalsh

from skreg._solvers.network import split


def singular_vectors(parameters, units):
    """Vectors for the power iteration to start from: left ones, then right ones."""
    sides = [[], []]
    for coef in split(parameters, units)[0]:
        u, _, vt = np.linalg.svd(coef.astype(float), full_matrices=False)
        # Both halves are as long as the longer one, so that they can be told apart.
        for side, vector, size in zip(sides, (u[:, 0], vt[0]), coef.shape, strict=True):
            side.append(vector[:size])
    left, right = (np.concatenate(side) for side in sides)
    longest = max(len(left), len(right))
    halves = [np.pad(half, (0, longest - len(half))) for half in (left, right)]
    return np.concatenate(halves).astype(parameters.dtype)


def spectral_norm(matrix):
    """The largest singular value, from the smaller Gram matrix: a tenth of the price of an SVD.

    Only small singular values lose digits there.
    """
    largest = float(np.abs(matrix).max())
    if largest == 0:
        return 0.0
    scaled = matrix.astype(float) / largest
    gram = scaled @ scaled.T if len(scaled) < scaled.shape[1] else scaled.T @ scaled
    top = len(gram) - 1
    return largest * float(np.sqrt(eigvalsh(gram, subset_by_index=(top, top))[0]))


def bound_spectral_norms(parameters, recipe):
    """Scale the weight matrices as the recipe asks, exactly."""
    for coef in split(parameters, recipe.network.units)[0]:
        sigma = spectral_norm(coef)
        limit = 1.0 if recipe.spectral == "normalize" else recipe.cap
        if sigma > limit or (recipe.spectral == "normalize" and sigma > 0):
            coef *= limit / sigma
