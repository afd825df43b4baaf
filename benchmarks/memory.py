"""Peak memory of a command and everything that it starts, each shared page counted once."""

import subprocess
import time
from pathlib import Path

EVERY_S = 0.05
PROC = Path("/proc")


def peak_bytes(command: list[str]) -> int | None:
    """Run a command and return the largest sum of PSS over its process tree, None off Linux.

    Sampled every 50 ms, which slows the command down, so its time is measured in other runs.
    """
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        peak = max(peak, sum(map(resident_bytes, _tree(process.pid))))
        time.sleep(EVERY_S)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return peak or None


def _tree(root: int) -> list[int]:
    """Return the ids of a process and its descendants."""
    parents = {}
    for folder in PROC.glob("[0-9]*"):
        try:
            after_name = (folder / "stat").read_text().rpartition(")")[2]
        except OSError:
            continue
        parents[int(folder.name)] = int(after_name.split()[1])
    found = [root]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


def resident_bytes(process: int) -> int:
    """Return the proportional set size of a process in bytes, 0 once it is gone."""
    try:
        lines = (PROC / str(process) / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
