"""What is predicted for: arrays pass as they are, and all else as scikit-learn checks it."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import config_context
from sklearn.linear_model import LinearRegression
from sklearn.utils.validation import validate_data

from skreg import KernelRidge, Lasso, MLPClassifier, MLPRegressor, Ridge, RidgeClassifier
from skreg._validation import new_samples
from tests.mlp_cases import ignore_convergence

pytestmark = ignore_convergence
X = np.random.default_rng(0).normal(size=(40, 3))
y = (X[:, 0] > 0).astype(int)
MODELS = [
    Ridge(), Lasso(0.01), RidgeClassifier(), KernelRidge(), MLPClassifier((4,), max_iter=3),
    MLPRegressor(hidden_layer_sizes=(4,), max_iter=3),
]  # fmt: skip
models = pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
GOOD = {
    "strided": X[::-2], "in columns": np.asfortranarray(X), "one row": X[:1], "list": X.tolist(),
    "single": X.astype(np.float32), "half": X.astype(np.float16), "other bytes": X.astype(">f8"),
    "whole": np.arange(6).reshape(2, 3), "sparse": sparse.csr_array(X), "subclass": np.asmatrix(X),
    "read only": np.broadcast_to(X[0], (5, 3)), "squares overflow": np.full((2, 3), 1e200),
}  # fmt: skip
BAD = {
    "nan": np.where(X > 2, X, np.nan), "inf": np.where(X > 0, X, np.inf), "features": X[:, :2],
    "one-dimensional": X[0], "empty": X[:0], "words": np.full((2, 3), "a"), "complex": X + 1j,
    "both infinities": np.array([[np.inf, -np.inf, 0]]),
}  # fmt: skip


def outcome(function, data):
    """What it returns, or the words of its error."""
    try:
        with np.errstate(all="ignore"):
            return function(data)
    except (ValueError, TypeError) as error:
        return type(error), str(error)


@pytest.mark.parametrize("kind", [name for name in GOOD if name != "subclass"])
@models
def test_every_kind_of_samples_gives_what_a_plain_array_gives(model, kind):
    data = GOOD[kind]
    plain = np.array(data.toarray() if sparse.issparse(data) else data, dtype=float)
    model.fit(X, y)
    found, expected = (model.predict(d) for d in (data, plain))
    assert_allclose(found, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("kind", [*GOOD, *BAD])
def test_the_outcome_is_that_of_scikit_learn_s_validation(kind):
    model, data = LinearRegression().fit(X, y), {**GOOD, **BAD}[kind]
    options = {"accept_sparse": "csr"}
    rival = outcome(lambda d: validate_data(model, d, reset=False, **options), data)
    found = outcome(lambda d: new_samples(model, d, **options), data)
    if isinstance(rival, tuple):
        assert found == rival
    else:
        assert_array_equal(*(a.toarray() if sparse.issparse(a) else a for a in (found, rival)))
        assert found.dtype == rival.dtype


@models
def test_names_of_features_are_compared(model):
    frame = pd.DataFrame(X, columns=list("abc"))
    named = model.fit(frame, y)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        named.predict(X)
    with pytest.raises(ValueError, match="feature names should match"):
        named.predict(frame[["b", "a", "c"]])


def test_who_wants_no_looking_for_nan_has_none():
    model = Ridge().fit(X, y)
    with config_context(assume_finite=True):
        assert np.isnan(model.predict(BAD["nan"])).any()
