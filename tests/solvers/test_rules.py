from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skreg._solvers.factorization import decompose
from skreg._solvers.filters import FILTERS
from skreg._solvers.moments import centre
from skreg._solvers.rules import RULES
from skreg.problems import gravity, shaw
from tests.solvers.slow_spectrum import SlowSpectrum

ALPHAS = np.array([1e-3, 0.1, 2.0, 30.0])
SIGMA = 1.3
OPTIONS = {"discrepancy": {"noise_std": SIGMA}, "upre": {"noise_std": SIGMA}}


def data(n=14, p=6, targets=3, weighted=True, fit_intercept=True, filter="tikhonov", seed=0):
    X, y, weight = sample(n, p, targets, weighted, seed)
    return SlowSpectrum(X, y, weight, fit_intercept, FILTERS[filter])


def sample(n=14, p=6, targets=3, weighted=True, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * np.logspace(0, -2, p)
    y = X @ (2 * rng.normal(size=(p, targets))) + rng.normal(size=(n, targets)) + 3
    return X, y, rng.uniform(0.5, 2, n) if weighted else None


def brute(spectrum, alpha):
    """Residuals (n, t), and the hat matrix of the centred data with the intercept's share."""
    H = spectrum.hat(alpha)
    u = spectrum.root / np.linalg.norm(spectrum.root)
    return spectrum.y - H @ spectrum.y, H + spectrum.free * u @ u.T


def defined(name, spectrum, alpha, sigma=SIGMA):
    """Each rule that has a closed form, word for word from its source; shape (t,)."""
    r, H = brute(spectrum, alpha)
    n, square = len(r), np.square(r).sum(axis=0)
    gcv = square / n / (1 - np.trace(H) / n) ** 2
    return {
        "gcv": lambda: gcv,
        "modified_gcv": lambda: square / n / (1 - 1.4 * np.trace(H) / n) ** 2,
        "robust_gcv": lambda: (0.1 + 0.9 * np.trace(H @ H) / n) * gcv,
        "upre": lambda: square / n + 2 * sigma**2 * np.trace(H) / n - sigma**2,
        "discrepancy": lambda: (1.01 * sigma) ** 2 - square / n,
        "loo": lambda: np.mean((r / (1 - np.diag(H)[:, None])) ** 2, axis=0),
        "evidence": lambda: log_evidence(spectrum, alpha),
        "ncp": lambda: periodogram_distance(r),
    }[name]()


def log_evidence(spectrum, alpha):
    """-2 log density of y ~ N(0, v (I + XX'/alpha)) at the best v, without constants."""
    n = len(spectrum.X)
    covariance = np.eye(n) + spectrum.X @ spectrum.X.T / alpha
    variance = np.sum(spectrum.y * np.linalg.solve(covariance, spectrum.y), axis=0) / n
    return n * np.log(variance) + np.linalg.slogdet(covariance)[1]


def periodogram_distance(r):
    n, q = len(r), len(r) // 2
    k, i = np.arange(1, q + 1)[:, None], np.arange(n)
    power = np.abs(np.exp(-2j * np.pi * k * i / n) @ r) ** 2
    cumulative = np.array([power[: j + 1].sum(axis=0) / power.sum(axis=0) for j in range(q)])
    return np.sqrt(np.sum((cumulative - k / q) ** 2, axis=0))


@pytest.mark.parametrize(
    "name",
    ["gcv", "modified_gcv", "robust_gcv", "upre", "discrepancy", "loo", "evidence", "ncp"],
)
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("n", [14, 15])
def test_scores_follow_the_definition(name, fit_intercept, weighted, n):
    spectrum = data(n=n, weighted=weighted, fit_intercept=fit_intercept)
    scores = RULES[name].score(spectrum, ALPHAS, **OPTIONS.get(name, {}))
    expected = np.array([defined(name, spectrum, alpha) for alpha in ALPHAS])
    if name == "discrepancy":
        expected[expected < 0] = np.inf
        assert np.isinf(expected).any()
    assert scores.shape == (4, 3)
    np.testing.assert_allclose(scores, expected, rtol=1e-10)


@pytest.mark.parametrize("name", ["gcv", "robust_gcv", "upre"])
@pytest.mark.parametrize("filter", FILTERS)
def test_definitions_hold_for_every_filter(name, filter):
    spectrum, alphas = data(filter=filter), np.array([1.0, 2, 5])
    scores = RULES[name].score(spectrum, alphas, **OPTIONS.get(name, {}))
    expected = np.array([defined(name, spectrum, alpha) for alpha in alphas])
    np.testing.assert_allclose(scores, expected, rtol=1e-10)


@pytest.mark.parametrize("name", ["gcv", "robust_gcv", "upre", "discrepancy", "loo", "evidence"])
def test_wide_data(name):
    spectrum = data(n=6, p=15, weighted=True)
    scores = RULES[name].score(spectrum, ALPHAS[1:], **OPTIONS.get(name, {}))
    expected = np.array([defined(name, spectrum, alpha) for alpha in ALPHAS[1:]])
    np.testing.assert_allclose(scores[np.isfinite(scores)], expected[np.isfinite(scores)])
    assert np.isfinite(scores).any()


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("shape", [(14, 6), (6, 14), (9, 9)])
@pytest.mark.parametrize("exact", [True, False])
def test_on_the_spectrum_of_the_package(name, shape, exact):
    X, y, weight = sample(*shape)
    weight[2] = 0
    options, alphas = OPTIONS.get(name, {}), np.array([0.02, 0.3, 2.0])
    scores = RULES[name].score(decompose(centre(X, y, weight), exact=exact), alphas, **options)
    rows = weight > 0
    expected = RULES[name].score(SlowSpectrum(X[rows], y[rows], weight[rows]), alphas, **options)
    if name == "loo":  # a mean over all samples
        expected = expected * rows.mean()
    np.testing.assert_allclose(scores, expected, rtol=1e-6 if name == "l_curve" else 1e-9)


@pytest.mark.parametrize("name", RULES)
def test_one_alpha_a_target(name):
    spectrum, options = data(), OPTIONS.get(name, {})
    alphas = np.array([[0.01, 0.1, 1.0], [0.2, 0.02, 0.002]])
    scores = RULES[name].score(spectrum, alphas, **options)
    for t in range(3):
        alone = RULES[name].score(spectrum, alphas[:, t], **options)
        np.testing.assert_allclose(scores[:, t], alone[:, t], rtol=1e-12)


@pytest.mark.parametrize("name", ["l_curve", "quasi_optimality", "evidence"])
def test_duplicated_rows_are_sample_weights(name):
    rng = np.random.default_rng(1)
    X, y, weight = rng.normal(size=(9, 4)), rng.normal(size=9), rng.integers(1, 4, 9)
    few, many = SlowSpectrum(X, y, weight), SlowSpectrum(X.repeat(weight, 0), y.repeat(weight))
    if name == "evidence":  # the likelihood counts them, too
        few.n_samples = many.n_samples
    np.testing.assert_allclose(
        RULES[name].score(few, ALPHAS), RULES[name].score(many, ALPHAS), rtol=1e-8
    )


@pytest.mark.parametrize("name", [n for n in RULES if n not in ("upre", "discrepancy")])
@given(st.integers(-40, 40), st.integers(-40, 40))
@settings(max_examples=20, deadline=None)
def test_units_do_not_change_the_order(name, shift_X, shift_y):
    # Powers of two change no digit; a score may change by a factor or a constant.
    c, d = 2.0**shift_X, 2.0**shift_y
    spectrum, alphas = data(seed=2), np.geomspace(1e-6, 10, 15)
    scaled = data(seed=2)
    scaled.s, scaled.z, scaled.outside = c * scaled.s, d * scaled.z, d * d * scaled.outside
    scaled.y = d * scaled.y
    before = RULES[name].score(spectrum, alphas)
    after = RULES[name].score(scaled, c * c * alphas)
    assert not np.isnan(before).any()
    if name == "evidence":
        np.testing.assert_allclose(after - after[0], before - before[0], atol=1e-9)
    else:
        factor = {"l_curve": 1, "ncp": 1, "quasi_optimality": d}.get(name, d * d)
        np.testing.assert_allclose(after, factor * before, rtol=1e-9)


def test_gcv_is_the_mean_square_of_leave_one_out_for_equal_leverages():
    # For a circulant matrix all leverages are alike, and the two agree (Golub et al., 1979).
    rng = np.random.default_rng(3)
    row = rng.normal(size=8)
    X = np.array([np.roll(row, i) for i in range(8)])
    spectrum = SlowSpectrum(X, rng.normal(size=8), fit_intercept=False)
    gcv, loo = (RULES[name].score(spectrum, ALPHAS) for name in ("gcv", "loo"))
    np.testing.assert_allclose(gcv, loo, rtol=1e-10)


@pytest.mark.parametrize("name", ["gcv", "robust_gcv"])
def test_square_problems_keep_their_digits_where_psi_is_tiny(name):
    # With n = r and alpha -> 0, psi -> alpha / s^2 and GCV -> n sum(z/s^2)^2 / (sum 1/s^2)^2.
    rng = np.random.default_rng(4)
    spectrum = SlowSpectrum(rng.normal(size=(7, 7)), rng.normal(size=7), fit_intercept=False)
    inverse = 1 / spectrum.s[:, None] ** 2
    limit = 7 * np.sum((spectrum.z * inverse) ** 2) / np.sum(inverse) ** 2
    for alpha in (1e-14, 1e-60, 1e-250):
        np.testing.assert_allclose(RULES[name].score(spectrum, np.array([alpha])), limit, 1e-9)
    assert RULES[name].score(spectrum, np.array([0.0])) == np.inf


def test_rounding_outside_of_a_square_problem_does_not_count():
    rng = np.random.default_rng(4)
    spectrum = SlowSpectrum(rng.normal(size=(7, 7)), rng.normal(size=7), fit_intercept=False)
    before = [RULES[n].score(spectrum, np.array([1e-20])) for n in ("gcv", "evidence")]
    spectrum.outside = np.array([1e-15])
    after = [RULES[n].score(spectrum, np.array([1e-20])) for n in ("gcv", "evidence")]
    np.testing.assert_array_equal(before, after)


def test_modified_gcv_with_c_one_is_gcv_and_stops_where_the_freedom_is_spent():
    spectrum, alphas = data(n=8, p=6), np.array([0.0, 1e-9, 10.0])
    modified = RULES["modified_gcv"].score
    np.testing.assert_array_equal(
        modified(spectrum, alphas, c=1.0), RULES["gcv"].score(spectrum, alphas)
    )
    scores = modified(spectrum, alphas, c=1.4)
    assert np.isinf(scores[:2]).all()  # 1.4 * 7 > 8
    assert np.isfinite(scores[2]).all()


def test_robust_gcv_with_gamma_one_is_gcv():
    spectrum = data()
    np.testing.assert_allclose(
        RULES["robust_gcv"].score(spectrum, ALPHAS, gamma=1.0),
        RULES["gcv"].score(spectrum, ALPHAS),
        rtol=1e-14,
    )


def test_upre_estimates_the_risk_of_the_fit():
    # On average over the noise it is the mean squared error of the fit to the noiseless data.
    rng, sigma, draws = np.random.default_rng(5), 0.5, 40_000
    X = rng.normal(size=(12, 4))
    b = X @ rng.normal(size=4)
    Y = b[:, None] + sigma * rng.normal(size=(12, draws))
    spectrum = SlowSpectrum(X, Y, fit_intercept=False)
    scores = RULES["upre"].score(spectrum, ALPHAS, noise_std=sigma).mean(axis=1)
    for alpha, score in zip(ALPHAS, scores, strict=True):
        error = np.mean((spectrum.hat(alpha) @ Y - b[:, None]) ** 2)
        assert score == pytest.approx(error, rel=0.02)


def test_upre_estimates_the_noise_where_samples_are_to_spare():
    spectrum = data(n=14, p=6)
    sigma = np.sqrt(spectrum.outside / (14 - 6 - 1))
    np.testing.assert_allclose(
        RULES["upre"].score(spectrum, ALPHAS),
        RULES["upre"].score(spectrum, ALPHAS, noise_std=sigma),
        rtol=1e-13,
    )
    with pytest.raises(ValueError, match=r"noise_std=None.*6 samples and 6 directions"):
        RULES["upre"].score(data(n=6, p=9), ALPHAS)


def test_noise_may_differ_between_targets():
    spectrum, sigma = data(), np.array([0.5, 1.0, 1.5])
    for name in ("upre", "discrepancy"):
        scores = RULES[name].score(spectrum, ALPHAS, noise_std=sigma)
        for t in range(3):
            alone = RULES[name].score(spectrum, ALPHAS, noise_std=sigma[t])[:, t]
            np.testing.assert_array_equal(scores[:, t], alone)


def curvature_by_differences(spectrum, alpha, h=1e-3):
    """Curvature of the L-curve from norms at three alphas, for one target."""
    points = []
    for shift in (-h, 0, h):
        r = brute(spectrum, alpha * np.exp(shift))[0]
        w = spectrum.coef(alpha * np.exp(shift))
        points.append([np.log(np.linalg.norm(r)), np.log(np.linalg.norm(w))])
    before, now, after = np.array(points)
    (x1, y1), (x2, y2) = (after - before) / (2 * h), (after - 2 * now + before) / h**2
    return (x1 * y2 - x2 * y1) / (x1**2 + y1**2) ** 1.5


@pytest.mark.parametrize("filter", [f for f in FILTERS if f != "truncated_svd"])
def test_l_curve_is_its_curvature(filter):
    A, b, _ = shaw(16)
    b = b + 1e-3 * np.random.default_rng(6).normal(size=16)
    spectrum = SlowSpectrum(A, b, fit_intercept=False, filter=FILTERS[filter])
    spectrum.s, spectrum.z = spectrum.s[:8], spectrum.z[:8]
    spectrum.U, spectrum.Vt = spectrum.U[:, :8], spectrum.Vt[:8]
    spectrum.outside = np.square(spectrum.y - spectrum.U @ spectrum.z).sum(axis=0)
    low, high = {"landweber": (2, 1e4), "damped_svd": (1e-8, 1e-6)}.get(filter, (1e-5, 1e-1))
    alphas = np.geomspace(low, high, 9)
    sign = -1 if filter == "landweber" else 1  # runs through the curve the other way
    scores = RULES["l_curve"].score(spectrum, alphas)[:, 0]
    expected = [-sign * curvature_by_differences(spectrum, alpha) for alpha in alphas]
    np.testing.assert_allclose(scores, expected, rtol=2e-4, atol=2e-5)
    assert scores.min() < 0


def test_l_curve_keeps_its_digits_at_the_ends():
    # As alpha -> 0 at outside > 0 the curvature has a limit: with r^2 = o + a alpha^2 and
    # w^2 = e - b alpha, it is 4 a e^2 / (o b^2).
    spectrum = data(n=14, p=3, targets=1)
    z, s = spectrum.z[:, 0], spectrum.s
    a, b = np.sum(z**2 / s**4), 2 * np.sum(z**2 / s**4)
    limit = 4 * a * np.sum(z**2 / s**2) ** 2 / (spectrum.outside[0] * b**2)
    for alpha in (1e-12, 1e-20):
        score = RULES["l_curve"].score(spectrum, np.array([alpha]))
        assert -score[0, 0] == pytest.approx(limit, rel=1e-6)


def test_l_curve_has_nothing_to_say_without_a_corner():
    spectrum = data(targets=2)
    spectrum.z, spectrum.outside = spectrum.z * [1, 0], spectrum.outside * [1, 0]
    scores = RULES["l_curve"].score(spectrum, ALPHAS)
    assert np.isfinite(scores[:, 0]).any()
    assert np.isinf(scores[:, 1]).all()
    assert RULES["l_curve"].score(spectrum, np.zeros(1)).tolist() == [[np.inf, np.inf]]


def test_l_curve_has_no_corner_where_it_bends_the_other_way():
    # One direction: log ||w|| = log(1 - exp(log ||r||)) up to constants, which is concave.
    spectrum = SlowSpectrum(np.array([[2.0]]), np.array([1.0]), fit_intercept=False)
    assert np.isinf(RULES["l_curve"].score(spectrum, ALPHAS)).all()


def test_l_curve_refuses_truncated_svd():
    with pytest.raises(ValueError, match=r"'l_curve'.*truncated_svd.*another rule"):
        RULES["l_curve"].score(data(filter="truncated_svd"), ALPHAS)
    assert RULES["l_curve"].smooth_only


@pytest.mark.parametrize("filter", ["tikhonov", "iterated_tikhonov", "damped_svd", "exponential"])
def test_quasi_optimality_is_the_speed_of_the_solution(filter):
    spectrum, h = data(filter=filter), 1e-4
    middle = spectrum.s[0] * spectrum.s[-1]
    alphas = middle * np.array([0.3, 1, 3])
    scores = RULES["quasi_optimality"].score(spectrum, alphas) / spectrum.s[0]
    for alpha, score in zip(alphas, scores, strict=True):
        step = spectrum.coef(alpha * np.exp(h)) - spectrum.coef(alpha * np.exp(-h))
        np.testing.assert_allclose(score, np.linalg.norm(step, axis=0) / (2 * h), rtol=1e-6)


def test_quasi_optimality_says_nothing_outside_of_the_spectrum():
    spectrum = data()
    low, high = spectrum.s[-1] ** 2, spectrum.s[0] ** 2
    scores = RULES["quasi_optimality"].score(
        spectrum, np.array([0, low / 2, low * 2, high / 2, high * 2])
    )
    assert np.isinf(scores).all(axis=1).tolist() == [True, True, False, False, True]


def test_quasi_optimality_of_truncated_svd_is_the_last_step():
    spectrum = data(filter="truncated_svd")
    scores = RULES["quasi_optimality"].score(spectrum, np.arange(7.0)) / spectrum.s[0]
    for k in range(1, 7):
        step = spectrum.coef(float(k)) - spectrum.coef(float(k - 1))
        np.testing.assert_allclose(scores[k], np.linalg.norm(step, axis=0), rtol=1e-10)
    assert np.isinf(scores[0]).all()


def test_ncp_tells_white_residuals_from_smooth_ones():
    A, b, x = gravity(64)
    rng = np.random.default_rng(7)
    spectrum = SlowSpectrum(A, b + 0.1 * rng.normal(size=64), fit_intercept=False)
    alphas = np.geomspace(1e-6, 1e3, 40)
    chosen = alphas[RULES["ncp"].score(spectrum, alphas)[:, 0].argmin()]
    errors = [np.linalg.norm(spectrum.coef(alpha)[:, 0] - x) for alpha in alphas]
    assert np.linalg.norm(spectrum.coef(chosen)[:, 0] - x) < 2 * min(errors)


def test_ncp_needs_two_frequencies():
    assert np.isinf(RULES["ncp"].score(data(n=3, p=1), ALPHAS)).all()
    assert np.isfinite(RULES["ncp"].score(data(n=4, p=1), ALPHAS)).all()


def test_ncp_goes_through_many_alphas_in_blocks(monkeypatch):
    spectrum, alphas = data(), np.geomspace(1e-3, 10, 11)
    whole = RULES["ncp"].score(spectrum, alphas)
    sizes, residuals = [], spectrum.residuals
    monkeypatch.setattr("skreg._solvers.rules.NCP_BLOCK", 14 * 3 * 4)
    spectrum.residuals = lambda a: sizes.append(len(a)) or residuals(a)
    np.testing.assert_array_equal(RULES["ncp"].score(spectrum, alphas), whole)
    assert sizes == [4, 4, 3]


def test_evidence_leaves_targets_without_signal_to_the_prior():
    spectrum = data(targets=2)
    spectrum.z, spectrum.outside = spectrum.z * [1, 0], spectrum.outside * [1, 0]
    scores = RULES["evidence"].score(spectrum, np.r_[0, ALPHAS])
    assert np.isinf(scores[0]).all()
    assert np.isfinite(scores[1:]).all()
    assert np.all(np.diff(scores[1:, 1]) < 0)


@pytest.mark.parametrize("name", RULES)
def test_without_singular_values_every_alpha_is_alike(name):
    spectrum = SlowSpectrum(np.zeros((9, 3)), np.arange(9.0), fit_intercept=True)
    options = {"noise_std": 3.0} if name in OPTIONS else {}
    scores = RULES[name].score(spectrum, ALPHAS, **options)
    assert scores.shape == (4, 1)
    assert np.all(scores == scores[0])
    assert not np.isnan(scores).any()


def test_the_table_names_the_options_and_what_a_rule_needs():
    import inspect

    for rule in RULES.values():
        named = tuple(inspect.signature(rule.score).parameters)[2:]
        assert rule.options == named
    assert {n for n, r in RULES.items() if r.needs_rows} == {"loo", "ncp"}
    assert {n for n, r in RULES.items() if r.tikhonov_only} == {"loo", "evidence"}


def test_orders_of_iterated_tikhonov_reach_the_rules():
    filter = partial(FILTERS["iterated_tikhonov"], order=5)
    spectrum = data()
    spectrum.filter = filter
    np.testing.assert_allclose(
        RULES["gcv"].score(spectrum, ALPHAS)[2], defined("gcv", spectrum, ALPHAS[2]), rtol=1e-10
    )
