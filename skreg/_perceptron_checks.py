"""What a fit of a multilayer perceptron refuses: parameters, data and methods in conflict."""

from numbers import Integral

import numpy as np
from scipy import sparse

from skreg._solvers.history import COSTLY
from skreg._validation import check_weight_sum

# What needs epochs, or steps over batches, and its value that is off.
NOT_WITH_LBFGS = {
    "weight_decay": None, "l1": 0, "dropout": 0, "input_dropout": 0, "max_grad_norm": None,
    "spectral_norm": None, "sam_rho": 0, "average": None, "batch_augment": None,
    "checkpoint": None, "record": (),
}  # fmt: skip


class DivergenceError(ValueError):
    """A fit that went too far; the model keeps its last finite weights."""


def as_list(value):
    """A number or a name stands for a list of one."""
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    return list(value) if hasattr(value, "__iter__") and not isinstance(value, str) else [value]


def is_off(value):
    """Whether a parameter asks for nothing: None, nothing but zeros, or none of anything."""
    return value is None or not np.any(np.not_equal(np.asarray(value, dtype=object), 0))


def check_conflicts(model, X, incremental):
    """Raise where two parameters exclude each other, or a parameter does not fit X."""
    if model.solver == "lbfgs":
        check_lbfgs(model)
    if model.batch_augment is not None and sparse.issparse(X):
        raise ValueError(
            "batch_augment needs dense batches, but X is sparse. Pass X.toarray(), or set "
            "batch_augment=None."
        )
    wrong = [name for name in as_list(model.record) if name not in COSTLY]
    if wrong:
        raise ValueError(f"record={model.record!r} contains {wrong}: choose from {list(COSTLY)}.")
    # partial_fit may come with fewer rows than a batch has.
    too_many = not (incremental or model.batch_size == "auto") and model.batch_size > X.shape[0]
    if too_many and model.solver != "lbfgs":
        raise ValueError(
            f"batch_size={model.batch_size} is larger than the {X.shape[0]} training samples. Set "
            f"it to at most {X.shape[0]}, or to 'auto'."
        )


def check_lbfgs(model):
    """Raise for parameters that an optimization on all rows at once cannot follow."""
    for name, off in NOT_WITH_LBFGS.items():
        if not is_off(getattr(model, name)):
            raise ValueError(
                f"{name}={getattr(model, name)!r} does not work with solver='lbfgs', which "
                "minimizes one objective on all rows at once and knows no epochs. Set "
                f"{name}={off}, or solver='adamw'."
            )
    for name in ("alpha", "learning_rate"):
        if callable(getattr(model, name)):
            raise ValueError(
                f"{name}={getattr(model, name)!r} is a schedule, and solver='lbfgs' has no "
                f"steps that it could follow. Set {name} to a number, or solver='adamw'."
            )


def check_fit_arguments(model, X_val, y_val, weight, eval_sets, resume):
    """Validation data of the user's own as one tuple, or None; raise for arguments in conflict."""
    given = [v is not None for v in (X_val, y_val)]
    stochastic = model.solver != "lbfgs"
    if any(given) and not (all(given) and model.early_stopping and stochastic):
        raise ValueError(
            "X_val and y_val belong together, and to early_stopping=True with a stochastic "
            "solver. To follow data without stopping on them, pass eval_sets."
        )
    if weight is not None and not all(given):
        raise ValueError("sample_weight_val weighs X_val and y_val: pass these, too.")
    if not stochastic and (eval_sets or resume):
        raise ValueError(
            f"{'eval_sets' if eval_sets else 'resume=True'} does not work with solver='lbfgs', "
            "which knows no epochs. Leave it out, or set solver='adamw'."
        )
    if resume and model.checkpoint is None:
        raise ValueError("resume=True needs a file: set checkpoint to the one to resume from.")
    return (X_val, y_val, weight) if all(given) else None


def check_partial_fit(model):
    """Raise for what an epoch by itself cannot have."""
    if model.early_stopping:
        raise ValueError(
            "partial_fit does not support early_stopping=True, because one epoch has nothing to "
            "stop. Set early_stopping=False, or use fit."
        )
    if model.checkpoint is not None:
        raise ValueError(
            f"partial_fit does not write checkpoint={str(model.checkpoint)!r}: set it to None "
            "and pickle the estimator, which keeps all that partial_fit needs."
        )


def check_range(targets, dtype):
    """Raise for targets that would become infinite."""
    largest = np.abs(targets).max() if targets.dtype.kind == "f" else 0
    if largest > np.finfo(dtype).max:
        raise ValueError(
            f"y holds a number of size {largest:g}, which is too large for {dtype}, the type of "
            "X. Scale y, or pass X in float64."
        )


def check_smallest(model, dtype):
    """Raise for parameters that count as 0 where training has this type."""
    numbers = {}
    if model.solver in ("adam", "adamw"):
        numbers["epsilon"] = model.epsilon
    if model.solver != "lbfgs" and not callable(model.learning_rate):
        numbers["learning_rate_init"] = model.learning_rate_init
    for name, value in numbers.items():
        if value < np.finfo(dtype).tiny:
            raise ValueError(
                f"{name}={value:g} is nothing in {dtype}, the type of X, where positive numbers "
                f"begin at {np.finfo(dtype).tiny:.3g}. Make it larger{or_float64(dtype)}."
            )


def or_float64(dtype):
    """Advice where another type has a wider range."""
    return ", or pass X in float64" if np.finfo(dtype).bits < 64 else ""


def training_weights(model, data, dtype):
    """Weights of the samples times those of their classes, as training in this type takes them.

    Raises
    ------
    ValueError
        Where they or their sum leave the range of the type.
    """
    weight = model._weigh(data.y, data.targets, data.weight)
    if weight is None:
        return None
    name = "sample_weight"
    if getattr(model, "class_weight", None) is not None:
        name = "class_weight" if data.weight is None else "sample_weight times class_weight"
    return in_range(weight, dtype, name)


def in_range(weight, dtype, name="sample_weight"):
    """Weights in this type; raise where it cannot hold one of them, or their sum."""
    least, tiny = weight.min(where=weight > 0, initial=np.inf), np.finfo(dtype).tiny
    if least < tiny:
        raise ValueError(
            f"{name} holds {least:g}, which is nothing in {np.dtype(dtype)}, the type of the "
            f"training: positive numbers begin at {tiny:.3g}. Multiply the weights by a large "
            f"number{or_float64(dtype)}."
        )
    with np.errstate(over="ignore"):
        weight = weight.astype(dtype, copy=False)
    check_weight_sum(weight, name)
    return weight


def check_n_samples(n_samples, least=1):
    """Raise unless it is a number of draws."""
    if not isinstance(n_samples, Integral) or n_samples < least:
        raise ValueError(
            f"n_samples must be a whole number of at least {least}; got {n_samples!r}."
        )
