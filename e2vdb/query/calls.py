"""The rows behind the view `calls`: utterances without vectors, joined with metadata.

The join is made once a version, in memory, so that a trend over calls costs what it costs on
a table of DuckDB's own.
"""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads

from e2vdb.query.columns import ColumnCache
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
_LEFT_OUT = ("embedding", "distilled", "result")
_DERIVED = ("at", "negative")
_REPEATED = ("emotion", "agent", "product", "team")
"""Columns of few words, handed to DuckDB as dictionaries: grouping by them costs a third less."""


class CallRows(pads.Dataset):  # type: ignore[misc]
    """One row an utterance with its metadata beside it, for `connection.register`."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._utterances, self._metadata = ColumnCache(), ColumnCache()
        self._versions: tuple[int, int] | None = None
        self._joined: dict[str, pa.ChunkedArray] = {}
        self._encoded: dict[str, pa.ChunkedArray] = {}
        self._rows_of: pa.Array | None = None

    @property
    def schema(self) -> pa.Schema:
        """Utterance columns, then the metadata's; reading it marks the beginning of a statement."""
        self._snapshot.touch()
        return self._schema()

    def _schema(self) -> pa.Schema:
        fields = [
            field for field in self._snapshot["utterances"].schema if field.name not in _LEFT_OUT
        ]
        own = {field.name for field in fields}
        for name, stored in self._metadata_names().items():
            index = self._snapshot["metadata"].schema.get_field_index(stored)
            field = (
                CONVENTIONAL.field(name)
                if index < 0
                else self._snapshot["metadata"].schema.field(index)
            )
            if name not in own:
                fields.append(field.with_name(name))
        return pa.schema([_encoded(field.remove_metadata()) for field in fields])

    def _metadata_names(self) -> dict[str, str]:
        """Return the metadata's columns by their name in `calls`.

        A column that is called like one of ours keeps its values under `metadata_NAME`.
        """
        taken = {*self._snapshot["utterances"].schema.names, *_DERIVED}
        names = {name: name for name in CONVENTIONAL.names}
        for stored in self._snapshot["metadata"].schema.names:
            if stored in ("utterance_id", "output_dir"):
                continue
            clash = stored.lower() in taken
            names[f"metadata_{stored}" if clash else stored] = stored
        return names

    def scanner(
        self, columns: list[str] | None = None, filter: Any = None, **options: Any
    ) -> pads.Scanner:
        """Return a scanner over the joined columns; they are kept for the next question."""
        schema = self._schema()
        named = "" if filter is None else str(filter)
        # DuckDB may filter by a column that it does not ask for; too many names do no harm.
        wanted = [
            name
            for name in schema.names
            if columns is None or name in columns or (named and name in named)
        ] or ["utterance_id"]
        table = pa.table(self._columns(wanted), schema=pa.schema([schema.field(n) for n in wanted]))
        return pads.dataset(table).scanner(columns=columns, filter=filter, **options)

    def _columns(self, names: list[str]) -> list[pa.ChunkedArray]:
        utterances, metadata = self._snapshot["utterances"], self._snapshot["metadata"]
        versions = (utterances.version, metadata.version)
        if versions != self._versions:
            self._versions, self._joined, self._rows_of = versions, {}, None
            self._encoded = {}
        stored = self._metadata_names()
        own = [name for name in names if name not in stored]
        found = self._utterances.read(utterances, own)
        for name in names:
            if name in stored and name not in self._joined:
                self._joined[name] = self._join(name, stored[name])
        columns = {name: found[name] if name in found else self._joined[name] for name in names}
        return [self._encode(name, columns[name]) for name in names]

    def _encode(self, name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
        if name not in _REPEATED or not pa.types.is_string(column.type):
            return column
        if name not in self._encoded:
            self._encoded[name] = pa.chunked_array([column.combine_chunks().dictionary_encode()])
        return self._encoded[name]

    def _join(self, name: str, stored: str) -> pa.ChunkedArray:
        utterances, metadata = self._snapshot["utterances"], self._snapshot["metadata"]
        if stored not in metadata.schema.names:
            kind = CONVENTIONAL.field(name).type
            return pa.chunked_array([pa.nulls(utterances.count_rows(), kind)])
        if self._rows_of is None:
            ids = self._utterances.read(utterances, ["utterance_id"])["utterance_id"]
            keys = self._metadata.read(metadata, ["utterance_id"])["utterance_id"]
            self._rows_of = pc.index_in(ids, value_set=keys, skip_nulls=True)
        return self._metadata.read(metadata, [stored])[stored].take(self._rows_of)


def _encoded(field: pa.Field) -> pa.Field:
    if field.name in _REPEATED and pa.types.is_string(field.type):
        return field.with_type(pa.dictionary(pa.int32(), pa.string()))
    return field
