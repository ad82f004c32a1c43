import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skreg._solvers.filters import damped_svd, tikhonov
from skreg._solvers.folds import Samples, r2_losses
from skreg._solvers.kernel_folds import KernelMatrixFolds
from skreg._solvers.kernel_spectrum import decompose, dual_coef, spectrum_of, weigh

SPLITS = [(np.arange(6, 18), np.arange(6)), (np.array([0, 2, 4, 6, 8]), np.array([1, 3, 17]))]
ALPHAS = np.array([0.01, 0.5, 3.0])


def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(18, 4))
    K = np.exp(-((X[:, None] - X) ** 2).sum(axis=-1))
    return X, K, rng.normal(size=(18, 2)), rng.uniform(0.3, 2, 18)


@pytest.mark.parametrize("filter", [tikhonov, damped_svd])
@pytest.mark.parametrize("weighted", [False, True])
def test_predictions_are_those_of_a_fit_to_the_training_samples(weighted, filter):
    X, K, y, weight = data()
    weight = weight if weighted else None
    before = K.copy()
    folds = KernelMatrixFolds(Samples(X, y, weight, False, filter), SPLITS, K)
    for k, (train, test) in enumerate(SPLITS):
        part = None if weight is None else weight[train]
        problem = weigh(K[np.ix_(train, train)], y[train], part)
        dual = dual_coef(spectrum_of(problem, decompose(problem), filter=filter), ALPHAS)
        expected = np.moveaxis(K[np.ix_(test, train)] @ dual, 0, 1)
        fold = folds.fold(k, ALPHAS.min())
        assert_allclose(fold.predictions(ALPHAS), expected, rtol=1e-9, atol=1e-12)
        v = np.ones(len(test)) if weight is None else weight[test]
        squares = np.einsum("i,iat->at", v, (y[test][:, None] - expected) ** 2)
        assert_allclose(fold.squares(ALPHAS), squares, rtol=1e-9)
        mean = np.average(y[test], axis=0, weights=v)
        loss = squares / (v @ (y[test] - mean) ** 2) - 1
        assert_allclose(r2_losses(fold, ALPHAS, per_target=True), loss, rtol=1e-9)
    assert_array_equal(K, before)


def test_alphas_of_each_target():
    X, K, y, weight = data()
    fold = KernelMatrixFolds(Samples(X, y, weight, False, tikhonov), SPLITS, K).fold(0, 0.0)
    together = fold.predictions(np.column_stack([ALPHAS, ALPHAS[::-1]]))
    assert_allclose(together[:, :, 0], fold.predictions(ALPHAS)[:, :, 0])
    assert_allclose(together[:, :, 1], fold.predictions(ALPHAS)[:, ::-1, 1])


def test_a_fold_is_decomposed_once():
    _, K, y, weight = data()
    folds = KernelMatrixFolds(Samples(K, y, weight, False, tikhonov), SPLITS, K)
    first = folds.fold(0, 0.1)
    assert folds.fold(0, 0.2) is first
    assert folds.fold(1, 0.2) is not first
    assert first.spectrum.U is None  # an n by n array a fold would be much
