"""`e2vdb doctor`."""

import click

from e2vdb.cli.options import db_option, open_database, say
from e2vdb.cli.output import FORMATS, write_answer


@click.command()
@click.option("--format", "kind", type=click.Choice(list(FORMATS)), default="table")
@db_option
def doctor(kind: str) -> int:
    """Check the data, as `FROM health_report()` does; exits 1 when something needs a person."""
    with open_database() as db:
        relation = db.sql("FROM health_report()")
        if relation is not None:
            write_answer(relation, kind, None)
        del relation
        looks = db.sql("SELECT \"check\" FROM health_report() WHERE status = 'look'")
        found = [name for (name,) in looks.fetchall()] if looks is not None else []
        del looks
    if found:
        say(f"Needs a person: {', '.join(found)}")
    return 1 if found else 0
