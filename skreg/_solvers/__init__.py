"""Solvers over NumPy, SciPy and the kernels; they know no estimator and no scikit-learn."""
