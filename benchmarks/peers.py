"""Other vector stores on the same vectors; run by `similarity.py` in an environment of its own.

Prints one JSON line a store: from ingest to first answer, build time within it, latency, recall.
"""

import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

K = 10
Search = Callable[[np.ndarray], list[int]]


def main(folder: Path) -> None:
    """Measure each store that is installed; one that fails is said to have failed."""
    vectors = np.load(folder / "vectors.npy")
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    asked = np.load(folder / "queries.npy")
    truth = [set(np.argpartition(-(vectors @ one), K)[:K].tolist()) for one in asked]
    for name, open_store in STORES.items():
        try:
            print(json.dumps(_measure(name, open_store, vectors, asked, truth)), flush=True)
        except Exception as error:  # a store that cannot run here must not hide the others
            print(json.dumps({"what": f"{name}: cannot run", "measured": str(error)[:90]}))
    print(json.dumps(_faiss_many(vectors, np.load(folder / "many.npy"))), flush=True)


def _measure(
    name: str,
    open_store: Callable[[np.ndarray], Iterator[Search]],
    vectors: np.ndarray,
    asked: np.ndarray,
    truth: list[set[int]],
) -> dict[str, Any]:
    started = time.perf_counter()
    store = open_store(vectors)
    search = next(store)
    search(asked[0])
    first = time.perf_counter() - started
    seconds, hits = [], []
    for one, best in zip(asked, truth, strict=True):
        begun = time.perf_counter()
        found = search(one)
        seconds.append(time.perf_counter() - begun)
        hits.append(len(set(found) & best) / K)
    store.close()  # type: ignore[attr-defined]
    milliseconds = float(np.median(seconds[2:])) * 1e3
    measured = f"{milliseconds:.1f} ms, recall@{K} {np.mean(hits):.3f}, first answer {first:.0f} s"
    return {"what": f"{name}: latency, ingest to first answer", "measured": measured}


def _faiss_many(vectors: np.ndarray, asked: np.ndarray) -> dict[str, Any]:
    import faiss

    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    started = time.perf_counter()
    index.search(asked, K)
    measured = f"{time.perf_counter() - started:.1f} s"
    return {"what": f"FAISS IndexFlatIP: {len(asked):,} queries at once", "measured": measured}


def _faiss(vectors: np.ndarray) -> Iterator[Search]:
    import faiss

    index = faiss.IndexHNSWFlat(vectors.shape[1], 16, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction, index.hnsw.efSearch = 100, 100
    index.add(vectors)
    yield lambda one: index.search(one[None, :], K)[1][0].tolist()


def _hnswlib(vectors: np.ndarray) -> Iterator[Search]:
    import hnswlib

    index = hnswlib.Index("ip", vectors.shape[1])
    index.init_index(len(vectors), ef_construction=100, M=16)
    index.add_items(vectors)
    index.set_ef(100)
    yield lambda one: index.knn_query(one, K)[0][0].tolist()


def _vss(vectors: np.ndarray) -> Iterator[Search]:
    import duckdb
    import duckdb_extension_vss
    import pyarrow as pa

    packed = Path(duckdb_extension_vss.__file__).parent
    extension = next(packed.rglob("vss.duckdb_extension*"))
    width = vectors.shape[1]
    with duckdb.connect() as connection:
        connection.execute(f"LOAD '{extension}'")
        connection.execute(f"CREATE TABLE voices (id INTEGER, v FLOAT[{width}])")
        ids = pa.array(np.arange(len(vectors)))
        column = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), width)
        connection.register("rows", pa.table([ids, column], names=["id", "v"]))
        connection.execute("INSERT INTO voices FROM rows")
        connection.execute("CREATE INDEX near ON voices USING HNSW (v) WITH (metric = 'cosine')")
        query = (
            f"SELECT id FROM voices ORDER BY array_cosine_distance(v, ?::FLOAT[{width}]) LIMIT {K}"
        )
        yield lambda one: [row[0] for row in connection.execute(query, [one.tolist()]).fetchall()]


def _sqlite_vec(vectors: np.ndarray) -> Iterator[Search]:
    import sqlite_vec

    connection = sqlite3.connect(":memory:")
    connection.enable_load_extension(True)
    sqlite_vec.load(connection)
    width = vectors.shape[1]
    connection.execute(f"CREATE VIRTUAL TABLE voices USING vec0(v float[{width}])")
    rows = ((row, one.tobytes()) for row, one in enumerate(vectors))
    connection.executemany("INSERT INTO voices(rowid, v) VALUES (?, ?)", rows)
    query = f"SELECT rowid FROM voices WHERE v MATCH ? AND k = {K}"
    yield lambda one: [row[0] for row in connection.execute(query, [one.tobytes()])]
    connection.close()


def _pgvector(vectors: np.ndarray) -> Iterator[Search]:
    import pgserver
    import psycopg

    with tempfile.TemporaryDirectory() as folder:
        server = pgserver.get_server(folder, cleanup_mode="stop")
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute("CREATE EXTENSION vector")
            width = vectors.shape[1]
            connection.execute(f"CREATE TABLE voices (id integer, v vector({width}))")
            copy = "COPY voices (id, v) FROM STDIN"
            with connection.cursor().copy(copy) as rows:
                for row, one in enumerate(vectors):
                    rows.write_row((row, str(one.tolist())))
            connection.execute("SET maintenance_work_mem = '4GB'")
            connection.execute("CREATE INDEX ON voices USING hnsw (v vector_ip_ops)")
            connection.execute("SET hnsw.ef_search = 100")
            query = f"SELECT id FROM voices ORDER BY v <#> %s::vector LIMIT {K}"
            yield lambda one: [
                row[0] for row in connection.execute(query, [str(one.tolist())]).fetchall()
            ]
        server.cleanup()


STORES: dict[str, Callable[[np.ndarray], Iterator[Search]]] = {
    "FAISS HNSW in memory": _faiss,
    "hnswlib in memory": _hnswlib,
    "DuckDB-VSS": _vss,
    "sqlite-vec": _sqlite_vec,
    "pgvector": _pgvector,
}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
