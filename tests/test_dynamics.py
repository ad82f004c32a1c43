import doctest

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import make_classification
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skreg import MLPClassifier, MLPRegressor, dynamics
from skreg.dynamics import spectral_energy, weights_over_time

SIZES = st.integers(2, 7)


def random_case(seed=0, n=30, n_features=5, n_units=3, n_times=4):
    """Weights of a random walk, and samples whose features are unlike in size."""
    rng = np.random.default_rng(seed)
    weights = rng.standard_normal((n_times, n_features, n_units)).cumsum(axis=0)
    X = rng.standard_normal((n, n_features)) * 2.0 ** -np.arange(n_features)
    return weights, X @ rng.standard_normal((n_features, n_features)) + 1


def recorded(n_epochs=6, model=MLPClassifier, hidden=(4, 3), **params):
    """A network trained for some epochs, without a warning that there are so few."""
    X, y = make_classification(n_samples=60, n_features=5, random_state=0)
    mlp = model(hidden_layer_sizes=hidden, **{"record": "parameters", "random_state": 0, **params})
    for _ in range(n_epochs):
        mlp.partial_fit(X, y, **({"classes": [0, 1]} if model is MLPClassifier else {}))
    return mlp, X, y


# Known answers


@pytest.mark.parametrize("k", range(5))
def test_an_update_along_one_component_has_all_energy_there(k):
    weights, X = random_case()
    v = PCA().fit(X).components_[k]
    update = np.outer(v, [1.0, -2.0, 0.5])
    result = spectral_energy([weights[0], weights[0] + update], X)
    np.testing.assert_allclose(result.energy, [np.eye(5)[k] * 5.25], atol=1e-12)
    np.testing.assert_allclose(result.cumulative_share, [np.arange(5) >= k], atol=1e-12)


def test_components_are_those_of_pca():
    weights, X = random_case()
    result, pca = spectral_energy(weights, X), PCA().fit(X)
    np.testing.assert_allclose(result.explained_variance, pca.explained_variance_)
    expected = [np.square(pca.components_ @ w).sum(axis=1) for w in np.diff(weights, axis=0)]
    np.testing.assert_allclose(result.energy, expected)
    np.testing.assert_allclose(
        result.cumulative_share, np.cumsum(expected, axis=1) / np.sum(expected, axis=1)[:, None]
    )
    np.testing.assert_allclose(result.isotropic, [0.2, 0.4, 0.6, 0.8, 1.0])


def test_directions_at_random_follow_the_isotropic_line():
    rng = np.random.default_rng(0)
    weights = rng.standard_normal((3, 20, 5000))
    result = spectral_energy(weights, random_case(n_features=20)[1])
    np.testing.assert_allclose(result.cumulative_share, [result.isotropic] * 2, atol=0.02)


def test_gradient_descent_learns_leading_components_first():
    # In the basis of components, least squares shrinks error k by 1 - eta s_k^2 in each step.
    _, X = random_case(n=40, n_units=1)
    X -= X.mean(axis=0)
    _, s, vt = np.linalg.svd(X, full_matrices=False)
    eta, target, weights = 0.5 / s[0] ** 2, vt.sum(axis=0), [np.zeros(5)]
    for _ in range(25):
        weights.append(weights[-1] - eta * X.T @ (X @ (weights[-1] - target)))
    result = spectral_energy(weights, X)
    t = np.arange(25)[:, np.newaxis]
    expected = (eta * s**2 * (1 - eta * s**2) ** t) ** 2
    np.testing.assert_allclose(result.energy, expected, rtol=1e-6, atol=1e-14)
    assert result.cumulative_share[0, 0] > 3 * result.isotropic[0]
    assert np.all(np.diff(result.cumulative_share[:, 0]) < 0)


def test_a_linear_model_has_one_unit():
    weights, X = random_case(n_units=1)
    np.testing.assert_array_equal(
        spectral_energy(weights[:, :, 0], X).energy, spectral_energy(weights, X).energy
    )


# What is hard


def test_an_update_of_zero_has_no_direction():
    weights, X = random_case()
    result = spectral_energy([weights[0], weights[0], weights[1]], X)
    np.testing.assert_array_equal(result.energy[0], np.zeros(5))
    assert np.isnan(result.cumulative_share[0]).all()
    assert result.cumulative_share[1, -1] == 1


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e13 / 7])
def test_features_without_variance_share_their_energy(constant):
    weights, X = random_case()
    X[:, [0, 3]] = constant
    result = spectral_energy(weights, X)
    np.testing.assert_array_equal(result.explained_variance[3:], [0, 0])
    update = np.diff(weights, axis=0)[:, [0, 3]]
    expected = np.square(update).sum(axis=(1, 2)) / 2
    np.testing.assert_allclose(result.energy[:, 3:], np.c_[expected, expected])


def test_fewer_samples_than_features():
    weights, X = random_case(n=3)
    result = spectral_energy(weights, X)
    assert np.count_nonzero(result.explained_variance) == 2
    np.testing.assert_allclose(
        result.energy.sum(axis=1), np.square(np.diff(weights, axis=0)).sum(axis=(1, 2))
    )


def test_float32_differs_by_its_rounding_only():
    weights, X = random_case()
    weights, X = weights.astype(np.float32), X.astype(np.float32)
    single = spectral_energy(weights, X)
    double = spectral_energy(weights.astype(float), X.astype(float))
    assert single.energy.dtype == np.float64
    for a, b in zip(single, double, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("of_weights", "of_X"), [(1e-170, 1), (1e170, 1), (1, 1e-170), (1, 1e170)]
)
def test_shares_do_not_depend_on_the_scale(of_weights, of_X):
    weights, X = random_case()
    found = spectral_energy(weights * of_weights, X * of_X)
    np.testing.assert_allclose(
        found.cumulative_share, spectral_energy(weights, X).cumulative_share, rtol=1e-9
    )


# Properties


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), SIZES, SIZES, st.integers(1, 4))
def test_parts_sum_to_the_whole(seed, n, n_features, n_units):
    weights, X = random_case(seed, n, n_features, n_units)
    result = spectral_energy(weights, X)
    np.testing.assert_allclose(
        result.energy.sum(axis=1), np.square(np.diff(weights, axis=0)).sum(axis=(1, 2))
    )
    assert np.all(result.energy >= 0)
    assert np.all(np.diff(result.cumulative_share) >= 0)
    np.testing.assert_allclose(result.cumulative_share[:, -1], 1)
    assert np.all(np.diff(result.explained_variance) <= 0)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), SIZES, SIZES)
def test_rotations_and_shifts_change_nothing(seed, n, n_features):
    weights, X = random_case(seed, n, n_features)
    rng = np.random.default_rng(seed)
    rotation = np.linalg.qr(rng.standard_normal((n_features, n_features)))[0]
    expected = spectral_energy(weights, X)
    found = spectral_energy(rotation @ weights, (X - rng.standard_normal(n_features)) @ rotation.T)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)
    # Units and samples may change places.
    found = spectral_energy(weights[:, :, ::-1], rng.permutation(X))
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


# Weights of a network


@pytest.mark.parametrize("layer", [0, 1, 2])
@pytest.mark.parametrize("model", [MLPClassifier, MLPRegressor])
def test_the_last_weights_are_those_of_the_network(layer, model):
    mlp, X, _ = recorded(model=model)
    weights = weights_over_time(mlp, layer=layer)
    assert weights.shape == (6, *mlp.coefs_[layer].shape)
    np.testing.assert_array_equal(weights[-1], mlp.coefs_[layer])
    np.testing.assert_array_equal(weights_over_time(mlp, layer, every=2), weights[::2])
    if layer == 0:
        assert spectral_energy(weights, X).energy.shape == (5, 5)


def test_epochs_without_record_are_left_out():
    mlp, X, y = recorded(n_epochs=2)
    last = mlp.coefs_[0].copy()
    mlp.set_params(record=()).partial_fit(X, y)
    mlp.set_params(record="parameters").partial_fit(X, y)
    epochs, weights = dynamics.recorded_weights(mlp)
    np.testing.assert_array_equal(epochs, [1, 2, 4])
    np.testing.assert_array_equal(weights[1:], [last, mlp.coefs_[0]])


# Bad input


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w, X: (w[:1], X), r"weights_over_time has the shape \(1, 5, 3\).*two times"),
        (lambda w, X: (w[0, 0], X), "1D array|has the shape"),
        (lambda w, X: (w[None], X), r"has the shape \(1, 4, 5, 3\)"),
        (lambda w, X: (w[:, :, :0], X), r"has the shape \(4, 5, 0\)"),
        (lambda w, X: (w * np.nan, X), "weights_over_time contains NaN"),
        (lambda w, X: (w, np.where(X < 2, X, np.inf)), "X contains infinity"),
        (lambda w, X: (w, X[:, :4]), "X has 4 features, but weights_over_time has weights for 5"),
        (lambda w, X: (w, X[:1]), r"X has 1 sample\(s\), all equal"),
        (lambda w, X: (w, X[[2, 2, 2]]), r"X has 3 sample\(s\), all equal"),
        (lambda w, X: (w, X[0]), "Expected 2D array"),
        (lambda w, X: (None, X), "'weights_over_time' parameter"),
    ],
)
def test_errors_say_what_to_do(change, message):
    with pytest.raises(ValueError, match=message):
        spectral_energy(*change(*random_case()))


def test_errors_of_networks():
    mlp, X, _ = recorded()
    with pytest.raises(NotFittedError):
        weights_over_time(MLPClassifier(record="parameters"))
    plain, *_ = recorded(record=())
    with pytest.raises(ValueError, match="set record='parameters' and fit again"):
        weights_over_time(plain)
    with pytest.raises(ValueError, match=r"This Pipeline has no .*take the last step"):
        weights_over_time(make_pipeline(StandardScaler().fit(X), mlp))
    with pytest.raises(ValueError, match=r"layer=3, .* has 3 weight matrices.*0 to 2"):
        weights_over_time(mlp, layer=3)
    with pytest.raises(ValueError, match="'layer' parameter"):
        weights_over_time(mlp, layer=-1)
    with pytest.raises(ValueError, match="'every' parameter"):
        weights_over_time(mlp, every=0)


@pytest.mark.parametrize("name", dynamics.__all__)
def test_docstring_examples_run(name):
    function = getattr(dynamics, name)
    tests = [t for t in doctest.DocTestFinder().find(function, name, module=False) if t.examples]
    assert tests, f"{name} has no example"
    runner = doctest.DocTestRunner()
    for test in tests:
        test.globs = {}
        runner.run(test)
    assert runner.summarize(verbose=False).failed == 0
