"""`e2vdb config`, `e2vdb optimize` and `e2vdb tag`."""

import click

from e2vdb.cli.options import db_option, open_database, say, size
from e2vdb.errors import UsageError
from e2vdb.store.settings import ABOUT
from e2vdb.store.upkeep import KEEP_DAYS


@click.command()
@click.argument("name", required=False)
@click.argument("value", type=float, required=False)
@db_option
def config(name: str | None, value: float | None) -> None:
    """Show the settings, or set NAME to VALUE."""
    with open_database() as db:
        if name is not None and value is not None:
            db.set(name, value)
            say(
                "It applies to the next `e2vdb watch`."
                if name.startswith("alert_")
                else "It applies to directories read from now on; `e2vdb ingest --reread` to all."
            )
        settings = db.settings()
    for one, about in ABOUT.items():
        if name in (None, one):
            click.echo(f"{one:<18}{getattr(settings, one):<8g}{about}")
    if name is not None and name not in ABOUT:
        raise UsageError(f"There is no setting {name!r}; settings are {', '.join(ABOUT)}.")


@click.command()
@click.option(
    "--keep-days",
    type=click.FloatRange(min=0),
    default=KEEP_DAYS,
    show_default=True,
    help="Keep versions younger than this readable with --as-of.",
)
@click.option("--no-wait", is_flag=True, help="Fail at once if another process is writing.")
@db_option
def optimize(keep_days: float, no_wait: bool) -> None:
    """Compact the tables, remove what killed writers left and old versions without a tag."""
    with open_database() as db:
        done = db.optimize(keep_days, wait=not no_wait)
    say(
        f"{done.fragments_before:,} fragments are now {done.fragments_after:,}; "
        f"{done.versions_removed:,} old versions removed, {size(done.bytes_removed)} freed"
    )


@click.command()
@click.argument("name", required=False)
@click.option("--remove", is_flag=True, help="Forget the tag.")
@db_option
def tag(name: str | None, remove: bool) -> None:
    """Give the present state a NAME for --as-of, which `optimize` keeps; without NAME, list."""
    with open_database() as db:
        if name is None:
            for version in db.versions():
                for one in version.tags:
                    moment = f"{version.committed_at:%Y-%m-%d %H:%M:%S}"
                    click.echo(f"{one:<24}version {version.number:<6} {moment}")
        elif remove:
            db.untag(name)
            say(f"Forgot the tag {name}")
        else:
            say(f"Version {db.tag(name)} is now {name}")
