"""MultiTaskLassoCV and MultiTaskElasticNetCV: scikit-learn's answers, invariances, contract."""

import numpy as np
import pytest
import sklearn
import sklearn.linear_model
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.datasets import make_regression
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GroupKFold, KFold, PredefinedSplit
from sklearn.utils.estimator_checks import parametrize_with_checks

from skreg import MultiTaskElasticNet, MultiTaskElasticNetCV, MultiTaskLasso, MultiTaskLassoCV

CLASSES = [MultiTaskLassoCV, MultiTaskElasticNetCV]
TIGHT = {"tol": 1e-12, "max_iter": 20_000}
each = pytest.mark.parametrize("cls", CLASSES, ids=lambda c: c.__name__)


@parametrize_with_checks([MultiTaskLassoCV(alphas=10, cv=3), MultiTaskElasticNetCV(alphas=10)])
def test_scikit_learn_contract(estimator, check):
    check(estimator)


def table(n=60, p=12, t=3, seed=0):
    X, Y = make_regression(n, p, n_informative=4, n_targets=t, noise=20.0, random_state=seed)
    X += np.arange(p) / 4
    return X, Y.reshape(n, t) + 50, np.random.default_rng(seed).uniform(0.2, 3, n)


@each
@pytest.mark.parametrize("shape", [(60, 12), (40, 70)])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"fit_intercept": False},
        {"alphas": [0.3, 30.0, 3.0], "cv": 3},
        {"eps": 0.1, "alphas": 7, "cv": KFold(4, shuffle=True, random_state=0)},
    ],
)
def test_answers_are_those_of_scikit_learn(cls, shape, weighted, params):
    X, Y, weight = table(*shape)
    weight = weight if weighted else None
    params = {"alphas": 12, "eps": 0.01} | params
    ours = cls(**params, **TIGHT).fit(X, Y, weight)
    twin = getattr(sklearn.linear_model, cls.__name__)
    theirs = twin(**params, tol=1e-10, max_iter=10**6).fit(X, Y, weight)
    assert_allclose(ours.alphas_, theirs.alphas_, rtol=1e-9)
    assert_allclose(ours.mse_path_, theirs.mse_path_, rtol=1e-6)
    assert ours.alpha_ == pytest.approx(theirs.alpha_, rel=1e-9)
    size = np.abs(theirs.coef_).max()
    assert_allclose(ours.coef_, theirs.coef_, atol=1e-6 * size)
    assert_allclose(ours.intercept_, theirs.intercept_, rtol=1e-6, atol=1e-6)
    assert getattr(ours, "l1_ratio_", None) == getattr(theirs, "l1_ratio_", None)


def test_several_l1_ratios():
    X, Y, _ = table()
    params = {"l1_ratio": [0.2, 0.7, 1.0], "alphas": 8, "eps": 0.01, "cv": 3}
    ours = MultiTaskElasticNetCV(**params, **TIGHT).fit(X, Y)
    theirs = sklearn.linear_model.MultiTaskElasticNetCV(**params, tol=1e-10).fit(X, Y)
    assert ours.mse_path_.shape == theirs.mse_path_.shape == (3, 8, 3)
    assert_allclose(ours.mse_path_, theirs.mse_path_, rtol=1e-6)
    assert (ours.l1_ratio_, ours.alphas_.shape) == (theirs.l1_ratio_, (3, 8))


@each
def test_the_model_is_the_one_of_the_alpha_chosen(cls):
    X, Y, weight = table(40, 70)
    model = cls(alphas=20, choose="one_se", **TIGHT).fit(X, Y, weight)
    single = MultiTaskLasso if cls is MultiTaskLassoCV else MultiTaskElasticNet
    alone = single(alpha=model.alpha_, **TIGHT).fit(X, Y, weight)
    assert_allclose(model.coef_, alone.coef_, atol=1e-7 * np.abs(alone.coef_).max())
    assert_allclose(model.intercept_, alone.intercept_, rtol=1e-7)
    assert model.dual_gap_ <= TIGHT["tol"] * np.sum(Y.var(axis=0)) * 3
    least = cls(alphas=20, **TIGHT).fit(X, Y, weight)
    assert model.alpha_ > least.alpha_
    mean, error = (least.cv_results_[key] for key in ("mean_test_score", "std_error"))
    within = mean >= mean.max() - error[mean.argmax()]
    assert model.alpha_ == least.alphas_[within.argmax()]


@each
@pytest.mark.parametrize("shape", [(60, 12), (40, 70)])
def test_sparse_equals_dense_and_one_thread_equals_two(cls, shape):
    X, Y, _ = table(*shape)
    X[np.abs(X) < 0.5] = 0
    dense = cls(alphas=8, n_jobs=1, **TIGHT).fit(X, Y)
    for data in (sparse.csc_array(X), sparse.csr_array(X), np.asfortranarray(X)):
        model = cls(alphas=8, n_jobs=2, **TIGHT).fit(data, Y)
        assert_allclose(model.mse_path_, dense.mse_path_, rtol=1e-6)
        assert_allclose(model.coef_, dense.coef_, atol=1e-6 * np.abs(dense.coef_).max())


@each
def test_weights_of_zero_leave_rows_out(cls):
    X, Y, _ = table()
    fold = np.arange(60) % 3
    keep = np.arange(60) % 5 > 0
    weighted = cls(alphas=[10.0, 1.0], cv=PredefinedSplit(fold), **TIGHT)
    left = cls(alphas=[10.0, 1.0], cv=PredefinedSplit(fold[keep]), **TIGHT)
    weighted.fit(X, Y, keep.astype(float))
    left.fit(X[keep], Y[keep])
    assert weighted.alpha_ == left.alpha_
    # As in scikit-learn, the weights of a training set sum to its number of samples, and alpha
    # is per sample: rows without weight count, so only the ratio of errors to alpha moves.
    assert_allclose(weighted.coef_, left.coef_, atol=1e-6 * np.abs(left.coef_).max())


@each
def test_one_target_in_a_column(cls):
    X, Y, _ = table(t=1)
    ours = cls(alphas=6).fit(X, Y)
    theirs = getattr(sklearn.linear_model, cls.__name__)(alphas=6).fit(X, Y)
    assert ours.coef_.shape == theirs.coef_.shape == (1, 12)
    assert ours.intercept_.shape == theirs.intercept_.shape == (1,)
    with pytest.raises(ValueError, match=f"use {cls.__name__[9:]}: {cls.__name__} needs y"):
        cls().fit(X, Y[:, 0])


def test_penalty_weights():
    X, Y, _ = table()
    v = np.r_[0.0, np.inf, np.ones(10)]
    model = MultiTaskLassoCV(penalty_weights=v, alphas=10).fit(X, Y)
    assert model.coef_[:, 0].all()
    assert not model.coef_[:, 1].any()
    with pytest.raises(ValueError, match=r"penalty_weights has shape \(2,\)"):
        MultiTaskLassoCV(penalty_weights=[1, 2]).fit(X, Y)


def test_groups_reach_the_splitter():
    X, Y, _ = table()
    groups = np.arange(60) % 4
    with sklearn.config_context(enable_metadata_routing=True):
        cv = GroupKFold(4).set_split_request(groups=True)
        routed = MultiTaskLassoCV(alphas=5, cv=cv).fit(X, Y, groups=groups)
    folds = list(GroupKFold(4).split(X, groups=groups))
    assert_array_equal(routed.mse_path_, MultiTaskLassoCV(alphas=5, cv=folds).fit(X, Y).mse_path_)


def test_not_converged_says_so():
    X, Y, _ = table(40, 70)
    with (
        pytest.warns(ConvergenceWarning, match="fits of cross-validation did not reach tol"),
        pytest.warns(ConvergenceWarning, match="did not converge with the alpha chosen"),
    ):
        MultiTaskLassoCV(alphas=5, eps=1e-4, tol=1e-13, max_iter=2).fit(X, Y)
