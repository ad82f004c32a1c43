"""The parameter vector, its views, initial values, rows, and the forward pass in blocks."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.neural_network import MLPClassifier

from skreg._kernels.losses import LOSSES
from skreg._solvers import network
from tests import network_cases, reference

UNITS = (4, 5, 3)
RELU = ("relu",)


def test_views_share_one_vector_and_join_inverts_split():
    flat = np.arange(4 * 5 + 5 * 3 + 5 + 3, dtype=float)
    coefs, intercepts = network.split(flat, UNITS)
    assert [c.shape for c in coefs] == [(4, 5), (5, 3)]
    assert [b.shape for b in intercepts] == [(5,), (3,)]
    assert all(np.shares_memory(part, flat) for part in coefs + intercepts)
    np.testing.assert_array_equal(network.join(coefs, intercepts, float), flat)
    assert not np.shares_memory(network.join(coefs, intercepts, float), flat)


def test_weights_come_first():
    net = network.Network(UNITS, RELU, "softmax")
    flat = np.zeros(net.n_parameters)
    coefs, intercepts = network.split(flat, UNITS)
    for coef in coefs:
        coef[:] = 1
    assert flat[: net.n_weights].all()
    assert not flat[net.n_weights :].any()
    assert len(flat) == sum(part.size for part in coefs + intercepts)


@pytest.mark.parametrize("level", [0.3, (0.1, 0.5, 0.9)])
def test_kernels_read_one_level_an_output_and_one_activation_a_matrix(level):
    arguments = network.Network(UNITS, RELU, "quantile", level, 0.1).kernel_arguments()
    np.testing.assert_array_equal(arguments["level"], np.broadcast_to(level, 3))
    np.testing.assert_array_equal(arguments["units"], UNITS)
    assert list(arguments["kinds"]) == [network.KINDS["relu"], network.KINDS["identity"]]
    assert (arguments["loss"], arguments["smoothing"]) == (LOSSES["quantile"], 0.1)


BOUNDS = [  # activation, gain, what the fan is
    ("relu", 6, sum), ("tanh", 6, sum), ("identity", 6, sum), ("logistic", 2, sum),
    ("leaky_relu", 6, max), ("elu", 6, max), ("gelu", 6, max), ("silu", 6, max),
    ("mish", 6, max), ("selu", 3, max),
]  # fmt: skip


@pytest.mark.parametrize(("activation", "gain", "fan"), BOUNDS)
def test_initial_parameters_fill_their_interval(activation, gain, fan):
    units = (300, 200, 100)  # each matrix has more rows than columns: max is the fan-in
    rng = np.random.RandomState(0)
    flat = network.initial_parameters(units, (activation,), np.float32, rng)
    assert flat.dtype == np.float32
    for coef, intercept in zip(*network.split(flat, units), strict=True):
        bound = np.sqrt(gain / fan(coef.shape))
        assert 0.999 * bound < np.abs(coef).max() <= bound * (1 + 1e-6)
        assert abs(coef.mean()) < 4 * bound / np.sqrt(3 * coef.size)
        assert 0.9 * bound < np.abs(intercept).max() <= bound * (1 + 1e-6)


def test_initial_parameters_of_scikit_learns_activations_are_scikit_learns():
    X, y = np.random.default_rng(0).normal(size=(9, 4)), np.arange(9) % 3
    for activation in ("relu", "tanh", "logistic", "identity"):
        model = MLPClassifier((5, 6), activation=activation, learning_rate_init=1e-12,
                              solver="sgd", max_iter=1, random_state=7, tol=1e9)  # fmt: skip
        with pytest.warns(match="iterations"):
            model.fit(X, y)
        flat = network.initial_parameters(
            (4, 5, 6, 3), (activation,) * 2, float, np.random.RandomState(7)
        )
        expected = network.join(model.coefs_, model.intercepts_, float)
        np.testing.assert_allclose(flat, expected, atol=1e-10)


def test_every_layer_starts_by_its_own_activation():
    units = (300, 200, 100, 50)
    rng = np.random.RandomState(0)
    flat = network.initial_parameters(units, ("selu", "tanh"), float, rng)
    bounds = [np.sqrt(3 / 300), np.sqrt(6 / 300), np.sqrt(6 / 150)]
    for coef, bound in zip(network.split(flat, units)[0], bounds, strict=True):
        assert 0.999 * bound < np.abs(coef).max() <= bound


def twin_outputs(X, flat, activation, factors=(1.0, 1.0)):
    """The textbook forward pass of a network with the units above."""
    (W, V), (b, c) = network.split(flat.astype(float), UNITS)
    return reference.ACTIVATIONS[activation](factors[0] * X @ W + b) * factors[1] @ V + c


FORMS = {"C": np.array, "F": np.asfortranarray, "sparse": sparse.csr_array}
SIZES = [0, 1, network.PASS_ROWS, 2 * network.PASS_ROWS + 3]


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("activation", reference.ACTIVATIONS)
def test_outputs_are_the_textbook_forward_pass(activation, form, n):
    X = np.random.default_rng(0).normal(size=(n, 4))
    flat = network.initial_parameters(UNITS, (activation,), float, np.random.RandomState(1))
    found = network.outputs(FORMS[form](X), *network.split(flat, UNITS), (activation,))
    np.testing.assert_allclose(found, twin_outputs(X, flat, activation), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("draw", [0, 2])
def test_each_draw_and_block_drops_its_own_units(draw, form):
    n, size, rates = network.PASS_ROWS + 5, network.PASS_ROWS, (0.3, 0.5)
    X = np.random.default_rng(0).normal(size=(n, 4))
    flat = network.initial_parameters(UNITS, RELU, float, np.random.RandomState(1))
    factors = []
    for layer, rate in enumerate(rates):
        first, second = (
            reference.dropout_factor((size, UNITS[layer]), rate, 6, 2 * draw + k, layer)
            for k in range(2)
        )
        factors.append(np.vstack([first, second[:5]]))
    expected = twin_outputs(X, flat, "relu", factors)
    before = X.copy()
    found = network.outputs(FORMS[form](X), *network.split(flat, UNITS), RELU, rates, 6, draw)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)
    np.testing.assert_array_equal(X, before)


@pytest.mark.parametrize("X_dtype", [np.float32, np.float64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("form", FORMS)
def test_outputs_have_the_wider_dtype(form, X_dtype, dtype):
    flat = network.initial_parameters(UNITS, RELU, dtype, np.random.RandomState(1))
    X = np.ones((3, 4), X_dtype)
    found = network.outputs(FORMS[form](X), *network.split(flat, UNITS), RELU)
    assert found.dtype == np.result_type(X_dtype, dtype)
    np.testing.assert_allclose(found, twin_outputs(X, flat, "relu"), rtol=1e-5)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("rates", [None, (0.5, 0.0)])
def test_rows_that_may_only_be_read_are_enough(rates, form):
    X = FORMS[form](np.ones((3, 4)))
    (X.data if form == "sparse" else X).flags.writeable = False
    flat = network.initial_parameters(UNITS, RELU, float, np.random.RandomState(1))
    flat.flags.writeable = False
    assert network.outputs(X, *network.split(flat, UNITS), RELU, rates).shape == (3, 3)


def test_a_network_without_hidden_layers_is_a_linear_model():
    X, W, b = np.eye(2), np.array([[1.0, 2, 3], [4, 5, 6]]), np.array([0.1, 0.2, 0.3])
    np.testing.assert_allclose(network.outputs(X, [W], [b], ()), W + b, rtol=1e-15)


def test_wide_sparse_indices_become_narrow_ones():
    X = sparse.csr_array(np.eye(3))
    X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    rows = network.Rows.of(X, np.zeros(3, int))
    assert rows.indices.dtype == np.int32
    assert rows.indptr.dtype == np.int64
    assert rows.codes.dtype == np.int32
    assert rows.data is X.data


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("as_sparse", [False, True])
def test_rows_are_codes_or_targets_of_the_type_of_the_data(as_sparse, dtype):
    X = np.ones((4, 2), dtype)
    X = sparse.csr_array(X) if as_sparse else X
    coded = network.Rows.of(X, np.array([0, 1, 2, 0]))
    targets = network.Rows.of(X, np.asfortranarray(np.ones((4, 3))))
    assert (coded.n_rows, targets.n_rows) == (4, 4)
    assert coded.is_sparse == targets.is_sparse == as_sparse
    assert coded.targets.shape == (0, 0)
    assert len(targets.codes) == len(coded.weight) == 0
    assert targets.targets.flags.c_contiguous
    assert targets.targets.dtype == targets.weight.dtype == dtype


def test_the_largest_batch_has_the_fullest_rows():
    X = np.tri(6)[[2, 5, 0, 3, 1, 4]]
    rows = network.Rows.of(sparse.csr_array(X), np.zeros(6, int))
    for size, expected in [(1, 6), (2, 11), (5, 20), (6, 21), (100, 21)]:
        assert rows.largest_batch(size) == expected


def test_cases_cover_every_activation():
    assert set(reference.ACTIVATIONS) == set(reference.DERIVATIVES) == set(network.KINDS)
    assert set(network_cases.LEVELS) <= set(LOSSES)


def test_parameters_are_joined_only_where_they_are_not_one_vector():
    flat = np.arange(4 * 5 + 5 * 3 + 5 + 3, dtype=float)
    coefs, intercepts = network.split(flat, UNITS)
    assert network.joined(coefs, intercepts, float) is flat
    for change in (
        lambda: (coefs[::-1], intercepts),
        lambda: ([c.copy() for c in coefs], intercepts),
        lambda: (coefs, [intercepts[0], intercepts[1] + 1]),
        lambda: network.split(flat.repeat(2)[::2], UNITS),
    ):
        parts = change()
        np.testing.assert_array_equal(network.joined(*parts, float), network.join(*parts, float))
    assert network.joined(coefs, intercepts, np.float32).dtype == np.float32
