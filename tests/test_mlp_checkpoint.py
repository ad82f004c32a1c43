"""Checkpoints: a training that goes on has the bits of one that was never interrupted."""

import os

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.metrics import log_loss
from sklearn.utils import check_random_state

from skreg import MLPClassifier, MLPRegressor
from skreg._checkpoint import load
from skreg.augment import GaussianNoise
from skreg.schedules import Cosine, OneCycle, PowerLaw
from tests.mlp_cases import (
    Stop,
    assert_same_training,
    constant_rate,
    digits,
    ignore_convergence,
    labels,
)

pytestmark = ignore_convergence


TRAININGS = {
    "momentum": {"solver": "sgd", "learning_rate_init": 0.05},
    "adaptive rate": {"solver": "sgd", "learning_rate": "adaptive", "tol": 1.0,
                      "n_iter_no_change": 1},
    "inverse scaling": {"solver": "sgd", "learning_rate": "invscaling"},
    "adam": {},
    "adamw": {"solver": "adamw", "max_grad_norm": 1.0},
    "no shuffle": {"shuffle": False},
    "dropout": {"dropout": 0.3, "input_dropout": 0.1},
    "early stopping": {"early_stopping": True, "learning_rate_init": 0.1},
    "early stopping on the loss": {"early_stopping": True, "scoring": "loss"},
    "exponential average": {"average": "ema", "average_decay": 0.9},
    "plain average": {"average": "swa", "average_start": 0.3},
    "spectral cap": {"spectral_norm": "cap"},
    "spectral normalization": {"spectral_norm": "normalize", "sam_rho": 0.1},
    "zeros": {"l1": 0.5},
    "schedules": {"learning_rate": OneCycle(0.1), "dropout": Cosine(0.5), "alpha": PowerLaw(
        1.0, tau=9), "weight_decay": constant_rate},
    "augmentation": {"batch_augment": GaussianNoise(0.1)},
    "records": {"record": ["gradient_norm", "update_norm", "spectral_norm", "parameters"]},
    "two layers": {"hidden_layer_sizes": (7, 5), "activation": ["selu", "mish"]},
}  # fmt: skip


@pytest.mark.parametrize("stop", [1, 4])
@pytest.mark.parametrize("case", TRAININGS)
def test_a_resumed_training_equals_an_uninterrupted_one(case, stop, tmp_path):
    X, y = digits(150)
    model = MLPClassifier(
        **{"hidden_layer_sizes": (8,), "batch_size": 40, "max_iter": 8, "random_state": 3,
           "checkpoint": tmp_path / "file", **TRAININGS[case]}
    )  # fmt: skip
    data = {"eval_sets": {"half": (X[::2], y[::2])}}
    whole = clone(model).set_params(checkpoint=None).fit(X, y, **data)
    first = clone(model).set_callbacks(Stop(stop)).fit(X, y, **data)
    assert first.n_iter_ == stop < whole.n_iter_
    resumed = model.fit(X, y, resume=True, **data)
    assert_same_training(resumed, whole)
    assert_array_equal(resumed.predict_proba(X), whole.predict_proba(X))


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("table", ["regression", "multilabel", "sparse", "weighted", "float32"])
def test_any_kind_of_data_resumes(table, early_stopping, tmp_path):
    X, y = labels() if table == "multilabel" else digits(150)
    X = X.astype(np.float32) if table == "float32" else X
    X = sparse.csr_array(X) if table == "sparse" else X
    weight = np.linspace(0, 2, len(y)) if table == "weighted" else None
    cls = MLPRegressor if table == "regression" else MLPClassifier
    model = cls(hidden_layer_sizes=(5,), max_iter=6, random_state=0, early_stopping=early_stopping,
                checkpoint=str(tmp_path / "file"))  # fmt: skip
    whole = clone(model).set_params(checkpoint=None).fit(X, y, weight)
    clone(model).set_callbacks(Stop(2)).fit(X, y, weight)
    assert_same_training(model.fit(X, y, weight, resume=True), whole)


def test_a_training_without_a_seed_keeps_its_held_out_rows(tmp_path):
    X, y = digits(150)
    model = MLPClassifier(
        (5,), max_iter=6, early_stopping=True, dropout=0.2, checkpoint=tmp_path / "file",
        scoring="loss",
    )  # fmt: skip
    first = clone(model).set_callbacks(Stop(3)).fit(X, y)
    before = load(tmp_path / "file")[1]["held"]
    resumed = model.fit(X, y, resume=True)
    assert resumed.loss_curve_[:3] == first.loss_curve_
    # Another split would score on rows that it has been trained on.
    order, held = (load(tmp_path / "file")[1][name] for name in ("order", "held"))
    assert_array_equal(held, before)
    assert_array_equal(np.sort(np.r_[order, held]), np.arange(150))
    found = log_loss(y[held], resumed.predict_proba(X[held]), labels=range(10))
    assert resumed.best_validation_score_ == pytest.approx(-found, rel=1e-10)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_what_a_training_without_a_seed_has_drawn_is_kept(early_stopping, tmp_path):
    X, y = digits(150)
    model = MLPClassifier((5,), max_iter=6, dropout=0.2, early_stopping=early_stopping)
    shared = check_random_state(None)  # NumPy's generator, which others may use in between
    before = shared.get_state()
    try:
        shared.seed(3)
        whole = clone(model).fit(X, y)
        shared.seed(3)
        model.set_params(checkpoint=tmp_path / "file")
        clone(model).set_callbacks(Stop(2)).fit(X, y)
        shared.seed(99)
        assert_same_training(model.fit(X, y, resume=True), whole)
    finally:
        shared.set_state(before)


def test_a_generator_that_was_passed_is_where_it_would_be(tmp_path):
    X, y = digits(100)
    params = {"hidden_layer_sizes": (5,), "max_iter": 6, "dropout": 0.2}
    whole = MLPClassifier(**params, random_state=np.random.RandomState(5)).fit(X, y)
    model = MLPClassifier(**params, checkpoint=tmp_path / "file")
    model.set_params(random_state=np.random.RandomState(5)).set_callbacks(Stop(2)).fit(X, y)
    model.set_callbacks().set_params(random_state=np.random.RandomState(5))
    assert_same_training(model.fit(X, y, resume=True), whole)


def test_without_a_file_training_starts_anew(tmp_path):
    X, y = digits(100)
    model = MLPClassifier((5,), max_iter=3, random_state=0, checkpoint=tmp_path / "file")
    assert_same_training(
        clone(model).fit(X, y, resume=True), clone(model).set_params(checkpoint=None).fit(X, y)
    )
    assert os.listdir(tmp_path) == ["file"]


def test_without_resume_the_file_is_overwritten(tmp_path):
    X, y = digits(100)
    model = MLPClassifier((5,), max_iter=3, random_state=0, checkpoint=tmp_path / "file")
    (tmp_path / "file").write_bytes(b"nothing of worth")
    model.fit(X, y)
    before = (tmp_path / "file").read_bytes()
    model.set_params(random_state=1).fit(X, y)
    assert (tmp_path / "file").read_bytes() != before
    assert_same_training(clone(model).fit(X, y, resume=True), model)


@pytest.mark.parametrize("end", ["max_iter", "converged"])
def test_a_finished_training_returns_at_once(end, tmp_path):
    X, y = digits(100)
    tol = 10.0 if end == "converged" else 1e-4
    model = MLPClassifier(
        (5,), max_iter=5, tol=tol, n_iter_no_change=2, random_state=0, checkpoint=tmp_path / "file"
    )
    whole = clone(model).fit(X, y)
    assert whole.n_iter_ == {"converged": 4, "max_iter": 5}[end]
    epochs = Stop(99)
    assert_same_training(model.set_callbacks(epochs).fit(X, y, resume=True), whole)
    assert epochs.seen == 0


def test_whole_numbers_and_others_ask_for_the_same_training(tmp_path):
    X, y = digits(100)
    model = MLPClassifier(
        (5,), max_iter=4, alpha=0, dropout=0, random_state=0, checkpoint=tmp_path / "file"
    ).fit(X, y)
    again = clone(model).set_params(alpha=0.0, dropout=0.0).fit(X, y, resume=True)
    assert_same_training(again, model)


def test_more_epochs_and_more_patience_go_on(tmp_path):
    X, y = digits(100)
    model = MLPClassifier(
        (5,), max_iter=4, tol=10.0, n_iter_no_change=99, random_state=0,
        checkpoint=tmp_path / "file",
    )  # fmt: skip
    clone(model).fit(X, y)
    longer = clone(model).set_params(max_iter=9)
    whole = clone(longer).set_params(checkpoint=None).fit(X, y)
    assert_same_training(clone(longer).fit(X, y, resume=True), whole)
    impatient = clone(model).set_params(n_iter_no_change=1)
    assert impatient.fit(X, y).n_iter_ == 3
    assert_same_training(longer.fit(X, y, resume=True), whole)


@pytest.mark.parametrize("planned", [{"learning_rate": Cosine(0.1)}, {"average": "swa"},
                                     {"dropout": [Cosine(0.1)]}])  # fmt: skip
def test_more_epochs_would_change_what_was_planned(planned, tmp_path):
    X, y = digits(100)
    model = MLPClassifier((5,), max_iter=4, checkpoint=tmp_path / "file", **planned).fit(X, y)
    with pytest.raises(ValueError, match="another training: max_iter differ"):
        model.set_params(max_iter=9).fit(X, y, resume=True)
    # A horizon of the schedule's own is kept.
    model.set_params(learning_rate=Cosine(0.1, n_steps=50), average=None, dropout=0.0)
    model.set_params(max_iter=4).fit(X, y)
    assert model.set_params(max_iter=9).fit(X, y, resume=True).n_iter_ == 9
