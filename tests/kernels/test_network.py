"""Forward and backward pass of one batch against the twin."""

import numpy as np
import pytest
from scipy import sparse

from skreg._kernels.network import loss_gradient
from skreg._solvers.network import Network, Rows, Workspace, initial_parameters, split
from tests import reference


def network(units, loss="softmax", activation="tanh", **kwargs):
    rates = kwargs.pop("dropout", (0.0,) * (len(units) - 2))
    settings = {"label_smoothing": 0.0, "alpha": 0.0, **kwargs}
    return Network(units, activation, loss, rates, **settings)


def case(net, n, dtype, seed=0):
    """Parameters and random rows for a network."""
    rng = np.random.default_rng(seed)
    parameters = initial_parameters(net.units, net.activation, dtype, np.random.RandomState(seed))
    X = rng.normal(size=(n, net.units[0])).astype(dtype) * (rng.random((n, net.units[0])) < 0.5)
    high, shape = (net.units[-1], (n, 1)) if net.loss == "softmax" else (2, (n, net.units[-1]))
    targets = rng.integers(0, high, shape, dtype=np.int32)
    return parameters, X, targets, rng.uniform(0.1, 2, n).astype(dtype)


def run(net, parameters, X, targets, weight, scale, grads=None, order=None, seed=3, step=8):
    rows = Rows.of(X, targets, weight)
    work = Workspace.of(net, rows, len(targets))
    loss = loss_gradient(
        rows.X, rows.data, rows.indices, rows.indptr,
        np.arange(len(targets)) if order is None else order, targets, weight, scale=scale,
        accumulate=grads is not None, params=parameters,
        grads=work.grads if grads is None else grads, hidden=work.hidden, deltas=work.deltas,
        seed=seed, step=step, **net.kernel_arguments(),
    )  # fmt: skip
    return loss, work.grads if grads is None else grads


NETWORKS = [
    network((3, 2)),
    network((1, 1), loss="logistic"),
    network((4, 5, 3), activation="relu"),
    network((4, 7, 1, 6, 2), loss="logistic", activation="logistic"),
    network((5, 8, 3, 4), dropout=(0.4, 0.0), label_smoothing=0.1),
    network((5, 3, 9, 1), loss="logistic", activation="identity", dropout=(0.2, 0.5)),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [1, 6])
@pytest.mark.parametrize("as_sparse", [False, True])
@pytest.mark.parametrize("net", NETWORKS)
def test_gradient_equals_its_twin(net, n, as_sparse, dtype):
    parameters, X, targets, weight = case(net, n, dtype)
    total = weight.sum(dtype=float)
    exact = [p.astype(float) for p in (X, weight)]
    twin = [[p.astype(float) for p in part] for part in split(parameters, net.units)]
    dW, db = reference.mlp_gradient(net, *twin, exact[0], targets, exact[1], seed=3, step=8)
    value = reference.mlp_objective(net, *twin, exact[0], targets, exact[1], seed=3, step=8)
    X_in = sparse.csr_array(X) if as_sparse else X
    loss, grads = run(net, parameters, X_in, targets, weight, 1 / total)
    tolerance = 1e-5 if dtype == np.float32 else 1e-13
    np.testing.assert_allclose(loss / total, value, rtol=tolerance)
    for found, expected in zip(split(grads, net.units), (dW, db), strict=True):
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("as_sparse", [False, True])
def test_blocks_accumulate_to_the_whole(as_sparse):
    net = NETWORKS[2]
    parameters, X, targets, weight = case(net, 9, np.float64)
    X = sparse.csr_array(X) if as_sparse else X
    loss, whole = run(net, parameters, X, targets, weight, 0.1)
    parts, grads = 0.0, np.zeros_like(whole)
    for block in (slice(0, 4), slice(4, 5), slice(5, 9)):
        rows = X if as_sparse else X[block]
        order = np.arange(9)[block]
        part, grads = run(
            net, parameters, rows, targets[block], weight[block], 0.1, grads, order=order
        )
        parts += part
    np.testing.assert_allclose(parts, loss, rtol=1e-14)
    np.testing.assert_allclose(grads, whole, atol=1e-14)


def test_the_mask_belongs_to_the_step():
    net = NETWORKS[4]
    arguments = (net, *case(net, 6, np.float64), 1.0)
    first, again, other = (run(*arguments, step=s)[1] for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-3
