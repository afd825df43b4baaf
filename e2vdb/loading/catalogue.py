"""What the database knows of the directories it has seen, looked up by folder."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from e2vdb.ingest.jobs import Known, Place
from e2vdb.ingest.names import printable
from e2vdb.store.commits import one_of
from e2vdb.store.store import Store
from e2vdb.store.tables import REJECTS_TABLE, SOURCES_TABLE, UTTERANCES, Table


class KnownTable(Mapping[str, Known]):
    """`Known` by utterance id, kept as Arrow columns: they travel to a worker in one piece."""

    def __init__(self, ids: pa.Array, columns: tuple[pa.Array, ...]) -> None:
        self._ids, self._columns = ids, columns

    @cached_property
    def _known(self) -> dict[str, Known]:
        columns = [column.to_pylist() for column in self._columns]
        return dict(zip(self._ids.to_pylist(), map(Known, *columns), strict=True))

    def __getitem__(self, utterance_id: str) -> Known:
        return self._known[utterance_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)

    def __reduce__(self) -> tuple[type["KnownTable"], tuple[object, ...]]:
        return KnownTable, (self._ids, self._columns)


class Catalogue:
    """Ids, content hashes and file times of everything ingested before this run.

    `only` names the utterances that matter, where a caller knows which these are.
    """

    def __init__(self, store: Store, only: Collection[str] | None = None) -> None:
        key = ["utterance_id", "source_dir"]
        self._rows = _columns(store, UTTERANCES, [*key, "content_hash"], only)
        self._seen = _columns(store, SOURCES_TABLE, [*key, "stamp", "files"], only)
        self.rejects = {
            (row["utterance_id"], row["source_dir"]): row
            for row in store.dataset(REJECTS_TABLE).to_table().to_pylist()
        }
        ids = self._rows["utterance_id"].to_pylist()
        seen = self._seen["utterance_id"].to_pylist()
        folders = self._seen["source_dir"].to_pylist()
        self._row_of = {one: row for row, one in enumerate(ids)}
        self._seen_at = {key: row for row, key in enumerate(zip(seen, folders, strict=True))}
        self._below: dict[str, list[str]] = defaultdict(list)
        for one in {*ids, *seen, *(one for one, _ in self.rejects)}:
            parent, slash, _ = one.rpartition("/")
            if slash:
                self._below[parent].append(one)
        self.empty = not (self._row_of or self._seen_at or self.rejects)

    def __len__(self) -> int:
        return len(self._row_of)

    def seen(self, keys: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """Return those of the (utterance id, folder) pairs that have file times already."""
        return [key for key in keys if key in self._seen_at]

    def known(self, places: Iterable[Place]) -> Mapping[str, Known]:
        """Return what is known of the recordings that a visit to these folders may find."""
        if self.empty:
            return {}
        keys = [
            (one, printable(place.path))
            for place in places
            for one in (place.utterance_id, *self._below.get(place.utterance_id, ()))
        ]
        row = pa.array([self._row_of.get(one) for one, _ in keys], pa.int64())
        seen = pa.array([self._seen_at.get(key) for key in keys], pa.int64())
        columns = (
            self._rows["content_hash"].take(row),
            self._rows["source_dir"].take(row),
            pc.fill_null(self._seen["stamp"].take(seen), 0),
            pc.fill_null(self._seen["files"].take(seen), 0),
            pa.array([key in self.rejects for key in keys], pa.bool_()),
        )
        return KnownTable(pa.array([one for one, _ in keys], pa.string()), columns)


def _columns(
    store: Store, table: Table, names: list[str], only: Collection[str] | None
) -> dict[str, pa.Array]:
    """Return columns of a table, each in one piece."""
    wanted = None if only is None else one_of("utterance_id", only)
    rows = store.dataset(table).to_table(columns=names, filter=wanted)
    return {name: pa.concat_arrays(rows[name].chunks or [_none(rows, name)]) for name in names}


def _none(rows: pa.Table, name: str) -> pa.Array:
    return pa.array([], rows.schema.field(name).type)
