"""Every product with features is that with explicitly centred, weighted columns."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from skreg._solvers import features as module
from skreg._solvers import threads
from skreg._solvers.features import Columns, Features
from tests.solvers.sparse_cases import CONTAINERS, DENSE, SPARSE, data, explicit, weights

SHAPES = [(1, 1), (30, 1), (30, 12), (9, 21)]


def case(container, shape, dtype=np.float64, *, weighted=False, fit_intercept=True):
    """Return features, their target, and what both stand for."""
    X, y = data(*shape)
    weight = weights(len(y)) if weighted else None
    A = CONTAINERS[container](X.astype(dtype))
    features = Features.of(A, weight, fit_intercept=fit_intercept)
    return features, y, *explicit(X.astype(dtype), y, weight, fit_intercept=fit_intercept)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("container", CONTAINERS)
def test_products_are_those_of_the_centred_columns(
    container, shape, weighted, fit_intercept, dtype, monkeypatch
):
    monkeypatch.setattr(module, "BLOCK", 40)  # so that there are several
    options = {"weighted": weighted, "fit_intercept": fit_intercept}
    features, y, Z, target = case(container, shape, dtype, **options)
    tol = 1e-5 if dtype == np.float32 else 1e-12
    yc, mean = features.target(y)
    assert_allclose(yc, target, atol=1e-13)
    assert_allclose(mean * features.root_weight, features.root_weight * y - target, atol=1e-13)
    assert_allclose(features.gradient(yc), Z.T @ target, atol=tol * len(y))
    assert_allclose(features.square_norms, np.sum(Z**2, axis=0), rtol=1e-12, atol=1e-12)
    support = np.arange(0, shape[1], 2)
    coef = np.linspace(-1, 1, len(support))
    found = features.residual(yc, support, coef)
    assert_allclose(found, target - Z[:, support] @ coef, atol=tol * 10)
    w = np.zeros(shape[1])
    w[support] = coef
    r, products = features.residual_and_gradient(yc, w)
    assert_allclose(r, target - Z @ w, atol=tol * 10)
    assert_allclose(products, Z.T @ (target - Z @ w), atol=tol * 10 * len(y))
    block = features.block(support)
    if sparse.issparse(block):
        block = block.toarray() - np.outer(features.root_weight, features.shift[support])
    kept = ~features.constant[support]
    assert_allclose(block[:, kept], Z[:, support][:, kept], atol=tol * 10)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shape", [(30, 1), (30, 12)])
@pytest.mark.parametrize("container", CONTAINERS)
def test_the_gram_matrix_is_formed_once(container, shape, weighted, fit_intercept, dtype):
    options = {"weighted": weighted, "fit_intercept": fit_intercept}
    features, y, Z, target = case(container, shape, dtype, **options)
    yc, _ = features.target(y)
    G, products = features.gram_and_products(yc)
    tol = 1e-4 if dtype == np.float32 else 1e-11
    assert_allclose(G, Z.T @ Z, atol=tol)
    assert_allclose(products, Z.T @ target, atol=tol)
    again, others = features.gram_and_products(2 * yc)
    assert again is G
    assert_allclose(others, 2 * Z.T @ target, atol=tol)


@pytest.mark.parametrize("container", CONTAINERS)
def test_constant_columns_have_exactly_no_products(container):
    features, y, *_ = case(container, (30, 12))
    yc, _ = features.target(y)
    assert features.square_norms[7] == 0
    assert features.gradient(yc)[7] == 0
    G, products = features.gram_and_products(yc)
    assert not np.any(G[7])
    assert not np.any(G[:, 7])
    assert products[7] == 0


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_constant_target_is_exactly_zero(container):
    features, *_ = case(container, (30, 12), weighted=True)
    for value in (0.1, -3e7):
        yc, mean = features.target(np.full(30, value))
        assert_array_equal(yc, 0)
        assert mean == value


@pytest.mark.parametrize("container", ["F", "CSC"])
def test_columns_read_the_users_own_memory(container):
    X = CONTAINERS[container](data(30, 12)[0])
    features = Features.of(X)
    given = X.data if sparse.issparse(X) else X
    assert np.shares_memory(features.columns.data, given)
    assert features.X_mean.shape == (12,)


@pytest.mark.parametrize("container", CONTAINERS)
def test_nothing_is_written_to_the_data(container):
    X, y = data(30, 12)
    A = CONTAINERS[container](X)
    for part in [A.data, A.indices, A.indptr] if sparse.issparse(A) else [A]:
        part.flags.writeable = False
    features = Features.of(A, weights(30))
    features.gradient(features.target(y)[0])
    features.gram_and_products(y)
    assert_array_equal(A.toarray() if sparse.issparse(A) else A, X)


@pytest.mark.parametrize("container", DENSE)
@pytest.mark.parametrize("weighted", [False, True])
def test_large_means_take_a_centred_copy(container, weighted):
    X, y = data(30, 12)
    X += 1e8
    weight = weights(30) if weighted else None
    features = Features.of(CONTAINERS[container](X), weight)
    Z, target = explicit(X - 1e8, y, weight)
    rounding = 30 * 1e8 * np.finfo(float).eps  # of a mean
    assert_allclose(features.gradient(features.target(y)[0]), Z.T @ target, atol=30 * rounding)
    assert_allclose(features.square_norms, np.sum(Z**2, axis=0), atol=30 * rounding)
    found = features.residual(target, np.arange(12), np.ones(12))
    assert_allclose(found, target - Z.sum(axis=1), atol=30 * rounding)


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("scale", [1e-150, 1e150])
def test_scales_are_taken_out(container, scale):
    X, _ = data(30, 12)
    base = Features.of(CONTAINERS[container](X))
    features = Features.of(CONTAINERS[container](X * scale))
    assert np.log2(features.scale) % 1 == 0
    assert np.all(np.isfinite(features.square_norms))
    ratio = scale / features.scale
    assert_allclose(features.square_norms, base.square_norms * ratio**2, rtol=1e-9)
    assert_allclose(features.X_mean, base.X_mean * scale, rtol=1e-12)


@pytest.mark.parametrize("container", CONTAINERS)
def test_other_weights_of_the_same_data(container):
    X, y = data(30, 12)
    first = Features.of(CONTAINERS[container](X))
    first.gram_and_products(y)
    other = first.with_weight(weights(30))
    Z, target = explicit(X, y, weights(30))
    assert_allclose(other.gram_and_products(other.target(y)[0])[0], Z.T @ Z, atol=1e-12)
    assert_allclose(other.gradient(target), Z.T @ target, atol=1e-12)
    assert_allclose(first.gram, np.cov(X.T, bias=True) * 30, atol=1e-11)  # its own still


@pytest.mark.parametrize("container", SPARSE)
def test_sums_and_the_farthest_entry_bound_products(container):
    features, _, Z, target = case(container, (30, 12), weighted=True)
    products = np.abs(Z.T @ target)
    assert np.all(products <= features.sum_norms * features.farthest(target) * (1 + 1e-12))
    assert features.farthest(np.zeros(30)) == 0
    raw = np.abs(features.X.toarray()).sum(axis=0)
    assert_allclose(features.sum_norms, raw)


@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize("shape", [(700, 40), (40, 700)])
def test_many_threads_find_the_same(order, shape, monkeypatch):
    X, y = data(*shape)
    one = Features.of(np.asarray(X, order=order))
    expected = one.square_norms, one.gradient(y)
    monkeypatch.setattr(threads, "SMALL_PASS", 1)
    monkeypatch.setattr(threads, "available", lambda: 3)
    split = Features.of(np.asarray(X, order=order))
    assert_allclose(split.square_norms, expected[0], rtol=1e-12)
    assert_allclose(split.gradient(y), expected[1], atol=1e-10)


def test_the_whole_gram_matrix_is_for_fewer_features_than_samples(monkeypatch):
    X, _ = data(30, 12)
    assert Features.of(X).whole
    assert not Features.of(X.T).whole
    assert not Features.of(X, (np.arange(30) < 12).astype(float)).whole  # 12 samples that count
    monkeypatch.setattr(module, "WHOLE", 12)
    assert not Features.of(X).whole


def test_columns_of_both_kinds_tell_where_each_begins():
    X = data(4, 3)[0]
    dense, csc = Columns.of(np.asfortranarray(X)), Columns.of(sparse.csc_array(X))
    for j in range(3):
        assert_array_equal(dense.data[dense.starts[j] : dense.starts[j + 1]], X[:, j])
        part = slice(csc.starts[j], csc.starts[j + 1])
        column = np.zeros(4)
        column[csc.rows[part]] = csc.data[part]
        assert_array_equal(column, X[:, j])


@pytest.mark.parametrize("p", [8, 80])
@pytest.mark.parametrize("weighted", [False, True])
def test_large_means_of_sparse_columns_cost_no_digits(p, weighted):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, p))
    X[:, 3] += 1e6
    y = X[:, 0] + 0.5 * X[:, 3] + rng.standard_normal(60)
    weight = rng.uniform(0.5, 2, 60) if weighted else None
    found, known = (Features.of(A, weight) for A in (sparse.csc_array(X), X))
    assert found.sparse
    assert_allclose(found.X_mean, known.X_mean)
    r = known.target(y)[0]
    assert_allclose(found.gradient(r), known.gradient(r), rtol=1e-8, atol=1e-8)
    assert_allclose(found.square_norms, known.square_norms, rtol=1e-8)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("container", CONTAINERS)
def test_data_that_were_not_checked_are_refused(container, value):
    X, _ = data(9, 4)
    X[3, 2] = value
    with pytest.raises(ValueError, match="X contains NaN or infinity"):
        Features.of(CONTAINERS[container](X))
