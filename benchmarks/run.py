"""Time to an equal certificate: skreg and its rivals in the same run.

    python benchmarks/run.py lasso|lasso-cv|multi-task|ridge|mlp [--quick]

Times are medians of interleaved runs, with the quartiles; data conversion is outside. The ratio
is to the fastest rival whose certificate reaches the target: below 1 is faster. Each contestant
runs at the loosest tolerance that reaches the target and on the count of threads, one or all,
that suits it. For the lasso, rivals have a target a hundred times looser than ours. A case that
skreg loses says so in its title, and the table of all cases at the end counts. The column "fits"
of ridge counts in single fits of ours, timed in the same run; for mlp it counts in trainings
without regularizers, and "of BLAS" is what the matrix products of a step take at BLAS's best.
Leukemia needs SKREG_DATA, the folder of leukemia.npz; Fashion-MNIST comes from Debian's
dataset-fashion-mnist.
"""

import argparse
import sys
import time
from pathlib import Path

import lasso_cvs  # noqa: F401  (enters its contestants)
import lassos  # noqa: F401  (enters its contestants)
import memory
import multi_tasks
import networks  # noqa: F401  (enters its contestants)
import problems
import ridges  # noqa: F401  (enters its contestants)
import rivals
from contest import available_cores, race
from environment import describe, handicap
from report import ResultFile, rows, table
from rich.console import Console
from roofline import Roofline
from summary import Result, summary

RESULTS = Path(__file__).parent / "results"
WIDTH = 120  # of a table in a file or pipe
MEASURED = ("lasso", "ridge")  # jobs with a bound of memory


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="benchmarks/run.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("job", choices=["lasso", "lasso-cv", "multi-task", "ridge", "mlp"])
    parser.add_argument("--quick", action="store_true", help="small cases, about a minute")
    parser.add_argument(
        "--path", action="store_true", help="lasso: whole paths of alphas, not single fits"
    )
    parser.add_argument(
        "--memory",
        action="store_true",
        help="lasso, ridge: also peak memory, in a fresh process a contestant (Linux)",
    )
    parser.add_argument("--cases", default="", metavar="TEXT", help="only cases named with TEXT")
    parser.add_argument("--repeats", type=int, help="rounds (default: 7; with --quick 3)")
    parser.add_argument(
        "--limit",
        type=float,
        help="seconds a contestant may take to warm up on a case (default: 60; with --quick 2)",
    )
    parser.add_argument("--csv", type=Path, help="result file (default: benchmarks/results/)")
    options = parser.parse_args(arguments)
    if options.path and options.job != "lasso":
        parser.error("--path goes with lasso only")
    if options.memory and options.job not in MEASURED:
        parser.error(f"--memory goes with {' and '.join(MEASURED)} only")
    if options.memory and not memory.can_measure():
        parser.error("--memory needs Linux's /proc/self/clear_refs")
    if options.repeats is None:
        options.repeats = 3 if options.quick else 7
    if options.repeats < 1:
        parser.error(f"--repeats must be at least 1; got {options.repeats}")
    if options.limit is None:
        options.limit = 2.0 if options.quick else 60.0
    if options.csv is None:
        stamp = time.strftime("%Y%m%d-%H%M%S")
        options.csv = RESULTS / f"{options.job}{'-path' * options.path}-{stamp}.csv"
    return options


def enter(job):
    """Return the contestants that are installed, and a line about each that is not."""
    present, absent = [], []
    for kind in rivals.CONTESTANTS:
        if kind.job != job:
            continue
        try:
            present.append(kind())
        except ImportError as error:
            get = kind.get or f"pip install {kind.package}"
            absent.append(f"absent: {kind.name} ({error}); get it with: {get}")
    return present, absent


def cases_of(options):
    """Return the cases of a job whose names hold the text of --cases."""
    if options.job == "lasso":
        cases = problems.lasso_cases(options.quick, options.path)
    elif options.job == "multi-task":
        cases = multi_tasks.multi_task_cases(options.quick)
    else:
        cases = getattr(problems, f"{options.job.replace('-', '_')}_cases")(options.quick)
    return [case for case in cases if options.cases in case.name]


def hold(case, contestants, options, console):
    """Race on one case; print its table and return its CSV rows and `Result`.

    Neither holds the data, so that one problem at a time lies in memory.
    """
    problem = case.make()
    contestants = [c for c in contestants if isinstance(problem, c.solves)]
    refusals = {contestant: contestant.refuses(problem) for contestant in contestants}
    willing = [contestant for contestant, reason in refusals.items() if not reason]
    missing = [
        f"{c.name}: takes no part ({reason})"
        for c, reason in refusals.items()
        if reason and not c.reference
    ]
    roofline = Roofline(problem, available_cores()) if hasattr(problem, "products") else None
    with console.status(case.name) as status:
        entries = race(
            problem,
            willing,
            repeats=options.repeats,
            limit=options.limit,
            cores=available_cores(),
            each_round=roofline and roofline.sample,
            say=lambda text: status.update(f"{case.name}: {text}"),
        )
        if options.memory:
            status.update(f"{case.name}: memory")
            measure_memory(entries, options.limit)
    console.print(table(case.name, problem, entries, missing, roofline), "")
    return rows(case.name, problem, entries, roofline), Result.of(case.name, problem, entries)


def measure_memory(entries, limit):
    """Measure who reached the target, and runs no longer than the limit."""
    for entry in entries:
        if entry.reached and min(entry.seconds) <= limit:
            try:
                entry.peak, entry.bound = memory.peak(entry, limit)
            except memory.NotMeasuredError as reason:
                entry.tell(f"memory not measured: {reason}")


def main(arguments=None, console=None):
    options = parse(arguments)
    console = console or Console(width=None if sys.stdout.isatty() else WIDTH)
    if warning := handicap():
        console.print(f"warning: {warning}")
    cases = cases_of(options)
    if not cases:
        console.print(f"no case of {options.job} has {options.cases!r} in its name")
        return 2
    present, absent = enter(options.job)
    head = describe([contestant.package for contestant in present])
    head += [("absent", line) for line in absent]
    for name, text in head:
        console.print(text if name == "absent" else f"{name}: {text}", highlight=False)
    file, results = ResultFile(options.csv, head), []
    for case in cases:
        try:
            new_rows, result = hold(case, present, options, console)
        except problems.DataAbsentError as reason:
            console.print(f"left out: {case.name} ({reason})", "")
            continue
        file.append(new_rows)
        results.append(result)
    if results:
        console.print(summary(results), "")
    console.print(f"written: {options.csv}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
