"""Which rows may belong to an answer: by their bounds, and by the cosines verified so far."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from e2vdb.similarity.sketch import Doubles, Floats

Rows = NDArray[np.int64]
_SAMPLED = 8192


@dataclass(frozen=True, slots=True)
class Bounds:
    """Upper bounds of all cosines: `values` (m, n) but for a constant a query, `shift` (m,)."""

    values: Floats
    shift: Doubles

    def reaching(self, query: int, least: float, rows: Rows) -> Rows:
        """Return those of `rows` whose bound for the query reaches `least`."""
        reached: Rows = rows[self.values[query, rows] >= self._value(query, least)]
        return reached

    def candidates(self, query: int, least: float, near: Rows, known: Rows) -> Rows:
        """Return all rows whose bound reaches `least` but the known ones, best bounds first.

        `near` are the rows of largest bound, where to look first.
        """
        bounds, value = self.values[query], self._value(query, least)
        rows = near
        if value < bounds[near].min(initial=np.inf):
            rows = np.flatnonzero(bounds >= value)
        rows = self.reaching(query, least, rows)
        rows = rows[np.isin(rows, known, assume_unique=True, invert=True)]
        ordered: Rows = rows[np.argsort(-bounds[rows], kind="stable")]
        return ordered

    def _value(self, query: int, least: float) -> np.float32:
        value: np.float32 = np.nextafter(np.float32(least - self.shift[query]), np.float32(-np.inf))
        return value


@dataclass(slots=True)
class Seen:
    """What one query has verified: rows that may still belong, with their cosines.

    A cosine in float32 is off by at most `error`, so rows that could still tie with the k-th
    are kept for double precision.
    """

    k: int
    floor: float
    error: float
    rows: Rows = field(default_factory=lambda: np.zeros(0, np.int64))
    cosines: Floats = field(default_factory=lambda: np.zeros(0, np.float32))
    count: int = 0

    @property
    def reach(self) -> float:
        """What the bound of a row must reach that may still belong."""
        return self._kth() - self.error

    def add(self, rows: Rows, cosines: Floats) -> None:
        """Take in more rows, and drop what can no longer belong."""
        if not len(rows):
            return
        self.count += len(rows)
        self.rows = np.concatenate([self.rows, rows])
        self.cosines = np.concatenate([self.cosines, cosines])
        still = self.cosines >= self._kth() - 2 * self.error
        self.rows, self.cosines = self.rows[still], self.cosines[still]

    def close(self) -> Rows:
        """Return the rows that may belong, in the order of the table."""
        return np.sort(self.rows)

    def _kth(self) -> float:
        if len(self.cosines) < self.k:
            return self.floor
        rank = len(self.cosines) - self.k
        return max(self.floor, float(np.partition(self.cosines, rank)[rank]))


def near_rows(bounds: Floats, wanted: int) -> Rows:
    """Return about `wanted` rows of largest bound, by a sample: sorting all costs more."""
    step = max(1, bounds.size // _SAMPLED)
    sample = bounds[::step]
    rank = len(sample) - 1 - min(len(sample) - 1, -(-wanted // step))
    threshold = float(np.partition(sample, rank)[rank])
    if threshold == -np.inf:  # so few rows are left by the filter that the sample missed them
        threshold = float(np.finfo(np.float32).min)
    return np.flatnonzero(bounds >= threshold)


def of_largest(rows: Rows, bounds: Floats, count: int) -> Rows:
    """Return the `count` rows of largest bound, in the order of the table."""
    others = len(rows) - count
    return rows if others <= 0 else np.sort(rows[np.argpartition(bounds, others - 1)[others:]])
