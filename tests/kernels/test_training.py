"""A compiled epoch against the same epoch step by step in NumPy."""

import numpy as np
import pytest
from scipy import sparse

from skreg._kernels.training import PIECE_LENGTH, STEP_COLUMNS
from skreg._solvers import updates
from skreg._solvers.epochs import Epochs
from skreg._solvers.network import Rows
from skreg._solvers.plan import chunk_rows, gradient_tasks
from skreg._solvers.state import Progress, Recipe, State
from skreg._solvers.threads import one_blas_thread
from skreg._solvers.updates import Numbers
from tests import reference
from tests.kernels.test_rows import LAYOUTS
from tests.network_cases import case, exact, network, team_of

DTYPES = [np.float32, np.float64]
WATCH = frozenset({"gradient_norm", "update_norm"})
CONSTANTS = {"sgd": (0.9, 1.0), "adam": (0.9, 0.99, 1e-3)}
NET = network((5, 8, 3, 4), label_smoothing=0.1)
N = 11  # rows


def new_update(rule, n, dtype, lr=0.05):
    momentum, *rest = CONSTANTS[rule]
    if rule == "sgd":
        return updates.sgd(n, dtype, learning_rate=lr, momentum=momentum, nesterov=bool(rest[0]))
    return updates.adam(
        n, dtype, learning_rate=lr, beta_1=momentum, beta_2=rest[0], epsilon=rest[1]
    )


def prepared(net, parameters, order, numbers=None, *, rule="sgd", lr=0.05, **options):
    """(recipe, state before the first epoch) of a training on copies of the parameters."""
    numbers = numbers or Numbers(dropout=(0.0,) * (len(net.units) - 1))
    recipe = Recipe(net, options.pop("batch_size", 4), 1, numbers, seed=5, **options)
    update = new_update(rule, len(parameters), parameters.dtype, lr)
    rng = np.random.RandomState(0)
    return recipe, State.of(recipe, parameters.copy(), update, order, rng, Progress())


def epoch(recipe, state, rows, threads=1):
    """One compiled epoch, which changes the state; (all were finite, sums, squares of norms)."""
    n_batches = -(-len(state.order) // recipe.batch_size)
    steps, rates = recipe.numbers.table(state.update, n_batches)
    with team_of(threads) as team:
        epochs = Epochs(recipe, rows, state, team)
        finite = epochs.compiled.run(state.order, steps, rates)
    return finite, epochs.sums, epochs.watched


def twin_epoch(recipe, state, X, targets, weight):
    """The same in NumPy, from the same state."""
    net, rule = recipe.network, state.update.rule
    coefs, _ = reference.layers_of(state.parameters, net.units)
    halves = np.split(state.singular, 2)
    left, right = (
        np.split(half, np.cumsum([W.shape[side] for W in coefs]))[:-1] if recipe.spectral else ()
        for side, half in enumerate(halves)
    )
    twin = reference.Epoch(
        net, state.parameters, rule, state.update.constants, recipe.seed,
        zip(left, right, strict=True),
    )  # fmt: skip
    steps, rates = recipe.numbers.table(state.update, -(-len(state.order) // recipe.batch_size))
    numbers = [{name: row[k] for name, k in STEP_COLUMNS.items()} for row in steps]
    return twin.run(
        *exact(X, targets, weight), state.order, recipe.batch_size, numbers, rates,
        max_norm=recipe.max_norm, rho=recipe.sam_rho, adaptive=recipe.sam_adaptive,
        spectral=recipe.spectral, cap=recipe.cap,
    )  # fmt: skip


def assert_equals_twin(recipe, state, rows, X, targets, weight):
    """Run both, hold them together, return the twin."""
    twin = twin_epoch(recipe, state, X, targets, weight)
    finite, sums, watched = epoch(recipe, state, rows)
    assert finite
    single = state.parameters.dtype == np.float32
    rtol, atol = (2e-3, 2e-5) if single else (1e-10, 1e-12)
    np.testing.assert_allclose(state.parameters, twin.w, rtol=rtol, atol=atol)
    np.testing.assert_allclose(state.update.moments, twin.moments, rtol=rtol, atol=atol)
    np.testing.assert_allclose(sums, twin.sums, rtol=rtol)
    if len(watched):
        np.testing.assert_allclose(watched, twin.watched, rtol=rtol)
    if len(state.average):
        np.testing.assert_allclose(state.average, twin.average, rtol=rtol, atol=atol)
    if not single:
        np.testing.assert_array_equal(state.parameters == 0, twin.w == 0)
    assert state.update.steps[0] == twin.updates
    return twin


def slope(first, last):
    """A number that changes evenly from step to step."""
    return lambda start, stop: first + (last - first) * np.arange(start, stop) / 3


DROPOUT = {"dropout": (0.3, 0.0, 0.4)}
NO_DROPOUT = {"dropout": (0.0, 0.0, 0.0)}
CHANGING = {
    "learning_rate": slope(0.02, 0.1), "alpha": slope(0, 2), "weight_decay": slope(1, 0),
    "dropout": (slope(0, 0.5), 0.0, slope(0.6, 0)),
}  # fmt: skip
OPTIONS = {  # (numbers, rest of the recipe)
    "plain": ({}, {}),
    "dropout": (DROPOUT, {}),
    "alpha": ({"alpha": 0.7}, {}),
    "decay": ({"weight_decay": 0.6}, {}),
    "l1": ({"l1": 0.8}, {}),
    "changing numbers": (CHANGING, {}),
    "clipping": ({"alpha": 0.7}, {"max_norm": 0.1}),
    "needless clipping": ({"alpha": 0.7}, {"max_norm": 1e3}),
    "sam": (DROPOUT, {"sam_rho": 0.3}),
    "adaptive sam": ({"alpha": 0.7}, {"sam_rho": 0.3, "sam_adaptive": True}),
    "average": ({"average_decay": 0.6}, {"average": "ema"}),
    "cap": ({}, {"spectral": "cap", "cap": 0.8}),
    "normalize": ({}, {"spectral": "normalize"}),
    "all": (
        {**CHANGING, "l1": 0.3, "average_decay": 0.6},
        {"max_norm": 0.5, "sam_rho": 0.2, "sam_adaptive": True, "spectral": "cap", "cap": 0.8,
         "average": "ema"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("as_sparse", [False, True])
@pytest.mark.parametrize("rule", CONSTANTS)
@pytest.mark.parametrize("option", OPTIONS)
def test_epoch_equals_its_twin(option, rule, as_sparse, dtype):
    parameters, X, targets, weight = case(NET, N, dtype)
    rows = Rows.of(sparse.csr_array(X) if as_sparse else X, targets, weight)
    order = np.random.default_rng(0).permutation(N)
    numbers, rest = OPTIONS[option]
    recipe, state = prepared(
        NET, parameters, order, Numbers(**{**NO_DROPOUT, **numbers}), rule=rule,
        record=WATCH, **rest,
    )  # fmt: skip
    start = state.parameters.copy()
    twin = assert_equals_twin(recipe, state, rows, X, targets, weight)
    assert twin.updates == 3
    assert np.abs(state.parameters - start).max() > 1e-3
    if option == "l1":
        assert 0 < np.sum(state.parameters == 0) <= NET.n_weights


@pytest.mark.parametrize("option", sorted(set(OPTIONS) - {"plain", "needless clipping"}))
def test_every_option_tested_above_makes_a_difference(option):
    parameters, *data = case(NET, N)
    found = []
    for numbers, rest in (OPTIONS[option], OPTIONS["plain"]):
        numbers = Numbers(**{**NO_DROPOUT, **numbers})
        recipe, state = prepared(NET, parameters, np.arange(N), numbers, **rest)
        # Spectral norms are bounded before the first step, too, which is not what is meant here.
        parameters = state.parameters.copy()
        epoch(recipe, state, Rows.of(*data))
        found.append(state.average if recipe.average else state.parameters)
    assert np.abs(found[0] - found[1]).max() > 1e-3


NETWORKS = [
    network((3, 2)),
    network((1, 1), "logistic"),
    network((4, 7, 1, 6, 2), "logistic", ("logistic", "elu", "mish"), label_smoothing=0.2),
    network((5, 3, 9, 1), "quantile", ("gelu", "leaky_relu")),
    network((4, 6, 3), "huber", "selu", level=(0.2, 1.0, 3.0)),
    network((2, 6, 5, 1), "poisson", "silu"),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("as_sparse", [False, True])
@pytest.mark.parametrize("batch_size", [1, 4, N, 2 * N])
@pytest.mark.parametrize("net", NETWORKS)
def test_every_depth_loss_and_batch_size_equals_the_twin(net, batch_size, as_sparse, dtype):
    parameters, X, targets, weight = case(net, N, dtype, soft=True)
    rows = Rows.of(sparse.csr_array(X) if as_sparse else X, targets, weight)
    rates = (0.2, *np.linspace(0, 0.5, len(net.units) - 2))
    recipe, state = prepared(
        net, parameters, np.arange(N)[::-1].copy(), Numbers(alpha=0.3, dropout=rates),
        batch_size=batch_size, max_norm=1.0, record=WATCH,
    )  # fmt: skip
    assert_equals_twin(recipe, state, rows, X, targets, weight)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_layout_of_rows_does_not_show(layout, dtype):
    parameters, X, targets, weight = case(NET, N, dtype)
    found = []
    for each in (X, LAYOUTS[layout](X)):
        recipe, state = prepared(NET, parameters, np.arange(N))
        epoch(recipe, state, Rows.of(each, targets, weight))
        found.append(state.parameters)
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("as_sparse", [False, True])
@pytest.mark.parametrize("net", [NET, network((5, 4, 1), "logistic")])
def test_codes_are_probabilities_and_no_weights_are_ones(net, as_sparse):
    parameters, X, targets, _ = case(net, N)
    X = sparse.csr_array(X) if as_sparse else X
    codes = targets[:, 0] if targets.shape[1] == 1 else targets.argmax(axis=1)
    found = []
    for rows in (Rows.of(X, targets, np.ones(N)), Rows.of(X, codes)):
        recipe, state = prepared(net, parameters, np.arange(N), max_norm=0.5)
        epoch(recipe, state, rows)
        found.append(state.parameters)
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("empty", [slice(0, 4), slice(4, 8), slice(8, 11), slice(0, 8), slice(11)])
def test_batches_of_weight_zero_are_no_steps(empty):
    # Numbers belong to the steps that are done, so the first share of an average stays 1.
    parameters, X, targets, weight = case(NET, N)
    weight[empty] = 0
    numbers = Numbers(**CHANGING, average_decay=0.9)
    recipe, state = prepared(NET, parameters, np.arange(N), numbers, average="ema", record=WATCH)
    twin = assert_equals_twin(recipe, state, Rows.of(X, targets, weight), X, targets, weight)
    assert twin.updates == 3 - len(range(*empty.indices(12))) // 4 - (empty.stop == 11)
    if twin.updates == 1:
        np.testing.assert_array_equal(state.average, state.parameters)


def test_rows_outside_the_order_are_not_read():
    parameters, X, targets, weight = case(NET, N)
    X[5:] = np.nan
    recipe, state = prepared(NET, parameters, np.arange(5), batch_size=2)
    assert epoch(recipe, state, Rows.of(X, targets, weight))[0]


@pytest.mark.parametrize("bad", [np.nan, 1e308])
@pytest.mark.parametrize("options", [{}, {"sam_rho": 0.1}, {"max_norm": 1.0}])
def test_the_first_batch_that_is_not_finite_ends_the_epoch_before_its_step(options, bad):
    net = network((3, 2), "squared_error")
    parameters, X, targets, weight = case(net, 9)
    recipe, state = prepared(net, parameters, np.arange(3), batch_size=3, **options)
    epoch(recipe, state, Rows.of(X, targets, weight))
    expected = state.parameters.copy()
    X[4] = bad
    recipe, state = prepared(net, parameters, np.arange(9), batch_size=3, **options)
    finite, sums, _ = epoch(recipe, state, Rows.of(X, targets, weight))
    assert not finite
    assert state.update.steps[0] == sums[3] == 1
    np.testing.assert_array_equal(state.parameters, expected)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_gradient_whose_square_overflows_is_clipped_like_any_other(dtype):
    net = network((3, 2), "absolute_error")
    parameters, X, targets, weight = case(net, 6, dtype)
    X *= 1e25 if dtype == np.float32 else 1e170
    targets *= 0
    recipe, state = prepared(net, parameters, np.arange(6), max_norm=1.0, lr=1.0, batch_size=6)
    assert epoch(recipe, state, Rows.of(X, targets, weight))[0]
    np.testing.assert_allclose(np.linalg.norm(state.update.moments), 1, rtol=1e-5)


BIG = network((320, 256, 64, 10), activation=("relu", "tanh"), label_smoothing=0.1)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("as_sparse", [False, True])
def test_the_number_of_threads_does_not_change_a_bit(as_sparse, dtype):
    parameters, X, targets, weight = case(BIG, 400, dtype)
    rows = Rows.of(sparse.csr_array(X) if as_sparse else X, targets, weight)
    order = np.random.default_rng(0).permutation(400)
    numbers = Numbers(
        alpha=0.5, weight_decay=0.1, l1=1e-3, average_decay=0.9, dropout=(0.1, 0.2, 0.5)
    )
    found = []
    for threads in (1, 2, 3):
        recipe, state = prepared(
            BIG, parameters, order, numbers, batch_size=256, max_norm=0.5,
            rule="adam" if as_sparse else "sgd",
            sam_rho=0.05, spectral="cap", cap=1.0, average="ema", record=WATCH,
        )  # fmt: skip
        with one_blas_thread():
            finite, sums, watched = epoch(recipe, state, rows, threads)
        assert finite
        state = state.parameters, state.update.moments, state.average, state.singular
        found.append([*state, sums, watched])
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            assert a.tobytes() == b.tobytes()


@pytest.mark.parametrize("as_sparse", [False, True])
def test_an_epoch_that_is_cut_equals_its_twin(as_sparse):
    parameters, X, targets, weight = case(BIG, 300)
    rows = Rows.of(sparse.csr_array(X) if as_sparse else X, targets, weight)
    numbers = Numbers(alpha=0.5, dropout=(0.2, 0.3, 0.0))
    recipe, state = prepared(
        BIG, parameters, np.arange(300), numbers, batch_size=256, max_norm=0.5, record=WATCH
    )
    assert chunk_rows(256, BIG.n_weights) < 256  # rows are cut
    # So is a weight matrix of dense rows, and so are the parameters.
    assert len(gradient_tasks(BIG.units, 256, as_sparse)) > 3 - as_sparse
    assert len(parameters) > PIECE_LENGTH
    assert_equals_twin(recipe, state, rows, X, targets, weight)


@pytest.mark.parametrize("size", [1e-21, 1e-25, 1e-37])
def test_tiny_gradients_leave_no_denormal_numbers(size):
    # Squares or moments of such gradients fall below the normal range of float32.
    net = network((5, 8, 4), "absolute_error")
    parameters, X, targets, weight = case(net, N, np.float32)
    recipe, state = prepared(net, parameters, np.arange(N), rule="adam")
    rows = Rows.of(X * np.float32(size), targets, weight)
    for _ in range(5):
        assert epoch(recipe, state, rows)[0]
        first = state.update.moments[:, : 5 * 8]
        assert np.all((first == 0) | (np.abs(first) >= np.finfo(np.float32).tiny))
    assert np.any(state.update.moments)
    # The calling thread does not stay like that.
    assert np.float32(1e-45) * np.float32(1) != 0
