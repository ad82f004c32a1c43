"""The state of a training in a file: written as a whole or not at all, refused when damaged."""

import json
import os
import re
import zlib
from hashlib import sha256
from io import BytesIO
from numbers import Real

import numpy as np
from scipy import sparse

from skreg._perceptron_checks import as_list
from skreg._solvers.history import History
from skreg._solvers.network import BLOCK_ROWS
from skreg._solvers.state import State

ARRAYS = ("parameters", "order", "average", "singular")
PROGRESS = (
    "loss_curve", "best_loss", "validation_scores", "best_score", "best_epoch", "earlier",
    "stalled", "samples_seen",
)  # fmt: skip
MAY_CHANGE = {"max_iter", "verbose", "checkpoint", "warm_start", "n_iter_no_change"}
# A file is this, the SHA-256 digest of all that follows, and an archive of NumPy's.
HEAD = b"skreg checkpoint 1\n"


class Checkpoint:
    """The file of one training: where that goes on from, if asked to, and what it writes."""

    def __init__(self, path, mark, resume):
        self.path, self.mark, self.held = os.fspath(path), mark, np.empty(0, int)
        check_place(self.path)
        self.about, self.arrays = (load(self.path) if resume else None) or (None, None)
        if self.about is not None:
            check_same(self.path, self.about["mark"], mark)
            self.held = self.arrays["held"]

    def split(self):
        """(rows to train on, rows held out) of the training that goes on, or None."""
        return None if self.about is None else (self.arrays["order"], self.held)

    def save(self, state, n_iter, status, seed):
        """Write the file; an end of the process at any moment leaves the old one or the new."""
        keys, *generator = state.rng.get_state(legacy=True)[1:]
        about = {
            "mark": self.mark,
            "n_iter": n_iter,
            "status": status,
            "seed": seed,
            "n_averaged": state.n_averaged,
            "learning_rate": float(state.update.learning_rate),
            "clock": state.update.clock,
            "generator": generator,
            "progress": {name: getattr(state.progress, name) for name in PROGRESS},
        }
        arrays = {name: getattr(state, name) for name in ARRAYS}
        arrays |= {"moments": state.update.moments, "steps": state.update.steps}
        arrays |= {"keys": keys, "held": self.held}
        if state.best is not None:
            arrays["best"] = state.best
        history = state.progress.history.arrays()
        arrays |= {f"history {name}": column for name, column in history.items()}
        content = BytesIO()
        np.savez(content, about=np.array(json.dumps(about)), **arrays)
        write_whole(self.path, content.getbuffer())

    def restore(self, state):
        """Bring a state of the same shape to where the file was written."""
        about, arrays = self.about, self.arrays
        restored = State(
            update=state.update,
            rng=np.random.RandomState(),
            progress=state.progress,
            n_averaged=about["n_averaged"],
            best=arrays.get("best"),
            **{name: arrays[name] for name in ARRAYS},
        )
        restored.rng.set_state(("MT19937", arrays["keys"], *about["generator"]))
        state.update.moments[:] = arrays["moments"]
        state.update.steps[:] = arrays["steps"]
        state.update.learning_rate = about["learning_rate"]
        state.update.clock = about["clock"]
        vars(state.progress).update(about["progress"])
        state.progress.history = History()
        for name, column in arrays.items():
            if name.startswith("history "):
                state.progress.history.columns[name.removeprefix("history ")] = list(column)
        return restored


def mark_of(model, network, rows, validation, followed):
    """What must be the same for a training to go on: parameters, shapes and data."""
    may_change = MAY_CHANGE - ({"max_iter"} if is_planned(model) else set())
    params = {
        # A function has another address in another process.
        name: re.sub(r" at 0x[0-9A-Fa-f]+", "", repr(as_float(value)))
        for name, value in model.get_params(deep=False).items()
        if name not in may_change
    }
    return {
        "parameters": params,
        "layers": list(network.units),
        "data": checksum(rows),
        "validation data": 0
        if validation is None
        else checksum([validation.X, validation.targets, validation.weight]),
        "names of eval_sets": [data.name for data in followed],
    }


def as_float(value):
    """Numbers as floats: 0 and 0.0 ask for the same training."""
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    return float(value) if is_number else value


def is_planned(model):
    """Whether steps depend on max_iter: so do schedules without a horizon of their own."""
    numbers = (model.learning_rate, model.alpha, model.weight_decay, model.input_dropout)
    planned = [getattr(x, "n_steps", 0) is None for x in (*numbers, *as_list(model.dropout))]
    return any(planned) or model.average == "swa"


def checksum(arrays):
    """A number for the content of arrays, dense or CSR; any memory order gives the same."""
    found = 0
    for array in arrays:
        if sparse.issparse(array):
            found = zlib.crc32(
                str(checksum([array.data, array.indices, array.indptr])).encode(), found
            )
        elif array is not None:
            found = zlib.crc32(f"{array.dtype.str} {array.shape}".encode(), found)
            for start in range(0, len(array), BLOCK_ROWS):
                block = np.ascontiguousarray(array[start : start + BLOCK_ROWS])
                found = zlib.crc32(block.reshape(-1).view(np.uint8), found)
    return found


def check_place(path):
    """Raise where no file can be written, before a training is lost for it."""
    folder = os.path.dirname(path) or "."
    if not os.path.isdir(folder) or os.path.isdir(path) or not os.path.basename(path):
        raise ValueError(
            f"checkpoint={path!r} must be the path of a file, in a folder that is there."
        )
    try:
        with open(f"{path}.part", "ab"):
            pass
        os.remove(f"{path}.part")
    except OSError as error:
        raise ValueError(
            f"checkpoint={path!r} cannot be written: {error}. Choose a file in a folder where you "
            "may write."
        ) from error


def write_whole(path, content):
    """Replace a file in one step, when all of its content is on the disk."""
    beside = f"{path}.part"
    with open(beside, "wb") as file:
        file.write(HEAD + sha256(content).digest())
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)


def load(path):
    """(about, arrays) of a checkpoint, or None where there is no such file.

    Raises
    ------
    ValueError
        Where a bit of the file is not what was written.
    """
    try:
        with open(path, "rb") as file:
            content = memoryview(file.read())
    except FileNotFoundError:
        return None
    start = len(HEAD) + sha256().digest_size
    if content[:start] != HEAD + sha256(content[start:]).digest():
        raise ValueError(
            f"checkpoint={path!r} is damaged or no checkpoint of this version of skreg. Delete "
            "it, or call fit with resume=False to train anew and overwrite it."
        )
    with np.load(BytesIO(content[start:]), allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    return json.loads(str(arrays.pop("about"))), arrays


def check_same(path, found, expected):
    """Raise where a checkpoint belongs to another training, naming what differs."""
    before, now = ({**m.pop("parameters"), **m} for m in (dict(found), dict(expected)))
    different = [k for k in sorted(before.keys() | now.keys()) if before.get(k) != now.get(k)]
    if different:
        raise ValueError(
            f"checkpoint={path!r} was written by another training: {', '.join(different)} "
            "differ. Resume with the parameters and data of that training, or call fit with "
            "resume=False to train anew and overwrite it."
        )
