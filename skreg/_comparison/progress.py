"""Progress of the searches, on stderr: a bar in a terminal, a line a search elsewhere."""

from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


class Tick:
    """A callback of `GridSearchCV`: calls `advance` after each fit on a training fold.

    A copy sent to a worker process stays silent; the bar then moves by whole searches.
    """

    def __init__(self, advance):
        self.advance = advance

    def __getstate__(self):
        return {"advance": None}

    def setup(self, estimator, context):
        """Nothing to set up; the protocol asks for it."""

    def teardown(self, estimator, context):
        """Nothing to tear down; the protocol asks for it."""

    def on_fit_task_begin(self, estimator, context):
        """Only finished fits count."""

    def on_fit_task_end(self, estimator, context):
        """Count a fit on a training fold; the refit and the search itself are no such fit."""
        if self.advance and context.task_name == "candidate-split-evaluation":
            self.advance()


class SearchProgress:
    """Tell which search runs, how many of its fits are done, and for how long.

    Use as a context manager; `search` wraps each search and yields the callback to set on it.
    """

    def __init__(self, title):
        self.title = title
        self.console = Console(stderr=True, markup=False, highlight=False, emoji=False)
        self.bar = None

    def __enter__(self):
        if self.console.is_terminal:
            self.bar = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(bar_width=20),
                MofNCompleteColumn(),
                TextColumn("fits"),
                TimeElapsedColumn(),
                console=self.console,
                transient=True,
            )
            self.bar.start()
        return self

    def __exit__(self, *error):
        if self.bar:
            self.bar.stop()

    @contextmanager
    def search(self, name, by, n_fits, detail=""):
        """Yield the callback for a search of `n_fits` fits on training folds.

        A `detail` marks the searches that are not worth a line of their own.
        """
        text = f"{self.title}: {name}, {by}"
        if self.bar is None:
            if not detail:
                self.console.print(f"{text}, {n_fits} fits", soft_wrap=True)
            yield Tick(None)
            return
        task = self.bar.add_task(f"{text} ({detail})" if detail else text, total=n_fits)
        try:
            yield Tick(lambda: self.bar.advance(task))
        finally:
            self.bar.remove_task(task)
