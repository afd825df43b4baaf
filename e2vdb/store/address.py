"""Where a database is: a folder, or an object-store address with its options."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from e2vdb.errors import AddressError

VARIABLE = "E2VDB_URI"
DEFAULT = "e2v.lancedb"


@dataclass(frozen=True, slots=True)
class Address:
    """A database address, absolute, with the options that opening it takes."""

    uri: str
    storage_options: Mapping[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path | None:
        """The database's folder, None on an object store."""
        return None if "://" in self.uri else Path(self.uri)

    def table(self, name: str) -> str:
        """Return the address of one table, as every LanceDB client lays them out."""
        return f"{self.uri}/{name}.lance"

    def __str__(self) -> str:
        return self.uri


def resolve(
    uri: str | os.PathLike[str] | None = None, storage_options: Mapping[str, str] | None = None
) -> Address:
    """Return the address given, else that of E2VDB_URI, else ./e2v.lancedb."""
    text = os.fspath(uri) if uri is not None else os.environ.get(VARIABLE) or DEFAULT
    if not text.strip():
        raise AddressError("The database address is empty; give a folder with --db.")
    if "://" in text and not text.startswith("file://"):
        return Address(text.rstrip("/"), dict(storage_options or {}))
    folder = Path(text.removeprefix("file://")).expanduser().absolute()
    if folder.exists() and not folder.is_dir():
        raise AddressError(f"{folder} is a file; the database address must be a folder.")
    return Address(str(folder), dict(storage_options or {}))


def check_folder(folder: Path) -> None:
    """Raise `AddressError` for a folder that holds other things than a LanceDB database."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise AddressError(f"{folder} is a file; the database address must be a folder.")
    names = sorted(path.name for path in _entries(folder))
    foreign = [name for name in names if not name.endswith(".lance") and not name.startswith(".")]
    if foreign and "utterances.lance" not in names:
        raise AddressError(
            f"{folder} holds other files ({foreign[0]}, …); name an empty or new folder with --db."
        )


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError as error:
        raise AddressError(f"{folder} cannot be read: {error.strerror or error}.") from error
