"""lasso_path and enet_path."""

import inspect
import warnings

import numpy as np
import pytest
import sklearn.linear_model as twins
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.datasets import load_diabetes
from sklearn.exceptions import ConvergenceWarning

import skreg
from skreg import ElasticNet, Lasso, MultiTaskLasso, enet_path, lasso_path
from tests.reference import bounded_enet_violation, enet_objective
from tests.test_sparse_parameters import CONTAINERS, bounded_case, solver_scale


def case(seed=0, n=60, p=15):
    """Centred data, as paths without intercept take them."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p)) * (rng.random((n, p)) < 0.5)
    y = X[:, :4] @ [3.0, -2.0, 1.0, 0.5] + rng.standard_normal(n)
    return X - X.mean(axis=0), y - y.mean()


@pytest.mark.parametrize("name", ["lasso_path", "enet_path"])
def test_parameters_begin_as_the_twin_s(name):
    ours = inspect.signature({"lasso_path": lasso_path, "enet_path": enet_path}[name]).parameters
    theirs = inspect.signature(getattr(twins, name)).parameters
    for parameter in list(theirs)[:-1]:  # the last one stands for the solver's
        assert ours[parameter].default == theirs[parameter].default, parameter
        assert ours[parameter].kind == theirs[parameter].kind, parameter


@pytest.mark.parametrize("task", ["", "MultiTask"])
@pytest.mark.parametrize("name", ["Lasso", "ElasticNet", "LassoCV", "ElasticNetCV"])
def test_classes_have_the_path_of_their_twins(task, name):
    ours, theirs = (getattr(module, task + name).path for module in (skreg, twins))
    assert ours is getattr(skreg, theirs.__name__)


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("l1_ratio", [1.0, 0.5, 0.05])
@pytest.mark.parametrize("positive", [False, True])
def test_agrees_with_scikit_learn(container, l1_ratio, positive):
    X, y = case()
    options = {"l1_ratio": l1_ratio, "alphas": 20, "eps": 1e-2, "positive": positive}
    options |= {"tol": 1e-10, "max_iter": 50_000, "return_n_iter": True}
    ours = enet_path(container(X), y, **options)
    theirs = twins.enet_path(X, y, **options)
    assert_allclose(ours[0], theirs[0], rtol=1e-10)
    assert_allclose(ours[1], theirs[1], atol=1e-6)
    assert ours[1].shape == (15, 20)
    assert ours[2].shape == (20,)
    assert [type(v) for v in ours] == [type(v) for v in theirs]
    assert len(ours[3]) == 20
    assert np.all(ours[2] <= 1e-10 * (y @ y) / len(y))


def test_lasso_path_is_the_elastic_net_s():
    X, y = case()
    for found, expected in zip(lasso_path(X, y), enet_path(X, y, l1_ratio=1.0), strict=True):
        assert_array_equal(found, expected)
    assert len(lasso_path(X, y, return_n_iter=True)) == 4
    assert len(lasso_path(X, y)) == 3


@pytest.mark.parametrize("seed", range(12))
def test_every_point_is_optimal_and_what_a_fit_finds(seed):
    X, y, weight, params = bounded_case(seed)
    params["l1_ratio"] = params["l1_ratio"] or 0.1
    del params["alpha"]
    options = {"alphas": 8, "eps": 1e-2, "tol": 1e-10, "sample_weight": weight}
    alphas, coefs, gaps = enet_path(CONTAINERS[seed % 4](X), y, **options, **params)
    for alpha, coef, gap in zip(alphas, coefs.T, gaps, strict=True):
        problem = solver_scale(X, y, weight, params | {"alpha": alpha})
        assert bounded_enet_violation(coef, *problem) <= 1e-7 * alpha * len(y)
        assert 0 <= gap <= 1e-10 * np.mean(y**2) * 10
    model = ElasticNet(alpha=alphas[4], tol=1e-10, **params).fit(X, y, weight)
    if len(y) > X.shape[1]:
        assert_allclose(model.coef_, coefs[:, 4], atol=1e-7)


def test_the_first_alpha_is_the_smallest_without_coefficients():
    for seed in range(6):
        X, y, weight, params = bounded_case(seed)
        params["l1_ratio"] = 0.8
        params["lower"] = np.minimum(params["lower"], 0)
        params["upper"] = np.maximum(params["upper"], 0)
        del params["alpha"]
        coefs = enet_path(X, y, alphas=2, eps=0.99, sample_weight=weight, **params)[1]
        penalized = params["penalty_weights"] > 0
        assert_allclose(coefs[penalized, 0], 0, atol=1e-10)
        assert np.max(np.abs(coefs[penalized, 1])) > 1e-8


def test_any_order_of_alphas_descends():
    X, y = case()
    given = [0.05, 0.5, 0.2, 0.05, 0.0]
    alphas, coefs, _ = lasso_path(X, y, alphas=given)
    assert_array_equal(alphas, [0.5, 0.2, 0.05, 0.05, 0.0])
    assert_allclose(coefs[:, 2], coefs[:, 3])
    assert_allclose(coefs[:, 4], np.linalg.lstsq(X, y)[0], atol=1e-8)
    one, coefs, _ = lasso_path(X, y, alphas=np.array([0.2]))
    assert_allclose(coefs[:, 0], Lasso(alpha=0.2, fit_intercept=False).fit(X, y).coef_)
    assert_array_equal(one, [0.2])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_fitted_intercept_is_centring(dtype):
    X, y = load_diabetes(return_X_y=True)
    X, y = X.astype(dtype), y.astype(dtype)
    alphas, coefs, _ = lasso_path(X, y, alphas=10, fit_intercept=True)
    centred = lasso_path(X - X.mean(axis=0), y - y.mean(), alphas=10)
    assert coefs.dtype == dtype
    assert_allclose(alphas, centred[0], rtol=1e-5)
    assert_allclose(coefs, centred[1], rtol=1e-3, atol=0.1)
    fit = Lasso(alpha=alphas[5]).fit(X, y)
    assert_allclose(coefs[:, 5], fit.coef_, rtol=1e-3, atol=0.1)


def test_weights_are_repeated_rows():
    X, y = case(3)
    counts = np.random.default_rng(0).integers(0, 3, len(y))
    weighted = lasso_path(X, y, alphas=10, sample_weight=counts, fit_intercept=True, tol=1e-10)
    rows = np.repeat(np.arange(len(y)), counts)
    repeated = lasso_path(X[rows], y[rows], alphas=10, fit_intercept=True, tol=1e-10)
    assert_allclose(weighted[0], repeated[0], rtol=1e-10)
    assert_allclose(weighted[1], repeated[1], atol=1e-8)


def test_start_and_leftover_parameters_do_not_change_the_answer():
    X, y = case()
    expected = lasso_path(X, y, alphas=[0.3, 0.1])[1]
    others = [
        {"coef_init": np.full(15, 5.0)},
        {"coef_init": [0] * 15},
        {"precompute": True},
        {"precompute": X.T @ X},
        {"Xy": X.T @ y},
        {"copy_X": False, "selection": "random", "random_state": 3},
        {"max_iter": None},
    ]
    for options in others:
        assert_allclose(lasso_path(X, y, alphas=[0.3, 0.1], **options)[1], expected, atol=1e-9)


def test_a_start_at_the_solution_saves_the_way():
    X, y = case()
    options = {"alphas": [0.01], "return_n_iter": True, "tol": 1e-8}
    _, coefs, _, cold = lasso_path(X, y, **options)
    assert lasso_path(X, y, coef_init=coefs[:, 0], **options)[3][0] < cold[0]


@pytest.mark.parametrize("factor", [1e-150, 1e150])
def test_scales_of_the_target_do_not_matter(factor):
    X, y = case()
    alphas, coefs, _ = lasso_path(X, y, alphas=5)
    scaled = lasso_path(X, y * factor, alphas=5)
    assert_allclose(scaled[0] / factor, alphas)
    assert_allclose(scaled[1] / factor, coefs, atol=1e-10)


def test_data_that_no_penalty_changes():
    X, _ = case()
    for y in (np.zeros(60), np.full(60, 3.0)):
        alphas, coefs, gaps = lasso_path(X, y, alphas=4, fit_intercept=True)
        assert_array_equal(coefs, 0)
        assert_array_equal(gaps, 0)
        assert np.all(alphas > 0)


def test_verbose_prints_a_line_for_each_alpha(capsys):
    X, y = case()
    lasso_path(X, y, alphas=7)
    assert capsys.readouterr().out == ""
    lasso_path(X, y, alphas=7, verbose=True)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 7
    assert "alpha 7 of 7" in lines[-1]


def test_deprecated_numbers_of_alphas_still_count():
    X, y = case()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(lasso_path(X, y)[0]) == 100
    with pytest.warns(FutureWarning, match="give alphas=5 instead") as caught:
        assert len(lasso_path(X, y, n_alphas=5)[0]) == 5
    assert caught[0].filename == __file__
    with pytest.warns(FutureWarning, match="alphas=None is deprecated"):
        assert len(enet_path(X, y, alphas=None)[0]) == 100


def test_not_converged_says_how_far_and_where():
    X, y = case()
    with pytest.warns(ConvergenceWarning, match=r"at \d+ of 5 alphas: .* gap is") as caught:
        lasso_path(X, y, alphas=5, max_iter=1, tol=0, coef_init=np.full(15, 100.0))
    assert caught[0].filename == __file__


def test_not_converged_names_the_worst_alpha():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 30)) + 3 * rng.standard_normal((40, 1))
    with pytest.warns(ConvergenceWarning) as caught:
        alphas, _, gaps = lasso_path(X, X @ rng.standard_normal(30), max_iter=1, tol=1e-9)
    worst = int(np.argmax(gaps))
    assert gaps[worst] > 1.5 * gaps[gaps > 0][0]  # the first that fails is another one
    assert f"alpha={alphas[worst]:.6g} the duality gap is {gaps[worst]:.3g}" in str(
        caught[0].message
    )


@pytest.mark.parametrize("l1_ratio", [1.0, 0.5])
def test_gaps_are_on_the_scale_of_the_objective(l1_ratio):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((20, 60)) + rng.standard_normal((20, 1))
    y = X[:, :8].sum(axis=1) + rng.standard_normal(20)
    options = {"l1_ratio": l1_ratio, "tol": 0}
    with pytest.warns(ConvergenceWarning):
        _, coefs, gaps = enet_path(X, y, alphas=[0.01], max_iter=1, **options)
    with pytest.warns(ConvergenceWarning):
        model = ElasticNet(alpha=0.01, max_iter=1, fit_intercept=False, **options).fit(X, y)
    exact = enet_path(X, y, l1_ratio=l1_ratio, alphas=[0.01], tol=1e-12)[1][:, 0]
    least = enet_objective(exact, 0.0, X, y, 0.01, l1_ratio)
    for coef, gap in [(coefs[:, 0], gaps[0]), (model.coef_, model.dual_gap_)]:
        reached = enet_objective(coef, 0.0, X, y, 0.01, l1_ratio)
        assert 0 < reached - least <= gap < 2 * reached  # n times the gap would be more


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"alphas": [0.1, -1.0]}, "alphas must be finite and not negative, but they contain -1.0"),
        ({"alphas": [np.nan]}, "alphas must be finite"),
        ({"alphas": [[1.0]]}, r"it has shape \(1, 1\)"),
        ({"alphas": []}, r"it has shape \(0,\)"),
        ({"alphas": 0}, "'alphas' parameter"),
        ({"alphas": "many"}, "'alphas' parameter"),
        ({"eps": 0.0}, "'eps' parameter"),
        ({"l1_ratio": 1.5}, "'l1_ratio' parameter"),
        ({"l1_ratio": 0.0}, "l1_ratio=0 has no largest useful alpha"),
        ({"coef_init": [1.0]}, r"coef_init must .* have shape \(15,\), .* shape \(1,\)"),
        ({"coef_init": np.full(15, np.nan)}, "coef_init must hold finite .*is not finite"),
        ({"Xy": [1.0]}, r"Xy has shape \(1,\); X'y has shape \(15,\)"),
        ({"precompute": np.eye(15)}, "did not pass validation"),
        ({"precompute": np.eye(3)}, r"precompute has shape \(3, 3\)"),
        ({"penalty_weights": [1.0]}, "penalty_weights has shape"),
        ({"lower": 1, "upper": 0}, "lower must not lie above upper"),
        ({"sample_weight": np.full(60, -1.0)}, "sample_weight must be non-negative"),
        ({"max_iter": 0}, "'max_iter' parameter"),
    ],
)
def test_bad_arguments(options, message):
    X, y = case()
    with pytest.raises(ValueError, match=message):
        enet_path(X, y, **options)


def test_bad_data():
    X, y = case()
    with pytest.raises(ValueError, match="Input X contains NaN"):
        lasso_path(np.where(X > 1, np.nan, X), y)
    with pytest.raises(ValueError, match="Input y contains infinity"):
        lasso_path(X, np.where(y > 1, np.inf, y))
    with pytest.raises(ValueError, match="inconsistent numbers of samples: 60 in X, 59 in y"):
        lasso_path(X, y[:-1])
    with pytest.raises(TypeError, match="y is sparse"):
        lasso_path(X, sparse.csr_array(y[:, None]))
    with pytest.raises(TypeError, match="unexpected keyword argument 'no_such'"):
        lasso_path(X, y, no_such=1)


@pytest.mark.parametrize("l1_ratio", [1.0, 0.5])
def test_several_targets_share_their_features(l1_ratio):
    X, y = case()
    Y = np.column_stack([y, 2 * X[:, 5] - y, np.arange(60.0) - 29.5])
    options = {"l1_ratio": l1_ratio, "alphas": 10, "eps": 1e-2, "max_iter": 50_000, "tol": 1e-10}
    ours, theirs = (f(X, Y, return_n_iter=True, **options) for f in (enet_path, twins.enet_path))
    assert_allclose(ours[0], theirs[0], rtol=1e-10)
    assert_allclose(ours[1], theirs[1], atol=1e-5)
    assert ours[1].shape == (3, 15, 10)
    assert np.all(ours[2] <= 1e-10 * np.vdot(Y, Y) / 60)
    assert [type(v) for v in ours] == [type(v) for v in theirs]
    rows = np.any(ours[1] != 0, axis=0)
    assert_array_equal(rows, np.all(ours[1] != 0, axis=0))
    started = enet_path(X, Y, coef_init=np.ones((3, 15)), Xy=X.T @ Y, **options)
    assert_allclose(started[1], ours[1], atol=1e-6)


def test_several_targets_with_weights_are_what_a_fit_finds():
    X, y = case()
    Y = np.column_stack([y, X[:, 0] + 0.1 * y]) + 3
    weight = np.random.default_rng(0).integers(0, 4, 60)
    options = {"penalty_weights": np.r_[0, np.inf, np.ones(13)], "tol": 1e-10}
    path = {"alphas": [0.05, 0.5], "fit_intercept": True, "sample_weight": weight}
    for container in CONTAINERS:
        alphas, coefs, _ = lasso_path(container(X), Y, **path, **options)
        for alpha, coef in zip(alphas, coefs.T, strict=True):
            model = MultiTaskLasso(alpha=alpha, **options).fit(X, Y, weight)
            assert_allclose(coef, model.coef_.T, atol=1e-6)
    assert_array_equal(coefs[:, 1], 0)
    assert np.all(coefs[:, 0] != 0)


def test_one_column_is_one_task():
    X, y = case()
    column = lasso_path(X, y[:, None], alphas=6, tol=1e-12)
    flat = lasso_path(X, y, alphas=6, tol=1e-12)
    assert_allclose(column[0], flat[0])
    assert_allclose(column[1][0], flat[1], atol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"positive": True}, "positive=True is not allowed for multi-output"),
        ({"lower": 0}, "lower and upper are not allowed for multi-output"),
        ({"upper": np.ones(15)}, "lower and upper are not allowed for multi-output"),
        ({"coef_init": np.ones(15)}, r"have shape \(2, 15\), but it has shape \(15,\)"),
        ({"Xy": np.ones(15)}, r"X'y has shape \(15, 2\)"),
    ],
)
def test_bad_arguments_of_several_targets(options, message):
    X, y = case()
    with pytest.raises(ValueError, match=message):
        lasso_path(X, np.column_stack([y, y]), **options)


def test_check_input_false_skips_the_checks(monkeypatch):
    X, y = case()
    expected = enet_path(X, y, alphas=5)[1]
    monkeypatch.setattr("skreg._sparse_path.check_array", None)
    found = enet_path(np.asfortranarray(X), y, alphas=5, check_input=False)[1]
    assert_allclose(found, expected, rtol=1e-10)


def test_a_path_of_tasks_without_penalty_stays_where_it_is():
    # All products are rounding after the first alpha; there is nothing left to do.
    X, y = case()
    Y = np.column_stack([y, X[:, 1] - y])
    _, coefs, gaps, n_iters = lasso_path(
        X, Y, alphas=20, penalty_weights=np.zeros(X.shape[1]), return_n_iter=True
    )
    expected = np.linalg.lstsq(X, Y)[0].T
    assert_allclose(coefs, np.repeat(expected[..., None], 20, axis=2), atol=1e-9)
    assert max(gaps) <= 1e-10
    assert max(n_iters[1:]) <= 2
