"""Up to when a folder's calls are checked, so that a killed watcher's last ones are checked again.

A row is committed before its alert is; the mark is moved only when nothing waits between the two,
and now and then: what is checked once more keeps its alert's id and is not raised twice.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from e2vdb.ingest.layouts import OWN_FILES
from e2vdb.ingest.names import printable
from e2vdb.store.commits import replace
from e2vdb.store.store import Store
from e2vdb.store.tables import UTTERANCES, WATCHES_TABLE
from e2vdb.store.watch_schemas import WATCHES

SLACK = timedelta(minutes=10)
"""Other processes commit rows some time after they have read them."""


@dataclass(frozen=True, slots=True)
class Mark:
    """When a folder was first watched, and up to when its calls are checked."""

    folder: str
    watched_since: datetime
    checked_until: datetime

    @property
    def since(self) -> datetime:
        """Calls that were ingested later than this are checked."""
        return max(self.watched_since, self.checked_until - SLACK)


def read_mark(store: Store, folder: str) -> Mark | None:
    """Return a folder's mark, None where it was never watched."""
    rows = store.dataset(WATCHES_TABLE).to_table().to_pylist()
    found = [Mark(**row) for row in rows if row["folder"] == folder]
    return found[0] if found else None


def write_mark(store: Store, mark: Mark) -> None:
    """Store a mark in the place of the folder's former one. The caller holds the writer lock."""
    row = {name: getattr(mark, name) for name in WATCHES.names}
    rows = pa.Table.from_pylist([row], schema=WATCHES)
    replace(store, WATCHES_TABLE, ["folder"], rows, "watch: checked")


def unchecked(store: Store, root: Path, mark: Mark) -> Iterator[str]:
    """Yield the calls below the root that came in since the mark and may not be checked.

    Old directories that were only read anew are left out: they have not changed for longer.
    """
    columns = ["utterance_id", "source_dir", "ingested_at"]
    moment = mark.since.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    late = f"ingested_at > timestamp '{moment}'"
    rows = store.dataset(UTTERANCES).to_table(columns=columns, filter=late)
    own = printable(str(root))
    inside = pc.or_(
        pc.equal(rows["source_dir"], own), pc.starts_with(rows["source_dir"], f"{own}/")
    )
    rows = rows.filter(inside)
    pairs = zip(rows["utterance_id"].to_pylist(), rows["source_dir"].to_pylist(), strict=True)
    for utterance_id, folder in pairs:
        if _changed_since(folder, mark.since - SLACK):
            yield utterance_id


def _changed_since(folder: str, moment: datetime) -> bool:
    """Whether something in a folder is younger; true for one that is gone, to be sure."""
    latest = 0.0
    for path in (folder, *(f"{folder}/{name}" for name in OWN_FILES)):
        try:
            info = os.stat(path)
        except OSError:
            if path == folder:
                return True
            continue
        latest = max(latest, info.st_mtime, info.st_ctime)
    return latest > moment.timestamp()
