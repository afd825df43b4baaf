"""The past of a database: versions, tags, and what `as_of` means."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import lance

from e2vdb.errors import AddressError, UsageError
from e2vdb.store.store import Store, first_line, storage_errors
from e2vdb.store.tables import TABLES, UTTERANCES, Table

AsOf = int | str | datetime | None
KEPT_TAG = "e2vdb-kept-"
"""How the tags begin that a clean-up sets for its own duration; nobody else sees them."""


@dataclass(frozen=True, slots=True)
class Version:
    """One commit of `utterances`: its number, when it was made, and its tags."""

    number: int
    committed_at: datetime
    tags: tuple[str, ...]


def versions(store: Store, table: Table = UTTERANCES) -> list[Version]:
    """Return a table's versions, oldest first, times in the local zone."""
    dataset = store.dataset(table)
    tags: dict[int, list[str]] = {}
    for name, info in dataset.tags.list().items():
        if not name.startswith(KEPT_TAG):
            tags.setdefault(info["version"], []).append(name)
    return [
        Version(
            entry["version"],
            _local(entry["timestamp"]),
            tuple(sorted(tags.get(entry["version"], ()))),
        )
        for entry in dataset.versions()
    ]


def _local(moment: datetime) -> datetime:
    """Return a moment with the local zone; Lance gives naive local times."""
    return moment.astimezone()


def pinned(store: Store, as_of: AsOf) -> Mapping[str, lance.LanceDataset]:
    """Return every table as it was at a version of `utterances`, a tag or a moment.

    Raises `UsageError` where there is no such version, tag or moment.
    """
    tag = _tag(store, as_of)
    if tag is not None:
        return {table.name: _or_empty(_tagged, store, table, tag) for table in TABLES}
    moment, number = _moment(store, as_of)
    found = {table.name: _or_empty(_at, store, table, moment) for table in TABLES}
    if number is not None:
        found[UTTERANCES.name] = store.dataset(UTTERANCES, number)
    return found


def _or_empty(
    find: Callable[[Store, Table, Any], lance.LanceDataset], store: Store, table: Table, at: Any
) -> lance.LanceDataset:
    """Find a table's past; one that an older e2vdb did not make is empty."""
    try:
        return find(store, table, at)
    except AddressError:
        if table is UTTERANCES:
            raise
        return store.dataset(table)


def _tag(store: Store, as_of: AsOf) -> str | None:
    if not isinstance(as_of, str):
        return None
    return as_of if as_of in store.dataset(UTTERANCES).tags.list() else None


def _tagged(store: Store, table: Table, tag: str) -> lance.LanceDataset:
    if tag in store.dataset(table).tags.list():
        return store.dataset(table, tag)
    return store.dataset(table, 1)


def _moment(store: Store, as_of: AsOf) -> tuple[datetime, int | None]:
    """Return the moment that `as_of` means, and the version number where it is one."""
    if isinstance(as_of, datetime):
        return as_of.astimezone(), None
    text = str(as_of).strip()
    if text.isdecimal():
        found = [version for version in versions(store) if version.number == int(text)]
        if found:
            return found[0].committed_at, found[0].number
        known = [version.number for version in versions(store)]
        raise UsageError(
            f"There is no version {text} of utterances; "
            f"versions {known[0]} to {known[-1]} are kept (`e2vdb info --versions`)."
        )
    try:
        return datetime.fromisoformat(text).astimezone(), None
    except ValueError:
        raise UsageError(
            f"{text!r} is no version, tag or time; give a number, a tag's name or "
            "a time such as 2026-01-31T18:00."
        ) from None


def _at(store: Store, table: Table, moment: datetime) -> lance.LanceDataset:
    past = [version for version in versions(store, table) if version.committed_at <= moment]
    if past:
        return store.dataset(table, past[-1].number)
    if table is UTTERANCES:
        first = versions(store)[0].committed_at
        raise UsageError(
            f"The database has nothing from {moment:%Y-%m-%d %H:%M:%S} or before; "
            f"its oldest version is of {first:%Y-%m-%d %H:%M:%S}."
        )
    return store.dataset(table, versions(store, table)[0].number)


def add_tag(store: Store, name: str) -> int:
    """Name the present state of every table, so that clean-up keeps it; return the version."""
    if not name or name.isdecimal() or not name.replace("-", "").replace("_", "").isalnum():
        raise UsageError(f"{name!r} is no tag name: use letters, digits, - and _.")
    if name.startswith(KEPT_TAG):
        raise UsageError(f"Names that begin with {KEPT_TAG} are taken; choose another one.")
    if name in store.dataset(UTTERANCES).tags.list():
        raise UsageError(f"The tag {name!r} exists; remove it first or choose another name.")
    for table in TABLES:
        dataset = store.dataset(table)
        try:
            if name in dataset.tags.list():
                dataset.tags.delete(name)
            dataset.tags.create(name, dataset.version)
        except ValueError as error:
            raise UsageError(f"{name!r} is no tag name: {first_line(error)}.") from error
    version: int = store.dataset(UTTERANCES).version
    return version


def remove_tag(store: Store, name: str) -> None:
    """Forget a tag. Raises `UsageError` where there is none of that name."""
    if name not in store.dataset(UTTERANCES).tags.list():
        raise UsageError(f"There is no tag {name!r}.")
    with storage_errors(store.address):
        for table in reversed(TABLES):
            dataset = store.dataset(table)
            if name in dataset.tags.list():
                dataset.tags.delete(name)
