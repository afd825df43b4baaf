"""Which version of every table a statement sees."""

import threading
import time

import lance
import pyarrow as pa

from e2vdb.distill.distiller import Distiller, distiller_of, read_distiller
from e2vdb.ingest.schema import utterances_schema
from e2vdb.store.address import Address
from e2vdb.store.history import AsOf, pinned
from e2vdb.store.store import Store
from e2vdb.store.tables import (
    ALERTS_TABLE,
    ALIGNMENTS_TABLE,
    CENTROIDS_TABLE,
    CLUSTERS_TABLE,
    DISTILLERS,
    EMOTION_MAP_TABLE,
    EVENTS_TABLE,
    FRAMES,
    HEADS_TABLE,
    METADATA_TABLE,
    NEIGHBORS_TABLE,
    REFERENCE_SETS_TABLE,
    REJECTS_TABLE,
    SETTINGS_TABLE,
    TEXT_VECTORS_TABLE,
)
from e2vdb.store.tables import UTTERANCES as UTTERANCES_TABLE

_VISIBLE = (
    # A row of `utterances` is committed after its frames: read first, it never lacks them.
    UTTERANCES_TABLE,
    FRAMES,
    METADATA_TABLE,
    REJECTS_TABLE,
    SETTINGS_TABLE,
    DISTILLERS,
    EVENTS_TABLE,
    # Centroids are committed before the clusters that refer to them.
    CLUSTERS_TABLE,
    CENTROIDS_TABLE,
    EMOTION_MAP_TABLE,
    HEADS_TABLE,
    NEIGHBORS_TABLE,
    REFERENCE_SETS_TABLE,
    ALIGNMENTS_TABLE,
    TEXT_VECTORS_TABLE,
    ALERTS_TABLE,
)

STATEMENT_GAP_S = 0.02
"""DuckDB plans all tables of a statement in one go; a longer silence means a new statement."""


class Snapshot:
    """The tables as one statement sees them: the newest commits, or the past if `as_of` is set."""

    def __init__(self, store: Store, as_of: AsOf = None) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._fixed = as_of is not None
        self._tables = dict(pinned(store, as_of)) if self._fixed else {}
        self._planned_at = 0.0
        self._read = False
        self._shape: tuple[pa.Schema, ...] | None = None
        if not self._fixed:
            self.refresh()

    def __getitem__(self, table: str) -> lance.LanceDataset:
        return self._tables[table]

    def frozen(self) -> "Snapshot":
        """Return a snapshot that stays at this statement's versions."""
        self._read = True
        copy = Snapshot.__new__(Snapshot)
        copy._store, copy._lock, copy._fixed = self._store, threading.Lock(), True
        copy._tables, copy._planned_at, copy._read = dict(self._tables), 0.0, False
        copy._shape = self._shape
        return copy

    def refresh(self) -> None:
        """Move on to the newest commits, all tables together."""
        if self._fixed:
            return
        with self._lock:
            tables = {table.name: self._store.dataset(table) for table in _VISIBLE}
            if any(tables[name] is not known for name, known in self._tables.items()):
                self._shape = None
            self._tables = tables
            self._read = False
            self._planned_at = time.monotonic()

    def begin(self) -> None:
        """Note that a table of a statement is being planned; the first one refreshes.

        DuckDB plans a whole statement before it reads anything, so a plan after a read belongs
        to a new statement. A plain connection gives no other sign that a statement begins.
        """
        if self._read or time.monotonic() - self._planned_at > STATEMENT_GAP_S:
            self.refresh()
        self._planned_at = time.monotonic()

    def read(self, table: str) -> lance.LanceDataset:
        """Return a table for reading; it stays what it is until the next statement is planned."""
        self._read = True
        return self._tables[table]

    def schema(self, table: str) -> pa.Schema:
        """Return a table's columns, with those of `utterances` that an older e2vdb did not make."""
        stored = self._tables[table].schema
        if table != UTTERANCES_TABLE.name:
            return stored
        new = [one for one in utterances_schema(self.dimension) if one.name not in stored.names]
        return pa.schema([*stored, *new])

    @property
    def shape(self) -> tuple[pa.Schema, ...]:
        """The columns of all tables; where they change, a connection has to be equipped anew."""
        if self._shape is None:
            self._shape = tuple(self._tables[table.name].schema for table in _VISIBLE)
        return self._shape

    @property
    def address(self) -> Address:
        """Where the database is."""
        return self._store.address

    @property
    def version(self) -> int:
        """The version of `utterances`."""
        version: int = self[UTTERANCES_TABLE.name].version
        return version

    @property
    def dimension(self) -> int:
        """The length of every embedding."""
        size: int = self[UTTERANCES_TABLE.name].schema.field("embedding").type.list_size
        return size

    @property
    def distiller_id(self) -> int | None:
        """The distiller of the `distilled` column, None before the first fit."""
        return distiller_of(self[UTTERANCES_TABLE.name].schema)

    def distiller(self) -> Distiller | None:
        """Return the distiller that made the `distilled` column."""
        wanted = self.distiller_id
        return read_distiller(self[DISTILLERS.name], wanted) if wanted is not None else None
