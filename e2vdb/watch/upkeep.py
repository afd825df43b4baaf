"""What a process that commits every second owes the database: few fragments, few versions."""

import time
from collections.abc import Callable, Iterator

from e2vdb.errors import BusyError, StorageError
from e2vdb.loading.intake import Intake
from e2vdb.store.lock import writer_lock
from e2vdb.store.small import compact_small
from e2vdb.store.store import Store
from e2vdb.store.tables import TABLES
from e2vdb.store.thin import MANY, moments_to_keep, thin_versions
from e2vdb.watch.options import Say

SETTLE_EVERY_S = 30.0
THIN_EVERY_S = 300.0


class Upkeep:
    """Settles what depends on all rows, compacts and thins, each when it is time.

    `assign(wait=…)` lets new calls join the clusterings; it takes the writer lock itself.
    """

    def __init__(
        self,
        store: Store,
        intake: Intake,
        assign: Callable[..., list[str]],
        say: Say,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._intake, self._assign = store, intake, assign
        self._say, self._clock = say, clock
        self._settled_at = self._thinned_at = clock()
        self._thinning: Iterator[None] | None = None
        self._thinned: dict[str, int] = {}
        self._said: set[str] = set()
        self._new = False

    def note(self, rows: int) -> None:
        """Note that rows came in or changed."""
        self._new = self._new or rows > 0

    def run(self, gives_up: Callable[[], bool]) -> None:
        """Do one thing that is due, if any; a trouble is said, and a later time tries again."""
        moment = self._clock()
        if self._thinning is not None or moment - self._thinned_at >= THIN_EVERY_S:
            self._locked(self._thin_one, gives_up)
        elif self._new and moment - self._settled_at >= SETTLE_EVERY_S:
            self.settle(gives_up)

    def settle(self, gives_up: Callable[[], bool]) -> None:
        """Mark duplicates, fit the first distiller, merge fragments, let calls join clusterings."""
        self._settled_at = self._clock()
        if not (self._new and self._locked(self._settle, gives_up)):
            return
        try:
            self._tell(self._assign(wait=False))
            self._new = False
        except BusyError:
            return  # the next time

    def _locked(self, job: Callable[[], None], gives_up: Callable[[], bool]) -> bool:
        try:
            with writer_lock(self._store.address, say=self._say, give_up=gives_up):
                job()
        except BusyError:
            return False
        except StorageError as error:
            self._say(str(error))
            return False
        return True

    def _settle(self) -> None:
        self._tell(self._intake.settle())
        compact_small(self._store)

    def _tell(self, notes: list[str]) -> None:
        for note in notes:
            if note not in self._said:
                self._said.add(note)
                self._say(note)

    def _thin_one(self) -> None:
        """Thin the next table: one at a time, for directories should not wait for all of them."""
        self._thinned_at = self._clock()
        if self._thinning is None:
            self._thinning = self._thin()
        if next(self._thinning, self) is self:
            self._thinning = None

    def _thin(self) -> Iterator[None]:
        moments = moments_to_keep(self._store)
        yield
        for table in TABLES:
            version = self._store.dataset(table).version
            if version - self._thinned.get(table.name, 0) >= MANY:
                thin_versions(self._store, table, moments)
                self._thinned[table.name] = version
                yield
