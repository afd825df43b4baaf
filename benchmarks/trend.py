"""The weekly trend over `calls`, against the same rows in DuckDB's own table and in Parquet."""

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import e2vdb
from benchmarks.report import Row, say
from benchmarks.tree import DIMENSION, LABELS, START, embeddings
from e2vdb.ingest.schema import utterances_schema
from e2vdb.store.address import resolve
from e2vdb.store.commits import commit, stage
from e2vdb.store.store import Store
from e2vdb.store.tables import UTTERANCES

RUNS = 15
FRAGMENT = 4096
"""Rows a fragment, as a worker of `e2vdb ingest` writes them."""

TREND = (
    "SELECT date_trunc('week', \"at\") AS week, count(*) AS calls, "
    "avg(negative::INTEGER) AS negative, avg(angry) AS angry FROM calls GROUP BY ALL ORDER BY week"
)


def measure(folder: Path, calls: int) -> list[Row]:
    """Return the table's lines about the trend; the three sources hold the same rows."""
    say(f"writing {calls:,} calls …")
    database = folder / "trend.lancedb"
    _write_calls(database, folder / "calls.parquet", calls)
    with e2vdb.connect(database) as db, duckdb.connect(folder / "native.duckdb") as other:
        rows = _rows(db.sql("FROM calls")).to_arrow_table()
        other.register("rows", rows)
        other.execute("CREATE TABLE native AS FROM rows")
        parquet = folder / "joined.parquet"
        other.execute(f"COPY native TO '{parquet}'")
        other.unregister("rows")
        other.execute(f"CREATE VIEW stored AS FROM '{parquet}'")
        del rows
        native, stored = (
            TREND.replace("calls GROUP", "native GROUP"),
            TREND.replace("calls GROUP", "stored GROUP"),
        )
        # A session of its own, so that nothing that the copies needed is in its memory.
        with e2vdb.connect(database) as fresh:
            times = _times(
                lambda: _rows(fresh.sql(TREND)).fetchall(),
                lambda: other.execute(native).fetchall(),
                lambda: other.execute(stored).fetchall(),
            )
    return _lines(calls, times)


def _lines(calls: int, times: list[list[float]]) -> list[Row]:
    ours, native, parquet = (median(one[1:]) for one in times)
    firsts = " / ".join(f"{one[0] * 1e3:.0f}" for one in times)
    return [
        Row(f"weekly trend over {calls:,} calls, median of {RUNS - 1}", f"{ours * 1e3:.1f} ms"),
        Row(
            "the same / DuckDB's own table",
            f"{ours / native:.2f}x ({native * 1e3:.1f} ms)",
            "<= 2x",
            ours <= 2 * native,
        ),
        Row(
            "the same / Parquet",
            f"{ours / parquet:.2f}x ({parquet * 1e3:.1f} ms)",
            "<= 1x",
            ours <= parquet,
        ),
        Row("first run of a session: calls / own table / Parquet", f"{firsts} ms"),
    ]


def _times(*queries: Callable[[], Any]) -> list[list[float]]:
    """Time every query in turn, so that a busy moment falls on all; they must agree."""
    times: list[list[float]] = [[] for _ in queries]
    for _ in range(RUNS):
        answers = []
        for taken, query in zip(times, queries, strict=True):
            started = time.perf_counter()
            answers.append(query())
            taken.append(time.perf_counter() - started)
        assert [row[:2] for row in answers[0]] == [row[:2] for row in answers[1]]
        assert [row[:2] for row in answers[0]] == [row[:2] for row in answers[2]]
    return times


def _rows(relation: duckdb.DuckDBPyRelation | None) -> duckdb.DuckDBPyRelation:
    assert relation is not None
    return relation


def _write_calls(database: Path, metadata: Path, calls: int) -> None:
    """Write the rows that an ingest of that many directories and a metadata file would leave."""
    store = Store(resolve(database))
    store.create(DIMENSION)
    schema = utterances_schema(DIMENSION)
    vectors = pa.FixedSizeListArray.from_arrays(
        pa.array(embeddings(min(FRAGMENT, calls), 0).ravel()), DIMENSION
    )
    staged = []
    for start in range(0, calls, FRAGMENT):
        rows = _fragment(schema, vectors, start, min(FRAGMENT, calls - start))
        staged += stage(store.address, UTTERANCES, rows, schema)
    commit(store, UTTERANCES, staged, {}, "benchmark")
    pq.write_table(_metadata(calls), metadata)
    with e2vdb.connect(database) as db:
        db.load_metadata(metadata)


def _fragment(
    schema: pa.Schema, vectors: pa.FixedSizeListArray, start: int, count: int
) -> pa.Table:
    rng = np.random.default_rng(start)
    moments = _moments(rng, count)
    scores = rng.dirichlet(np.full(9, 0.3), count).astype(np.float32)
    best = scores.argmax(axis=1)
    labels = pa.array([LABELS[one] for one in best])
    columns: dict[str, Any] = {
        "utterance_id": [_id(start + row) for row in range(count)],
        "source_dir": [f"/outputs/{_id(start + row)}" for row in range(count)],
        "recorded_at": moments,
        "recognized_at": moments,
        "emotion": labels,
        "emotion_raw": labels,
        "confidence": scores.max(axis=1),
        **{label: scores[:, column] for column, label in enumerate(LABELS)},
        "embedding": vectors.slice(0, count),
        "norm": np.full(count, 20, np.float32),
        "warnings": [[]] * count,
        "result": ['{"granularity": "utterance"}'] * count,
        "content_hash": [f"{start + row:032x}" for row in range(count)],
        "ingested_at": [0] * count,
    }
    arrays = [
        _array(columns[field.name], field.type)
        if field.name in columns
        else pa.nulls(count, field.type)
        for field in schema
    ]
    return pa.table(arrays, schema=schema)


def _array(values: Any, kind: pa.DataType) -> pa.Array:
    return values if isinstance(values, pa.Array) else pa.array(values, kind)


def _metadata(calls: int) -> pa.Table:
    rng = np.random.default_rng(1)
    return pa.table(
        {
            "utterance_id": [_id(row) for row in range(calls)],
            "agent": [f"agent {one}" for one in rng.integers(0, 200, calls)],
            "product": [f"product {one}" for one in rng.integers(0, 12, calls)],
            "called_at": _moments(rng, calls),
        }
    )


def _moments(rng: np.random.Generator, count: int) -> pa.Array:
    start = np.datetime64(START, "us")
    return pa.array(start + rng.integers(0, 365 * 86_400, count).astype("timedelta64[s]"))


def _id(row: int) -> str:
    return f"outputs_{row:08d}"
