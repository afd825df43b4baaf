"""A DuckDB connection over a database: read-only, locked down, with all relations and functions."""

import os
import re
import tempfile
from contextlib import suppress
from functools import cache
from importlib.resources import files
from pathlib import Path

import duckdb

from e2vdb.query.align_functions import register_alignments
from e2vdb.query.analysis_functions import register_analysis
from e2vdb.query.calls import CallRows
from e2vdb.query.functions import BEGIN, register_functions
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
    "events": "launches, trainings and whatever else may move feelings",
    "clusters": "which cluster each call is in, by clustering",
    "cluster_centroids": "the fitted clusters, with their labels",
    "emotion_map": "two-dimensional coordinates of calls, for plots",
    "heads": "imported classifier heads",
}

_TABLES = tuple(name for name in RELATIONS if name != "calls")
STATEMENT = "statement"
QUESTION = "question_"
"""Files of `sql/` that begin so are example questions, not definitions."""

CHANGEABLE = ("TimeZone", "threads", "memory_limit", "Calendar", "enable_progress_bar")
"""Settings that SQL may change."""

CHANGEABLE_BY_CLIENTS = (*CHANGEABLE, "python_enable_replacements")
"""On a connection that is given out: ibis sets this one, to false, before anything else."""


def locked_connection(changeable: tuple[str, ...] = CHANGEABLE) -> duckdb.DuckDBPyConnection:
    """Return an empty DuckDB connection that cannot reach a file.

    External access is off for good, and the configuration is locked but for a few harmless
    settings: SQL on it reads what is registered and writes nothing that is stored.
    """
    connection = duckdb.connect(
        config={
            "python_enable_replacements": False,
            "temp_directory": str(Path(tempfile.gettempdir()) / f"e2vdb-{os.getpid()}"),
            "enable_external_access": False,
        }
    )
    allowed = ", ".join(f"'{name}'" for name in changeable)
    connection.execute(f"SET allowed_configs = [{allowed}]")
    connection.execute("SET lock_configuration = true")
    return connection


class Session:
    """A connection and the snapshot that it reads, kept in step with the tables' columns."""

    def __init__(self, snapshot: Snapshot, changeable: tuple[str, ...] = CHANGEABLE) -> None:
        self.snapshot = snapshot
        self.connection = locked_connection(changeable)
        self.searcher = equip(self.connection, snapshot)
        self._shape = snapshot.shape

    def close(self) -> None:
        """Close the connection and its cursors' database."""
        with suppress(duckdb.Error):
            # DuckDB 1.5 ends the process where logging was pointed at a file it may not open.
            self.connection.execute("CALL disable_logging()")
        self.connection.close()

    def keep_up(self) -> None:
        """Move on to the newest commits; where columns have changed, equip the connection anew."""
        self.snapshot.refresh()
        shape = self.snapshot.shape
        if shape != self._shape:
            self.searcher = equip(self.connection, self.snapshot)
            self._shape = shape


def equip(connection: duckdb.DuckDBPyConnection, snapshot: Snapshot) -> Searcher:
    """Give a connection the relations, functions, views and macros, or give them anew."""
    calls = CallRows(snapshot)
    searcher = Searcher(snapshot.address, snapshot, calls)
    register_functions(connection, snapshot)
    register_search(connection, searcher)
    register_references(connection, snapshot)
    register_vectors(connection)
    register_alignments(connection, snapshot)
    register_analysis(connection, snapshot)
    for table in _TABLES:
        _register(connection, f"_{table}", StoredTable(snapshot, table))
    _register(connection, "_call_rows", calls)
    for name in definitions():
        connection.execute(read_sql(name))
    return searcher


def _register(
    connection: duckdb.DuckDBPyConnection, name: str, source: StoredTable | CallRows
) -> None:
    """Make `name` a view that reads a source and tells the snapshot that a statement begins.

    The function is constant, so DuckDB calls it once, while it plans, and drops the condition.
    """
    # A view of the catalogue, unlike what `register` makes, is seen by cursors as well: polars,
    # pandas and JupySQL run every query on a cursor.
    connection.from_arrow(source).create_view(f"{name}_source", replace=True)
    connection.execute(
        f"CREATE OR REPLACE VIEW {name} AS SELECT * FROM {name}_source WHERE {BEGIN}()"
    )


def definitions() -> list[str]:
    """Return the names of the view and macro files, each after those that it refers to."""
    names = sorted(name for name in _names() if not name.startswith(QUESTION))
    ordered = [STATEMENT, *RELATIONS]
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


def questions() -> list[str]:
    """Return the names of the example questions."""
    return sorted(name for name in _names() if name.startswith(QUESTION))


def _names() -> list[str]:
    paths = files("e2vdb.sql").iterdir()
    return [path.name.removesuffix(".sql") for path in paths if path.name.endswith(".sql")]
