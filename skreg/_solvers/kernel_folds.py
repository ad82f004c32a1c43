"""K-fold cross-validation of kernel ridge: every fold is a part of one kernel matrix."""

from dataclasses import replace

import numpy as np

from skreg._solvers.folds import Fold, Folds
from skreg._solvers.kernel_spectrum import decompose, product, spectrum_of, weigh


class KernelMatrixFold(Fold):
    """Spectrum of training samples, and what their dual coefficients make of test samples.

    `reach` (n_test, rank) is the kernel between test and training samples, times D U.
    """

    def __init__(self, samples, test, spectrum, reach):
        super().__init__(samples, test, spectrum.coef, None, 0.0)
        self.spectrum, self.reach = spectrum, reach

    def predictions(self, alphas):
        """Predictions for the test samples, (n_test, n_alphas, n_targets)."""
        spectrum = self.spectrum
        inner = spectrum.factors(alphas)[0] * (spectrum.z.T / spectrum.s / spectrum.s)
        fit = self.reach @ inner.reshape(np.prod(inner.shape[:2]), len(spectrum.s)).T
        return fit.reshape(len(self.reach), *inner.shape[:2])


class KernelMatrixFolds(Folds):
    """Folds of samples whose kernel matrix is K (n, n), without weights.

    Each costs the eigenvalues of its training samples, once for all alphas. Kept are the products
    with test samples only, O(n^2) in all.
    """

    def __init__(self, samples, splits, K):
        super().__init__(samples, splits)
        self.K, self.small = K, True

    def _make(self, k, alpha):
        train, test = self.splits[k]
        y, weight = self.samples.targets(train)
        problem = weigh(self.K[np.ix_(train, train)], y, weight, overwrite=True)
        spectrum = spectrum_of(problem, decompose(problem), filter=self.samples.filter)
        cross = self.K[np.ix_(test, train)] * problem.root_weight
        reach = product(cross, spectrum.U)
        spectrum = replace(spectrum, U=None, V=None, y=None)
        return KernelMatrixFold(self.samples, test, spectrum, reach)
