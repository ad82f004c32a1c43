"""The whole objective: every loss and activation against finite differences and the definition."""

import numpy as np
import pytest
from scipy import sparse

from skreg._kernels.activations import KINDS
from skreg._kernels.losses import LOSSES
from skreg._solvers.losses import Objective
from skreg._solvers.network import BLOCK_ROWS, Rows
from skreg._solvers.threads import one_blas_thread
from tests import reference
from tests.network_cases import case, network, team_of

N_OUTPUTS = {"softmax": 4, "logistic": 2}


def numeric_gradient(f, x, h=1e-6):
    """Central differences."""
    steps = h * np.eye(len(x))
    return np.array([(f(x + step) - f(x - step)) / (2 * h) for step in steps])


@pytest.mark.parametrize("rates", [(0.0, 0.0, 0.0), (0.0, 0.3, 0.5)])
@pytest.mark.parametrize("activation", KINDS)
@pytest.mark.parametrize("loss", LOSSES)
def test_gradient_is_the_slope_of_the_definition(loss, activation, rates):
    # Random data meet no kink within 1e-6.
    net = network((3, 5, 4, N_OUTPUTS.get(loss, 1)), loss, activation, label_smoothing=0.15)
    parameters, X, targets, weight = case(net, 7, seed=2, soft=True)
    objective = Objective(net, Rows.of(X, targets, weight), 0.7, rates=rates)

    def f(p):
        return objective(p, seed=11, step=4)[0]

    value, gradient = objective(parameters, seed=11, step=4)
    expected = reference.mlp_objective(
        net, parameters, X, targets, weight, 0.7, (0.0, *rates[1:]), seed=11, step=4
    )
    np.testing.assert_allclose(value, expected[0], rtol=1e-13)
    np.testing.assert_allclose(gradient, expected[1], rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(gradient, numeric_gradient(f, parameters), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("as_sparse", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_blocks_do_not_show(dtype, as_sparse):
    net = network((4, 6, 3))
    parameters, X, targets, weight = case(net, 2 * BLOCK_ROWS + 5, dtype)
    expected = reference.mlp_objective(net, parameters, X, targets, weight, 0.2, (0.0, 0.0))
    rows = Rows.of(sparse.csr_array(X) if as_sparse else np.asfortranarray(X), targets, weight)
    value, gradient = Objective(net, rows, 0.2)(parameters)
    tolerance = 1e-5 if dtype == np.float32 else 1e-12
    np.testing.assert_allclose(value, expected[0], rtol=tolerance)
    np.testing.assert_allclose(gradient, expected[1], atol=tolerance)


@pytest.mark.parametrize("threads", [2, 3])
@pytest.mark.parametrize("as_sparse", [False, True])
def test_threads_do_not_show(as_sparse, threads):
    net = network((160, 128, 3))
    parameters, X, targets, weight = case(net, 300, np.float32)
    rows = Rows.of(sparse.csr_array(X) if as_sparse else X, targets, weight)
    # BLAS's own threads would show.
    with one_blas_thread(), team_of(threads) as team:
        one = Objective(net, rows)(parameters)
        several = Objective(net, rows, team=team)(parameters)
    assert one[0] == several[0]
    np.testing.assert_array_equal(one[1], several[1])


@pytest.mark.parametrize("net", [network((4, 6, 3)), network((4, 6, 1), "logistic")])
def test_codes_are_certain_probabilities(net):
    parameters, X, targets, weight = case(net, 20)
    codes = targets[:, 0] if targets.shape[1] == 1 else targets.argmax(axis=1)
    a, b = (Objective(net, Rows.of(X, t, weight), 0.1)(parameters) for t in (targets, codes))
    assert a[0] == b[0]
    np.testing.assert_array_equal(a[1], b[1])


def test_whole_weights_are_repeated_rows():
    net = network((4, 6, 3))
    parameters, X, targets, _ = case(net, 20)
    times = np.random.default_rng(0).integers(0, 4, 20)
    weighted = Objective(net, Rows.of(X, targets, times.astype(float)), 0.2)(parameters)
    repeated = Objective(net, Rows.of(X.repeat(times, 0), targets.repeat(times, 0)), 0.2)
    repeated = repeated(parameters)
    np.testing.assert_allclose(weighted[0], repeated[0], rtol=1e-13)
    np.testing.assert_allclose(weighted[1], repeated[1], atol=1e-14)


def test_the_gradient_is_the_callers_own():
    net = network((4, 6, 3))
    parameters, X, targets, weight = case(net, 20)
    objective = Objective(net, Rows.of(X, targets, weight))
    first = objective(parameters)[1]
    kept = first.copy()
    objective(parameters + 1)
    np.testing.assert_array_equal(first, kept)


def test_a_step_too_far_is_not_finite_and_no_warning():
    net = network((4, 6, 3), activation="identity")
    parameters, X, targets, weight = case(net, 20)
    objective = Objective(net, Rows.of(X, targets, weight), 1.0)
    assert not np.isfinite(objective(1e200 * parameters)[0])
