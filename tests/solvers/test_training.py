"""Epochs, stopping rules and interruption; L-BFGS and its certificate."""

import numpy as np
import pytest
from sklearn.utils import shuffle

from skreg._solvers import training, updates
from skreg._solvers.losses import Objective
from skreg._solvers.network import Rows
from tests.kernels.test_network import case, network

NET = network((4, 6, 3), activation="tanh")


def silent(_):
    pass


def prepare(n=60, net=NET, lr=0.1, schedule="constant"):
    parameters, X, targets, weight = case(net, n, float)
    update = updates.sgd(
        len(parameters), float, learning_rate=lr, momentum=0.9, nesterov=True,
        schedule=schedule, power_t=0.5,
    )  # fmt: skip
    return parameters, Rows.of(X, targets, weight), update


def run(parameters, rows, update, score=None, report=silent, net=NET, **settings):
    settings = {
        "batch_size": 10, "max_iter": 8, "shuffle": True, "tol": 1e-4, "patience": 10, **settings
    }  # fmt: skip
    progress = training.Progress()
    progress.watch_scores(score is not None)
    result = training.train(
        parameters, net, rows, np.arange(len(rows.targets)), update,
        training.Epochs(**settings), progress, np.random.RandomState(0), score, report,
    )  # fmt: skip
    return result, progress


def test_the_order_of_a_seed_is_that_of_scikit_learn():
    rng, other = np.random.RandomState(4), np.random.RandomState(4)
    for n in (1, 2, 17):
        np.testing.assert_array_equal(
            training.permutation(n, rng), shuffle(np.arange(n), random_state=other)
        )


def test_loss_falls_and_is_recorded():
    result, progress = run(*prepare())
    assert result.status == "max_iter"
    assert result.n_iter == 8 == len(progress.loss_curve)
    assert progress.samples_seen == 8 * 60
    assert progress.loss_curve[-1] < progress.loss_curve[0]
    assert progress.best_loss == min(progress.loss_curve)
    assert result.loss == progress.loss_curve[-1]


@pytest.mark.parametrize("patience", [1, 3])
def test_stops_after_more_than_patience_epochs_without_progress(patience):
    result, progress = run(*prepare(), tol=1e9, patience=patience)
    assert result.status == "converged"
    # The first epoch always improves on infinity.
    assert result.n_iter == 1 + patience + 1
    assert progress.stalled == patience + 1


def test_adaptive_rate_slows_down_before_it_stops():
    parameters, rows, update = prepare(schedule="adaptive")
    result, _ = run(parameters, rows, update, tol=1e9, patience=1, max_iter=200)
    assert result.status == "converged"
    assert update.learning_rate <= 1e-6


def test_best_scored_parameters_are_the_result():
    seen = []
    scores = iter([0.2, 0.9, 0.5, 0.9, 0.1])

    def score(p):
        seen.append(p.copy())
        return next(scores)

    result, progress = run(*prepare(), score=score, max_iter=5)
    np.testing.assert_array_equal(result.parameters, seen[1])
    assert progress.best_score == 0.9
    assert progress.validation_scores == [0.2, 0.9, 0.5, 0.9, 0.1]
    assert progress.best_loss is None


def test_interruption_keeps_the_best_so_far():
    seen = []

    def score(p):
        seen.append(p.copy())
        if len(seen) == 3:
            raise KeyboardInterrupt
        return -len(seen)

    result, _ = run(*prepare(), score=score)
    assert result.status == "interrupted"
    np.testing.assert_array_equal(result.parameters, seen[0])


def test_interruption_without_scores_keeps_the_last():
    parameters, rows, update = prepare()

    def report(line):
        if line.startswith("Iteration 3"):
            raise KeyboardInterrupt

    result, _ = run(parameters, rows, update, report=report)
    assert result.status == "interrupted"
    assert result.n_iter == 3
    again, rows, update = prepare()
    run(again, rows, update, max_iter=3)
    np.testing.assert_array_equal(result.parameters, again)


def test_overflow_is_a_status_with_its_epoch():
    parameters, rows, update = prepare()
    rows.X[:] = 1e308 * np.sign(rows.X)
    net = NET._replace(activation="identity")
    result, progress = run(parameters, rows, update, net=net)
    assert result.status == "overflow"
    assert result.n_iter == len(progress.loss_curve) + 1


def test_progress_can_change_its_judge_between_calls():
    progress = training.Progress()
    progress.watch_scores(True)
    progress.record_score(0.5, 0.0)
    progress.watch_scores(True)
    assert progress.validation_scores == [0.5]
    progress.watch_scores(False)
    assert (progress.validation_scores, progress.best_score) == (None, None)
    progress.record_loss(1.0, 0.0)
    progress.watch_scores(False)
    assert progress.best_loss == 1.0


def lbfgs(net, parameters, rows, report=silent, **settings):
    settings = {"max_iter": 500, "max_fun": 5000, "tol": 1e-6, **settings}
    return training.train_lbfgs(parameters, net, rows, report=report, **settings)


def test_lbfgs_reaches_a_stationary_point():
    net = network((4, 3), alpha=1.0)
    parameters, rows, _ = prepare(net=net)
    result = lbfgs(net, parameters, rows)
    value, gradient = Objective(net, rows)(result.parameters)
    assert result.status == "converged"
    assert result.loss == value
    # This objective is strictly convex up to the shift of the biases, so this is the minimum.
    assert np.abs(gradient).max() < 1e-4
    other = lbfgs(net, np.zeros_like(parameters), rows)
    np.testing.assert_allclose(result.loss, other.loss, rtol=1e-6)


def test_lbfgs_says_when_it_was_cut_short():
    parameters, rows, _ = prepare()
    for settings in ({"max_iter": 2}, {"max_fun": 3}):
        result = lbfgs(NET, parameters, rows, **settings)
        assert result.status == "max_iter"
        assert result.message


def test_lbfgs_interrupted_returns_its_last_iterate():
    parameters, rows, _ = prepare()

    def report(line):
        if line.startswith("Iteration 4"):
            raise KeyboardInterrupt

    result = lbfgs(NET, parameters, rows, report=report)
    assert (result.status, result.n_iter) == ("interrupted", 4)
    np.testing.assert_array_equal(
        result.parameters, lbfgs(NET, parameters, rows, max_iter=4).parameters
    )


def test_lbfgs_overflow_is_a_status():
    parameters, rows, _ = prepare()
    rows.X[:] = 1e308 * np.sign(rows.X)
    assert lbfgs(NET._replace(activation="identity"), parameters, rows).status == "overflow"
