"""What a timing depends on: versions, processor, threads, and the BLAS kernels in use."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from contest import available_cores
from threadpoolctl import threadpool_info

BASIS = ("numpy", "scipy", "scikit-learn")


def package_version(package):
    """Return the version of an installed distribution, or None."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def describe(packages):
    """Return the lines (name, text) that head the output; call it when all are imported."""
    libraries = [
        f"{info['internal_api']} {info.get('version') or ''} "
        f"({info.get('architecture', 'no core type')}, {info['num_threads']} threads)"
        for info in threadpool_info()
    ]
    lines = [
        ("processor", processor()),
        ("cores", str(available_cores())),
        ("system", platform.platform()),
        ("load at the start", load()),
        ("python", platform.python_version()),
    ]
    lines += [(f"library {k + 1}", text) for k, text in enumerate(libraries)]
    for package in dict.fromkeys([*BASIS, *packages]):
        lines.append((package, package_version(package) or "not installed"))
    return lines


def processor():
    """Return the processor's model name."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def load():
    """Return how many processes wanted a core in the last minute; others' work spoils timings."""
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


def handicap():
    """Return a warning where the environment slows every contestant, or None."""
    core = os.environ.get("OPENBLAS_CORETYPE")
    if core is None:
        return None
    return (
        f"OPENBLAS_CORETYPE={core} is set and slows every contestant: "
        "run with `env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE`"
    )
