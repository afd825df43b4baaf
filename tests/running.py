"""Runs the command line in this process or in one of its own."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from click.testing import CliRunner

from e2vdb.cli import app


@dataclass(frozen=True)
class Done:
    """What a command gave: its exit code, its data and its talk."""

    code: int
    raw: bytes
    err: str

    @property
    def out(self) -> str:
        return self.raw.decode()


def e2vdb(*words: object, env: Mapping[str, str] | None = None, stdin: str = "") -> Done:
    """Run a command in this process, errors and exit codes as the program gives them."""
    import click

    @click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
    @click.argument("words", nargs=-1, type=click.UNPROCESSED)
    def program(words: tuple[str, ...]) -> None:
        app.main(list(words))

    found = CliRunner().invoke(program, [*map(str, words)], env=env, input=stdin)
    if found.exception is not None and not isinstance(found.exception, SystemExit):
        raise found.exception
    return Done(found.exit_code, found.stdout_bytes, found.stderr)


def e2vdb_process(*words: object, env: Mapping[str, str] | None = None, stdin: str = "") -> Done:
    """Run a command in a process of its own."""
    command = [sys.executable, "-m", "e2vdb", *map(str, words)]
    done = subprocess.run(
        command, env={**os.environ, **(env or {})}, input=stdin.encode(), capture_output=True
    )
    return Done(done.returncode, done.stdout, done.stderr.decode())
