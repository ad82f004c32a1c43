"""What the parameters of a multilayer perceptron mean: their ranges, and the solver's recipe."""

from functools import partial
from numbers import Integral, Real
from os import PathLike

import numpy as np

from skreg._kernels.activations import KINDS
from skreg._perceptron_checks import as_list
from skreg._solvers import updates
from skreg._solvers.history import COSTLY
from skreg._solvers.state import Recipe
from skreg._validation import Interval, Options, StrOptions
from skreg.schedules import Constant, resolve, values

NON_NEGATIVE = Interval(Real, 0, None, closed="left")
POSITIVE = Interval(Real, 0, None, closed="neither")
WHOLE = Interval(Integral, 1, None, closed="left")
SHARE = Interval(Real, 0, 1, closed="left")

CONSTRAINTS = {
    "hidden_layer_sizes": ["array-like", WHOLE],
    "activation": [StrOptions(set(KINDS)), "array-like"],
    "solver": [StrOptions({"lbfgs", "sgd", "adam", "adamw"})],
    "alpha": [NON_NEGATIVE, callable],
    "batch_size": [StrOptions({"auto"}), WHOLE],
    "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"}), callable],
    "learning_rate_init": [POSITIVE],
    "power_t": [NON_NEGATIVE],
    "max_iter": [WHOLE],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "tol": [NON_NEGATIVE],
    "verbose": ["verbose"],
    "warm_start": ["boolean"],
    "momentum": [Interval(Real, 0, 1, closed="both")],
    "nesterovs_momentum": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [SHARE],
    "beta_1": [SHARE],
    "beta_2": [SHARE],
    "epsilon": [POSITIVE],
    "n_iter_no_change": [WHOLE, Options(Real, {np.inf})],
    "max_fun": [WHOLE],
    "weight_decay": [NON_NEGATIVE, callable, None],
    "l1": [NON_NEGATIVE],
    "dropout": [SHARE, "array-like", callable],
    "input_dropout": [SHARE, callable],
    "max_grad_norm": [POSITIVE, None],
    "spectral_norm": [StrOptions({"cap", "normalize"}), None],
    "max_spectral_norm": [POSITIVE],
    "sam_rho": [NON_NEGATIVE],
    "sam_adaptive": ["boolean"],
    "average": [StrOptions({"ema", "swa"}), None],
    "average_decay": [SHARE],
    "average_start": [SHARE],
    "batch_augment": [callable, None],
    "scoring": [str, callable, None],
    "record": ["array-like", StrOptions(set(COSTLY))],
    "checkpoint": [str, PathLike, None],
}


def hidden_layers(model):
    """(sizes, activations) of the hidden layers."""
    sizes = as_list(model.hidden_layer_sizes)
    if not all(isinstance(size, Integral) and size > 0 for size in sizes):
        raise ValueError(
            f"hidden_layer_sizes must be > 0, whole numbers, got {model.hidden_layer_sizes}. "
            "Use () for a network without hidden layers."
        )
    names = as_list(model.activation)
    if isinstance(model.activation, str):
        names = names * len(sizes)
    if len(names) != len(sizes) or any(
        not isinstance(name, str) or name not in KINDS for name in names
    ):
        raise ValueError(
            f"activation={model.activation!r} must be one name, or one for each of the "
            f"{len(sizes)} hidden layers, from {sorted(KINDS)}."
        )
    return tuple(map(int, sizes)), tuple(map(str, names))


def schedule_of(name, value, n_steps, below=np.inf):
    """A number, or the function (start, stop) -> values of a schedule, which it checks."""
    f = partial(checked_values, resolve(value, n_steps, name), name, below)
    return float(f(0, 1)[0]) if isinstance(value, Constant | Real) else f


def checked_values(f, name, below, start, stop):
    """The values of a schedule, none negative and none too large."""
    found = values(f, start, stop, name)
    wrong = (found < 0) | (found >= below)
    if wrong.any():
        raise ValueError(
            f"{name}: {f!r} gives {found[wrong][0]:g} in step {start + int(wrong.argmax())}, but "
            f"must stay in [0, {below:g})."
        )
    return found


def dropout_rates(model, n_hidden, n_steps):
    """What is dropped of the inputs and of each hidden layer: rates or schedules."""
    rates = as_list(model.dropout)
    if callable(model.dropout) or isinstance(model.dropout, Real):
        rates = rates * n_hidden
    fine = all(callable(p) or (isinstance(p, Real) and 0 <= p < 1) for p in rates)
    if len(rates) != n_hidden or not fine:
        raise ValueError(
            f"dropout must be one rate in [0, 1), or one for each of the {n_hidden} hidden "
            f"layers; got {model.dropout!r}."
        )
    named = [("input_dropout", model.input_dropout), *(("dropout", rate) for rate in rates)]
    return tuple(schedule_of(name, rate, n_steps, below=1) for name, rate in named)


def weight_decay_of(model):
    """None stands for the usual value where the solver is made for decay."""
    if model.weight_decay is None:
        return 0.01 if model.solver == "adamw" else 0.0
    return model.weight_decay


def average_start_of(model, incremental):
    """Epochs before the average of "swa" begins; the last epoch is always in it."""
    planned = int(np.ceil(model.average_start * model.max_iter))
    return 0 if incremental else min(planned, model.max_iter - 1)


def recipe_of(model, network, n_rows, incremental):
    """What the solver does in each step; `n_rows` are the rows that it trains on."""
    batch_size = min(200, n_rows) if model.batch_size == "auto" else min(model.batch_size, n_rows)
    # Nobody knows how often partial_fit will be called.
    n_steps = None if incremental else model.max_iter * -(-n_rows // batch_size)
    numbers = updates.Numbers(
        learning_rate=(
            None
            if isinstance(model.learning_rate, str)
            else schedule_of("learning_rate", model.learning_rate, n_steps)
        ),
        alpha=schedule_of("alpha", model.alpha, n_steps),
        weight_decay=schedule_of("weight_decay", weight_decay_of(model), n_steps),
        dropout=dropout_rates(model, len(network.units) - 2, n_steps),
        l1=float(model.l1),
        average_decay=model.average_decay if model.average == "ema" else None,
    )
    return Recipe(
        network,
        batch_size=batch_size,
        max_iter=1 if incremental else model.max_iter,
        numbers=numbers,
        shuffle=model.shuffle,
        tol=model.tol,
        patience=model.n_iter_no_change,
        max_norm=model.max_grad_norm or 0.0,
        sam_rho=model.sam_rho,
        sam_adaptive=model.sam_adaptive,
        spectral=model.spectral_norm,
        cap=model.max_spectral_norm,
        average=model.average,
        average_start=average_start_of(model, incremental),
        augment=model.batch_augment,
        record=frozenset(as_list(model.record)),
    )


def new_update(model, n, dtype):
    """The update rule that the parameters ask for, for n parameters."""
    if model.solver == "sgd":
        return updates.sgd(
            n,
            dtype,
            learning_rate=float(model.learning_rate_init),
            momentum=model.momentum,
            nesterov=model.nesterovs_momentum,
            schedule=model.learning_rate if isinstance(model.learning_rate, str) else "constant",
            power_t=model.power_t,
        )
    return updates.adam(
        n,
        dtype,
        learning_rate=float(model.learning_rate_init),
        beta_1=model.beta_1,
        beta_2=model.beta_2,
        epsilon=model.epsilon,
    )
