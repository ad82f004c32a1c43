"""The gallery's experiments: their data, their numbers, and two claims that are theorems."""

import gzip
import runpy
import sys
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest

DOCS = Path(__file__).parent.parent / "docs"
pytestmark = pytest.mark.skipif(not DOCS.is_dir(), reason="the documentation is not here")


@pytest.fixture
def experiments(monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS))
    monkeypatch.delitem(sys.modules, "experiments", raising=False)
    import experiments

    yield experiments
    sys.modules.pop("experiments", None)


def example(name):
    """The names that a script of the gallery leaves behind."""
    matplotlib.use("Agg")
    try:
        return runpy.run_path(str(DOCS / "gallery" / f"plot_{name}.py"))
    finally:
        plt.close("all")


def test_the_command_lists_all(experiments, capsys):
    assert experiments.main([]) == 0
    listed = capsys.readouterr().out.split()
    assert {"l2_sweep", "l1_sweep", "dropout", "label_smoothing", "spectral_bias"} <= set(listed)
    with pytest.raises(SystemExit):
        experiments.main(["no such experiment"])


def test_a_straight_boundary_has_its_length(experiments):
    points, axes = experiments.grid(np.array([[0.0, 0.0], [2.0, 1.0]]), resolution=401, margin=0)
    assert points.shape == (401**2, 2)
    for slope in (0.2, 0.5, 1.0):
        p = 1.0 * (points[:, 1] > slope * points[:, 0] - 0.1)
        inside = np.linspace(0, 2, 100_001)
        height = slope * inside - 0.1
        share = ((height > 0) & (height < 1)).mean()
        # A staircase is exact on average over directions, and wrong by up to 21 % in one.
        expected = 2 * share * np.hypot(1, slope)
        assert experiments.boundary_length(p, axes) == pytest.approx(expected, rel=0.22)
    assert experiments.boundary_length(np.ones(401**2), axes) == 0


def test_labels_are_turned_over(experiments):
    X, y = experiments.noisy_moons(200, 0.1, 0.1, 0)
    np.testing.assert_allclose(X.mean(axis=0), 0, atol=1e-12)
    assert (y != experiments.noisy_moons(200, 0.1, 0.0, 0)[1]).sum() == 20


@pytest.mark.parametrize(("name", "prefix"), [("mnist", "mnist-"), ("fashion", "")])
def test_images_are_read_from_the_folder(name, prefix, experiments, monkeypatch, tmp_path):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (30, 784), dtype=np.uint8)
    labels = rng.integers(0, 10, 30, dtype=np.uint8)
    for kind, content in (("images-idx3", bytes(16) + pixels.tobytes()),
                          ("labels-idx1", bytes(8) + labels.tobytes())):  # fmt: skip
        file = tmp_path / f"{prefix}t10k-{kind}-ubyte.gz"
        file.write_bytes(gzip.compress(content))
    monkeypatch.setenv("SKREG_DATA", str(tmp_path))
    monkeypatch.setattr(experiments, "FULL", True)
    X, y, X_test, y_test = experiments.images(name, n_train=10)
    assert (X.shape, X_test.shape, X.dtype) == ((10, 784), (20, 784), np.float32)
    together = np.concatenate([X, X_test])[np.argsort(np.random.default_rng(0).permutation(30))]
    np.testing.assert_allclose(together, pixels / 255, rtol=1e-6)
    assert sorted([*y, *y_test]) == sorted(labels)


def test_without_data_it_says_where_to_get_them(experiments, monkeypatch, tmp_path):
    def unreachable(*args, **kwargs):
        raise OSError("no network")

    monkeypatch.setenv("SKREG_DATA", str(tmp_path))
    monkeypatch.setattr(experiments, "fetch_openml", unreachable)
    monkeypatch.setattr(experiments, "FULL", True)
    with pytest.raises(experiments.DataAbsentError, match=r"IDX files.*SKREG_DATA.*openml"):
        experiments.images("mnist")


def test_stopped_descent_is_landweber_s_filter_and_its_end_the_shortest_solution(experiments):
    found = example("early_stopping")
    assert max(found["differences"].values()) < 1e-10
    np.testing.assert_allclose(found["end"], found["shortest"], rtol=0, atol=1e-10)


def test_the_peak_of_double_descent_is_at_the_threshold_and_ridge_has_none(experiments):
    found = example("double_descent")
    plain, ridge, sizes = found["plain"], found["ridge"], np.array(found["SIZES"])
    assert sizes[plain.argmax()] == found["N_SAMPLES"]
    # It falls on both sides of the peak, while ridge is as good there as beside it.
    assert plain.max() > 10 * plain[sizes <= 20].min()
    assert plain.max() > 10 * plain[sizes >= 120].min()
    near = (sizes >= 34) & (sizes <= 52)
    assert ridge[near].max() < 1.5 * ridge[near].min()
    assert (ridge <= 1.1 * plain).all()
