"""In which folders did something happen? Told by the system's file events, else by looking."""

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from e2vdb.ingest.layouts import OUTPUTS
from e2vdb.ingest.names import is_hidden
from e2vdb.ingest.times import is_output_name
from e2vdb.watch.drives import network_kind

POLL_S = 1.0
_GROUP_MS, _STEP_MS = 100, 25
_LOOKS_AFTER_CHANGE = 3
"""Times of folders may be as coarse as two seconds: after a change it is looked at again."""


@dataclass(slots=True)
class Noticed:
    """Folders whose files changed, and folders that are new, perhaps with others below."""

    changed: set[str] = field(default_factory=set)
    new: set[str] = field(default_factory=set)


class Source(Protocol):
    """Where notices come from."""

    polls: bool

    def wait(self, timeout_s: float) -> Noticed:
        """Return what happened, at the latest after `timeout_s` seconds."""
        ...

    def close(self) -> None:
        """Stop watching."""
        ...


class Broken(Exception):
    """File events have broken off, and will not come back; says why."""


def open_source(
    root: Path, stop: threading.Event, *, poll: bool, say: Callable[[str], None]
) -> Source:
    """Return file events below `root` (a real path), or polling where they cannot be had."""
    kind = network_kind(root)
    if poll:
        return PollSource(root, stop)
    if kind is not None:
        say(f"{root} lies on a network drive ({kind}), which sends no file events: polling.")
        return PollSource(root, stop)
    try:
        return EventSource(root, stop)
    except Exception as error:  # the library raises whatever the system or its core says
        reason = str(error).split("\n", 1)[0][:200]
        say(f"No file events for {root} ({reason}): polling.")
        return PollSource(root, stop)


class EventSource:
    """inotify, FSEvents or ReadDirectoryChanges, by way of watchfiles."""

    polls = False

    def __init__(self, root: Path, stop: threading.Event) -> None:
        from watchfiles._rust_notify import RustNotify

        self._root, self._stop = str(root), stop
        self._notify = RustNotify([str(root)], False, False, 300, True, True)

    def wait(self, timeout_s: float) -> Noticed:
        """Return what happened, at the latest after `timeout_s` seconds. Raises `Broken`."""
        timeout_ms = max(1, int(timeout_s * 1000))
        try:
            found = self._notify.watch(_GROUP_MS, _STEP_MS, timeout_ms, self._stop)
        except (RuntimeError, OSError) as error:  # a name that is no UTF-8, or a watch too many
            raise Broken(str(error).split("\n", 1)[0][:200]) from error
        noticed = Noticed()
        if isinstance(found, str):
            if found == "signal":
                raise KeyboardInterrupt
            return noticed
        for kind, path in found:
            self._sort_in(kind, path, noticed)
        return noticed

    def _sort_in(self, kind: int, path: str, noticed: Noticed) -> None:
        below = path[len(self._root) :].strip(os.sep).split(os.sep)
        if any(map(is_hidden, below)):
            return
        if kind != _DELETED and os.path.isdir(path) and not os.path.islink(path):
            (noticed.new if kind == _ADDED else noticed.changed).add(path)
        elif kind != _DELETED or path.endswith(_ENDS):
            noticed.changed.add(os.path.dirname(path))

    def close(self) -> None:
        """Stop watching."""
        self._notify.close()


_ADDED, _DELETED = 1, 3
_ENDS = (".npy", ".json", ".wav")
"""Of deletions only those of outputs matter; those of whole folders would notice their parent."""


@dataclass(slots=True)
class _Container:
    """A folder that others may come into: its time, and the names below as hashes."""

    time_ns: int = -1
    looks: int = 0
    names: set[int] = field(default_factory=set)


class PollSource:
    """Looks every second at folders that others may come into, and at nothing in them.

    What changes in a folder that was seen before is found by the watcher's sweeps.
    """

    polls = True

    def __init__(self, root: Path, stop: threading.Event, poll_s: float = POLL_S) -> None:
        self._stop, self._poll_s = stop, poll_s
        self._containers: dict[str, _Container] = {}
        self._looked_at = time.monotonic()
        self._add(str(root), Noticed())

    def wait(self, timeout_s: float) -> Noticed:
        """Return what happened, at the latest after `timeout_s` seconds."""
        due_s = self._looked_at + self._poll_s - time.monotonic()
        self._stop.wait(max(0.0, min(timeout_s, due_s)))
        if due_s > timeout_s or self._stop.is_set():
            return Noticed()
        noticed = self.look()
        self._looked_at = time.monotonic()
        return noticed

    def look(self) -> Noticed:
        """Return the folders that came, and those with files of many recordings that changed."""
        noticed = Noticed()
        for path in list(self._containers):
            self._look(path, noticed)
        return noticed

    def _look(self, path: str, noticed: Noticed) -> None:
        container = self._containers[path]
        try:
            changed_ns = os.stat(path).st_mtime_ns
        except OSError:
            if len(self._containers) > 1 and path != next(iter(self._containers)):
                del self._containers[path]
            return
        if changed_ns != container.time_ns:
            container.time_ns, container.looks = changed_ns, _LOOKS_AFTER_CHANGE
        if container.looks:
            container.looks -= 1
            self._list(path, container, noticed)

    def _list(self, path: str, container: _Container, noticed: Noticed) -> None:
        below: list[str] = []
        try:
            with os.scandir(path) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        below.append(entry.path)
                    elif entry.name.endswith(_ENDS):
                        noticed.changed.add(path)
        except OSError:
            return
        names = {hash(one): one for one in below if not is_hidden(os.path.basename(one))}
        for one in names.keys() - container.names:
            noticed.new.add(names[one])
            self._add(names[one], noticed)
        container.names = set(names)

    def _add(self, path: str, noticed: Noticed) -> None:
        """Remember a new folder, and those below it, unless it is one recording and no more."""
        named = is_output_name(os.path.basename(path))
        if named and self._containers:
            return
        try:
            with os.scandir(path) as entries:
                kinds = [(one.name, one.is_dir(follow_symlinks=False)) for one in entries]
        except OSError:
            kinds = []
        folders = [name for name, is_folder in kinds if is_folder]
        own = not OUTPUTS.isdisjoint(name for name, is_folder in kinds if not is_folder)
        if own and not folders and self._containers:
            return
        self._containers[path] = _Container()
        for name in folders:
            if not is_hidden(name):
                below = os.path.join(path, name)
                self._containers[path].names.add(hash(below))
                self._add(below, noticed)

    def close(self) -> None:
        """Stop watching."""
        self._containers.clear()
