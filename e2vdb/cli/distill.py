"""`e2vdb distill` and `e2vdb export`."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from e2vdb.cli.options import db_option, open_database, say
from e2vdb.distill.report import DistillReport


@click.command()
@click.option("--variance", type=float, help="Share of variance to keep, stored as a setting.")
@click.option(
    "--report",
    "only_report",
    is_flag=True,
    help="Fit nothing; measure dimensions, variance, bytes saved and the change in accuracy.",
)
@click.option("--no-wait", is_flag=True, help="Fail at once if another process is writing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@db_option
def distill(variance: float | None, only_report: bool, no_wait: bool, as_json: bool) -> None:
    """Fit the PCA behind `distilled` to the data as it is now; every row gets its new vector."""
    with open_database() as db:
        if not only_report:
            fitted = db.distill(variance, wait=not no_wait)
            say(
                f"Distilled vectors fitted: {fitted.variance_kept:.1%} of the variance in "
                f"{fitted.dimensions} dimensions, on {fitted.fitted_rows:,} rows"
            )
            return
        measured = db.distill_report()
    if as_json:
        figures = {
            **asdict(measured),
            "bytes_saved": measured.bytes_saved,
            "accuracy_change": measured.accuracy_change,
        }
        click.echo(json.dumps(figures, indent=2))
    else:
        _print_report(measured)


def _print_report(measured: DistillReport) -> None:
    click.echo(f"dimensions       {measured.dimension} -> {measured.dimensions}")
    click.echo(f"variance kept    {measured.variance_kept:.2%} of {measured.fitted_rows:,} rows")
    click.echo(
        f"bytes saved      {measured.bytes_saved:.1%} of a .npy file "
        f"({measured.full_bytes:,} -> {measured.distilled_bytes:,})"
    )
    if measured.accuracy_change is None:
        click.echo("accuracy         not measured: fewer than two emotions with five calls each")
        return
    click.echo(
        f"accuracy         {measured.full_accuracy:.2%} -> {measured.distilled_accuracy:.2%} "
        f"({measured.accuracy_change:+.2%}) predicting the emotion, five-fold, "
        f"{measured.measured_rows:,} rows"
    )


@click.command()
@click.argument("utterance_id")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--distilled", is_flag=True, help="Write the distilled vector.")
@db_option
def export(utterance_id: str, file: Path, distilled: bool) -> None:
    """Write the vector of UTTERANCE_ID to FILE as .npy, shape (1, D)."""
    with open_database() as db:
        written = db.export(utterance_id, file, distilled=distilled)
    say(f"Wrote {written}")
