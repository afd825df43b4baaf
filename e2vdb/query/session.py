"""A DuckDB connection over a database, with all relations and functions."""

from contextlib import suppress

import duckdb

from e2vdb.query.align_functions import register_alignments
from e2vdb.query.analysis_functions import register_analysis
from e2vdb.query.calls import CallRows
from e2vdb.query.definitions import RELATIONS, definitions, read_sql
from e2vdb.query.functions import BEGIN, register_functions
from e2vdb.query.lockdown import CHANGEABLE, locked_connection
from e2vdb.query.reference_functions import register_references
from e2vdb.query.relation import StoredTable
from e2vdb.query.search import Searcher
from e2vdb.query.search_functions import register_search
from e2vdb.query.snapshot import Snapshot
from e2vdb.query.vector_functions import register_vectors

_TABLES = tuple(name for name in RELATIONS if name != "calls")


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
