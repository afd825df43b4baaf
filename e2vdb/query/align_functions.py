"""Alignments as SQL functions: whole batches of vectors are mapped by one product a name."""

from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from e2vdb.alignment.gaps import GAPS, alignment_gaps
from e2vdb.alignment.maps import LinearMap, read_map
from e2vdb.errors import UsageError
from e2vdb.query.reference_functions import as_lists
from e2vdb.query.registry import put_batched
from e2vdb.query.snapshot import Snapshot
from e2vdb.query.vector_functions import vectors_of

_GAP = "STRUCT(utterance_id VARCHAR, similarity DOUBLE)[]"


class Alignments:
    """Maps and gaps of one connection, kept while the tables stay."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._maps: tuple[int, dict[str, LinearMap]] = (-1, {})
        self._gaps: tuple[tuple[int, ...], dict[str, pa.Table]] = ((), {})

    def align(self, vectors: Any, names: Any) -> pa.ListArray:
        """Return the mapped vectors of a batch; the names may differ from row to row."""
        if names.null_count:
            raise UsageError("e2v_align: the alignment's name must not be NULL.")
        tables = self._snapshot.frozen()
        dimension = tables.dimension
        voices = vectors_of(vectors, "e2v_align", dimension, f"the database's have {dimension}")
        maps = {name: self._map(tables, name) for name in pc.unique(names).to_pylist()}
        if len(maps) == 1:
            (only,) = maps.values()
            mapped = _finite(only.apply(voices))
            offsets = np.arange(len(voices) + 1, dtype=np.int32) * only.width
            return pa.ListArray.from_arrays(pa.array(offsets), pa.array(mapped.ravel()))
        return _mixed(voices, np.array(names.to_pylist()), maps)

    def gaps(self, name: str | None, top: int | None) -> pa.Table:
        """Return the `top` calls whose voice and text agree least."""
        if name is None or top is None:
            raise UsageError("alignment_gaps: alignment and top must not be NULL.")
        if top < 1:
            raise UsageError(f"alignment_gaps: top must be at least 1, not {top}.")
        tables = self._snapshot.frozen()
        if not tables["utterances"].count_rows():
            return GAPS.empty_table()
        watched = ("alignments", "text_vectors", "utterances")
        versions = tuple(tables[table].version for table in watched)
        if versions != self._gaps[0]:
            self._gaps = (versions, {})
        if name not in self._gaps[1]:
            self._gaps[1][name] = alignment_gaps(
                tables["text_vectors"], tables["utterances"], name, self._map(tables, name)
            )
        return self._gaps[1][name].slice(0, top)

    def _map(self, tables: Snapshot, name: str) -> LinearMap:
        alignments = tables["alignments"]
        if alignments.version != self._maps[0]:
            self._maps = (alignments.version, {})
        if name not in self._maps[1]:
            self._maps[1][name] = read_map(alignments, name)
        return self._maps[1][name]


def _mixed(voices: Any, names: Any, maps: dict[str, LinearMap]) -> pa.ListArray:
    widths = np.array([maps[name].width for name in names])
    offsets = np.concatenate([[0], np.cumsum(widths)])
    values = np.empty(offsets[-1], np.float32)
    for name, one in maps.items():
        rows = np.flatnonzero(names == name)
        places = offsets[rows][:, None] + np.arange(one.width)
        values[places] = _finite(one.apply(voices[rows]))
    return pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), pa.array(values))


def _finite(mapped: Any) -> Any:
    if not np.isfinite(mapped).all():
        raise UsageError("e2v_align: a mapped value is too large for a FLOAT.")
    return mapped


def register_alignments(connection: duckdb.DuckDBPyConnection, snapshot: Snapshot) -> None:
    """Add the functions behind `e2v_align` and `alignment_gaps`."""
    alignments = Alignments(snapshot)

    def align(vectors: pa.Array, names: pa.Array) -> pa.Array:
        return alignments.align(vectors, names)

    def gaps(names: pa.Array, tops: pa.Array) -> pa.Array:
        asked = zip(names.to_pylist(), tops.to_pylist(), strict=True)
        return as_lists([alignments.gaps(name, top) for name, top in asked], GAPS)

    put_batched(
        connection,
        "_e2v_align",
        align,
        ["FLOAT[]", "VARCHAR"],
        "FLOAT[]",
    )
    put_batched(
        connection,
        "_e2v_alignment_gaps",
        gaps,
        ["VARCHAR", "INTEGER"],
        _GAP,
        side_effects=True,  # else folded into a constant, slow for many rows
    )
