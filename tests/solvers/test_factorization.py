import numpy as np

from skreg._solvers.factorization import from_moments
from skreg._solvers.moments import moments


def test_exact_fits_leave_no_negative_square():
    for seed in range(20):
        X = np.random.default_rng(seed).normal(size=(50, 4))
        assert from_moments(moments(X, X @ np.arange(1.0, 5.0))).outside[0] >= 0
