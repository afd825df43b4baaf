"""Exact nearest neighbours: bounds for all rows, full vectors until nothing can be missing."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

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

FIRST_CANDIDATES = 512
"""Rows verified first; among them the k-th similarity is usually found, or nearly so."""

DECIMALS = 12
"""Cosines are compared to so many decimals: double precision's own rounding lies below."""

_NONE = np.zeros(0, np.int64)
_QUERIES_AT_ONCE = 64
_CHUNK = 4096
_SAMPLED = 8192
Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]


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
        found: list[Neighbors] = []
        for start in range(0, len(queries), _QUERIES_AT_ONCE):
            part = queries[start : start + _QUERIES_AT_ONCE]
            bounds, slack = self._bounds(part)
            if shut is not None:
                bounds[:, shut] = -np.inf

            def one(
                order: int, part: Doubles = part, bounds: Floats = bounds, slack: float = slack
            ) -> Neighbors:
                return self._verify(part[order], bounds[order], slack, min(k, count), least)

            found += _each(one, len(part), threads)
        return found

    def _bounds(self, queries: Doubles) -> tuple[Floats, float]:
        """Return an upper bound of every cosine (m, n), but for `slack`."""
        right, constants = query_side(queries, self._basis)
        bounds = np.empty((len(queries), len(self)), np.float32)
        for block, start in zip(self._blocks, self.starts, strict=False):
            here = bounds[:, start : start + len(block)]
            if len(queries) == 1:
                np.matmul(block.sketch, right[0], out=here[0])
            else:
                np.matmul(right, block.sketch.T, out=here)
        bounds += constants.astype(np.float32)[:, None]
        return bounds, rounding_slack(right.shape[1] + 1, right)

    def _verify(
        self, query: Doubles, bounds: Floats, slack: float, k: int, least: float
    ) -> Neighbors:
        """Verify candidates until the k-th cosine found exceeds the bound of all others.

        Candidates are taken by falling bounds; a cosine in float32 is off by at most
        `error`, so rows that could still tie with the k-th are kept for double precision.
        """
        width = len(query)
        error = (width + 4) * UNIT_ROUNDOFF
        query32 = query.astype(np.float32)
        floor = least - error
        threshold = _first_threshold(bounds, max(FIRST_CANDIDATES, 4 * k))
        candidates = np.flatnonzero(bounds >= threshold)
        cosines = self._cosines(candidates, query32)
        rows, verified = candidates, len(candidates)
        kth = _kth_largest(cosines, k, floor)
        # Everything whose bound reaches the k-th cosine so far, best bounds first.
        reach = kth - error - slack
        rest = _NONE
        if reach < threshold:
            rest = np.flatnonzero((bounds < threshold) & (bounds >= reach))
        if len(rest) > _CHUNK:
            rest = rest[np.argsort(-bounds[rest], kind="stable")]
        for start in range(0, len(rest), _CHUNK):
            chunk = rest[start : start + _CHUNK]
            chunk = chunk[bounds[chunk] >= kth - error - slack]
            if not len(chunk):
                break
            chunk = np.sort(chunk)
            rows = np.concatenate([rows, chunk])
            cosines = np.concatenate([cosines, self._cosines(chunk, query32)])
            verified += len(chunk)
            kth = _kth_largest(cosines, k, floor)
            still = cosines >= kth - 2 * error
            rows, cosines = rows[still], cosines[still]
        close = rows[cosines >= kth - 2 * error]
        exact = self.vectors(close).astype(np.float64) @ query / self.norms[close]
        # Equal vectors must tie whatever order their products were summed in.
        exact = np.clip(np.round(exact, DECIMALS), -1.0, 1.0)
        order = np.lexsort((close, -exact))
        close, exact = close[order], exact[order]
        if len(close) > k:
            kept = exact >= exact[k - 1]
            close, exact = close[kept], exact[kept]
        return Neighbors(close, exact, verified)

    def _cosines(self, rows: Rows, query: Floats) -> Floats:
        cosines: Floats = self.vectors(rows) @ query
        cosines /= self.norms[rows]
        return cosines

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


def _each(one: Callable[[int], Neighbors], count: int, threads: int) -> list[Neighbors]:
    """Verify queries side by side; each product is small, so BLAS's own threads only disturb."""
    if threads == 1 or count == 1:
        return [one(order) for order in range(count)]
    with _blas().limit(limits=1), ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, range(count)))


@lru_cache(maxsize=1)
def _blas() -> ThreadpoolController:
    return ThreadpoolController()


def _first_threshold(bounds: Floats, wanted: int) -> float:
    """Return a bound that about `wanted` rows reach, from a sample: sorting all costs more."""
    usable = bounds.size
    step = max(1, usable // _SAMPLED)
    sample = bounds[::step]
    rank = min(len(sample) - 1, -(-wanted // step))
    value = float(np.partition(sample, len(sample) - 1 - rank)[len(sample) - 1 - rank])
    if value == -np.inf:  # so few rows are left by the filter that the sample missed them
        return float(np.finfo(np.float32).min)
    return value


def _kth_largest(cosines: Floats, k: int, floor: float) -> float:
    """Return the k-th largest cosine found, or what a row must reach at least."""
    if len(cosines) < k:
        return max(floor, -2.0)
    return max(floor, float(np.partition(cosines, len(cosines) - k)[len(cosines) - k]))
