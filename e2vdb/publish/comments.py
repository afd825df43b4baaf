"""COMMENT ON every table, view, macro and column of a published file."""

import duckdb

from e2vdb.publish.definitions import about
from e2vdb.publish.source import literal, quoted
from e2vdb.publish.texts import TABLES, column_text, metadata_text


def comment(connection: duckdb.DuckDBPyConnection, definitions: dict[str, str]) -> None:
    """Comment whatever the present database holds; `definitions` are its macros and questions."""
    tables = _relations(connection)
    columns = _columns(connection)
    connection.execute("BEGIN")  # one commit instead of hundreds
    for name, text in TABLES.items():
        if name in tables:
            _say(connection, "TABLE", name, text)
    for name, kind in definitions.items():
        _say(connection, kind, name, about(name))
    for table, column in columns:
        _say(connection, "COLUMN", f"{table}.{quoted(column)}", _text(table, column, definitions))
    connection.execute("COMMIT")


def _text(table: str, column: str, definitions: dict[str, str]) -> str:
    known = column_text(table, column)
    if table in definitions:
        return known or f"{column}: {about(table)}"
    return known or metadata_text(column)


def _say(connection: duckdb.DuckDBPyConnection, kind: str, name: str, text: str) -> None:
    connection.execute(f"COMMENT ON {kind} {name} IS {literal(text)}")


def _relations(connection: duckdb.DuckDBPyConnection) -> set[str]:
    found = connection.execute(
        "SELECT table_name FROM duckdb_tables() WHERE database_name = current_database()"
    )
    return {name for (name,) in found.fetchall()}


def _columns(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = connection.execute(
        "SELECT table_name, column_name FROM duckdb_columns() "
        "WHERE database_name = current_database() AND NOT internal"
    ).fetchall()
    return found
