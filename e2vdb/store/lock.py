"""One writer at a time on a local database; readers never wait."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from e2vdb.errors import BusyError, StorageError
from e2vdb.store.address import Address, check_folder


@contextmanager
def writer_lock(
    address: Address,
    *,
    wait: bool = True,
    say: Callable[[str], None] = lambda _: None,
    give_up: Callable[[], bool] | None = None,
) -> Iterator[None]:
    """Hold the database's writer lock; say so once if another process has it.

    On an object store there is no lock to take: run one writer at a time there. Raises
    `BusyError` where another process writes and `wait` is false or `give_up` ends the waiting,
    `AddressError` for a folder of other files, before anything is put there.
    """
    folder = address.folder
    if folder is None:
        yield
        return
    check_folder(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".writer.lock")
        _acquire(lock, address, wait, say, give_up)
    except OSError as error:
        if isinstance(error, Timeout):
            raise
        raise StorageError(f"{folder} cannot be written: {error.strerror or error}.") from error
    try:
        yield
    finally:
        lock.release()


def _acquire(
    lock: FileLock,
    address: Address,
    wait: bool,
    say: Callable[[str], None],
    give_up: Callable[[], bool] | None,
) -> None:
    busy = BusyError(f"Another process is writing to {address}; try again when it has finished.")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        if not wait:
            raise busy from None
        say(f"Another process is writing to {address}; waiting for it to finish …")
        try:
            lock.acquire(cancel_check=give_up)
        except Timeout:
            raise busy from None
