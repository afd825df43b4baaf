"""Exact nearest neighbours: bounds for all rows, full vectors until nothing can be missing."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from threadpoolctl import ThreadpoolController

from e2vdb.similarity.blocks import Block
from e2vdb.similarity.candidates import Bounds, Rows, Seen, near_rows, of_largest
from e2vdb.similarity.sketch import (
    UNIT_ROUNDOFF,
    Basis,
    Doubles,
    Floats,
    query_side,
    rounding_slack,
)

NEAR = 512
"""About so many rows of largest bound are set apart; the answer is usually among them."""

FIRST = 4
"""For each row wanted, so many of largest bound are verified first, to learn the k-th cosine."""

DECIMALS = 12
"""Cosines are compared to so many decimals: double precision's own rounding lies below."""

_QUERIES_AT_ONCE = 64
_BOUND_BYTES = 10_000_000  # of one thread; twice as much is hardly faster and takes twice the heap
_CHUNK = 4096
_SCAN = 8  # a row read in a scan costs so many times less than one fetched
Mask = NDArray[np.bool_]
Real = TypeVar("Real", np.float32, np.float64)


@dataclass(frozen=True, slots=True)
class Neighbors:
    """Rows of the table, nearest first, ties by row; cosines in double precision."""

    rows: Rows
    similarities: Doubles
    verified: int


class ExactSearch:
    """Search over the blocks of one table version; safe to use from several threads."""

    def __init__(self, blocks: Sequence[Block], basis: Basis) -> None:
        self._blocks = blocks
        self._basis = basis
        self.starts = np.concatenate([[0], np.cumsum([len(block) for block in blocks])]).astype(int)
        self.norms = (
            np.concatenate([block.norms for block in blocks]) if blocks else np.zeros(0, np.float64)
        )
        self._alive = self.norms > 0

    def __len__(self) -> int:
        return len(self.norms)

    def nearest(
        self, queries: Doubles, k: int, mask: Mask | None = None, threads: int = 1
    ) -> list[Neighbors]:
        """Return the k rows of largest cosine for each unit query (m, D), fewer if there are fewer.

        `mask` (n,) keeps only some rows. Rows that tie with the k-th are all returned, so that
        the caller can break ties by a rule of its own.
        """
        return self._search(queries, k, -2.0, mask, threads)

    def within(self, query: Doubles, least: float, mask: Mask | None = None) -> Neighbors:
        """Return every row whose cosine with the unit query (D,) is at least `least`."""
        found = self._search(query[None, :], len(self), least, mask, 1)[0]
        kept = found.similarities >= least
        return Neighbors(found.rows[kept], found.similarities[kept], found.verified)

    def _search(
        self, queries: Doubles, k: int, least: float, mask: Mask | None, threads: int
    ) -> list[Neighbors]:
        usable = self._alive if mask is None else self._alive & mask
        count = int(usable.sum())
        if not count or not len(queries):
            return [Neighbors(np.zeros(0, np.int64), np.zeros(0), 0) for _ in queries]
        shut = None if usable.all() else np.flatnonzero(~usable)
        fitting = max(1, _BOUND_BYTES // (4 * len(self)))
        size = min(_QUERIES_AT_ONCE, fitting, -(-len(queries) // threads))

        def part(start: int) -> list[Neighbors]:
            here = queries[start : start + size]
            bounds = self._bound(here)
            if shut is not None:
                bounds.values[:, shut] = -np.inf
            return self._verify(here, bounds, min(k, count), least)

        starts = range(0, len(queries), size)
        if threads == 1 or len(starts) == 1:
            return [one for start in starts for one in part(start)]
        # Side by side; BLAS's own threads would only get in each other's way.
        with _blas().limit(limits=1), ThreadPoolExecutor(threads) as pool:
            return [one for found in pool.map(part, starts) for one in found]

    def _bound(self, queries: Doubles) -> Bounds:
        """Bound every cosine (m, n) from above."""
        right, constants = query_side(queries, self._basis)
        room = np.empty((len(queries), len(self)), np.float32)
        for block, start in zip(self._blocks, self.starts, strict=False):
            here = room[:, start : start + len(block)]
            if len(queries) == 1:
                np.matmul(block.sketch, right[0], out=here[0])
            else:
                np.matmul(right, block.sketch.T, out=here)
        return Bounds(room, constants + rounding_slack(right.shape[1] + 1, right))

    def _verify(self, queries: Doubles, bounds: Bounds, k: int, least: float) -> list[Neighbors]:
        """Verify candidates until the k-th cosine found exceeds the bound of all others.

        The few rows of largest bound teach the k-th cosine, nearly; then come all whose bound
        reaches it, best bounds first.
        """
        error = (queries.shape[1] + 4) * UNIT_ROUNDOFF
        queries32 = queries.astype(np.float32)
        seen = [Seen(k, max(least - error, -2.0), error) for _ in queries]
        first = FIRST * k if least < -1 else 0  # where a least is given there is nothing to learn
        near = [near_rows(one, max(NEAR, 2 * first)) for one in bounds.values]
        best = [
            of_largest(rows, one[rows], first)
            for rows, one in zip(near, bounds.values, strict=True)
        ]
        for one, rows, cosines in zip(seen, best, self._cosines(queries32, best), strict=True):
            one.add(rows, cosines)
        rest = [
            bounds.candidates(order, one.reach, near[order], best[order])
            for order, one in enumerate(seen)
        ]
        while any(len(rows) for rows in rest):
            chunk = [rows[:_CHUNK] for rows in rest]
            rest = [rows[_CHUNK:] for rows in rest]
            for one, rows, cosines in zip(
                seen, chunk, self._cosines(queries32, chunk), strict=True
            ):
                one.add(rows, cosines)
            rest = [
                bounds.reaching(order, seen[order].reach, rows) for order, rows in enumerate(rest)
            ]
            self._scan(queries32, seen, rest)
        close = [one.close() for one in seen]
        exact = self._cosines(queries, close)
        return [
            _nearest(rows, cosines, one.count, k)
            for rows, cosines, one in zip(close, exact, seen, strict=True)
        ]

    def _scan(self, queries: Floats, seen: list[Seen], rest: list[Rows]) -> None:
        """Read the whole table for queries with so much left that fetching it is dearer."""
        long = [order for order, rows in enumerate(rest) if len(rows) * _SCAN > len(self)]
        if not long:
            return
        products = np.empty((len(long), len(self)), np.float32)
        for block, start in zip(self._blocks, self.starts, strict=False):
            here = products[:, start : start + len(block)]
            np.matmul(queries[long], block.vectors.T, out=here)
        for order, product in zip(long, products, strict=True):
            rows, rest[order] = rest[order], rest[order][:0]
            cosines: Floats = product[rows]
            cosines /= self.norms[rows]
            seen[order].add(rows, cosines)

    def _cosines(self, queries: NDArray[Real], rows: Sequence[Rows]) -> list[NDArray[Real]]:
        """Return each query's cosines with its rows, in the queries' own precision."""
        flat = np.concatenate(rows)
        which = np.repeat(np.arange(len(rows)), [len(one) for one in rows])
        found = np.empty(len(flat), queries.dtype)
        for start in range(0, len(flat), _CHUNK):
            here = slice(start, start + _CHUNK)
            vectors = self.vectors(flat[here]).astype(queries.dtype, copy=False)
            if len(queries) == 1:
                found[here] = vectors @ queries[0]
            else:
                np.einsum("ij,ij->i", vectors, queries[which[here]], out=found[here])
        found /= self.norms[flat]
        return np.split(found, np.cumsum([len(one) for one in rows])[:-1])

    def vectors(self, rows: Rows) -> Floats:
        """Return the stored vectors of sorted or unsorted rows, (len(rows), D)."""
        if len(self._blocks) == 1:
            found: Floats = self._blocks[0].vectors[rows]
            return found
        vectors = np.empty((len(rows), len(self._basis.point)), np.float32)
        places = np.searchsorted(self.starts, rows, side="right") - 1
        for place in np.unique(places):
            here = places == place
            vectors[here] = self._blocks[place].vectors[rows[here] - self.starts[place]]
        return vectors

    def vector(self, row: int) -> Floats:
        """Return one row's stored vector (D,)."""
        found: Floats = self.vectors(np.array([row]))[0]
        return found

    def means(self, groups: Rows, count: int) -> tuple[Doubles, Rows]:
        """Return the mean unit vector of each group (count, D), and how many rows are behind it.

        `groups` (n,) gives each row's group, -1 for none; rows without a vector do not count.
        """
        totals = np.zeros((count, len(self._basis.point)))
        for block, start in zip(self._blocks, self.starts, strict=False):
            for first in range(0, len(block), _CHUNK):
                here = slice(start + first, start + min(first + _CHUNK, len(block)))
                inside = np.flatnonzero(self._alive[here] & (groups[here] >= 0))
                members = groups[here][inside]
                weights = csr_array(
                    (1 / self.norms[here][inside], (members, np.arange(len(inside)))),
                    shape=(count, len(inside)),
                )
                totals += weights @ block.vectors[first + inside].astype(np.float64)
        counts = np.bincount(groups[self._alive & (groups >= 0)], minlength=count)
        return totals / np.maximum(counts, 1)[:, None], counts


def _nearest(rows: Rows, cosines: Doubles, verified: int, k: int) -> Neighbors:
    """Order what was verified, and keep k rows with all that tie with the k-th."""
    # Equal vectors must tie whatever order their products were summed in.
    cosines = np.clip(np.round(cosines, DECIMALS), -1.0, 1.0)
    order = np.lexsort((rows, -cosines))
    rows, cosines = rows[order], cosines[order]
    if len(rows) > k:
        kept = cosines >= cosines[k - 1]
        rows, cosines = rows[kept], cosines[kept]
    return Neighbors(rows, cosines, verified)


@lru_cache(maxsize=1)
def _blas() -> ThreadpoolController:
    return ThreadpoolController()
