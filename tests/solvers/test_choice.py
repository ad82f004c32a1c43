import numpy as np
import pytest

from skreg._solvers.choice import TOLERANCE, choose, grid
from skreg._solvers.filters import FILTERS
from skreg._solvers.rules import RULES, Rule
from skreg.problems import gravity, shaw
from tests.solvers.slow_spectrum import SlowSpectrum


def noisy(problem=shaw, n=32, sigma=1e-3, targets=3, filter="tikhonov", seed=0):
    A, b, _ = problem(n)
    Y = b[:, None] + sigma * np.random.default_rng(seed).normal(size=(n, targets))
    return SlowSpectrum(A, Y, fit_intercept=False, filter=FILTERS[filter])


def regression(n=60, p=5, targets=2, noise=1.0, filter="tikhonov"):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(n, p))
    y = X @ rng.normal(size=(p, targets)) + noise * rng.normal(size=(n, targets))
    return SlowSpectrum(X, y, filter=FILTERS[filter])


@pytest.fixture
def landscape(monkeypatch):
    """A rule that scores by any function of log10(alpha), broadcast over two targets."""

    def install(function, **settings):
        def score(spectrum, alphas):
            with np.errstate(divide="ignore"):
                logs = np.log10(np.asarray(alphas, float)).reshape(len(alphas), -1)
            return function(logs) * np.ones((1, 2))

        monkeypatch.setitem(RULES, "landscape", Rule(score, **settings))

    return install


def test_takes_the_smallest_score_of_each_target_wherever_it_stands():
    spectrum, alphas = noisy(), np.array([1.0, 1e-8, 1e-3, 1e-5, 10.0])
    choice = choose(spectrum, "robust_gcv", alphas)
    np.testing.assert_array_equal(choice.scores, RULES["robust_gcv"].score(spectrum, alphas))
    np.testing.assert_array_equal(choice.index, choice.scores.argmin(axis=0))
    np.testing.assert_array_equal(choice.alpha, alphas[choice.index])
    np.testing.assert_array_equal(choice.alphas, alphas)
    assert choice.edge == [None] * 3
    assert choice.found.all()


def test_one_alpha_for_all_targets_has_the_smallest_mean_score():
    spectrum, alphas = noisy(targets=5), np.geomspace(1e-8, 1, 30)
    choice = choose(spectrum, "gcv", alphas, per_target=False)
    best = choice.scores.mean(axis=1).argmin()
    assert choice.scores.shape == (30, 5)
    assert choice.index.tolist() == [best] * 5
    assert choice.alpha.tolist() == [alphas[best]] * 5
    refined = choose(spectrum, "gcv", per_target=False)
    assert len(set(refined.alpha)) == 1
    mean = RULES["gcv"].score(spectrum, refined.alpha[:1]).mean()
    assert mean <= refined.scores.mean(axis=1).min()


def test_options_reach_the_rule():
    spectrum, alphas = noisy(sigma=1e-2), np.geomspace(1e-8, 1, 30)
    for sigma in (1e-2, 1e-1):
        choice = choose(spectrum, "discrepancy", alphas, noise_std=sigma)
        scores = RULES["discrepancy"].score(spectrum, alphas, noise_std=sigma)
        np.testing.assert_array_equal(choice.scores, scores)


@pytest.mark.parametrize("filter", FILTERS)
def test_discrepancy_takes_the_strongest_regularization_within_the_bound(filter):
    spectrum, sigma = noisy(gravity, sigma=1e-2, filter=filter), 1e-2
    choice = choose(spectrum, "discrepancy", noise_std=sigma)
    bound = 1.01 * sigma * np.sqrt(32)
    norms = np.linalg.norm(spectrum.residuals(choice.alpha[None])[:, 0], axis=0)
    assert choice.found.all()
    assert np.all(norms <= bound)
    if filter in ("truncated_svd", "landweber"):
        stronger = choice.alpha - 1  # one component or step less is too few
    else:
        stronger = choice.alpha * (1 + 2 * TOLERANCE)
    assert np.all(np.linalg.norm(spectrum.residuals(stronger[None])[:, 0], axis=0) > bound)


@pytest.mark.parametrize("filter", ["tikhonov", "landweber"])
def test_a_bound_out_of_reach_is_told_and_the_weakest_regularization_taken(filter):
    choice = choose(regression(filter=filter), "discrepancy", noise_std=1e-3)
    assert not choice.found.any()
    weakest, edge = (-1, "upper") if filter == "landweber" else (0, "lower")
    assert choice.alpha.tolist() == [choice.alphas[weakest]] * 2
    assert choice.edge == [edge] * 2


def test_where_other_rules_say_nothing_the_strongest_is_taken():
    spectrum = SlowSpectrum(np.random.default_rng(2).normal(size=(4, 4)), np.ones(4))
    choice = choose(spectrum, "modified_gcv", np.array([0.0, 1e-9]))
    assert choice.alpha.tolist() == [1e-9]
    assert choice.found.tolist() == [False]


def test_what_is_not_found_on_the_grid_is_not_searched_beside_it(landscape):
    spectrum = regression()
    low, high = np.log10(grid(spectrum)[-2:])
    landscape(lambda u: np.where((low < u) & (u < high), 0, np.inf))
    choice = choose(spectrum, "landscape")
    assert not choice.found.any()
    assert choice.alpha.tolist() == [choice.alphas[-1]] * 2


@pytest.mark.parametrize(
    ("filter", "strongest"), [("tikhonov", 3.0), ("landweber", 1.0), ("truncated_svd", 1.0)]
)
def test_ties_go_to_the_stronger_regularization(landscape, filter, strongest):
    landscape(lambda u: 0 * u)
    choice = choose(regression(filter=filter), "landscape", np.array([2.0, 1, 3, 1, 3]))
    assert choice.alpha.tolist() == [strongest] * 2


def test_edges_are_told():
    weak, strong = regression(noise=1e-6), regression(noise=1.0)
    strong.z = strong.z * 1e-9
    alphas = np.geomspace(1e-2, 1e2, 9)
    assert choose(weak, "gcv", alphas).edge == ["lower"] * 2
    assert choose(strong, "gcv", alphas[::-1]).edge == ["upper"] * 2
    assert choose(strong, "gcv", alphas[:1]).edge == [None] * 2  # no choice, no edge
    assert choose(strong, "gcv").edge == ["upper"] * 2


@pytest.mark.parametrize("filter", ["tikhonov", "iterated_tikhonov", "damped_svd", "exponential"])
def test_auto_searches_between_the_points_of_the_grid(filter):
    spectrum = regression(filter=filter)
    choice = choose(spectrum, "gcv")
    fine = grid(spectrum, 20_001)
    scores = RULES["gcv"].score(spectrum, fine)
    reached = RULES["gcv"].score(spectrum, choice.alpha[None])[0]
    assert np.all(reached <= scores.min(axis=0) * (1 + 1e-9))
    np.testing.assert_allclose(choice.alpha, fine[scores.argmin(axis=0)], rtol=5e-3)
    assert choice.index is None
    assert choice.edge == [None] * 2


def test_auto_looks_globally_first(landscape):
    # A broad minimum at 1e-1, and a deeper, narrow one at 10^1.53.
    def double_well(u):
        return (u + 1) ** 2 / 10 - 2 * np.exp(-(((u - 1.53) / 0.3) ** 2))

    landscape(double_well)
    choice = choose(regression(), "landscape")
    u = np.linspace(-4, 4, 800_001)
    np.testing.assert_allclose(np.log10(choice.alpha), u[double_well(u).argmin()], atol=1e-4)


@pytest.mark.parametrize("position", [0.123, 0.5, 1.0])
def test_a_score_that_is_infinite_beyond_its_minimum(landscape, position):
    landscape(lambda u: np.where(u <= position, -u, np.inf))
    choice = choose(regression(), "landscape")
    assert np.all(np.log10(choice.alpha) <= position)
    np.testing.assert_allclose(np.log10(choice.alpha), position, atol=1e-4)


def test_landweber_takes_whole_steps_and_truncated_svd_whole_components():
    choice = choose(noisy(filter="landweber"), "gcv")
    np.testing.assert_array_equal(choice.alpha, np.round(choice.alpha))
    for k in (choice.alpha - 1, choice.alpha + 1):
        spectrum = noisy(filter="landweber")
        here, beside = (RULES["gcv"].score(spectrum, a[None]) for a in (choice.alpha, k))
        assert np.all(here <= beside * (1 + 1e-6))
    choice = choose(noisy(filter="truncated_svd"), "gcv")
    np.testing.assert_array_equal(choice.alphas, np.arange(1, len(choice.alphas) + 1))
    np.testing.assert_array_equal(choice.alpha, choice.alphas[choice.index])


def test_the_grid_covers_the_spectrum():
    spectrum = regression()
    alphas = grid(spectrum, 7)
    assert len(alphas) == 7
    np.testing.assert_allclose(np.diff(np.log(alphas), 2), 0, atol=1e-12)
    assert spectrum.filter(spectrum.s, alphas[0])[1].max() == pytest.approx(1e-3, rel=1e-2)
    assert spectrum.filter(spectrum.s, alphas[-1])[0].max() == pytest.approx(1e-3, rel=1e-2)
    assert len(choose(spectrum, "gcv", 7).alphas) == 7
    assert len(choose(spectrum, "gcv").alphas) == 100


def test_the_grid_stops_at_rounding_only_where_no_samples_are_to_spare():
    square = noisy(gravity)  # all 32 directions, singular values from 6.5 to 2e-9
    assert grid(square)[0] == pytest.approx(
        np.finfo(float).eps * square.s[0] ** 2, rel=1e-9, abs=0
    )
    tall = regression()
    tall.s = tall.s * np.array([1, 1, 1, 1, 1e-10])
    assert grid(tall)[0] == pytest.approx(1e-3 * tall.s[-1] ** 2, rel=1e-9, abs=0)


@pytest.mark.parametrize("filter", FILTERS)
@pytest.mark.parametrize("size", [None, 1, 2, 30])
def test_grids_increase_are_finite_and_have_the_size_asked_for(filter, size):
    spectrum = noisy(filter=filter)
    for scale in (1e-170, 1, 1e170):
        spectrum.s = spectrum.s / spectrum.s[0] * scale
        alphas = grid(spectrum, size)
        assert np.isfinite(alphas).all()
        assert np.all(np.diff(alphas) >= 0)
        assert np.all(alphas > 0)
        assert 1 <= len(alphas) <= (size or 100)


@pytest.mark.parametrize("filter", FILTERS)
@pytest.mark.parametrize("rule", ["gcv", "robust_gcv", "upre"])
def test_data_without_any_variation(filter, rule):
    spectrum = SlowSpectrum(np.zeros((6, 2)), np.arange(6.0), filter=FILTERS[filter])
    choice = choose(spectrum, rule)
    assert np.isfinite(choice.alpha).all()
    assert choice.found.all()


def test_units_of_the_data_go_with_alpha():
    spectrum, scaled = regression(), regression()
    scaled.s, scaled.z, scaled.outside = 8 * scaled.s, 4 * scaled.z, 16 * scaled.outside
    np.testing.assert_allclose(
        choose(scaled, "robust_gcv").alpha, 64 * choose(spectrum, "robust_gcv").alpha, rtol=1e-3
    )


@pytest.mark.parametrize("rule", [r for r in RULES if r != "discrepancy"])
@pytest.mark.parametrize("alphas", ["auto", 20])
def test_every_rule_finds_an_alpha_on_a_regression(rule, alphas):
    choice = choose(regression(noise=3.0, p=8), rule, alphas)
    assert choice.alpha.shape == (2,)
    assert np.all((choice.alpha >= choice.alphas[0]) & (choice.alpha <= choice.alphas[-1]))
    assert not np.isnan(choice.scores).any()
    assert choice.found.all()
