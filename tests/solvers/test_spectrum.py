import numpy as np
import pytest

from skreg._solvers import spectrum as module
from skreg._solvers.design import centre
from skreg._solvers.spectrum import decompose


def design(shape, rank=None, seed=0, targets=3):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=shape)
    if rank is not None:
        X = rng.normal(size=(shape[0], rank)) @ rng.normal(size=(rank, shape[1]))
    return centre(X, rng.normal(size=(shape[0], targets)))


@pytest.mark.parametrize("shape", [(30, 8), (8, 30), (9, 9), (1, 1), (2, 1)])
def test_coefficients_solve_the_normal_equations_for_each_alpha(shape):
    d, alpha = design(shape), np.array([0.1, 1, 10])
    W = decompose(d).coef(alpha[None])[0].T
    np.testing.assert_allclose(d.X.T @ (d.y - d.X @ W), alpha * W, atol=1e-12)


@pytest.mark.parametrize("scale", [1e-150, 1e-10, 1, 1e10, 1e150])
def test_the_rank_does_not_depend_on_the_scale(scale):
    d = design((30, 12), rank=4)
    d = d._replace(X=d.X * scale)
    assert len(decompose(d).s) == 4
    expected = np.linalg.pinv(d.X / scale, rcond=1e-10) @ d.y / scale
    np.testing.assert_allclose(decompose(d).coef(0.0).T * scale, expected * scale, rtol=1e-10)


def test_zero_data_give_zero_coefficients():
    d = design((5, 3))
    assert not decompose(d._replace(X=np.zeros((5, 3)))).coef(0.0).any()


def test_falls_back_where_divide_and_conquer_fails(monkeypatch):
    d, svd = design((6, 4)), module.linalg.svd

    def failing(X, lapack_driver, **options):
        if lapack_driver == "gesdd":
            raise np.linalg.LinAlgError("SVD did not converge")
        return svd(X, lapack_driver=lapack_driver, **options)

    expected = decompose(d, exact=True).coef(1.0)
    monkeypatch.setattr(module.linalg, "svd", failing)
    np.testing.assert_allclose(decompose(d, exact=True).coef(1.0), expected, rtol=1e-12)
