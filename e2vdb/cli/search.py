"""`e2vdb search`, `e2vdb index` and `e2vdb neighbors`."""

from pathlib import Path

import click
import duckdb

from e2vdb.cli.options import db_option, open_database, say
from e2vdb.cli.output import FORMATS, write_answer
from e2vdb.cli.progress import counting
from e2vdb.query.search import MODES, SearchAnswer
from e2vdb.similarity.ann import KINDS, Effort


@click.command()
@click.argument("query")
@click.option("-k", "--k", type=int, default=10, show_default=True, help="How many calls.")
@click.option("--where", metavar="SQL", help="Only calls for which this holds, applied before.")
@click.option(
    "--mode",
    type=click.Choice(MODES),
    default="auto",
    show_default=True,
    help="exact proves its answer; ann uses the index; auto takes the faster.",
)
@click.option("--nprobes", type=int, default=20, show_default=True, help="Effort of ann.")
@click.option("--refine", type=int, default=5, show_default=True, help="Effort of ann.")
@click.option(
    "--model",
    metavar="NAME|DIR",
    envvar="E2VDB_MODEL",
    help="Hears a recording. Default: E2VDB_MODEL, else what made the database's calls.",
)
@click.option("--as-of", metavar="VERSION|TAG|TIME", help="Search the database as it was.")
@click.option("--format", "kind", type=click.Choice(list(FORMATS)), default="table")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to a file.")
@db_option
def search(
    query: str,
    k: int,
    where: str | None,
    mode: str,
    nprobes: int,
    refine: int,
    model: str | None,
    as_of: str | None,
    kind: str,
    output: Path | None,
) -> None:
    """Find the calls that sound most like QUERY: an utterance id, a .npy file or a recording."""
    with open_database(as_of) as db:
        effort = Effort(nprobes, refine)
        answer = db.search(query, k, where=where, mode=mode, effort=effort, model=model)
    with duckdb.connect() as connection:
        write_answer(connection.from_arrow(answer.table), kind, output)
    say(_how(answer))


def _how(answer: SearchAnswer) -> str:
    """Say what the answer is worth."""
    proof = (
        f"exact, {answer.verified:,} compared in full"
        if answer.mode == "exact"
        else "approximate, from the index"
    )
    return f"{proof}; {answer.rows:,} calls, version {answer.version}"


@click.command()
@click.option("--kind", type=click.Choice(KINDS), default="IVF_RQ", show_default=True)
@click.option("--rebuild", is_flag=True, help="Train anew instead of taking new rows in.")
@click.option("--drop", is_flag=True, help="Remove the index.")
@db_option
def index(kind: str, rebuild: bool, drop: bool) -> None:
    """Build the approximate index, or bring it up to date."""
    with open_database() as db:
        if drop:
            db.drop_index()
            say("Index removed; searches are exact")
            return
        say(f"Index {db.build_index(kind, rebuild=rebuild)}")


@click.command()
@click.option("-k", "--k", type=int, default=10, show_default=True, help="Neighbours a call.")
@click.option("--no-wait", is_flag=True, help="Fail at once if another process is writing.")
@db_option
def neighbors(k: int, no_wait: bool) -> None:
    """Write every call's K nearest calls into the table `neighbors`, new calls only."""
    with open_database() as db, counting("Comparing calls") as report:
        done = db.update_neighbors(k, wait=not no_wait, report=report)
    if not done.changed:
        say(f"Neighbours of {done.calls:,} calls are up to date")
        return
    say(
        f"{done.calls:,} calls have their {k} nearest: {done.searched:,} searched, "
        f"{done.compared:,} compared with the new ones"
    )
