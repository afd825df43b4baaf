"""Embeddings as NumPy matrices, read from Lance a block at a time."""

from collections.abc import Iterator

import lance
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

BLOCK_ROWS = 4096
_READ_BYTES = 1 << 26
"""What Lance may read ahead; its own default is two gigabytes."""

_ORDINARY = 30
"""Decades of length in which a reciprocal is exact enough in float32; others divide, slower."""

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


def embedding_blocks(
    source: lance.LanceDataset | lance.LanceFragment, rows: int = BLOCK_ROWS
) -> Iterator[tuple[pa.Array, Floats]]:
    """Yield utterance ids and embeddings (n, D), n <= `rows`; calls without one are left out."""
    scanner = source.scanner(
        columns=["utterance_id", "embedding"], batch_size=rows, io_buffer_size=_READ_BYTES
    )
    for batch in scanner.to_batches():
        ids, embeddings = batch.column("utterance_id"), batch.column("embedding")
        if embeddings.null_count:
            ids = ids.filter(embeddings.is_valid())
        if len(ids):
            yield ids, matrix(embeddings)


def matrix(embeddings: pa.FixedSizeListArray) -> Floats:
    """Return the vectors of a column as (n, D) float32, rows that are NULL left out."""
    values = embeddings.flatten().to_numpy(zero_copy_only=False)
    vectors: Floats = values.astype(np.float32, copy=False)
    return vectors.reshape(-1, embeddings.type.list_size)


def unit_rows(vectors: NDArray[np.floating]) -> Floats:
    """Return the rows at length 1, float32; lengths are taken in double precision."""
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))
    units = np.empty(vectors.shape, np.float32)
    if vectors.dtype == np.float32 and (abs(np.log10(lengths)) < _ORDINARY).all():
        inverse = (1 / lengths).astype(np.float32)
        np.multiply(vectors, inverse[:, None], out=units)
    else:
        np.divide(vectors, lengths[:, None], out=units, casting="same_kind")
    return units


def fragment_key(fragment: lance.LanceFragment, field_ids: set[int]) -> tuple[object, ...]:
    """Return a name for what a fragment holds in these fields; other contents have another."""
    files = (file.path for file in fragment.data_files() if field_ids.intersection(file.fields))
    return (fragment.fragment_id, str(fragment.deletion_file()), *files)


FEW = 256
"""Calls that are fetched one by one; for more, reading everything in a row is faster."""


def read_vectors(dataset: lance.LanceDataset, ids: pa.Array) -> tuple[NDArray[np.bool_], Floats]:
    """Return which of these ids have an embedding, and the embeddings (n, D), zero elsewhere."""
    dimension = dataset.schema.field("embedding").type.list_size
    found, vectors = np.zeros(len(ids), bool), np.zeros((len(ids), dimension), np.float32)
    for known, block in _few(dataset, ids) if len(ids) <= FEW else embedding_blocks(dataset):
        places = pc.index_in(known, value_set=ids)
        there = places.is_valid().to_numpy(zero_copy_only=False)
        rows = places.drop_null().to_numpy()
        found[rows], vectors[rows] = True, block[there]
    return found, vectors


def _few(dataset: lance.LanceDataset, ids: pa.Array) -> Iterator[tuple[pa.Array, Floats]]:
    known = dataset.to_table(columns=["utterance_id"])["utterance_id"]
    places = pc.index_in(ids, value_set=known).drop_null().sort()
    rows = dataset.take(places, columns=["utterance_id", "embedding"])
    rows = rows.filter(pc.is_valid(rows["embedding"]))
    if rows.num_rows:
        yield rows["utterance_id"].combine_chunks(), matrix(rows["embedding"].combine_chunks())
