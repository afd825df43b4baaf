"""A flat tree of output directories as the WebUI writes them, the same for every run."""

import io
import json
import multiprocessing
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np

from e2vdb.ingest.labels import EMOTIONS as LABELS

DIMENSION = 1024
SHARE = 2_000
"""Directories that one process writes from one seed, so that any number of processes agree."""

START = datetime(2024, 1, 1)


def write_tree(root: Path, directories: int, workers: int) -> None:
    """Write that many directories, each with embedding.npy (4.2 KB) and result.json (0.3 KB)."""
    root.mkdir(parents=True)
    starts = range(0, directories, SHARE)
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        pool.map(partial(_write_share, root, directories), starts, chunksize=1)


def paths(root: Path) -> list[str]:
    """Return the directories of a tree in the order of their names."""
    return sorted(str(path) for path in root.iterdir())


def embeddings(rows: int, seed: int) -> np.ndarray:
    """Return vectors (rows, 1024) of length 20 whose variance lies in some twenty directions."""
    directions = np.random.default_rng(0).standard_normal((20, DIMENSION)).astype(np.float32)
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((rows, 20), np.float32) @ directions * 0.1
    vectors += rng.standard_normal((rows, DIMENSION), np.float32) * 0.02
    return vectors * (20 / np.linalg.norm(vectors, axis=1, keepdims=True))


def _write_share(root: Path, directories: int, start: int) -> None:
    rows = min(SHARE, directories - start)
    vectors = embeddings(rows, start)
    scores = np.random.default_rng(start).dirichlet(np.full(9, 0.3), rows).round(3)
    header = _header()
    for row in range(rows):
        moment = START + timedelta(seconds=37 * (start + row))
        folder = root / f"outputs_{moment:%Y%m%d_%H%M%S}"
        folder.mkdir()
        (folder / "embedding.npy").write_bytes(header + vectors[row].tobytes())
        (folder / "result.json").write_text(_result(scores[row].tolist(), moment))


def _header() -> bytes:
    stream = io.BytesIO()
    declared = {"descr": "<f4", "fortran_order": False, "shape": (1, DIMENSION)}
    np.lib.format.write_array_header_1_0(stream, declared)
    return stream.getvalue()


def _result(scores: list[float], moment: datetime) -> str:
    best = max(range(9), key=scores.__getitem__)
    return json.dumps(
        {
            "emotion": LABELS[best],
            "confidence": scores[best],
            "scores": dict(zip(LABELS, scores, strict=True)),
            "granularity": "utterance",
            "timestamp": str(moment),
        }
    )
