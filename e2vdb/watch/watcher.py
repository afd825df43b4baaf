"""The loop of a watch: notice, settle, take in, check, post; until somebody says stop."""

import os
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path

from e2vdb.errors import AddressError, StorageError
from e2vdb.ingest.names import printable
from e2vdb.loading.ingest import IngestOptions, Talk, check_options, check_root, ingest
from e2vdb.loading.intake import Intake
from e2vdb.store.lock import writer_lock
from e2vdb.store.store import Store
from e2vdb.watch.alarm import Alarm, left_unchecked, open_alarm
from e2vdb.watch.alerts import now
from e2vdb.watch.batch import MOST_FOLDERS, Batches
from e2vdb.watch.marks import read_mark
from e2vdb.watch.notice import Broken, Source, open_source
from e2vdb.watch.options import Say, WatchOptions, WatchSummary
from e2vdb.watch.settle import Settler
from e2vdb.watch.single import only_watcher
from e2vdb.watch.sweeps import EVERY_POLLING_S, EVERY_S, Sweeps
from e2vdb.watch.upkeep import Upkeep

GATHER_S = 0.5
"""Batches begin at least this far apart, so that many directories share their commits."""

NOTE_S = 2.0
"""What came of posting is written down with the next batch, or after so long without one."""

MARK_S = 60.0
RETRY_S = 5.0
GRACE_S = 5.0
_IDLE_S = 1.0
"""Longest silence in which nobody looks whether to stop or to do some upkeep."""


def watch(
    store: Store,
    root: str | os.PathLike[str],
    options: WatchOptions,
    *,
    assign: Callable[..., list[str]],
    stop: threading.Event,
    say: Say,
) -> WatchSummary:
    """Watch a folder until `stop` is set; then finish the batch and return what was done.

    `assign(wait=…)` lets new calls join the clusterings. Raises `InputError`, `UsageError`,
    `AddressError` or `BusyError` for what is wrong at the start; later troubles are said, and
    what they kept from being done is tried again.
    """
    options.check()
    folder = check_root(root)
    choices = IngestOptions(
        source=options.source, frames=options.frames, dimension=options.dimension
    )
    check_options(choices)
    intake, rule = Intake(store, folder, choices), options.rule()
    with ExitStack() as stack:
        with writer_lock(store.address, say=say, give_up=stop.is_set):
            intake.prepare()
        stack.enter_context(only_watcher(store.address, folder))
        if options.quiet_start and read_mark(store, printable(str(folder))) is None:
            ingest(store, folder, choices, Talk(say))
        alarm = None
        if rule is not None:
            with writer_lock(store.address, say=say, give_up=stop.is_set):
                alarm = open_alarm(store, folder, rule, options, say, stack)
        upkeep = Upkeep(store, intake, assign, say)
        watcher = _Watcher(folder, options, Batches(store, intake, alarm, say, stop.is_set), upkeep)
        return watcher.run(stop)


class _Watcher:
    """One watch from start to end; everything but posting happens in the thread that runs it."""

    def __init__(self, root: Path, options: WatchOptions, batches: Batches, upkeep: Upkeep) -> None:
        self._root, self._batches, self._upkeep = root, batches, upkeep
        self._say, self._store, self._alarm = batches.say, batches.store, batches.alarm
        self._settler = Settler(options.settle_s)
        self._poll = options.poll
        self._batch_at = 0.0
        self._noted_at = self._marked_at = time.monotonic()
        self._identity = _identity(root)
        self._marked = 0

    def run(self, stop: threading.Event) -> WatchSummary:
        """Watch until `stop` is set or Ctrl-C comes."""
        self._open(stop)
        if self._alarm is not None:
            self._batches.unchecked.update(left_unchecked(self._alarm, self._root))
        how = "looking every second" if self._source.polls else "by file events"
        self._say(f"Watching {self._root} for {self._store.address}, {how}")
        try:
            while not stop.is_set():
                self._try_turn(stop)
        except KeyboardInterrupt:
            stop.set()
        finally:
            self._source.close()
        return self._end()

    def _open(self, stop: threading.Event) -> None:
        """Begin to watch, and to sweep: in this order, so that nothing comes in between."""
        self._source: Source = open_source(self._root, stop, poll=self._poll, say=self._say)
        self._sweeps = self._new_sweeps()

    def _new_sweeps(self) -> Sweeps:
        every_s = EVERY_POLLING_S if self._source.polls else EVERY_S
        return Sweeps(self._batches.intake, every_s)

    def _try_turn(self, stop: threading.Event) -> None:
        try:
            self._turn(stop)
        except (StorageError, AddressError, OSError) as error:  # a drive that is away for a while
            self._say(str(error).split("\n", 1)[0])
            self._sweeps = self._new_sweeps()
            stop.wait(RETRY_S)

    def _turn(self, stop: threading.Event) -> None:
        self._notice(stop)
        self._keep_root(stop)
        if self._sweeps.is_due:
            self._settler.notice(self._sweeps.step())
        moment = time.monotonic()
        if moment >= self._batch_at:
            self._batch(moment)
        if self._alarm is not None:
            self._look_after(self._alarm, moment)
        self._upkeep.run(stop.is_set)

    def _notice(self, stop: threading.Event) -> None:
        try:
            noticed = self._source.wait(self._wait_s())
        except Broken as error:
            self._say(f"File events for {self._root} broke off ({error}): polling.")
            self._poll = True
            self._reopen(stop)
            return
        self._settler.notice(noticed.changed)
        self._settler.notice(noticed.new, below=True)

    def _reopen(self, stop: threading.Event) -> None:
        self._source.close()
        self._open(stop)

    def _wait_s(self) -> float:
        """Return how long nothing needs to be done unless something happens."""
        if self._sweeps.is_due:
            return 0.0
        moment = time.monotonic()
        due_s = 0.0 if not self._batches.idle else self._settler.wait_s()
        if due_s is None:
            return _IDLE_S
        return min(_IDLE_S, max(due_s, self._batch_at - moment, 0.0))

    def _batch(self, moment: float) -> None:
        batches = self._batches
        room = MOST_FOLDERS - len(batches.folders)
        batches.folders.update(dict.fromkeys(self._settler.finished(room)))
        if batches.idle:
            return
        asked, before = list(batches.folders), batches.summary.rows
        done = batches.run()
        self._sweeps.taken(one for one in asked if one not in batches.folders)
        self._upkeep.note(batches.summary.rows - before)
        self._batch_at = moment + (GATHER_S if done else RETRY_S)

    def _look_after(self, alarm: Alarm, moment: float) -> None:
        """Write down what came of posting, take up what others made pending, move the mark."""
        rows = self._batches.summary.rows
        marks = self._batches.idle and rows != self._marked and moment - self._marked_at >= MARK_S
        if moment - self._noted_at < NOTE_S and not marks:
            return
        self._noted_at = moment
        self._batches.note(self._all_checked() if marks else None)
        alarm.take_up()
        if marks:
            self._marked_at, self._marked = moment, rows

    def _all_checked(self) -> datetime:
        """Return the moment before which every call came in that is checked by now."""
        return now() - timedelta(seconds=self._settler.oldest_s())

    def _keep_root(self, stop: threading.Event) -> None:
        """Begin anew when the folder was taken away and put back, as a drive that is mounted."""
        identity = _identity(self._root)
        if identity == self._identity:
            return
        if identity is None:
            self._say(f"{self._root} is gone; waiting for it to come back")
        else:
            self._say(f"{self._root} is back")
            self._reopen(stop)
        self._identity = identity

    def _end(self) -> WatchSummary:
        """Post what can be posted at once, settle, and say what was done."""
        summary, waiting = self._batches.summary, 0
        if self._alarm is not None:
            if self._alarm.deliverer is not None:
                self._alarm.deliverer.close(GRACE_S)
            self._batches.note(self._all_checked() if self._batches.idle else None)
            waiting = len(self._alarm.outbox.pending())
        self._upkeep.settle(lambda: True)
        summary.waiting = waiting
        self._say(f"Stopped: {summary}")
        return summary


def _identity(root: Path) -> tuple[int, int] | None:
    try:
        info = root.stat()
    except OSError:
        return None
    return info.st_dev, info.st_ino
