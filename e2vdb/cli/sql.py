"""`e2vdb sql`."""

import json
from pathlib import Path
from typing import Any

import click
import duckdb

from e2vdb.cli.options import db_option, open_database
from e2vdb.cli.output import FORMATS, write_answer
from e2vdb.errors import InputError, UsageError


@click.command()
@click.argument("query", required=False)
@click.option("-f", "--file", type=click.Path(path_type=Path), help="Read the query from a file.")
@click.option(
    "-p",
    "--param",
    "params",
    multiple=True,
    metavar="NAME=VALUE",
    help="A value for $NAME in the query; numbers, true, false and null are taken as such, "
    "'\"123\"' as text.",
)
@click.option(
    "--format",
    "kind",
    type=click.Choice(list(FORMATS)),
    help="Default: table, or by the ending of --output.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to a file.")
@click.option("--as-of", metavar="VERSION|TAG|TIME", help="Read the database as it was.")
@db_option
def sql(
    query: str | None,
    file: Path | None,
    params: tuple[str, ...],
    kind: str | None,
    output: Path | None,
    as_of: str | None,
) -> None:
    """Answer QUERY over calls, utterances, frames, metadata and rejects."""
    text = _text(query, file)
    with open_database(as_of) as db:
        try:
            relation = db.sql(text, parse_params(params))
            if relation is not None:
                write_answer(relation, kind or _kind_of(output), output)
            del relation
        except duckdb.Error as error:
            raise UsageError(explain(error)) from error


def _text(query: str | None, file: Path | None) -> str:
    if (query is None) == (file is None):
        raise click.UsageError('Give one query: e2vdb sql "SELECT …" or e2vdb sql -f FILE.')
    text = query if file is None else _read(file)
    if not (text or "").strip():
        raise UsageError('The query is empty; try e2vdb sql "FROM calls LIMIT 5".')
    return text or ""


def _read(file: Path) -> str:
    try:
        return file.expanduser().read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{file} is no UTF-8 text; save the query as UTF-8.") from error


def parse_params(pairs: tuple[str, ...]) -> dict[str, Any] | None:
    """Return `NAME=VALUE` pairs as query parameters, JSON scalars as their type."""
    params: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.isidentifier():
            raise UsageError(f"-p takes NAME=VALUE, not {pair!r}.")
        try:
            params[name] = json.loads(value)
        except json.JSONDecodeError:
            params[name] = value
    return params or None


def _kind_of(output: Path | None) -> str:
    endings = {".md": "markdown", ".ndjson": "jsonl", ".feather": "arrow"}
    if output is None:
        return "table"
    suffix = output.suffix.lower()
    return endings.get(suffix) or (suffix[1:] if suffix[1:] in FORMATS else "table")


def explain(error: duckdb.Error) -> str:
    """Return what DuckDB says, without the Python frames around a function's own error."""
    text = str(error).strip().split("\n\nAt:\n", 1)[0]
    marker = "Python exception occurred while executing the UDF: "
    if marker in text:
        return text.split(marker, 1)[1].split(": ", 1)[-1].split("\n", 1)[0]
    if isinstance(error, duckdb.PermissionException):
        text += (
            "; SQL here reads the database and nothing else: answers go to a file with --output, "
            "files come in with `e2vdb metadata`"
        )
    return text
