"""Forward and backward pass of one batch against the twin, however it is cut."""

import numpy as np
import pytest
from scipy import sparse

from skreg._kernels.network import block_outputs, loss_gradient
from skreg._kernels.team import Team
from tests import reference
from tests.network_cases import case, exact, network, team_of

DTYPES = [np.float32, np.float64]
NETWORKS = [
    (network((3, 2)), (0.0,)),
    (network((1, 1), "logistic"), (0.0,)),
    (network((4, 5, 3), activation="relu"), (0.0, 0.0)),
    (network((4, 7, 1, 6, 2), "logistic", ("logistic", "elu", "mish")), (0.0,) * 4),
    (network((5, 8, 3, 4), activation="gelu", label_smoothing=0.1), (0.0, 0.4, 0.0)),
    (network((5, 3, 9, 1), "quantile", ("identity", "leaky_relu")), (0.0, 0.2, 0.5)),
    (network((2, 6, 3), "squared_error", "selu"), (0.0, 0.9)),
    (network((2, 6, 5, 1), "poisson", "silu"), (0.0, 0.3, 0.3)),
]


def whole(net):
    """Each weight matrix as one task."""
    return np.array([(k, 0, n) for k, n in enumerate(net.units[:-1])])


def arrays(X):
    """The arguments that hold the inputs: a dense matrix, or a CSR triple."""
    if not sparse.issparse(X):
        return X, X[0, :0].copy(), np.empty(0, np.int32), np.empty(0, np.int64)
    triple = X.data, X.indices.astype(np.int32), X.indptr.astype(np.int64)
    return np.empty((0, 0), X.dtype), *triple


def run(
    net, rates, parameters, X, targets, weight, *,
    scale=1.0, grads=None, chunk=None, tasks=None, team=None, seed=3, step=8,
):  # fmt: skip
    """(sum of weighted losses, gradient); given grads are added to."""
    n, dtype = len(targets), parameters.dtype
    chunk = chunk or n
    found = np.full_like(parameters, np.nan) if grads is None else grads
    value = loss_gradient(
        *arrays(X), targets, weight, rates=np.array(rates), scale=scale,
        accumulate=grads is not None, params=parameters, grads=found,
        layers=np.full((4, n * sum(net.units[1:])), np.nan, dtype),
        tasks=whole(net) if tasks is None else tasks, chunk=chunk, partial=np.empty(n),
        team=team or Team(), seed=seed, step=step, **net.kernel_arguments(),
    )  # fmt: skip
    return value, found


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 7])
@pytest.mark.parametrize("as_sparse", [False, True])
@pytest.mark.parametrize(("net", "rates"), NETWORKS)
def test_gradient_equals_its_twin(net, rates, n, as_sparse, dtype):
    parameters, X, targets, weight = case(net, n, dtype)
    value, gradient = reference.mlp_loss(
        net, *exact(parameters, X, targets, weight), rates, seed=3, step=8
    )
    X_in = sparse.csr_array(X) if as_sparse else X
    found, grads = run(net, rates, parameters, X_in, targets, weight, scale=0.25)
    tolerance = 2e-5 if dtype == np.float32 else 1e-13
    np.testing.assert_allclose(found, value, rtol=tolerance)
    size = np.abs(gradient).max()
    np.testing.assert_allclose(grads, 0.25 * gradient, rtol=tolerance, atol=tolerance * size)


@pytest.mark.parametrize("chunk", [1, 2, 5, 6, 7, 100])
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("as_sparse", [False, True])
def test_chunks_of_rows_have_the_masks_of_the_whole(as_sparse, threads, chunk):
    net, rates = NETWORKS[4]
    parameters, X, targets, weight = case(net, 7)
    X = sparse.csr_array(X) if as_sparse else X
    expected = run(net, rates, parameters, X, targets, weight)
    with team_of(threads) as team:
        found = run(net, rates, parameters, X, targets, weight, chunk=chunk, team=team)
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-13)
    np.testing.assert_allclose(found[1], expected[1], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("accumulate", [False, True])
def test_weight_matrices_may_be_cut_by_rows(accumulate, threads):
    net, rates = NETWORKS[4]
    parameters, *data = case(net, 7)
    tasks = np.array([(2, 1, 3), (0, 0, 2), (0, 2, 5), (1, 0, 8), (2, 0, 1)])
    grads = np.ones((2, len(parameters))) if accumulate else (None, None)
    _, expected = run(net, rates, parameters, *data, grads=grads[0])
    with team_of(threads) as team:
        _, found = run(net, rates, parameters, *data, grads=grads[1], tasks=tasks, team=team)
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("as_sparse", [False, True])
def test_blocks_accumulate_to_the_whole(as_sparse):
    net, rates = NETWORKS[2]
    parameters, X, targets, weight = case(net, 9)
    X = sparse.csr_array(X) if as_sparse else X
    value, expected = run(net, rates, parameters, X, targets, weight, scale=0.1)
    total, grads = 0.0, np.zeros_like(expected)
    for at in (slice(0, 4), slice(4, 5), slice(5, 9)):
        part, grads = run(
            net, rates, parameters, X[at], targets[at], weight[at], scale=0.1, grads=grads
        )
        total += part
    np.testing.assert_allclose(total, value, rtol=1e-14)
    np.testing.assert_allclose(grads, expected, atol=1e-14)


def test_the_mask_belongs_to_the_step():
    net, rates = NETWORKS[4]
    arguments = (net, rates, *case(net, 6))
    first, again, other = (run(*arguments, step=s)[1] for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-3


@pytest.mark.parametrize("where", ["X", "parameters"])
@pytest.mark.parametrize("activation", ["tanh", "relu", "gelu"])
def test_nan_reaches_the_loss(activation, where):
    net = network((3, 4, 2), activation=activation)
    parameters, X, targets, weight = case(net, 5)
    {"X": X, "parameters": parameters}[where].ravel()[2] = np.nan
    assert np.isnan(run(net, (0.0, 0.5), parameters, X, targets, weight)[0])


def test_values_below_the_normal_range_are_taken_for_0():
    # The way back through saturated units is full of them.
    net = network((2, 3, 2), "squared_error")
    parameters, X, targets, weight = case(net, 4, np.float32)
    _, grads = run(net, (0.0, 0.0), parameters, X, targets, weight, scale=1e-37)
    kept = np.abs(grads[grads != 0])
    assert len(kept) > 0
    assert kept.min() >= np.finfo(np.float32).tiny
    # The calling thread does not stay like that.
    assert np.float32(1e-45) * np.float32(1) != 0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("as_sparse", [False, True])
@pytest.mark.parametrize(("net", "rates"), NETWORKS)
def test_outputs_are_those_whose_loss_is_taken(net, rates, as_sparse, threads, dtype):
    # The derivative of the squared error with targets of 0 is the output itself: that of biases.
    parameters, X, _, _ = case(net, 7, dtype)
    X_in = sparse.csr_array(X) if as_sparse else X
    out = np.empty((7, net.units[-1]), dtype)
    with team_of(threads) as team:
        block_outputs(
            *arrays(X_in), **net.shape_arguments(), rates=np.array(rates), params=parameters,
            layers=np.empty((4, 7 * sum(net.units[1:])), dtype), chunk=3, team=team, seed=3,
            step=8, out=out,
        )  # fmt: skip
    same = net._replace(loss="squared_error")
    for i in range(7):
        weight = (np.arange(7) == i).astype(dtype)
        _, grads = run(same, rates, parameters, X_in, np.zeros_like(out), weight)
        np.testing.assert_allclose(out[i], grads[-net.units[-1] :], rtol=1e-5, atol=1e-6)
