"""One database: opening its tables, making it, knowing its dimension."""

from collections.abc import Iterator
from contextlib import contextmanager

import lance
import pyarrow as pa

from e2vdb.errors import AddressError, StorageError
from e2vdb.store.address import Address
from e2vdb.store.tables import (
    DISTILLERS,
    FRAMES,
    LATER,
    REJECTS_TABLE,
    SOURCES_TABLE,
    TABLES,
    UTTERANCES,
    Table,
)


class Store:
    """The tables at one address; every method sees the newest commit."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._open: dict[str, lance.LanceDataset] = {}
        self._stand_ins: dict[str, lance.LanceDataset] = {}

    def exists(self) -> bool:
        """Whether there is a database at the address."""
        try:
            self.dataset(UTTERANCES)
        except AddressError:
            return False
        return True

    def dataset(self, table: Table, version: int | str | None = None) -> lance.LanceDataset:
        """Return a table at its newest version, or at the one given (a number or a tag).

        Raises `AddressError` where there is no database.
        """
        if version is not None:
            return self._load(table, version)
        known = self._open.get(table.name)
        if known is None or known.latest_version != known.version:
            try:
                known = self._open[table.name] = self._load(table, None)
            except AddressError:
                if table not in LATER:
                    raise
                return self._empty(table)
        return known

    def _empty(self, table: Table) -> lance.LanceDataset:
        """Stand in for a table that the next writer will make in an older database."""
        if table.name not in self._stand_ins:
            rows = table.schema(self.dimension).empty_table()
            self._stand_ins[table.name] = lance.write_dataset(rows, f"memory://{table.name}")
        return self._stand_ins[table.name]

    def _load(self, table: Table, version: int | str | None) -> lance.LanceDataset:
        try:
            return lance.dataset(
                self.address.table(table.name),
                version=version,
                storage_options=dict(self.address.storage_options) or None,
            )
        except ValueError as error:
            if "not found" in str(error).lower():
                raise self._no_database(table) from error
            raise StorageError(f"{self.address}: {first_line(error)}") from error
        except OSError as error:
            raise StorageError(f"{self.address}: {first_line(error)}") from error

    def _no_database(self, table: Table) -> AddressError:
        if table is not UTTERANCES and self.exists():
            return AddressError(
                f"{self.address} has no table {table.name}; run `e2vdb ingest` on it once more."
            )
        return AddressError(
            f"There is no e2vdb database at {self.address}; "
            "make one with `e2vdb ingest FOLDER` or name another with --db."
        )

    @property
    def dimension(self) -> int:
        """The length of every embedding in this database."""
        field = self.dataset(UTTERANCES).schema.field("embedding")
        size: int = field.type.list_size
        return size

    @property
    def undecided(self) -> bool:
        """Whether nothing has been ingested yet that fixes the dimension.

        So it is where metadata or a setting came first, or a folder without any output.
        """
        other = "code = 'wrong_dimension'"
        rows = self.dataset(UTTERANCES).count_rows()
        return not rows and not self.dataset(REJECTS_TABLE).count_rows(filter=other)

    def create(self, dimension: int) -> None:
        """Make every table and column that is not there yet, for embeddings of this length."""
        for table in TABLES:
            try:
                stored = self._load(table, None)
            except AddressError:
                self._write_empty(table, dimension, "create")
                continue
            if table is UTTERANCES:
                self._add_new_columns(stored, table.schema(dimension))

    def _add_new_columns(self, stored: lance.LanceDataset, wanted: pa.Schema) -> None:
        """Give a table the columns that an older e2vdb did not know, NULL in every row."""
        new = [field for field in wanted if field.name not in stored.schema.names]
        if new:
            with storage_errors(self.address):
                stored.add_columns(pa.schema(new))

    def change_dimension(self, dimension: int) -> None:
        """Give a database that is still undecided another dimension; `utterances` goes last."""
        for table in (SOURCES_TABLE, DISTILLERS, FRAMES, UTTERANCES):
            self._write_empty(table, dimension, "overwrite")

    def _write_empty(self, table: Table, dimension: int, mode: str) -> None:
        with storage_errors(self.address):
            lance.write_dataset(
                table.schema(dimension).empty_table(),
                self.address.table(table.name),
                mode=mode,
                storage_options=dict(self.address.storage_options) or None,
            )


def first_line(error: BaseException) -> str:
    """Return the part of a library's message that a user can act on."""
    line = str(error).split("\n", 1)[0]
    return line.split(", /home/", 1)[0].split(", rust/", 1)[0]


@contextmanager
def storage_errors(address: Address) -> Iterator[None]:
    """Turn what Lance and the operating system raise while writing into one sentence."""
    try:
        yield
    except (OSError, RuntimeError, ValueError) as error:
        raise StorageError(
            f"Writing to {address} failed: {first_line(error)}. "
            "What was committed before is whole; mend the cause and run the command again."
        ) from error
