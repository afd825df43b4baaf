"""The tables `meta` and `meta_tables` of a published file: written, and read back."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version

import duckdb

from e2vdb.publish.columns import select_list
from e2vdb.publish.parts import Job
from e2vdb.publish.texts import TABLES

_META = (
    "published_at TIMESTAMPTZ, e2vdb_version VARCHAR, database VARCHAR, store_version BIGINT, "
    "store_versions VARCHAR, options VARCHAR, timezone VARCHAR"
)
_TABLES = (
    "table_name VARCHAR, rows BIGINT, store_versions VARCHAR, made_at TIMESTAMPTZ, "
    "fingerprint VARCHAR, about VARCHAR"
)


@dataclass(frozen=True, slots=True)
class Made:
    """One table of a publication: its rows, what they were made from, and when (UTC)."""

    name: str
    rows: int
    store_versions: str
    made_at: datetime
    fingerprint: str

    @classmethod
    def unchanged(cls, name: str, rows: int, fingerprint: str) -> "Made":
        """Return a table that was found as it is to be; when it was made is not known."""
        return cls(name, rows, "", datetime.now(UTC), fingerprint)


def meta_tables(job: Job, made: list[Made], versions: dict[str, int]) -> tuple[str, str]:
    """Make the rows of both tables, as temporary tables called NAME_rows; return the names."""
    now = datetime.now(UTC)
    options = json.dumps(job.options.as_dict(), ensure_ascii=False)
    row = (
        now,
        version("e2vdb"),
        str(job.snapshot.address),
        job.snapshot.version,
        json.dumps(versions),
        options,
        job.timezone,
    )
    _make(job, "meta", _META, [row])
    rows = [
        (one.name, one.rows, one.store_versions, one.made_at, one.fingerprint, TABLES[one.name])
        for one in made
    ]
    _make(job, "meta_tables", _TABLES, rows)
    return "meta", "meta_tables"


def read_made(connection: duckdb.DuckDBPyConnection, database: str) -> dict[str, Made]:
    """Return the tables that a publication says it holds. Raises `duckdb.Error` for others."""
    rows = connection.execute(
        "SELECT table_name, rows, store_versions, made_at_utc, fingerprint "
        f"FROM {database}.meta_tables"
    ).fetchall()
    return {
        name: Made(name, count, versions, made_at.replace(tzinfo=UTC), text)
        for name, count, versions, made_at, text in rows
    }


def _make(job: Job, name: str, columns: str, rows: Sequence[tuple[object, ...]]) -> None:
    kinds = dict(one.rsplit(" ", 1) for one in columns.split(", "))
    shown = {
        column: kind.replace("TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE")
        for column, kind in kinds.items()
    }
    connection = job.connection
    connection.execute(f"CREATE OR REPLACE TEMP TABLE _{name} ({columns})")
    marks = ", ".join("?" * len(kinds))
    connection.executemany(f"INSERT INTO temp._{name} VALUES ({marks})", rows)
    listed = ", ".join(select_list(shown, job.timezone, set()))
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {name}_rows AS SELECT {listed} FROM temp._{name}"
    )
