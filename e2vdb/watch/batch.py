"""What a batch is: finished folders taken in, their calls checked, alerts put into the outbox."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from e2vdb.errors import BusyError, StorageError
from e2vdb.loading.intake import Intake, Taken
from e2vdb.loading.summary import IngestSummary
from e2vdb.store.lock import writer_lock
from e2vdb.store.store import Store
from e2vdb.watch.alarm import Alarm
from e2vdb.watch.alerts import FAILED, SENT, Alert
from e2vdb.watch.options import Say, WatchSummary
from e2vdb.watch.outbox import Waiting

MOST_FOLDERS = 2048
MOST_CHECKED = 2048


@dataclass(slots=True)
class Batches:
    """Takes folders in and checks calls, under the writer lock, one commit a table and batch.

    What could not be done stays here and is done with the next batch.
    """

    store: Store
    intake: Intake
    alarm: Alarm | None
    say: Say
    gives_up: Callable[[], bool]
    summary: WatchSummary = field(default_factory=WatchSummary)
    folders: dict[str, None] = field(default_factory=dict)
    unchecked: dict[str, None] = field(default_factory=dict)

    @property
    def idle(self) -> bool:
        """Whether nothing waits to be taken in, checked or noted."""
        return not (self.folders or self.unchecked)

    def run(self) -> bool:
        """Do what waits, some of it; return whether it could be done."""
        try:
            with writer_lock(self.store.address, say=self.say, give_up=self.gives_up):
                self._run()
        except BusyError:
            return False
        except StorageError as error:
            self.say(str(error))
            return False
        return True

    def _run(self) -> None:
        taken = self._take()
        if taken is not None:
            self._count(taken)
        raised = self._check()
        self._note_attempts()
        if taken is not None:
            self.say(_line(taken.summary, len(raised), self.alarm is not None))
        elif raised:
            self.say(f"{_many(len(raised), 'alert')} for calls that came in before")

    def _take(self) -> Taken | None:
        folders = list(self.folders)[:MOST_FOLDERS]
        if not folders:
            return None
        taken = self.intake.take(folders)
        if self.alarm is not None:  # first: an interruption may cost time, never an alert
            self.unchecked.update(dict.fromkeys(taken.ids))
        for one in folders:
            del self.folders[one]
        return taken

    def _check(self) -> list[Alert]:
        """Put the alerts of checked calls into the outbox, then hand them to be posted."""
        if self.alarm is None:
            return []
        ids = list(self.unchecked)[:MOST_CHECKED]
        found = self.alarm.checker.check(ids, self.alarm.mark.since) if ids else []
        new = self.alarm.outbox.add(found, self.alarm.rule)
        for one in ids:
            del self.unchecked[one]
        self.summary.alerts += len(new)
        if self.alarm.deliverer is not None:
            self.alarm.deliverer.submit(Waiting(one, 0, one.created_at) for one in new)
        return new

    def note(self, mark: datetime | None = None) -> None:
        """Write down what came of posting, and that calls are checked that came before `mark`."""
        if mark is None and not self._has_results():
            return
        try:
            with writer_lock(self.store.address, say=self.say, give_up=self.gives_up):
                self._note_attempts()
                if mark is not None and self.alarm is not None:
                    self.alarm.move_mark(mark)
        except BusyError:
            return
        except StorageError as error:
            self.say(str(error))

    def _has_results(self) -> bool:
        deliverer = None if self.alarm is None else self.alarm.deliverer
        return deliverer is not None and deliverer.has_results

    def _note_attempts(self) -> None:
        if self.alarm is None or self.alarm.deliverer is None:
            return
        results = self.alarm.deliverer.results()
        if not results:
            return
        try:
            self.alarm.outbox.note(results)
        except StorageError:
            self.alarm.deliverer.give_back(results)
            raise
        self.summary.sent += sum(one.status == SENT for one in results)
        self.summary.failed += sum(one.status == FAILED for one in results)

    def _count(self, taken: Taken) -> None:
        total, one = self.summary, taken.summary
        total.batches += 1
        total.directories += one.found
        total.inserted += one.inserted
        total.updated += one.updated
        total.unchanged += one.unchanged
        total.rejected += one.rejected


def _line(done: IngestSummary, alerts: int, alarmed: bool) -> str:
    """Return the line a batch: 12 directories: 11 new, 1 reject (all_zero), 2 alerts."""
    parts = [f"{done.inserted:,} new"]
    parts += [f"{done.updated:,} changed"] * bool(done.updated)
    parts += [f"{done.unchanged:,} unchanged"] * bool(done.unchanged)
    if done.rejected:
        codes = ", ".join(sorted(done.reject_codes))
        parts.append(f"{_many(done.rejected, 'reject')} ({codes})")
    parts += [_many(alerts, "alert")] * alarmed
    what = "directory" if done.found == 1 else "directories"
    return f"{done.found:,} {what}: {', '.join(parts)}"


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}" + ("" if count == 1 else "s")
