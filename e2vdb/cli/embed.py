"""`e2vdb embed`."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from e2vdb.cli.ingest import print_summary
from e2vdb.cli.options import db_option, open_database, say
from e2vdb.cli.progress import SECONDS_A_LINE, talking
from e2vdb.ingest.names import printable

if TYPE_CHECKING:
    from e2vdb.audio.summary import EmbedSummary, EmbedTalk, Progress
    from e2vdb.loading.summary import IngestSummary

EXAMPLES = 20


@click.command()
@click.argument("recordings", nargs=-1, required=True)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default="outputs",
    show_default=True,
    help="The folder that gets an output directory for each recording.",
)
@click.option(
    "--model",
    metavar="NAME|DIR",
    envvar="E2VDB_MODEL",
    default="iic/emotion2vec_plus_large",
    show_default=True,
    help="A model's directory, or its name on the hub. Also: E2VDB_MODEL.",
)
@click.option(
    "--channel",
    type=click.Choice(["mono", "left", "right", "split"]),
    default="mono",
    show_default=True,
    help="Mix all channels, take one, or make every channel an utterance of its own.",
)
@click.option("--frames", is_flag=True, help="Also write the vectors and emotions of all frames.")
@click.option("--device", default="cpu", show_default=True, help="cpu or cuda.")
@click.option(
    "--window",
    "window_s",
    type=float,
    default=20.0,
    show_default=True,
    help="Longest stretch heard in one go, in seconds; memory grows with its square.",
)
@click.option(
    "--overlap",
    "overlap_s",
    type=float,
    default=2.0,
    show_default=True,
    help="Seconds that two neighbouring windows share.",
)
@click.option("--ingest", "then_ingest", is_flag=True, help="Ingest the folder afterwards.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON on stdout.")
@db_option
def embed(
    recordings: tuple[str, ...], out: Path, then_ingest: bool, as_json: bool, **choices: object
) -> int:
    """Recognise RECORDINGS and write an output directory for each, as the WebUI would.

    RECORDINGS are files, folders, patterns in quotes, or lists (.txt, .scp) of files. Run it as
    often as you like: what is done is not done again. The directories made are named on stdout.
    """
    from e2vdb.audio.embed import embed as embed_into
    from e2vdb.audio.options import EmbedOptions

    options = EmbedOptions(**choices)  # type: ignore[arg-type]
    ingested = None
    if then_ingest:
        with open_database() as db, _talking() as talk, talking() as ingest_talk:
            summary, ingested = db.embed(
                recordings, out, options, talk=talk, ingest_talk=ingest_talk
            )
    else:
        with _talking() as talk:
            summary = embed_into(recordings, out, options, talk)
    _print(summary, ingested, as_json)
    if summary.interrupted:
        return 130
    return 1 if summary.rejects and len(summary.rejects) == summary.found else 0


def _print(summary: "EmbedSummary", ingested: "IngestSummary | None", as_json: bool) -> None:
    _say_summary(summary)
    if as_json:
        document = summary.as_dict() | {"ingest": ingested.as_dict() if ingested else None}
        click.echo(json.dumps(document, ensure_ascii=False, indent=2))
    else:
        for made in summary.made:
            click.echo(printable(made.output_dir))
    if ingested is not None:
        print_summary(ingested)


def _say_summary(summary: "EmbedSummary") -> None:
    """Say what was done, on stderr."""
    say(
        f"{summary.found:,} recordings: {len(summary.made):,} recognised, "
        f"{summary.done_before:,} done before, {len(summary.rejects):,} rejected "
        f"({_clock(summary.audio_s)} of sound in {_clock(summary.seconds)}, "
        f"{summary.speed:.1f} x real time)"
    )
    for reject in summary.rejects[:EXAMPLES]:
        say(f"  rejected {printable(str(reject.path))}: {reject.code}: {reject.detail}")
    if len(summary.rejects) > EXAMPLES:
        say(f"  and {len(summary.rejects) - EXAMPLES:,} more; --json lists all")
    if summary.narrow:
        say(f"Telephone audio: {summary.narrow:,}, with nothing above 4.2 kHz (see bandwidth_hz)")
    if summary.interrupted:
        say("Interrupted; what was finished is kept. Run the same command to go on.")


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


@contextmanager
def _talking() -> "Iterator[EmbedTalk]":
    """Show a bar with the speed and the time left on a terminal, a line now and then else."""
    from e2vdb.audio.summary import EmbedTalk

    if not sys.stderr.isatty():
        yield EmbedTalk(say, _Lines())
        return
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn
    from rich.progress import Progress as Bar

    shown = TextColumn("{task.fields[speed]}"), TextColumn("{task.fields[left]}")
    console = Console(stderr=True)
    with Bar(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        *shown,
        console=console,
        transient=True,
    ) as bar:
        task = bar.add_task("Loading the model", total=None, speed="", left="")

        def progress(now: "Progress") -> None:
            bar.update(
                task,
                description=printable(now.file),
                completed=now.done_bytes,
                total=now.total_bytes,
                speed=f"{now.speed:.1f} x real time",
                left="" if now.left_s is None else f"{_clock(now.left_s)} left",
            )

        yield EmbedTalk(lambda text: console.print(text, highlight=False, markup=False), progress)


class _Lines:
    """Says how far it is every ten seconds, so that a log shows that it lives."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def __call__(self, now: "Progress") -> None:
        if time.monotonic() - self._last < SECONDS_A_LINE:
            return
        self._last = time.monotonic()
        share = now.done_bytes / max(1, now.total_bytes)
        left = "" if now.left_s is None else f", {_clock(now.left_s)} left"
        say(f"Recognising: {share:.0%}, {now.speed:.1f} x real time{left}")
