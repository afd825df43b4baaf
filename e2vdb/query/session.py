"""A DuckDB connection over a database: read-only, locked down, with all relations and functions."""

import tempfile
from importlib.resources import files
from pathlib import Path

import duckdb

from e2vdb.query.calls import CallRows
from e2vdb.query.functions import register_functions
from e2vdb.query.relation import StoredTable
from e2vdb.query.search import Searcher
from e2vdb.query.search_functions import register_search
from e2vdb.query.snapshot import Snapshot

RELATIONS = {
    "utterances": "one row an output directory, with its vectors and the raw result",
    "calls": "what most people query: utterances without vectors, joined with metadata",
    "frames": "one row a frame of 20 ms",
    "metadata": "what your files say of each call",
    "rejects": "directories that are no row, and why",
    "distillers": "fitted PCA models behind `distilled`",
    "settings": "limits set with `e2vdb config`",
}

_DIRECT = ("frames", "metadata", "rejects", "distillers", "settings")
_VIEWS = ("utterances", "calls")
QUESTION = "question_"
"""Files of `sql/` that begin so are example questions, not definitions."""

_CHANGEABLE = ("TimeZone", "threads", "memory_limit", "Calendar", "enable_progress_bar")


def open_connection(snapshot: Snapshot) -> duckdb.DuckDBPyConnection:
    """Return a plain DuckDB connection on which every relation and function is there.

    SQL on it reads the stored tables and cannot write them, nor any file: external access is
    off for good, and the configuration is locked but for a few harmless settings.
    """
    connection = locked_connection()
    equip(connection, snapshot)
    return connection


def locked_connection() -> duckdb.DuckDBPyConnection:
    """Return an empty DuckDB connection that reaches no file and cannot be opened up."""
    connection = duckdb.connect(
        config={
            "python_enable_replacements": False,
            "temp_directory": str(Path(tempfile.gettempdir()) / "e2vdb"),
            "enable_external_access": False,
        }
    )
    allowed = ", ".join(f"'{name}'" for name in _CHANGEABLE)
    connection.execute(f"SET allowed_configs = [{allowed}]")
    connection.execute("SET lock_configuration = true")
    return connection


def equip(connection: duckdb.DuckDBPyConnection, snapshot: Snapshot) -> Searcher:
    """Give a connection or cursor the relations, functions, views and macros."""
    for table in _DIRECT:
        connection.register(table, StoredTable(snapshot, table))
    connection.register("_utterances", StoredTable(snapshot, "utterances"))
    calls = CallRows(snapshot)
    connection.register("_call_rows", calls)
    register_functions(connection, snapshot)
    searcher = Searcher(snapshot.address, snapshot, calls)
    register_search(connection, searcher)
    for name in definitions():
        connection.execute(read_sql(name))
    return searcher


def definitions() -> list[str]:
    """Return the names of the view and macro files, views first."""
    names = sorted(
        path.name.removesuffix(".sql")
        for path in files("e2vdb.sql").iterdir()
        if path.name.endswith(".sql") and not path.name.startswith(QUESTION)
    )
    return [*_VIEWS, *(name for name in names if name not in _VIEWS)]


def read_sql(name: str) -> str:
    """Return the text of one file of `sql/`."""
    return files("e2vdb.sql").joinpath(f"{name}.sql").read_text(encoding="utf-8")
