"""Databases of made-up embeddings: an easy low-rank spectrum and a hard, slowly decaying one."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from e2vdb.distill.fit import apply_everywhere, fit
from e2vdb.ingest.schema import utterances_schema
from e2vdb.store.address import resolve
from e2vdb.store.commits import commit, stage
from e2vdb.store.store import Store
from e2vdb.store.tables import UTTERANCES

DIMENSION = 1024
_BATCH = 20_000
_RANK = 20
_CENTRES = 400


def write_voices(folder: Path, vectors: np.ndarray) -> None:
    """Write a distilled database of embeddings (n, 1024)."""
    store = Store(resolve(folder))
    store.create(DIMENSION)
    for start in range(0, len(vectors), _BATCH):
        table = _table(vectors[start : start + _BATCH], start)
        staged = stage(store.address, UTTERANCES, table, table.schema)
        commit(store, UTTERANCES, staged, {}, "benchmark")
    apply_everywhere(store, fit(store, 0.95))


def embeddings(kind: str, rows: int) -> np.ndarray:
    """Return `easy` (20 dimensions, 400 clusters, some noise) or `hard` (power law) vectors."""
    rng = np.random.default_rng(0)
    vectors = np.empty((rows, DIMENSION), np.float32)
    centres = rng.standard_normal((_CENTRES, _RANK), np.float32)
    plane = rng.standard_normal((_RANK, DIMENSION), np.float32)
    spectrum = np.arange(1, DIMENSION + 1, dtype=np.float32) ** -0.5
    spectrum[300:] *= 0.2
    for start in range(0, rows, _BATCH):
        count = min(_BATCH, rows - start)
        noise = rng.standard_normal((count, DIMENSION), np.float32)
        if kind == "easy":
            near = 0.4 * rng.standard_normal((count, _RANK), np.float32)
            part = (centres[rng.integers(0, _CENTRES, count)] + near) @ plane + 0.15 * noise
        else:
            part = noise * spectrum
        part *= 20 / np.linalg.norm(part, axis=1, keepdims=True)
        vectors[start : start + count] = part
    return vectors


def queries(vectors: np.ndarray, count: int) -> np.ndarray:
    """Return unit vectors near some rows, (count, 1024) float32."""
    rng = np.random.default_rng(1)
    rows = vectors[rng.integers(0, len(vectors), count)]
    near = rows + 0.05 * rng.standard_normal(rows.shape, np.float32)
    return near / np.linalg.norm(near, axis=1, keepdims=True)


def _table(vectors: np.ndarray, first: int) -> pa.Table:
    count = len(vectors)
    given = {
        "utterance_id": pa.array([f"u{first + row:07d}" for row in range(count)]),
        "content_hash": pa.array([f"{first + row:032x}" for row in range(count)]),
        "norm": pa.array(np.linalg.norm(vectors, axis=1)),
        "embedding": pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), DIMENSION),
    }
    schema = utterances_schema(DIMENSION)
    columns = [given.get(field.name, pa.nulls(count, field.type)) for field in schema]
    return pa.table(columns, schema=schema)
