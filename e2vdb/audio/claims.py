"""Who works on what in an output folder: one lock a recording, freed by the system on a crash."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path

from filelock import FileLock, Timeout

HIDDEN = ".e2vdb-embed"
"""The folder inside the output folder for what is being made; ingest leaves hidden ones alone."""

_NAMES = "names"
_TRIES = 20


class Busy(Exception):
    """Another process is at work on the same recording."""


class Workshop:
    """The hidden folder of an output folder."""

    def __init__(self, out: Path) -> None:
        self._folder = out / HIDDEN

    @contextmanager
    def claim(self, key: str, *, wait: bool = False) -> Iterator[Path]:
        """Give an empty folder for making `key`, nobody else's while the block runs.

        Whatever a killed run left of it is removed first. Raises `Busy` unless `wait`.
        """
        name = blake2b(key.encode(), digest_size=12).hexdigest()
        with self._lock(name, wait=wait):
            staging = self._folder / name
            shutil.rmtree(staging, ignore_errors=True)
            staging.mkdir()
            try:
                yield staging
            finally:
                shutil.rmtree(staging, ignore_errors=True)

    @contextmanager
    def naming(self) -> Iterator[None]:
        """Let one process at a time choose the name of a new output directory."""
        with self._lock(_NAMES, wait=True):
            yield

    def sweep(self) -> None:
        """Remove what killed runs left behind, and the folder itself where nobody needs it."""
        with suppress(OSError):
            for entry in self._folder.iterdir():
                if entry.suffix != ".lock":
                    with suppress(Busy), self._lock(entry.name, wait=False):
                        shutil.rmtree(entry, ignore_errors=True)
            for entry in self._folder.glob("*.lock"):
                with suppress(Busy), self._lock(entry.stem, wait=False):
                    pass
            self._folder.rmdir()

    @contextmanager
    def _lock(self, name: str, *, wait: bool) -> Iterator[None]:
        """Hold a lock whose file is gone afterwards.

        One that waited for it may then hold the lock of a file that is no more, beside a third;
        so whoever gets a claim looks first whether the work has been done meanwhile.
        """
        path = self._folder / f"{name}.lock"
        lock = FileLock(path)
        for attempt in range(_TRIES):
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                lock.acquire(timeout=-1 if wait else 0)
                break
            except Timeout:
                raise Busy(name) from None
            except FileNotFoundError:  # swept away between the two calls
                if attempt == _TRIES - 1:
                    raise
        try:
            yield
        finally:
            with suppress(OSError):
                path.unlink()
            lock.release()
