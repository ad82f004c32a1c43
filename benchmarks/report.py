"""The output: one table a case, and one CSV row a (case, contestant)."""

import csv

from contest import best_rival, verdict
from environment import package_version
from rich.table import Table

COLUMNS = [
    "case",
    "n_samples",
    "n_features",
    "contestant",
    "version",
    "threads",
    "tolerance",
    "samples",
    "seconds_median",
    "seconds_quartile_1",
    "seconds_quartile_3",
    "measure",
    "certificate",
    "reached",
    "ratio_to_best_rival",
    "microseconds_per_step",
    "gflop_per_second",
    "note",
]


def rows(title, problem, entries):
    """Return one dictionary an entry; what is not known is None."""
    rival = best_rival(entries)
    n, p = problem.X.shape
    result = []
    for entry in entries:
        row = dict.fromkeys(COLUMNS)
        row.update(
            case=title,
            n_samples=n,
            n_features=p,
            contestant=entry.contestant.name,
            version=package_version(entry.contestant.package),
            note=entry.note,
            reached=entry.reached,
            measure=problem.measure,
        )
        if not entry.failed:
            first, third = entry.quartiles
            row.update(
                threads=entry.threads,
                tolerance=entry.tolerance,
                samples=len(entry.seconds),
                seconds_median=entry.median,
                seconds_quartile_1=first,
                seconds_quartile_3=third,
                certificate=entry.certificate,
                ratio_to_best_rival=rival and entry.median / rival.median,
            )
            if hasattr(problem, "steps"):
                row.update(
                    microseconds_per_step=1e6 * entry.median / problem.steps,
                    gflop_per_second=1e-9 * problem.flops / entry.median,
                )
        result.append(row)
    return result


def table(title, problem, entries, notes=()):
    """Return the table of one case, fastest first, the verdict in its title, notes below."""
    n, p = problem.X.shape
    steps = hasattr(problem, "steps")
    result = Table(title=f"{title} ({n:,} x {p:,}): {verdict(entries)}", title_justify="left")
    result.add_column("contestant", no_wrap=True)
    heads = ["seconds", "quartiles", "ratio", problem.measure, "threads"]
    for head in heads + (["us a step", "GFLOP/s"] if steps else ["tol"]):
        result.add_column(head, justify="right", no_wrap=True)
    timed = [row for row in rows(title, problem, entries) if row["seconds_median"] is not None]
    ours = {entry.contestant.name for entry in entries if entry.contestant.ours}
    for row in sorted(timed, key=lambda row: row["seconds_median"]):
        result.add_row(*cells(row, steps), style="bold" if row["contestant"] in ours else None)
    notes = [*notes, *(f"{e.contestant.name}: {e.note}" for e in entries if e.note)]
    result.caption, result.caption_justify = "\n".join(notes) or None, "left"
    return result


def cells(row, steps):
    """Return the texts of one row of the table."""
    quartiles = f"{row['seconds_quartile_1']:.3g} - {row['seconds_quartile_3']:.3g}"
    ratio = row["ratio_to_best_rival"]
    texts = [row["contestant"], f"{row['seconds_median']:.3g}", quartiles]
    texts.append("" if ratio is None else f"{ratio:.2f}")
    texts.append(f"{row['certificate']:.3f}" if steps else f"{row['certificate']:.0e}")
    texts.append(str(row["threads"]))
    if steps:
        return [*texts, f"{row['microseconds_per_step']:.0f}", f"{row['gflop_per_second']:.1f}"]
    return [*texts, "" if row["tolerance"] is None else f"{row['tolerance']:.0e}"]


class ResultFile:
    """A CSV file, headed by `# name: text` lines, that grows case by case."""

    def __init__(self, path, head):
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        with path.open("w", newline="") as file:
            file.writelines(f"# {name}: {text}\n" for name, text in head)
            csv.DictWriter(file, COLUMNS).writeheader()

    def append(self, new_rows):
        with self.path.open("a", newline="") as file:
            csv.DictWriter(file, COLUMNS).writerows(new_rows)
