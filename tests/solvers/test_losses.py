"""The whole objective: every gradient against finite differences of the definition."""

import numpy as np
import pytest
from scipy import sparse

from skreg._solvers.losses import Objective
from skreg._solvers.network import BLOCK_ROWS, Rows, split
from tests import reference
from tests.kernels.test_network import case, network

OUTPUTS = {"binary": ("logistic", 1), "multiclass": ("softmax", 4), "multilabel": ("logistic", 3)}


def numeric_gradient(f, x, h=1e-6):
    """Central differences."""
    gradient = np.empty_like(x)
    for j in range(len(x)):
        up, down = x.copy(), x.copy()
        up[j] += h
        down[j] -= h
        gradient[j] = (f(up) - f(down)) / (2 * h)
    return gradient


@pytest.mark.parametrize("activation", reference.ACTIVATIONS)
@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("smoothing", [0.0, 0.15])
@pytest.mark.parametrize("dropout", [(0.0, 0.0), (0.3, 0.5)])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("alpha", [0.0, 0.7])
def test_gradient_is_the_slope_of_the_definition(
    activation, output, smoothing, dropout, weighted, alpha
):
    loss, n_outputs = OUTPUTS[output]
    net = network(
        (3, 5, 4, n_outputs), loss, activation,
        dropout=dropout, label_smoothing=smoothing, alpha=alpha,
    )  # fmt: skip
    parameters, X, targets, weight = case(net, 7, float, seed=2)
    objective = Objective(net, Rows.of(X, targets, weight if weighted else None))
    weight = weight if weighted else np.ones(7)

    def definition(p):
        return reference.mlp_objective(
            net, *split(p, net.units), X, targets, weight, seed=11, step=4
        )

    value, gradient = objective(parameters, seed=11, step=4)
    np.testing.assert_allclose(value, definition(parameters), rtol=1e-13)
    np.testing.assert_allclose(gradient, numeric_gradient(definition, parameters), atol=2e-8)


@pytest.mark.parametrize("as_sparse", [False, True])
def test_blocks_do_not_show(as_sparse):
    net = network((4, 6, 3), alpha=0.2)
    parameters, X, targets, weight = case(net, 2 * BLOCK_ROWS + 5, float)
    dW, db = reference.mlp_gradient(net, *split(parameters, net.units), X, targets, weight)
    expected = np.concatenate([g.ravel() for g in dW + db])
    rows = Rows.of(sparse.csr_array(X) if as_sparse else np.asfortranarray(X), targets, weight)
    value, gradient = Objective(net, rows)(parameters)
    definition = reference.mlp_objective(net, *split(parameters, net.units), X, targets, weight)
    np.testing.assert_allclose(value, definition, rtol=1e-12)
    np.testing.assert_allclose(gradient, expected, atol=1e-13)


def test_whole_weights_are_repeated_rows():
    net = network((4, 6, 3), alpha=0.2)
    parameters, X, targets, _ = case(net, 20, float)
    times = np.random.default_rng(0).integers(0, 4, 20)
    weighted = Objective(net, Rows.of(X, targets, times.astype(float)))(parameters)
    repeated = Objective(net, Rows.of(X.repeat(times, 0), targets.repeat(times, 0)))(parameters)
    np.testing.assert_allclose(weighted[0], repeated[0], rtol=1e-13)
    np.testing.assert_allclose(weighted[1], repeated[1], atol=1e-14)


def test_the_gradient_is_the_callers_own():
    net = network((4, 6, 3))
    parameters, X, targets, weight = case(net, 20, float)
    objective = Objective(net, Rows.of(X, targets, weight))
    first = objective(parameters)[1]
    kept = first.copy()
    objective(parameters + 1)
    np.testing.assert_array_equal(first, kept)
