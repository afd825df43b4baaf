"""A DuckDB connection over a database: read-only, locked down, with all relations and functions."""

import tempfile
from importlib.resources import files
from pathlib import Path

import duckdb

from e2vdb.query.align_functions import register_alignments
from e2vdb.query.calls import CallRows
from e2vdb.query.functions import register_functions
from e2vdb.query.reference_functions import register_references
from e2vdb.query.relation import StoredTable
from e2vdb.query.search import Searcher
from e2vdb.query.search_functions import register_search
from e2vdb.query.snapshot import Snapshot
from e2vdb.query.vector_functions import register_vectors

RELATIONS = {
    "utterances": "one row an output directory, with its vectors and the raw result",
    "calls": "what most people query: utterances without vectors, joined with metadata",
    "frames": "one row a frame of 20 ms",
    "metadata": "what your files say of each call",
    "rejects": "directories that are no row, and why",
    "neighbors": "each call's nearest calls, made by `e2vdb neighbors`",
    "reference_sets": "named lists of calls to compare others with",
    "alignments": "linear maps from voice to another space",
    "text_vectors": "what was said, as vectors of an alignment's space",
    "distillers": "fitted PCA models behind `distilled`",
    "settings": "limits set with `e2vdb config`",
}

_DIRECT = (
    "frames",
    "metadata",
    "rejects",
    "neighbors",
    "distillers",
    "settings",
    "reference_sets",
    "alignments",
    "text_vectors",
)
_VIEWS = ("utterances", "calls")
QUESTION = "question_"
"""Files of `sql/` that begin so are example questions, not definitions."""

_CHANGEABLE = ("TimeZone", "threads", "memory_limit", "Calendar", "enable_progress_bar")


def open_connection(snapshot: Snapshot) -> tuple[duckdb.DuckDBPyConnection, Searcher]:
    """Return a plain DuckDB connection with every relation and function, and its searcher.

    SQL on it reads the stored tables and cannot write them, nor any file: external access is
    off for good, and the configuration is locked but for a few harmless settings.
    """
    connection = locked_connection()
    return connection, equip(connection, snapshot)


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
    register_references(connection, snapshot)
    register_vectors(connection)
    register_alignments(connection, snapshot)
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
