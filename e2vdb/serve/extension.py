"""Finding DuckDB's Quack extension on a machine that may be offline, and loading it."""

from importlib.util import find_spec
from pathlib import Path

import duckdb

from e2vdb.errors import InputError, UsageError

PACKAGED = "1.5.5"
"""The newest DuckDB for which the Python package index has the extension."""


def load_quack(connection: duckdb.DuckDBPyConnection, file: Path | None = None) -> None:
    """Load Quack from FILE, else from its Python package, else where DuckDB installed it.

    httpfs, which makes Quack's random numbers, is sought beside FILE and then in the same
    places. Raises InputError for a file that is missing or does not load, UsageError when an
    extension for this DuckDB is not found; nothing is downloaded.
    """
    if file is not None and not file.is_file():
        raise InputError(f"{file} is not a file; --extension takes a quack.duckdb_extension.")
    beside = None if file is None else file.with_name("httpfs.duckdb_extension")
    _load(connection, "httpfs", beside if beside is not None and beside.is_file() else None)
    _load(connection, "quack", file)


def _load(connection: duckdb.DuckDBPyConnection, name: str, file: Path | None) -> None:
    found = file or _packaged(name)
    try:
        if found is None:
            connection.execute(f"LOAD {name}")
        else:
            connection.execute(f"LOAD '{_quoted(found)}'")
    except duckdb.Error as error:
        if found is None:
            raise UsageError(_missing(name)) from error
        reason = str(error).strip().splitlines()[0]
        raise InputError(f"DuckDB {duckdb.__version__} cannot load {found}: {reason}") from error


def _packaged(name: str) -> Path | None:
    """Return the extension that a `duckdb-extension-NAME` package brings for this DuckDB."""
    spec = find_spec(f"duckdb_extension_{name}")
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent / "extensions" / f"v{duckdb.__version__}"
    file = folder / f"{name}.duckdb_extension"
    return file if file.is_file() else None


def _missing(name: str) -> str:
    packages = " ".join(f"duckdb-extension-{one}=={PACKAGED}" for one in ("quack", "httpfs"))
    if duckdb.__version__ == PACKAGED:
        return (
            f"DuckDB {PACKAGED} has no extension {name} here; `pip install {packages}` brings "
            "what serving needs, or name the file with --extension."
        )
    return (
        f"DuckDB {duckdb.__version__} has no extension {name} here, and there is no package of it "
        f"for this version; `pip install duckdb=={PACKAGED} {packages}` in an environment of its "
        f"own serves the same file, or name an extension built for DuckDB {duckdb.__version__} "
        "with --extension."
    )


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
