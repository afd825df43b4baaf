"""Commits: rows in, rows out, each all at once or not at all."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence

import lance
import pyarrow as pa
import pyarrow.compute as pc
from lance.fragment import FragmentMetadata, write_fragments

from e2vdb.store.address import Address
from e2vdb.store.store import Store, storage_errors
from e2vdb.store.tables import Table

Places = Mapping[int, list[int]]
"""Rows by fragment id and position in the fragment."""


def stage(
    address: Address, table: Table, rows: pa.Table | pa.RecordBatchReader, schema: pa.Schema
) -> list[str]:
    """Write rows as fragments that nobody sees until they are committed; return their JSON.

    Any process may stage; the JSON travels to the one that commits.
    """
    with storage_errors(address):
        staged = write_fragments(
            rows,
            address.table(table.name),
            schema=schema,
            storage_options=dict(address.storage_options) or None,
        )
    return [json.dumps(fragment.to_json()) for fragment in staged]


def commit(store: Store, table: Table, staged: Iterable[str], delete: Places, why: str) -> None:
    """Add staged fragments and delete rows, in one commit; nothing to do commits nothing."""
    new = [FragmentMetadata.from_json(text) for text in staged]
    if not new and not delete:
        return
    dataset = store.dataset(table)
    with storage_errors(store.address):
        if delete:
            changed, emptied = _without(dataset, delete)
            operation = lance.LanceOperation.Update(
                removed_fragment_ids=emptied, updated_fragments=changed, new_fragments=new
            )
        else:
            operation = lance.LanceOperation.Append(new)
        _commit(store, table, operation, dataset.version, why)


def _commit(
    store: Store, table: Table, operation: lance.LanceOperation.BaseOperation, read: int, why: str
) -> None:
    lance.LanceDataset.commit(
        store.address.table(table.name),
        operation,
        read_version=read,
        storage_options=dict(store.address.storage_options) or None,
        commit_message=why,
    )


def _without(
    dataset: lance.LanceDataset, delete: Places
) -> tuple[list[FragmentMetadata], list[int]]:
    changed, emptied = [], []
    for fragment_id, positions in delete.items():
        left = dataset.get_fragment(fragment_id).delete_rows(positions)
        if left is None:
            emptied.append(fragment_id)
        else:
            changed.append(left)
    return changed, emptied


def find(dataset: lance.LanceDataset, columns: Sequence[str], keys: Collection[str]) -> Places:
    """Return where the rows are whose columns, joined by `key_of`, make one of the keys."""
    places: dict[int, list[int]] = {}
    if not keys:
        return places
    wanted = pa.array(keys, pa.string())
    scanner = dataset.scanner(columns=list(columns), with_row_address=True)
    for batch in scanner.to_batches():
        hits = pc.is_in(key_of([batch.column(name) for name in columns]), value_set=wanted)
        for address in batch.column("_rowaddr").filter(hits).to_pylist():
            places.setdefault(address >> 32, []).append(address & 0xFFFFFFFF)
    return places


def key_of(columns: Sequence[pa.Array]) -> pa.Array:
    """Join the columns of a key into one text a row."""
    return columns[0] if len(columns) == 1 else pc.binary_join_element_wise(*columns, "\n")


def one_of(column: str, values: Collection[str]) -> str:
    """Return the filter by which Lance keeps rows with one of these texts in a column."""
    listed = ", ".join("'" + one.replace("'", "''") + "'" for one in values)
    return f"{column} IN ({listed})" if listed else "false"


def replace(store: Store, table: Table, key: Sequence[str], rows: pa.Table, why: str) -> None:
    """Put rows in the place of those with the same key, in one commit."""
    if not rows.num_rows:
        return
    keys = key_of([rows.column(name) for name in key]).to_pylist()
    gone = find(store.dataset(table), key, keys)
    commit(store, table, stage(store.address, table, rows, rows.schema), gone, why)


def overwrite(store: Store, table: Table, rows: pa.Table, why: str) -> None:
    """Replace a small table whole, columns included, in one commit."""
    with storage_errors(store.address):
        lance.write_dataset(
            rows,
            store.address.table(table.name),
            mode="overwrite",
            storage_options=dict(store.address.storage_options) or None,
            commit_message=why,
        )
