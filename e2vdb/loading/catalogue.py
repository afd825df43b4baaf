"""What the database knows of the directories it has seen, looked up by folder."""

from collections import defaultdict
from typing import Any

import pyarrow as pa

from e2vdb.ingest.batches import Known, Place
from e2vdb.store.store import Store
from e2vdb.store.tables import REJECTS_TABLE, SOURCES_TABLE, UTTERANCES, Table


class Catalogue:
    """Ids, content hashes and file times of everything ingested before this run."""

    def __init__(self, store: Store) -> None:
        self._rows = _pairs(store, UTTERANCES, "content_hash", "source_dir")
        self._seen = _pairs(store, SOURCES_TABLE, "stamp", "files", by_folder=True)
        self.rejects = {
            (row["utterance_id"], row["source_dir"]): row
            for row in store.dataset(REJECTS_TABLE).to_table().to_pylist()
        }
        self._below: dict[str, list[str]] = defaultdict(list)
        ids = {uid for uid, _ in self._seen} | {uid for uid, _ in self.rejects} | set(self._rows)
        for utterance_id in ids:
            parent, slash, _ = utterance_id.rpartition("/")
            if slash:
                self._below[parent].append(utterance_id)
        self.empty = not ids

    def __len__(self) -> int:
        return len(self._rows)

    def known(self, place: Place, source_dir: str) -> dict[str, Known]:
        """Return what is known of the recordings that a visit to this folder may find."""
        if self.empty:
            return {}
        candidates = [place.utterance_id, *self._below.get(place.utterance_id, ())]
        found = ((one, self._known(one, source_dir)) for one in candidates)
        return {one: known for one, known in found if known is not None}

    def _known(self, utterance_id: str, source_dir: str) -> Known | None:
        row = self._rows.get(utterance_id)
        seen = self._seen.get((utterance_id, source_dir))
        rejected = (utterance_id, source_dir) in self.rejects
        if row is None and seen is None and not rejected:
            return None
        content_hash, home = row or (None, None)
        stamp, files = seen or (0, 0)
        return Known(content_hash, home, stamp, files, rejected)


def _pairs(
    store: Store, table: Table, first: str, second: str, *, by_folder: bool = False
) -> dict[Any, tuple[Any, Any]]:
    """Return two columns of a table by utterance id, or by id and folder."""
    rows: pa.Table = store.dataset(table).to_table(
        columns=["utterance_id", *(["source_dir"] if by_folder else []), first, second]
    )
    ids = rows["utterance_id"].to_pylist()
    keys = zip(ids, rows["source_dir"].to_pylist(), strict=True) if by_folder else ids
    values = zip(rows[first].to_pylist(), rows[second].to_pylist(), strict=True)
    return dict(zip(keys, values, strict=True))
