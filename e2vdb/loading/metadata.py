"""Loading what a file says of each call, by key, as often as you like."""

import os
from dataclasses import asdict, dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from e2vdb.loading.keys import (
    Keys,
    merge,
    read_keys,
    resolve_column,
    resolve_pending,
    same_rows,
)
from e2vdb.loading.metadata_file import read_metadata_file
from e2vdb.store.commits import overwrite
from e2vdb.store.lock import writer_lock
from e2vdb.store.store import Store
from e2vdb.store.tables import DEFAULT_DIMENSION, METADATA, METADATA_TABLE

EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class MetadataSummary:
    """How many rows a file had, and how many of their keys fit an utterance."""

    file: str
    rows: int
    matched: int
    unmatched: int
    without_key: int
    repeated: int
    changed: bool
    unmatched_examples: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return the summary as `--json` prints it."""
        return asdict(self)


def load_metadata(
    store: Store, path: str | os.PathLike[str], *, wait: bool = True
) -> MetadataSummary:
    """Put a file's rows over the stored metadata. Raises `InputError`, `BusyError`."""
    rows = read_metadata_file(path)
    with writer_lock(store.address, wait=wait):
        store.create(store.dimension if store.exists() else DEFAULT_DIMENSION)
        return _load(store, rows, os.fspath(path))


def _load(store: Store, rows: pa.Table, path: str) -> MetadataSummary:
    keys = read_keys(store)
    keyed = _with_keys(rows, keys)
    without_key = rows.num_rows - keyed.num_rows
    stored = store.dataset(METADATA_TABLE).to_table()
    merged = merge(resolve_pending(stored, keys)[0], keyed)
    changed = not same_rows(merged, stored)
    if changed:
        name = os.path.basename(path)  # noqa: PTH119 - only for the commit's message
        overwrite(store, METADATA_TABLE, merged, f"metadata: {name}, {len(rows)} rows")
    known = pc.is_in(keyed["utterance_id"], value_set=pa.array(keys.ids, pa.string()))
    distinct = pc.coalesce(keyed["utterance_id"], keyed["output_dir"])
    unmatched = pc.unique(distinct.filter(pc.invert(known)))
    return MetadataSummary(
        file=path,
        rows=rows.num_rows,
        matched=len(pc.unique(distinct.filter(known))),
        unmatched=len(unmatched),
        without_key=without_key,
        repeated=keyed.num_rows - len(pc.unique(distinct)),
        changed=changed,
        unmatched_examples=unmatched.slice(0, EXAMPLES).to_pylist(),
    )


def _with_keys(rows: pa.Table, keys: Keys) -> pa.Table:
    """Return the rows that have a key, both key columns first, ids filled in where they fit."""
    missing = pa.chunked_array([pa.nulls(rows.num_rows, pa.string())])
    given = rows["utterance_id"] if "utterance_id" in rows.column_names else missing
    folder = rows["output_dir"] if "output_dir" in rows.column_names else missing
    others = [name for name in rows.column_names if name not in METADATA.names]
    keyed = pa.table(
        [
            pc.coalesce(given, resolve_column(folder, keys)),
            folder,
            *[rows[name] for name in others],
        ],
        schema=pa.schema([*METADATA, *[rows.schema.field(name) for name in others]]),
    )
    return keyed.filter(
        pc.or_(pc.is_valid(keyed["utterance_id"]), pc.is_valid(keyed["output_dir"]))
    )
