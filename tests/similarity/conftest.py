"""A small database of vectors, made without directories."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import e2vdb
from e2vdb.database import Database
from e2vdb.distill.fit import apply_everywhere, fit
from e2vdb.ingest.schema import utterances_schema
from e2vdb.store.commits import replace
from e2vdb.store.store import Store
from e2vdb.store.tables import UTTERANCES

Put = Callable[..., None]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("E2VDB_CACHE", str(tmp_path / "cache"))


def put_vectors(db: Database, vectors: np.ndarray, first: int = 0, **columns: list) -> None:
    """Insert or replace utterances u0000, u0001, … with these vectors; a NaN row has none."""
    store = Store(db.address)
    store.create(vectors.shape[1])
    count, dimension = vectors.shape
    missing = np.isnan(vectors).any(axis=1)
    embedding = pa.FixedSizeListArray.from_arrays(
        pa.array(np.nan_to_num(vectors).astype(np.float32).ravel()),
        dimension,
        mask=pa.array(missing),
    )
    given = {
        "utterance_id": [f"u{first + row:04d}" for row in range(count)],
        "norm": [None if gone else 20.0 for gone in missing],
        "source_dir": [f"/outputs/u{first + row:04d}" for row in range(count)],
        "content_hash": [vectors[row].tobytes().hex()[:32] for row in range(count)],
        "emotion": [("angry", "happy", "sad")[row % 3] for row in range(count)],
        **columns,
    }
    schema = utterances_schema(dimension)
    arrays = [
        embedding
        if field.name == "embedding"
        else pa.array(given[field.name], field.type)
        if field.name in given
        else pa.nulls(count, field.type)
        for field in schema
    ]
    rows = pa.table(arrays, schema=schema)
    if "distilled" in store.dataset(UTTERANCES).schema.names:
        from e2vdb.distill.distiller import read_distiller
        from e2vdb.store.tables import DISTILLERS

        distiller = read_distiller(store.dataset(DISTILLERS))
        assert distiller is not None
        column = distiller.column(rows["embedding"].combine_chunks())
        rows = rows.append_column(distiller.field, column)
    replace(store, UTTERANCES, ["utterance_id"], rows, "test")


def distill(db: Database, variance: float = 0.95) -> None:
    store = Store(db.address)
    apply_everywhere(store, fit(store, variance))


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with e2vdb.connect(tmp_path / "voices.lancedb") as database:
        yield database


def normal(rows: int, dimension: int = 16, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((rows, dimension))
