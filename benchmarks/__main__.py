"""`python -m benchmarks` measures everything in one run and prints the table."""

import argparse
import tempfile
from datetime import date
from pathlib import Path

from benchmarks import analysis, audio, ingest, publish, similarity, startup, trend, watch
from benchmarks.report import Row, cores, load, machine, table

SUBJECTS = ("ingest", "trend", "similarity", "analysis", "publish", "audio", "watch")
"""What can be measured alone; `ingest` takes the start-up times along."""


def main() -> None:
    """Measure in a temporary folder that is gone at the end; the table goes to stdout."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("subjects", nargs="*", help=f"any of {', '.join(SUBJECTS)}; default: all")
    parser.add_argument("--directories", type=int, default=100_000, help="default: 100,000")
    parser.add_argument("--calls", type=int, default=300_000, help="default: 300,000")
    parser.add_argument("--folder", type=Path, help="where to put 4 GB meanwhile; default: /tmp")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="e2vdb-bench-", dir=options.folder) as name:
        folder = Path(name)
        before = load()
        rows = _measure(folder, options)
    print(f"{date.today()}, {options.directories:,} directories. {machine()}")
    print(f"Load (1 minute) before {before}, after {load()}.\n")
    print(table(rows))


def _measure(folder: Path, options: argparse.Namespace) -> list[Row]:
    wanted = options.subjects or SUBJECTS
    rows: list[Row] = []
    if "ingest" in wanted:
        rows += ingest.measure(folder, options.directories, cores())
        rows += startup.measure(folder / "bench.lancedb")
    if "trend" in wanted:
        rows += trend.measure(folder, options.calls)
    if "similarity" in wanted:
        rows += similarity.run(options.calls)
    if "analysis" in wanted:
        rows += analysis.run()
    if "publish" in wanted:
        rows += publish.measure(folder)
    if "watch" in wanted:
        rows += watch.run(folder)
    if "audio" in wanted:
        rows += audio.measure(folder)
    return rows


if __name__ == "__main__":
    main()
