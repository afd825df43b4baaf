"""`e2vdb align fit|import|vectors|list|remove`."""

from pathlib import Path

import click

from e2vdb.alignment.maps import AlignmentInfo
from e2vdb.cli.options import db_option, open_database, say

file_path = click.Path(path_type=Path)
no_wait = click.option("--no-wait", is_flag=True, help="Fail at once if another process writes.")


@click.group()
def align() -> None:
    """Learn or import a linear map from voice to another space (`e2v_align`)."""


@align.command("fit")
@click.argument("name")
@click.argument("pairs", type=file_path)
@no_wait
@db_option
def fit_pairs(name: str, pairs: Path, no_wait: bool) -> None:
    """Learn the alignment NAME from PAIRS: utterance_id or output_dir, and vector.

    The file is Parquet or JSON; its vectors are kept for `alignment_gaps`.
    """
    with open_database() as db:
        click.echo(_described(db.alignments.fit(name, pairs, wait=not no_wait)))


@align.command("import")
@click.argument("name")
@click.argument("file", type=file_path)
@no_wait
@db_option
def import_matrix(name: str, file: Path, no_wait: bool) -> None:
    """Take the alignment NAME from FILE, a .npy matrix of shape (1024, m)."""
    with open_database() as db:
        click.echo(_described(db.alignments.import_matrix(name, file, wait=not no_wait)))


@align.command("vectors")
@click.argument("name")
@click.argument("file", type=file_path)
@no_wait
@db_option
def load_vectors(name: str, file: Path, no_wait: bool) -> None:
    """Keep the text vectors of FILE (as for fit) beside the alignment NAME."""
    with open_database() as db:
        done = db.alignments.load_vectors(name, file, wait=not no_wait)
    rest = f", {done.unmatched:,} rows speak of no known call" if done.unmatched else ""
    say(f"{done.kept:,} text vectors kept for {name}{rest}")


@align.command("list")
@db_option
def list_all() -> None:
    """Print every alignment with its width and how good its fit is."""
    with open_database() as db:
        for one in db.alignments.list():
            click.echo(_described(one))


@align.command("remove")
@click.argument("name")
@no_wait
@db_option
def remove_one(name: str, no_wait: bool) -> None:
    """Forget the alignment NAME and its text vectors."""
    with open_database() as db:
        db.alignments.remove(name, wait=not no_wait)
    say(f"Forgot the alignment {name}")


def _described(one: AlignmentInfo) -> str:
    about = f"{one.name}: to {one.width:,} values"
    if one.pairs is None:
        return f"{about}, imported from {one.source}"
    return (
        f"{about}, fitted on {one.pairs:,} pairs, ridge strength {one.strength:.4g}, "
        f"held-out cosine {one.held_out_cosine:.4f} (the mean vector alone: "
        f"{one.baseline_cosine:.4f})"
    )
