"""Clusters, trends and change points, each figure beside its yardstick."""

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import lance
import numpy as np
import pyarrow as pa

import e2vdb
from benchmarks.report import Row
from e2vdb.distill.distiller import read_distiller
from e2vdb.ingest.labels import EMOTIONS
from e2vdb.store.store import Store
from e2vdb.store.tables import DISTILLERS, FRAMES, UTTERANCES

CALLS = 3_000_000
VECTORS = 300_000
FRAME_ROWS = 90_000
SECONDS_A_YEAR = 365 * 86_400


def run() -> list[Row]:
    """Measure every line and return the rows."""
    with tempfile.TemporaryDirectory() as folder:
        return list(_rows(Path(folder)))


def _rows(folder: Path) -> Iterator[Row]:
    yield from trend_rows(folder)
    yield cluster_row(folder)
    yield from change_point_rows(folder)


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
    ids = [f"call_{i}" for i in range(start, start + rows)]
    labels = pa.array(EMOTIONS).take(pa.array(scores.argmax(axis=1)))
    values = {
        "utterance_id": pa.array(ids),
        "source_dir": pa.array([f"/data/outputs/{one}" for one in ids]),
        "recorded_at": pa.array(moments),
        "recognized_at": pa.array(moments),
        "emotion": labels,
        "emotion_raw": labels,
        "confidence": pa.array(scores.max(axis=1)),
        "norm": pa.array(rng.normal(19.5, 1, rows).astype(np.float32)),
        "warnings": pa.array([[]] * rows, pa.list_(pa.string())),
        "content_hash": pa.array([f"{one:032x}" for one in range(start, start + rows)]),
        "ingested_at": pa.array(moments).cast(pa.timestamp("us", tz="UTC")),
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
                f"{ours / theirs:.2f}x ({1e3 * ours:.0f} ms / {1e3 * theirs:.0f} ms)",
                "<= 2x",
                ours <= 2 * theirs,
            )


def _fetch(db: e2vdb.Database, query: str) -> int:
    relation = db.sql(query)
    assert relation is not None
    return len(relation.fetchall())


def write_vectors(folder: Path, rows: int = VECTORS) -> tuple[e2vdb.Database, np.ndarray]:
    """Write a database of clustered 1024-dimensional embeddings; return it and unit vectors."""
    db = e2vdb.connect(folder / "vectors.lancedb")
    store = Store(db.address)
    store.create(1024)
    rng = np.random.default_rng(0)
    basis = rng.standard_normal((60, 1024)).astype(np.float32) / 32
    centres = rng.standard_normal((200, 60)).astype(np.float32)
    schema = store.dataset(UTTERANCES).schema
    blocks = []
    for start in range(0, rows, 50_000):
        n = min(50_000, rows - start)
        points = centres[rng.integers(200, size=n)] + 0.8 * rng.standard_normal((n, 60))
        vectors = points.astype(np.float32) @ basis
        vectors += 0.014 * rng.standard_normal((n, 1024), dtype=np.float32)
        vectors *= 19.5 / np.linalg.norm(vectors, axis=1, keepdims=True)
        ids = [f"call_{i:06d}" for i in range(start, start + n)]
        values = {
            "utterance_id": pa.array(ids),
            "content_hash": pa.array(ids),
            "norm": pa.array(np.full(n, 19.5, np.float32)),
            "embedding": pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), 1024),
        }
        block = pa.table(
            [values.get(field.name, pa.nulls(n, field.type)) for field in schema], schema=schema
        )
        lance.write_dataset(block, db.address.table("utterances"), mode="append")
        blocks.append(vectors / 19.5)
    db.distill()
    return db, np.concatenate(blocks)


def inertia(points: np.ndarray, assigned: np.ndarray) -> float:
    """Return the summed squared distances to the clusters' means, in the points' dimensions."""
    total = 0.0
    for one in np.unique(assigned):
        own = points[assigned == one]
        total += float(((own - own.mean(axis=0)) ** 2).sum(dtype=np.float64))
    return total


def cluster_row(folder: Path) -> Row:
    """Compare `e2vdb cluster --k 50` with scikit-learn's k-means on the full embeddings."""
    from sklearn.cluster import KMeans

    db, points = write_vectors(folder)
    with db:
        ours = best_of(1, lambda: db.cluster("bench", 50))
        relation = db.sql("SELECT cluster FROM clusters ORDER BY utterance_id")
        assert relation is not None
        assigned = relation.to_arrow_table()["cluster"].to_numpy()
        del relation
    started = time.perf_counter()
    theirs = KMeans(50, n_init=1, random_state=42).fit(points)
    elapsed = time.perf_counter() - started
    change = inertia(points, assigned) / theirs.inertia_ - 1
    return Row(
        f"k-means, k = 50, {len(points):,} rows, over scikit-learn on full embeddings",
        f"{elapsed / ours:.1f}x ({ours:.1f} s / {elapsed:.1f} s), inertia {change:+.2%}",
        ">= 10x, inertia within 1 %",
        elapsed >= 10 * ours and change <= 0.01,
    )


def change_point_rows(folder: Path) -> Iterator[Row]:
    """Compare `change_points` on a call of half an hour with reading that call's frames."""
    db = e2vdb.connect(folder / "vectors.lancedb")
    rng = np.random.default_rng(1)
    store = Store(db.address)
    schema = store.dataset(FRAMES).schema
    distiller = read_distiller(store.dataset(DISTILLERS))
    assert distiller is not None
    moods = rng.standard_normal((12, 1024)).astype(np.float32)
    for start in range(0, FRAME_ROWS, 7_500):
        vectors = moods[start // 7_500] + rng.standard_normal((7_500, 1024), dtype=np.float32)
        half = vectors.astype(np.float16)
        values = {
            "utterance_id": pa.array(["long"] * 7_500),
            "frame_index": pa.array(np.arange(start, start + 7_500, dtype=np.int32)),
            "start_s": pa.array(np.arange(start, start + 7_500) * 0.02),
            "embedding": pa.FixedSizeListArray.from_arrays(pa.array(half.ravel()), 1024),
            "distance": pa.array(np.zeros(7_500, np.float32)),
            "distilled": pa.FixedSizeListArray.from_arrays(
                pa.array(distiller.apply(vectors).ravel()), distiller.dimensions
            ),
        }
        block = pa.table(
            [values.get(field.name, pa.nulls(7_500, field.type)) for field in schema],
            schema=schema,
        )
        lance.write_dataset(block, db.address.table("frames"), mode="append")
    with db:
        _fetch(db, "FROM change_points('nobody')")  # the library's import is paid once
        path = db.address.table("frames")
        reading = best_of(3, lambda: lance.dataset(path).to_table(filter="utterance_id = 'long'"))
        ours = best_of(3, lambda: _fetch(db, "FROM change_points('long')"))
        segments = _fetch(db, "FROM change_points('long')")
        held = 4 * FRAME_ROWS * distiller.dimensions
    yield Row(
        f"change_points on a call of {FRAME_ROWS:,} frames, over reading its frames",
        f"{ours / reading:.2f}x ({1e3 * ours:.0f} ms / {1e3 * reading:.0f} ms), "
        f"{segments} segments of 12 planted, {held / 1e6:.0f} MB of distilled frames held",
        "<= 3x, bounded memory",
        ours <= 3 * reading,
    )
