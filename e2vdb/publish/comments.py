"""COMMENT ON every table, view, macro and column of a published file."""

import duckdb

from e2vdb.publish.definitions import about
from e2vdb.publish.source import literal, quoted
from e2vdb.publish.texts import TABLES, column_text, metadata_text


def comment(connection: duckdb.DuckDBPyConnection, definitions: dict[str, str]) -> None:
    """Comment whatever the present database holds; `definitions` are its macros and questions."""
    tables = _relations(connection)
    columns = _columns(connection)
    said = [_comment("TABLE", name, text) for name, text in TABLES.items() if name in tables]
    said += [_comment(kind, name, about(name)) for name, kind in definitions.items()]
    for table, column in columns:
        text = _text(table, column, definitions)
        said.append(_comment("COLUMN", f"{table}.{quoted(column)}", text))
    # One text and one commit instead of hundreds.
    connection.execute("\n".join(["BEGIN;", *said, "COMMIT;"]))


def _text(table: str, column: str, definitions: dict[str, str]) -> str:
    known = column_text(table, column)
    if table in definitions:
        return known or f"{column}: {about(table)}"
    return known or metadata_text(column)


def _comment(kind: str, name: str, text: str) -> str:
    return f"COMMENT ON {kind} {name} IS {literal(text)};"


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
