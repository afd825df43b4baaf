"""One watcher a folder and database: two would post every alert twice."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from e2vdb.errors import BusyError, StorageError
from e2vdb.store.address import Address


@contextmanager
def only_watcher(address: Address, root: Path) -> Iterator[None]:
    """Be the one process that watches this folder. Raises `BusyError` where another one does.

    On an object store there is no lock to take.
    """
    if address.folder is None:
        yield
        return
    name = hashlib.blake2b(str(root).encode(errors="surrogateescape"), digest_size=8).hexdigest()
    lock = FileLock(address.folder / f".watch-{name}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise BusyError(f"Another `e2vdb watch` is watching {root} for {address}.") from None
    except OSError as error:
        raise StorageError(f"{address} cannot be written: {error.strerror or error}.") from error
    try:
        yield
    finally:
        lock.release()
