"""`e2vdb shell`: a prompt with history and completion."""

import sys
from collections.abc import Iterable
from pathlib import Path

import click
import duckdb

from e2vdb.cli.options import db_option, open_database, say
from e2vdb.cli.output import write_answer
from e2vdb.cli.sql import explain
from e2vdb.database import Database
from e2vdb.query.catalog import columns, completions, functions, relations

HISTORY = Path("~/.e2vdb_history").expanduser()
HELP = """\
.tables            tables and views, with what they hold
.schema [NAME]     columns of one relation, or of all
.functions         functions and macros
.help              this text
.quit              leave (Ctrl-D does too)
Anything else is SQL; it ends with a semicolon and may span lines."""


@click.command()
@click.option("--as-of", metavar="VERSION|TAG|TIME", help="Read the database as it was.")
@db_option
def shell(as_of: str | None) -> None:
    """Ask questions at a prompt; every statement sees the newest commit."""
    with open_database(as_of) as db:
        db.sql("SELECT 1")  # a wrong address is better told before the prompt
        if sys.stdin.isatty():
            say(f"{db.address} · .help for help, .quit to leave")
        for text in _statements(db):
            if text in (".quit", ".exit"):
                return
            _answer(db, text)


def _answer(db: Database, text: str) -> None:
    try:
        if text.startswith("."):
            _command(db, text)
            return
        relation = db.sql(text)
        if relation is not None:
            write_answer(relation, "table", None)
        del relation
    except duckdb.Error as error:
        say(f"Error: {explain(error)}")
    except KeyboardInterrupt:
        say("Interrupted.")


def _command(db: Database, text: str) -> None:
    name, _, argument = text.partition(" ")
    if name == ".tables":
        for relation, about in relations(db.sql):
            click.echo(f"{relation:<22}{about}")
    elif name == ".functions":
        for function, about in functions():
            click.echo(f"{function:<22}{about}")
    elif name == ".schema":
        wanted = argument.strip()
        for relation, _ in relations(db.sql):
            if wanted in ("", relation):
                listed = ", ".join(f"{column} {kind}" for column, kind in columns(db.sql, relation))
                click.echo(f"{relation}({listed})")
    elif name == ".help":
        click.echo(HELP)
    else:
        say(f"There is no command {name}; .help lists them.")


def _statements(db: Database) -> Iterable[str]:
    """Yield dot commands and whole SQL statements, from the prompt or from a pipe."""
    lines = _prompt(db) if sys.stdin.isatty() else (line.rstrip("\n") for line in sys.stdin)
    pending = ""
    for line in lines:
        if not pending and line.strip().startswith("."):
            yield line.strip()
            continue
        pending = f"{pending}\n{line}".strip()
        if pending.endswith(";"):
            yield pending
            pending = ""
    if pending:
        yield pending


def _prompt(db: Database) -> Iterable[str]:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
    from prompt_toolkit.completion import WordCompleter
    from prompt_toolkit.history import FileHistory

    completer = WordCompleter(completions(db.sql), ignore_case=True)
    session: PromptSession[str] = PromptSession(
        history=FileHistory(str(HISTORY)),
        auto_suggest=AutoSuggestFromHistory(),
        completer=completer,
        complete_while_typing=False,
    )
    while True:
        try:
            yield session.prompt("e2vdb> ")
        except KeyboardInterrupt:
            continue
        except EOFError:
            return
