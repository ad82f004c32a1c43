"""skreg: regularization for scikit-learn users."""

from skreg.ridge import Ridge

__version__ = "0.1.0"

__all__ = ["Ridge", "__version__"]
