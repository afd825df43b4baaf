"""`e2vdb ingest`: its rate against two baselines, the second run, and peak memory."""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks.baselines import article_seconds, read_seconds
from benchmarks.memory import peak_bytes
from benchmarks.report import Row, say
from benchmarks.tree import write_tree

ROUNDS = 3
FIT_ROWS = 300
SMALL = 5
"""Memory is measured on the tree and on one that is this many times smaller."""

LIMIT = 2e9
SAME = 1.25
"""Two peaks count as the same where the larger tree's is at most this many times the other."""


class Seconds(NamedTuple):
    """One run: as `e2vdb ingest --json` counts it, and the whole command with process start."""

    own: float
    command: float


class Round(NamedTuple):
    """One round of measurements, made one right after another so that ratios are fair."""

    read: float
    first: Seconds
    second: Seconds
    fitted: Seconds


def measure(folder: Path, directories: int, workers: int) -> list[Row]:
    """Return the table's lines about ingest; `folder` holds the trees and databases meanwhile."""
    tree, small, seed = folder / "outputs", folder / "outputs-small", folder / "outputs-seed"
    say(f"writing {directories:,} directories …")
    write_tree(tree, directories, workers)
    write_tree(small, max(1, directories // SMALL), workers)
    write_tree(seed, FIT_ROWS, 1)
    read_seconds(tree, workers)  # brings the files into the cache for everything that follows
    rounds = []
    for number in range(ROUNDS):
        say(f"ingest, round {number + 1} of {ROUNDS} …")
        rounds.append(_round(folder, tree, seed, workers))
    say("the article's loop …")
    article = article_seconds(tree, folder / "article.lancedb")
    shutil.rmtree(folder / "article.lancedb")
    rows = [
        *_baselines(directories, workers, rounds, article),
        *_rates(directories, rounds, article),
        *_second(rounds),
    ]
    say("peak memory …")
    return rows + _memory(folder, small, tree, (directories // SMALL, directories))


def _round(folder: Path, tree: Path, seed: Path, workers: int) -> Round:
    database = folder / "bench.lancedb"
    shutil.rmtree(database, ignore_errors=True)
    read = read_seconds(tree, workers)
    first, second = ingest(database, tree), ingest(database, tree)
    fitted = folder / "fitted.lancedb"
    ingest(fitted, seed, "--source", "seed")
    again = ingest(fitted, tree)
    shutil.rmtree(fitted)
    return Round(read, first, second, again)


def ingest(database: Path, tree: Path, *options: str) -> Seconds:
    """Run the command in a process of its own; its summary must account for every directory."""
    command = _command(database, tree, *options)
    started = time.perf_counter()
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    wall = time.perf_counter() - started
    summary = json.loads(done.stdout)
    assert summary["found"] == len(list(tree.iterdir())) and not summary["rejected"]
    return Seconds(summary["seconds"], wall)


def _command(database: Path, tree: Path, *options: str) -> list[str]:
    start = [sys.executable, "-m", "e2vdb", "ingest", "--db", str(database), "--json"]
    return [*start, str(tree), *options]


def _baselines(directories: int, workers: int, rounds: list[Round], article: float) -> list[Row]:
    read = median(one.read for one in rounds)
    return [
        Row(f"opening and reading both files, {workers} processes", _rate(directories, read)),
        Row("the article's loop, `table.add` of 1,000", _rate(directories, article)),
    ]


def _rates(directories: int, rounds: list[Round], article: float) -> list[Row]:
    first = median(one.first.own for one in rounds)
    command = median(one.first.command for one in rounds)
    fitted = median(one.fitted.own for one in rounds)
    share = median(one.read / one.first.own for one in rounds)
    share_fitted = median(one.read / one.fitted.own for one in rounds)
    return [
        Row("first ingest, distiller fit and commits included", _rate(directories, first)),
        Row("the same with the start of the command", _rate(directories, command)),
        Row("ingest into a database that has a distiller", _rate(directories, fitted)),
        Row("first ingest / reading", f"{share:.2f}", ">= 0.5", share >= 0.5),
        Row("the same without the one-time fit", f"{share_fitted:.2f}"),
        Row("first ingest / article", f"{article / first:.1f}x", ">= 10x", article / first >= 10),
        Row("the same without the one-time fit", f"{article / fitted:.1f}x"),
    ]


def _second(rounds: list[Round]) -> list[Row]:
    share = median(one.second.own / one.first.own for one in rounds)
    command = median(one.second.command / one.first.command for one in rounds)
    seconds = median(one.second.own for one in rounds)
    return [
        Row(
            "second ingest of the unchanged tree / first",
            f"{share:.2f} ({seconds:.2f} s)",
            "<= 0.15",
            share <= 0.15,
        ),
        Row("the same with the start of the command", f"{command:.2f}"),
    ]


def _memory(folder: Path, small: Path, large: Path, sizes: tuple[int, int]) -> list[Row]:
    what = "peak memory, all processes, {:,} directories"
    peaks = []
    for tree in (small, large):
        database = folder / "memory.lancedb"
        peaks.append(peak_bytes(_command(database, tree)))
        shutil.rmtree(database)
    if peaks[0] is None or peaks[1] is None:
        return [Row(what.format(size), "not measured here (needs Linux)") for size in sizes]
    rows = [
        Row(what.format(size), f"{peak / 1e9:.2f} GB", "<= 2 GB", peak <= LIMIT)
        for size, peak in zip(sizes, peaks, strict=True)
    ]
    growth = peaks[1] / peaks[0]
    return [*rows, Row("larger tree / smaller tree", f"{growth:.2f}", "the same", growth <= SAME)]


def _rate(directories: int, seconds: float) -> str:
    return f"{directories / seconds:,.0f}/s ({seconds:.2f} s)"
