"""The rows behind the view `calls`: utterances without vectors, joined with metadata.

The join is made once a version, in memory, so that a trend over calls costs what it costs on
a table of DuckDB's own.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
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
ROW = "_row"
_LEFT_OUT = ("embedding", "distilled", "result")
_DERIVED = ("at", "negative")


class CallRows(pads.Dataset):  # type: ignore[misc]
    """One row an utterance with its metadata beside it, for `connection.register`.

    `_row` numbers the rows in the order of the table's fragments. `kept` lends the columns that
    another snapshot of the same database has read.
    """

    def __init__(self, snapshot: Snapshot, kept: "CallRows | None" = None) -> None:
        self._snapshot = snapshot
        self._utterances: ColumnCache = ColumnCache() if kept is None else kept._utterances
        self._metadata: ColumnCache = ColumnCache() if kept is None else kept._metadata
        self._versions: tuple[int, int] | None = None
        self._joined: dict[str, pa.ChunkedArray] = {}
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
        fields.append(pa.field(ROW, pa.int64()))
        return pa.schema([field.remove_metadata() for field in fields])

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
        table = pa.table(self.columns(wanted), schema=pa.schema([schema.field(n) for n in wanted]))
        return pads.dataset(table).scanner(columns=columns, filter=filter, **options)

    def columns(self, names: Sequence[str]) -> list[pa.ChunkedArray]:
        """Return whole columns, in the order of the table's rows."""
        utterances, metadata = self._snapshot["utterances"], self._snapshot["metadata"]
        versions = (utterances.version, metadata.version)
        if versions != self._versions:
            self._versions, self._joined, self._rows_of = versions, {}, None
        stored = self._metadata_names()
        own = [name for name in names if name not in stored and name != ROW]
        found = self._utterances.read(utterances, own)
        for name in names:
            if name == ROW:
                found[ROW] = pa.chunked_array([np.arange(utterances.count_rows())])
            elif name in stored and name not in self._joined:
                self._joined[name] = self._join(name, stored[name])
        return [found[name] if name in found else self._joined[name] for name in names]

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
