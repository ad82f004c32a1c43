"""Peak memory of one run beyond the data, each run in a fresh process.

Beforehand that process loads the data, runs a tiny problem, so that libraries are imported and
their threads stand, and one large product for every BLAS, whose workspace stays for good. Then
the kernel's record of the peak is cleared, and read after the run. Only Linux keeps it.

    python benchmarks/memory.py FILE TOLERANCE THREADS      (what `peak` runs)
"""

import os
import pickle
import subprocess
import sys
import tempfile
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy import sparse
from scipy.linalg import blas

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
START = 60.0  # seconds to start a process, import the libraries and load the data
# Every array of 64 KiB or more is then given back when it is freed, and not kept for reuse.
ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}


class NotMeasuredError(Exception):
    """The process ended, or was ended, before its run did; the message says how."""


def can_measure():
    """Whether this system tells a process's peak, and clears it."""
    return STATUS.is_file() and os.access(CLEAR, os.W_OK)


def peak(entry, limit):
    """Return the bytes that an entry's run needs beyond what lies before it, and their bound.

    It runs on the threads that suit it, but in one process, as others aren't seen.
    """
    threads = 1 if entry.contestant.processes else entry.threads
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "problem.pickle")
        with file.open("wb") as stream:
            pickle.dump((type(entry.contestant), entry.problem), stream, protocol=5)
        command = [sys.executable, __file__, file, str(entry.tolerance), str(threads)]
        try:
            done = subprocess.run(
                command,
                env=os.environ | ALLOCATOR,
                capture_output=True,
                text=True,
                timeout=START + 2 * limit,
            )
        except subprocess.TimeoutExpired as error:
            raise NotMeasuredError(f"it took over {error.timeout:g} s") from error
    if done.returncode:
        last = done.stderr.strip().rpartition("\n")[2]
        raise NotMeasuredError(f"exit status {done.returncode} {last}")
    return tuple(map(int, done.stdout.split()[-2:]))


def peak_of(work):
    """Return the most bytes in memory during `work()` beyond those before it, and its result."""
    CLEAR.write_text("5")
    before = resident("VmRSS")
    result = work()  # part of the peak
    return max(0, resident("VmHWM") - before), result


def resident(name):
    """Return a figure of /proc/self/status in bytes."""
    (line,) = (line for line in STATUS.read_text().splitlines() if line.startswith(name))
    return 1024 * int(line.split()[1])


def warm_up(kind, problem, tolerance, threads):
    """Let everything be imported and allocated that lasts longer than one run."""
    contestant = kind()
    contestant.load(replace(problem, X=small(problem.X), y=np.arange(60) % 7 - 3.0))
    with contestant.threads(threads):
        contestant.solve(tolerance)
        square = np.ones((1_500, 1_500))
        blas.dgemm(1.0, square, square @ square)


def small(X):
    """Return a few random rows in the form of X."""
    rows = np.random.default_rng(0).standard_normal((60, 5))
    if sparse.issparse(X):
        return type(X)(rows.astype(X.dtype))
    return np.require(rows, X.dtype, ["F" if X.flags.f_contiguous else "C"])


def main(file, tolerance, threads):
    tolerance = None if tolerance == "None" else float(tolerance)
    with open(file, "rb") as stream:
        kind, problem = pickle.load(stream)
    warnings.simplefilter("ignore")
    warm_up(kind, problem, tolerance, int(threads))
    contestant = kind()
    contestant.load(problem)
    with contestant.threads(int(threads)):
        reached, model = peak_of(lambda: contestant.solve(tolerance))
    print(reached, int(problem.memory_bound(contestant.answer(model))))


if __name__ == "__main__":
    main(*sys.argv[1:])
