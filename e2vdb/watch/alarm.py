"""Setting up what raises and posts alerts, from the options of a watch."""

from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from e2vdb.ingest.names import printable
from e2vdb.store.settings import read_settings
from e2vdb.store.store import Store
from e2vdb.watch.alerts import Rule, now
from e2vdb.watch.check import Checker
from e2vdb.watch.deliver import Deliverer, Patience
from e2vdb.watch.marks import Mark, read_mark, unchecked, write_mark
from e2vdb.watch.options import Say, WatchOptions
from e2vdb.watch.outbox import Outbox
from e2vdb.watch.secrets import VARIABLE


@dataclass(slots=True)
class Alarm:
    """What turns calls into alerts; `deliverer` is None where there is no address to post to."""

    rule: Rule
    checker: Checker
    outbox: Outbox
    deliverer: Deliverer | None
    mark: Mark
    store: Store

    def move_mark(self, moment: datetime) -> None:
        """Note that calls that came in before are checked. The caller holds the writer lock."""
        self.mark = replace(self.mark, checked_until=max(moment, self.mark.checked_until))
        write_mark(self.store, self.mark)

    def take_up(self) -> None:
        """Post what somebody else has made pending since the last look."""
        if self.deliverer is not None and self.outbox.changed():
            self.deliverer.submit(self.outbox.pending())


def open_alarm(
    store: Store, root: Path, rule: Rule, options: WatchOptions, say: Say, stack: ExitStack
) -> Alarm:
    """Check the rule, begin to post what waits in the outbox; closed by `stack`.

    The caller holds the writer lock. Raises `UsageError` for a rule that cannot be used.
    """
    checker = Checker(store, rule, say=say)
    stack.callback(checker.close)
    checker.validate()
    folder = printable(str(root))
    mark = read_mark(store, folder)
    if mark is None:
        mark = Mark(folder, now(), now())
        write_mark(store, mark)
    outbox = Outbox(store, folder)
    alarm = Alarm(rule, checker, outbox, _deliverer(store, options, say), mark, store)
    alarm.take_up()
    return alarm


def _deliverer(store: Store, options: WatchOptions, say: Say) -> Deliverer | None:
    url = options.url()
    if url is None:
        say(f"No --alert-url and no {VARIABLE}: alerts wait in the outbox; see `e2vdb alerts`")
        return None
    settings = read_settings(store)
    patience = Patience(max(1, int(settings.alert_attempts)), settings.alert_days)
    return Deliverer(url, options.alert_format, patience, say=say)


def left_unchecked(alarm: Alarm, root: Path) -> dict[str, None]:
    """Return the calls that came in before this start and may not be checked."""
    return dict.fromkeys(unchecked(alarm.store, root, alarm.mark))
