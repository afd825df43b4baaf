"""A small database of 1024-dimensional calls, with what NumPy knows of it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import e2vdb

DIMENSION = 1024
CALLS = 40
FRAMES = 60


@dataclass(frozen=True)
class Voices:
    """The calls as written: ids, vectors (n, D) in double precision, and one call's frames."""

    db: e2vdb.Database
    folder: Path
    ids: list[str]
    vectors: np.ndarray
    frames: np.ndarray

    @property
    def units(self) -> np.ndarray:
        return self.vectors / np.linalg.norm(self.vectors, axis=1, keepdims=True)

    def rows(self, query: str, **params: object) -> list[tuple]:
        return self.db.sql(query, params or None).fetchall()


def write_call(folder: Path, vector: np.ndarray | None, emotion: str) -> None:
    folder.mkdir(parents=True)
    result = {"emotion": emotion, "confidence": 0.9, "scores": {emotion: 0.9}}
    (folder / "result.json").write_text(json.dumps(result))
    if vector is not None:
        np.save(folder / "embedding.npy", vector.astype(np.float32).reshape(1, -1))


@pytest.fixture(scope="module")
def voices(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Voices]:
    folder = tmp_path_factory.mktemp("voices")
    rng = np.random.default_rng(0)
    good = rng.normal(size=DIMENSION)
    shares = np.linspace(0, 1, CALLS)[:, None]
    vectors = 0.3 * rng.normal(size=(CALLS, DIMENSION)) + good * (1 - shares) * 0.6
    frames = (vectors[-1] + 0.2 * rng.normal(size=(FRAMES, DIMENSION))).astype(np.float16)
    frames = frames.astype(np.float32)
    vectors[-1] = frames.mean(axis=0)
    vectors = vectors.astype(np.float32)
    ids = [f"call{number:03d}" for number in range(CALLS)]
    for number, one in enumerate(ids):
        emotion = "happy" if number < CALLS // 2 else "angry"
        write_call(folder / "outputs" / one, vectors[number], emotion)
    np.save(folder / "outputs" / ids[-1] / "frame_embeddings.npy", frames)
    write_call(folder / "outputs" / "silent", None, "neutral")
    with e2vdb.connect(folder / "e2v.lancedb") as db:
        db.ingest(folder / "outputs", workers=1)
        db.references.add("good", ids=ids[:8])
        yield Voices(db, folder, ids, vectors.astype(np.float64), frames.astype(np.float64))
