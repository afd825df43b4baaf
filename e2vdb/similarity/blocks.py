"""Vectors between Lance and a search: one block a fragment, in files that can be thrown away.

Scattered reads from Lance are slow, so each fragment's embeddings lie once more in a local
cache folder, as plain .npy files that are memory-mapped: 4 D bytes a row. Beside them lies the
sketch (see `sketch.py`), 4 (d + 2) + 8 bytes a row. A fragment never changes, so a file is never
stale; a new version of the table adds files for its new fragments only.
"""

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lance
import numpy as np
from numpy.typing import NDArray

from e2vdb.distill.distiller import Distiller
from e2vdb.errors import StorageError
from e2vdb.similarity.sketch import Basis, make_basis, sketch_rows
from e2vdb.store.address import Address

CACHE_VARIABLE = "E2VDB_CACHE"
LIMIT_VARIABLE = "E2VDB_SKETCH_BYTES"
LIMIT_BYTES = 2 << 30
"""Bytes of sketch held in memory; past it the files are read as they are needed."""

UNUSED_DAYS = 7.0
_READ_ROWS = 4096
_THREADS = min(4, os.cpu_count() or 1)  # each holds some 100 MB while it copies
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Block:
    """One fragment: `vectors` (n, D) as stored, `sketch` (n, d + 2), `norms` (n,).

    Rows without a vector have norm 0. `offsets` are the rows' places in the fragment, None
    where no row was deleted and they are 0 … n - 1.
    """

    fragment_id: int
    vectors: Floats
    sketch: Floats
    norms: NDArray[np.float64]
    offsets: NDArray[np.int64] | None

    def __len__(self) -> int:
        return len(self.norms)


class BlockCache:
    """The blocks of one database's `utterances`, made where they are missing."""

    def __init__(self, address: Address) -> None:
        name = hashlib.blake2b(str(address).encode(), digest_size=8).hexdigest()
        self.folder = cache_home() / name
        self._blocks: dict[str, Block] = {}
        self._basis: Basis | None = None

    def read(
        self,
        dataset: lance.LanceDataset,
        distiller: Distiller | None,
        report: Callable[[int, int], None] = lambda _done, _total: None,
    ) -> list[Block]:
        """Return the blocks of a table version, in the order of its fragments."""
        dimension = dataset.schema.field("embedding").type.list_size
        distiller_id = distiller.distiller_id if distiller is not None else 0
        if self._basis is None or self._basis.distiller_id != distiller_id:
            self._basis = make_basis(distiller, dimension)
            self._blocks.clear()
        field_id = dataset.lance_schema.field("embedding").id()
        names = {_name(fragment, field_id): fragment for fragment in dataset.get_fragments()}
        total = sum(fragment.count_rows() for fragment in names.values())
        in_memory = total * self._basis.row_bytes <= limit_bytes()
        for gone in self._blocks.keys() - names.keys():
            del self._blocks[gone]
        new = {name: fragment for name, fragment in names.items() if name not in self._blocks}
        done = sum(map(len, self._blocks.values()))
        with ThreadPoolExecutor(_THREADS) as pool:
            loaded = pool.map(lambda name: self._load(name, new[name], in_memory), new)
            for name, block in zip(new, loaded, strict=True):
                self._blocks[name] = block
                done += len(block)
                report(done, total)
        if new:
            self.clean()
        return [self._blocks[name] for name in names]

    def _load(self, name: str, fragment: lance.LanceFragment, in_memory: bool) -> Block:
        folder = self.folder / name
        try:
            try:
                return self._open(folder, fragment, in_memory)
            except (ValueError, EOFError):  # a file cut off by a crash of the machine
                shutil.rmtree(folder, ignore_errors=True)
                return self._open(folder, fragment, in_memory)
        except OSError as error:
            raise StorageError(
                f"The search cache {self.folder} cannot be used: {error.strerror or error}; "
                f"name another folder in {CACHE_VARIABLE}."
            ) from error

    def _open(self, folder: Path, fragment: lance.LanceFragment, in_memory: bool) -> Block:
        assert self._basis is not None  # noqa: S101 - set by read
        if not (folder / "offsets.npy").exists():
            _write_vectors(folder, fragment)
        mapped = np.load(folder / "vectors.npy", mmap_mode="r", allow_pickle=False)
        vectors = mapped.view(np.ndarray)  # the class memmap makes each slice ten times dearer
        norms = np.load(folder / "norms.npy", allow_pickle=False)
        file = folder / f"sketch-{self._basis.name}.npy"
        if not file.exists():
            _save(file, sketch_rows(vectors, norms, self._basis))
        sketch = np.load(file, mmap_mode=None if in_memory else "r", allow_pickle=False)
        offsets = np.load(folder / "offsets.npy", allow_pickle=False)
        os.utime(folder)
        kept = offsets if len(offsets) else None
        return Block(fragment.fragment_id, vectors, sketch, norms, kept)

    def clean(self) -> None:
        """Remove blocks that no search has used for a week."""
        if not self.folder.is_dir():
            return
        for folder in self.folder.iterdir():
            with suppress(FileNotFoundError):  # another process cleans as well
                unused = time.time() - folder.stat().st_mtime > UNUSED_DAYS * 86_400
                if unused and folder.name not in self._blocks:
                    shutil.rmtree(folder, ignore_errors=True)


def cache_home() -> Path:
    """Return the folder for caches: E2VDB_CACHE, else the platform's own."""
    if named := os.environ.get(CACHE_VARIABLE):
        return Path(named).expanduser()
    for variable in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        if base := os.environ.get(variable):
            return Path(base) / "e2vdb"
    return Path("~/.cache/e2vdb").expanduser()


def limit_bytes() -> int:
    """Return how many bytes of sketch may lie in memory."""
    text = os.environ.get(LIMIT_VARIABLE, "")
    return int(text) if text.isdecimal() else LIMIT_BYTES


def _name(fragment: lance.LanceFragment, field_id: int) -> str:
    """Return a name that no other content can have: Lance's files have random names.

    Only the files that hold the embeddings count, so a refit of the distiller moves no vector.
    """
    files = [file.path for file in fragment.data_files() if field_id in file.fields]
    text = "\n".join((*files, str(fragment.deletion_file())))
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def _write_vectors(folder: Path, fragment: lance.LanceFragment) -> None:
    """Copy a fragment's embeddings, block by block, and note norms and offsets."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = fragment.count_rows()
    dimension = fragment.schema.field("embedding").type.list_size
    norms = np.zeros(rows, np.float64)
    offsets = np.zeros(rows, np.int64)
    with tempfile.NamedTemporaryFile(dir=folder, suffix=".part", delete=False) as part:
        np.lib.format.write_array_header_1_0(
            part, {"descr": "<f4", "fortran_order": False, "shape": (rows, dimension)}
        )
        start = 0
        scanner = fragment.scanner(
            columns=["embedding"],
            with_row_address=True,
            batch_size=_READ_ROWS,
            batch_readahead=2,
        )
        for batch in scanner.to_batches():
            vectors = _filled(batch.column("embedding"))
            part.write(np.ascontiguousarray(vectors, "<f4").data)
            end = start + len(vectors)
            norms[start:end] = np.linalg.norm(vectors.astype(np.float64), axis=1)
            offsets[start:end] = batch.column("_rowaddr").to_numpy() & 0xFFFFFFFF
            start = end
    Path(part.name).replace(folder / "vectors.npy")
    _save(folder / "norms.npy", norms)
    untouched = bool((offsets == np.arange(rows)).all())
    _save(folder / "offsets.npy", offsets[:0] if untouched else offsets)  # last: now it is whole


def _filled(column: Any) -> Floats:
    """Return a column's vectors (n, D), zeros where there is none."""
    missing = column.is_null().to_numpy(zero_copy_only=False)
    dimension = column.type.list_size
    values: Floats = column.values.to_numpy(zero_copy_only=False)
    values = values[column.offset * dimension : (column.offset + len(column)) * dimension]
    vectors = values.reshape(-1, dimension)
    if missing.any():
        vectors = np.where(missing[:, None], np.float32(0), vectors)
    return vectors


def _save(file: Path, array: NDArray[Any]) -> None:
    """Write a .npy file whole or not at all; several processes may do so at once."""
    with tempfile.NamedTemporaryFile(dir=file.parent, suffix=".part", delete=False) as part:
        np.save(part, array, allow_pickle=False)
    Path(part.name).replace(file)
