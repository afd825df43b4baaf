"""What several commands share: the database option and how numbers are printed."""

from collections.abc import Callable
from typing import Any

import click

import e2vdb
from e2vdb.database import Database


def db_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--db` after the command's name too, where people look for it."""

    def remember(context: click.Context, _parameter: click.Parameter, value: str | None) -> None:
        if value is not None:
            context.obj = value

    return click.option(
        "--db",
        metavar="ADDRESS",
        expose_value=False,
        callback=remember,
        help="The database. Default: E2VDB_URI, else ./e2v.lancedb.",
    )(command)


def open_database(as_of: str | None = None) -> Database:
    """Open the database that `--db`, E2VDB_URI or the default names."""
    return e2vdb.connect(click.get_current_context().obj, as_of=as_of)


def say(sentence: str) -> None:
    """Talk to the person at the terminal, on stderr."""
    click.echo(sentence, err=True)


def size(count: float) -> str:
    """Return a number of bytes as people read it."""
    for unit in ("B", "KB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
