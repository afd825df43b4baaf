"""`e2vdb publish`."""

import click

from e2vdb.cli.options import db_option, open_database, say, size


@click.command()
@click.argument("target")
@click.option(
    "--vectors",
    type=click.Choice(["none", "distilled", "full"]),
    default="none",
    show_default=True,
    help="Publish voice vectors too; BI tools cannot show them.",
)
@click.option("--since", metavar="DATE", help="Leave earlier calls out, and all about them.")
@click.option(
    "--frame-step",
    type=float,
    default=0.5,
    show_default=True,
    metavar="SECONDS",
    help="One frame in so many seconds; 0.02 keeps all, 0 none.",
)
@click.option("--timezone", metavar="ZONE", help="Of the calls' times. Default: this machine's.")
@click.option("--as-of", metavar="VERSION|TAG|TIME", help="Publish the database as it was.")
@click.option("--no-wait", is_flag=True, help="Fail at once if another process publishes there.")
@db_option
def publish(
    target: str,
    vectors: str,
    since: str | None,
    frame_step: float,
    timezone: str | None,
    as_of: str | None,
    no_wait: bool,
) -> None:
    """Publish the answers as TARGET: one DuckDB file that any BI tool opens."""
    with open_database(as_of) as db:
        done = db.publish(
            target,
            vectors=vectors,
            since=since,
            frame_step=frame_step,
            timezone=timezone,
            wait=not no_wait,
        )
    if done.nothing_new:
        say(f"{done.target} is up to date: nothing new since it was published")
        return
    say(
        f"{done.target}: {done.calls:,} calls, {len(done.tables)} tables "
        f"({len(done.computed)} computed, {len(done.tables) - len(done.computed)} copied), "
        f"{size(done.bytes)} in {done.seconds:.1f} s"
    )
