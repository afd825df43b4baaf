"""The one door between ingestion and wherever the directories lie."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple, Protocol

from e2vdb.ingest.rejects import Unusable

_BINARY = getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)


BLOCK = 1 << 16
"""Bytes asked for at once; most files of a collection are shorter and take one call."""


class Listing(NamedTuple):
    """What one directory holds: names of plain files, names of folders, links left alone."""

    files: list[str]
    folders: list[str]
    links: int


class FileSystem(Protocol):
    """What ingestion asks of a file system; implementations must be picklable."""

    def list(self, path: str) -> Listing:
        """Name the entries of a folder, links that lead out of the root left aside."""
        ...

    def read(self, path: str, limit: int) -> bytes:
        """Return the first `limit` bytes of a file."""
        ...

    def open(self, path: str) -> BinaryIO:
        """Open a file for reading in pieces."""
        ...

    def size(self, path: str) -> int:
        """Return a file's size in bytes."""
        ...

    def stamp(self, paths: Sequence[str]) -> tuple[int, int]:
        """Return a number that changes when these files or folders do, and the last change.

        The last change is in nanoseconds since 1970.
        """
        ...


@dataclass(frozen=True, slots=True)
class LocalFiles:
    """Directories on a local or mounted disk, below `root` (a real, absolute path)."""

    root: str

    def list(self, path: str) -> Listing:
        """Name the entries of a folder; links out of the root and to folders are counted only.

        Hidden folders are left out: `e2vdb embed` and others make in them what is not finished.
        """
        files: list[str] = []
        folders: list[str] = []
        links = 0
        try:
            with os.scandir(path) as entries:
                for entry in entries:
                    if entry.is_file(follow_symlinks=False):
                        files.append(entry.name)
                    elif entry.is_dir(follow_symlinks=False):
                        if not entry.name.startswith("."):
                            folders.append(entry.name)
                    elif not entry.is_symlink() or self._leads_inside(entry.path):
                        files.append(entry.name)
                    else:
                        links += 1
        except OSError as error:
            raise unreadable(path, error) from error
        return Listing(files, folders, links)

    def _leads_inside(self, link: str) -> bool:
        target = os.path.realpath(link)
        inside = os.path.commonpath([target, self.root]) == self.root
        return inside and os.path.isfile(target)

    def read(self, path: str, limit: int) -> bytes:
        """Return the first `limit` bytes of a file, or all of a shorter one."""
        try:
            handle = os.open(path, os.O_RDONLY | _BINARY)
            try:
                data = os.read(handle, min(limit, BLOCK))
                if len(data) == BLOCK:
                    blocks = [data]
                    while len(data) == BLOCK and len(blocks) * BLOCK < limit:
                        data = os.read(handle, BLOCK)
                        blocks.append(data)
                    return b"".join(blocks)[:limit]
                return data
            finally:
                os.close(handle)
        except OSError as error:
            raise unreadable(path, error) from error

    def open(self, path: str) -> BinaryIO:
        """Open a file for reading in pieces, without memory mapping (it may shrink meanwhile)."""
        try:
            return open(path, "rb")
        except OSError as error:
            raise unreadable(path, error) from error

    def size(self, path: str) -> int:
        """Return a file's size in bytes."""
        try:
            return os.stat(path).st_size
        except OSError as error:
            raise unreadable(path, error) from error

    def stamp(self, paths: Sequence[str]) -> tuple[int, int]:
        """Hash sizes, inodes and times; a change of content within a clock tick is not seen.

        A folder's own time tells of files that came or went, so an untouched directory is known
        by a few stat calls and never listed.
        """
        marks: list[int] = []
        latest = 0
        for path in paths:
            try:
                info = os.stat(path)
            except OSError as error:
                raise unreadable(path, error) from error
            marks += (info.st_size, info.st_ino, info.st_mtime_ns, info.st_ctime_ns)
            latest = max(latest, info.st_mtime_ns, info.st_ctime_ns)
        return hash(tuple(marks)), latest


def unreadable(path: str, error: OSError) -> Unusable:
    """Turn an operating-system error into a reject that names the path."""
    reason = (error.strerror or str(error)).lower()
    return Unusable("unreadable_file", path, f"cannot be read: {reason}")
