"""Threads change no bit of a perceptron, and leave BLAS as they found it."""

import multiprocessing

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from threadpoolctl import ThreadpoolController, threadpool_limits

from skreg import MLPClassifier, MLPRegressor
from skreg._solvers.plan import SMALL_BATCH
from tests.mlp_cases import ignore_convergence, parameters

pytestmark = ignore_convergence
CASES = {
    "adamw": {"solver": "adamw"},
    "sgd": {"solver": "sgd"},
    "lbfgs": {"solver": "lbfgs"},
    "dropout and smoothing": {"dropout": 0.2, "input_dropout": 0.1, "label_smoothing": 0.1},
    "clipping": {"max_grad_norm": 0.1, "alpha": 1.0},
    "sharpness": {"sam_rho": 0.1, "sam_adaptive": True},
    "spectral": {"spectral_norm": "normalize", "average": "ema"},
    "records": {"record": ["gradient_norm", "update_norm"], "l1": 0.1},
}


def table(dtype=np.float64, n=700, p=90):
    """Enough rows and columns for a batch to be shared out."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, p)).astype(dtype)
    return X, (X[:, 0] + X[:, 1] ** 2 > 1).astype(int) + (X[:, 2] > 1)


def fitted(X, y, cls=MLPClassifier, **params):
    settings = {"hidden_layer_sizes": (80, 30), "random_state": 0, "batch_size": 300,
                "max_iter": 3}  # fmt: skip
    model = cls(**{**settings, **params})
    units = (X.shape[1], *model.hidden_layer_sizes)
    assert model.batch_size * units[0] * units[1] >= SMALL_BATCH  # or the test says nothing
    return model.fit(X, y)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", CASES)
def test_any_number_of_threads_gives_the_same_bits(case, dtype):
    X, y = table(dtype)
    found = []
    for threads in (1, 2, 3):
        with threadpool_limits(threads):
            model = fitted(X, y, **CASES[case])
            found.append([parameters(model), model.predict_proba(X), model.history_["loss"]])
            if "dropout" in case:
                found[-1].append(model.sample_proba(X, 2))
    for more in found[1:]:
        for a, b in zip(more, found[0], strict=True):
            assert_array_equal(a, b)


@pytest.mark.parametrize("cls", [MLPClassifier, MLPRegressor])
def test_sparse_rows_too(cls):
    X, y = table()
    X = sparse.csr_array(np.where(np.abs(X) > 1, X, 0))
    with threadpool_limits(1):
        alone = fitted(X, y, cls)
    assert_array_equal(parameters(fitted(X, y, cls)), parameters(alone))


@pytest.mark.parametrize("blas_threads", [1, 2])
def test_fits_side_by_side_in_threads(blas_threads):
    X, y = table()
    alone = [parameters(fitted(X, y, random_state=k)) for k in range(4)]
    with threadpool_limits(blas_threads), joblib.parallel_backend("threading", n_jobs=4):
        jobs = (joblib.delayed(fitted)(X, y, random_state=k) for k in range(4))
        models = joblib.Parallel()(jobs)
    for model, expected in zip(models, alone, strict=True):
        # Only the main thread may take BLAS's threads away, whose number changes the last bits.
        tolerance = 0 if blas_threads == 1 else 1e-10
        assert_allclose(parameters(model), expected, rtol=0, atol=tolerance)


def counts():
    return [library.num_threads for library in ThreadpoolController().lib_controllers]


def test_blas_has_its_threads_back_whatever_happens():
    X, y = table()
    before = counts()
    fitted(X, y)
    joblib.Parallel(n_jobs=2, backend="threading")(joblib.delayed(fitted)(X, y) for _ in range(3))
    with pytest.raises(ValueError, match="overflowed"):
        fitted(X, y, solver="sgd", learning_rate_init=1e300, max_iter=9)

    def broken(X, y, rng):
        raise RuntimeError

    with pytest.raises(RuntimeError):
        fitted(X, y, batch_augment=broken)
    assert counts() == before


def send_parameters(pipe, X, y):
    pipe.send(parameters(fitted(X, y)))


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_forked_process_trains_as_well():
    X, y = table()
    expected = parameters(fitted(X, y))  # the threads of this process are at work before the fork
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe()
    child = context.Process(target=send_parameters, args=(there, X, y))
    child.start()
    assert here.poll(60)
    assert_array_equal(here.recv(), expected)
    child.join(60)
    assert child.exitcode == 0
