"""The table `neighbors`: every call's nearest calls, kept up to date in bounded memory."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import lance
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from e2vdb.similarity.candidates import Rows
from e2vdb.similarity.exact import ExactSearch, Mask, Neighbors
from e2vdb.similarity.sketch import Doubles
from e2vdb.store.commits import overwrite
from e2vdb.store.store import Store, storage_errors
from e2vdb.store.tables import NEIGHBOR_SOURCES, NEIGHBOR_SOURCES_TABLE, NEIGHBORS, NEIGHBORS_TABLE

BATCH = 1024
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class NeighborsSummary:
    """How many calls have neighbours, and how many were searched or compared anew."""

    calls: int
    searched: int
    compared: int
    changed: bool


@dataclass(slots=True)
class _Lists:
    """Each row's neighbours (n, k) as row numbers, -1 where there are fewer, and their cosines."""

    rows: Rows
    similarities: Doubles

    def put(self, row: int, rows: Rows, similarities: Doubles) -> None:
        self.rows[row], self.similarities[row] = -1, -np.inf
        self.rows[row, : len(rows)] = rows
        self.similarities[row, : len(rows)] = similarities


class NeighborsJob:
    """One run over a table version: rows numbered as in `search`, with their ids and hashes."""

    def __init__(
        self,
        store: Store,
        search: ExactSearch,
        ids: pa.ChunkedArray,
        hashes: pa.ChunkedArray,
        k: int,
        threads: int,
    ) -> None:
        self._store, self._search, self._k, self._threads = store, search, k, threads
        self._ids, self._hashes = ids.combine_chunks(), hashes.combine_chunks()
        self._order = np.empty(len(ids), np.int64)  # ties are settled by id
        self._order[pc.array_sort_indices(self._ids).to_numpy()] = np.arange(len(ids))

    def run(self, report: Progress = lambda _done, _total: None) -> NeighborsSummary:
        """Bring `neighbors` up to date, in one commit at the end.

        A call is searched in full if it is new or changed, or if one of its neighbours changed
        or is gone. The others are compared with the new calls only, which may be nearer.
        """
        alive = self._search.norms > 0
        lists, same = self._stored()
        fresh = alive & ~same
        touched = np.isin(lists.rows, np.flatnonzero(~same)) & (lists.rows >= 0)
        missing = (lists.rows >= 0).sum(axis=1) < np.minimum(self._k, (alive & same).sum() - 1)
        whole = fresh | (alive & (touched.any(axis=1) | missing))
        compared = np.flatnonzero(alive & ~whole) if fresh.any() else np.zeros(0, np.int64)
        searched = np.flatnonzero(whole)
        total, done = len(compared) + len(searched), 0
        for rows, mask in ((compared, fresh), (searched, None)):
            for start in range(0, len(rows), BATCH):
                part = rows[start : start + BATCH]
                self._search_batch(lists, part, mask)
                done += len(part)
                report(done, total)
        gone = not len(searched) and self._has_others()
        changed = bool(len(searched)) or gone
        if changed:
            self._write(lists, alive)
        return NeighborsSummary(int(alive.sum()), len(searched), len(compared), changed)

    def _search_batch(self, lists: _Lists, rows: Rows, mask: Mask | None) -> None:
        units = self._search.vectors(rows).astype(np.float64)
        units /= np.linalg.norm(units, axis=1, keepdims=True)
        found = self._search.nearest(units, self._k + 1, mask, self._threads)
        for row, one in zip(rows, found, strict=True):
            if mask is None:
                lists.put(row, *self._best(row, one.rows, one.similarities))
            else:
                self._merge(lists, row, one)

    def _merge(self, lists: _Lists, row: int, found: Neighbors) -> None:
        had = lists.rows[row] >= 0
        rows = np.concatenate([lists.rows[row][had], found.rows])
        similarities = np.concatenate([lists.similarities[row][had], found.similarities])
        lists.put(row, *self._best(row, rows, similarities))

    def _best(self, row: int, rows: Rows, similarities: Doubles) -> tuple[Rows, Doubles]:
        """Return the k best of some rows without the row itself, ties by id."""
        kept = rows != row
        rows, similarities = rows[kept], similarities[kept]
        order = np.lexsort((self._order[rows], -similarities))[: self._k]
        return rows[order], similarities[order]

    def _stored(self) -> tuple[_Lists, Mask]:
        """Return the stored lists, and which rows were taken in as they are now."""
        count = len(self._ids)
        lists = _Lists(
            np.full((count, self._k), -1, np.int64), np.full((count, self._k), -np.inf, np.float64)
        )
        sources = self._store.dataset(NEIGHBOR_SOURCES_TABLE).to_table()
        if sources["k"].unique().to_pylist() != [self._k]:
            return lists, np.zeros(count, bool)
        for batch in self._store.dataset(NEIGHBORS_TABLE).scanner().to_batches():
            rows = pc.index_in(batch.column("utterance_id"), value_set=self._ids)
            others = pc.index_in(batch.column("neighbor_id"), value_set=self._ids)
            known = pc.is_valid(rows).to_numpy(zero_copy_only=False)
            at = pc.fill_null(rows, 0).to_numpy()[known]
            rank = batch.column("rank").to_numpy()[known] - 1
            # A neighbour that is no longer there points to its own row, which is searched anew.
            lists.rows[at, rank] = pc.fill_null(others, -1).to_numpy()[known]
            lists.similarities[at, rank] = batch.column("similarity").to_numpy()[known]
        places = pc.index_in(self._ids, value_set=sources["utterance_id"].combine_chunks())
        hashes = sources["content_hash"].combine_chunks().take(places)
        same = pc.fill_null(pc.equal(hashes, self._hashes), False)
        return lists, same.to_numpy(zero_copy_only=False)

    def _has_others(self) -> bool:
        """Whether calls are stored that have no vector any more."""
        stored = self._store.dataset(NEIGHBOR_SOURCES_TABLE).to_table()["utterance_id"]
        alive = self._ids.filter(pa.array(self._search.norms > 0))
        return not pc.all(pc.is_in(stored, value_set=alive), min_count=0).as_py()

    def _write(self, lists: _Lists, alive: Mask) -> None:
        """Write all lists, then note what they were made from: the note is the proof."""
        lists.rows[~alive] = -1
        with storage_errors(self._store.address):
            lance.write_dataset(
                pa.RecordBatchReader.from_batches(NEIGHBORS, self._batches(lists)),
                self._store.address.table(NEIGHBORS_TABLE.name),
                mode="overwrite",
                storage_options=dict(self._store.address.storage_options) or None,
                commit_message=f"neighbors: {int(alive.sum())} calls",
            )
        kept = pa.array(alive)
        ids, hashes = self._ids.filter(kept), self._hashes.filter(kept)
        k = pa.array(np.full(len(ids), self._k, np.int32))
        rows = pa.table([ids, hashes, k], schema=NEIGHBOR_SOURCES)
        overwrite(self._store, NEIGHBOR_SOURCES_TABLE, rows, "neighbors: made from these")

    def _batches(self, lists: _Lists) -> Iterator[pa.RecordBatch]:
        ranks = np.arange(1, self._k + 1, dtype=np.int32)
        for start in range(0, len(self._ids), 4 * BATCH):
            others = lists.rows[start : start + 4 * BATCH]
            filled = others >= 0
            row, _ = np.nonzero(filled)
            yield pa.record_batch(
                [
                    self._ids.take(pa.array(row + start)),
                    pa.array(np.broadcast_to(ranks, others.shape)[filled]),
                    self._ids.take(pa.array(others[filled])),
                    pa.array(lists.similarities[start : start + 4 * BATCH][filled]),
                ],
                schema=NEIGHBORS,
            )
