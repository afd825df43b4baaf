"""`db.alignments`: learning maps from pairs, taking ready ones, keeping text vectors."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from e2vdb.alignment.fit import draw_pairs, fit
from e2vdb.alignment.maps import (
    AlignmentInfo,
    list_alignments,
    read_map,
    remove,
    write_fit,
    write_matrix,
)
from e2vdb.alignment.texts import text_vectors, write_texts
from e2vdb.errors import InputError, UsageError
from e2vdb.ingest.files import LocalFiles
from e2vdb.ingest.npy import read_blocks, read_header
from e2vdb.ingest.rejects import Unusable
from e2vdb.loading.keyed_file import read_keyed_file
from e2vdb.store.lock import writer_lock
from e2vdb.store.store import Store
from e2vdb.store.tables import ALIGNMENTS_TABLE, UTTERANCES
from e2vdb.store.vectors import Floats, read_vectors

WIDEST = 65_536
Path_ = str | os.PathLike[str]


@dataclass(frozen=True, slots=True)
class TextSummary:
    """How many text vectors were kept, and how many rows spoke of no known call."""

    kept: int
    unmatched: int


@dataclass(frozen=True, slots=True)
class Alignments:
    """The alignments of one database; `check_writable` raises where the past is being read."""

    store: Store
    check_writable: Callable[[], None]

    def fit(self, name: str, pairs: Path_, *, wait: bool = True) -> AlignmentInfo:
        """Learn a map from a file with `utterance_id` (or `output_dir`) and `vector`.

        The vectors are kept as the text vectors of this name, for `alignment_gaps`.
        """
        self._prepare(name)
        keyed = read_keyed_file(self.store, pairs)
        texts = text_vectors(keyed.rows, os.fspath(pairs))
        ids = keyed.rows["utterance_id"].combine_chunks()
        drawn = draw_pairs(len(ids))
        there, voices = read_vectors(self.store.dataset(UTTERANCES), ids.take(pa.array(drawn)))
        fitted = fit(voices[there], texts[drawn][there])
        with writer_lock(self.store.address, wait=wait):
            self.store.create(self.store.dimension)
            info = write_fit(self.store, name, fitted)
            write_texts(self.store, name, ids, texts, whole=True)
        return info

    def import_matrix(self, name: str, file: Path_, *, wait: bool = True) -> AlignmentInfo:
        """Take a ready matrix (D, m) from a .npy file, applied as `voice @ matrix`."""
        self._prepare(name)
        matrix = _read_matrix(Path(file), self.store.dimension)
        with writer_lock(self.store.address, wait=wait):
            self.store.create(self.store.dimension)
            return write_matrix(self.store, name, matrix, Path(file).name)

    def load_vectors(self, name: str, file: Path_, *, wait: bool = True) -> TextSummary:
        """Keep the text vectors of a file under an alignment's name; later rows replace."""
        self._prepare(name)
        width = read_map(self.store.dataset(ALIGNMENTS_TABLE), name).width
        keyed = read_keyed_file(self.store, file)
        texts = text_vectors(keyed.rows, os.fspath(file))
        if len(texts) and texts.shape[1] != width:
            raise InputError(
                f"{os.fspath(file)} has vectors of {texts.shape[1]} values, "
                f"but the alignment {name!r} makes {width}."
            )
        ids = keyed.rows["utterance_id"].combine_chunks()
        with writer_lock(self.store.address, wait=wait):
            self.store.create(self.store.dimension)
            write_texts(self.store, name, ids, texts, whole=False)
        return TextSummary(len(ids), keyed.unmatched)

    def list(self) -> list[AlignmentInfo]:
        """Return every alignment, by name."""
        return list_alignments(self.store.dataset(ALIGNMENTS_TABLE))

    def remove(self, name: str, *, wait: bool = True) -> None:
        """Forget an alignment and its text vectors."""
        self._prepare(name)
        with writer_lock(self.store.address, wait=wait):
            self.store.create(self.store.dimension)
            remove(self.store, name)

    def _prepare(self, name: str) -> None:
        self.check_writable()
        if not name.strip():
            raise UsageError("An alignment needs a name, not an empty text.")


def _read_matrix(path: Path, dimension: int) -> Floats:
    """Return the matrix (D, m) of a .npy file that nobody vouches for.

    Raises `InputError` that begins with the reject code ingest would give.
    """
    file = path.expanduser().absolute()
    files = LocalFiles(str(file.parent))
    try:
        header = read_header(files, str(file))
        if header.flat or header.rows != dimension or header.columns > WIDEST:
            shape = (header.columns,) if header.flat else (header.rows, header.columns)
            turned = "; transpose it" if header.columns == dimension and not header.flat else ""
            detail = f"has shape {shape}, expected ({dimension}, m), m <= {WIDEST}{turned}"
            raise Unusable("wrong_dimension", str(file), detail)
        matrix = np.concatenate([block for _, block in read_blocks(files, str(file), header)])
        if not np.isfinite(matrix).all():
            raise Unusable("not_finite", str(file), "holds NaN or infinity")
        if not matrix.any():
            raise Unusable("all_zero", str(file), "every value is zero")
    except Unusable as error:
        raise InputError(f"{error.code}: {error.path} {error.detail}.") from error
    return matrix
