import os

# scikit-learn's checks of array API inputs run only with SciPy's support switched on, and SciPy
# reads this when it is first imported.
os.environ.setdefault("SCIPY_ARRAY_API", "1")
