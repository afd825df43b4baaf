"""Databases of planted calls: voices drawn at random, texts a known linear map of them."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import e2vdb
from e2vdb.store.commits import replace
from e2vdb.store.store import Store
from e2vdb.store.tables import UTTERANCES

Open = Callable[[np.ndarray], e2vdb.Database]


def put_voices(db: e2vdb.Database, vectors: np.ndarray) -> None:
    """Write calls c000, c001, … with these vectors, without directories."""
    store = Store(db.address)
    store.create(vectors.shape[1])
    schema = store.dataset(UTTERANCES).schema
    kind = schema.field("embedding").type
    values = pa.array(vectors.astype(np.float32).ravel())
    known = {
        "utterance_id": pa.array([call(number) for number in range(len(vectors))]),
        "source_dir": pa.array([""] * len(vectors)),
        "embedding": pa.FixedSizeListArray.from_arrays(values, kind.list_size),
        "norm": pa.array(np.linalg.norm(vectors, axis=1).astype(np.float32)),
    }
    columns = [
        known.get(field.name, pa.nulls(len(vectors), field.type)).cast(field.type)
        for field in schema
    ]
    replace(store, UTTERANCES, ["utterance_id"], pa.table(columns, schema=schema), "voices")


def call(number: int) -> str:
    return f"c{number:03d}"


def write_vectors(file: Path, vectors: Sequence, key: str = "utterance_id") -> Path:
    ids = [call(number) for number in range(len(vectors))]
    pq.write_table(pa.table({key: ids, "vector": list(vectors)}), file)
    return file


@pytest.fixture
def open_voices(tmp_path: Path) -> Iterator[Open]:
    opened: list[e2vdb.Database] = []

    def make(vectors: np.ndarray) -> e2vdb.Database:
        opened.append(e2vdb.connect(tmp_path / f"{len(opened)}.lancedb"))
        put_voices(opened[-1], vectors)
        return opened[-1]

    yield make
    for db in opened:
        db.close()
