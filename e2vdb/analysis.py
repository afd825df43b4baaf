"""The analyst's verbs of a database: events, clusters, maps, heads, health."""

import os
from typing import TYPE_CHECKING

import duckdb

from e2vdb.query.statement import Parameters
from e2vdb.store.address import Address
from e2vdb.store.store import Store

if TYPE_CHECKING:
    from e2vdb.loading.events import EventsSummary


class Analysis:
    """What `Database` adds for analysis; each verb writes one table and nothing else."""

    address: Address
    _store: Store

    def sql(self, query: str, params: Parameters = None) -> duckdb.DuckDBPyRelation | None:
        """Return the relation of a query; `Database` says how."""
        raise NotImplementedError

    def _check_writable(self) -> None:
        raise NotImplementedError

    def load_events(self, path: str | os.PathLike[str], *, wait: bool = True) -> "EventsSummary":
        """Load events from a CSV, Parquet or JSON file; a known name is replaced."""
        from e2vdb.loading.events import load_events

        self._check_writable()
        return load_events(self._store, path, wait=wait)

    def remove_event(self, name: str, *, wait: bool = True) -> None:
        """Forget an event."""
        from e2vdb.loading.events import remove_event

        self._check_writable()
        remove_event(self._store, name, wait=wait)
