"""The state of a training in a file: written as a whole or not at all, refused when damaged."""

import json
import os
import zipfile
import zlib
from io import BytesIO

import numpy as np

from skreg._solvers.history import History
from skreg._solvers.training import State

ARRAYS = ("parameters", "order", "average", "singular")
PROGRESS = (
    "loss_curve", "best_loss", "validation_scores", "best_score", "best_epoch", "stalled",
    "samples_seen",
)  # fmt: skip


def fingerprint(model, network, rows):
    """What must be the same for a training to go on: parameters, shapes and data."""
    may_change = {"max_iter", "verbose", "checkpoint", "warm_start", "n_iter_no_change", "record"}
    params = {
        name: repr(value)
        for name, value in model.get_params(deep=False).items()
        if name not in may_change
    }
    checksum = 0
    for array in rows:
        # Rows in other memory order are the same rows.
        checksum = zlib.crc32(np.ascontiguousarray(array).data.cast("B"), checksum)
    return {"parameters": params, "units": list(network.units), "data": checksum}


def save(path, state, n_iter, status, seed, print_of_fit):
    """Write the file; an end of the process at any moment leaves the old one or the new one."""
    keys, *generator = state.rng.get_state(legacy=True)[1:]
    about = {
        "fingerprint": print_of_fit,
        "n_iter": n_iter,
        "status": status,
        "seed": seed,
        "n_averaged": state.n_averaged,
        "learning_rate": state.update.learning_rate,
        "generator": generator,
        "progress": {name: getattr(state.progress, name) for name in PROGRESS},
    }
    arrays = {name: getattr(state, name) for name in ARRAYS}
    arrays |= {"moments": state.update.moments, "steps": state.update.steps, "keys": keys}
    if state.best is not None:
        arrays["best"] = state.best
    history = state.progress.history.arrays()
    arrays |= {f"history {name}": column for name, column in history.items()}
    content = BytesIO()
    np.savez(content, about=np.array(json.dumps(about)), **arrays)
    write_whole(os.fspath(path), content.getbuffer())


def write_whole(path, content):
    """Replace a file in one step, when all of its content is on the disk."""
    beside = f"{path}.part"
    with open(beside, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)


def load(path):
    """(about, arrays) of a checkpoint, or None where there is no such file.

    Raises
    ------
    ValueError
        Where the file is damaged: it is a zip archive, and each part has its checksum.
    """
    try:
        with np.load(os.fspath(path), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        return json.loads(str(arrays.pop("about"))), arrays
    except FileNotFoundError:
        return None
    except (OSError, EOFError, KeyError, ValueError, TypeError, SyntaxError, zlib.error,
            zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:  # fmt: skip
        raise ValueError(
            f"checkpoint={os.fspath(path)!r} is damaged or no checkpoint: {error}. Delete it, or "
            "call fit with resume=False to train anew and overwrite it."
        ) from error


def check_same(path, found, expected):
    """Raise where a checkpoint belongs to another training, naming what differs."""
    names = found["parameters"].keys() | expected["parameters"].keys()
    different = [
        name
        for name in sorted(names)
        if found["parameters"].get(name) != expected["parameters"].get(name)
    ]
    different += [name for name in ("units", "data") if found[name] != expected[name]]
    if different:
        raise ValueError(
            f"checkpoint={os.fspath(path)!r} was written by another training: {different} differ. "
            "Resume with the parameters and data of that training, or call fit with resume=False."
        )


def restore(state, about, arrays):
    """Bring a state of the same shape to where the checkpoint was written."""
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
    vars(state.progress).update(about["progress"])
    history = History()
    for name, column in arrays.items():
        if name.startswith("history "):
            history.columns[name.removeprefix("history ")] = list(column)
    state.progress.history = history
    return restored
