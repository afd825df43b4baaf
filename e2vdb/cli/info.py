"""`e2vdb info` and `e2vdb latest`."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from e2vdb.cli.options import db_option, open_database, size
from e2vdb.database import Database, DatabaseInfo
from e2vdb.errors import InputError
from e2vdb.ingest.files import LocalFiles
from e2vdb.ingest.jobs import Place
from e2vdb.ingest.names import printable
from e2vdb.ingest.survey import latest_output
from e2vdb.loading.ingest import check_root


@click.command()
@click.option("--versions", "with_versions", is_flag=True, help="List every version kept.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@db_option
def info(with_versions: bool, as_json: bool) -> None:
    """Show tables, rows, versions, distiller and disk use."""
    with open_database() as db:
        found = db.info()
        if as_json:
            click.echo(json.dumps(_as_dict(found), ensure_ascii=False, indent=2, default=str))
            return
        _print_info(found)
        if with_versions:
            _print_versions(db)


def _as_dict(found: DatabaseInfo) -> dict[str, object]:
    distiller = found.distiller
    return {
        "address": found.address,
        "dimension": found.dimension,
        "disk_bytes": found.disk_bytes,
        "tables": [asdict(table) for table in found.tables],
        "distiller": None
        if distiller is None
        else {
            "distiller_id": distiller.distiller_id,
            "dimensions": distiller.dimensions,
            "variance_kept": distiller.variance_kept,
            "fitted_rows": distiller.fitted_rows,
            "fitted_at": distiller.fitted_at,
        },
        "tags": [asdict(version) for version in found.tags],
    }


def _print_info(found: DatabaseInfo) -> None:
    click.echo(f"{found.address}: vectors of {found.dimension} values", nl=False)
    click.echo(f", {size(found.disk_bytes)} on disk" if found.disk_bytes is not None else "")
    for table in found.tables:
        click.echo(
            f"  {table.name:<17}{table.rows:>13,} rows   version {table.version:<5} "
            f"({table.versions} kept)   {table.about}"
        )
    distiller = found.distiller
    if distiller is None:
        click.echo("Distilled vectors: none yet; fitted by itself at 256 embeddings")
    else:
        click.echo(
            f"Distilled vectors: {distiller.dimensions} dimensions, "
            f"{distiller.variance_kept:.1%} of the variance, fitted on "
            f"{distiller.fitted_rows:,} rows on {distiller.fitted_at.astimezone():%Y-%m-%d %H:%M}"
        )
    for version in found.tags:
        click.echo(f"Tag {', '.join(version.tags)}: version {version.number}")


def _print_versions(db: Database) -> None:
    for version in db.versions():
        tags = f"   {', '.join(version.tags)}" if version.tags else ""
        click.echo(f"  {version.number:>6}   {version.committed_at:%Y-%m-%d %H:%M:%S}{tags}")


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
def latest(folder: Path) -> None:
    """Print the newest output directory below FOLDER, by the time in its name."""
    root = check_root(folder)
    found = latest_output(LocalFiles(str(root)), Place(str(root), root.name))
    if found is None:
        raise InputError(f"There is no directory named outputs_YYYYMMDD_HHMMSS below {folder}.")
    click.echo(printable(str(folder / Path(found).relative_to(root))))
