"""Keeping a database small and fast, and saying how large it is."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from e2vdb.store.address import Address
from e2vdb.store.history import versions
from e2vdb.store.lock import writer_lock
from e2vdb.store.store import Store, storage_errors
from e2vdb.store.tables import TABLES, UTTERANCES, Table

KEEP_DAYS = 7.0


@dataclass(frozen=True, slots=True)
class OptimizeSummary:
    """What a clean-up did, over all tables."""

    fragments_before: int
    fragments_after: int
    versions_removed: int
    bytes_removed: int


@dataclass(frozen=True, slots=True)
class TableInfo:
    """One table's size: rows, versions kept, and the newest version's number."""

    name: str
    about: str
    rows: int
    versions: int
    version: int


def optimize(
    store: Store,
    keep_days: float = KEEP_DAYS,
    *,
    wait: bool = True,
    say: Callable[[str], None] = lambda _: None,
) -> OptimizeSummary:
    """Compact every table, remove what killed writers left, and old versions without a tag.

    Versions younger than `keep_days` stay readable with `--as-of`; tagged ones stay for ever.
    """
    before = after = removed = freed = 0
    store.dataset(UTTERANCES)  # no folder is made where there is no database
    with writer_lock(store.address, wait=wait, say=say), storage_errors(store.address):
        for table in TABLES:
            dataset = store.dataset(table)
            before += len(dataset.get_fragments())
            dataset.optimize.compact_files()
            # Nobody else writes while the lock is held, so unreferenced files are orphans.
            stats = dataset.cleanup_old_versions(
                older_than=_age_of_first_kept(store, table, keep_days),
                delete_unverified=True,
                error_if_tagged_old_versions=False,
            )
            removed += stats.old_versions
            freed += stats.bytes_removed
            after += len(store.dataset(table).get_fragments())
    return OptimizeSummary(before, after, removed, freed)


def _age_of_first_kept(store: Store, table: Table, keep_days: float) -> timedelta:
    """Return the age past which a table's versions go.

    The version in force `keep_days` ago stays, however old it is: versions of other tables that
    stay are read beside it.
    """
    age = timedelta(days=keep_days)
    now = datetime.now().astimezone()
    kept = versions(store, table)
    before = [one for one in kept if one.committed_at <= now - age]
    if not before or before[-1] is kept[-1]:
        return age  # the newest version always stays
    return now - before[-1].committed_at + _MARGIN


_MARGIN = timedelta(seconds=10)
"""Lance compares with a clock of its own, a moment later."""


def table_infos(store: Store) -> list[TableInfo]:
    """Return the size of every table, `utterances` first."""
    infos = []
    for table in reversed(TABLES):
        dataset = store.dataset(table)
        kept = len(dataset.versions())
        infos.append(
            TableInfo(table.name, table.about, dataset.count_rows(), kept, dataset.version)
        )
    return infos


def disk_bytes(address: Address) -> int | None:
    """Return how many bytes a local database takes, None on an object store."""
    folder: Path | None = address.folder
    if folder is None:
        return None
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
