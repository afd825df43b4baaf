"""A DuckDB connection over a database: read-only, locked down, with all relations and functions."""

import re
import tempfile
from functools import cache
from importlib.resources import files
from pathlib import Path

import duckdb

from e2vdb.query.calls import CallRows
from e2vdb.query.functions import register_functions
from e2vdb.query.relation import StoredTable
from e2vdb.query.snapshot import Snapshot

RELATIONS = {
    "utterances": "one row an output directory, with its vectors and the raw result",
    "calls": "what most people query: utterances without vectors, joined with metadata",
    "frames": "one row a frame of 20 ms",
    "metadata": "what your files say of each call",
    "rejects": "directories that are no row, and why",
    "distillers": "fitted PCA models behind `distilled`",
    "settings": "limits set with `e2vdb config`",
    "events": "launches, trainings and whatever else may move feelings",
    "clusters": "which cluster each call is in, by clustering",
    "cluster_centroids": "the fitted clusters, with their labels",
    "emotion_map": "two-dimensional coordinates of calls, for plots",
    "heads": "imported classifier heads",
}

_DIRECT = ("frames", "metadata", "rejects", "distillers", "settings")
_ADDED = ("events", "clusters", "cluster_centroids", "emotion_map", "heads")
_VIEWS = ("utterances", "calls", *_ADDED)
QUESTION = "question_"
"""Files of `sql/` that begin so are example questions, not definitions."""

_CHANGEABLE = ("TimeZone", "threads", "memory_limit", "Calendar", "enable_progress_bar")


def open_connection(snapshot: Snapshot) -> duckdb.DuckDBPyConnection:
    """Return a plain DuckDB connection on which every relation and function is there.

    SQL on it reads the stored tables and cannot write them, nor any file: external access is
    off for good, and the configuration is locked but for a few harmless settings.
    """
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
    equip(connection, snapshot)
    return connection


def equip(connection: duckdb.DuckDBPyConnection, snapshot: Snapshot) -> None:
    """Give a connection or cursor the relations, functions, views and macros."""
    for table in _DIRECT:
        connection.register(table, StoredTable(snapshot, table))
    for table in ("utterances", *_ADDED):
        connection.register(f"_{table}", StoredTable(snapshot, table))
    connection.register("_call_rows", CallRows(snapshot))
    register_functions(connection, snapshot)
    for name in definitions():
        connection.execute(read_sql(name))


def definitions() -> list[str]:
    """Return the names of the view and macro files, each after those that it refers to."""
    names = sorted(
        path.name.removesuffix(".sql")
        for path in files("e2vdb.sql").iterdir()
        if path.name.endswith(".sql") and not path.name.startswith(QUESTION)
    )
    ordered = list(_VIEWS)
    for name in names:
        _add_after_its_needs(name, names, ordered)
    return ordered


def _add_after_its_needs(name: str, names: list[str], ordered: list[str]) -> None:
    """Append a definition, first those it calls: DuckDB looks them up when it is made."""
    if name in ordered:
        return
    words = set(re.findall(r"\w+(?=\()", read_sql(name))) - {name}
    for needed in sorted(words.intersection(names)):
        _add_after_its_needs(needed, names, ordered)
    ordered.append(name)


@cache
def read_sql(name: str) -> str:
    """Return the text of one file of `sql/`."""
    return files("e2vdb.sql").joinpath(f"{name}.sql").read_text(encoding="utf-8")
