"""Sphinx settings of the documentation."""

import skreg

project = "skreg"
author = "The skreg developers"
release = skreg.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.mathjax", "numpydoc"]
myst_enable_extensions = ["dollarmath", "amsmath"]
numpydoc_show_class_members = False
html_theme = "pydata_sphinx_theme"
exclude_patterns = ["_build"]
# scikit-learn generates these; their docstrings point into its own glossary.
routing = "set_fit_request, set_partial_fit_request, set_predict_request, set_score_request"
autodoc_default_options = {"exclude-members": routing}
