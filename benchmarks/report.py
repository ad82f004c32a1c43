"""The output: one table a case, and one CSV row a (case, contestant)."""

import csv

from contest import best_of_ours, best_rival, one_fit, verdict
from environment import package_version
from objective import n_bytes
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
    "target",
    "reached",
    "ratio_to_best_rival",
    "microseconds_per_step",
    "gflop_per_second",
    "share_of_blas",
    "ratio_to_one_fit",
    "peak_over_X",
    "bound_over_X",
    "note",
]

# Columns of the table that are shown where any row knows them: head, name in the row, format.
OPTIONAL = [
    ("tol", "tolerance", ".0e"),
    ("fits", "ratio_to_one_fit", ".3g"),
    ("memory", "peak_over_X", ".2f"),
    ("us a step", "microseconds_per_step", ".1f"),
    ("of BLAS", "share_of_blas", ".0%"),
]


def rows(title, problem, entries, roofline=None):
    """Return one dictionary an entry; what is not known is None."""
    rival, fit = best_rival(entries), one_fit(entries)
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
            measure=entry.problem.measure,
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
                target=entry.target,
                ratio_to_best_rival=rival and entry.median / rival.median,
                ratio_to_one_fit=fit and entry.median / fit.median,
            )
            if entry.peak is not None:
                row.update(
                    peak_over_X=entry.peak / n_bytes(problem.X),
                    bound_over_X=entry.bound / n_bytes(problem.X),
                )
            if hasattr(problem, "steps"):
                row.update(
                    microseconds_per_step=1e6 * entry.median / problem.steps,
                    gflop_per_second=1e-9 * problem.flops / entry.median,
                )
            if roofline is not None:
                row.update(share_of_blas=roofline.share(entry.median))
        result.append(row)
    return result


def table(title, problem, entries, notes=(), roofline=None):
    """Return the table of one case, fastest first, the verdict in its title, notes below."""
    n, p = problem.X.shape
    result = Table(title=f"{title} ({n:,} x {p:,}): {verdict(entries)}", title_justify="left")
    known = rows(title, problem, entries, roofline)
    timed = [row for row in known if row["seconds_median"] is not None]
    optional = [column for column in OPTIONAL if any(row[column[1]] is not None for row in timed)]
    result.add_column("contestant", no_wrap=True)
    heads = ["seconds", "quartiles", "ratio", problem.measure, "threads"]
    for head in heads + [head for head, *_ in optional]:
        result.add_column(head, justify="right", no_wrap=True)
    ours = {entry.contestant.name for entry in entries if entry.contestant.ours}
    for row in sorted(timed, key=lambda row: row["seconds_median"]):
        style = "bold" if row["contestant"] in ours else None
        result.add_row(*cells(row, optional), style=style)
    notes = [*standing(entries), *([] if roofline is None else [str(roofline)]), *notes]
    for note in dict.fromkeys(entry.note for entry in entries if entry.note):
        notes.append(f"{'; '.join(e.contestant.name for e in entries if e.note == note)}: {note}")
    result.caption, result.caption_justify = "\n".join(notes) or None, "left"
    return result


def cells(row, optional):
    """Return the texts of one row of the table."""
    quartiles = f"{row['seconds_quartile_1']:.3g} - {row['seconds_quartile_3']:.3g}"
    ratio = row["ratio_to_best_rival"]
    texts = [row["contestant"], f"{row['seconds_median']:.3g}", quartiles]
    texts.append("" if ratio is None else f"{ratio:.2f}")
    is_loss = row["microseconds_per_step"] is not None
    texts.append(f"{row['certificate']:{'.3f' if is_loss else '.0e'}}")
    texts.append(str(row["threads"]))
    return texts + [
        "" if row[name] is None else f"{row[name]:{form}}" for _, name, form in optional
    ]


def standing(entries):
    """Say what ours takes in single fits, how many times faster it is, and what memory is."""
    ours, fit = best_of_ours(entries), one_fit(entries)
    if ours and fit:
        ratio = ours.median / fit.median
        yield f"{ours.contestant.name} takes {ratio:.2f} times as long as {fit.contestant.name}"
        rivals = [e for e in entries if e.reached and not e.contestant.ours]
        if rivals:
            factors = [f"{e.contestant.name} {e.median / ours.median:.3g}" for e in rivals]
            yield f"times as long as {ours.contestant.name}: {'; '.join(factors)}"
    targets = {entry.target for entry in entries}
    if len(targets) > 1:
        target, looser = sorted(targets)
        yield f"{entries[0].problem.measure}: at most {target:.0e}; of rivals {looser:.0e}"
    measured = [entry for entry in entries if entry.peak is not None]
    if measured:
        problem = measured[0].problem
        # The exact answer has the smallest bound: loose ones have more active features.
        bound = min(entry.bound for entry in measured) / n_bytes(problem.X)
        yield (
            "memory: peak of one run beyond X, in sizes of X; "
            f"{problem.memory_terms} is {bound:.2f}"
        )


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
