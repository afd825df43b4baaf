"""The place beside the target where a publication is built, and putting it in its place."""

import ctypes
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from e2vdb.errors import BusyError, StorageError, UsageError

_HERE, _SWAP = -100, 2
"""Linux: AT_FDCWD, paths as they are, and RENAME_EXCHANGE."""


def check_place(target: Path, store: Path | None) -> None:
    """Raise `UsageError` where the target cannot be one, before any work begins."""
    folder = target.parent
    if store is not None and (target == store or store in target.parents):
        raise UsageError(f"{target} lies in the database {store}; publish to another place.")
    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder}; make it or name another target.")
    if not os.access(folder, os.W_OK):
        raise UsageError(f"The folder {folder} cannot be written; name another target.")


@contextmanager
def workplace(target: Path, *, wait: bool) -> Iterator[Path]:
    """Give an empty hidden folder beside the target, one publication at a time, gone afterwards.

    Who holds the lock is the only one who publishes there, so that whatever lies in the folder
    was left by a publication that died. Raises `BusyError` where `wait` is false and another
    process publishes there.
    """
    lock = FileLock(target.with_name(f".{target.name}.lock"))
    folder = target.with_name(f".{target.name}.publishing")
    try:
        try:
            lock.acquire(timeout=-1 if wait else 0)
        except Timeout:
            raise BusyError(
                f"Another process is publishing {target}; try again when it has finished."
            ) from None
        try:
            _remove(folder)
            folder.mkdir()
            yield folder
        finally:
            _remove(folder)
            with suppress(OSError):  # who waits for a lock file that is gone makes a new one
                Path(lock.lock_file).unlink()
            lock.release()
    except OSError as error:
        raise StorageError(
            f"Publishing {target} failed: {error.strerror or error}. What was there before is "
            "as it was."
        ) from error


def put_file(new: Path, target: Path) -> None:
    """Put a finished file in the target's place, synced, all at once."""
    sync(new)
    # A log that a client left beside the old file would be played into the new one.
    target.with_name(f"{target.name}.wal").unlink(missing_ok=True)
    new.replace(target)
    sync(target.parent)


def put_folder(new: Path, target: Path, workplace: Path) -> None:
    """Put a finished folder in the target's place, synced; on Linux all at once.

    Elsewhere the old one is moved away first, and comes back where the new one cannot follow.
    """
    for file in new.iterdir():
        sync(file)
    sync(new)
    if not target.exists():
        new.rename(target)
    elif not _exchange(new, target):
        old = workplace / "old"
        target.rename(old)
        try:
            new.rename(target)
        except OSError:
            old.rename(target)
            raise
    sync(target.parent)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two folders' names in one step; False where the system cannot."""
    if sys.platform != "linux":
        return False
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    done: int = rename(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _SWAP)
    return done == 0


def sync(path: Path) -> None:
    """Have the disk hold a file or a folder's entries; where folders cannot be synced, skip."""
    if path.is_dir() and os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove(folder: Path) -> None:
    if folder.is_dir() and not folder.is_symlink():
        shutil.rmtree(folder)
    else:
        folder.unlink(missing_ok=True)
