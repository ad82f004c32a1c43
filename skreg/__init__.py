"""skreg: regularization for scikit-learn users."""

from skreg._sparse_path import enet_path, lasso_path
from skreg.elastic_net import ElasticNet
from skreg.elastic_net_cv import ElasticNetCV
from skreg.kernel_ridge import KernelRidge, KernelRidgeCV
from skreg.lasso import Lasso, LassoCV
from skreg.mlp import MLPClassifier
from skreg.mlp_regressor import MLPRegressor
from skreg.multi_task import MultiTaskElasticNet, MultiTaskLasso
from skreg.multi_task_cv import MultiTaskElasticNetCV, MultiTaskLassoCV
from skreg.ridge import Ridge
from skreg.ridge_classifier import RidgeClassifier, RidgeClassifierCV
from skreg.ridge_cv import RidgeCV

__version__ = "0.1.0"

__all__ = [
    "ElasticNet",
    "ElasticNetCV",
    "KernelRidge",
    "KernelRidgeCV",
    "Lasso",
    "LassoCV",
    "MLPClassifier",
    "MLPRegressor",
    "MultiTaskElasticNet",
    "MultiTaskElasticNetCV",
    "MultiTaskLasso",
    "MultiTaskLassoCV",
    "Ridge",
    "RidgeCV",
    "RidgeClassifier",
    "RidgeClassifierCV",
    "__version__",
    "enet_path",
    "lasso_path",
]
