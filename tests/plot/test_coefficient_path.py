import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_diabetes, make_regression
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline

from skreg import ElasticNet, ElasticNetCV, KernelRidge, Lasso, LassoCV, Ridge, RidgeCV
from skreg.plot import CoefficientPathDisplay

FRAME, Y = load_diabetes(return_X_y=True, as_frame=True)
X, Y = FRAME.to_numpy(), Y.to_numpy()
WEIGHT = np.random.default_rng(0).integers(1, 4, len(Y)).astype(float)
TIGHT = {"tol": 1e-12, "max_iter": 100_000}


def at(display, alpha):
    """The coefficients drawn at an alpha of the path."""
    (k,) = np.flatnonzero(display.alphas == alpha)
    return np.array([line.get_ydata()[k] for line in display.lines_])


@pytest.mark.parametrize(
    "model",
    [
        Lasso(alpha=0.1, **TIGHT),
        Lasso(alpha=1e-4, **TIGHT),
        Lasso(alpha=100.0, **TIGHT),
        Lasso(alpha=0, max_l1_norm=500, **TIGHT),
        Lasso(alpha=0.1, positive=True, fit_intercept=False, **TIGHT),
        Lasso(alpha=0.1, penalty_weights=np.arange(10.0), upper=300.0, **TIGHT),
        ElasticNet(alpha=0.01, l1_ratio=0.8, **TIGHT),
        ElasticNet(alpha=0.01, l1_ratio=0, **TIGHT),
        LassoCV(alphas=30, **TIGHT),
        LassoCV(alphas=[1.0, 0.1, 0.01], **TIGHT),
        LassoCV(alphas=30, criterion="bic", **TIGHT),
        ElasticNetCV(l1_ratio=[0.5, 0.9, 1.0], alphas=30, **TIGHT),
        ElasticNetCV(l1_ratio=[0.9], alphas=30, **TIGHT),
        Ridge(alpha=0.1, store_spectrum=True),
        Ridge(alpha=3, filter="truncated_svd", store_spectrum=True),
        Ridge(alpha=0.1, penalty_matrix="first", store_spectrum=True),
        RidgeCV(alphas="auto", store_spectrum=True),
        RidgeCV(alphas=[0.01, 0.1, 1], cv=5, store_spectrum=True),
    ],
    ids=str,
)
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["", "weighted"])
def test_the_path_passes_through_the_fit(model, weight):
    model.fit(X, Y, weight)
    display = CoefficientPathDisplay.from_estimator(model, X, Y, sample_weight=weight)
    display.figure_.canvas.draw()
    scale = np.abs(model.coef_).max() or 1
    np.testing.assert_allclose(at(display, model.alpha_), model.coef_, atol=1e-5 * scale)
    np.testing.assert_array_equal(display.chosen_.get_xdata(), [model.alpha_] * 2)
    assert f", {model.alpha_:.3g}" in display.chosen_.get_label()
    for line, coef in zip(display.lines_, display.coefs, strict=True):
        np.testing.assert_array_equal(line.get_xdata(), display.alphas)
        np.testing.assert_array_equal(line.get_ydata(), coef)
    assert display.ax_.get_xscale() == "log"
    counts = getattr(model, "filter", None) == "truncated_svd"
    assert display.ax_.xaxis_inverted() != counts


def test_alphas_of_a_search_are_its_own():
    model = ElasticNetCV(l1_ratio=[0.5, 0.9], alphas=15).fit(X, Y)
    display = CoefficientPathDisplay.from_estimator(model, X, Y)
    np.testing.assert_array_equal(display.alphas, model.alphas_[1])
    assert model.l1_ratio_ == 0.9


@pytest.mark.parametrize("model", [LassoCV(alphas=30), RidgeCV("auto", store_spectrum=True)])
def test_the_line_of_one_standard_error(model):
    display = CoefficientPathDisplay.from_estimator(model.fit(X, Y), X, Y)
    cautious = type(model)(**model.get_params() | {"choose": "one_se"}).fit(X, Y)
    assert display.one_se_alpha == cautious.alpha_
    np.testing.assert_array_equal(display.one_se_.get_xdata(), [cautious.alpha_] * 2)
    display = CoefficientPathDisplay.from_estimator(cautious, X, Y)
    assert display.chosen_.get_label() == f"chosen (one SE), {cautious.alpha_:.3g}"
    assert display.one_se_ is None


def test_no_line_without_a_standard_error():
    for model in (
        Lasso(alpha=0.1),
        LassoCV(criterion="bic"),
        RidgeCV(rule="gcv", store_spectrum=True),
        RidgeCV(store_cv_results=True, store_spectrum=True),
    ):
        display = CoefficientPathDisplay.from_estimator(model.fit(X, Y), X, Y)
        assert display.one_se_ is None
    assert CoefficientPathDisplay(alphas=[1, 2], coefs=[[1, 2]]).plot().chosen_ is None


def test_the_largest_features_are_named():
    Z, y = make_regression(100, 30, n_informative=12, random_state=0)
    model = LassoCV(alphas=20).fit(Z, y)
    display = CoefficientPathDisplay.from_estimator(model, Z, y)
    texts = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    largest = np.argsort(-np.abs(model.coef_))[:7]
    assert texts[:7] == [f"x{j}" for j in largest]
    assert len({display.lines_[j].get_color() for j in largest}) == 7
    others = np.setdiff1d(np.arange(30), largest)
    assert {display.lines_[j].get_color() for j in others} == {"0.75"}


def test_names_of_features():
    model = Lasso(alpha=0.1).fit(FRAME, Y)
    display = CoefficientPathDisplay.from_estimator(model, FRAME, Y)
    assert display.feature_names == list(FRAME.columns)
    names = [f"gene {j}" for j in range(10)]
    display = CoefficientPathDisplay.from_estimator(model, FRAME, Y, feature_names=names)
    assert display.feature_names == names
    with pytest.raises(ValueError, match="feature_names has 2 names, but there are 10 features"):
        CoefficientPathDisplay.from_estimator(model, FRAME, Y, feature_names=["a", "b"])


@pytest.mark.parametrize(("length", "columns"), [(5, 1), (20, 1), (45, 1), (5, 2), (20, 2)])
def test_the_legend_lies_within_the_axes_and_above_the_curves(length, columns):
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, columns)
    ax = np.ravel(axes)[0]
    names = [f"{j} ".ljust(length, "n") for j in range(10)]
    model = LassoCV(alphas=30).fit(X, Y)
    CoefficientPathDisplay.from_estimator(model, X, Y, feature_names=names, ax=ax)
    figure.canvas.draw()
    box = ax.get_legend().get_window_extent()
    inside = ax.get_window_extent()
    assert inside.x0 <= box.x0 <= box.x1 <= inside.x1
    highest = max(line.get_ydata().max() for line in ax.get_lines()[:10])
    assert ax.transData.transform((1, highest))[1] <= box.y0


def test_sparse_data_and_several_targets():
    targets = np.c_[Y, Y[::-1]]
    model = Lasso(alpha=0.1, **TIGHT).fit(sparse.csr_matrix(X), targets)
    display = CoefficientPathDisplay.from_estimator(model, sparse.csr_matrix(X), targets, target=1)
    np.testing.assert_allclose(at(display, 0.1), model.coef_[1], atol=1e-3)
    ridge = Ridge(alpha=[0.1, 1], store_spectrum=True).fit(X, targets)
    display = CoefficientPathDisplay.from_estimator(ridge, target=1)
    np.testing.assert_allclose(at(display, 1), ridge.coef_[1])
    for several in (model, ridge):
        with pytest.raises(ValueError, match="there are 2 targets"):
            CoefficientPathDisplay.from_estimator(several, X, targets)


def test_alpha_of_zero_is_not_on_the_axis():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        lasso = Lasso(alpha=0).fit(X, Y)
    for model in (lasso, Ridge(alpha=0, store_spectrum=True).fit(X, Y)):
        display = CoefficientPathDisplay.from_estimator(model, X, Y)
        display.figure_.canvas.draw()
        assert display.chosen_ is None
        assert (display.alphas > 0).all()


def test_the_axis_is_cut_where_coefficients_explode():
    t = np.linspace(0, 1, 30)
    A = np.exp(-((t[:, None] - t) ** 2) / 0.02)
    b = A @ t + 1e-3 * np.random.default_rng(0).standard_normal(30)
    model = RidgeCV(alphas="auto", rule="gcv", store_spectrum=True).fit(A, b)
    display = CoefficientPathDisplay.from_estimator(model)
    size = np.abs(model.coef_).max()
    assert np.abs(display.coefs).max() > 30 * size
    assert np.abs(display.ax_.get_ylim()).max() < 6 * size
    calm = CoefficientPathDisplay.from_estimator(Lasso(alpha=0.1).fit(X, Y), X, Y)
    low, high = calm.ax_.get_ylim()
    assert low < calm.coefs.min() < calm.coefs.max() < high


def test_draws_on_given_axes_and_passes_keywords_on():
    import matplotlib.pyplot as plt

    _, ax = plt.subplots()
    model = Ridge(store_spectrum=True).fit(X, Y)
    display = CoefficientPathDisplay.from_estimator(model, ax=ax, name="data", linewidth=3)
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    assert {line.get_linewidth() for line in display.lines_} == {3}
    assert ax.get_title() == "Coefficients of data"
    ends = ax.get_ylim()
    assert display.plot(ax=ax) is display
    assert ax.get_ylim() == ends


def test_a_picture_is_not_blank(tmp_path):
    import matplotlib.pyplot as plt

    path = tmp_path / "path.png"
    model = LassoCV(alphas=20).fit(X, Y)
    CoefficientPathDisplay.from_estimator(model, X, Y).figure_.savefig(path)
    assert 0.001 < np.mean(plt.imread(path)[..., :3].min(axis=-1) < 0.5) < 0.5


@pytest.mark.parametrize(
    ("model", "data", "error", "match"),
    [
        (Lasso(), (X, Y), NotFittedError, "not fitted"),
        (Ridge(), (X, Y), NotFittedError, "not fitted"),
        (Ridge().fit(X, Y), (X, Y), ValueError, "set store_spectrum=True and fit again"),
        (RidgeCV().fit(X, Y), (), ValueError, "set store_spectrum=True and fit again"),
        (Lasso().fit(X, Y), (), ValueError, "path of Lasso is computed from the data: give X and"),
        (Lasso().fit(X, Y), (X,), ValueError, "give X and y"),
        (Lasso().fit(X, Y), (X[:, :3], Y), ValueError, "X has 3 features"),
        (Lasso().fit(X, Y), (X, Y[:9]), ValueError, "inconsistent numbers of samples"),
        (KernelRidge().fit(X, Y), (X, Y), TypeError, "no path of KernelRidge: give Lasso"),
        (make_pipeline(Lasso()).fit(X, Y), (X, Y), TypeError, "of a pipeline, the last step"),
    ],
)
def test_what_is_missing_is_said(model, data, error, match):
    with pytest.raises(error, match=match):
        CoefficientPathDisplay.from_estimator(model, *data)
