"""skreg: regularization for scikit-learn users."""

from skreg.mlp import MLPClassifier

__version__ = "0.1.0"

__all__ = ["MLPClassifier", "__version__"]
