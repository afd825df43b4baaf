"""A connection that reads one snapshot with DuckDB's own means alone, and writes a file.

None of our Python functions is on it: what can be made here works for every client.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.dataset as pads

from e2vdb.query.calls import (
    CONVENTIONAL,
    LEFT_OUT,
    QUALITY,
    calls_schema,
    metadata_names,
    said_quality,
)
from e2vdb.query.definitions import RELATIONS, read_sql
from e2vdb.query.relation import StoredTable
from e2vdb.query.snapshot import Snapshot

MEMORY = "2GB"
"""What DuckDB may hold while it publishes; past it, sorts and joins go to the disk."""

READ_BYTES = 1 << 28
"""What Lance may read ahead of DuckDB; its own default is two gigabytes."""

ROWS = 122_880
"""Rows that are read at a time, vectors apart: those of a row group, which DuckDB then need not
put together from pieces."""

_RELATIONS = tuple(name for name in RELATIONS if name != "calls")


@contextmanager
def source(
    snapshot: Snapshot, workplace: Path, since: str | None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Give a connection with the public relations; of the calls, those from `since` on."""
    connection = duckdb.connect(
        config={
            "python_enable_replacements": False,
            "autoinstall_known_extensions": False,
            "memory_limit": MEMORY,
            "temp_directory": str(workplace / "spill"),
        }
    )
    try:
        for name in _RELATIONS:
            connection.from_arrow(_InRowGroups(snapshot, name)).create_view(f"_{name}")
        for name in _RELATIONS:
            connection.execute(read_sql(name))
        connection.execute(f"CREATE VIEW _call_rows AS {_joined(snapshot)}")
        connection.execute(read_sql("calls"))
        if since is not None:
            _restrict(connection, since)
        yield connection
    finally:
        connection.close()


class _InRowGroups(StoredTable):
    """A stored table that is read in large batches where its columns are narrow."""

    def scanner(
        self, columns: list[str] | None = None, filter: Any = None, **options: Any
    ) -> pads.Scanner:
        """Return a scanner over these columns."""
        if columns is not None and not set(columns).intersection(LEFT_OUT):
            options["batch_size"] = ROWS
        options["io_buffer_size"] = READ_BYTES
        return super().scanner(columns, filter, **options)


def quoted(name: str) -> str:
    """Return an identifier as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def _joined(snapshot: Snapshot) -> str:
    """Return the rows of `calls` as a join that DuckDB streams, instead of columns in memory."""
    kinds = {"string": "VARCHAR", "timestamp[us]": "TIMESTAMP", "float": "FLOAT"}
    metadata = snapshot["metadata"].schema.names
    stored_names = snapshot["utterances"].schema.names
    own = [field for field in snapshot.schema("utterances") if field.name not in LEFT_OUT]
    names = metadata_names(snapshot)
    columns = {
        field.name: f"u.{quoted(field.name)}"
        if field.name in stored_names
        else f"NULL::{kinds[str(field.type)]} AS {quoted(field.name)}"
        for field in own
    }
    said = said_quality(calls_schema(snapshot, names), names)
    if said is not None:
        value = f"m.{quoted(names[said])}"
        rated = f"u.{quoted(QUALITY)}" if QUALITY in stored_names else "NULL"
        told = f"CASE WHEN {value}::DOUBLE BETWEEN 0 AND 1 THEN {value} END"
        columns[QUALITY] = f"coalesce({told}, {rated})::FLOAT AS {quoted(QUALITY)}"
    for shown, stored in names.items():
        value = f"m.{quoted(stored)}"
        if stored not in metadata:
            value = f"NULL::{kinds[str(CONVENTIONAL.field(shown).type)]}"
        columns[shown] = f"{value} AS {quoted(shown)}"
    return (
        f"SELECT {', '.join(columns.values())}, 0::BIGINT AS _row "
        "FROM _utterances AS u LEFT JOIN _metadata AS m USING (utterance_id)"
    )


def _restrict(connection: duckdb.DuckDBPyConnection, since: str) -> None:
    """Hide earlier calls, and whatever tells of them, from every later statement."""
    connection.execute(
        "CREATE OR REPLACE VIEW calls AS SELECT * EXCLUDE (_row) FROM _numbered_calls "
        f'WHERE "at" >= TIMESTAMP {literal(since)}'
    )
