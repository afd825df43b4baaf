"""A stored table as DuckDB sees it: pinned, read-only, with pushdown, in types DuckDB reads."""

from collections.abc import Iterator
from typing import Any

import lance
import pyarrow as pa
import pyarrow.dataset as pads

from e2vdb.errors import InputError
from e2vdb.query.snapshot import Snapshot
from e2vdb.store.tables import DISTILLED


class StoredTable(pads.Dataset):  # type: ignore[misc]
    """One table of a snapshot, half precision widened to FLOAT, for `connection.register`.

    The columns are those at the time of registering, for DuckDB keeps them; `distilled` is
    there from the beginning, NULL until the first fit, and so is what an older e2vdb lacks.
    """

    def __init__(self, snapshot: Snapshot, table: str) -> None:
        self._snapshot, self._table = snapshot, table
        stored = snapshot.schema(table)
        fields = [_widened(field) for field in stored]
        if "embedding" in stored.names and DISTILLED not in stored.names:
            fields.append(pa.field(DISTILLED, pa.list_(pa.float32())))
        self._schema = pa.schema([field.remove_metadata() for field in fields])

    @property
    def schema(self) -> pa.Schema:
        """The columns as SQL sees them."""
        return self._schema

    def scanner(
        self, columns: list[str] | None = None, filter: Any = None, **options: Any
    ) -> pads.Scanner:
        """Return a scanner over these columns, rows filtered by Lance before they are read."""
        dataset, schema = self._snapshot.read(self._table), self._schema
        wanted = schema if columns is None else pa.schema([schema.field(one) for one in columns])
        check_types(wanted, dataset.schema, self._table)
        late = filter is not None and any(
            field.name in str(filter)
            for field in schema
            if pa.types.is_nested(field.type) or field.name not in dataset.schema.names
        )
        if late:
            return self._filtered_here(dataset, wanted, filter)
        read = [name for name in wanted.names if name in dataset.schema.names]
        scanner = dataset.scanner(columns=read or schema.names[:1], filter=filter, **options)
        if read and wanted.equals(scanner.projected_schema.remove_metadata()):
            return scanner
        return pads.Scanner.from_batches(_fitted(scanner.to_batches(), wanted), schema=wanted)

    def _filtered_here(
        self, dataset: lance.LanceDataset, wanted: pa.Schema, filter: Any
    ) -> pads.Scanner:
        """Apply a filter on vectors or on a column that is not stored, which Lance refuses."""
        named = str(filter)
        needed = pa.schema(
            [one for one in self._schema if one.name in wanted.names or one.name in named]
        )
        read = [name for name in needed.names if name in dataset.schema.names]
        batches = dataset.scanner(columns=read or self._schema.names[:1]).to_batches()
        fitted = _fitted(batches, needed)
        return pads.Scanner.from_batches(fitted, schema=needed, columns=wanted.names, filter=filter)


def check_types(wanted: pa.Schema, stored: pa.Schema, table: str) -> None:
    """Raise `InputError` where a column has another type than when it was registered.

    It happens to a plain connection that lives on while another process fits `distilled` anew.
    """
    for field in wanted:
        index = stored.get_field_index(field.name)
        if index >= 0 and not field.type.equals(_widened(stored.field(index)).type):
            raise InputError(
                f"{table}.{field.name} has become another type since this connection was made; "
                "call db.connection() again."
            )


def _widened(field: pa.Field) -> pa.Field:
    if pa.types.is_fixed_size_list(field.type) and pa.types.is_float16(field.type.value_type):
        return field.with_type(pa.list_(pa.float32(), field.type.list_size))
    return field


def _fitted(batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Yield batches with exactly these columns: widened, NULL where nothing is stored."""
    for batch in batches:
        columns = [
            batch.column(field.name).cast(field.type)
            if field.name in batch.schema.names
            else pa.nulls(batch.num_rows, field.type)
            for field in schema
        ]
        yield pa.RecordBatch.from_arrays(columns, schema=schema)
