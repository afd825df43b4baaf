"""Other vector stores on the same vectors; run by `similarity.py` in an environment of its own.

Prints one JSON line a store: latency at the least search effort that reaches the recall, and
the time from ingest to the first answer.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

K = 10
RECALL = 0.99
EFFORTS = (100, 200, 400, 800, 1600)
"""Search efforts (`ef`) tried in turn."""

Search = Callable[[np.ndarray], list[int]]
Tune = Callable[[int], Search]
"""Gives the search at an effort; a store that searches exactly ignores it."""


def main(folder: Path, *names: str) -> None:
    """Measure each store, or those named; one that fails is said to have failed."""
    vectors = np.load(folder / "vectors.npy")
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    asked = np.load(folder / "queries.npy")
    truth = [set(np.argpartition(-(vectors @ one), K)[:K].tolist()) for one in asked]
    for name, open_store in STORES.items():
        if names and name not in names:
            continue
        try:
            print(json.dumps(_measure(name, open_store, vectors, asked, truth)), flush=True)
        except Exception as error:  # a store that cannot run here must not hide the others
            print(json.dumps({"what": f"{name}: cannot run", "measured": str(error)[:90]}))
    print(json.dumps(_faiss_many(vectors, np.load(folder / "many.npy"))), flush=True)


def _measure(
    name: str,
    open_store: Callable[[np.ndarray], Iterator[Tune]],
    vectors: np.ndarray,
    asked: np.ndarray,
    truth: list[set[int]],
) -> dict[str, Any]:
    started = time.perf_counter()
    store = open_store(vectors)
    tune = next(store)
    tune(EFFORTS[0])(asked[0])
    first = time.perf_counter() - started
    for effort in EFFORTS:
        milliseconds, recall = _ask(tune(effort), asked, truth)
        if recall >= RECALL:
            break
    store.close()  # type: ignore[attr-defined]
    measured = f"{milliseconds:.1f} ms, recall@{K} {recall:.3f} (effort {effort})"
    what = f"{name}: latency, from ingest to first answer"
    return {"what": what, "measured": f"{measured}, {first:.0f} s"}


def _ask(search: Search, asked: np.ndarray, truth: list[set[int]]) -> tuple[float, float]:
    """Return the median milliseconds of a question and the recall."""
    seconds, hits = [], []
    for one, best in zip(asked, truth, strict=True):
        begun = time.perf_counter()
        found = search(one)
        seconds.append(time.perf_counter() - begun)
        hits.append(len(set(found) & best) / K)
    return float(np.median(seconds[2:])) * 1e3, float(np.mean(hits))


def _faiss_many(vectors: np.ndarray, asked: np.ndarray) -> dict[str, Any]:
    import faiss

    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    started = time.perf_counter()
    index.search(asked, K)
    measured = f"{time.perf_counter() - started:.1f} s"
    return {"what": f"FAISS IndexFlatIP: {len(asked):,} queries at once", "measured": measured}


def _faiss(vectors: np.ndarray) -> Iterator[Tune]:
    import faiss

    index = faiss.IndexHNSWFlat(vectors.shape[1], 16, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = 100
    index.add(vectors)

    def tune(effort: int) -> Search:
        index.hnsw.efSearch = effort
        return lambda one: index.search(one[None, :], K)[1][0].tolist()

    yield tune


def _hnswlib(vectors: np.ndarray) -> Iterator[Tune]:
    import hnswlib

    index = hnswlib.Index("ip", vectors.shape[1])
    index.init_index(len(vectors), ef_construction=100, M=16)
    index.add_items(vectors)

    def tune(effort: int) -> Search:
        index.set_ef(effort)
        return lambda one: index.knn_query(one, K)[0][0].tolist()

    yield tune


def _vss(vectors: np.ndarray) -> Iterator[Tune]:
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

        def search(one: np.ndarray) -> list[int]:
            # A bound parameter would leave the index unused.
            vector = f"{one.tolist()}::FLOAT[{width}]"
            order = f"ORDER BY array_cosine_distance(v, {vector}) LIMIT {K}"
            found = connection.execute(f"SELECT id FROM voices {order}").fetchall()
            return [row[0] for row in found]

        def tune(effort: int) -> Search:
            connection.execute(f"SET hnsw_ef_search = {effort}")
            return search

        yield tune


def _sqlite_vec(vectors: np.ndarray) -> Iterator[Tune]:
    import apsw  # Python's own sqlite3 is often built without extensions
    import sqlite_vec

    with tempfile.TemporaryDirectory() as folder:
        connection = apsw.Connection(f"{folder}/voices.sqlite")
        connection.enable_load_extension(True)
        connection.load_extension(sqlite_vec.loadable_path())
        width = vectors.shape[1]
        connection.execute(f"CREATE VIRTUAL TABLE voices USING vec0(v float[{width}])")
        rows = ((row, one.tobytes()) for row, one in enumerate(vectors))
        with connection:
            connection.executemany("INSERT INTO voices(rowid, v) VALUES (?, ?)", rows)
        query = f"SELECT rowid FROM voices WHERE v MATCH ? AND k = {K}"
        yield lambda _: lambda one: [row[0] for row in connection.execute(query, [one.tobytes()])]
        connection.close()


def _pgvector(vectors: np.ndarray) -> Iterator[Tune]:
    import pgserver
    import psycopg
    from pgvector.psycopg import register_vector

    with tempfile.TemporaryDirectory() as folder:
        server = pgserver.get_server(folder, cleanup_mode="stop")
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute("CREATE EXTENSION vector")
            register_vector(connection)
            width = vectors.shape[1]
            connection.execute(f"CREATE TABLE voices (id integer, v vector({width}))")
            copy = "COPY voices (id, v) FROM STDIN WITH (FORMAT BINARY)"
            with connection.cursor().copy(copy) as rows:
                rows.set_types(["int4", "vector"])
                for row, one in enumerate(vectors):
                    rows.write_row((row, one))
            connection.execute("SET maintenance_work_mem = '4GB'")
            connection.execute("CREATE INDEX ON voices USING hnsw (v vector_ip_ops)")
            query = f"SELECT id FROM voices ORDER BY v <#> %s LIMIT {K}"

            def tune(effort: int) -> Search:
                # pgvector's largest effort is 1000
                connection.execute(f"SET hnsw.ef_search = {min(effort, 1000)}")
                return lambda one: [row[0] for row in connection.execute(query, [one]).fetchall()]

            yield tune
        server.cleanup()


def _chroma(vectors: np.ndarray) -> Iterator[Tune]:
    import chromadb

    with tempfile.TemporaryDirectory() as folder:
        settings = chromadb.Settings(anonymized_telemetry=False)
        client = chromadb.PersistentClient(folder, settings)
        # An effort set later does not reach an index that is open.
        hnsw = {"space": "cosine", "ef_construction": 100, "ef_search": 400}
        voices = client.create_collection(
            "voices", configuration={"hnsw": hnsw}, embedding_function=None
        )
        for start in range(0, len(vectors), 5_000):
            part = vectors[start : start + 5_000]
            voices.add([str(start + row) for row in range(len(part))], embeddings=part)
        yield (
            lambda _: (
                lambda one: [
                    int(name)
                    for name in voices.query(query_embeddings=[one], n_results=K)["ids"][0]
                ]
            )
        )


STORES: dict[str, Callable[[np.ndarray], Iterator[Tune]]] = {
    "FAISS HNSW in memory": _faiss,
    "hnswlib in memory": _hnswlib,
    "DuckDB-VSS": _vss,
    "sqlite-vec": _sqlite_vec,
    "pgvector": _pgvector,
    "Chroma": _chroma,
}


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
