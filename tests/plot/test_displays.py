"""What every display promises, walked over the names in skreg.plot.__all__."""

import doctest
import inspect
import subprocess
import sys

import pytest

from skreg import plot

DISPLAYS = {name: getattr(plot, name) for name in plot.__all__ if name.endswith("Display")}
named = pytest.mark.parametrize("name", DISPLAYS)


def test_names_are_sorted():
    assert DISPLAYS
    assert plot.__all__ == sorted(plot.__all__)


@named
def test_docstring_examples_run(name):
    tests = doctest.DocTestFinder().find(DISPLAYS[name], name, module=False)
    examples = [test for test in tests if test.examples]
    assert examples, f"{name} has no example"
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    for test in examples:
        test.globs = {}
        runner.run(test)
    assert runner.summarize(verbose=False).failed == 0


@named
def test_the_form_is_that_of_scikit_learn(name):
    display = DISPLAYS[name]
    arrays = list(inspect.signature(display.__init__).parameters.values())[1:]
    assert {parameter.kind for parameter in arrays} == {inspect.Parameter.KEYWORD_ONLY}
    drawing = inspect.signature(display.plot).parameters
    kinds = {parameter.kind for parameter in list(drawing.values())[1:]}
    assert kinds <= {inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD}
    assert drawing["ax"].default is None
    makers = [m for m in ("from_estimator", "from_predictions") if hasattr(display, m)]
    assert makers
    for maker in makers:
        assert inspect.ismethod(getattr(display, maker))
        assert inspect.signature(getattr(display, maker)).parameters["ax"].default is None


@named
def test_parameters_and_attributes_are_described(name):
    text = inspect.getdoc(DISPLAYS[name])
    for parameter in list(inspect.signature(DISPLAYS[name].__init__).parameters)[1:]:
        assert parameter in text
    for section in ("Parameters", "Attributes", "Examples", "ax_ :", "figure_ :"):
        assert section in text


def test_matplotlib_is_imported_when_something_is_drawn():
    code = "import sys, skreg.plot; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"pip install 'skreg\[plot\]'"):
        plot.WeightMatrixDisplay(weights=[[1.0]]).plot()
