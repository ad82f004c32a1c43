"""skreg: regularization for scikit-learn users."""

from skreg.elastic_net import ElasticNet, Lasso
from skreg.kernel_ridge import KernelRidge, KernelRidgeCV
from skreg.mlp import MLPClassifier
from skreg.ridge import Ridge

__version__ = "0.1.0"

__all__ = ["ElasticNet", "KernelRidge", "KernelRidgeCV", "Lasso", "MLPClassifier", "Ridge", "__version__"]
