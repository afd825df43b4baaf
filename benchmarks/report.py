"""The table that a run prints, and the machine it was measured on."""

import os
import platform
import sys
from importlib.metadata import version
from typing import NamedTuple

PACKAGES = ("e2vdb", "duckdb", "lancedb", "pylance", "pyarrow", "numpy", "scikit-learn")


class Row(NamedTuple):
    """One line: what was measured, the figure, and what it is to reach (None: shown only)."""

    what: str
    measured: str
    reach: str = ""
    met: bool | None = None


def say(text: str) -> None:
    """Tell on stderr how far the run is; stdout carries the table only."""
    print(text, file=sys.stderr, flush=True)


def table(rows: list[Row]) -> str:
    """Return the rows as a Markdown table."""
    verdict = {True: "yes", False: "no", None: ""}
    lines = ["| what | measured | reach | met? |", "|---|---|---|---|"]
    lines += [f"| {row.what} | {row.measured} | {row.reach} | {verdict[row.met]} |" for row in rows]
    return "\n".join(lines)


def machine() -> str:
    """Return processor count, memory, system and versions in one sentence."""
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        f"{cores()} cores, {_memory()}{platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}; {packages}."
    )


def cores() -> int:
    """Return how many processors this process may use, as `e2vdb ingest` counts its workers."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def load() -> str:
    """Return how busy the machine was in the last minute, as the run itself and others made it."""
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


def _memory() -> str:
    try:
        pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return ""
    return f"{pages / 2**30:.0f} GB, "
