"""`e2vdb cluster` and `e2vdb map`."""

import click
import duckdb

from e2vdb.cli.options import db_option, open_database, say
from e2vdb.cli.output import write_answer
from e2vdb.cli.sql import explain
from e2vdb.errors import UsageError

METHODS = ("kmeans", "gaussian", "hdbscan")


@click.group(invoke_without_command=True)
@click.option("--name", help="What the clustering is called; a known name is replaced.")
@click.option("--k", default="auto", show_default=True, help="How many clusters, or auto.")
@click.option("--where", metavar="SQL", help="Which calls, such as \"emotion = 'angry'\".")
@click.option("--method", type=click.Choice(METHODS), default="kmeans", show_default=True)
@click.option("--full", is_flag=True, help="Compare embeddings instead of distilled vectors.")
@click.option("--seed", type=int, default=42, show_default=True, help="Same seed, same clusters.")
@click.option("--no-wait", is_flag=True, help="Fail at once if another process is writing.")
@db_option
@click.pass_context
def cluster(
    context: click.Context,
    name: str | None,
    k: str,
    where: str | None,
    method: str,
    full: bool,
    seed: int,
    no_wait: bool,
) -> None:
    """Cluster calls by how they sound; look with "FROM cluster_profiles('NAME')"."""
    if context.invoked_subcommand is not None:
        return
    if name is None:
        raise click.UsageError("Give the clustering a --name.")
    count = int(k) if k.isdecimal() else k
    with open_database() as db:
        try:
            found = db.cluster(
                name, count, where=where, method=method, full=full, seed=seed, wait=not no_wait
            )
        except duckdb.Error as error:
            raise UsageError(f"--where: {explain(error)}") from error
    sizes = ", ".join(f"{one}: {size:,}" for one, size in enumerate(found.sizes))
    say(f"{found.calls:,} calls in {len(found.sizes)} clusters ({sizes}); {found.why}")


@cluster.command()
@click.argument("name")
@click.argument("number", type=int)
@click.argument("text")
@db_option
def label(name: str, number: int, text: str) -> None:
    """Call cluster NUMBER of the clustering NAME by a business name."""
    with open_database() as db:
        db.label_cluster(name, number, text)
    say(f"Cluster {number} of {name} is now {text!r}")


@cluster.command("list")
@db_option
def list_clusterings() -> None:
    """List the clusterings."""
    with open_database() as db:
        relation = db.sql(
            "SELECT name, count(*) AS clusters, any_value(method) AS method, "
            "any_value(scope) AS scope, any_value(why) AS why, "
            "any_value(fitted_at) AS fitted_at "
            "FROM cluster_centroids GROUP BY name ORDER BY name"
        )
        if relation is not None:
            write_answer(relation, "table", None)
        del relation


@cluster.command()
@click.argument("name")
@db_option
def remove(name: str) -> None:
    """Forget the clustering NAME."""
    with open_database() as db:
        db.remove_clustering(name)
    say(f"Forgot the clustering {name}")


@click.command("map")
@click.option("--name", required=True, help="What the map is called; a known name is replaced.")
@click.option("--where", metavar="SQL", help="Which calls. Default: those of that clustering.")
@click.option(
    "--method",
    type=click.Choice(["auto", "pca", "umap"]),
    default="auto",
    show_default=True,
    help="auto is UMAP where it is installed, else PCA.",
)
@click.option("--seed", type=int, default=42, show_default=True, help="Same seed, same map.")
@click.option("--no-wait", is_flag=True, help="Fail at once if another process is writing.")
@db_option
def map(name: str, where: str | None, method: str, seed: int, no_wait: bool) -> None:
    """Put two coordinates a call into `emotion_map`, for plots."""
    with open_database() as db:
        try:
            made = db.map(name, where=where, method=method, seed=seed, wait=not no_wait)
        except duckdb.Error as error:
            raise UsageError(f"--where: {explain(error)}") from error
    say(f"{made.calls:,} calls mapped by {made.method}: FROM emotion_map WHERE name = '{name}'")
