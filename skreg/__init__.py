"""skreg: regularization for scikit-learn users."""

from skreg.elastic_net import ElasticNet, Lasso

__version__ = "0.1.0"

__all__ = ["ElasticNet", "Lasso", "__version__"]
