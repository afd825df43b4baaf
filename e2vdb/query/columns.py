"""Narrow columns in memory, fragment by fragment, so that a second question reads no file."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import lance
import pyarrow as pa

LIMIT_BYTES = 1 << 30
"""Memory past which the columns that were not used for longest are dropped."""

_THREADS = 8
Fragment = tuple[object, ...]


class ColumnCache:
    """Columns of one table by fragment; a new version reads only the fragments that are new.

    Fragments are immutable, so nothing here can be stale: a changed fragment has another key.
    """

    def __init__(self, limit_bytes: int = LIMIT_BYTES) -> None:
        self._limit = limit_bytes
        self._columns: OrderedDict[str, dict[Fragment, pa.ChunkedArray]] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def nbytes(self) -> int:
        """How many bytes the cached columns take."""
        return sum(_size(chunks) for chunks in self._columns.values())

    def read(self, dataset: lance.LanceDataset, names: Sequence[str]) -> dict[str, pa.ChunkedArray]:
        """Return these columns of a dataset, all rows, in the order of its fragments."""
        fragments = {_key(fragment): fragment for fragment in dataset.get_fragments()}
        with self._lock:
            self._drop_gone(fragments.keys() | set())
            self._load(fragments, names)
            found = {name: self._join(dataset, name, list(fragments)) for name in names}
            self._shrink(keep=set(names))
        return found

    def _drop_gone(self, present: "set[Fragment]") -> None:
        for chunks in self._columns.values():
            for key in chunks.keys() - present:
                del chunks[key]

    def _load(self, fragments: dict[Fragment, lance.LanceFragment], names: Sequence[str]) -> None:
        todo: dict[Fragment, list[str]] = {}
        for name in names:
            chunks = self._columns.setdefault(name, {})
            self._columns.move_to_end(name)
            for key in fragments.keys() - chunks.keys():
                todo.setdefault(key, []).append(name)
        if not todo:
            return
        with ThreadPoolExecutor(_THREADS) as threads:
            tables = threads.map(lambda key: fragments[key].to_table(columns=todo[key]), todo)
            for key, table in zip(todo, tables, strict=True):
                for name in todo[key]:
                    self._columns[name][key] = table[name]

    def _join(
        self, dataset: lance.LanceDataset, name: str, keys: list[Fragment]
    ) -> pa.ChunkedArray:
        chunks = self._columns[name]
        arrays = [array for key in keys for array in chunks[key].chunks]
        return pa.chunked_array(arrays, dataset.schema.field(name).type)

    def _shrink(self, keep: set[str]) -> None:
        total = self.nbytes
        for name in list(self._columns):
            if total <= self._limit:
                return
            if name not in keep:
                total -= _size(self._columns.pop(name))


def _size(chunks: dict[Fragment, pa.ChunkedArray]) -> int:
    return sum(array.nbytes for array in chunks.values())


def _key(fragment: lance.LanceFragment) -> Fragment:
    files = tuple(file.path for file in fragment.data_files())
    return (fragment.fragment_id, fragment.deletion_file(), files)
