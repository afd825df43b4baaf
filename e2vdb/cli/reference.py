"""`e2vdb reference add|list|remove|tune`."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from e2vdb.cli.options import db_option, open_database, say
from e2vdb.references.tune import TOLERANCE, TuneReport

no_wait = click.option("--no-wait", is_flag=True, help="Fail at once if another process writes.")


@click.group()
def reference() -> None:
    """Name good calls, and compare every other call with them (`quality_check`)."""


@reference.command("add")
@click.argument("name")
@click.option("--where", metavar="SQL", help="A condition over the view calls.")
@click.option("--ids", multiple=True, metavar="ID", help="An utterance id; as often as you like.")
@no_wait
@db_option
def add_calls(name: str, where: str | None, ids: tuple[str, ...], no_wait: bool) -> None:
    """Put calls into the reference set NAME, which the first call makes."""
    with open_database() as db:
        done = db.references.add(name, where=where, ids=ids, wait=not no_wait)
    rest = f", {done.present:,} were in it" if done.present else ""
    rest += f", {done.without_embedding:,} without embedding left out" * bool(
        done.without_embedding
    )
    say(f"{done.added:,} calls added to {done.name}{rest}")


@reference.command("list")
@db_option
def list_all() -> None:
    """Print every set with its number of calls and the times of the first and last addition."""
    with open_database() as db:
        for one in db.references.list():
            first, last = (
                f"{moment.astimezone():%Y-%m-%d %H:%M}"
                for moment in (one.first_added_at, one.last_added_at)
            )
            click.echo(f"{one.name:<24}{one.calls:>9,} calls   {first} to {last}")


@reference.command("remove")
@click.argument("name")
@click.option("--ids", multiple=True, metavar="ID", help="Only this call; as often as you like.")
@no_wait
@db_option
def remove_calls(name: str, ids: tuple[str, ...], no_wait: bool) -> None:
    """Forget the reference set NAME, or take single calls out of it."""
    with open_database() as db:
        gone = db.references.remove(name, ids=ids or None, wait=not no_wait)
    say(f"{gone:,} calls removed from {name}")


@reference.command("tune")
@click.argument("name")
@click.option(
    "--labels",
    required=True,
    type=click.Path(path_type=Path),
    help="CSV, Parquet or JSON with utterance_id or output_dir, and label: good or bad, "
    "pass or risk, 1 or 0.",
)
@click.option(
    "--tolerance",
    type=float,
    default=TOLERANCE,
    show_default=True,
    help="Share of bad calls that may pass, and of good calls that may be called a risk.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@db_option
def tune_thresholds(name: str, labels: Path, tolerance: float, as_json: bool) -> None:
    """Propose thresholds for the set NAME from calls that people have labelled."""
    with open_database() as db:
        report = db.references.tune(name, labels, tolerance)
    if as_json:
        click.echo(json.dumps(asdict(report), indent=2))
    else:
        _print_report(report)


def _print_report(report: TuneReport) -> None:
    click.echo(f"AUC {report.auc:.4f} on {report.good:,} good and {report.bad:,} bad calls")
    click.echo(f"{'':<17}{'threshold':>10}{'sensitivity':>13}{'specificity':>13}")
    for one in report.rates:
        click.echo(
            f"{one.name:<17}{one.threshold:>10.4f}{one.sensitivity:>13.1%}{one.specificity:>13.1%}"
        )
    click.echo(
        f"quality_check('{report.name}', pass := {report.pass_threshold:.4f}, "
        f"review := {report.review_threshold:.4f})"
    )
    if report.in_set:
        say(f"{report.in_set:,} labelled calls are in the set itself and were left out")
    if report.without_similarity:
        say(f"{report.without_similarity:,} labelled calls have no embedding")
