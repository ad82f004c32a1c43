"""Residual norms without eigenvectors: the same scores as with them, or none."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skreg import RidgeCV
from skreg._solvers import residual_norms
from skreg._solvers.design import centre
from skreg._solvers.factorization import decompose
from skreg._solvers.rules import RULES

N, P = 300, 40
ALPHAS = np.geomspace(1e-4, 1e6, 12)
OPTIONS = {"discrepancy": {"noise_std": 1.1}}
NAMES = [name for name, rule in RULES.items() if rule.only_norms]


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(residual_norms, "SMALL_FACTORIZATION", 2)


def data(n_targets=2, noise=1.0, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((N, P)) * np.geomspace(1, 30, P)
    W = rng.standard_normal((P, n_targets)) / np.geomspace(1, 30, P)[:, None]
    return X, X @ W + noise * rng.standard_normal((N, n_targets)), rng.uniform(0, 2, N)


def spectra(X, Y, weight=None, fit_intercept=True):
    design = centre(X, Y, weight, fit_intercept=fit_intercept)
    return decompose(design, only_norms=True), decompose(design)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("name", NAMES)
def test_scores_are_those_of_eigenvectors(name, fit_intercept):
    found, known = spectra(*data(), fit_intercept=fit_intercept)
    assert found.V is None
    assert found.implicit is not None
    options = OPTIONS.get(name, {})
    for alphas in (ALPHAS, np.column_stack([ALPHAS, ALPHAS[::-1]])):
        scores = [RULES[name].score(one, alphas, **options) for one in (found, known)]
        assert_allclose(*scores, rtol=1e-10)


@pytest.mark.parametrize("why", ["clean", "twins", "many targets", "wide"])
def test_declined_where_digits_or_time_would_be_lost(why):
    X, Y, weight = data(n_targets=11 if why == "many targets" else 2, noise=why != "clean")
    if why == "twins":
        X[:, 1] = X[:, 0]
    if why == "wide":
        X, Y, weight = X[:P], Y[:P], weight[:P]
    found, known = spectra(X, Y, weight)
    assert found.implicit is None
    assert_allclose(found.residual_norm(ALPHAS), known.residual_norm(ALPHAS), rtol=1e-12)


@pytest.mark.parametrize("alphas", [ALPHAS, "auto", 20])
@pytest.mark.parametrize("per_target", [True, False])
def test_search_is_the_same(alphas, per_target, monkeypatch):
    X, Y, weight = data()
    kwargs = {"alphas": alphas, "rule": "gcv", "alpha_per_target": per_target}
    found = RidgeCV(**kwargs).fit(X, Y, sample_weight=weight)
    monkeypatch.setattr(residual_norms, "FEW", 0)
    known = RidgeCV(**kwargs).fit(X, Y, sample_weight=weight)
    assert_allclose(found.alpha_, known.alpha_, rtol=1e-3)
    assert_allclose(found.best_score_, known.best_score_, rtol=1e-8)
    assert_allclose(found.coef_, known.coef_, rtol=1e-4)


def test_stored_spectrum_has_vectors():
    X, Y, _ = data()
    model = RidgeCV(ALPHAS, rule="gcv", store_spectrum=True).fit(X, Y)
    assert model.spectrum_.implicit is None
    assert_allclose(model.spectrum_.coef(model.alpha_), model.coef_, rtol=1e-9)
