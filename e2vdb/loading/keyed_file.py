"""Files that say something of each call: their rows with the ids of the calls they speak of."""

import os
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from e2vdb.loading.keys import read_keys, resolve_column
from e2vdb.loading.metadata_file import read_metadata_file
from e2vdb.store.store import Store


@dataclass(frozen=True, slots=True)
class KeyedRows:
    """A file's rows that speak of a known call, under `utterance_id`, the last row of each.

    `unmatched` rows have no key or one that no call has; `repeated` rows were overruled.
    """

    rows: pa.Table
    unmatched: int
    repeated: int


def read_keyed_file(store: Store, path: str | os.PathLike[str]) -> KeyedRows:
    """Read CSV, Parquet or JSON with a column `utterance_id` or `output_dir`.

    Raises `InputError` for a file that cannot be read, `AddressError` without a database.
    """
    rows = read_metadata_file(path)
    keys = read_keys(store)
    ids = pa.chunked_array([pa.nulls(rows.num_rows, pa.string())])
    for name in ("output_dir", "utterance_id"):
        if name in rows.column_names:
            ids = pc.coalesce(resolve_column(rows[name], keys), ids)
            rows = rows.drop_columns([name])
    rows = rows.add_column(0, "utterance_id", ids)
    known = rows.filter(pc.is_valid(rows["utterance_id"]))
    place = {one: row for row, one in enumerate(known["utterance_id"].to_pylist())}
    last = known.take(pa.array(sorted(place.values()), pa.int64()))
    return KeyedRows(last, rows.num_rows - known.num_rows, known.num_rows - last.num_rows)
