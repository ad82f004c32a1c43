"""What splitters and scorers get from the estimators that choose their alpha."""

import numpy as np
import pandas as pd
import pytest
import sklearn.exceptions
import sklearn.linear_model
from numpy.testing import assert_allclose
from sklearn.kernel_ridge import KernelRidge as ScikitKernelRidge
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import GridSearchCV

from skreg import KernelRidgeCV, RidgeClassifierCV, RidgeCV

ALPHAS = [0.1, 1.0, 10.0, 100.0]
SEARCHES = [RidgeCV, KernelRidgeCV, RidgeClassifierCV]
each = pytest.mark.parametrize("cls", SEARCHES, ids=lambda c: c.__name__)
PLAIN = {
    RidgeCV: sklearn.linear_model.Ridge(),
    KernelRidgeCV: ScikitKernelRidge(),
    RidgeClassifierCV: sklearn.linear_model.RidgeClassifier(),
}


def frames(cls, targets=None):
    """Features with names and an index, and a target with the same index."""
    rng = np.random.default_rng(0)
    index = [f"row {i}" for i in range(60)]
    X = pd.DataFrame(rng.normal(size=(60, 3)), index=index, columns=["a", "b", "c"])
    Y = X @ np.array([[1.0, 2, 3], [0, 1, -1]]).T + rng.normal(size=(60, 2))
    y = Y if targets else Y[0]
    return X, y if cls is not RidgeClassifierCV else y.map(lambda v: "good" if v > 0 else "bad")


class ByIndex:
    """A splitter that needs the index of X, and y with it."""

    def split(self, X, y, groups=None):
        fold = np.array([int(name[4:]) % 3 for name in X.index])
        assert list(y.index) == list(X.index)
        return [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(3)]

    def get_n_splits(self, X=None, y=None, groups=None):
        return 3


def weighted_by_a(model, X, y):
    """A scorer that needs a column of X, and y with its index."""
    assert list(y.index) == list(X.index)
    score = accuracy_score if isinstance(y.iloc[0], str) else r2_score
    return score(y, model.predict(X), sample_weight=np.abs(X["a"]))


@pytest.mark.parametrize(
    ("cls", "targets"), [(cls, None) for cls in SEARCHES] + [(RidgeCV, 2), (KernelRidgeCV, 2)]
)
def test_splitters_and_scorers_get_the_frames_of_the_caller(cls, targets):
    X, y = frames(cls, targets)
    options = {"cv": ByIndex(), "scoring": weighted_by_a}
    ours = cls(ALPHAS, **options).fit(X, y)
    theirs = GridSearchCV(PLAIN[cls], {"alpha": ALPHAS}, **options).fit(X, y)
    found = ours.cv_results_["mean_test_score"]
    assert_allclose(found, theirs.cv_results_["mean_test_score"], rtol=1e-9)
    assert np.ptp(found) > 1e-3


def test_an_alpha_per_target_scores_columns_of_a_frame():
    X, Y = frames(RidgeCV, 2)
    options = {"cv": ByIndex(), "scoring": weighted_by_a}
    both = RidgeCV(ALPHAS, alpha_per_target=True, **options).fit(X, Y)
    alone = [RidgeCV(ALPHAS, **options).fit(X, Y[k]).best_score_ for k in range(2)]
    assert_allclose(both.best_score_, alone, rtol=1e-9)


@each
def test_lists_serve_as_arrays(cls):
    X, y = frames(cls)
    scoring = "accuracy" if cls is RidgeClassifierCV else "neg_mean_squared_error"
    model = cls(ALPHAS, cv=3, scoring=scoring)
    expected = model.fit(X.to_numpy(), y.to_numpy()).best_score_
    assert model.fit(X.to_numpy().tolist(), y.tolist()).best_score_ == expected


def test_a_column_of_labels_is_scored_as_labels():
    X, y = frames(RidgeClassifierCV)
    model = RidgeClassifierCV(ALPHAS, cv=3)
    expected = model.fit(X, y).best_score_
    with pytest.warns(sklearn.exceptions.DataConversionWarning):
        assert model.fit(X, y.to_frame()).best_score_ == expected


@each
@pytest.mark.parametrize("rows", [lambda X: X + 100, lambda X: X[:10], lambda X: None])
def test_predictions_are_there_for_the_test_samples_only(cls, rows):
    X, y = frames(cls)

    def scoring(model, X, y):
        return np.mean(model.predict(rows(X)) == y)

    with pytest.raises(ValueError, match=r"for the test samples only.*GridSearchCV"):
        cls(ALPHAS, cv=3, scoring=scoring).fit(X, y)


@each
def test_a_copy_of_the_test_samples_has_the_same_predictions(cls):
    X, y = frames(cls)
    score = accuracy_score if cls is RidgeClassifierCV else r2_score
    same, copy = (
        cls(ALPHAS, cv=3, scoring=lambda model, X, y, of=of: score(y, model.predict(of(X))))
        for of in (lambda X: X, lambda X: X.to_numpy())
    )
    assert same.fit(X, y).best_score_ == copy.fit(X, y).best_score_


@each
@pytest.mark.parametrize("cv", [None, 3])
@pytest.mark.parametrize("asked", ["predict_proba", "coef_"])
def test_a_scorer_that_asks_for_a_model_is_told(cls, cv, asked):
    def scoring(model, X, y):
        return float(np.sum(getattr(model, asked)))

    with pytest.raises(AttributeError, match=f"{cls.__name__} has no {asked} while scoring"):
        cls(ALPHAS, cv=cv, scoring=scoring).fit(*frames(cls))


@each
@pytest.mark.parametrize("cv", [None, 3])
def test_a_scorer_of_another_method_is_named(cls, cv):
    scoring = "neg_log_loss" if cls is RidgeClassifierCV else "roc_auc"
    message = f"scoring='{scoring}' needs .*predict_proba, which {cls.__name__} does not have"
    with pytest.raises(ValueError, match=message):
        cls(ALPHAS, cv=cv, scoring=scoring).fit(*frames(cls))


@each
@pytest.mark.parametrize("cv", [[], iter([])], ids=["empty", "used up"])
def test_no_splits_is_an_error(cls, cv):
    with pytest.raises(ValueError, match=r"cv=.* gives no splits: give at least one, and not a"):
        cls(ALPHAS, cv=cv).fit(*frames(cls))
