"""`e2vdb head`."""

from pathlib import Path

import click

from e2vdb.cli.options import db_option, open_database, say


@click.group()
def head() -> None:
    """Import the classifier head that gives every frame its emotion."""


@head.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--no-wait", is_flag=True, help="Fail at once if another process is writing.")
@db_option
def import_head(file: Path, no_wait: bool) -> None:
    """Import FILE (.npz: a matrix 9 x D and a bias) and score all frames with it."""
    with open_database() as db:
        done = db.import_head(file, wait=not no_wait)
    say(f"Head {done.head_id} from {done.source}: {done.frames:,} frames scored")
