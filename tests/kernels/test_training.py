"""A compiled epoch against the same epoch step by step in NumPy."""

import numpy as np
import pytest
from scipy import sparse

from skreg._kernels.training import train_epoch
from skreg._solvers import updates
from skreg._solvers.network import Rows, Workspace, split
from tests import reference
from tests.kernels.test_network import NETWORKS, case, network


def epoch(net, parameters, update, rows, order, batch_size, seed=5):
    """One compiled epoch; parameters and update change in place."""
    return train_epoch(
        order=order, batch_size=batch_size, alpha=net.alpha, params=parameters, seed=seed,
        **rows._asdict(), **net.kernel_arguments(), **update.kernel_arguments(),
        **Workspace.of(net, rows, batch_size)._asdict(),
    )  # fmt: skip


def twin_epoch(net, parameters, step, X, targets, weight, order, batch_size, seed=5):
    """The same in NumPy; `step(parameters, gradient, t)` returns new parameters."""
    total = 0.0
    for t, start in enumerate(range(0, len(order), batch_size)):
        batch = order[start : start + batch_size]
        part = *split(parameters, net.units), X[batch], targets[batch], weight[batch]
        total += len(batch) * reference.mlp_objective(net, *part, seed=seed, step=t)
        dW, db = reference.mlp_gradient(net, *part, seed=seed, step=t)
        parameters = step(parameters, np.concatenate([g.ravel() for g in dW + db]), t + 1)
    return total / len(order), parameters


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("as_sparse", [False, True])
@pytest.mark.parametrize("batch_size", [1, 4, 11])
@pytest.mark.parametrize("net", [n._replace(alpha=0.3) for n in NETWORKS])
def test_epoch_equals_its_twin(net, batch_size, as_sparse, dtype):
    parameters, X, targets, weight = case(net, 11, dtype)
    order = np.random.default_rng(0).permutation(11)
    n = len(parameters)
    state = {"m": np.zeros(n), "v": np.zeros(n)}
    decay = np.where(np.arange(n) < net.n_weights, 0.1, 0.0)

    def step(w, g, t):
        w, state["m"], state["v"] = reference.adam_step(
            w, g, state["m"], state["v"], t, 0.01, 0.9, 0.99, 1e-3, decay
        )
        return w

    expected = twin_epoch(
        net, parameters.astype(float), step, X.astype(float), targets, weight.astype(float),
        order, batch_size,
    )  # fmt: skip
    update = updates.adam(
        n, dtype, learning_rate=0.01, beta_1=0.9, beta_2=0.99, epsilon=1e-3, weight_decay=0.1
    )
    rows = Rows.of(sparse.csr_array(X) if as_sparse else X, targets, weight)
    loss = epoch(net, parameters, update, rows, order, batch_size)
    tolerance = 3e-5 if dtype == np.float32 else 1e-12
    np.testing.assert_allclose(loss, expected[0], rtol=tolerance)
    np.testing.assert_allclose(parameters, expected[1], rtol=tolerance, atol=tolerance)
    assert update.steps[0] == -(-11 // batch_size)


def plain_sgd(n, lr=0.1):
    return updates.sgd(
        n, float, learning_rate=lr, momentum=0.9, nesterov=True, schedule="constant", power_t=0.5
    )


def test_batches_of_weight_zero_are_skipped():
    net = network((3, 4, 2), alpha=0.1)
    parameters, X, targets, weight = case(net, 9, np.float64)
    weight[3:6] = 0
    other = parameters.copy()
    update = plain_sgd(len(parameters))
    loss = epoch(net, parameters, update, Rows.of(X, targets, weight), np.arange(9), 3)
    kept = np.array([0, 1, 2, 6, 7, 8])
    rest = plain_sgd(len(other))
    assert loss == epoch(net, other, rest, Rows.of(X, targets, weight), kept, 3)
    np.testing.assert_array_equal(parameters, other)
    assert update.steps[0] == 2


def test_overflow_ends_the_epoch():
    net = network((3, 2))
    parameters, X, targets, weight = case(net, 40, np.float64)
    X[2] = 1e308
    update = plain_sgd(len(parameters), lr=1e10)
    loss = epoch(net, parameters, update, Rows.of(X, targets, weight), np.arange(40), 1)
    assert not np.isfinite(loss)
    assert update.steps[0] < 5


def test_rows_outside_the_order_are_not_read():
    net = network((3, 2))
    parameters, X, targets, weight = case(net, 10, np.float64)
    X[5:] = np.nan
    update = plain_sgd(len(parameters))
    assert np.isfinite(epoch(net, parameters, update, Rows.of(X, targets, weight),
                             np.arange(5), 2))  # fmt: skip
