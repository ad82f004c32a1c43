"""The parameter vector, its views, initial values, and the forward pass in blocks."""

import numpy as np
import pytest
from scipy import sparse

from skreg._solvers import network
from tests import reference

UNITS = (4, 5, 3)


def test_views_share_one_vector_and_join_inverts_split():
    flat = np.arange(4 * 5 + 5 * 3 + 5 + 3, dtype=float)
    coefs, intercepts = network.split(flat, UNITS)
    assert [c.shape for c in coefs] == [(4, 5), (5, 3)]
    assert [b.shape for b in intercepts] == [(5,), (3,)]
    assert all(np.shares_memory(part, flat) for part in coefs + intercepts)
    np.testing.assert_array_equal(network.join(coefs, intercepts, float), flat)
    assert not np.shares_memory(network.join(coefs, intercepts, float), flat)


def test_weights_come_first():
    net = network.Network(UNITS, "relu", "softmax", (0.0,), 0.0, 0.0)
    flat = np.zeros(net.n_parameters)
    coefs, intercepts = network.split(flat, UNITS)
    for coef in coefs:
        coef[:] = 1
    assert flat[: net.n_weights].all()
    assert not flat[net.n_weights :].any()
    assert len(flat) == sum(part.size for part in coefs + intercepts)


@pytest.mark.parametrize(("activation", "gain"), [("relu", 6), ("tanh", 6), ("logistic", 2)])
def test_initial_parameters_fill_the_glorot_interval(activation, gain):
    units = (300, 200, 100)
    flat = network.initial_parameters(units, activation, np.float32, np.random.RandomState(0))
    assert flat.dtype == np.float32
    for coef in network.split(flat, units)[0]:
        bound = np.sqrt(gain / sum(coef.shape))
        assert 0.999 * bound < np.abs(coef).max() <= bound * (1 + 1e-6)
        assert abs(coef.mean()) < 4 * bound / np.sqrt(3 * coef.size)


@pytest.mark.parametrize("n", [0, 1, network.BLOCK_ROWS, 2 * network.BLOCK_ROWS + 3])
@pytest.mark.parametrize("kind", ["C", "F", "sparse"])
@pytest.mark.parametrize("activation", reference.ACTIVATIONS)
def test_logits_are_the_textbook_forward_pass(activation, kind, n):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 4))
    flat = network.initial_parameters(UNITS, activation, float, np.random.RandomState(1))
    (W, V), (b, c) = network.split(flat, UNITS)
    expected = reference.ACTIVATIONS[activation](X @ W + b) @ V + c
    X_in = {"C": X, "F": np.asfortranarray(X), "sparse": sparse.csr_array(X)}[kind]
    found = network.logits(X_in, [W, V], [b, c], activation)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("X_dtype", [np.float32, np.float64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_logits_have_the_wider_dtype(X_dtype, dtype):
    flat = network.initial_parameters(UNITS, "relu", dtype, np.random.RandomState(1))
    found = network.logits(np.ones((3, 4), X_dtype), *network.split(flat, UNITS), "relu")
    assert found.dtype == np.result_type(X_dtype, dtype)


@pytest.mark.parametrize("loss", ["softmax", "logistic"])
def test_probabilities_decisions_and_logarithms_agree(loss):
    z = np.random.default_rng(0).normal(size=(50, 3))
    p = network.probabilities(z, loss)
    np.testing.assert_allclose(np.log(p), network.log_probabilities(z, loss), rtol=1e-12)
    if loss == "softmax":
        np.testing.assert_allclose(p.sum(axis=1), 1)
        chosen = np.take_along_axis(p, network.decisions(z, loss), axis=1)[:, 0]
        np.testing.assert_array_equal(chosen, p.max(axis=1))
    else:
        np.testing.assert_array_equal(network.decisions(z, loss), p > 0.5)
    assert np.isfinite(network.log_probabilities(1000 * z, loss)).all()


def test_wide_sparse_indices_become_narrow_ones():
    X = sparse.csr_array(np.eye(3))
    X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    rows = network.Rows.of(X, np.zeros((3, 1), np.int32))
    assert rows.indices.dtype == np.int32
    assert rows.indptr.dtype == np.int64
    assert rows.data is X.data
