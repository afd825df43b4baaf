"""Searching a snapshot: vectors in, rows with their narrow columns out."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from e2vdb.errors import UsageError
from e2vdb.loading.pool import default_workers
from e2vdb.query.calls import ROW, CallRows
from e2vdb.query.definitions import read_sql
from e2vdb.query.few_calls import filtered
from e2vdb.query.lockdown import locked_connection
from e2vdb.query.snapshot import Snapshot
from e2vdb.similarity.ann import Effort, has_index, search_index
from e2vdb.similarity.blocks import Block, BlockCache
from e2vdb.similarity.candidates import Rows
from e2vdb.similarity.exact import ExactSearch, Mask, Neighbors
from e2vdb.similarity.neighbors import NeighborsJob
from e2vdb.similarity.sketch import Basis, Doubles, make_basis
from e2vdb.store.address import Address
from e2vdb.store.store import Store

MODES = ("auto", "exact", "ann")
SHOWN = ("at", "agent", "customer", "product", "team", "emotion", "confidence")
"""Columns of `calls` that an answer shows, so that nobody joins them back by id."""

EXACT_BYTES_A_MS = 8e6
ANN_MS = 6.0
"""Measured (see benchmarks): sketch bytes that exact search reads in a millisecond on four
cores, and what a search of the index takes whatever the table's size."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class SearchAnswer:
    """The nearest calls, and how they were found.

    `mode` is exact or ann, `version` that of `utterances`, `rows` how many there were to search,
    `verified` how many were compared in full.
    """

    mode: str
    version: int
    rows: int
    verified: int
    table: pa.Table


@dataclass(frozen=True, slots=True)
class State:
    """Everything that belongs to one version of the tables; rows are numbered within it."""

    versions: tuple[int, int]
    snapshot: Snapshot
    calls: CallRows
    blocks: list[Block]
    exact: ExactSearch
    ids: pa.ChunkedArray
    filters: dict[str, Mask]
    means: dict[str, tuple[list[str], Doubles, Rows]]
    shown: list[pa.Table]


class Searcher:
    """Answers searches over whatever version its snapshot is at; safe to use from threads."""

    def __init__(self, address: Address, snapshot: Snapshot, calls: CallRows) -> None:
        self._snapshot = snapshot
        self._calls = calls
        self._cache = BlockCache(address)
        self._lock, self._batch = threading.Lock(), threading.Lock()
        self._now: State | None = None
        self.effort = Effort()

    def search(
        self, vectors: Doubles, k: int, filter: str | None = None, mode: str = "auto"
    ) -> tuple[list[Neighbors], str, State]:
        """Return the k nearest rows of each vector (m, D), the mode, and the state they are of.

        `filter` is SQL over `calls`, applied before. Ties are settled by utterance id. Raises
        `UsageError` for a mode, k, filter or vector that does not fit.
        """
        _check_mode(mode, k)
        state = self._state()
        units = unit_vectors(vectors, self._snapshot.dimension)
        mask = None if filter is None else self._mask(state, filter)
        used = self._choose(state, mode, mask, len(units))
        if used == "ann":
            dataset = state.snapshot["utterances"]
            found = [search_index(dataset, state.blocks, one, k, self.effort) for one in units]
        else:
            found = self._exact(state, units, k, mask)
        return [self._cut(state, one, k) for one in found], used, state

    def agents(self, agent: str, k: int) -> list[tuple[str, float, int]]:
        """Return the k agents nearest to one, as (agent, cosine of mean unit vectors, calls).

        Raises `UsageError` for an agent who has no call with a vector.
        """
        if k <= 0:
            raise UsageError(f"k must be at least 1, not {k}.")
        state = self._state()
        if not len(state.ids):
            return []
        if "agents" not in state.means:
            state.means["agents"] = _agent_means(state)
        names, means, counts = state.means["agents"]
        if agent not in names:
            raise UsageError(f"There is no agent {agent!r} with a call that has an embedding.")
        lengths = np.maximum(np.linalg.norm(means, axis=1), np.finfo(float).tiny)
        own = names.index(agent)
        cosines = np.clip(means @ means[own] / lengths / lengths[own], -1, 1)
        order = sorted(range(len(names)), key=lambda one: (-cosines[one], names[one]))
        others = [one for one in order if one != own][:k]
        return [(names[one], float(cosines[one]), int(counts[one])) for one in others]

    def within(self, vector: Doubles, least: float) -> tuple[Neighbors, State]:
        """Return every row whose cosine with the vector (D,) is at least `least`."""
        state = self._state()
        unit = unit_vectors(vector[None, :], self._snapshot.dimension)[0]
        found = state.exact.within(unit, least)
        return self._cut(state, found, len(found.rows)), state

    def vector(self, utterance_id: str) -> Doubles | None:
        """Return an utterance's embedding (D,), None in an empty database.

        Raises `UsageError` for an unknown id and for one without an embedding.
        """
        state = self._state()
        if not len(state.ids):
            return None
        row = pc.index(state.ids, pa.scalar(utterance_id)).as_py()
        if row < 0:
            raise UsageError(f"There is no utterance {utterance_id!r}.")
        if not state.exact.norms[row]:
            raise UsageError(f"The utterance {utterance_id!r} has no embedding.")
        return state.exact.vector(row).astype(np.float64)

    @staticmethod
    def columns(state: State, rows: Rows, names: Sequence[str]) -> list[pa.Array]:
        """Return columns of `calls` that an answer shows, for some rows."""
        if not state.shown:
            state.shown.append(_shown(state.calls))
        taken = state.shown[0].select(names).take(pa.array(rows, pa.int64()))
        return [column.combine_chunks() for column in taken.columns]

    def table(self, found: Neighbors, state: State) -> pa.Table:
        """Return found rows with the columns that an answer shows."""
        utterance_id, *shown = self.columns(state, found.rows, ("utterance_id", *SHOWN))
        columns = [utterance_id, pa.array(found.similarities), *shown]
        return pa.table(columns, names=["utterance_id", "similarity", *SHOWN])

    def neighbors_job(self, store: Store, k: int, report: Progress) -> NeighborsJob:
        """Return the job that brings `neighbors` up to date with this version."""
        if k <= 0:
            raise UsageError(f"k must be at least 1, not {k}.")
        state = self._state(report)
        hashes = state.calls.columns(["content_hash"])[0]
        return NeighborsJob(store, state.exact, state.ids, hashes, k, default_workers())

    def __len__(self) -> int:
        return len(self._state().exact)

    def _state(self, report: Progress = lambda _done, _total: None) -> State:
        with self._lock:
            tables = self._snapshot.frozen()
            versions = (tables["utterances"].version, tables["metadata"].version)
            if self._now is None or self._now.versions != versions:
                self._now = self._make_state(versions, tables, report)
            return self._now

    def _make_state(self, versions: tuple[int, int], tables: Snapshot, report: Progress) -> State:
        distiller = tables.distiller()
        calls = CallRows(tables, kept=self._calls)
        blocks = self._cache.read(tables["utterances"], distiller, report)
        basis: Basis = make_basis(distiller, tables.dimension)
        ids = calls.columns(["utterance_id"])[0]
        return State(versions, tables, calls, blocks, ExactSearch(blocks, basis), ids, {}, {}, [])

    def _exact(self, state: State, units: Doubles, k: int, mask: Mask | None) -> list[Neighbors]:
        if len(units) == 1:
            return state.exact.nearest(units, k, mask)
        # DuckDB calls from several threads at once; a batch uses all processors by itself.
        with self._batch:
            return state.exact.nearest(units, k, mask, default_workers())

    def _choose(self, state: State, mode: str, mask: Mask | None, queries: int) -> str:
        """Return how to search: with a filter or many queries exact search is the faster one."""
        if mode == "exact" or mask is not None or not has_index(state.snapshot["utterances"]):
            return "exact"
        if mode == "ann":
            return "ann"
        sketch_bytes = sum(block.sketch.nbytes for block in state.blocks)
        slower = sketch_bytes / EXACT_BYTES_A_MS > ANN_MS
        return "ann" if slower and queries == 1 else "exact"

    def _mask(self, state: State, filter: str) -> Mask:
        """Return which rows a filter keeps, asked of DuckDB over this very version."""
        if filter not in state.filters:
            if len(state.filters) > _FILTERS_KEPT:
                state.filters.clear()
            state.filters[filter] = _ask_filter(state.calls, filter, len(state.ids))
        return state.filters[filter]

    def _cut(self, state: State, found: Neighbors, k: int) -> Neighbors:
        """Settle ties by utterance id and keep k rows."""
        if len(found.rows) < 2 or (np.diff(found.similarities) < 0).all():
            return Neighbors(found.rows[:k], found.similarities[:k], found.verified)
        ids = np.array(state.ids.take(pa.array(found.rows)).to_pylist(), dtype=object)
        order = np.array(
            sorted(range(len(ids)), key=lambda one: (-found.similarities[one], ids[one]))[:k]
        )
        return Neighbors(found.rows[order], found.similarities[order], found.verified)


EMPTY_ANSWER = pa.table(
    {"utterance_id": pa.array([], pa.string()), "similarity": pa.array([], pa.float64())}
)
_FILTERS_KEPT = 64
_MOMENTS = ("called_at", "recorded_at", "recognized_at")  # the first there is, as in the view
_STORED = ("utterance_id", *_MOMENTS, *SHOWN[1:])


def _shown(calls: CallRows) -> pa.Table:
    """Return the columns that answers show, in one piece: taking rows of many costs more."""
    found = pa.table(calls.columns(_STORED), names=_STORED)
    at = pc.coalesce(*(found[name] for name in _MOMENTS))
    return found.drop_columns(list(_MOMENTS)).append_column("at", at).combine_chunks()


def _agent_means(state: State) -> tuple[list[str], Doubles, Rows]:
    """Return the agents with a vector, their mean unit vectors and their calls."""
    encoded = state.calls.columns(["agent"])[0].combine_chunks().dictionary_encode()
    names = encoded.dictionary.to_pylist()
    groups = pc.fill_null(encoded.indices, -1).to_numpy().astype(np.int64)
    means, counts = state.exact.means(groups, len(names))
    kept = np.flatnonzero(counts)
    return [names[one] for one in kept], means[kept], counts[kept]


def unit_vectors(vectors: Doubles, dimension: int) -> Doubles:
    """Return vectors (m, D) at length 1. Raises `UsageError` naming what is wrong with one."""
    if vectors.shape[1] != dimension:
        raise UsageError(
            f"The vector has {vectors.shape[1]} values, the database's have {dimension}."
        )
    if not np.isfinite(vectors).all():
        raise UsageError("The vector holds NaN, NULL or infinity.")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not lengths.all():
        raise UsageError("The vector is all zero and has no direction.")
    units: Doubles = vectors / lengths
    return units


def _check_mode(mode: str, k: int) -> None:
    if mode not in MODES:
        raise UsageError(f"The mode must be one of {', '.join(MODES)}, not {mode!r}.")
    if k <= 0:
        raise UsageError(f"k must be at least 1, not {k}.")


def _ask_filter(calls: CallRows, filter: str, count: int) -> Mask:
    """Run a filter on a connection of its own, for the caller's is busy with the search."""
    mask = np.zeros(count, bool)
    with locked_connection() as connection:
        connection.register("_call_rows", calls)
        connection.execute(read_sql("calls"))
        try:
            kept = _filtered(connection, filter)
        except duckdb.Error as error:
            reason = str(error).split("\n", 1)[0]
            raise UsageError(f"The filter {filter!r} cannot be used: {reason}") from error
    mask[kept] = True
    return mask


def _filtered(connection: duckdb.DuckDBPyConnection, filter: str) -> Rows:
    kept = filtered(connection.table("_numbered_calls"), filter)
    rows: Rows = kept.project(ROW).to_arrow_table()[ROW].to_numpy()
    return rows
