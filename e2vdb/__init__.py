"""e2vdb: the SQL database for the emotion in voices."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from e2vdb.database import Database, connect
    from e2vdb.errors import E2VError

__version__ = "0.1.0"
__all__ = ["Database", "E2VError", "__version__", "connect"]

_HOMES = {
    "connect": "e2vdb.database",
    "Database": "e2vdb.database",
    "E2VError": "e2vdb.errors",
}


def __getattr__(name: str) -> Any:
    """Import on first use, so that `import e2vdb` and `e2vdb --help` stay instant."""
    if name not in _HOMES:
        raise AttributeError(f"module 'e2vdb' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
