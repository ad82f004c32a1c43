"""A data frame from the user's CSV or Parquet file, or one line that says why not."""

import csv
import difflib
import re
from collections import Counter
from itertools import islice
from pathlib import Path

from skreg._comparison.errors import InputError

INSTALL = "pip install pandas pyarrow"
SEPARATORS = ",;\t"
SNIFFED_LINES = 50
# What the reader takes for a missing value beside pandas' own list (NA, NaN, null, empty, ...).
MISSING = ["?"]


def read_frame(path, target):
    """Return (frame, name of the target column); column names are text, all different."""
    path = Path(path)
    try:
        if not path.exists():
            raise InputError(f"there is no file {str(path)!r}. Check the name and the folder.")
        if path.is_dir():
            raise InputError(f"{str(path)!r} is a folder. Give a CSV or Parquet file in it.")
        with path.open("rb") as file:
            is_parquet = file.read(4) == b"PAR1"
        frame = read_parquet(path) if is_parquet else read_csv(path)
    except OSError as error:
        raise InputError(f"cannot read {str(path)!r}: {error.strerror or error}.") from error
    frame.columns = [str(name) for name in frame.columns]
    refuse_repeated(frame.columns, path)
    name = find_column(frame, target)
    if frame.empty:
        raise InputError(f"{str(path)!r} has a header but no rows. Give a table with data.")
    return frame, name


def need_pandas():
    """Import pandas, an optional dependency, here only."""
    try:
        import pandas
    except ImportError as error:
        raise InputError(f"reading a table needs pandas. Run: {INSTALL}") from error
    return pandas


def read_parquet(path):
    """Read Parquet with pandas and pyarrow."""
    pandas = need_pandas()
    try:
        import pyarrow
    except ImportError as error:
        raise InputError(f"reading a Parquet file needs pyarrow. Run: {INSTALL}") from error
    try:
        frame = pandas.read_parquet(path, engine="pyarrow")
    except (pyarrow.ArrowException, OSError) as error:
        raise InputError(
            f"{str(path)!r} starts like a Parquet file but cannot be read "
            f"({first_line(error)}). Write it again."
        ) from error
    # An index with a name is a column that pandas was told to look rows up by.
    named = [name for name in frame.index.names if name is not None]
    return frame.reset_index(level=named) if named else frame


def read_csv(path):
    """Read comma-, semicolon- or tab-separated text in UTF-8."""
    pandas = need_pandas()
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            head = list(islice((line for line in file if line.strip()), SNIFFED_LINES))
        if any("\0" in line for line in head):
            raise UnicodeError
        if not head:
            raise InputError(f"{str(path)!r} is empty. Give a table with a header and rows.")
        separator = sniff_separator(head)
        # pandas would rename the second of two equal names.
        names = next(csv.reader(head, delimiter=separator))
        refuse_repeated(names, path)
        refuse_long_rows(head, separator, len(names), path)
        return pandas.read_csv(
            path,
            sep=separator,
            decimal=sniff_decimal(head, separator),
            encoding="utf-8-sig",
            na_values=MISSING,
            skipinitialspace=True,
            low_memory=False,
            index_col=False,
        )
    except UnicodeError as error:
        raise InputError(
            f"{str(path)!r} is not UTF-8 text. Save the table as CSV in UTF-8, or as Parquet."
        ) from error
    except (pandas.errors.ParserError, csv.Error) as error:
        raise InputError(
            f"{str(path)!r} is no regular CSV table ({first_line(error)}). "
            f"Check that every row has as many cells as the header."
        ) from error


def refuse_repeated(names, path):
    """Two columns of one name cannot be told apart, least of all where one is the target."""
    counts = Counter(name.strip() for name in names if name.strip())
    repeated = [name for name, count in counts.items() if count > 1]
    if repeated:
        raise InputError(f"{str(path)!r} has two columns named {repeated[0]!r}. Rename one.")


def refuse_long_rows(lines, separator, width, path):
    """Where rows have more cells than the header, nobody knows which names are theirs."""
    for number, row in enumerate(csv.reader(lines, delimiter=separator), 1):
        if any(cell.strip() for cell in row[width:]):
            raise InputError(
                f"{str(path)!r} has {width} names in its header but {len(row)} cells in row "
                f"{number}. Name every column, or remove what is too much."
            )


def sniff_separator(lines):
    """The separator that cuts the lines into the most cells, the same number in each line."""

    def quality(separator):
        widths = [len(row) for row in csv.reader(lines, delimiter=separator) if row]
        return widths[0] > 1, len(set(widths)) == 1, widths[0]

    return max(SEPARATORS, key=quality)


def sniff_decimal(lines, separator):
    """A decimal comma, where cells like 1,5 occur and cells like 1.5 do not."""
    if separator == ",":
        return "."
    cells = [cell.strip() for row in csv.reader(lines, delimiter=separator) for cell in row]

    def occurs(mark):
        number = re.compile(rf"[-+]?\d+{mark}\d+")
        return any(number.fullmatch(cell) for cell in cells)

    return "," if occurs(",") and not occurs(r"\.") else "."


def find_column(frame, target):
    """The column named `target`, up to blanks around it."""
    if target in frame.columns:
        return target
    stripped = [name for name in frame.columns if name.strip() == target.strip()]
    if len(stripped) == 1:
        return stripped[0]
    by_lower = {name.lower(): name for name in frame.columns}
    near = difflib.get_close_matches(target.lower(), by_lower, n=1, cutoff=0.5)
    if near:
        hint = f"Did you mean {by_lower[near[0]]!r}?"
    else:
        shown = ", ".join(repr(name) for name in frame.columns[:8])
        more = f" and {frame.shape[1] - 8} more" if frame.shape[1] > 8 else ""
        hint = f"Columns: {shown}{more}."
    raise InputError(f"there is no column {target!r}. {hint}")


def first_line(error):
    """The first line of a foreign message, without its full stop."""
    return str(error).strip().partition("\n")[0].rstrip(". ")
