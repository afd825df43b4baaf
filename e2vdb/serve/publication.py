"""One published file, seen through views that move to the next file in one step."""

import os
from dataclasses import dataclass
from pathlib import Path

import duckdb

from e2vdb.errors import InputError

REQUIRED = ("meta", "calls")
"""Tables by which a file that e2vdb published is known."""

Signature = tuple[int, int, int, int]


@dataclass(frozen=True)
class Publication:
    """A file as it is attached: under which name, and which state of the file that is."""

    name: str
    signature: Signature


def signature_of(file: Path) -> Signature:
    """Return what changes when a file is replaced: device, inode, size, time of change."""
    try:
        state = file.stat()
    except OSError as error:
        raise InputError(
            f"{file} cannot be read ({error.strerror}); `e2vdb publish {file}` writes it."
        ) from error
    return state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns


def attach(connection: duckdb.DuckDBPyConnection, file: Path, name: str) -> Publication:
    """Attach a published file read-only under a name.

    Raises InputError for a file that is missing, is no DuckDB database or was not published.
    """
    signature = signature_of(file)
    path = os.fspath(file).replace("'", "''")
    try:
        connection.execute(f"ATTACH '{path}' AS {name} (READ_ONLY)")
    except duckdb.Error as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(f"{file} is not a file that DuckDB opens: {reason}") from error
    if missing := [one for one in REQUIRED if one not in _names(connection, name)]:
        detach(connection, name)
        raise InputError(
            f"{file} was not written by `e2vdb publish`: it has no table {missing[0]!r}."
        )
    return Publication(name, signature)


def detach(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Let go of a file; queries that run on it finish first, on their own hold of it."""
    connection.execute(f"DETACH {name}")


def show(connection: duckdb.DuckDBPyConnection, file: Path, publication: Publication) -> None:
    """Let sessions see this publication in place of the one before, in one transaction.

    Sessions live in the memory database: its views read the attached file's tables, and the
    file's own views and macros are copied beside them. Raises InputError, with everything as it
    was, for a file whose parts DuckDB cannot copy.
    """
    macros = _callable(connection, publication.name)
    connection.execute(f"CREATE OR REPLACE MACRO gate.main.published() AS {macros}")
    connection.execute("BEGIN")
    try:
        _clear(connection)
        connection.execute(f"COPY FROM DATABASE {publication.name} TO memory (SCHEMA)")
        for table in _tables(connection, "memory"):
            _mirror(connection, publication.name, table)
        connection.execute("COMMIT")
    except duckdb.Error as error:
        connection.execute("ROLLBACK")
        detach(connection, publication.name)
        reason = str(error).strip().splitlines()[0]
        raise InputError(f"{file} cannot be served: {reason}") from error


def _clear(connection: duckdb.DuckDBPyConnection) -> None:
    macros = connection.execute(
        "SELECT DISTINCT function_name, function_type FROM duckdb_functions() "
        "WHERE database_name = 'memory' AND NOT internal"
    ).fetchall()
    for name, kind in macros:
        table = "TABLE " if kind == "table_macro" else ""
        connection.execute(f"DROP MACRO {table}memory.main.{_identifier(name)}")
    views = connection.execute(
        "SELECT view_name FROM duckdb_views() WHERE database_name = 'memory' AND NOT internal"
    ).fetchall()
    for (name,) in views:
        connection.execute(f"DROP VIEW memory.main.{_identifier(name)}")


def _mirror(connection: duckdb.DuckDBPyConnection, source: str, table: str) -> None:
    """Put a view with the table's comments where the copied, empty table stands."""
    name = _identifier(table)
    connection.execute(f"DROP TABLE memory.main.{name}")
    connection.execute(f"CREATE VIEW memory.main.{name} AS FROM {source}.main.{name}")
    comments = connection.execute(
        "SELECT NULL, comment FROM duckdb_tables() WHERE database_name = $1 AND table_name = $2 "
        "UNION ALL SELECT column_name, comment FROM duckdb_columns() "
        "WHERE database_name = $1 AND table_name = $2",
        [source, table],
    ).fetchall()
    for column, comment in comments:
        if comment is not None:
            target = f"VIEW memory.main.{name}"
            if column is not None:
                target = f"COLUMN memory.main.{name}.{_identifier(column)}"
            connection.execute(f"COMMENT ON {target} IS {_literal(comment)}")


def _callable(connection: duckdb.DuckDBPyConnection, database: str) -> str:
    """Return a publication's table macros as an SQL list, for the gate."""
    names = connection.execute(
        "SELECT DISTINCT lower(function_name) FROM duckdb_functions() "
        "WHERE database_name = $1 AND function_type = 'table_macro'",
        [database],
    ).fetchall()
    return f"[{', '.join(_literal(name) for (name,) in names)}]::VARCHAR[]"


def _tables(connection: duckdb.DuckDBPyConnection, database: str) -> list[str]:
    rows = connection.execute(
        "SELECT table_name FROM duckdb_tables() WHERE database_name = $1", [database]
    ).fetchall()
    return [name for (name,) in rows]


def _names(connection: duckdb.DuckDBPyConnection, database: str) -> set[str]:
    views = connection.execute(
        "SELECT view_name FROM duckdb_views() WHERE database_name = $1", [database]
    ).fetchall()
    return {*_tables(connection, database), *(name for (name,) in views)}


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
