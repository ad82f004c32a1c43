"""Descent on columns: sets that grow, residuals kept up, steps along the path."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skreg._solvers import descent, path
from skreg._solvers.descent import STEPS, ResidualForm
from skreg._solvers.features import Features
from skreg._solvers.penalty import penalty
from tests.reference import bounded_enet_violation
from tests.solvers.sparse_cases import CONTAINERS, SPARSE, data, explicit, weights

COLUMNS = ["F", *SPARSE]


def case(container, *, weighted=False, n=30, p=20, **terms):
    X, y = data(n, p)
    weight = weights(n) if weighted else None
    features = Features.of(CONTAINERS[container](X), weight)
    Z, target = explicit(X, y, weight)
    return ResidualForm(features, target, penalty(p, n, **terms), 1e-15), target, Z


def solve(form, alpha, most=100_000):
    """Sweep until nothing changes any more."""
    at, done = form.penalty(alpha), 0
    while done < most:
        more = form.minimize(alpha, at, most - done)
        done += more
        form.residual()  # as is asked for before the next sweeps
        if more < STEPS:
            break
    return at


@pytest.mark.parametrize("container", COLUMNS)
@pytest.mark.parametrize("weighted", [False, True])
def test_a_set_grows_by_any_steps(container, weighted):
    form, y, Z = case(container, weighted=weighted)
    which = np.random.default_rng(0).permutation(np.delete(np.arange(20), 7))
    given = np.arange(20) / 20.0
    for part in np.split(which, [1, 2, 3, 8]):
        form.admit(part, given[part])
        inside = Z[:, form.index]
        assert np.all(np.diff(form.index) > 0)
        assert_array_equal(form.w, given[form.index])
        counted = form.features.root_weight > 0
        assert_allclose(form.residual()[counted], (y - inside @ form.w)[counted], atol=1e-12)
        assert_allclose(form.products(), inside.T @ (y - inside @ form.w), atol=1e-11)
    assert form.m == 19


@pytest.mark.parametrize("container", COLUMNS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("terms", [{}, {"l1_ratio": 0.5}, {"lower": -0.1, "upper": 0.2}])
def test_it_ends_at_the_minimum(container, weighted, terms):
    form, y, Z = case(container, weighted=weighted, **terms)
    which = np.delete(np.arange(20), 7)
    form.admit(which)
    for alpha in (0.5, 0.1, 0.02, 0.3):
        form.predict(alpha)
        at = solve(form, alpha)
        # Where there is L2, the gap is as small as the squares of what is left.
        most = 1e-6 if "l1_ratio" in terms else 1e-8
        assert bounded_enet_violation(form.w, Z[:, which], y, *at) < most
        counted = form.features.root_weight > 0
        kept_up = form.residual()[counted]
        assert_allclose(kept_up, (y - Z[:, which] @ form.w)[counted], atol=1e-11)


@pytest.mark.parametrize("container", COLUMNS)
@pytest.mark.parametrize("weighted", [False, True])
def test_predictions_lie_on_the_path_between_corners(container, weighted):
    form, y, Z = case(container, weighted=weighted)
    form.admit(np.delete(np.arange(20), 7))
    for alpha in (0.02, 0.0199):
        form.predict(alpha)
        solve(form, alpha)
    known = form.w.copy()
    form.predict(0.0198)
    ahead = form.w.copy()
    # The residual that descent goes on with belongs to the coefficients that were moved.
    root = form.features.root_weight
    inside = Z[:, form.index]
    assert_allclose(form.e, root * (y - inside @ ahead), atol=1e-11)
    solve(form, 0.0198)
    assert np.max(np.abs(form.w - known)) > 1e-5
    assert_allclose(ahead, form.w, atol=1e-7)


def test_predictions_change_no_sign_and_break_no_bound():
    form, y, Z = case("CSC", lower=-0.5, upper=0.5)
    form.admit(np.arange(5))
    # From alpha 0.3 to 0.2, and on along the same line to 0.1.
    form.before[:] = [0.1, 0.1, 0.3, -0.1, 0.0]
    form.w[:] = [0.2, 0.04, 0.45, -0.3, 0.2]
    form.alphas = [0.3, 0.2]
    form.residual()
    form.predict(0.1)
    expected = [0.3, 0.04, 0.45, -0.5, 0.2]  # a change of sign, a bound broken, one just come in
    assert_allclose(form.w, expected, rtol=1e-14)
    assert_allclose(form.e, y - Z[:, :5] @ form.w, atol=1e-12)
    form.predict(0.1)  # twice the same: there is no line through them
    form.predict(0.05)
    assert np.all(np.isfinite(form.w))


@pytest.mark.parametrize("container", ["CSC", "CSR"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("terms", [{}, {"l1_ratio": 0.5}, {"lower": -0.1, "upper": 0.2}])
def test_combined_sweeps_go_down_and_keep_the_residual(container, weighted, terms):
    form, y, Z = case(container, weighted=weighted, **terms)
    form.admit(np.delete(np.arange(20), 7))
    at, root, taken = form.penalty(0.05), form.features.root_weight, 0
    form.minimize(0.05, at, 1)
    for _ in range(6):
        ways = []
        for _ in range(2):
            w, e = form.w.copy(), form.e.copy()
            form.sweep(at, 1, True)
            ways.append((form.w - w, form.e - e))
        before, swept = form.objective(at), form.w
        form.combine(ways, at)
        taken += form.w is not swept
        assert form.objective(at) <= before * (1 + 1e-14)
        assert np.all((form.w >= at.lower) & (form.w <= at.upper))
        inside = root * (y - Z[:, form.index] @ form.w)
        assert_allclose(form.e, inside, atol=1e-11)
        direct = 0.5 * np.sum((y - Z[:, form.index] @ form.w)[root > 0] ** 2)
        direct += at.l1 @ np.abs(form.w) + at.l2 @ form.w**2 / 2
        assert_allclose(form.objective(at), direct, rtol=1e-12)
    assert taken > 0


@pytest.mark.parametrize("from_start", [False, True])
def test_equal_columns_leave_no_curvature_between_sweeps(from_start, monkeypatch):
    monkeypatch.setattr(path, "SMALL", 10)
    monkeypatch.setattr(descent, "WORTH", 0)
    p = 40
    X = np.eye(20)[:, np.arange(p) % 20]
    X[:, :2] = (np.arange(20) < 4)[:, None]  # binary, so that nothing is rounded
    features = Features.of(CONTAINERS["CSC"](X), fit_intercept=False)
    y, v, start = 8.0 * (np.arange(20) < 4), np.ones(p), None
    if from_start:  # equal penalties, opposite signs
        start = np.r_[64.0, -56.0, np.zeros(p - 2)]
    else:
        v[0] = 2
    points = path.walk(features, y, penalty(p, 1, weights=v), [0.25], start=start)
    assert next(points).coef.sum() == pytest.approx(8 - 0.25 / 4, abs=0.05)


def test_combined_sweeps_are_fewer(monkeypatch):
    monkeypatch.setattr(descent, "WORTH", 0)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 1)) + 0.2 * rng.normal(size=(60, 30))
    features = Features.of(CONTAINERS["CSC"](X))
    y, _ = features.target(X[:, :5].sum(axis=1) + rng.normal(size=60))
    count = {}
    for plain in (4, STEPS):
        monkeypatch.setattr(descent, "PLAIN", plain)
        form = ResidualForm(features, y, penalty(30, 60), 1e-8)
        form.admit(np.arange(30))
        count[plain] = 0
        while count[plain] < 100_000:
            more = form.minimize(0.02, form.penalty(0.02), 10_000)
            count[plain] += more
            form.residual()
            if more < STEPS:
                break
    assert count[4] < count[STEPS] / 3


def test_sweeps_come_in_short_runs():
    # So that the gap is looked at in between, and Ctrl-C.
    form, _, _ = case("CSC")
    form.first = -1.0
    form.admit(np.delete(np.arange(20), 7))
    assert form.minimize(0.1, form.penalty(0.1), 10**9) == STEPS
    assert form.minimize(0.1, form.penalty(0.1), 7) == 7
