"""`python -m skreg`: compare regularized estimators with scikit-learn's on a table."""

import argparse
import os
import sys

from rich.console import Console

import skreg
from skreg._comparison.errors import InputError
from skreg._comparison.pairs import PAIRS
from skreg._comparison.progress import SearchProgress
from skreg._comparison.report import print_report
from skreg._comparison.search import compare, guess, splitter
from skreg._comparison.table import built_in, from_file
from skreg._comparison.target import choose_folds

DESCRIPTION = """\
Compare skreg's estimators with scikit-learn's classes of the same names: a
grid search over the penalty (lambda) in a Pipeline, on the same folds, with
score, sparsity and time side by side.

Without DATA two tables that come with scikit-learn are used: diabetes
(regression) and breast cancer (classification). DATA is a CSV file (comma,
semicolon or tab; UTF-8) or a Parquet file. Numbers, texts, truth values, dates
and missing values (empty, NA, ?) are prepared as the output says.
"""
EPILOG = """\
examples:
  python -m skreg
  python -m skreg houses.csv --target price
  python -m skreg patients.parquet --target outcome --task classification --folds 10
  python -m skreg wide.csv --target y --only Lasso ElasticNet --jobs 2 > comparison.txt

The results go to stdout, the progress to stderr. Reading DATA needs pandas
and, for Parquet, pyarrow: pip install pandas pyarrow.

exit codes:
  0    the comparison was printed
  1    the output could not be written, or was closed early
  2    the arguments or the table cannot be used; one line on stderr says why
  130  stopped with Ctrl-C
"""
# Width of the output where there is no terminal to ask.
PIPED_WIDTH = 100
NARROWEST = 88


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, like all others here."""

    def error(self, message):
        """Raise instead of printing the usage and leaving."""
        raise InputError(f"{message}. See python -m skreg --help.")


def build_parser():
    """The command line."""
    parser = Parser(
        prog="python -m skreg",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("data", nargs="?", metavar="DATA", help="CSV or Parquet file")
    parser.add_argument("--target", metavar="COLUMN", help="column of DATA to predict")
    parser.add_argument(
        "--task",
        choices=("regression", "classification"),
        help="what to fit; by default classification where the target has texts, truth values or "
        "few distinct integers, else regression; without DATA: which table to take",
    )
    parser.add_argument(
        "--only",
        nargs="+",
        choices=[pair.name for pair in PAIRS],
        default=[],
        metavar="NAME",
        help=f"compare these only, of {', '.join(pair.name for pair in PAIRS)}",
    )
    parser.add_argument(
        "--folds", type=whole(2), default=5, metavar="K", help="folds, at least 2 (default: 5)"
    )
    parser.add_argument(
        "--seed",
        type=whole(0, 2**32 - 1),
        default=0,
        metavar="N",
        help="seed of the folds and of the MLP's weights (default: 0)",
    )
    parser.add_argument(
        "--jobs",
        type=whole(1),
        default=1,
        metavar="N",
        help="fits at a time, in processes of their own (default: 1)",
    )
    parser.add_argument("--version", action="version", version=f"skreg {skreg.__version__}")
    return parser


def whole(low, high=None):
    """A type for integers from `low` to `high`."""

    def parse(text):
        if not text.isdecimal() or int(text) < low or (high is not None and int(text) > high):
            limits = f"at least {low}" if high is None else f"from {low} to {high}"
            raise argparse.ArgumentTypeError(f"{text!r} is no integer {limits}")
        return int(text)

    return parse


def load_tables(arguments):
    """The tables to compare on."""
    if arguments.data is None:
        if arguments.target is not None:
            raise InputError("--target needs a table: python -m skreg DATA --target COLUMN")
        return list(built_in(arguments.task))
    if arguments.target is None:
        raise InputError(f"say which column of {arguments.data!r} to predict: --target COLUMN")
    return [from_file(arguments.data, arguments.target, arguments.task)]


def choose_pairs(task, only):
    """The pairs for a task, or those of them that the user named."""
    return [pair for pair in PAIRS if pair.task == task and (not only or pair.name in only)]


def run(arguments):
    """Compare on each table and print the results as they come."""
    console = Console(markup=False, highlight=False, emoji=False)
    # A table keeps its figures on a narrow terminal, which then breaks the lines.
    console.width = max(console.width, NARROWEST) if console.is_terminal else PIPED_WIDTH
    tables = load_tables(arguments)
    work = [(table, choose_pairs(table.task, arguments.only)) for table in tables]
    work = [(table, pairs) for table, pairs in work if pairs]
    if not work:
        raise InputError(
            f"none of {', '.join(arguments.only)} is for {tables[0].task}; leave out --only"
        )
    for table, pairs in work:
        n_folds, note = choose_folds(table.y, table.task, arguments.folds)
        if note:
            table.notes.append(note)
        cv = splitter(table.task, n_folds, arguments.seed)
        with SearchProgress(table.name) as progress:
            outcomes = {
                pair.name: compare(
                    pair, table, cv, seed=arguments.seed, jobs=arguments.jobs, progress=progress
                )
                for pair in pairs
            }
        print_report(
            console,
            table,
            outcomes,
            guess=guess(table, cv),
            n_folds=n_folds,
            seed=arguments.seed,
            jobs=arguments.jobs,
        )


def main(argv=None):
    """Run the command line; return the exit code."""
    try:
        run(build_parser().parse_args(argv))
        sys.stdout.flush()
    except InputError as error:
        print(f"skreg: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("skreg: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # What is still buffered has no reader; without this, Python complains at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        print(f"skreg: cannot write the output: {error.strerror or error}", file=sys.stderr)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


if __name__ == "__main__":
    # An output that has no ± or ² gets a question mark rather than a traceback.
    sys.stdout.reconfigure(errors="replace")
    sys.exit(main())
