"""Checkpoint files: refused where they do not fit, whole whenever the process is killed."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skreg import MLPClassifier
from skreg.schedules import Cosine
from tests.mlp_cases import Stop, assert_same_training, constant_rate, digits, ignore_convergence

pytestmark = ignore_convergence


def written(tmp_path, **params):
    X, y = digits(100)
    model = MLPClassifier((5,), max_iter=2, random_state=0, checkpoint=str(tmp_path / "file"))
    return model.set_params(**params).fit(X, y), X, y, tmp_path / "file"


CHANGES = {
    "hidden_layer_sizes": (6,), "solver": "adamw", "alpha": 0.1, "learning_rate_init": 0.1,
    "dropout": 0.1, "random_state": 1, "batch_size": 50, "label_smoothing": 0.1, "tol": 0.1,
    "learning_rate": constant_rate, "average": "ema", "record": ["update_norm"],
    "early_stopping": True, "class_weight": "balanced",
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_other_parameters_are_refused_by_name(name, tmp_path):
    model, X, y, path = written(tmp_path)
    before = model.predict_proba(X)
    with pytest.raises(ValueError, match=rf"checkpoint='{path}'.*another training:.* {name}"):
        model.set_params(**{name: CHANGES[name]}).fit(X, y, resume=True)
    assert_array_equal(model.predict_proba(X), before)


@pytest.mark.parametrize("change", ["X", "y", "weight", "rows", "float32"])
def test_other_data_are_refused(change, tmp_path):
    model, X, y, _ = written(tmp_path)
    X, y = X.copy(), y.copy()
    X[-1, -1] += change == "X"
    y[-1] = (y[-1] + (change == "y")) % 10
    weight = np.ones(len(y)) if change == "weight" else None
    X, y = (X[:-1], y[:-1]) if change == "rows" else (X, y)
    X = X.astype(np.float32) if change == "float32" else X
    with pytest.raises(ValueError, match="another training: data differ"):
        model.fit(X, y, weight, resume=True)


def test_other_validation_data_and_other_eval_sets_are_refused(tmp_path):
    X, y = digits(150)
    val = {"X_val": X[100:], "y_val": y[100:]}
    model = MLPClassifier((5,), max_iter=2, early_stopping=True, checkpoint=tmp_path / "file")
    model.fit(X[:100], y[:100], **val)
    with pytest.raises(ValueError, match="another training: validation data differ"):
        model.fit(X[:100], y[:100], resume=True, **val | {"X_val": X[100:] + 1})
    with pytest.raises(ValueError, match="another training: names of eval_sets differ"):
        model.fit(X[:100], y[:100], resume=True, **val, eval_sets={"a": (X, y)})


def test_memory_order_and_addresses_of_functions_do_not_matter(tmp_path):
    X, y = digits(100)

    def model():
        # A new function each time, as in another process.
        return MLPClassifier((5,), max_iter=4, random_state=0, checkpoint=tmp_path / "file",
                             learning_rate=lambda t: 0.01)  # fmt: skip

    model().set_callbacks(Stop(2)).fit(X, y)
    resumed = model().fit(np.asfortranarray(X), y, resume=True)
    assert_same_training(resumed, model().set_params(checkpoint=None).fit(X, y))


DAMAGES = {
    "empty": lambda data: b"",
    "half": lambda data: data[: len(data) // 2],
    "short of a byte": lambda data: data[:-1],
    "other": lambda data: b"PK of another kind, and not very long",
    "text": lambda data: b"epoch,loss\n1,2\n",
    "an older version": lambda data: data.replace(b"checkpoint 1", b"checkpoint 0"),
    "more than there was": lambda data: data + b" ",
}


def flip(data, at):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_refused(damage, tmp_path):
    model, X, y, path = written(tmp_path)
    content = path.read_bytes()
    path.write_bytes(DAMAGES[damage](content))
    with pytest.raises(ValueError, match=rf"checkpoint='{path}' is damaged or no checkpoint"):
        model.fit(X, y, resume=True)
    path.write_bytes(content)
    assert model.fit(X, y, resume=True).n_iter_ == 2


def test_any_flipped_bit_is_refused(tmp_path):
    model, X, y, path = written(tmp_path)
    content = path.read_bytes()
    for at in (0, 20, 60, *np.random.default_rng(0).integers(0, len(content), 40), -1):
        path.write_bytes(flip(content, at % len(content)))
        with pytest.raises(ValueError, match=f"{path}.*damaged"):
            model.fit(X, y, resume=True)


def test_where_a_checkpoint_can_be(tmp_path):
    X, y = digits(100)
    for path in (tmp_path, tmp_path / "no such folder" / "file"):
        with pytest.raises(ValueError, match="must be the path of a file, in a folder"):
            MLPClassifier(checkpoint=path).fit(X, y)
    with pytest.raises(ValueError, match="'checkpoint' parameter"):
        MLPClassifier(checkpoint=["file"]).fit(X, y)
    with pytest.raises(ValueError, match="resume=True needs a file: set checkpoint"):
        MLPClassifier().fit(X, y, resume=True)
    with pytest.raises(ValueError, match="partial_fit does not write checkpoint='file'"):
        MLPClassifier(checkpoint=Path("file")).partial_fit(X, y, classes=range(10))
    with pytest.raises(ValueError, match="checkpoint='file' does not work with solver='lbfgs'"):
        MLPClassifier(checkpoint="file", solver="lbfgs").fit(X, y)


# --- kill -9 ---

# A process that forks others, which train and are killed, until one of them reaches the end.
KILLED = """
import os, signal, sys, time
import numpy as np
import skreg._checkpoint as checkpoint
from tests.mlp_cases import digits
from tests.test_mlp_checkpoint_file import long_training

plain, (X, y) = open, digits(150)

class Slow:
    '''A file that takes its time, so that the end comes in the middle of it.'''
    def __init__(self, file):
        self.file = file
    def __getattr__(self, name):
        return getattr(self.file, name)
    def __enter__(self):
        return self
    def __exit__(self, *error):
        self.file.close()
    def write(self, content):
        content, part = bytes(content), len(content) // 4
        for start in range(0, len(content), part):
            self.file.write(content[start : start + part])
            self.file.flush()
            time.sleep(0.003)

checkpoint.open = lambda path, mode: Slow(plain(path, mode)) if "w" in mode else plain(path, mode)
rng, cut = np.random.default_rng(0), 0
for killed in range(99):
    child = os.fork()
    if child == 0:
        long_training(sys.argv[1]).fit(X, y, resume=True)
        os._exit(0)
    time.sleep(rng.uniform(0.02, 0.2))
    os.kill(child, signal.SIGKILL)
    if os.waitpid(child, 0)[1] == 0:
        break
    cut += os.path.exists(sys.argv[1] + ".part")
print(killed, cut)
"""


def long_training(path):
    return MLPClassifier(
        (9,), solver="adamw", max_iter=25, dropout=0.1, early_stopping=True, n_iter_no_change=99,
        checkpoint=path, learning_rate=Cosine(0.02), average="ema", average_decay=0.9,
        random_state=3,
    )  # fmt: skip


def test_kill_9_at_any_moment(tmp_path):
    X, y = digits(150)
    path = str(tmp_path / "file")
    env = {**os.environ, "PYTHONWARNINGS": "ignore", "PYTHONPATH": str(Path(__file__).parents[1])}
    command = [sys.executable, "-c", KILLED, path]
    out = subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout
    killed, cut = map(int, out.split())
    assert killed > 1
    assert cut  # that many ends came in the middle of a write
    whole = long_training(None).fit(X, y)
    assert_same_training(long_training(path).fit(X, y, resume=True), whole)


@pytest.mark.parametrize("place", ["", "/proc/training"])
def test_a_place_that_cannot_be_written_is_refused_before_training(place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    X, y = digits(60)
    model = MLPClassifier((4,), max_iter=2, checkpoint=place)
    with pytest.raises(ValueError, match=f"checkpoint={place!r}"):
        model.fit(X, y)
    assert not hasattr(model, "loss_")
    assert not list(tmp_path.iterdir())
