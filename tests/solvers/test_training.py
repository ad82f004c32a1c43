"""Epochs, stopping rules and interruption, averages and bounds; L-BFGS and its certificate."""

import copy
import pickle

import numpy as np
import pytest
from scipy import sparse
from sklearn.utils import shuffle

from skreg._solvers import training, updates
from skreg._solvers.epochs import permutation
from skreg._solvers.losses import Objective
from skreg._solvers.network import Rows, split
from skreg._solvers.spectral_norms import spectral_norm
from skreg._solvers.state import Progress, Recipe, State
from skreg._solvers.updates import Numbers
from tests.network_cases import case, network

NET = network((4, 6, 3))
RECIPE = Recipe(NET, batch_size=10, max_iter=8, numbers=Numbers(dropout=(0.0, 0.0)))


def begin(recipe=RECIPE, n=60, dtype=np.float64, *, lr=0.1, schedule="constant", scored=False):
    """(state before the first epoch, rows)."""
    parameters, X, targets, weight = case(recipe.network, n, dtype)
    update = updates.sgd(
        len(parameters), dtype, learning_rate=lr, momentum=0.9, nesterov=True, schedule=schedule
    )
    progress = Progress()
    progress.watch_scores(scored)
    rng = np.random.RandomState(0)
    state = State.of(recipe, parameters, update, np.arange(n), rng, progress)
    return state, Rows.of(X, targets, weight)


def run(recipe=RECIPE, *, score=None, observe=None, report=None, **start):
    """(result, state) of a training from the start."""
    state, rows = begin(recipe, scored=score is not None, **start)
    return training.train(state, recipe, rows, score, observe, report), state


def after_epochs(recipe=RECIPE, n_epochs=8, **start):
    """Parameters after each epoch."""
    seen = []
    run(recipe._replace(max_iter=n_epochs, average=None),
        observe=lambda state, *_: seen.append(state.parameters.copy()), **start)  # fmt: skip
    return np.array(seen)


def test_the_order_of_a_seed_is_that_of_scikit_learn():
    rng, other = np.random.RandomState(4), np.random.RandomState(4)
    for n in (1, 2, 17):
        np.testing.assert_array_equal(
            permutation(n, rng), shuffle(np.arange(n), random_state=other)
        )


@pytest.mark.parametrize("shuffled", [True, False])
def test_rows_are_shuffled_anew_each_epoch_or_never(shuffled):
    orders = []
    run(RECIPE._replace(shuffle=shuffled), observe=lambda s, *_: orders.append(s.order))
    assert all(set(order) == set(range(60)) for order in orders)
    assert len({tuple(order) for order in orders}) == (8 if shuffled else 1)


def test_loss_falls_and_is_recorded():
    lines = []
    result, state = run(report=lines.append)
    progress = state.progress
    assert result.status == "max_iter"
    assert result.n_iter == 8 == len(progress.loss_curve)
    assert progress.samples_seen == 8 * 60
    assert progress.loss_curve[-1] < progress.loss_curve[0]
    assert progress.best_loss == min(progress.loss_curve)
    assert progress.loss_curve[progress.best_epoch - 1] == progress.best_loss
    assert result.loss == progress.loss_curve[-1]
    assert result.parameters is state.parameters
    assert lines == [
        f"Iteration {k + 1}, loss = {v:.8f}" for k, v in enumerate(progress.loss_curve)
    ]


@pytest.mark.parametrize("patience", [1, 3])
def test_stops_after_more_than_patience_epochs_without_progress(patience):
    result, state = run(RECIPE._replace(tol=1e9, patience=patience))
    assert result.status == "converged"
    # The first epoch always improves on infinity.
    assert result.n_iter == 1 + patience + 1
    assert state.progress.stalled == patience + 1


def test_adaptive_rate_slows_down_before_it_stops():
    recipe = RECIPE._replace(tol=1e9, patience=1, max_iter=200)
    result, state = run(recipe, schedule="adaptive")
    assert result.status == "converged"
    assert state.update.learning_rate <= 1e-6


@pytest.mark.parametrize("given", [None, lambda a, b: np.full(b - a, 0.1)])
def test_a_given_learning_rate_is_left_alone(given):
    recipe = RECIPE._replace(numbers=RECIPE.numbers._replace(learning_rate=given), max_iter=2)
    _, state = run(recipe, schedule="invscaling", lr=1.0)
    assert state.update.learning_rate == (1.0 if given else 121**-0.5)


def test_best_scored_parameters_are_the_result():
    seen, values = [], [0.2, 0.9, 0.5, 0.9, 0.1]

    def score(p):
        seen.append(p.copy())
        return values[len(seen) - 1]

    result, state = run(RECIPE._replace(max_iter=5), score=score)
    np.testing.assert_array_equal(result.parameters, seen[1])
    assert (state.progress.best_score, state.progress.best_epoch) == (0.9, 2)
    assert state.progress.validation_scores == values
    assert state.progress.best_loss is None


def test_scores_without_progress_stop_the_training():
    recipe = RECIPE._replace(patience=2, max_iter=50, tol=0.1)
    scores = iter([0.5, 0.55, 0.7, 0.75, 0.79, 0.79, 0.9])
    result, _ = run(recipe, score=lambda _: next(scores))
    assert (result.status, result.n_iter) == ("converged", 6)


def test_an_observer_sees_every_epoch_and_may_end_the_training():
    seen = []

    def observe(state, learned, n_iter, status):
        np.testing.assert_array_equal(learned, state.parameters)
        seen.append((n_iter, len(state.progress.loss_curve)))
        return n_iter == 3

    result, _ = run(observe=observe)
    assert (result.status, result.n_iter) == ("stopped", 3)
    assert seen == [(1, 1), (2, 2), (3, 3)]


def test_interruption_keeps_the_best_so_far():
    seen = []

    def score(p):
        seen.append(p.copy())
        if len(seen) == 3:
            raise KeyboardInterrupt
        return -len(seen)

    result, _ = run(score=score)
    assert result.status == "interrupted"
    np.testing.assert_array_equal(result.parameters, seen[0])


def test_interruption_without_scores_keeps_the_last():
    def report(line):
        if line.startswith("Iteration 3"):
            raise KeyboardInterrupt

    result, _ = run(report=report)
    assert (result.status, result.n_iter) == ("interrupted", 3)
    np.testing.assert_array_equal(result.parameters, after_epochs()[2])


def test_ctrl_c_ends_a_long_epoch(interrupt_after):
    net = network((64, 256, 10))
    recipe = Recipe(net, 64, 1, Numbers(dropout=(0.0, 0.5)))
    state, rows = begin(recipe, n=64)
    state.order = np.zeros(2**19, np.int64)  # minutes
    interrupt_after(0.2)
    result = training.train(state, recipe, rows)
    assert (result.status, result.n_iter, result.loss) == ("interrupted", 0, None)
    assert 0 < state.update.steps[0] < 2**19 // 64


@pytest.mark.parametrize("batch_size", [10, 60])
@pytest.mark.parametrize("average", [None, "ema"])
def test_overflow_gives_back_the_parameters_before_the_epoch(average, batch_size):
    # A step that is not finite is seen in the next batch, or after the last one.
    numbers = RECIPE.numbers._replace(average_decay=0.5 if average else None)
    recipe = RECIPE._replace(average=average, batch_size=batch_size, numbers=numbers, max_iter=2)
    state, rows = begin(recipe)
    training.train(state, recipe, rows)
    expected = state.learned().copy(), state.parameters.copy()
    state.update.learning_rate = np.inf
    result = training.train(state, recipe, rows)
    assert (result.status, result.n_iter) == ("overflow", 0)
    assert len(state.progress.loss_curve) == 2
    np.testing.assert_array_equal(result.parameters, expected[0])
    np.testing.assert_array_equal(state.parameters, expected[1])


def test_moments_that_overflow_do_not_freeze_their_weights_in_silence():
    net = network((4, 3), "absolute_error")
    recipe = RECIPE._replace(network=net, numbers=Numbers(), max_iter=1)
    state, rows = begin(recipe, dtype=np.float32)
    rows.X[:] *= 1e25  # squares of gradients are infinite, losses are not
    n = net.n_parameters
    state.update = updates.adam(
        n, np.float32, learning_rate=0.1, beta_1=0.9, beta_2=0.9, epsilon=1e-8
    )
    assert training.train(state, recipe, rows).status == "overflow"


def test_overflow_of_the_data_is_a_status_with_its_epoch():
    recipe = RECIPE._replace(network=NET._replace(activations=("identity",)))
    state, rows = begin(recipe)
    rows.X[:] = 1e308 * np.sign(rows.X)
    result = training.train(state, recipe, rows)
    assert (result.status, result.n_iter, result.loss) == ("overflow", 0, None)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s))])
@pytest.mark.parametrize("average", ["ema", "swa"])
def test_a_restored_state_goes_on_as_if_nothing_had_happened(average, copied):
    recipe = RECIPE._replace(
        average=average, spectral="cap", sam_rho=0.1,
        numbers=Numbers(dropout=(0.1, 0.3), average_decay=0.9 if average == "ema" else None),
    )  # fmt: skip
    whole, _ = run(recipe)
    state, rows = begin(recipe)
    training.train(state, recipe._replace(max_iter=3), rows)
    rest = training.train(copied(state), recipe._replace(max_iter=5), rows)
    np.testing.assert_array_equal(rest.parameters, whole.parameters)


@pytest.mark.parametrize("start", [0, 5, 7, 8])
def test_stochastic_weight_averages_are_means_of_epochs(start):
    result, state = run(RECIPE._replace(average="swa", average_start=start))
    epochs = after_epochs()
    expected = epochs[start:].mean(axis=0) if start < 8 else epochs[-1]
    np.testing.assert_allclose(result.parameters, expected, rtol=1e-13)
    np.testing.assert_array_equal(state.parameters, epochs[-1])


def test_exponential_averages_weigh_recent_steps_most():
    # One batch an epoch, so that every step is seen.
    recipe = RECIPE._replace(
        batch_size=60, average="ema", numbers=RECIPE.numbers._replace(average_decay=0.7)
    )
    steps = after_epochs(recipe)
    result, _ = run(recipe)
    expected = np.average(steps, axis=0, weights=0.7 ** np.arange(7, -1, -1))
    np.testing.assert_allclose(result.parameters, expected, rtol=1e-13)


def test_an_average_asked_for_later_begins_where_the_training_is():
    recipe = RECIPE._replace(batch_size=60, max_iter=5)
    state, rows = begin(recipe)
    training.train(state, recipe, rows)
    start = state.parameters.copy()
    numbers = recipe.numbers._replace(average_decay=0.9)
    recipe = recipe._replace(average="ema", numbers=numbers, max_iter=1)
    state = State.of(
        recipe, state.parameters, state.update, state.order, state.rng, state.progress
    )
    result = training.train(state, recipe, rows)
    share = 0.1 / (1 - 0.9**6)  # of the sixth step
    expected = (1 - share) * start + share * state.parameters
    np.testing.assert_allclose(result.parameters, expected, rtol=1e-12)


@pytest.mark.parametrize("average", ["ema", "swa"])
def test_averages_keep_the_zeros_of_the_last_step(average):
    numbers = Numbers(dropout=(0.0, 0.0), l1=0.05, average_decay=0.9 if average == "ema" else None)
    result, state = run(RECIPE._replace(average=average, numbers=numbers))
    zero = state.parameters[: NET.n_weights] == 0
    assert 0 < zero.sum() < NET.n_weights
    np.testing.assert_array_equal(result.parameters[: NET.n_weights] == 0, zero)


def test_scores_are_those_of_the_average():
    seen = []
    recipe = RECIPE._replace(average="swa", max_iter=2)
    run(recipe, score=lambda p: seen.append(p.copy()) or 0.0)
    epochs = after_epochs(n_epochs=2)
    np.testing.assert_allclose(seen, [epochs[0], epochs.mean(axis=0)], rtol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "options", [{}, {"average": "swa"}, {"numbers": Numbers(l1=0.02, dropout=(0.0, 0.2))}]
)
@pytest.mark.parametrize(("spectral", "cap"), [("cap", 0.7), ("normalize", 1.0)])
def test_spectral_norms_are_bounded_exactly_in_the_end(spectral, cap, options, dtype):
    recipe = RECIPE._replace(spectral=spectral, cap=cap, **options)
    result, state = run(recipe, dtype=dtype)
    norms = [np.linalg.norm(W.astype(float), 2) for W in split(result.parameters, NET.units)[0]]
    assert max(norms) <= cap * (1 + 1e-6)
    if spectral == "normalize":
        np.testing.assert_allclose(norms, 1, rtol=1e-6)
    free = run(recipe._replace(spectral=None))[0].parameters
    assert max(np.linalg.norm(W, 2) for W in split(free, NET.units)[0]) > 1
    # Meanwhile the estimate keeps up.
    meanwhile = [np.linalg.norm(W, 2) for W in split(state.parameters, NET.units)[0]]
    assert max(meanwhile) < 1.1 * cap


def test_a_cap_that_all_matrices_keep_changes_nothing():
    np.testing.assert_array_equal(
        run(RECIPE._replace(spectral="cap", cap=100.0))[0].parameters, run()[0].parameters
    )


def test_a_matrix_of_zeros_is_left_alone_by_normalization():
    recipe = RECIPE._replace(spectral="normalize", numbers=Numbers(l1=1e6, dropout=(0.0, 0.0)))
    result, _ = run(recipe)
    assert not result.parameters[: NET.n_weights].any()
    assert np.isfinite(result.parameters).all()


def test_augmented_batches_that_do_not_change_are_the_batches():
    recipe = RECIPE._replace(
        numbers=Numbers(lambda a, b: 0.1 / (1 + np.arange(a, b)), dropout=(0.1, 0.3))
    )
    same = recipe._replace(augment=lambda X, y, rng: (X, y))
    np.testing.assert_array_equal(run(recipe)[0].parameters, run(same)[0].parameters)


def test_augmentation_sees_copies_of_each_batch_and_may_change_them():
    shapes = []

    def augment(X, y, rng):
        shapes.append((X.shape, y.shape))
        X *= 2
        y[:] = y[::-1]
        return np.asfortranarray(X), y.astype(np.float32)

    recipe = RECIPE._replace(augment=augment, batch_size=25, max_iter=1, shuffle=False)
    state, rows = begin(recipe)
    before = [a.copy() for a in (rows.X, rows.targets)]
    result = training.train(state, recipe, rows)
    assert shapes == [((25, 4), (25, 3)), ((25, 4), (25, 3)), ((10, 4), (10, 3))]
    np.testing.assert_array_equal(rows.X, before[0])
    np.testing.assert_array_equal(rows.targets, before[1])
    # The same by hand: turn the targets of each batch around.
    at = np.concatenate([np.arange(60)[k : k + 25][::-1] for k in (0, 25, 50)])
    state, _ = begin(recipe)
    changed = Rows.of(2 * rows.X, rows.targets[at], rows.weight)
    expected = training.train(state, recipe._replace(augment=None), changed)
    np.testing.assert_array_equal(result.parameters, expected.parameters)


def test_augmented_batches_of_weight_zero_are_no_steps():
    recipe = RECIPE._replace(
        shuffle=False, max_iter=1, average="ema",
        numbers=Numbers(lambda a, b: 0.1 * np.arange(a, b), dropout=(0.0, 0.0), average_decay=0.9),
    )  # fmt: skip
    found = []
    for augment in (None, lambda X, y, rng: (X, y)):
        state, rows = begin(recipe)
        rows.weight[:10] = rows.weight[30:40] = 0
        found.append(training.train(state, recipe._replace(augment=augment), rows).parameters)
        assert state.update.steps[0] == 4
    np.testing.assert_array_equal(*found)


def test_augmentation_must_keep_the_shapes():
    recipe = RECIPE._replace(augment=lambda X, y, rng: (X[1:], y[1:]))
    with pytest.raises(ValueError, match=r"shapes \(9, 4\) and \(9, 3\).*keep the shapes"):
        run(recipe)


def test_augmentation_draws_from_the_random_state_of_the_training():
    def augment(X, y, rng):
        return X + rng.normal(size=X.shape), y

    recipe = RECIPE._replace(augment=augment)
    first, again = (run(recipe)[0].parameters for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, run()[0].parameters)


def test_history_has_a_row_an_epoch_and_its_parts_make_the_loss():
    numbers = Numbers(alpha=0.5, l1=0.02, dropout=(0.0, 0.0))
    record = frozenset({"gradient_norm", "update_norm", "spectral_norm", "parameters"})
    result, state = run(RECIPE._replace(numbers=numbers, record=record))
    columns = state.progress.history.arrays()
    assert {len(column) for column in columns.values()} == {8}
    parts = columns["loss"] + columns["l2_penalty"] + columns["l1_penalty"]
    np.testing.assert_allclose(parts, state.progress.loss_curve, rtol=1e-15)
    np.testing.assert_array_equal(columns["parameters"][-1], result.parameters)
    np.testing.assert_array_equal(
        columns["parameters"], after_epochs(RECIPE._replace(numbers=numbers))
    )
    assert (columns["layer_gradient_norm"] > 0).all()


def test_what_is_recorded_does_not_change_the_training():
    recipe = RECIPE._replace(sam_rho=0.1, numbers=Numbers(dropout=(0.1, 0.2)))
    record = frozenset({"gradient_norm", "update_norm", "spectral_norm", "parameters"})
    recorded = run(recipe._replace(record=record))[0]
    np.testing.assert_array_equal(recorded.parameters, run(recipe)[0].parameters)


def test_the_loss_of_an_epoch_is_the_mean_of_its_batches():
    # One batch of all rows: the loss before the step is the objective.
    recipe = RECIPE._replace(
        batch_size=60, max_iter=1, numbers=Numbers(alpha=0.5, dropout=(0.0, 0.0))
    )
    state, rows = begin(recipe)
    expected = Objective(NET, rows, 0.5)(state.parameters)[0]
    np.testing.assert_allclose(training.train(state, recipe, rows).loss, expected, rtol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sparse_rows_learn_what_dense_ones_do(dtype):
    recipe = RECIPE._replace(numbers=Numbers(dropout=(0.2, 0.3)))
    found = []
    for form in (np.array, sparse.csr_array):
        state, rows = begin(recipe, dtype=dtype)
        rows = Rows.of(form(rows.X), rows.targets, rows.weight)
        found.append(training.train(state, recipe, rows).parameters)
    np.testing.assert_allclose(*found, rtol=1e-3 if dtype == np.float32 else 1e-10)


def test_the_kernel_may_ask_for_two_threads_without_a_change(monkeypatch):
    net = network((160, 128, 3))
    recipe = Recipe(net, 256, 1, Numbers(dropout=(0.1, 0.3)))
    found = []
    for team in (1, 2):
        monkeypatch.setattr("skreg._solvers.threads.available", lambda team=team: team)
        found.append(run(recipe, n=300, dtype=np.float32)[0].parameters)
    np.testing.assert_array_equal(*found)


def test_progress_can_change_its_judge_between_calls():
    progress = Progress()
    progress.watch_scores(True)
    progress.record_score(0.5, 0.0)
    progress.watch_scores(True)
    assert progress.validation_scores == [0.5]
    progress.watch_scores(False)
    assert (progress.validation_scores, progress.best_score) == (None, None)
    progress.record_loss(1.0, 0.0)
    progress.watch_scores(False)
    assert progress.best_loss == 1.0


@pytest.mark.parametrize("scored", [False, True])
def test_a_new_beginning_forgets_the_best_of_other_data(scored):
    progress = Progress(stalled=4)
    progress.watch_scores(scored)
    progress.record_loss(1.0, 0.0)
    if scored:
        progress.record_score(0.5, 0.0)
    progress.begin()
    assert progress.stalled == 0
    assert progress.best_score == (-np.inf if scored else None)
    assert progress.best_loss == (None if scored else np.inf)
    assert progress.loss_curve == [1.0]


def lbfgs(net, parameters, rows, report=lambda line: None, **settings):
    settings = {"alpha": 0.0, "max_iter": 500, "max_fun": 5000, "tol": 1e-6, **settings}
    return training.train_lbfgs(parameters, net, rows, report=report, **settings)


def whole(net=NET):
    """(parameters, rows)."""
    parameters, X, targets, weight = case(net, 60)
    return parameters, Rows.of(X, targets, weight)


@pytest.mark.parametrize("loss", ["softmax", "logistic", "squared_error", "poisson"])
def test_lbfgs_reaches_a_stationary_point(loss):
    net = network((4, 3), loss)
    parameters, rows = whole(net)
    result = lbfgs(net, parameters, rows, alpha=1.0)
    value, gradient = Objective(net, rows, 1.0)(result.parameters)
    assert result.status == "converged"
    assert result.loss == value
    # This objective is strictly convex up to the shift of the biases, so this is the minimum.
    assert np.abs(gradient).max() < 1e-4
    other = lbfgs(net, np.zeros_like(parameters), rows, alpha=1.0)
    np.testing.assert_allclose(result.loss, other.loss, rtol=1e-6)


def test_lbfgs_on_a_linear_network_is_ridge():
    net = network((4, 2), "squared_error")
    parameters, rows = whole(net)
    result = lbfgs(net, parameters, rows, alpha=3.0, tol=1e-10, max_iter=2000)
    # 1/2 sum_i v_i |y_i - W'x_i - b|^2 + alpha/2 |W|^2
    v = rows.weight[:, None]
    X, Y = (a - (v * a).sum(axis=0) / v.sum() for a in (rows.X, rows.targets))
    W = np.linalg.solve(X.T @ (v * X) + 3 * np.eye(4), X.T @ (v * Y))
    np.testing.assert_allclose(split(result.parameters, net.units)[0][0], W, atol=1e-5)


def test_lbfgs_says_when_it_was_cut_short():
    for settings in ({"max_iter": 2}, {"max_fun": 3}):
        result = lbfgs(NET, *whole(), **settings)
        assert result.status == "max_iter"
        assert result.message


def test_lbfgs_interrupted_returns_its_last_iterate():
    def report(line):
        if line.startswith("Iteration 4"):
            raise KeyboardInterrupt

    result = lbfgs(NET, *whole(), report=report)
    assert (result.status, result.n_iter) == ("interrupted", 4)
    np.testing.assert_array_equal(result.parameters, lbfgs(NET, *whole(), max_iter=4).parameters)


def test_lbfgs_overflow_is_a_status():
    net = NET._replace(activations=("identity",))
    parameters, rows = whole(net)
    rows.X[:] = 1e308 * np.sign(rows.X)
    assert lbfgs(net, parameters, rows).status == "overflow"


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1), (7, 3), (3, 7), (6, 6)])
@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e200])
def test_the_spectral_norm_is_numpy_s(shape, scale):
    matrix = np.random.default_rng(0).standard_normal(shape) * scale
    found = spectral_norm(matrix)
    np.testing.assert_allclose(found, np.linalg.norm(matrix, 2), rtol=1e-14)
    assert spectral_norm(np.zeros(shape)) == 0
