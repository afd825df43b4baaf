"""Publishing a million calls, and a dashboard on what was published, each beside DuckDB's own."""

import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import duckdb
import numpy as np
import pyarrow as pa

import e2vdb
from benchmarks.analysis import best_of, write_calls
from benchmarks.memory import peak_bytes
from benchmarks.report import Row, say
from e2vdb.store.commits import overwrite
from e2vdb.store.store import Store
from e2vdb.store.tables import CENTROIDS_TABLE, CLUSTERS_TABLE

CALLS = 1_000_000
RUNS = 15
DASHBOARD = (
    "SELECT date_trunc('week', at_local) AS week, count(*), avg(negative::INT) FROM calls "
    "GROUP BY ALL ORDER BY ALL",
    "SELECT agent, count(*), avg(negative::INT) AS share FROM calls GROUP BY ALL "
    "ORDER BY share DESC LIMIT 20",
    "SELECT product, emotion, count(*) FROM calls GROUP BY ALL ORDER BY ALL",
    "SELECT team, date_trunc('month', at_local) AS month, avg(angry), avg(happy) FROM calls "
    "GROUP BY ALL ORDER BY ALL",
    "SELECT dayofweek(at_local) AS day, hour(at_local) AS hour, count(*) FROM calls "
    "GROUP BY ALL ORDER BY ALL",
    "SELECT cluster, count(*) FROM clusters WHERE name = 'bench' GROUP BY ALL ORDER BY ALL",
    "SELECT label, product, count(*) FROM clusters JOIN calls USING (utterance_id) "
    "GROUP BY ALL ORDER BY ALL",
    "SELECT count(*), avg(confidence), count(DISTINCT agent) FROM calls "
    "WHERE at_local >= '2024-11-01'",
    "SELECT utterance_id, at_local, emotion, confidence FROM calls WHERE agent = 'agent_007' "
    "AND negative ORDER BY at_local DESC, utterance_id LIMIT 50",
    "SELECT agent, sum(calls), max(negative_share) FROM trend_daily_agent "
    "WHERE bucket >= '2024-06-01' GROUP BY ALL ORDER BY ALL",
)
"""What a dashboard asks: trends, rankings, a heat map, shares, a drill-down."""


def measure(folder: Path, calls: int = CALLS) -> list[Row]:
    """Return the table's lines about publishing."""
    say(f"writing {calls:,} calls to publish …")
    return list(_rows(folder, calls))


def _rows(folder: Path, calls: int) -> Iterator[Row]:
    file, parquet = folder / "bi.duckdb", folder / "calls.parquet"
    with write_calls(folder, calls) as db:
        first = best_of(3, lambda: _anew(db, file))
        second = best_of(5, lambda: db.publish(file))
        with duckdb.connect(file, read_only=True) as published:
            published.execute(f"COPY calls TO '{parquet}'")
        theirs = best_of(3, lambda: create_table_as(folder / "native.duckdb", parquet))
        yield Row(
            f"publish of {calls:,} calls, over CREATE TABLE AS from Parquet of the same rows",
            f"{first / theirs:.2f}x ({first:.2f} s / {theirs:.2f} s)",
            "<= 3x",
            first <= 3 * theirs,
        )
        yield Row(
            "a second publish with nothing new, over the first",
            f"{second / first:.1%} ({1e3 * second:.0f} ms)",
            "<= 5 %",
            second <= 0.05 * first,
        )
        write_clusters(db, calls)
        command = [sys.executable, "-m", "e2vdb", "--db", str(db.address), "publish", str(file)]
        peak = peak_bytes(command)
        clustered = best_of(3, lambda: _anew(db, file))
        held = "" if peak is None else f", peak memory {peak / 1e6:,.0f} MB"
        yield Row(f"publish of {calls:,} calls, all clustered", f"{clustered:.2f} s{held}")
    hand_made(file, folder)
    yield dashboard_row(file, folder / "hand.duckdb")


def _anew(db: e2vdb.Database, file: Path) -> None:
    file.unlink(missing_ok=True)
    db.publish(file)


def write_clusters(db: e2vdb.Database, calls: int) -> None:
    """Give the calls a clustering, as `e2vdb cluster` would leave it."""
    store = Store(db.address)
    rng, now = np.random.default_rng(2), datetime(2024, 12, 31, tzinfo=UTC)
    schema = store.dataset(CLUSTERS_TABLE).schema
    values = {
        "name": pa.array(["bench"] * calls),
        "utterance_id": pa.array([f"call_{i}" for i in range(calls)]),
        "cluster": pa.array(rng.integers(8, size=calls).astype(np.int32)),
        "distance": pa.array(rng.random(calls, dtype=np.float32)),
        "fitted_at": pa.array([now] * calls, pa.timestamp("us", tz="UTC")),
        "content_hash": pa.nulls(calls, pa.string()),
    }
    overwrite(store, CLUSTERS_TABLE, pa.table(values, schema=schema), "benchmark")
    schema = store.dataset(CENTROIDS_TABLE).schema
    centroids = {
        "name": pa.array(["bench"] * 8),
        "cluster": pa.array(range(8), pa.int32()),
        "label": pa.array([f"kind {i}" for i in range(8)]),
        "centroid": pa.array(rng.random((8, 4)).tolist(), schema.field("centroid").type),
        "fitted_at": pa.array([now] * 8, pa.timestamp("us", tz="UTC")),
    }
    rows = pa.table(
        [centroids.get(field.name, pa.nulls(8, field.type)) for field in schema], schema=schema
    )
    overwrite(store, CENTROIDS_TABLE, rows, "benchmark")


def create_table_as(file: Path, parquet: Path) -> None:
    """Make a DuckDB file of a Parquet file, as one would by hand."""
    file.unlink(missing_ok=True)
    with duckdb.connect(file) as connection:
        connection.execute(f"CREATE TABLE calls AS FROM '{parquet}'")


def hand_made(published_file: Path, folder: Path) -> None:
    """Make a file of the same tables by hand, in the form DuckDB chooses by itself."""
    with (
        duckdb.connect(published_file, read_only=True) as published,
        duckdb.connect(folder / "hand.duckdb") as connection,
    ):
        for table in ("calls", "clusters", "trend_daily_agent"):
            file = folder / f"hand_{table}.parquet"
            published.execute(f"COPY {table} TO '{file}'")
            connection.execute(f"CREATE TABLE {table} AS FROM '{file}'")


def dashboard_row(published: Path, by_hand: Path) -> Row:
    """Time the ten queries of a dashboard on both files in turn; they must agree."""
    times: tuple[list[float], list[float]] = ([], [])
    with (
        duckdb.connect(published, read_only=True) as ours,
        duckdb.connect(by_hand, read_only=True) as theirs,
    ):
        for _ in range(RUNS):
            answers = [_timed(ours, times[0]), _timed(theirs, times[1])]
            assert answers[0] == answers[1]
    one, other = median(times[0]), median(times[1])
    return Row(
        "a dashboard's ten queries on the published file, over hand-made tables",
        f"{one / other:.2f}x ({1e3 * one:.0f} ms / {1e3 * other:.0f} ms)",
        "<= 1.2x",
        one <= 1.2 * other,
    )


def _timed(connection: duckdb.DuckDBPyConnection, times: list[float]) -> list[object]:
    started = time.perf_counter()
    answers = [connection.execute(query).fetchall() for query in DASHBOARD]
    times.append(time.perf_counter() - started)
    return [[row[:2] for row in answer] for answer in answers]
