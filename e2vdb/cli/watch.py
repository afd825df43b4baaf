"""`e2vdb watch` and `e2vdb alerts`."""

import ctypes
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from types import FrameType

import click

from e2vdb.cli.options import db_option, open_database, say
from e2vdb.cli.output import FORMATS, write_answer
from e2vdb.errors import UsageError
from e2vdb.loading.ingest import FRAME_MODES
from e2vdb.references.quality import PASS, REVIEW
from e2vdb.watch.alerts import STATUSES
from e2vdb.watch.messages import FORMATS as ALERT_FORMATS
from e2vdb.watch.options import WatchOptions
from e2vdb.watch.secrets import VARIABLE, AlertUrl
from e2vdb.watch.settle import SETTLE_S


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--reference", metavar="NAME", help="Compare each call with this reference set.")
@click.option(
    "--alert-when",
    metavar="SQL",
    help="A condition over calls, verdict and similarity, such as \"verdict = 'risk' OR "
    "angry > 0.8\". Default with --reference: verdict = 'risk'.",
)
@click.option(
    "--alert-url",
    metavar="URL",
    help=f"Where alerts are posted. Better set {VARIABLE}: other users can see options.",
)
@click.option(
    "--alert-format",
    type=click.Choice(list(ALERT_FORMATS)),
    default="json",
    show_default=True,
    help="Plain JSON, a WeCom robot's markdown, or Slack's text.",
)
@click.option(
    "--pass", "least_pass", type=float, default=PASS, show_default=True, help="Least to pass."
)
@click.option(
    "--review",
    "least_review",
    type=float,
    default=REVIEW,
    show_default=True,
    help="Least similarity for a review; below it is a risk.",
)
@click.option(
    "--settle",
    "settle_s",
    type=float,
    default=SETTLE_S,
    show_default=True,
    help="Seconds for which a directory's files must not change.",
)
@click.option("--poll", is_flag=True, help="Look every second instead of trusting file events.")
@click.option(
    "--quiet-start", is_flag=True, help="No alerts for what is there before the first watch."
)
@click.option("--source", metavar="NAME", help="Prefix the ids with NAME/, as ingest does.")
@click.option(
    "--frames",
    type=click.Choice(FRAME_MODES),
    default="full",
    show_default=True,
    help="Keep frame vectors in full, distilled only, or not at all.",
)
@click.option("--dimension", type=int, help="Length of the embeddings of a new database.")
@db_option
def watch(folder: Path, **choices: object) -> None:
    """Take directories below FOLDER in as they are finished, and post alerts; until Ctrl-C.

    What came while nobody watched is taken in first. SIGTERM and Ctrl-C finish the batch.
    """
    options = WatchOptions(**choices)  # type: ignore[arg-type]
    if options.alert_url is not None and AlertUrl(options.alert_url).has_key:
        say(f"Other users of this machine can see --alert-url; {VARIABLE} is seen by nobody.")
    _use_few_arenas()
    with open_database() as db, _stopped_by_signals() as stop:
        db.watch(folder, options=options, stop=stop, say=_log)


def _use_few_arenas() -> None:
    """Keep glibc from spreading small pieces over an arena a thread, which doubles the memory."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # another C library
            ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)


_M_ARENA_MAX = -8


def _log(sentence: str) -> None:
    say(f"{datetime.now():%Y-%m-%d %H:%M:%S} {sentence}")


@contextmanager
def _stopped_by_signals() -> Iterator[threading.Event]:
    """Give an event that SIGTERM and Ctrl-C set; a second Ctrl-C ends the process at once."""
    stop = threading.Event()

    def end(number: int, _frame: FrameType | None) -> None:
        if stop.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        stop.set()

    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    numbers = [signal.SIGINT, signal.SIGTERM]
    before = {number: signal.signal(number, end) for number in numbers}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@click.command()
@click.option("--status", type=click.Choice(STATUSES), help="Only alerts that stand so.")
@click.option("--limit", type=click.IntRange(min=1), help="Only so many, the newest first.")
@click.option("--resend", is_flag=True, help="Make failed alerts pending again.")
@click.option("--id", "ids", multiple=True, metavar="ID", help="With --resend: only this alert.")
@click.option("--format", "kind", type=click.Choice(list(FORMATS)), default="table")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to a file.")
@click.option("--no-wait", is_flag=True, help="Fail at once if another process is writing.")
@db_option
def alerts(
    status: str | None,
    limit: int | None,
    resend: bool,
    ids: tuple[str, ...],
    kind: str,
    output: Path | None,
    no_wait: bool,
) -> None:
    """List the alerts that a watch raised, newest first."""
    if ids and not resend:
        raise UsageError("--id names alerts to send again; give --resend too.")
    with open_database() as db:
        if resend:
            again = db.send_again(ids, wait=not no_wait)
            say(f"{again:,} failed alerts are pending again; a watch of their folder posts them")
            return
        relation = db.alerts(status).project(_SHOWN) if kind == "table" else db.alerts(status)
        write_answer(relation if limit is None else relation.limit(limit), kind, output)
        del relation


_SHOWN = (
    "created_at, status, utterance_id, emotion, verdict, similarity, attempts, last_error, "
    "condition, alert_id"
)
