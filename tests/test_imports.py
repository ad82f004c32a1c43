"""Imports point down: estimators -> _solvers -> _kernels, and only the top knows scikit-learn."""

import re
from pathlib import Path

import pytest

import skreg

ROOT = Path(skreg.__file__).parent
FILES = sorted(p for s in ("*.py", "*.pyx", "*.pxd") for p in ROOT.rglob(s))
IMPORT = re.compile(r"^\s*(?:from\s+([\w.]+)\s+c?import|c?import\s+([\w.]+))", re.M)
LEVELS = {"_kernels": 0, "_solvers": 1}
FORBIDDEN = {0: ("skreg._solvers", "sklearn"), 1: ("sklearn",)}


def imported(source):
    """Every module that a source text imports or cimports."""
    return {a or b for a, b in IMPORT.findall(source)}


def upward(level, modules):
    """Those of the modules that a file of this level may not import."""
    below = ("skreg._kernels", "skreg._solvers")[: level + 1]
    return sorted(
        m
        for m in modules
        if m.startswith(FORBIDDEN.get(level, ()))
        or (level < 2 and (m == "skreg" or m.startswith("skreg.")) and not m.startswith(below))
        or (level < 2 and m.startswith("."))
    )


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_down(path):
    level = next((LEVELS[part] for part in path.parts if part in LEVELS), 2)
    assert upward(level, imported(path.read_text())) == []


def test_the_reader_sees_an_upward_arrow():
    source = "import numpy\nfrom sklearn.base import clone\nfrom skreg.ridge import Ridge\n"
    assert upward(1, imported(source)) == ["sklearn.base", "skreg.ridge"]
    assert upward(0, imported("from skreg._solvers.design import centre\n")) == [
        "skreg._solvers.design"
    ]
    assert upward(2, imported(source)) == []


def test_private_scikit_learn_only_in_validation():
    private = re.compile(r"sklearn[\w.]*\._|from sklearn[\w.]* import .*\b_\w")
    found = [p.name for p in FILES if p.name != "_validation.py" and private.search(p.read_text())]
    assert found == []
