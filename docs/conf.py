"""Sphinx settings of the documentation."""

import sys
from pathlib import Path

import skreg

sys.path.insert(0, str(Path(__file__).parent))  # where the gallery finds experiments.py

project = "skreg"
author = "The skreg developers"
release = skreg.__version__
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
]
sphinx_gallery_conf = {
    "examples_dirs": "gallery",
    "gallery_dirs": "auto_examples",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_memory": False,
    "min_reported_time": 1e9,  # times would differ from build to build
    "remove_config_comments": True,
}
myst_enable_extensions = ["dollarmath", "amsmath"]
numpydoc_show_class_members = False
html_theme = "pydata_sphinx_theme"
exclude_patterns = ["_build", "gallery"]
# scikit-learn generates these; their docstrings point into its own glossary.
routing = "set_fit_request, set_partial_fit_request, set_predict_request, set_score_request"
autodoc_default_options = {"exclude-members": routing}
