"""Small trees of output directories, and how a database looks to LanceDB itself."""

import json
import os
from collections.abc import Iterable
from pathlib import Path

import build
import lance
import numpy as np
import pyarrow as pa

D = 64
NAMES = ("utterances", "frames", "metadata", "rejects", "sources", "settings", "distillers")


def vector(seed: int, dimension: int = D) -> np.ndarray:
    """A vector of length 20, the same for the same seed."""
    return build.vector(seed, dimension)


def frame_vectors(seed: int, count: int, dimension: int = D) -> np.ndarray:
    """Frames (count, dimension) whose mean is `vector(seed)`."""
    noise = np.random.default_rng(seed + 1_000_000).standard_normal((count, dimension))
    noise -= noise.mean(axis=0)
    return (vector(seed, dimension) + noise).astype(np.float32)


def write_output(
    folder: Path,
    seed: int,
    *,
    dimension: int = D,
    embedding: bool = True,
    result: bool = True,
    frames: int = 0,
    emotion: str = "happy",
) -> Path:
    """Write one output directory, over what was there."""
    folder.mkdir(parents=True, exist_ok=True)
    if embedding:
        np.save(folder / "embedding.npy", vector(seed, dimension).reshape(1, -1))
    if frames:
        np.save(folder / "frame_embeddings.npy", frame_vectors(seed, frames, dimension))
    if result:
        confidence = round(0.5 + (seed % 50) / 100, 2)
        said = {"emotion": emotion, "confidence": confidence, "scores": {emotion: confidence}}
        (folder / "result.json").write_text(json.dumps(said), encoding="utf-8")
    return folder


def name_of(seed: int) -> str:
    return f"outputs_20240104_{seed // 3600:02}{seed // 60 % 60:02}{seed % 60:02}"


def write_tree(root: Path, seeds: Iterable[int], **options: object) -> Path:
    """Write one output directory a seed, named by it."""
    root.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        write_output(root / name_of(seed), seed, **options)
    return root


def table(db: Path, name: str) -> pa.Table:
    """A stored table as Lance gives it, without e2vdb."""
    return lance.dataset(str(db / f"{name}.lance")).to_table()


def versions(db: Path) -> dict[str, int]:
    """The Lance version of every table."""
    return {name: lance.dataset(str(db / f"{name}.lance")).version for name in NAMES}


def ids(db: Path, name: str = "utterances") -> list[str]:
    return sorted(table(db, name)["utterance_id"].to_pylist())


def row(db: Path, utterance_id: str) -> dict:
    (found,) = [
        one for one in table(db, "utterances").to_pylist() if one["utterance_id"] == utterance_id
    ]
    return found


def data_files(db: Path, name: str) -> set[str]:
    """The names of a table's data files on disk."""
    return set(os.listdir(db / f"{name}.lance" / "data"))
