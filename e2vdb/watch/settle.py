"""When is a directory finished? When its files have stopped changing, or it was renamed whole."""

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from stat import S_ISDIR, S_ISREG

from e2vdb.ingest.layouts import Folder, Layout, layouts, recordings_in
from e2vdb.ingest.names import is_hidden, printable

SETTLE_S = 1.0
"""How long sizes and times have to stand still."""

EMPTY_S = 600.0
"""How long a directory may hold no output yet: recognition takes longer than writing."""

FLAT_S = 10.0
"""A folder of many recordings may be written to for hours; it is visited at least this often."""

OLD_S = 60.0
"""Files that have not changed for so long were finished before anybody looked."""


@dataclass(frozen=True, slots=True)
class Look:
    """A folder as it stands: sizes and times of its files, folders below, what it may be."""

    mark: tuple[tuple[str, int, int], ...]
    folders: tuple[str, ...]
    is_recording: bool
    has_output: bool
    is_flat: bool
    renamed: bool
    changed_at: float


def look(path: str, asked: tuple[Layout, ...]) -> Look | None:
    """Look at a folder; None where it is gone or none."""
    files: list[tuple[str, int, int]] = []
    folders: list[str] = []
    try:
        own = os.stat(path, follow_symlinks=False)
        if not S_ISDIR(own.st_mode):
            return None
        latest = own.st_mtime
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders += [] if is_hidden(entry.name) else [entry.path]
                    continue
                try:
                    info = entry.stat()
                except FileNotFoundError:  # a link that leads nowhere, or gone meanwhile
                    continue
                if S_ISREG(info.st_mode):
                    files.append((entry.name, info.st_size, info.st_mtime_ns))
                    latest = max(latest, info.st_mtime)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:  # it cannot be read: a reject, if it stays so
        mark = (("", error.errno or 0, 0),)
        return Look(mark, (), True, True, False, False, time.time())
    folder = Folder(path, printable(os.path.basename(path)), [name for name, _, _ in files])
    found = recordings_in(folder, asked)
    has_output = any(one.embedding or one.frames or one.result for one in found)
    flat = any(one.shares_folder for one in found)
    # A rename touches the folder itself and nothing in it; writing a file into it sets both.
    renamed = has_output and not flat and own.st_ctime_ns > own.st_mtime_ns
    return Look(
        tuple(sorted(files)), tuple(folders), bool(found), has_output, flat, renamed, latest
    )


@dataclass(slots=True)
class _Pending:
    since: float
    look_at: float
    below: bool
    still_since: float = 0.0
    mark: tuple[tuple[str, int, int], ...] | None = None


class Settler:
    """Folders in which something happened, until they are finished.

    `clock` gives seconds that only grow; `now` is the time of day, as files have it.
    """

    def __init__(
        self,
        settle_s: float = SETTLE_S,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._settle_s, self._clock, self._now = settle_s, clock, now
        self._layouts = layouts()
        self._pending: dict[str, _Pending] = {}

    def __len__(self) -> int:
        return len(self._pending)

    def notice(self, folders: Iterable[str], *, below: bool = False) -> None:
        """Take in folders in which something happened, or may have.

        With `below` the folders in them count as noticed too: a tree may be renamed into place.
        """
        moment = self._clock()
        for path in folders:
            known = self._pending.setdefault(path, _Pending(moment, moment, below))
            known.look_at = min(known.look_at, moment)
            known.below |= below

    def finished(self, most: int) -> list[str]:
        """Look at what is due and return up to `most` folders that are finished, and forget them.

        What is no recording is forgotten too.
        """
        moment = self._clock()
        done: list[str] = []
        for path, known in list(self._pending.items()):
            if known.look_at > moment:
                continue
            if len(done) >= most:
                break
            found = look(path, self._layouts)
            if found is not None and known.below:
                known.below = False
                self.notice(found.folders, below=True)
            if found is None or not found.is_recording:
                del self._pending[path]
            elif self._is_finished(known, found, moment):
                del self._pending[path]
                done.append(path)
        return done

    def _is_finished(self, known: _Pending, found: Look, moment: float) -> bool:
        age_s = self._now() - found.changed_at
        if found.mark != known.mark:
            known.mark, known.still_since = found.mark, moment
            if found.renamed or (found.has_output and age_s > OLD_S) or age_s > EMPTY_S:
                return True
        wait_s = self._settle_s if found.has_output else EMPTY_S
        if moment - known.still_since >= wait_s:
            return True
        if found.is_flat and moment - known.since >= FLAT_S:
            return True
        due = known.still_since + self._settle_s
        known.look_at = due if due > moment else moment + self._settle_s
        return False

    def oldest_s(self) -> float:
        """Return how long ago the folder was noticed that has been pending for longest."""
        moment = self._clock()
        return max((moment - one.since for one in self._pending.values()), default=0.0)

    def wait_s(self) -> float | None:
        """Return the seconds until the next look, None where nothing is pending."""
        if not self._pending:
            return None
        first = min(one.look_at for one in self._pending.values())
        return max(0.0, first - self._clock())
