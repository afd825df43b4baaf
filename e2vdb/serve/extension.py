"""Finding DuckDB's Quack extension on a machine that may be offline, and loading it."""

from importlib.util import find_spec
from pathlib import Path

import duckdb

from e2vdb.errors import InputError, UsageError

PACKAGED = "1.5.5"
"""The newest DuckDB for which the Python package index has the extension."""


def load_quack(connection: duckdb.DuckDBPyConnection, file: Path | None = None) -> None:
    """Load Quack from FILE, else from its Python package, else where DuckDB installed it.

    Raises InputError for a file that is missing or does not load, UsageError when no extension
    for this DuckDB is found; nothing is downloaded.
    """
    if file is not None and not file.is_file():
        raise InputError(f"{file} is not a file; --extension takes a quack.duckdb_extension.")
    found = file or _packaged("quack")
    try:
        if found is None:
            connection.execute("LOAD quack")
        else:
            connection.execute(f"LOAD '{_quoted(found)}'")
    except duckdb.Error as error:
        if found is None:
            raise UsageError(_missing()) from error
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


def _missing() -> str:
    packages = f"duckdb=={PACKAGED} duckdb-extension-quack=={PACKAGED}"
    if duckdb.__version__ == PACKAGED:
        return (
            f"DuckDB {PACKAGED} has no Quack extension here; `pip install "
            f"duckdb-extension-quack=={PACKAGED}` brings it, or name its file with --extension."
        )
    return (
        f"DuckDB {duckdb.__version__} has no Quack extension here and the package index has none "
        f"for it; `pip install {packages}` in an environment of its own serves the same file, or "
        f"name an extension built for DuckDB {duckdb.__version__} with --extension."
    )


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
