"""Search against LanceDB's own, against NumPy in memory, and against other vector stores.

The other stores run in an environment of their own (`make bench-peers`), for they want another
DuckDB; without it their rows are left out.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import lancedb
import numpy as np

import e2vdb
from benchmarks.memory import peak_bytes
from benchmarks.report import Row, say
from benchmarks.voices import embeddings, queries, write_voices
from e2vdb.database import Database
from e2vdb.similarity.ann import Effort

PEERS = Path(".venv-peers/bin/python")
K = 10
_QUERIES = 30
_MANY = 2_000
_NEIGHBORS_ROWS = 100_000


def run(rows: int = 300_000) -> list[Row]:
    """Measure exact, approximate and batched search on both spectra, and the neighbours job."""
    found: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("easy", "hard"):
            say(f"similarity: {rows:,} {kind} vectors")
            database = Path(folder) / f"{kind}.lancedb"
            vectors = embeddings(kind, rows)
            started = time.perf_counter()
            write_voices(database, vectors)
            written = time.perf_counter() - started
            with e2vdb.connect(database) as db:
                found += _exact(db, kind, vectors, written)
                if kind == "easy":
                    found += _approximate(db, vectors) + _many(db, vectors)
                    found += _peers(vectors, Path(folder))
        found += _neighbors(Path(folder), min(rows, _NEIGHBORS_ROWS))
    return found


def _median(ask: Callable[[np.ndarray], object], asked: np.ndarray) -> float:
    """Return the median milliseconds of a question, the first two left out."""
    seconds = []
    for one in asked:
        started = time.perf_counter()
        ask(one)
        seconds.append(time.perf_counter() - started)
    return float(np.median(seconds[2:])) * 1e3


def _truth(vectors: np.ndarray, asked: np.ndarray) -> list[set[int]]:
    lengths = np.linalg.norm(vectors, axis=1)
    return [set(np.argpartition(-(vectors @ one) / lengths, K)[:K].tolist()) for one in asked]


def _sql(db: Database, mode: str) -> Callable[[np.ndarray], list[int]]:
    def ask(one: np.ndarray) -> list[int]:
        query = f"SELECT utterance_id FROM similar_to($v, k := {K}, mode := '{mode}')"
        relation = db.sql(query, {"v": one.tolist()})
        assert relation is not None
        return [int(name[1:]) for (name,) in relation.fetchall()]

    return ask


def _exact(db: Database, kind: str, vectors: np.ndarray, written: float) -> list[Row]:
    asked = queries(vectors, _QUERIES)
    ask = _sql(db, "exact")
    started = time.perf_counter()
    ask(asked[0])
    first = time.perf_counter() - started
    ours = _median(ask, asked)
    table = lancedb.connect(db.address.uri).open_table("utterances")
    lengths = np.linalg.norm(vectors, axis=1)
    flat = _median(
        lambda one: table.search(one).metric("cosine").bypass_vector_index().limit(K).to_arrow(),
        asked[:8],
    )
    product = _median(lambda one: np.argpartition(-(vectors @ one) / lengths, K)[:K], asked)
    hits = [set(ask(one)) == best for one, best in zip(asked, _truth(vectors, asked), strict=True)]
    least = 40 if kind == "easy" else 10
    rows = [
        Row(
            f"exact top {K} through SQL ({kind}), LanceDB's flat search over it",
            f"{ours:.1f} ms against {flat:.0f} ms: {flat / ours:.0f}x; recall {np.mean(hits):.3f}",
            f">= {least}x, recall 1",
            flat / ours >= least and all(hits),
        ),
        Row(
            f"from vectors to first answer ({kind}): commits, distiller, local cache",
            f"{written:.1f} + {first:.1f} s",
        ),
    ]
    against = f"{ours:.1f} ms against {product:.1f} ms: {ours / product:.2f}x"
    reach, met = ("<= 1x", ours <= product) if kind == "easy" else ("", None)
    what = f"exact top {K} through SQL ({kind}), over a NumPy product in memory"
    return [*rows, Row(what, against, reach, met)]


def _approximate(db: Database, vectors: np.ndarray) -> list[Row]:
    started = time.perf_counter()
    db.build_index()
    built = time.perf_counter() - started
    asked = queries(vectors, _QUERIES)
    effort = Effort()
    ask = _sql(db, "ann")
    ours = _median(ask, asked)
    best = _truth(vectors, asked)
    hits = np.mean([len(set(ask(one)) & true) / K for one, true in zip(asked, best, strict=True)])
    table = lancedb.connect(db.address.uri).open_table("utterances")

    def theirs(one: np.ndarray) -> object:
        search = table.search(one).metric("cosine").nprobes(effort.nprobes)
        return search.refine_factor(effort.refine_factor).limit(K).to_arrow()

    other = _median(theirs, asked)
    return [
        Row(
            "ann through SQL, over LanceDB's Python search, same effort",
            f"{ours:.1f} ms against {other:.1f} ms: {ours / other:.2f}x, recall@{K} {hits:.3f}",
            "<= 1.5x",
            ours <= 1.5 * other,
        ),
        Row("index built", f"{built:.1f} s"),
    ]


def _many(db: Database, vectors: np.ndarray) -> list[Row]:
    asked = queries(vectors, _MANY)
    table = f"CREATE OR REPLACE TEMP TABLE asked AS SELECT embedding FROM utterances LIMIT {_MANY}"
    db.sql(table)
    started = time.perf_counter()
    relation = db.sql(f"SELECT count(*) FROM asked, unnest(e2v_search(embedding, {K})) AS t(hit)")
    assert relation is not None
    relation.fetchall()
    together = time.perf_counter() - started
    alone = _median(_sql(db, "exact"), asked[:100]) * _MANY / 1e3
    return [
        Row(
            f"{_MANY:,} queries in one statement, {_MANY:,} statements over it",
            f"{together:.1f} s against {alone:.1f} s: {alone / together:.1f}x",
            ">= 10x",
            alone >= 10 * together,
        )
    ]


def _neighbors(folder: Path, rows: int) -> list[Row]:
    say(f"similarity: neighbours of {rows:,} calls")
    database = folder / "neighbors.lancedb"
    vectors = embeddings("easy", rows)
    write_voices(database, vectors)
    command = [sys.executable, "-m", "e2vdb", "--db", str(database), "neighbors", "--k", str(K)]
    started = time.perf_counter()
    peak = peak_bytes(command)
    ours = time.perf_counter() - started
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    started = time.perf_counter()
    for start in range(0, rows, 512):
        np.argpartition(units[start : start + 512] @ units.T, -K - 1, axis=1)
    brute = time.perf_counter() - started
    return [
        Row(
            f"neighbors of {rows:,} calls, over blocked NumPy brute force",
            f"{ours:.0f} s against {brute:.0f} s: {ours / brute:.2f}x",
            "<= 2x",
            ours <= 2 * brute,
        ),
        Row(
            "the same: peak memory, start of the command and local cache included",
            "not measured here" if peak is None else f"{peak / 1e9:.2f} GB",
            "<= 2 GB",
            None if peak is None else peak <= 2e9,
        ),
    ]


def _peers(vectors: np.ndarray, folder: Path) -> list[Row]:
    """Run the other stores, each on the same vectors, in their own environment."""
    if not PEERS.exists():
        say("similarity: no .venv-peers, other stores left out (make bench-peers)")
        return []
    np.save(folder / "vectors.npy", vectors)
    np.save(folder / "queries.npy", queries(vectors, _QUERIES))
    np.save(folder / "many.npy", queries(vectors, _MANY))
    command = [str(PEERS), "benchmarks/peers.py", str(folder)]
    output = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return [Row(**json.loads(line)) for line in output.splitlines() if line.startswith("{")]
