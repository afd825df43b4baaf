"""Events that may move feelings: loaded from a file, kept by name."""

import os
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from e2vdb.errors import InputError, UsageError
from e2vdb.loading.metadata_file import as_utf8, reader_of
from e2vdb.store.analysis_schemas import EVENTS
from e2vdb.store.commits import commit, find, replace
from e2vdb.store.lock import writer_lock
from e2vdb.store.store import Store
from e2vdb.store.tables import DEFAULT_DIMENSION, EVENTS_TABLE

REQUIRED = ("name", "starts_at")


@dataclass(frozen=True, slots=True)
class EventsSummary:
    """How many events a file had, and how many of them were new."""

    file: str
    events: int
    new: int


def load_events(store: Store, path: str | os.PathLike[str], *, wait: bool = True) -> EventsSummary:
    """Put a file's events in the place of stored ones with the same name.

    Raises `InputError` for a file that does not fit, `BusyError`.
    """
    rows = read_events_file(path)
    with writer_lock(store.address, wait=wait):
        store.create(store.dimension if store.exists() else DEFAULT_DIMENSION)
        known = set(store.dataset(EVENTS_TABLE).to_table(columns=["name"])["name"].to_pylist())
        new = sum(name not in known for name in rows["name"].to_pylist())
        replace(store, EVENTS_TABLE, ["name"], rows, f"events: {rows.num_rows} loaded")
    return EventsSummary(os.fspath(path), rows.num_rows, new)


def remove_event(store: Store, name: str, *, wait: bool = True) -> None:
    """Forget an event. Raises `UsageError` where there is none of that name."""
    with writer_lock(store.address, wait=wait):
        gone = find(store.dataset(EVENTS_TABLE), ["name"], [name])
        if not gone:
            raise UsageError(f"There is no event {name!r}; `e2vdb events list` names them all.")
        commit(store, EVENTS_TABLE, [], gone, f"events: {name} removed")


def read_events_file(path: str | os.PathLike[str]) -> pa.Table:
    """Return a file's events with the columns of `events`; those it lacks are NULL.

    Raises `InputError` for a missing file, column, name or time, and for a name that comes twice.
    """
    file = Path(path).expanduser()
    if not file.is_file():
        raise InputError(f"{file} does not exist or is not a file; give a file of events.")
    kind = reader_of(file)
    with duckdb.connect() as connection, as_utf8(file, kind) as readable:
        try:
            rows = _read(connection, str(readable), kind, file)
        except duckdb.Error as error:
            reason = str(error).split("\n", 1)[0]
            raise InputError(f"{file} cannot be read as events: {reason}") from error
    _check(rows, file)
    return rows


def _read(connection: duckdb.DuckDBPyConnection, readable: str, kind: str, file: Path) -> pa.Table:
    options = ", all_varchar = true" if kind == "read_csv" else ""
    source = f"{kind}($path{options})"
    described = connection.execute(f"DESCRIBE FROM {source}", {"path": readable}).fetchall()
    given = {name.strip().lower(): name for name, *_ in described}
    missing = [name for name in REQUIRED if name not in given]
    if missing:
        raise InputError(
            f"{file} has no column {' and no column '.join(missing)}; events have "
            f"{', '.join(EVENTS.names)}."
        )
    columns = ", ".join(_column(field, given.get(field.name)) for field in EVENTS)
    rows = connection.sql(f"SELECT {columns} FROM {source}", params={"path": readable})
    return rows.to_arrow_table().cast(EVENTS)


def _column(field: pa.Field, given: str | None) -> str:
    kind = "TIMESTAMP" if pa.types.is_timestamp(field.type) else "VARCHAR"
    if given is None:
        return f"NULL::{kind} AS {field.name}"
    quoted = '"' + given.replace('"', '""') + '"'
    return f"nullif(trim({quoted}::VARCHAR), '')::{kind} AS {field.name}"


def _check(rows: pa.Table, file: Path) -> None:
    for name in REQUIRED:
        if rows[name].null_count:
            row = pc.index(pc.is_null(rows[name]), True).as_py() + 1
            raise InputError(f"{file}: event {row} has no {name}.")
    names = rows["name"].to_pylist()
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(
            f"{file} has the event {twice[0]!r} twice; give each a name of its own, "
            "such as one with its date."
        )
    backwards = pc.less(rows["ends_at"], rows["starts_at"])
    if pc.any(backwards).as_py():
        wrong = rows.filter(pc.fill_null(backwards, False))["name"][0].as_py()
        raise InputError(f"{file}: the event {wrong!r} ends before it starts.")
