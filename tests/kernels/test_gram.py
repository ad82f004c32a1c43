import numpy as np
import pytest
from scipy import sparse

from skreg._kernels.gram import add_gram
from tests import reference


@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(1, 1), (7, 5), (3, 11), (4, 1), (0, 3)])
def test_equals_its_twin(shape, dtype, index):
    rng = np.random.default_rng(0)
    dense = rng.normal(size=shape).astype(dtype) * (rng.random(shape) < 0.6)
    X = sparse.csr_array(dense)
    G = np.zeros((shape[1], shape[1]))
    add_gram(X.data, X.indices.astype(index), X.indptr.astype(index), G)
    np.testing.assert_allclose(G, reference.gram(dense), rtol=1e-14, atol=1e-14)


def test_adds_to_what_is_there_and_leaves_the_lower_triangle():
    X = sparse.csr_array(np.array([[1.0, 2.0]]))
    G = np.full((2, 2), 10.0)
    add_gram(X.data, X.indices, X.indptr, G)
    np.testing.assert_array_equal(G, [[11, 12], [10, 14]])
