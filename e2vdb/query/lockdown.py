"""Connections that read what is registered and reach nothing else."""

import os
import tempfile
from pathlib import Path

import duckdb

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
