"""`e2vdb events`."""

from pathlib import Path

import click

from e2vdb.cli.options import db_option, open_database, say
from e2vdb.cli.output import write_answer


@click.group()
def events() -> None:
    """Load, list or remove events: launches, trainings, whatever may move feelings."""


@events.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--no-wait", is_flag=True, help="Fail at once if another process is writing.")
@db_option
def load(file: Path, no_wait: bool) -> None:
    """Load FILE: name, kind, starts_at, ends_at, product, team; a known name is replaced."""
    with open_database() as db:
        done = db.load_events(file, wait=not no_wait)
    say(f"{done.events:,} events loaded, {done.new:,} of them new")


@events.command("list")
@db_option
def list_events() -> None:
    """List the stored events."""
    with open_database() as db:
        relation = db.sql("FROM events ORDER BY starts_at, name")
        if relation is not None:
            write_answer(relation, "table", None)
        del relation


@events.command()
@click.argument("name")
@db_option
def remove(name: str) -> None:
    """Forget the event NAME."""
    with open_database() as db:
        db.remove_event(name)
    say(f"Forgot the event {name}")
