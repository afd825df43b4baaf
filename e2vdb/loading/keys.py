"""Which utterance a metadata row speaks of: by id, by path, or by a directory's base name."""

import os
from collections.abc import Collection
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
        return self.by_folder.get(absolute) or self._by_end(text)

    def _by_end(self, text: str) -> str | None:
        """Return the id that the path ends with, else the one id with its base name."""
        rest = text
        while "/" in rest:
            rest = rest.partition("/")[2]
            if "/" in rest and rest in self.ids:
                return rest
        return self.by_name.get(rest)


def read_keys(store: Store) -> Keys:
    """Return the keys of all utterances."""
    rows = store.dataset(UTTERANCES).to_table(columns=["utterance_id", "source_dir"])
    ids = rows["utterance_id"].to_pylist()
    by_folder: dict[str, str] = {}
    by_name: dict[str, str | None] = {}
    for one, folder in zip(ids, rows["source_dir"].to_pylist(), strict=True):
        name = one.rpartition("/")[2]
        by_name[name] = one if name not in by_name else None
        own = folder.rpartition("/")[2] == name
        by_folder[folder if own else f"{folder}/{name}"] = one
    return Keys(frozenset(ids), by_folder, by_name)


def resolve_column(output_dirs: pa.ChunkedArray, keys: Keys) -> pa.Array:
    """Return the ids that a column of output directories means, NULL where none fits."""
    return pa.array(
        [None if one is None else keys.resolve(one) for one in output_dirs.to_pylist()],
        pa.string(),
    )


def resolve_metadata(store: Store) -> None:
    """Give metadata rows that came before their directories the ids of these."""
    dataset = store.dataset(METADATA_TABLE)
    if not dataset.count_rows(filter="utterance_id IS NULL"):
        return
    stored = dataset.to_table()
    resolved, found = resolve_pending(stored, read_keys(store))
    if found:
        why = f"metadata: {found} rows found their directories"
        overwrite(store, METADATA_TABLE, resolved, why)


def metadata_awaits(store: Store, ids: Collection[str]) -> bool:
    """Whether metadata that came before its directory may speak of one of these utterances."""
    dataset = store.dataset(METADATA_TABLE)
    waiting = "utterance_id IS NULL"
    if not ids or not dataset.count_rows(filter=waiting):
        return False
    names = {one.rpartition("/")[2] for one in ids}
    pending = dataset.to_table(columns=["output_dir"], filter=waiting)["output_dir"].to_pylist()
    ends = (one.strip().rstrip("/\\").removesuffix(".npy") for one in pending if one is not None)
    return any(end.replace("\\", "/").rpartition("/")[2] in names for end in ends)


def resolve_pending(stored: pa.Table, keys: Keys) -> tuple[pa.Table, int]:
    """Return stored metadata with the ids that can be given by now, and how many were given.

    A row that has its id already is newer than one that waited, and wins.
    """
    waiting = pc.is_null(stored["utterance_id"])
    pending = stored.filter(waiting)
    ids = resolve_column(pending["output_dir"], keys)
    fits = pc.is_valid(ids)
    found = pending.set_column(0, stored.schema.field(0), ids).filter(fits)
    if not found.num_rows:
        return stored, 0
    rest = pa.concat_tables([pending.filter(pc.invert(fits)), stored.filter(pc.invert(waiting))])
    return merge(found, rest), found.num_rows


def merge(stored: pa.Table, new: pa.Table) -> pa.Table:
    """Return the stored rows with the new ones put over them by key, in the order of the keys.

    A row's key is its utterance id, or its output_dir while no directory fits; of several rows
    with one key the last one counts. Columns that only one side has are kept; names that differ
    in case only are one column.
    """
    names = {name.lower(): name for name in stored.column_names}
    new = new.rename_columns([names.get(name.lower(), name) for name in new.column_names])
    every = list(dict.fromkeys([*stored.column_names, *new.column_names]))
    with duckdb.connect() as connection:
        for side, rows in (("o", stored), ("n", new)):
            connection.register(f"{side}_rows", _numbered(rows))
        columns = ", ".join(_choice(name, stored, new) for name in every)
        relation = connection.sql(
            f"WITH o AS ({_last_rows('o_rows')}), n AS ({_last_rows('n_rows')}) "
            f"SELECT {columns} FROM o FULL JOIN n ON o.key = n.key ORDER BY coalesce(n.key, o.key)"
        )
        return relation.to_arrow_table()


def same_rows(one: pa.Table, other: pa.Table) -> bool:
    """Whether two tables have the same columns, types and rows; NaN equals NaN."""
    if one.num_rows != other.num_rows:
        return False
    with duckdb.connect() as connection:
        left, right = connection.from_arrow(one), connection.from_arrow(other)
        if (left.columns, left.types) != (right.columns, right.types):
            return False
        return one.equals(other) or not left.except_(right).limit(1).fetchall()


def _numbered(rows: pa.Table) -> pa.Table:
    """Return rows as one struct a row, so that no column's name can clash with ours."""
    struct = pa.StructArray.from_arrays(
        [column.combine_chunks() for column in rows.columns], fields=list(rows.schema)
    )
    return pa.table({"v": struct, "place": pa.array(range(rows.num_rows), pa.int64())})


def _last_rows(relation: str) -> str:
    return (
        f"SELECT v, coalesce(v.utterance_id, chr(10) || v.output_dir) AS key FROM {relation} "
        "QUALIFY row_number() OVER (PARTITION BY key ORDER BY place DESC) = 1"
    )


def _choice(name: str, old: pa.Table, new: pa.Table) -> str:
    """Return the SQL for one merged column: the new row's value where there is a new row."""
    quoted = '"' + name.replace('"', '""') + '"'
    if name not in new.column_names:
        return f"o.v.{quoted} AS {quoted}"
    if name not in old.column_names:
        return f"n.v.{quoted} AS {quoted}"
    if name in ("utterance_id", "output_dir"):
        return f"coalesce(n.v.{quoted}, o.v.{quoted}) AS {quoted}"
    cast = "" if _fit(old[name], new[name]) else "::VARCHAR"
    before, after = f"o.v.{quoted}{cast}", f"n.v.{quoted}{cast}"
    # A column without any value has no type of its own, whatever a file's reader made of it.
    if new[name].null_count == len(new):
        before, after = f"o.v.{quoted}", "NULL"
    elif old[name].null_count == len(old):
        before, after = "NULL", f"n.v.{quoted}"
    return f"CASE WHEN n.key IS NULL THEN {before} ELSE {after} END AS {quoted}"


def _fit(one: pa.ChunkedArray, other: pa.ChunkedArray) -> bool:
    """Whether two columns make one of a type of their own, not of text."""
    if one.type.equals(other.type):
        return True
    return any(is_a(one.type) and is_a(other.type) for is_a in (_is_number, _is_day_or_time))


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _is_day_or_time(kind: pa.DataType) -> bool:
    return bool(pa.types.is_date(kind) or pa.types.is_timestamp(kind))
