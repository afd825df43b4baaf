"""`e2vdb demo`."""

import shlex
from pathlib import Path

import click

import e2vdb
from e2vdb.cli.ingest import print_summary
from e2vdb.cli.options import say
from e2vdb.cli.output import write_answer
from e2vdb.cli.progress import talking
from e2vdb.query.definitions import read_sql

QUESTIONS = (
    "question_emotions_of_all_calls",
    "question_agents_with_most_negative_calls",
    "question_weeks_of_negative_calls",
)


@click.command()
@click.argument("directory", type=click.Path(path_type=Path), default=Path("demo"))
@click.option("--calls", type=int, default=2000, show_default=True, help="How many calls.")
@click.option("--seed", type=int, default=0, show_default=True, help="Same seed, same calls.")
def demo(directory: Path, calls: int, seed: int) -> int:
    """Make SYNTHETIC calls in DIRECTORY, ingest them, answer three questions."""
    from e2vdb.demo import write_demo

    say(f"Writing {calls:,} synthetic calls to {directory} …")
    write_demo(directory, calls=calls, seed=seed)
    address = directory / "e2v.lancedb"
    with e2vdb.connect(address) as db:
        with talking() as talk:
            summary = db.ingest(directory / "outputs", metadata=directory / "calls.csv", talk=talk)
        print_summary(summary)
        if summary.interrupted:
            return 130
        db.load_events(directory / "events.csv")
        for name in QUESTIONS:
            text = read_sql(name)
            click.echo(f"\n{text.splitlines()[0].removeprefix('-- ')}")
            relation = db.sql(text)
            if relation is not None:
                write_answer(relation, "table", None)
            del relation
    say(f'\nYour turn:  e2vdb --db {shlex.quote(str(address))} sql "FROM calls LIMIT 5"')
    return 0
