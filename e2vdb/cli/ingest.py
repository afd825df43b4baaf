"""`e2vdb ingest` and `e2vdb metadata`."""

import json
from pathlib import Path

import click

from e2vdb.cli.options import db_option, open_database, say
from e2vdb.cli.progress import talking
from e2vdb.loading.ingest import FRAME_MODES, IngestOptions
from e2vdb.loading.metadata import MetadataSummary
from e2vdb.loading.summary import IngestSummary


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--metadata",
    "metadata_file",
    type=click.Path(path_type=Path),
    help="A CSV, TSV, Parquet or JSON file with utterance_id or output_dir, "
    "and agent, customer, product, team, called_at or any other column.",
)
@click.option(
    "--source", metavar="NAME", help="Prefix the ids with NAME/, to keep two trees apart."
)
@click.option(
    "--frames",
    type=click.Choice(FRAME_MODES),
    default="full",
    show_default=True,
    help="Keep frame vectors in full, distilled only, or not at all.",
)
@click.option(
    "--dimension",
    type=int,
    help="Length of the embeddings of a new database (1024 for plus_large, 768 for base). "
    "Default: what most directories have.",
)
@click.option("--variance", type=float, help="Share of variance that distilled vectors keep.")
@click.option("--workers", type=int, help="Worker processes. Default: one a processor.")
@click.option("--reread", is_flag=True, help="Read and replace every directory, changed or not.")
@click.option("--no-wait", is_flag=True, help="Fail at once if another process is writing.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON on stdout.")
@db_option
def ingest(
    folder: Path, metadata_file: Path | None, no_wait: bool, as_json: bool, **choices: object
) -> int:
    """Read every output directory below FOLDER into the database.

    Run it as often as you like: unchanged directories are not read again, changed ones replace
    their rows, broken ones are listed in `rejects` with a reason.
    """
    options = IngestOptions(wait=not no_wait, **choices)  # type: ignore[arg-type]
    with open_database() as db, talking() as talk:
        summary = db.ingest(folder, metadata=metadata_file, options=options, talk=talk)
    if as_json:
        click.echo(json.dumps(summary.as_dict(), ensure_ascii=False, indent=2))
    else:
        print_summary(summary)
    return 130 if summary.interrupted else 0


def print_summary(summary: IngestSummary) -> None:
    """Print what an ingest did, on stderr."""
    say(
        f"{summary.found:,} directories found: {summary.inserted:,} inserted, "
        f"{summary.updated:,} updated, {summary.unchanged:,} unchanged, "
        f"{summary.rejected:,} rejected "
        f"({summary.rate:,.0f} a second, {summary.seconds:.1f} s)"
    )
    if not summary.found:
        say(f"No output directories below {summary.root}; is it the right folder?")
    if summary.frames:
        say(f"{summary.frames:,} frames written")
    for code, count in sorted(summary.reject_codes.items()):
        say(f"  rejected {count:,} x {code}")
    for example in summary.reject_examples:
        say(f"    {example}")
    if summary.rejected:
        say('  all of them: e2vdb sql "FROM rejects"')
    if summary.links_not_followed:
        say(f"{summary.links_not_followed:,} symbolic links were not followed")
    for note in summary.notes:
        say(note)
    if summary.metadata is not None:
        print_metadata(summary.metadata)
    if summary.interrupted:
        say("Interrupted; what was read is committed. Run the same command to go on.")


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--no-wait", is_flag=True, help="Fail at once if another process is writing.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON on stdout.")
@db_option
def metadata(file: Path, no_wait: bool, as_json: bool) -> None:
    """Load what FILE says of each call; loading it again updates by key."""
    with open_database() as db:
        summary = db.load_metadata(file, wait=not no_wait)
    if as_json:
        click.echo(json.dumps(summary.as_dict(), ensure_ascii=False, indent=2))
    else:
        print_metadata(summary)


def print_metadata(summary: MetadataSummary) -> None:
    """Print how a metadata file's keys fit, on stderr."""
    changed = "" if summary.changed else ", nothing new"
    say(f"Metadata: {summary.rows:,} rows, {summary.matched:,} match an utterance{changed}")
    if summary.unmatched:
        named = ", ".join(summary.unmatched_examples)
        more = ", …" if summary.unmatched > len(summary.unmatched_examples) else ""
        say(f"  {summary.unmatched:,} keys match nothing yet: {named}{more}")
    if summary.repeated:
        say(f"  {summary.repeated:,} rows repeat a key; the last row of each counts")
    if summary.without_key:
        say(f"  {summary.without_key:,} rows without a key were left out")
    for note in summary.notes:
        say(note)
