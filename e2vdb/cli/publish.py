"""`e2vdb publish`, once or again and again."""

import re
import signal
import threading
from collections.abc import Callable
from types import FrameType

import click

from e2vdb.cli.options import db_option, open_database, say, size
from e2vdb.errors import BusyError, StorageError, UsageError

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@click.command()
@click.argument("target")
@click.option(
    "--vectors",
    type=click.Choice(["none", "distilled", "full"]),
    default="none",
    show_default=True,
    help="Publish voice vectors too; BI tools cannot show them.",
)
@click.option("--since", metavar="DATE", help="Leave earlier calls out, and all about them.")
@click.option(
    "--frame-step",
    type=float,
    default=0.5,
    show_default=True,
    metavar="SECONDS",
    help="One frame in so many seconds; 0.02 keeps all, 0 none.",
)
@click.option("--timezone", metavar="ZONE", help="Of the calls' times. Default: this machine's.")
@click.option(
    "--every",
    metavar="TIME",
    help="Publish again and again, such as 10m, where there is something new.",
)
@click.option("--for", "tool", metavar="TOOL", help="Shape a .parquet for embedding-atlas.")
@click.option("--map", metavar="NAME", help="Which map embedding-atlas shows, of several.")
@click.option("--as-of", metavar="VERSION|TAG|TIME", help="Publish the database as it was.")
@click.option("--no-wait", is_flag=True, help="Fail at once if another process publishes there.")
@db_option
def publish(
    target: str,
    vectors: str,
    since: str | None,
    frame_step: float,
    timezone: str | None,
    every: str | None,
    tool: str | None,
    map: str | None,
    as_of: str | None,
    no_wait: bool,
) -> None:
    """Publish the answers as TARGET, for BI tools that know nothing of e2vdb.

    TARGET ends in .duckdb for one file with everything, in .parquet for the calls alone, in /
    for a folder of Parquet files.
    """
    seconds = None if every is None else interval(every)
    if seconds is not None and as_of is not None:
        raise UsageError("--as-of shows the past, which does not change; leave --every out.")
    with open_database(as_of) as db:

        def once() -> None:
            done = db.publish(
                target,
                vectors=vectors,
                since=since,
                frame_step=frame_step,
                timezone=timezone,
                map=map,
                tool=tool,
                wait=not no_wait,
            )
            if done.nothing_new:
                say(f"{done.target} is up to date: nothing new since it was published")
                return
            copied = len(done.tables) - len(done.computed)
            say(
                f"{done.target}: {done.calls:,} calls; {len(done.computed)} tables computed, "
                f"{copied} copied, {size(done.bytes)} in {done.seconds:.1f} s"
            )

        once() if seconds is None else again_and_again(once, seconds)


def interval(text: str) -> float:
    """Return a time such as 30s, 10m, 2h or 1d in seconds. Raises `UsageError` for others."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd])", text.strip().lower())
    if found is None or float(found[1]) <= 0:
        raise UsageError(f"--every takes a time such as 30s, 10m, 2h or 1d, not {text!r}.")
    return float(found[1]) * _UNITS[found[2]]


def again_and_again(work: Callable[[], None], seconds: float) -> None:
    """Do the work, wait, and do it again until Ctrl-C or SIGTERM, which let it finish.

    A second one abandons it. What fails at first is wrong in the command; what fails later may
    mend itself, so it is said and tried again.
    """
    stop = threading.Event()

    def end(number: int, _frame: FrameType | None) -> None:
        if stop.is_set():  # asked twice: abandon it, which leaves the old file
            raise KeyboardInterrupt
        stop.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        work()
        while not stop.wait(seconds):
            try:
                work()
            except (StorageError, BusyError) as error:
                say(f"Error: {error} Trying again in {seconds:g} s.")
    except KeyboardInterrupt:
        say("The running publication was abandoned; what was there before is as it was")
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    say("Stopped")
