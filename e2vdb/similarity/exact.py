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
_SAMPLED = 8192
Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]
Real = TypeVar("Real", np.float32, np.float64)


@dataclass(frozen=True, slots=True)
class Neighbors:
    """Rows of the table, nearest first, ties by row; cosines in double precision."""

    rows: Rows
    similarities: Doubles
    verified: int


@dataclass(frozen=True, slots=True)
class _Bounds:
    """Upper bounds of all cosines: `values` (m, n) but for a constant a query, `shift` (m,)."""

    values: Floats
    shift: Doubles

    def reaching(self, query: int, least: float, rows: Rows, *, whole: bool = False) -> Rows:
        """Return those of `rows` whose bound for the query reaches `least`.

        With `whole`, `rows` are only where to look first: all of largest bound, up to some.
        """
        value = np.nextafter(np.float32(least - self.shift[query]), np.float32(-np.inf))
        here = self.values[query, rows]
        if whole and value < here.min(initial=np.inf):
            return np.flatnonzero(self.values[query] >= value)
        reached: Rows = rows[here >= value]
        return reached


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

    def _bound(self, queries: Doubles) -> _Bounds:
        """Bound every cosine (m, n) from above."""
        right, constants = query_side(queries, self._basis)
        room = np.empty((len(queries), len(self)), np.float32)
        for block, start in zip(self._blocks, self.starts, strict=False):
            here = room[:, start : start + len(block)]
            if len(queries) == 1:
                np.matmul(block.sketch, right[0], out=here[0])
            else:
                np.matmul(right, block.sketch.T, out=here)
        return _Bounds(room, constants + rounding_slack(right.shape[1] + 1, right))

    def _verify(self, queries: Doubles, bounds: _Bounds, k: int, least: float) -> list[Neighbors]:
        """Verify candidates until the k-th cosine found exceeds the bound of all others.

        The few rows of largest bound teach the k-th cosine, nearly; then come all whose bound
        reaches it, best bounds first. A cosine in float32 is off by at most `error`, so rows
        that could still tie with the k-th are kept for double precision.
        """
        error = (queries.shape[1] + 4) * UNIT_ROUNDOFF
        floor = max(least - error, -2.0)
        queries32 = queries.astype(np.float32)
        orders = range(len(queries))
        first = FIRST * k if floor <= -2 else 0  # a floor needs no learning
        nears = [_near(bounds.values[one], max(NEAR, 2 * first)) for one in orders]
        rows = [
            _of_largest(near, bounds.values[one, near], first) for one, near in enumerate(nears)
        ]
        cosines = self._cosines(queries32, rows)
        verified = np.array([len(one) for one in rows])

        rest = []
        for one in orders:
            kth = _kth_largest(cosines[one], k, floor)
            left = bounds.reaching(one, kth - error, nears[one], whole=True)
            left = left[np.isin(left, rows[one], assume_unique=True, invert=True)]
            rest.append(left[np.argsort(-bounds.values[one, left], kind="stable")])
        while any(len(one) for one in rest):
            chunk = [one[:_CHUNK] for one in rest]
            new = self._cosines(queries32, chunk)
            for one in [one for one in orders if len(chunk[one])]:
                verified[one] += len(chunk[one])
                rows[one] = np.concatenate([rows[one], chunk[one]])
                cosines[one] = np.concatenate([cosines[one], new[one]])
                kth = _kth_largest(cosines[one], k, floor)
                still = cosines[one] >= kth - 2 * error
                rows[one], cosines[one] = rows[one][still], cosines[one][still]
                rest[one] = bounds.reaching(one, kth - error, rest[one][_CHUNK:])
        close = [
            np.sort(here[found >= _kth_largest(found, k, floor) - 2 * error])
            for here, found in zip(rows, cosines, strict=True)
        ]
        exact = self._cosines(queries, close)
        return [_nearest(*one, k) for one in zip(close, exact, verified.tolist(), strict=True)]

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


def _near(bounds: Floats, wanted: int) -> Rows:
    """Return about `wanted` rows of largest bound, by a sample: sorting all costs more."""
    step = max(1, bounds.size // _SAMPLED)
    sample = bounds[::step]
    rank = len(sample) - 1 - min(len(sample) - 1, -(-wanted // step))
    threshold = float(np.partition(sample, rank)[rank])
    if threshold == -np.inf:  # so few rows are left by the filter that the sample missed them
        threshold = float(np.finfo(np.float32).min)
    return np.flatnonzero(bounds >= threshold)


def _of_largest(rows: Rows, bounds: Floats, count: int) -> Rows:
    """Return the `count` rows of largest bound, in the order of the table."""
    others = len(rows) - count
    return rows if others <= 0 else np.sort(rows[np.argpartition(bounds, others - 1)[others:]])


def _kth_largest(cosines: Floats, k: int, floor: float) -> float:
    """Return the k-th largest cosine found, or what a row must reach at least."""
    if len(cosines) < k:
        return floor
    return max(floor, float(np.partition(cosines, len(cosines) - k)[len(cosines) - k]))
