"""Benchmarks of perceptrons: training, prediction, the limit of a step, memory, accuracies."""

import gzip
import importlib
import io
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose
from rich.console import Console

from tests.test_benchmarks import (
    certify,
    execute,
    network_training,
    objective,
    of_job,
    problems,
    rivals,
)

fashion_mnist, network_memory, network_tables, networks, roofline = map(
    importlib.import_module,
    ["fashion_mnist", "network_memory", "network_tables", "networks", "roofline"],
)


def network_prediction(units=(5, 4, 3), dtype=np.float64, n=6):
    rng = np.random.default_rng(2)
    coefs = tuple(rng.standard_normal(shape) for shape in pairwise(units))
    intercepts = tuple(rng.standard_normal(size) for size in units[1:])
    return objective.NetworkPrediction(
        rng.standard_normal((n, units[0])), coefs, intercepts, 3, dtype
    )


# Certificates ----------------------------------------------------------------------------------


def test_error_of_predicted_probabilities():
    """Without hidden layers the network is a softmax, or a logistic function."""
    three, two = network_prediction((5, 3)), network_prediction((5, 1))
    z = np.exp(three.X @ three.coefs[0] + three.intercepts[0])
    right = z / z.sum(axis=1, keepdims=True)
    assert three.certificate(right) < 1e-15
    right[2, 1] += 0.25
    assert_allclose(three.certificate(right), 0.25)
    p = 1 / (1 + np.exp(-two.X @ two.coefs[0] - two.intercepts[0]))
    assert two.certificate(np.hstack([1 - p, p])) < 1e-15
    assert two.certificate(np.hstack([p, 1 - p])) > 0.01
    assert network_prediction(dtype=np.float32).target > 1e8 * network_prediction().target


# Contestants -----------------------------------------------------------------------------------


@of_job("mlp", objective.NetworkTraining)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("regularizers", [{}, problems.CLIPPED], ids=["plain", "regular"])
def test_networks_learn(kind, regularizers, dtype):
    problem = network_training(dtype, **regularizers)
    if kind.reference and not regularizers:
        assert kind().refuses(problem)
        return
    result = certify(kind, problem)
    assert result.certificate < np.log(2)
    assert result.contestant.X.dtype == dtype


@of_job("mlp", objective.NetworkPrediction)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("units", [(5, 4, 3), (2, 3, 3, 1)])
def test_networks_predict_what_numpy_does(kind, units, dtype):
    problem = network_prediction(units, dtype)
    result = certify(kind, problem)
    assert result.certificate <= problem.target
    assert result.contestant.solve(None).dtype == dtype
    assert result.median == pytest.approx(result.seconds[0] / 3)


# The limit of a training step ------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["forward", "gradient", "delta"])
@pytest.mark.parametrize("shape", [(1, 1, 1), (7, 5, 3), (3, 1, 4), (1, 6, 2)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_way_to_multiply_gives_the_product(kind, shape, dtype):
    left, right = roofline.operands(kind, *shape, dtype)
    m, k, n = shape
    assert (left.shape, right.shape) == ((m, k), (k, n))
    (call,) = roofline.whole(left, right, 1)
    assert call().dtype == dtype
    assert_allclose(call().T, left @ right, rtol=1e-5)
    several = [call() for call in roofline.parts(left, right, 3)]
    assert len(several) == 3
    assert_allclose(np.vstack(several), left @ right, rtol=1e-5)


def test_the_limit_counts_every_product_in_its_fastest_way(monkeypatch):
    problem = network_training()
    limit = roofline.Roofline(problem, 2)
    assert limit.flop * problem.epochs * len(problem.y) / problem.batch_size == problem.flops
    limit.samples = [[[3.0, 1.0, 2.0], [9.0], [8.0]], [[4.0], [1.0], [8.0]]]
    assert limit.seconds == 3.0
    assert limit.share(6.0 * problem.steps) == 0.5
    monkeypatch.setattr(roofline, "SAMPLE", 1e-6)
    limit = roofline.Roofline(problem, 2)
    limit.sample()
    limit.sample()
    assert {len(way) for samples in limit.samples for way in samples} == {2}
    assert 0 < limit.seconds < 1


# The command -----------------------------------------------------------------------------------


def test_a_regularized_training_is_timed_beside_a_plain_one(monkeypatch, tmp_path):
    case = problems.Case("small net", lambda: network_training(**problems.CLIPPED))
    monkeypatch.setattr(problems, "mlp_cases", lambda *_: [case])
    ours = [networks.SkregNetwork, networks.PlainSkregNetwork]
    monkeypatch.setattr(rivals, "CONTESTANTS", ours)
    _, text = execute("mlp", "--repeats", "2", "--csv", tmp_path / "r.csv")
    assert "times as long as skreg, plain" in text
    assert "of BLAS: the matrix products of a step" in text


def test_quick_mlp_cases(monkeypatch, tmp_path):
    monkeypatch.setattr(problems, "FASHION_MNIST", tmp_path)
    cases = problems.mlp_cases(quick=True)
    assert sum("random data" in case.name for case in cases) == 20
    made = [case.make() for case in cases]
    trainings, predictions = made[:24], made[24:]
    assert [net.hidden for net in trainings[::6]] == [(96, 96), (100,), (128,), (256, 256, 256)]
    for case, net in zip(cases, trainings, strict=False):
        assert set(range(net.n_classes)) == set(net.y)
        assert len(net.y) % net.batch_size == 0
        assert net.dtype.__name__ in case.name
        assert ("regularized" in case.name) == bool(net.regularizers)
        assert ("clipped" in case.name) == ("max_grad_norm" in net.regularizers)
    for case, net in zip(cases[24:], predictions, strict=True):
        assert len(net.X) == (1 if "predict 1 row" in case.name else 1_000)
        assert net.dtype.__name__ in case.name


# Memory ----------------------------------------------------------------------------------------


@pytest.mark.skipif(not network_memory.STATUS.is_file(), reason="no resident set on this system")
def test_growth_over_the_limit_is_told(monkeypatch):
    console = Console(file=io.StringIO(), width=130)
    monkeypatch.setattr(network_memory, "LIMIT", 10**9)
    assert network_memory.main(settled=1, epochs=2, console=console) == 0
    text = console.file.getvalue()
    assert all(name in text for name in network_memory.TRAININGS)
    monkeypatch.setattr(network_memory, "LIMIT", -(10**9))
    assert network_memory.main(settled=1, epochs=2, console=console) == 1


def test_memory_is_read_at_the_updates_asked_for(monkeypatch):
    readings = iter([100, 250, 999])
    monkeypatch.setattr(network_memory, "resident", lambda name: next(readings))
    watch = network_memory.Watch(3, 5)
    rates = {watch(t) for t in range(9)}
    assert len(rates) == 1
    assert watch.growth == 150


# Tables ----------------------------------------------------------------------------------------


def test_means_and_errors_of_tables():
    assert network_tables.mean_and_error([1.0, 2.0, 3.0]) == (2.0, pytest.approx(1 / np.sqrt(3)))
    _, error = network_tables.mean_and_error([1.0, 2.0, 3.0], shared=2 / 3)
    assert error == pytest.approx(1.0)
    assert network_tables.shown([0.5, 1.5], ".2f") == "1.00 +- 0.50"
    assert network_tables.shown([0.5, 1.5], "+.1f") == "+1.0 +- 0.5"


def test_models_of_tables_meet_on_the_same_folds(monkeypatch):
    monkeypatch.setitem(network_tables.REGULARIZED, "max_iter", 2)
    console = Console(file=io.StringIO(), width=130)
    for name in ("wine", "diabetes"):
        assert network_tables.main(["--repeats", "1", "--tables", name], console) == 0
    text = console.file.getvalue()
    assert text.count("1 x 5 folds") == 2
    assert "accuracy %" in text
    assert "R^2" in text
    X, y = network_tables.TABLES["wine"](return_X_y=True)
    found = network_tables.cross_validate(X, y, False, 2)
    assert [len(folds) for folds in found.values()] == [10, 10, 10]
    assert 0.8 < np.mean([fold.score for fold in found["scikit-learn"]]) <= 1


# Fashion-MNIST ---------------------------------------------------------------------------------


@pytest.fixture
def small_fashion(monkeypatch, tmp_path):
    """Images of one bright pixel, which is that of the class."""
    rng = np.random.default_rng(0)
    for part, n in (("train", 300), ("t10k", 50)):
        labels = np.arange(n) % 10
        images = rng.integers(0, 20, (n, 784))
        images[np.arange(n), 50 * labels] = 255
        for path, head, array in zip(
            [tmp_path / f"{part}-{name}-ubyte.gz" for name in ("images-idx3", "labels-idx1")],
            (16, 8),
            (images, labels),
            strict=True,
        ):
            path.write_bytes(gzip.compress(bytes(head) + array.astype(np.uint8).tobytes()))
    monkeypatch.setattr(problems, "FASHION_MNIST", tmp_path)
    monkeypatch.setattr(fashion_mnist, "BATCH", 50)
    monkeypatch.setattr(fashion_mnist, "HELD_OUT", 100)
    monkeypatch.setattr(fashion_mnist, "contestants", lambda _: {"skreg": networks.SkregNetwork()})


@pytest.mark.usefixtures("small_fashion")
def test_fashion_mnist_is_judged_by_test_rows_or_rows_held_out(monkeypatch):
    assert [len(part) for part in fashion_mnist.data(False)] == [300, 300, 50, 50]
    assert [len(part) for part in fashion_mnist.data(True)] == [200, 200, 100, 100]
    console = Console(file=io.StringIO(), width=130)
    assert fashion_mnist.main(["--seeds", "1"], console) == 0
    assert "50 test rows" in console.file.getvalue()
    monkeypatch.setattr(fashion_mnist, "EPOCHS", 1)
    assert fashion_mnist.main(["--seeds", "2", "--held-out"], console) == 1
    assert "100 rows held out" in console.file.getvalue()


def test_fashion_mnist_says_where_the_data_are_missed(monkeypatch, tmp_path):
    monkeypatch.setattr(problems, "FASHION_MNIST", tmp_path)
    console = Console(file=io.StringIO(), width=130)
    assert fashion_mnist.main([], console) == 2
    assert "dataset-fashion-mnist" in console.file.getvalue()


def test_a_scheduled_training_has_a_rate_for_every_step():
    problem = replace(network_training(), learning_rate=fashion_mnist.LEARNING_RATE)
    assert network_training().rates is None
    assert len(problem.rates) == problem.steps == 210
    assert max(problem.rates) == pytest.approx(0.002, rel=1e-3)
    assert problem.rates[-1] < 1e-5
    ours = certify(networks.SkregNetwork, problem)
    assert ours.contestant.options()["learning_rate"] is problem.learning_rate
