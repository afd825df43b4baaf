"""Progress of an ingest: a bar on a terminal, a plain line now and then otherwise."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from e2vdb.cli.options import say
from e2vdb.loading.ingest import Talk

SECONDS_A_LINE = 10.0


@contextmanager
def counting(what: str) -> Iterator[Callable[[int, int], None]]:
    """Give a report of done and total that shows progress on stderr while the block runs."""
    if not sys.stderr.isatty():
        yield _PlainLines(what)
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def talking() -> Iterator[Talk]:
    """Give a `Talk` that shows progress on stderr while the block runs."""
    if not sys.stderr.isatty():
        yield Talk(say, _PlainLines("Folders read"))
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    with Progress(
        TextColumn("Reading"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("folders"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    ) as bar:
        task = bar.add_task("folders", total=None)
        yield Talk(
            lambda sentence: console.print(sentence, highlight=False, markup=False),
            lambda done, total: bar.update(task, completed=done, total=total),
        )


class _PlainLines:
    """Says how far it is every ten seconds, so that a log shows that it lives."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._last = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        if time.monotonic() - self._last >= SECONDS_A_LINE:
            self._last = time.monotonic()
            say(f"{self._what}: {done:,} of {total:,}")
