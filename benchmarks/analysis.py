"""Issue "Clusters, trends, health, frames": its speed table, each figure beside its yardstick.

`python -m benchmarks.analysis` prints the rows; `run()` returns them.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import duckdb
import lance
import numpy as np
import pyarrow as pa

import e2vdb
from e2vdb.ingest.labels import EMOTIONS
from e2vdb.store.store import Store
from e2vdb.store.tables import UTTERANCES

CALLS = 3_000_000
SECONDS_A_YEAR = 365 * 86_400


class Row(NamedTuple):
    """One line of the table: what, what is to be reached, what was measured."""

    what: str
    reach: str
    measured: str


def run() -> list[Row]:
    """Measure every line and return the rows."""
    with tempfile.TemporaryDirectory() as folder:
        return list(_rows(Path(folder)))


def _rows(folder: Path) -> Iterator[Row]:
    yield from trend_rows(folder)


def best_of(times: int, work: Callable[[], object]) -> float:
    """Return the shortest of several runs, in seconds."""
    found = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        found.append(time.perf_counter() - started)
    return min(found)


def write_calls(folder: Path, calls: int = CALLS) -> e2vdb.Database:
    """Write a database of calls with scores and metadata and, to save disk, tiny vectors."""
    db = e2vdb.connect(folder / "calls.lancedb")
    store = Store(db.address)
    store.create(4)
    rng = np.random.default_rng(0)
    schema = store.dataset(UTTERANCES).schema
    for start in range(0, calls, 500_000):
        rows = _call_rows(rng, start, min(500_000, calls - start), schema)
        lance.write_dataset(rows, db.address.table("utterances"), mode="append")
    ids = pa.array([f"call_{i}" for i in range(calls)])
    metadata = pa.table(
        {
            "utterance_id": ids,
            "output_dir": pa.nulls(calls, pa.string()),
            "agent": _picked(rng, [f"agent_{i:03d}" for i in range(200)], calls),
            "product": _picked(rng, [f"product_{i}" for i in range(12)], calls),
            "team": _picked(rng, [f"team_{i}" for i in range(8)], calls),
        }
    )
    lance.write_dataset(metadata, db.address.table("metadata"), mode="overwrite")
    return db


def _picked(rng: np.random.Generator, names: list[str], rows: int) -> pa.Array:
    return pa.array(names).take(pa.array(rng.integers(len(names), size=rows)))


def _call_rows(rng: np.random.Generator, start: int, rows: int, schema: pa.Schema) -> pa.Table:
    scores = rng.dirichlet(np.ones(9) * 0.3, rows).astype(np.float32)
    moments = np.datetime64("2024-01-01", "us") + (
        np.sort(rng.integers(SECONDS_A_YEAR, size=rows)) * 1_000_000
    )
    values = {
        "utterance_id": pa.array([f"call_{i}" for i in range(start, start + rows)]),
        "recorded_at": pa.array(moments),
        "emotion": pa.array(EMOTIONS).take(pa.array(scores.argmax(axis=1))),
        **{emotion: pa.array(scores[:, i]) for i, emotion in enumerate(EMOTIONS)},
    }
    return pa.table(
        [values.get(field.name, pa.nulls(rows, field.type)) for field in schema], schema=schema
    )


def hand_written(dimension: str) -> str:
    """Return the trend as an analyst would write it over a table of calls."""
    member = "" if dimension == "all" else f", {dimension}"
    shares = ", ".join(f"avg((emotion = '{one}')::INT), avg({one})" for one in EMOTIONS)
    return (
        f"SELECT date_trunc('week', at_) AS week{member}, count(*), avg(negative::INT), {shares} "
        f"FROM native GROUP BY ALL ORDER BY ALL"
    )


def trend_rows(folder: Path) -> Iterator[Row]:
    """Compare each trend macro with hand-written SQL on a table of DuckDB's own."""
    with write_calls(folder) as db, duckdb.connect() as native:
        relation = db.sql('SELECT *, "at" AS at_ FROM calls')
        assert relation is not None
        reader = relation.to_arrow_reader()
        native.execute("CREATE TABLE native AS FROM reader")
        del relation, reader
        macros = {
            "all": "emotion_trend()",
            "agent": "agent_trend()",
            "product": "product_trend()",
            "team": "team_trend()",
        }
        for dimension, macro in macros.items():
            ours = best_of(5, lambda macro=macro: _fetch(db, f"FROM {macro}"))
            query = hand_written(dimension)
            theirs = best_of(5, lambda query=query: native.sql(query).fetchall())
            yield Row(
                f"{macro} over {CALLS:,} calls, over hand-written SQL on a native table",
                "<= 2x",
                f"{ours / theirs:.2f}x ({1e3 * ours:.0f} ms / {1e3 * theirs:.0f} ms)",
            )


def _fetch(db: e2vdb.Database, query: str) -> int:
    relation = db.sql(query)
    assert relation is not None
    return len(relation.fetchall())


if __name__ == "__main__":
    for row in run():
        sys.stdout.write(" | ".join(row) + "\n")
