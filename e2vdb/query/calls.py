"""The rows behind the view `calls`: utterances without vectors, joined with metadata.

The join is made once a version, in memory, so that a trend over calls costs what it costs on
a table of DuckDB's own.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads

from e2vdb.query.columns import ColumnCache
from e2vdb.query.relation import check_types
from e2vdb.query.snapshot import Snapshot

CONVENTIONAL = pa.schema(
    [
        pa.field("agent", pa.string()),
        pa.field("customer", pa.string()),
        pa.field("product", pa.string()),
        pa.field("team", pa.string()),
        pa.field("called_at", pa.timestamp("us")),
    ]
)
ROW = "_row"
LEFT_OUT = ("embedding", "distilled", "result")
_DERIVED = ("at", "negative")
QUALITY = "quality"
_REPEATED = ("emotion", "agent", "product", "team")
"""Columns of few words, handed to DuckDB as dictionaries: grouping by them costs a third less."""


class CallRows(pads.Dataset):  # type: ignore[misc]
    """One row an utterance with its metadata beside it, for `connection.register`.

    `_row` numbers the rows in the order of the table's fragments. `kept` lends the columns that
    another snapshot of the same database has read.
    """

    def __init__(self, snapshot: Snapshot, kept: "CallRows | None" = None) -> None:
        self._snapshot = snapshot
        self._stored_names = metadata_names(snapshot)
        self._schema = calls_schema(snapshot, self._stored_names)
        self._shown = pa.schema([_encoded(field) for field in self._schema])
        self._utterances: ColumnCache = ColumnCache() if kept is None else kept._utterances
        self._metadata: ColumnCache = ColumnCache() if kept is None else kept._metadata
        self._versions: tuple[int, int] | None = None
        self._joined: dict[str, pa.ChunkedArray] = {}
        self._encoded: dict[str, pa.ChunkedArray] = {}
        self._rows_of: pa.Array | None = None

    @property
    def schema(self) -> pa.Schema:
        """Utterance columns, then the metadata's, as at the time of registering."""
        return self._shown

    def scanner(
        self, columns: list[str] | None = None, filter: Any = None, **options: Any
    ) -> "pads.Scanner | _Whole":
        """Return a scanner over the joined columns; they are kept for the next question."""
        schema = self._shown
        named = "" if filter is None else str(filter)
        # DuckDB may filter by a column that it does not ask for; too many names do no harm.
        wanted = [
            name
            for name in schema.names
            if columns is None or name in columns or (named and name in named)
        ] or ["utterance_id"]
        found = zip(wanted, self.columns(wanted), strict=True)
        table = pa.table(
            [self._encode(name, column) for name, column in found],
            schema=pa.schema([schema.field(name) for name in wanted]),
        )
        if filter is None and columns:
            return _Whole(table.select(columns))
        return pads.dataset(table).scanner(columns=columns, filter=filter, **options)

    def columns(self, names: Sequence[str]) -> list[pa.ChunkedArray]:
        """Return whole columns, in the order of the table's rows."""
        utterances, metadata = self._snapshot.read("utterances"), self._snapshot.read("metadata")
        versions = (utterances.version, metadata.version)
        if versions != self._versions:
            self._versions, self._joined, self._rows_of = versions, {}, None
            self._encoded = {}
        stored = self._stored_names
        own = [name for name in names if name in utterances.schema.names and name not in stored]
        found = self._utterances.read(utterances, own)
        for name in names:
            if name == ROW:
                found[ROW] = pa.chunked_array([np.arange(utterances.count_rows())])
            elif name not in found and name not in stored:
                kind = self._schema.field(name).type
                found[name] = pa.chunked_array([pa.nulls(utterances.count_rows(), kind)])
            if name == QUALITY:
                found[name] = self._quality(found[name])
            elif name in stored and name not in self._joined:
                self._joined[name] = self._join(name, stored[name])
        return [found[name] if name in found else self._joined[name] for name in names]

    def _quality(self, rated: pa.ChunkedArray) -> pa.ChunkedArray:
        """Return the quality of the audio: what the metadata says of it counts first."""
        name = said_quality(self._schema, self._stored_names)
        if name is None:
            return rated
        return told_quality(self._join(name, self._stored_names[name]), rated)

    def _encode(self, name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
        if name not in _REPEATED or not pa.types.is_string(column.type):
            return column
        if name not in self._encoded:
            self._encoded[name] = pa.chunked_array([column.combine_chunks().dictionary_encode()])
        return self._encoded[name]

    def _join(self, name: str, stored: str) -> pa.ChunkedArray:
        utterances, metadata = self._snapshot["utterances"], self._snapshot["metadata"]
        kind = self._schema.field(name).type
        if stored not in metadata.schema.names:
            return pa.chunked_array([pa.nulls(utterances.count_rows(), kind)])
        check_types(pa.schema([pa.field(stored, kind)]), metadata.schema, "metadata")
        if self._rows_of is None:
            ids = self._utterances.read(utterances, ["utterance_id"])["utterance_id"]
            keys = self._metadata.read(metadata, ["utterance_id"])["utterance_id"]
            self._rows_of = pc.index_in(ids, value_set=keys, skip_nulls=True)
        return self._metadata.read(metadata, [stored])[stored].take(self._rows_of)


class _Whole:
    """What DuckDB asks of a scanner, without one: pyarrow's takes longer than the query itself."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table
        self.projected_schema = table.schema

    def to_reader(self) -> pa.RecordBatchReader:
        """Return a reader over all rows."""
        return self._table.to_reader()


def said_quality(schema: pa.Schema, names: Mapping[str, str]) -> str | None:
    """Return the column of `calls` with the quality that the metadata says, if it has one."""
    for name, stored in names.items():
        if stored.lower() == QUALITY and _is_number(schema.field(name).type):
            return name
    return None


def told_quality(said: pa.ChunkedArray, rated: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return what was said of the quality, else what was rated.

    A number outside 0..1 is of another scale, to be seen in `metadata_quality` only.
    """
    said = said.cast(pa.float64())
    fits = pc.and_(pc.greater_equal(said, 0.0), pc.less_equal(said, 1.0))
    return pc.coalesce(pc.if_else(fits, said, None).cast(rated.type), rated)


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind))


def _encoded(field: pa.Field) -> pa.Field:
    if field.name in _REPEATED and pa.types.is_string(field.type):
        return field.with_type(pa.dictionary(pa.int32(), pa.string()))
    return field


def calls_schema(snapshot: Snapshot, names: dict[str, str]) -> pa.Schema:
    """Return the columns of `_call_rows`; `names` are those of `metadata_names`."""
    metadata = snapshot["metadata"].schema
    fields = [field for field in snapshot.schema("utterances") if field.name not in LEFT_OUT]
    for name, stored in names.items():
        index = metadata.get_field_index(stored)
        field = CONVENTIONAL.field(name) if index < 0 else metadata.field(index)
        fields.append(field.with_name(name))
    fields.append(pa.field(ROW, pa.int64()))
    return pa.schema([field.remove_metadata() for field in fields])


def metadata_names(snapshot: Snapshot) -> dict[str, str]:
    """Return the metadata's columns by their name in `calls`.

    A column that is called like one of ours keeps its values under `metadata_NAME`.
    """
    stored = [
        name
        for name in snapshot["metadata"].schema.names
        if name not in ("utterance_id", "output_dir")
    ]
    ours = {*snapshot.schema("utterances").names, *LEFT_OUT, *_DERIVED, ROW}
    # SQL does not tell upper from lower case, so neither may this.
    taken = {*ours, *(name.lower() for name in stored)} - {*CONVENTIONAL.names}
    names = {name: name for name in CONVENTIONAL.names}
    for name in stored:
        shown = name
        while shown.lower() in ours or (shown != name and shown.lower() in taken):
            shown = f"metadata_{shown}"
        taken.add(shown.lower())
        names[shown] = name
    return names
