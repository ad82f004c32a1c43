"""Ctrl-C: within a second, wherever it comes, the model is there."""

import os
import time

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse

from skreg import MLPClassifier, MLPRegressor
from tests.mlp_cases import Stop, assert_same_training, digits, ignore_convergence, parameters


def endless(solver="adamw", cls=MLPClassifier, **params):
    """A training that takes minutes on any machine."""
    return cls(**{"hidden_layer_sizes": (500, 500), "solver": solver, "max_iter": 10_000,
                  "tol": 0, "n_iter_no_change": np.inf, "random_state": 0, **params})  # fmt: skip


def table(n=3000, p=200):
    rng = np.random.default_rng(0)
    return rng.standard_normal((n, p)).astype(np.float32), rng.integers(0, 3, n)


CASES = {
    "small batches": {"batch_size": 8},
    "large batches, in threads": {"batch_size": 3000},
    "sharpness": {"sam_rho": 0.1, "batch_size": 1000},
    "spectral norms": {"spectral_norm": "normalize", "hidden_layer_sizes": (20,)},
    "averages": {"average": "ema", "l1": 0.01},
    "augmentation": {"batch_augment": lambda X, y, rng: (X, y), "batch_size": 100},
    "validation": {"early_stopping": True},
    "quasi-Newton": {"solver": "lbfgs"},
    "sparse": {},
}


def when_training_begins(interrupt_after, seconds):
    """A learning rate whose first question starts the clock: before, there is no model to keep."""
    asked = []

    def rate(t):
        if not asked:
            interrupt_after(seconds)
        asked.append(t)
        return 1e-3

    return rate


@pytest.mark.parametrize("case", CASES)
def test_the_model_is_there_soon_after(case, interrupt_after):
    X, y = table()
    X = sparse.csr_array(np.where(np.abs(X) > 1.5, X, 0)) if case == "sparse" else X
    model = endless(**CASES[case])
    if case == "quasi-Newton":
        interrupt_after(1.0)
    else:
        model.set_params(learning_rate=when_training_begins(interrupt_after, 0.3))
    with pytest.warns(UserWarning, match="interrupted by user. The model keeps") as found:
        model.fit(X, y)
    # A second at most, of a machine that does nothing else.
    assert time.perf_counter() - interrupt_after.pressed < 10
    assert found[0].filename == __file__
    assert np.isfinite(parameters(model)).all()
    assert model.predict(X[:5]).shape == (5,)
    assert len({len(column) for column in model.history_.values()}) <= 1


@pytest.mark.parametrize("cls", [MLPClassifier, MLPRegressor])
def test_partial_fit_too_and_it_goes_on(cls, interrupt_after):
    X, y = table(20_000)
    classes = {"classes": range(3)} if cls is MLPClassifier else {}
    rate = when_training_begins(interrupt_after, 0.3)
    model = endless(cls=cls, batch_size=1, learning_rate=rate)
    with pytest.warns(UserWarning, match="interrupted") as found:
        model.partial_fit(X, y, **classes)
    assert found[0].filename == __file__
    steps = int(model._state.update.steps[0])
    assert 0 < steps < 20_000
    assert np.isfinite(model.partial_fit(X[:10], y[:10]).loss_)
    assert int(model._state.update.steps[0]) == steps + 10


@ignore_convergence
@pytest.mark.parametrize("call", [1, 5, 6, 9])
def test_ctrl_c_in_a_scorer_or_eval_set_does_not_spoil_the_best_weights(call):
    X, y = digits(200)
    calls = []

    def score(model, X, y):
        calls.append(0)
        if len(calls) == call:
            raise KeyboardInterrupt
        return -float(len(calls))  # the first epoch is the best

    params = {"hidden_layer_sizes": (6,), "random_state": 0, "early_stopping": True,
              "scoring": score, "max_iter": 8}  # fmt: skip
    with pytest.warns(UserWarning, match="interrupted"):
        model = MLPClassifier(**params).fit(X, y, eval_sets={"all": (X, y)})
    one = MLPClassifier(**params | {"max_iter": 1, "scoring": None}).fit(X, y)
    assert_array_equal(parameters(model), parameters(one))
    assert model.best_epoch_ == (call > 1)
    assert model.n_iter_ == (call + 1) // 2


@ignore_convergence
def test_ctrl_c_during_the_write_of_a_checkpoint_leaves_the_one_before(tmp_path, monkeypatch):
    X, y = digits(150)
    params = {"hidden_layer_sizes": (6,), "random_state": 0, "max_iter": 6}
    replace, written = os.replace, []

    def interrupted(*paths):
        written.append(paths)
        if len(written) == 3:
            raise KeyboardInterrupt
        replace(*paths)

    monkeypatch.setattr(os, "replace", interrupted)
    model = MLPClassifier(checkpoint=tmp_path / "file", **params)
    with pytest.warns(UserWarning, match="interrupted"):
        model.fit(X, y)
    assert model.n_iter_ == 3
    monkeypatch.undo()
    epochs = Stop(99)
    resumed = model.set_callbacks(epochs).fit(X, y, resume=True)
    assert epochs.seen == 4
    assert_same_training(resumed, MLPClassifier(**params).fit(X, y))


@ignore_convergence
def test_ctrl_c_in_a_callback_keeps_the_model():
    X, y = digits(100)

    class Press(Stop):
        def on_fit_task_end(self, estimator, context):
            super().on_fit_task_end(estimator, context)
            if self.seen == 2 and context.task_name == "epoch":
                raise KeyboardInterrupt

    model = MLPClassifier((6,), random_state=0, max_iter=5).set_callbacks(Press(99))
    with pytest.warns(UserWarning, match="interrupted"):
        model.fit(X, y)
    two = MLPClassifier((6,), random_state=0, max_iter=2).fit(X, y)
    assert_array_equal(parameters(model), parameters(two))
    assert "_callback_fit_ctx" not in vars(model)
