import numpy as np
import pytest

from skreg._solvers import factorization as module
from skreg._solvers.design import centre, defer
from skreg._solvers.factorization import decompose, from_moments
from skreg._solvers.filters import FILTERS
from skreg._solvers.moments import moments
from skreg._solvers.spectrum import Spectrum


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


@pytest.mark.parametrize(("s", "text"), [
    ([], "[]"), ([2.0], "[2]"), ([3.0, 0.25], "[3, 0.25]"), ([9.0, 4.0, 1 / 3], "[9, ..., 0.333]"),
])  # fmt: skip
def test_a_spectrum_shows_the_ends_of_its_singular_values(s, text):
    found = Spectrum(np.array(s), np.ones((len(s), 1)), np.zeros(1), n_samples=30)
    assert repr(found) == f"Spectrum(rank={len(s)}, n_samples=30, s={text})"


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


# The choice between eigenvalues and singular values


def decaying(shape, decades, seed=0):
    """A design whose singular values fall by that many decades."""
    rng = np.random.default_rng(seed)
    r = min(shape)
    U = np.linalg.qr(rng.normal(size=(shape[0], r)))[0]
    V = np.linalg.qr(rng.normal(size=(shape[1], r)))[0]
    X = 10 * U * np.logspace(0, -decades, r) @ V.T
    y = X @ rng.normal(size=(shape[1], 1)) + 0.1 * rng.normal(size=(shape[0], 1))
    return defer(X, y)


@pytest.mark.parametrize("shape", [(400, 40), (40, 200), (100, 100), (60, 50)])
@pytest.mark.parametrize("decades", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("relative", [1e-2, 1e-5, 1e-7])
def test_eigenvalues_serve_only_where_all_answers_keep_nine_digits(shape, decades, relative):
    d = decaying(shape, decades)
    exact = decompose(d, exact=True)
    alpha = relative * exact.s[0] ** 2
    chosen = decompose(d, alpha)
    alphas = alpha * np.array([1, 10, 1000])
    for name in ("loo", "gcv", "coef", "dof", "residual_norm", "coef_norm"):
        found, expected = (getattr(each, name)(alphas) for each in (chosen, exact))
        size = np.max(np.abs(expected), axis=-1, keepdims=True)
        assert np.all(np.abs(found - expected) < 2e-9 * size), name


def test_eigenvalues_are_taken_where_they_are_harmless():
    for shape in ((400, 40), (40, 200)):
        d = decaying(shape, 2)
        spectrum = decompose(d)
        assert (spectrum.U is None) != (spectrum.Vt is None)
        d = decaying(shape, 6)
        spectrum = decompose(d)
        assert spectrum.U is not None
        assert spectrum.Vt is not None
        spectrum = decompose(d, alpha=1.0)
        assert (spectrum.U is None) != (spectrum.Vt is None)
        spectrum = decompose(d, alpha=1.0, filter=FILTERS["damped_svd"])
        assert spectrum.U is not None


@pytest.mark.parametrize("shape", [(400, 40), (40, 200), (12, 12)])
def test_what_is_formed_on_demand_is_what_singular_values_give(shape):
    d = decaying(shape, 1)
    lazy, exact = decompose(d), decompose(d, exact=True)
    complete = lazy.complete()
    assert complete.design is None
    np.testing.assert_allclose(complete.s, exact.s, rtol=1e-11)
    signs = np.sign(np.sum(complete.Vt * exact.Vt, axis=1))[:, None]
    np.testing.assert_allclose(complete.Vt, signs * exact.Vt, atol=1e-9)
    np.testing.assert_allclose(complete.U, (signs * exact.U.T).T, atol=1e-9)
    for alphas in (1.0, [0.1, 1.0]):
        np.testing.assert_allclose(complete.coef(alphas), lazy.coef(alphas), atol=1e-10)
        np.testing.assert_allclose(complete.loo(alphas), lazy.loo(alphas), rtol=1e-9)
        np.testing.assert_allclose(complete.residuals(alphas), lazy.residuals(alphas), atol=1e-10)


@pytest.mark.parametrize("scale", [1e-140, 1, 1e140])
def test_moments_give_the_spectrum_without_rows(scale):
    d = decaying((400, 40), 1)
    known = moments(d.X * scale, d.y)
    spectrum, twin = from_moments(known), decompose(d)
    alphas = np.array([0.1, 1.0])
    np.testing.assert_allclose(spectrum.s / scale, twin.s, rtol=1e-10)
    np.testing.assert_allclose(
        spectrum.coef(alphas * scale**2) * scale, twin.coef(alphas), atol=1e-9
    )
    np.testing.assert_allclose(spectrum.gcv(alphas * scale**2), twin.gcv(alphas), rtol=1e-9)
    assert from_moments(moments(decaying((400, 40), 6).X, d.y)) is None


def test_constant_data_leave_no_singular_value():
    X, y = np.full((5, 3), 7.0), np.arange(5.0)
    for spectrum in (decompose(defer(X, y)), from_moments(moments(X, y))):
        assert spectrum.s.shape == (0,)
        assert not spectrum.coef([0.0, 1.0]).any()
        assert spectrum.dof(1.0) == 1
        np.testing.assert_allclose(spectrum.gcv(1.0), 10 / 5 / (1 - 1 / 5) ** 2)


@pytest.mark.parametrize(
    ("alphas", "text"),
    [
        (-5.0, "at least 0; got -5.0"),
        ([1.0, np.nan], "at least 0"),
        ([], "at least one; got the shape"),
        (np.ones((2, 3)), r"n_targets=2\).* got the shape \(2, 3\)"),
        (np.ones((1, 1, 1)), "got the shape"),
    ],
)
def test_alphas_that_make_no_sense_are_errors(alphas, text):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 4)), rng.normal(size=(20, 2))
    spectrum = decompose(defer(X, y))
    for name in ("coef", "dof", "filter_factors", "loo", "gcv", "l_curve", "condition_number"):
        with pytest.raises(ValueError, match=f"{name}.*{text}"):
            getattr(spectrum, name)(alphas)
