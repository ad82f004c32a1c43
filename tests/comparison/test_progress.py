"""Progress goes to stderr: fits are counted in a terminal, lines are printed elsewhere."""

import io
import pickle

import pytest
from rich.console import Console
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV

from skreg._comparison.progress import SearchProgress, Tick


def search_with(tick):
    grid = {"alpha": [1.0, 0.1]}
    return (
        GridSearchCV(Ridge(), grid, cv=3).set_callbacks(tick).fit(*load_diabetes(return_X_y=True))
    )


def test_one_tick_a_fit_on_a_training_fold():
    ticks = []
    search_with(Tick(lambda: ticks.append(1)))
    assert len(ticks) == 6


def test_a_copy_in_a_worker_is_silent():
    tick = pickle.loads(pickle.dumps(Tick(print)))
    assert tick.advance is None
    search_with(tick)


def test_lines_without_a_terminal(capsys):
    with SearchProgress("data") as progress:
        with progress.search("Ridge", "skreg", 6) as tick:
            search_with(tick)
        with progress.search("Ridge", "skreg", 6, "run 2 of 3"):
            pass
    captured = capsys.readouterr()
    assert captured.err == "data: Ridge, skreg, 6 fits\n"
    assert captured.out == ""


def test_a_bar_in_a_terminal():
    progress = SearchProgress("data [x]")
    progress.console = Console(file=io.StringIO(), force_terminal=True, width=80, markup=False)
    with progress, progress.search("Ridge", "skreg", 6, "run 2 of 3") as tick:
        search_with(tick)
        assert progress.bar.tasks[0].completed == 6
        progress.bar.refresh()
    text = progress.console.file.getvalue()
    assert "data [x]: Ridge, skreg (run 2 of 3)" in text
    assert progress.bar.tasks == []


def test_the_bar_is_taken_down_after_an_error():
    progress = SearchProgress("data")
    progress.console = Console(file=io.StringIO(), force_terminal=True, width=80)
    with pytest.raises(KeyboardInterrupt), progress, progress.search("Ridge", "skreg", 6):
        raise KeyboardInterrupt
    assert progress.bar.live.is_started is False
