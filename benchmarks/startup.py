"""How long a command takes from nothing to its last line, on a warm machine."""

import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from benchmarks.report import Row, say

RUNS = 5


def measure(database: Path) -> list[Row]:
    """Return the table's lines about start-up; `database` is one that an ingest has filled."""
    say("start-up …")
    help_s = _seconds("--help")
    sql_s = _seconds("--db", str(database), "sql", "SELECT 1")
    return [
        Row(f"`e2vdb --help`, median of {RUNS}", f"{help_s:.2f} s", "<= 0.3 s", help_s <= 0.3),
        Row(
            f'`e2vdb sql "SELECT 1"`, median of {RUNS}', f"{sql_s:.2f} s", "<= 1.5 s", sql_s <= 1.5
        ),
    ]


def _seconds(*arguments: str) -> float:
    command = [sys.executable, "-m", "e2vdb", *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # warms the machine
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - started)
    return median(times)
