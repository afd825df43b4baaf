"""Text vectors beside voices: checking what a file brought, and keeping it."""

import numpy as np
import pyarrow as pa

from e2vdb.errors import InputError
from e2vdb.store.commits import commit, find, key_of, stage
from e2vdb.store.store import Store
from e2vdb.store.tables import TEXT_VECTORS_TABLE
from e2vdb.store.vectors import Floats

VECTOR = "vector"


def text_vectors(rows: pa.Table, file: str) -> Floats:
    """Return the column `vector` of a file's rows as (n, m) float32.

    Raises `InputError` naming the file, and the call where one vector is wrong: of another
    length than the first, NULL, not finite, or all zero.
    """
    column = _lists(rows, file)
    ids = rows["utterance_id"]
    lengths = np.diff(column.offsets.to_numpy())
    odd = np.flatnonzero(lengths != lengths[0]) if len(lengths) else np.zeros(0, int)
    if len(odd):
        raise InputError(
            f"{file}: the vector of {ids[odd[0]].as_py()!r} has {lengths[odd[0]]} values, "
            f"that of {ids[0].as_py()!r} has {lengths[0]}."
        )
    width = int(lengths[0]) if len(lengths) else 0
    values = column.flatten().cast(pa.float64()).to_numpy(zero_copy_only=False)
    with np.errstate(over="ignore"):
        vectors: Floats = values.reshape(len(column), width).astype(np.float32)
    for wrong, what in (
        (~np.isfinite(vectors).all(axis=1), "holds NaN, NULL or infinity"),
        (~vectors.any(axis=1), "is all zero"),
    ):
        if wrong.any():
            raise InputError(f"{file}: the vector of {ids[wrong.argmax()].as_py()!r} {what}.")
    return vectors


def _lists(rows: pa.Table, file: str) -> pa.ListArray:
    if VECTOR not in rows.column_names:
        columns = ", ".join(rows.column_names[1:])
        raise InputError(f"{file} has no column vector; its columns are {columns}.")
    column = rows[VECTOR].combine_chunks()
    listed = pa.types.is_list(column.type) or pa.types.is_fixed_size_list(column.type)
    kind = column.type.value_type if listed else column.type
    if not listed or not (pa.types.is_floating(kind) or pa.types.is_integer(kind)):
        raise InputError(
            f"{file}: the column vector must hold lists of numbers, not {column.type}."
        )
    if column.null_count:
        missing = rows["utterance_id"].filter(column.is_null())[0].as_py()
        raise InputError(f"{file}: the vector of {missing!r} is NULL.")
    return column.cast(pa.list_(kind))


def write_texts(store: Store, name: str, ids: pa.Array, vectors: Floats, *, whole: bool) -> None:
    """Keep text vectors (n, m) of these calls under a name; `whole` forgets all others of it."""
    dataset = store.dataset(TEXT_VECTORS_TABLE)
    offsets = np.arange(len(ids) + 1, dtype=np.int32) * vectors.shape[1]
    column = pa.ListArray.from_arrays(pa.array(offsets), pa.array(vectors.ravel()))
    names = pa.array([name] * len(ids), pa.string())
    rows = pa.table([names, ids, column], schema=dataset.schema)
    keys = [name] if whole else key_of([names, ids]).to_pylist()
    gone = find(dataset, ["name"] if whole else ["name", "utterance_id"], keys)
    staged = stage(store.address, TEXT_VECTORS_TABLE, rows, rows.schema) if len(ids) else []
    commit(store, TEXT_VECTORS_TABLE, staged, gone, f"align {name}: {len(ids)} text vectors")
