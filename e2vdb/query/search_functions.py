"""Search as SQL functions: whole batches of query vectors are answered together."""

from collections.abc import Callable
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from duckdb.func import FunctionNullHandling

from e2vdb.errors import UsageError
from e2vdb.query.registry import put_batched, put_function
from e2vdb.query.search import SHOWN, Searcher, State
from e2vdb.similarity.exact import Neighbors
from e2vdb.similarity.sketch import Doubles

HIT = (
    'STRUCT(utterance_id VARCHAR, similarity DOUBLE, "at" TIMESTAMP, agent VARCHAR, '
    "customer VARCHAR, product VARCHAR, team VARCHAR, emotion VARCHAR, confidence FLOAT)[]"
)
AGENTS = "STRUCT(agent VARCHAR, similarity DOUBLE, calls BIGINT)[]"
_HIT_TYPE = pa.struct(
    [
        ("utterance_id", pa.string()),
        ("similarity", pa.float64()),
        ("at", pa.timestamp("us")),
        *[(name, pa.string()) for name in SHOWN[1:-1]],
        ("confidence", pa.float32()),
    ]
)


def register_search(connection: duckdb.DuckDBPyConnection, searcher: Searcher) -> None:
    """Add the functions that the macros of `sql/` build on, and `e2v_embedding`."""

    def search(vectors: pa.Array, ks: pa.Array, filters: pa.Array, modes: pa.Array) -> pa.Array:
        return _search(searcher, vectors, ks, filters, modes)

    def within(vectors: pa.Array, leasts: pa.Array) -> pa.Array:
        return _within(searcher, vectors, leasts)

    def embedding(utterance_id: str | None) -> list[float] | None:
        if utterance_id is None:
            raise UsageError("The utterance id is NULL.")
        vector = searcher.vector(utterance_id)
        return None if vector is None else vector.tolist()

    batched: dict[str, tuple[Callable[..., pa.Array], list[Any]]] = {
        "_e2v_search": (search, ["FLOAT[]", "INTEGER", "VARCHAR", "VARCHAR"]),
        "_e2v_within": (within, ["FLOAT[]", "DOUBLE"]),
    }
    for name, (function, parameters) in batched.items():
        put_batched(
            connection,
            name,
            function,
            parameters,
            HIT,
            side_effects=True,  # else folded while planning, before the statement's snapshot
        )

    def agents(agent: str, k: int) -> list[dict[str, object]]:
        return [
            {"agent": name, "similarity": cosine, "calls": calls}
            for name, cosine, calls in searcher.agents(agent, k)
        ]

    put_function(
        connection, "_e2v_agents", agents, ["VARCHAR", "INTEGER"], AGENTS, side_effects=True
    )
    put_function(
        connection,
        "e2v_embedding",
        embedding,
        ["VARCHAR"],
        "FLOAT[]",
        null_handling=FunctionNullHandling.SPECIAL,
        side_effects=True,
    )


def _search(
    searcher: Searcher, vectors: pa.Array, ks: pa.Array, filters: pa.Array, modes: pa.Array
) -> pa.Array:
    """Answer a batch: rows that ask alike (same k, filter and mode) are searched together."""
    if not len(searcher):
        return _lists([_NOTHING] * len(vectors), None)
    asked = list(zip(*(_values(one) for one in (ks, filters, modes)), strict=True))
    answers: list[Neighbors] = [_NOTHING] * len(asked)
    state: State | None = None
    for k, filter, mode in dict.fromkeys(asked):
        if k is None or mode is None:
            raise UsageError("k and mode must not be NULL.")
        alike = [row for row, one in enumerate(asked) if one == (k, filter, mode)]
        queries = _matrix(vectors, alike)
        found, _, state = searcher.search(queries, k, filter, mode)
        for row, one in zip(alike, found, strict=True):
            answers[row] = one
    return _lists(answers, state)


def _within(searcher: Searcher, vectors: pa.Array, leasts: pa.Array) -> pa.Array:
    if not len(searcher):
        return _lists([_NOTHING] * len(vectors), None)
    answers: list[Neighbors] = []
    state: State | None = None
    for row, least in enumerate(_values(leasts)):
        if least is None:
            raise UsageError("The least similarity must not be NULL.")
        found, state = searcher.within(_matrix(vectors, [row])[0], least)
        answers.append(found)
    return _lists(answers, state)


_NOTHING = Neighbors(np.zeros(0, np.int64), np.zeros(0), 0)


def _values(column: pa.Array | pa.ChunkedArray) -> list:  # type: ignore[type-arg]
    values: list = column.to_pylist()  # type: ignore[type-arg]
    return values


def _matrix(vectors: pa.Array | pa.ChunkedArray, rows: list[int]) -> Doubles:
    """Return some rows of a column of lists as (m, D) float64."""
    column = vectors.combine_chunks() if isinstance(vectors, pa.ChunkedArray) else vectors
    taken = column.take(pa.array(rows))
    if taken.null_count:
        raise UsageError("The vector is NULL; leave out calls without one (embedding IS NOT NULL).")
    lengths = set(taken.value_lengths().to_pylist())
    if len(lengths) > 1:
        raise UsageError(f"The vectors differ in length: {sorted(lengths)[:4]}.")
    values = taken.flatten().to_numpy(zero_copy_only=False)
    queries: Doubles = values.astype(np.float64).reshape(len(rows), -1)
    return queries


def _lists(answers: list[Neighbors], state: State | None) -> pa.Array:
    """Return one list of hits an answer."""
    rows = np.concatenate([one.rows for one in answers]) if answers else np.zeros(0, np.int64)
    offsets = np.cumsum([0, *[len(one.rows) for one in answers]]).astype(np.int32)
    if state is None or not len(rows):
        empty = pa.array([], _HIT_TYPE)
        return pa.ListArray.from_arrays(pa.array(offsets), empty)
    similarities = np.concatenate([one.similarities for one in answers])
    utterance_id, *shown = Searcher.columns(state, rows, ("utterance_id", *SHOWN))
    hits = pa.StructArray.from_arrays(
        [utterance_id, pa.array(similarities), *shown], fields=list(_HIT_TYPE)
    )
    return pa.ListArray.from_arrays(pa.array(offsets), hits)
