"""What the documentation shows, runs."""

import doctest
import re
from pathlib import Path

import pytest

import skreg

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.M | re.S)
PUBLIC = [name for name in skreg.__all__ if callable(getattr(skreg, name))]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_python_blocks_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    blocks = BLOCK.findall(page.read_text(encoding="utf-8"))
    for block in blocks:
        exec(compile(block, page.name, "exec"), names)
    assert bool(names) == bool(blocks)


def test_the_readme_has_python_to_run():
    assert BLOCK.findall(PAGES[0].read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", PUBLIC)
def test_docstring_examples_run(name):
    tests = doctest.DocTestFinder().find(getattr(skreg, name), name, module=False)
    examples = [t for t in tests if t.examples]
    assert examples, f"{name} has no example"
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    for test in examples:
        test.globs = {}
        runner.run(test)
    assert runner.summarize(verbose=False).failed == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_to_files_hold(page):
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target
