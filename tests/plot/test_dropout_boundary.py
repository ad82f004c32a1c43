import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_blobs
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression

from skreg import MLPClassifier, MLPRegressor
from skreg.plot import DropoutBoundaryDisplay

X, y = make_blobs(90, centers=4, random_state=3)
X = X / 5


def trained(n_classes=2, X=X, n_epochs=40, **params):
    mlp = MLPClassifier(
        (16, 12), **{"dropout": 0.3, "random_state": 0, "learning_rate_init": 0.02, **params}
    )
    for _ in range(n_epochs):
        mlp.partial_fit(X, y % n_classes, classes=range(n_classes))
    return mlp


def draw(mlp, n_classes=2, **options):
    options = {"n_samples": 5, "grid_resolution": 30, "random_state": 0, **options}
    return DropoutBoundaryDisplay.from_estimator(mlp, X, y % n_classes, **options)


@pytest.mark.parametrize("n_classes", [2, 3, 4])
def test_lines_lie_where_the_leading_class_changes(n_classes):
    display = draw(trained(n_classes), n_classes)
    display.figure_.canvas.draw()
    assert display.draws.shape == (5, 30, 30, n_classes)
    np.testing.assert_allclose(display.draws.sum(axis=-1), 1)
    assert len(display.mean_) == n_classes - 1
    assert len(display.draws_) <= 5 * (n_classes - 1)
    assert len(display.points_) == n_classes
    # Beside the lines, and only there, neighbours on the grid are of different classes.
    winner = display.draws.mean(axis=0).argmax(axis=-1)
    change = winner[:, 1:] != winner[:, :-1]
    middles = (display.x0[1:] + display.x0[:-1]) / 2
    found = np.column_stack(np.nonzero(change))
    changes = np.c_[middles[found[:, 1]], display.x1[found[:, 0]]]
    vertices = np.concatenate([p.vertices for c in display.mean_ for p in c.get_paths()])
    step = max(np.diff(display.x0)[0], np.diff(display.x1)[0])
    distance = np.abs(changes[:, np.newaxis] - vertices).max(axis=-1).min(axis=1)
    assert distance.max() <= step


def test_points_are_the_data():
    display = draw(trained(3), 3)
    for k, points in enumerate(display.points_):
        np.testing.assert_array_equal(points.get_offsets(), X[y % 3 == k])
        assert points.get_label() == f"class {k}"


@pytest.mark.parametrize("params", [{}, {"dropout": 0.0, "input_dropout": 0.25}])
def test_the_mean_is_that_of_monte_carlo_dropout(params):
    mlp = trained(**params)
    display = draw(mlp, n_samples=600, grid_resolution=2)
    grid = np.stack(np.meshgrid(display.x0, display.x1), axis=-1).reshape(-1, 2)
    expected = mlp.sample_proba(grid, n_samples=2000, random_state=1)
    mean = display.draws.mean(axis=0).reshape(-1, 2)
    np.testing.assert_allclose(mean, expected.mean(axis=0), atol=0.05)
    spread = display.draws.std(axis=0).reshape(-1, 2)
    np.testing.assert_allclose(spread, expected.std(axis=0), atol=0.05)


def test_a_pass_drops_the_same_units_everywhere():
    # So that it is a continuous function; with a mask for each sample, neighbours would differ.
    proba = draw(trained(), n_samples=3, grid_resolution=200).draws[..., 0]
    assert np.abs(np.diff(proba, axis=1)).max() < 0.2
    assert np.abs(np.diff(proba, axis=0)).max() > 0.01 * np.ptp(proba[0] - proba[1])


def test_the_network_stays_as_it_is_and_seeds_repeat():
    mlp = trained()
    before = mlp.predict_proba(X)
    first, second, other = draw(mlp), draw(mlp), draw(mlp, random_state=1)
    np.testing.assert_array_equal(first.draws, second.draws)
    assert not np.array_equal(first.draws, other.draws)
    np.testing.assert_array_equal(mlp.predict_proba(X), before)
    np.testing.assert_array_equal(
        draw(mlp, random_state=None).draws, draw(mlp, random_state=mlp.random_state).draws
    )


def test_float32_and_names_of_features():
    frame = pd.DataFrame(X.astype(np.float32), columns=["a", "b"])
    mlp = trained(X=frame)
    display = DropoutBoundaryDisplay.from_estimator(
        mlp, frame, y % 2, n_samples=2, grid_resolution=5
    )
    assert display.draws.dtype == np.float32
    with pytest.raises(ValueError, match="feature names"):
        DropoutBoundaryDisplay.from_estimator(mlp, frame[["b", "a"]], y % 2)


def test_a_plane_of_one_class_has_no_line():
    draws = np.full((2, 3, 4, 2), [0.7, 0.3])
    display = DropoutBoundaryDisplay(x0=range(4), x1=range(3), draws=draws).plot()
    display.figure_.canvas.draw()
    assert display.draws_ == display.mean_ == display.points_ == []


def test_axes_and_looks_are_those_given():
    ax = plt.subplots()[1]
    display = draw(trained(), ax=ax, alpha=0.9)
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    assert len(plt.get_fignums()) == 1
    assert display.draws_[0].get_alpha() == 0.9


def test_errors_say_what_to_do():
    with pytest.raises(NotFittedError):
        draw(MLPClassifier(dropout=0.1))
    with pytest.raises(ValueError, match="LogisticRegression has no sample_proba: pass an MLPCl"):
        draw(LogisticRegression().fit(X, y))
    regressor = MLPRegressor(hidden_layer_sizes=(3,), dropout=0.1).partial_fit(X, y)
    with pytest.raises(ValueError, match="MLPRegressor has no sample_proba: pass an MLPCl"):
        draw(regressor)
    with pytest.raises(ValueError, match=r"dropout=0.0 .*Set one of them"):
        draw(trained(dropout=0.0, n_epochs=1))
    with pytest.raises(ValueError, match="fitted to 3 features, but boundaries are drawn over 2"):
        draw(trained(X=np.c_[X, X[:, 0]], n_epochs=1))
    mlp = trained(n_epochs=1)
    for wrong in (1, 10.0):
        with pytest.raises(ValueError, match=f"grid_resolution={wrong}: pass a whole number"):
            draw(mlp, grid_resolution=wrong)
    with pytest.raises(ValueError, match="n_samples must be a whole number of at least 1; got 0"):
        draw(mlp, n_samples=0)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        DropoutBoundaryDisplay.from_estimator(mlp, X, y[1:])
    with pytest.raises(ValueError, match=r"draws has the shape \(2, 3, 3, 2\): pass .*, 3, 4"):
        DropoutBoundaryDisplay(x0=range(4), x1=range(3), draws=np.ones((2, 3, 3, 2))).plot()
