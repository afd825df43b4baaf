"""Which utterance a metadata row speaks of: by id, by path, or by a directory's base name."""

import os
from dataclasses import dataclass

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from e2vdb.store.commits import overwrite
from e2vdb.store.store import Store
from e2vdb.store.tables import METADATA_TABLE, UTTERANCES


@dataclass(frozen=True, slots=True)
class Keys:
    """The utterances' ids, and their ids by folder and by base name where that is unique."""

    ids: frozenset[str]
    by_folder: dict[str, str]
    by_name: dict[str, str | None]

    def resolve(self, output_dir: str) -> str | None:
        """Return the id that an `output_dir` means, None where no or more than one fits."""
        text = output_dir.strip().replace("\\", "/").rstrip("/").removesuffix(".npy")
        if text in self.ids:
            return text
        absolute = os.path.abspath(text)  # noqa: PTH100 - a text, perhaps of another machine
        return self.by_folder.get(absolute) or self.by_name.get(text.rpartition("/")[2])


def read_keys(store: Store) -> Keys:
    """Return the keys of all utterances."""
    rows = store.dataset(UTTERANCES).to_table(columns=["utterance_id", "source_dir"])
    ids = rows["utterance_id"].to_pylist()
    by_folder: dict[str, str] = {}
    by_name: dict[str, str | None] = {}
    for one, folder in zip(ids, rows["source_dir"].to_pylist(), strict=True):
        name = one.rpartition("/")[2]
        by_name[name] = one if name not in by_name else None
        if folder.endswith(name):
            by_folder[folder] = one
    return Keys(frozenset(ids), by_folder, by_name)


def resolve_column(output_dirs: pa.ChunkedArray, keys: Keys) -> pa.Array:
    """Return the ids that a column of output directories means, NULL where none fits."""
    return pa.array(
        [None if one is None else keys.resolve(one) for one in output_dirs.to_pylist()],
        pa.string(),
    )


def resolve_metadata(store: Store) -> None:
    """Give metadata rows that came before their directories the ids of these."""
    stored = store.dataset(METADATA_TABLE).to_table()
    pending = stored.filter(pc.is_null(stored["utterance_id"]))
    if not pending.num_rows:
        return
    resolved = resolve_column(pending["output_dir"], read_keys(store))
    found = pending.set_column(0, stored.schema.field(0), resolved).filter(pc.is_valid(resolved))
    if not found.num_rows:
        return
    still = pc.and_(
        pc.is_null(stored["utterance_id"]),
        pc.is_in(stored["output_dir"], value_set=found["output_dir"].combine_chunks()),
    )
    rest = stored.filter(pc.invert(still))
    why = f"metadata: {found.num_rows} rows found their directories"
    overwrite(store, METADATA_TABLE, merge(rest, found), why)


def merge(stored: pa.Table, new: pa.Table) -> pa.Table:
    """Return the stored rows with the new ones put over them by key, in the order of the keys.

    A row's key is its utterance id, or its output_dir while no directory fits; of several new
    rows with one key the last one counts. Columns that only one side has are kept.
    """
    names = list(dict.fromkeys([*stored.column_names, *new.column_names]))
    key = "coalesce(utterance_id, chr(10) || output_dir)"
    with duckdb.connect() as connection:
        connection.register("old_rows", stored)
        connection.register("new_rows", new.append_column("row#", pa.array(range(len(new)))))
        connection.execute("SET preserve_insertion_order = true")
        columns = ", ".join(_choice(name, stored.schema, new.schema) for name in names)
        relation = connection.sql(
            f'WITH o AS (SELECT *, {key} AS "key#" FROM old_rows), '
            f'n AS (SELECT *, {key} AS "key#" FROM new_rows '
            'QUALIFY row_number() OVER (PARTITION BY "key#" ORDER BY "row#" DESC) = 1) '
            f'SELECT {columns} FROM o FULL JOIN n ON o."key#" = n."key#" '
            'ORDER BY coalesce(n."key#", o."key#")'
        )
        return relation.to_arrow_table()


def _choice(name: str, old: pa.Schema, new: pa.Schema) -> str:
    """Return the SQL for one merged column: the new row's value where there is a new row."""
    quoted = '"' + name.replace('"', '""') + '"'
    if name not in new.names:
        return f"o.{quoted}"
    if name not in old.names:
        return f"n.{quoted}"
    if name in ("utterance_id", "output_dir"):
        return f"coalesce(n.{quoted}, o.{quoted}) AS {quoted}"
    cast = "" if _same_kind(old.field(name).type, new.field(name).type) else "::VARCHAR"
    return f'CASE WHEN n."key#" IS NULL THEN o.{quoted}{cast} ELSE n.{quoted}{cast} END AS {quoted}'


def _same_kind(one: pa.DataType, other: pa.DataType) -> bool:
    numbers = (pa.types.is_integer, pa.types.is_floating)
    return one.equals(other) or all(any(is_a(t) for is_a in numbers) for t in (one, other))
