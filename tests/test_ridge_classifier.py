"""RidgeClassifier and RidgeClassifierCV against scikit-learn and against Ridge."""

import numpy as np
import pytest
import sklearn.linear_model
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.datasets import make_classification, make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import LeaveOneOut, StratifiedKFold, cross_val_predict
from sklearn.utils.estimator_checks import parametrize_with_checks

from skreg import Ridge, RidgeClassifier, RidgeClassifierCV, RidgeCV

ALPHAS = np.geomspace(0.1, 3e3, 9)
FOLDS = "the check sets cv, which goes with rule='loo' only"


def data(classes=3, n=90, p=8, seed=0):
    X, y = make_classification(
        n, p, n_informative=5, n_classes=classes, flip_y=0.2, random_state=seed
    )
    names = np.array(["cat", "ant", "bee"])[:classes]
    return X, names[y], np.random.default_rng(seed).uniform(0.3, 3, n)


@parametrize_with_checks([RidgeClassifier(), RidgeClassifierCV(), RidgeClassifierCV(cv=3)])
def test_scikit_learn_contract(estimator, check):
    check(estimator)


@parametrize_with_checks(
    [RidgeClassifierCV(alphas="auto", rule="gcv")],
    expected_failed_checks=lambda _: {
        "check_sample_weight_equivalence_on_dense_data": FOLDS,
        "check_sample_weight_equivalence_on_sparse_data": FOLDS,
    },
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_scikit_learn_contract_of_rules(estimator, check):
    check(estimator)


def assert_same(ours, theirs, X, rtol=1e-9):
    """Fitted arrays, decisions and labels agree in shape, type and value."""
    for name in ("coef_", "intercept_"):
        assert np.shape(getattr(ours, name)) == np.shape(getattr(theirs, name)), name
        assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=rtol, atol=1e-12)
    assert_array_equal(ours.classes_, theirs.classes_)
    decisions = ours.decision_function(X), theirs.decision_function(X)
    assert decisions[0].shape == decisions[1].shape
    assert_allclose(*decisions, rtol=1e-6, atol=1e-9)
    labels = [model.predict(X) for model in (ours, theirs)]
    labels = [one.toarray() if sparse.issparse(one) else one for one in labels]
    assert labels[0].dtype == labels[1].dtype
    assert_array_equal(*labels)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("class_weight", [None, "balanced", {"ant": 3.0}])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("classes", [2, 3])
def test_classifier_equals_scikit_learn(classes, weighted, class_weight, fit_intercept):
    X, y, weight = data(classes)
    options = {"class_weight": class_weight, "fit_intercept": fit_intercept}
    weight = weight if weighted else None
    ours = RidgeClassifier(2.0, **options).fit(X, y, weight)
    assert_same(ours, sklearn.linear_model.RidgeClassifier(2.0, **options).fit(X, y, weight), X)


@pytest.mark.parametrize("solver", ["svd", "cholesky", "lsqr", "sparse_cg", "sag", "saga"])
def test_solvers_agree(solver):
    X, y, _ = data()
    model = RidgeClassifier(tol=1e-10, solver=solver, random_state=0, max_iter=5000).fit(X, y)
    assert_allclose(model.coef_, RidgeClassifier().fit(X, y).coef_, rtol=1e-6, atol=1e-8)
    assert model.n_iter_.shape == (3,)
    with pytest.warns(ConvergenceWarning, match="max_iter=1 "):
        RidgeClassifier(solver="saga", max_iter=1, tol=1e-10).fit(X, y)


def test_positive_coefficients():
    X, y, _ = data()
    model = RidgeClassifier(positive=True).fit(X, y)
    theirs = sklearn.linear_model.RidgeClassifier(positive=True, tol=1e-12).fit(X, y)
    assert model.coef_.min() == 0 < model.coef_.max()
    assert_allclose(model.coef_, theirs.coef_, atol=1e-4)


@pytest.mark.parametrize("cls", ["RidgeClassifier", "RidgeClassifierCV"])
@pytest.mark.parametrize("indicator", [np.asarray, sparse.csr_matrix], ids=["dense", "sparse"])
def test_multilabel(cls, indicator):
    X, y = make_multilabel_classification(80, 6, n_classes=4, random_state=0)
    options = {"cv": 4} if cls == "RidgeClassifierCV" else {}
    ours = globals()[cls](**options).fit(X, indicator(y))
    assert_same(ours, getattr(sklearn.linear_model, cls)(**options).fit(X, indicator(y)), X)
    assert ours.predict(X).shape == y.shape


@pytest.mark.parametrize("options", [{}, {"cv": 4}], ids=str)
@pytest.mark.parametrize("class_weight", [None, "balanced"])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("classes", [2, 3])
def test_search_equals_scikit_learn(classes, weighted, class_weight, options):
    X, y, weight = data(classes)
    weight = weight if weighted else np.ones(len(y))
    options = options | {"class_weight": class_weight}
    ours = RidgeClassifierCV(ALPHAS, **options).fit(X, y, weight)
    theirs = sklearn.linear_model.RidgeClassifierCV(ALPHAS, **options).fit(X, y, weight)
    assert_allclose(ours.best_score_, theirs.best_score_, rtol=1e-9)
    if len(set(np.round(ours.cv_results_["mean_test_score"], 12))) == len(ALPHAS):
        assert ours.alpha_ == theirs.alpha_
    if ours.alpha_ == theirs.alpha_:  # else two scores are equal up to rounding
        assert_same(ours, theirs, X)
    else:
        scores = ours.cv_results_["mean_test_score"]
        assert_allclose(scores[theirs.alpha_ == ALPHAS], ours.best_score_, rtol=1e-12)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("scoring", [None, "accuracy"])
def test_stored_leave_one_out_values(classes, scoring):
    X, y, _ = data(classes)
    options = {"store_cv_results": True, "scoring": scoring}
    ours = RidgeClassifierCV(ALPHAS, **options).fit(X, y).cv_results_
    theirs = sklearn.linear_model.RidgeClassifierCV(ALPHAS, **options).fit(X, y).cv_results_
    assert_allclose(ours, theirs, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(
    ("scoring", "metric"),
    [("accuracy", accuracy_score), ("f1_macro", lambda *a: f1_score(*a, average="macro"))],
)
def test_scorers_see_labels_left_out(classes, scoring, metric):
    X, y, _ = data(classes, n=30)
    found = RidgeClassifierCV(ALPHAS, scoring=scoring).fit(X, y).cv_results_["mean_test_score"]
    for alpha, score in zip(ALPHAS, found, strict=True):
        labels = cross_val_predict(RidgeClassifier(alpha), X, y, cv=LeaveOneOut())
        assert_allclose(score, metric(y, labels))


def test_decisions_reach_scorers_that_want_them():
    X, y, _ = data(2)
    found = RidgeClassifierCV(ALPHAS, scoring="roc_auc", cv=3).fit(X, y)
    theirs = sklearn.linear_model.RidgeClassifierCV(ALPHAS, scoring="roc_auc", cv=3).fit(X, y)
    assert_allclose(found.best_score_, theirs.best_score_)
    assert found.alpha_ == theirs.alpha_


def test_an_int_makes_stratified_folds():
    X, y, _ = data(3, n=60)
    order = np.argsort(y, kind="stable")  # plain folds would miss whole classes
    X, y = X[order], y[order]
    found = RidgeClassifierCV(ALPHAS, cv=3).fit(X, y).cv_results_
    same_ = RidgeClassifierCV(ALPHAS, cv=StratifiedKFold(3)).fit(X, y).cv_results_
    assert_array_equal(found["mean_test_score"], same_["mean_test_score"])


@pytest.mark.filterwarnings("ignore:rule='quasi:sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("rule", ["loo", "gcv", "robust_gcv", "evidence", "quasi_optimality"])
def test_rules_judge_the_targets_of_ridge(rule):
    X, y, weight = data()
    targets = np.where(y[:, None] == np.unique(y), 1.0, -1.0)
    model = RidgeClassifierCV(ALPHAS, rule=rule).fit(X, y, weight)
    ridge = RidgeCV(ALPHAS, rule=rule).fit(X, targets, weight)
    assert (model.alpha_, model.best_score_) == (ridge.alpha_, ridge.best_score_)
    assert_allclose(model.coef_, Ridge(model.alpha_).fit(X, targets, weight).coef_, rtol=1e-9)


def test_one_standard_error():
    X, y, _ = data()
    model = RidgeClassifierCV(ALPHAS, cv=5, choose="one_se").fit(X, y)
    score, error = (model.cv_results_[key] for key in ("mean_test_score", "std_error"))
    best = score.argmax()
    assert model.alpha_ == ALPHAS[score >= score[best] - error[best]].max()


@pytest.mark.parametrize("container", [sparse.csr_array, sparse.csc_array, sparse.coo_array])
def test_sparse_equals_dense(container):
    X, y, _ = data()
    X[np.abs(X) < 0.7] = 0
    for model in (RidgeClassifier(), RidgeClassifierCV(ALPHAS), RidgeClassifierCV(ALPHAS, cv=3)):
        dense = model.fit(X, y).decision_function(X)
        assert_allclose(model.fit(container(X), y).decision_function(container(X)), dense)


@pytest.mark.parametrize(("options", "message"), [
    ({"rule": "discrepancy"}, "'rule' parameter"),
    ({"rule": "gcv", "cv": 3}, "rule='gcv' needs no test samples"),
    ({"alphas": [0.0]}, r"alphas\[0\] == 0.0"),
    ({"class_weight": "fair"}, "'class_weight' parameter"),
])  # fmt: skip
def test_errors_name_the_parameter(options, message):
    X, y, _ = data()
    with pytest.raises(ValueError, match=message):
        RidgeClassifierCV(**options).fit(X, y)


@pytest.mark.parametrize("weight", [{"ant": -1.0}, {"ant": np.nan}, {"ant": 0.0, "cat": 0.0}])
@pytest.mark.parametrize("cls", [RidgeClassifier, RidgeClassifierCV])
def test_weights_of_classes_are_named(cls, weight):
    X, y, _ = data(classes=2)
    with pytest.raises(ValueError, match=r"class_weight must be finite and non-negative.*'ant'"):
        cls(class_weight=weight).fit(X, y)


def test_targets_must_be_labels():
    X, _, _ = data()
    for cls in (RidgeClassifier, RidgeClassifierCV):
        with pytest.raises(ValueError, match="Unknown label type"):
            cls().fit(X, X[:, 0])
