"""`e2vdb serve`: the published file for tools on other machines."""

import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from e2vdb.cli.options import say
from e2vdb.errors import E2VError
from e2vdb.serve.tokens import VARIABLE, chosen_token, new_token

if TYPE_CHECKING:
    from e2vdb.serve.server import Server

LOOK_EVERY_S = 0.5
"""How often the file is looked at for a new publish."""

PATIENCE_S = 5.0
"""How long queries that still run may hold up the end."""

WEAK = 16
"""Tokens shorter than this are worth a warning."""


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=9494,
    show_default=True,
    help="Port to listen at.",
)
@click.option(
    "--token-file",
    type=click.Path(path_type=Path),
    help=f"File with the token that clients must show. Default: {VARIABLE}, else one is made "
    "and printed once.",
)
@click.option(
    "--extension",
    type=click.Path(path_type=Path),
    help="DuckDB's quack.duckdb_extension. Default: the package duckdb-extension-quack, else "
    "where DuckDB installed it.",
)
def serve(
    file: Path, host: str, port: int, token_file: Path | None, extension: Path | None
) -> None:
    """Answer queries on the published FILE over DuckDB's Quack protocol, reading only.

    A publish over FILE is served as soon as it is there. Ends with Ctrl-C or SIGTERM.
    """
    from e2vdb.serve.server import Server, is_loopback

    given = chosen_token(token_file)
    token = given or new_token()
    server = Server(file, token, host, port, extension)
    ended = _ended_by_signals()
    say(f"Serving {file} at {server.address}{_published(server.published())}; Ctrl-C ends it.")
    if not is_loopback(host):
        say(
            f"Warning: {host} can be reached from other machines, and token and answers "
            "travel unencrypted; put a proxy with TLS before it."
        )
    if given is None:
        say(f"Token, shown this once: {token}")
    elif len(given) < WEAK:
        say(f"Warning: a token of {len(given)} characters can be guessed; take {WEAK} or more.")
    _follow(server, file, ended)
    _leave(server)


def _leave(server: "Server") -> NoReturn:
    """Stop listening and end the process, whatever clients still do.

    Nothing is written here, so that nothing is lost; closing DuckDB instead waits for every
    client's session.
    """
    stopping = threading.Thread(target=server.stop, daemon=True)
    stopping.start()
    stopping.join(PATIENCE_S)
    sys.stderr.flush()
    os._exit(0)


def _ended_by_signals() -> threading.Event:
    ended = threading.Event()
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, lambda *_: ended.set())
    return ended


def _follow(server: "Server", file: Path, ended: threading.Event) -> None:
    """Move on with every publish until the end; say once what is wrong with a file."""
    said = ""
    while not ended.wait(LOOK_EVERY_S):
        try:
            if server.refresh():
                said = ""
                say(f"Serving the new {file}{_published(server.published())}")
        except E2VError as error:
            if str(error) != said:
                said = str(error)
                say(f"Still serving the file before: {said}")


def _published(meta: dict[str, Any]) -> str:
    """Return when the file was published, where its meta says so."""
    moment = meta.get("published_at")
    return "" if moment is None else f", published {moment:%Y-%m-%d %H:%M:%S}"
