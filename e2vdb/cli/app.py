"""The `e2vdb` command: commands are imported when they are called, errors are one sentence."""

import os
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

import click

from e2vdb import __version__
from e2vdb.errors import E2VError

_COMMANDS = {
    "ingest": ("e2vdb.cli.ingest", "Read output directories into the database."),
    "watch": ("e2vdb.cli.watch", "Take directories in as they are finished, post alerts."),
    "alerts": ("e2vdb.cli.watch", "List the alerts that a watch raised, or send them again."),
    "embed": ("e2vdb.cli.embed", "Recognise recordings and write output directories."),
    "metadata": ("e2vdb.cli.ingest", "Load what a file says of each call."),
    "events": ("e2vdb.cli.events", "Load, list or remove events: launches, trainings."),
    "sql": ("e2vdb.cli.sql", "Answer a question in SQL."),
    "search": ("e2vdb.cli.search", "Find the calls that sound most like one."),
    "index": ("e2vdb.cli.search", "Build or update the approximate index."),
    "neighbors": ("e2vdb.cli.search", "Write every call's nearest calls into a table."),
    "reference": ("e2vdb.cli.reference", "Name good calls, and tune thresholds by labels."),
    "align": ("e2vdb.cli.align", "Learn or import a linear map from voice to another space."),
    "shell": ("e2vdb.cli.shell", "Ask questions at a prompt."),
    "publish": ("e2vdb.cli.publish", "Publish the answers as a file that BI tools open."),
    "info": ("e2vdb.cli.info", "Show tables, rows, versions, distiller and disk use."),
    "latest": ("e2vdb.cli.info", "Print the newest output directory below a folder."),
    "distill": ("e2vdb.cli.distill", "Fit the distilled vectors anew, or report on them."),
    "cluster": ("e2vdb.cli.cluster", "Cluster calls by how they sound, label clusters."),
    "map": ("e2vdb.cli.cluster", "Lay calls on a plane, for plots."),
    "head": ("e2vdb.cli.head", "Import the classifier head that scores frames."),
    "export": ("e2vdb.cli.distill", "Write one vector back as a .npy file."),
    "doctor": ("e2vdb.cli.doctor", "Check the data; exit 1 when something needs a person."),
    "serve": ("e2vdb.cli.serve", "Answer queries on a published file over the network."),
    "config": ("e2vdb.cli.upkeep", "Show or change the settings stored with the database."),
    "optimize": ("e2vdb.cli.upkeep", "Compact the tables, remove orphans and old versions."),
    "tag": ("e2vdb.cli.upkeep", "Name the present state, list or remove names."),
    "demo": ("e2vdb.cli.demo", "Make synthetic calls, ingest them, answer three questions."),
}


class _Commands(click.Group):
    """Commands by name; only the one that runs is imported, so that --help is instant."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, help_text = _COMMANDS[cmd_name]
        if ctx.resilient_parsing or ctx.invoked_subcommand is None:
            return click.Command(cmd_name, help=help_text, short_help=help_text)
        command: click.Command = getattr(import_module(module), cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        ctx.invoked_subcommand = args[0] if args else None
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # The reader of our output has left, as `| head` does; nothing more to say.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="e2vdb")
@click.option(
    "--db",
    metavar="ADDRESS",
    help="The database: a folder or an object-store address. Default: E2VDB_URI, "
    "else ./e2v.lancedb.",
)
@click.pass_context
def cli(context: click.Context, db: str | None) -> None:
    """The SQL database for the emotion in voices."""
    context.obj = db


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; exits 1 for a user's mistake, 130 for Ctrl-C."""
    sys.exit(_run(lambda: cli.main(arguments, prog_name="e2vdb", standalone_mode=False)))


def _run(command: Callable[[], Any]) -> int:
    try:
        result = command()
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        return 130
    except E2VError as error:
        click.echo(f"Error: {error}", err=True)
        return 1
    return result if isinstance(result, int) else 0
