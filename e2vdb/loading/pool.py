"""Worker processes that start fast, never outlive their parent, and need no `__main__` guard."""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import connection, resource_tracker
from types import TracebackType
from typing import Any, Self, TypeVar

from threadpoolctl import threadpool_limits

T = TypeVar("T")

FEW_FOLDERS = 1_000
"""Fewer folders than this are read in-process: starting workers would take longer."""

_PRELOAD = [
    "numpy",
    "orjson",
    "threadpoolctl",
    "pyarrow.compute",
    "pyarrow.dataset",
    "e2vdb.ingest.batches",
]
"""What the fork server imports once for all workers; Lance must be imported after the fork."""


def default_workers() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Pool:
    """Runs functions in worker processes, or at once in this one where `workers` is 1."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._executor: ProcessPoolExecutor | None = None

    def prepare(self) -> None:
        """Let the fork server import its modules while the caller does something else."""
        if self.workers > 1 and _context().get_start_method() == "forkserver":
            from multiprocessing import forkserver

            with _main_hidden(), _interrupts_held():
                forkserver.ensure_running()

    def submit(self, function: Callable[..., T], *arguments: Any) -> "Future[T]":
        """Run a function of picklable arguments; the future is done already without workers."""
        if self.workers == 1:
            done: Future[T] = Future()
            try:
                done.set_result(function(*arguments))
            except Exception as error:
                done.set_exception(error)
            return done
        if self._executor is None:
            self._executor = ProcessPoolExecutor(
                self.workers, mp_context=_context(), initializer=_start_worker
            )
        with _main_hidden(), _interrupts_held():
            return self._executor.submit(function, *arguments)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)


def _context() -> Any:
    """Return a start method without fork: Lance's threads do not survive it."""
    methods = multiprocessing.get_all_start_methods()
    if "forkserver" not in methods:
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOAD)
    return context


@contextmanager
def _main_hidden() -> Iterator[None]:
    """Keep workers from running the user's script again, which they never need."""
    main = sys.modules["__main__"]
    names = main.__dict__
    hidden: dict[str, Any] = {
        name: names.pop(name) for name in ("__file__", "__spec__") if name in names
    }
    names["__spec__"] = None
    try:
        yield
    finally:
        names.update(hidden)


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Hold Ctrl-C back while processes start: they inherit that, so it never reaches them.

    The system may hand the signal to another thread all the same, so its handler waits too.
    """
    if not hasattr(signal, "pthread_sigmask") or threading.current_thread() is not _MAIN:
        yield
        return
    held: list[int] = []
    handler = signal.signal(signal.SIGINT, lambda number, _frame: held.append(number))
    resource_tracker.ensure_running()  # it would lift the block when it starts later
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        signal.signal(signal.SIGINT, handler)
        if held:
            signal.raise_signal(signal.SIGINT)


_MAIN = threading.main_thread()


def _start_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent to handle
    threadpool_limits(1)  # the workers share out the processors; BLAS need not do so again
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_die_with, args=(parent.sentinel,), daemon=True).start()


def _die_with(sentinel: int) -> None:
    """End this worker when its parent is gone, even by kill -9."""
    connection.wait([sentinel])
    os._exit(1)
