"""What all displays have in common."""

import doctest
import subprocess
import sys
from inspect import Parameter, signature

import pytest

from skreg import plot

DISPLAYS = {name: getattr(plot, name) for name in plot.__all__}
KEYWORD_ONLY, VAR_KEYWORD = Parameter.KEYWORD_ONLY, Parameter.VAR_KEYWORD


def test_names_are_in_order():
    assert plot.__all__ == sorted(plot.__all__)


def test_matplotlib_is_imported_when_something_is_drawn():
    code = "import sys, skreg.plot; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", DISPLAYS)
def test_arrays_come_by_name_and_axes_too(name):
    display = DISPLAYS[name]
    for function in (display.__init__, display.plot):
        own = list(signature(function).parameters.values())[1:]
        assert {p.kind for p in own} <= {KEYWORD_ONLY, VAR_KEYWORD}
    assert signature(display.plot).parameters["ax"].default is None


@pytest.mark.parametrize("name", DISPLAYS)
def test_docstring_examples_run(name):
    tests = doctest.DocTestFinder().find(DISPLAYS[name], name, module=False)
    tests = [t for t in tests if t.examples]
    assert tests, f"{name} has no example"
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    for test in tests:
        test.globs = {}
        runner.run(test)
    assert runner.summarize(verbose=False).failed == 0


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"pip install 'skreg\[plot\]'"):
        plot.WeightMatrixDisplay(weights=[[1.0]]).plot()
