"""Now and then the whole tree is compared with the database: nothing that was missed stays missed.

The first sweep finds what came while nobody watched; later ones what the system did not tell of.
"""

import time
from collections.abc import Callable, Iterable, Iterator

from e2vdb.loading.intake import Intake

EVERY_S = 600.0
EVERY_POLLING_S = 60.0
_REST = 20
"""A sweep rests for so many times what it took."""

_SLICE_S = 0.05


class Sweeps:
    """Sweeps a tree in slices, so that whoever else has something to do is not kept waiting."""

    def __init__(
        self, intake: Intake, every_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._intake, self._every_s, self._clock = intake, every_s, clock
        self._running: Iterator[list[str]] | None = None
        self._next_at = clock()
        self._taken: set[str] = set()
        self._spent_s = 0.0

    @property
    def is_due(self) -> bool:
        """Whether there is a slice to do now."""
        return self._running is not None or self._clock() >= self._next_at

    def taken(self, folders: Iterable[str]) -> None:
        """Note folders that were taken in: the running sweep does not know of it."""
        if self._running is not None:
            self._taken.update(folders)

    def step(self) -> list[str]:
        """Do a slice; return folders that hold something new or changed."""
        began = self._clock()
        if self._running is None:
            self._running, self._spent_s = self._intake.changed(), 0.0
            self._taken.clear()
        found: list[str] = []
        for slice_ in self._running:
            found += [one for one in slice_ if one not in self._taken]
            if self._clock() - began > _SLICE_S:
                break
        else:
            self._running = None
        self._spent_s += self._clock() - began
        if self._running is None:
            self._taken.clear()
            rest_s = max(self._every_s, _REST * self._spent_s)
            self._next_at = self._clock() + rest_s
        return found
