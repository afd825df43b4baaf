"""A database that is open: its store and its sessions, which all verbs use."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Self

import duckdb

from e2vdb.errors import UsageError
from e2vdb.query.lockdown import CHANGEABLE_BY_CLIENTS
from e2vdb.query.session import Session
from e2vdb.query.snapshot import Snapshot
from e2vdb.query.statement import Parameters, run
from e2vdb.store.address import Address
from e2vdb.store.history import AsOf
from e2vdb.store.lock import writer_lock
from e2vdb.store.store import Store


class Opened:
    """A database at an address, with the DuckDB sessions that were opened on it."""

    def __init__(self, address: Address, as_of: AsOf = None) -> None:
        self.address = address
        self.as_of = as_of
        self._store = Store(address)
        self._own: Session | None = None
        self._handed_out: list[Session] = []

    def sql(self, query: str, params: Parameters = None) -> duckdb.DuckDBPyRelation | None:
        """Return the relation of a query (`.df() .pl() .arrow() .fetchall()`).

        None for a statement that has no rows. It sees the newest commit, or `as_of`.
        """
        return run(self._session().connection, query, params)

    def connection(self) -> duckdb.DuckDBPyConnection:
        """Return a plain DuckDB connection of its own for ibis, JupySQL and friends.

        Each statement on it sees the newest commit, or `as_of`. Closing the database closes it.
        Columns that another process adds later need a new connection.
        """
        session = Session(Snapshot(self._store, self.as_of), CHANGEABLE_BY_CLIENTS)
        self._handed_out.append(session)
        return session.connection

    def close(self) -> None:
        """Close every connection; the database itself needs no closing."""
        for session in (self._own, *self._handed_out):
            if session is not None:
                session.close()
        self._own = None
        self._handed_out.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _ids_where(self, where: str) -> list[str]:
        """Return the ids of the calls that a condition keeps."""
        try:
            found = self.sql(f"SELECT utterance_id FROM calls WHERE ({where}\n)")
            return [one for (one,) in found.fetchall()] if found is not None else []
        except duckdb.Error as error:
            reason = str(error).split("\n", 1)[0]
            raise UsageError(f"The condition {where!r} cannot be used: {reason}") from error

    @contextmanager
    def _writing(self, *, wait: bool) -> Iterator[None]:
        """Hold the writer lock, with the tables there that older databases lack."""
        self._check_writable()
        dimension = self._store.dimension
        with writer_lock(self.address, wait=wait):
            self._store.create(dimension)
            yield

    def _session(self) -> Session:
        """Return this object's own session, at the newest commits."""
        if self._own is None:
            self._own = Session(Snapshot(self._store, self.as_of))
        self._own.keep_up()
        return self._own

    def _keep_up(self) -> None:
        """Show what this object has written, new columns too, on the connections it gave out."""
        for session in self._handed_out:
            with suppress(duckdb.Error):  # closed by its user, or a result is still being read
                session.keep_up()

    def _check_writable(self) -> None:
        if self.as_of is not None:
            raise UsageError("A database opened with as_of shows the past and cannot be written.")
