"""What ingest is compared with: reading the files and no more, and the article's own loop."""

import json
import multiprocessing
import os
import time
from pathlib import Path

import lancedb
import numpy as np

from benchmarks.tree import paths

FILES = ("embedding.npy", "result.json")
BATCH = 1_000


def read_seconds(root: Path, workers: int) -> float:
    """Return how long opening and reading both files of every directory takes.

    The paths are known and the processes are running before the clock starts.
    """
    folders = paths(root)
    slices = [folders[start : start + BATCH] for start in range(0, len(folders), BATCH)]
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        pool.map(_read, [[] for _ in range(4 * workers)], chunksize=1)
        started = time.perf_counter()
        pool.map(_read, slices, chunksize=1)
        return time.perf_counter() - started


def _read(folders: list[str]) -> int:
    size = 0
    for folder in folders:
        for name in FILES:
            handle = os.open(f"{folder}/{name}", os.O_RDONLY)
            size += len(os.read(handle, 1 << 16))
            os.close(handle)
    return size


def article_seconds(root: Path, database: Path) -> float:
    """Return how long the article's way takes: one process, np.load, json.load, table.add.

    The paths are known, LanceDB is imported and the database is open before the clock starts.
    """
    folders = paths(root)
    connection = lancedb.connect(database)
    table = None
    started = time.perf_counter()
    for start in range(0, len(folders), BATCH):
        rows = [_row(folder) for folder in folders[start : start + BATCH]]
        if table is None:
            table = connection.create_table("voices", rows)
        else:
            table.add(rows)
    return time.perf_counter() - started


def _row(folder: str) -> dict[str, object]:
    vector = np.load(f"{folder}/embedding.npy").flatten()
    with open(f"{folder}/result.json", encoding="utf-8") as stream:
        result = json.load(stream)
    return {
        "id": os.path.basename(folder),
        "vector": vector,
        "emotion": result["emotion"],
        "confidence": result["confidence"],
        **result["scores"],
    }
