"""MLPRegressor: scikit-learn's contract and numbers; each loss finds what it is made for."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.datasets import load_diabetes, make_regression
from sklearn.exceptions import DataConversionWarning
from sklearn.metrics import d2_pinball_score, r2_score
from sklearn.neural_network import MLPRegressor as Twin
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks

from skreg import MLPRegressor
from skreg.schedules import PowerLaw
from tests.mlp_cases import ignore_convergence, parameters, quiet_fit


def diabetes():
    X, y = load_diabetes(return_X_y=True)
    return X / X.std(axis=0), (y - y.mean()) / y.std()


def counts():
    X, y = diabetes()
    return X, np.round(np.exp(y / 2) * 3)


def several():
    X, Y = make_regression(150, 6, n_targets=3, random_state=0)
    return X, Y / Y.std(axis=0)


# --- the contract ---

CHECKED = [
    MLPRegressor(max_iter=100),
    MLPRegressor(solver="lbfgs", max_iter=50),
    MLPRegressor("absolute_error", solver="sgd", max_iter=100, learning_rate="adaptive"),
    MLPRegressor("huber", solver="adamw", max_iter=100, l1=1e-3),
    MLPRegressor("quantile", (8, 4), ["gelu", "tanh"], max_iter=100, learning_rate_init=0.01),
    MLPRegressor("poisson", (8,), max_iter=100, max_grad_norm=99.0, learning_rate_init=0.02),
]


def negative_targets(estimator):
    """A check that gives them to every estimator, whatever its tags say."""
    why = {"check_regressor_multioutput": "y < 0, though the tags say that y is positive"}
    return why if estimator.loss == "poisson" else {}


@parametrize_with_checks(CHECKED, expected_failed_checks=negative_targets)
@ignore_convergence
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def test_the_tags_tell_of_several_targets_and_of_counts():
    tags = {loss: MLPRegressor(loss).__sklearn_tags__().target_tags
            for loss in ("squared_error", "poisson")}  # fmt: skip
    assert all(t.multi_output and t.single_output for t in tags.values())
    assert [t.positive_only for t in tags.values()] == [False, True]
    # The checks of several targets do run.
    names = [getattr(c, "func", c).__name__ for _, c in estimator_checks_generator(CHECKED[0])]
    assert "check_regressor_multioutput" in names


# --- scikit-learn's numbers ---

SAME = {
    "sgd": (diabetes, {"solver": "sgd"}),
    "no shuffle": (diabetes, {"solver": "sgd", "shuffle": False, "batch_size": 50}),
    "adaptive": (diabetes, {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.5,
                            "n_iter_no_change": 2}),
    "inverse scaling": (diabetes, {"solver": "sgd", "learning_rate": "invscaling"}),
    "no hidden layer": (diabetes, {"solver": "sgd", "hidden_layer_sizes": ()}),
    "early stopping": (diabetes, {"solver": "sgd", "early_stopping": True,
                                  "n_iter_no_change": 3}),
    "lbfgs": (diabetes, {"solver": "lbfgs"}),
    "several targets": (several, {"solver": "lbfgs", "activation": "tanh"}),
    "several targets, sgd": (several, {"solver": "sgd", "early_stopping": True}),
    "poisson": (counts, {"loss": "poisson", "solver": "sgd", "learning_rate_init": 0.01}),
    "poisson, lbfgs": (counts, {"loss": "poisson", "solver": "lbfgs"}),
    # scikit-learn adds epsilon before the bias correction: equal where epsilon does not matter.
    "adam": (diabetes, {"epsilon": 1e-20}),
}  # fmt: skip


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("case", SAME)
def test_fit_is_scikit_learn_s(case, weighted):
    table, params = SAME[case]
    X, y = table()
    weight = np.random.default_rng(0).uniform(0, 2, len(y)) if weighted else None
    params = {"max_iter": 15, "random_state": 3, "hidden_layer_sizes": (20,), **params}
    ours = quiet_fit(MLPRegressor(**params), X, y, sample_weight=weight)
    theirs = quiet_fit(Twin(**params), X, y, sample_weight=weight)
    assert_allclose(parameters(ours), parameters(theirs), rtol=0, atol=1e-8)
    assert_allclose(ours.predict(X), theirs.predict(X), rtol=0, atol=1e-7)
    assert_allclose(ours.score(X, y, weight), theirs.score(X, y, weight), rtol=1e-8)
    names = ("n_iter_", "t_", "n_layers_", "n_outputs_")
    assert [getattr(ours, k) for k in names] == [getattr(theirs, k) for k in names]
    # scikit-learn's objective of Poisson lacks the terms that depend on y alone, and is the mean
    # over targets.
    if table is diabetes:
        assert_allclose(ours.loss_, theirs.loss_, rtol=1e-8)
        if params.get("solver") != "lbfgs":
            assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-8)
            if theirs.validation_scores_ is not None:
                assert_allclose(ours.validation_scores_, theirs.validation_scores_, rtol=1e-8)


# --- what each loss finds ---


def bare(loss, **params):
    """A linear model that has nothing but its loss to go by."""
    settings = {"alpha": 0.0, "max_iter": 500, "learning_rate": PowerLaw(0.3, a=1, tau=50),
                "tol": 0, "n_iter_no_change": np.inf, "random_state": 0}  # fmt: skip
    return MLPRegressor(loss, (), batch_size=501, **{**settings, **params})


def skewed(n=501):
    return np.zeros((n, 1)), np.random.default_rng(0).exponential(2.0, n)


def test_the_squared_error_finds_the_mean_and_the_absolute_error_the_median():
    X, y = skewed()
    assert_allclose(quiet_fit(bare("squared_error"), X, y).predict(X[:1]), y.mean(), rtol=2e-3)
    assert_allclose(
        quiet_fit(bare("absolute_error"), X, y).predict(X[:1]), np.median(y), rtol=0.02
    )


@pytest.mark.parametrize("q", [0.1, 0.5, 0.8])
def test_the_quantile_loss_finds_the_quantile(q):
    X, y = skewed()
    model = quiet_fit(bare("quantile", quantile=q), X, y)
    assert model.predict(X).shape == y.shape
    assert abs((y < model.predict(X)).mean() - q) < 0.02


def test_huber_stands_between_median_and_mean():
    X, y = skewed()
    found = [quiet_fit(bare("huber", huber_delta=d), X, y).predict(X[:1])[0] for d in (0.1, 2, 99)]
    assert_allclose(found[0], np.median(y), rtol=0.05)
    assert_allclose(found[2], y.mean(), rtol=5e-3)
    assert found[0] < found[1] < found[2]
    # Its optimality condition: clipped residuals sum to 0.
    assert abs(np.clip(y - found[1], -2, 2).mean()) < 0.01


def test_poisson_predicts_the_mean_on_the_scale_of_y():
    X, y = skewed()
    model = quiet_fit(bare("poisson"), X, y)
    assert_allclose(model.predict(X[:1]), y.mean(), rtol=5e-3)
    assert_allclose(np.exp(model.intercepts_[-1]), model.predict(X[:1]))
    assert model.out_activation_ == "exp"
    assert quiet_fit(bare("huber"), X, y).out_activation_ == "identity"


def test_several_quantiles_come_in_columns_that_are_ordered():
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (800, 1))
    y = X[:, 0] + (1.2 + X[:, 0]) * rng.standard_normal(800)
    levels = [0.1, 0.5, 0.9]
    model = MLPRegressor(
        "quantile", (20,), "tanh", quantile=levels, max_iter=150, learning_rate_init=0.02,
        random_state=0,
    )  # fmt: skip
    P = quiet_fit(model, X, y).predict(X)
    assert P.shape == (800, 3)
    assert ((P[:, 0] < P[:, 1]) & (P[:, 1] < P[:, 2])).mean() > 0.95
    assert_allclose((y[:, None] < P).mean(axis=0), levels, atol=0.04)
    # The noise grows with x, and so does the distance.
    assert np.corrcoef(P[:, 2] - P[:, 0], X[:, 0])[0, 1] > 0.9
    scores = [d2_pinball_score(y, P[:, k], alpha=q) for k, q in enumerate(levels)]
    assert_allclose(model.score(X, y), np.mean(scores))


def test_a_list_of_one_quantile_is_one_column():
    X, y = skewed()
    a, b = (quiet_fit(bare("quantile", quantile=q, max_iter=5), X, y) for q in (0.7, [0.7]))
    assert_array_equal(a.predict(X)[:, None], b.predict(X))
    assert a.score(X, y) == b.score(X, y)
    assert_allclose(a.score(X, y), d2_pinball_score(y, a.predict(X), alpha=0.7))


def test_a_fitted_model_is_scored_by_the_quantiles_that_it_learned():
    X, y = skewed()
    model = quiet_fit(bare("quantile", quantile=0.7, max_iter=5), X, y)
    before = model.score(X, y)
    assert model.set_params(quantile=[0.1, 0.9]).score(X, y) == before


# --- shapes, scores, uncertainty ---


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array, sparse.csc_matrix])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_shapes_and_types(container, dtype):
    X, Y = several()
    X = container(X.astype(dtype))
    for y in (Y[:, 0], Y):
        model = quiet_fit(MLPRegressor(hidden_layer_sizes=(5,), max_iter=3, dropout=0.1), X, y)
        mean, std = model.predict(X, return_std=True, n_samples=3)
        assert mean.shape == std.shape == y.shape
        assert mean.dtype == std.dtype == dtype
        assert model.score(X, y) == r2_score(y, mean)


def test_a_column_of_targets_gives_a_vector_of_predictions():
    X, y = diabetes()
    params = {"max_iter": 4, "random_state": 0, "early_stopping": True}
    flat = quiet_fit(MLPRegressor(**params), X, y)
    column = quiet_fit(MLPRegressor(**params), X, y[:, None])
    assert_array_equal(column.predict(X), flat.predict(X))
    assert column.validation_scores_ == flat.validation_scores_


def test_the_standard_deviation_is_that_of_passes_with_dropout():
    # One unit, always on: a pass gives 0 or 2 x, half of the time each.
    X = np.linspace(0.5, 2, 4)[:, None]
    model = MLPRegressor("squared_error", (1,), "identity", dropout=0.5, random_state=0)
    quiet_fit(model.set_params(max_iter=1), X, X[:, 0])
    model.coefs_, model.intercepts_ = [np.eye(1), np.eye(1)], [np.zeros(1), np.zeros(1)]
    mean, std = model.predict(X, return_std=True, n_samples=4000, random_state=1)
    assert_array_equal(mean, X[:, 0])
    assert_allclose(std, X[:, 0], rtol=0.05)
    again = model.predict(X, return_std=True, n_samples=4000, random_state=1)[1]
    assert_array_equal(std, again)
    assert np.abs(model.predict(X, return_std=True, random_state=2)[1] - std).max() > 0


def test_poisson_deviations_are_on_the_scale_of_y():
    X, y = counts()
    model = quiet_fit(MLPRegressor("poisson", (9,), dropout=0.2, max_iter=20), X, y)
    mean, std = model.predict(X, return_std=True)
    assert (mean > 0).all()
    assert (std > 0).all()


# --- errors ---


@pytest.mark.parametrize(
    ("params", "y", "message"),
    [
        ({"loss": "poisson"}, "negative", r"loss='poisson' needs y >= 0; the smallest is -3"),
        ({"loss": "quantile", "quantile": [0.1, 0.9]}, "two", "one target, or one quantile"),
        ({"loss": "quantile", "quantile": 1.0}, "one", "'quantile' parameter"),
        ({"loss": "quantile", "quantile": [0.5, 1.0]}, "one", r"quantile=\[0.5, 1.0\] must be"),
        ({"loss": "quantile", "quantile": []}, "one", r"quantile=\[\] must be one number"),
        ({"loss": "quantile", "quantile": [[0.5]]}, "one", "must be one number"),
        ({"loss": "quantile", "quantile": np.array(0.5)}, "one", "must be one number"),
        ({"huber_delta": 0.0}, "one", "'huber_delta' parameter"),
        ({"loss": "log_loss"}, "one", "'loss' parameter"),
        ({}, "huge", r"too large for float32.*Scale y, or pass X in float64"),
    ],
)
def test_bad_targets_and_parameters(params, y, message):
    X = np.eye(4, dtype=np.float32)
    targets = {"one": np.arange(4.0), "two": np.eye(4)[:, :2], "negative": np.arange(-3.0, 1),
               "huge": np.array([0, 1, 2, 1e200])}  # fmt: skip
    with pytest.raises(ValueError, match=message):
        MLPRegressor(**params).fit(X, targets[y])


def test_words_as_targets_are_checked_as_numbers():
    X = np.eye(4)
    with pytest.raises(ValueError, match="Input y contains NaN"):
        MLPRegressor().fit(X, np.array(["1", "2", "nan", "3"]))
    found = quiet_fit(MLPRegressor("poisson", max_iter=2, random_state=0), X, list("1203"))
    same = quiet_fit(MLPRegressor("poisson", max_iter=2, random_state=0), X, [1, 2, 0, 3])
    assert_array_equal(found.predict(X), same.predict(X))


def test_the_number_of_targets_stays():
    X, Y = several()
    model = MLPRegressor(hidden_layer_sizes=(3,)).partial_fit(X, Y)
    with pytest.raises(ValueError, match="y has 2 targets, but the network has learned 3"):
        model.partial_fit(X, Y[:, :2])


def test_a_column_of_targets_is_no_reason_to_warn(recwarn):
    X, y = skewed(30)
    quiet_fit(MLPRegressor(max_iter=2), X, y[:, None])
    assert not [w for w in recwarn if w.category is DataConversionWarning]
