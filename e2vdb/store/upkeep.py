"""Keeping a database small and fast, and saying how large it is."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from e2vdb.store.address import Address
from e2vdb.store.lock import writer_lock
from e2vdb.store.store import Store, storage_errors
from e2vdb.store.tables import TABLES

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
    before = after = versions = freed = 0
    with writer_lock(store.address, wait=wait, say=say), storage_errors(store.address):
        for table in TABLES:
            dataset = store.dataset(table)
            before += len(dataset.get_fragments())
            dataset.optimize.compact_files()
            # Nobody else writes while the lock is held, so unreferenced files are orphans.
            stats = dataset.cleanup_old_versions(
                older_than=timedelta(days=keep_days),
                delete_unverified=True,
                error_if_tagged_old_versions=False,
            )
            versions += stats.old_versions
            freed += stats.bytes_removed
            after += len(store.dataset(table).get_fragments())
    return OptimizeSummary(before, after, versions, freed)


def table_infos(store: Store) -> list[TableInfo]:
    """Return the size of every table, `utterances` first."""
    infos = []
    for table in reversed(TABLES):
        dataset = store.dataset(table)
        versions = len(dataset.versions())
        infos.append(
            TableInfo(table.name, table.about, dataset.count_rows(), versions, dataset.version)
        )
    return infos


def disk_bytes(address: Address) -> int | None:
    """Return how many bytes a local database takes, None on an object store."""
    folder: Path | None = address.folder
    if folder is None:
        return None
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
