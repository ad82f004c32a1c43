"""skreg: regularization for scikit-learn users."""

__version__ = "0.1.0"

__all__ = ["__version__"]
