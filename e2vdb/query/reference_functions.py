"""Comparing with reference sets as SQL functions; the macros of `sql/` unnest their lists."""

from collections.abc import Callable
from typing import Any

import duckdb
import pyarrow as pa

from e2vdb.errors import UsageError
from e2vdb.query.registry import put_batched
from e2vdb.query.snapshot import Snapshot
from e2vdb.references.deviation import why_deviates
from e2vdb.references.profile import Profile, read_profile
from e2vdb.references.quality import ROWS, QualityCheck, check_thresholds

_QUALITY = (
    "STRUCT(utterance_id VARCHAR, similarity DOUBLE, nearest_id VARCHAR, "
    "nearest_similarity DOUBLE, verdict VARCHAR)[]"
)
_REASON = "STRUCT(kind VARCHAR, key VARCHAR, contribution DOUBLE)[]"
_REASONS = pa.schema([("kind", pa.string()), ("key", pa.string()), ("contribution", pa.float64())])


class References:
    """Answers of one connection; profiles and closeness are kept while the tables stay."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._check = QualityCheck()
        self._profiles: dict[str, Profile] = {}
        self._versions: tuple[int, int] | None = None

    def quality(self, name: str | None, least: tuple[float | None, float | None]) -> pa.Table:
        """Return the rows of `quality_check`, none for an empty database."""
        if name is None or least[0] is None or least[1] is None:
            raise UsageError("quality_check: reference, pass and review must not be NULL.")
        check_thresholds(least[0], least[1])
        tables = self._snapshot.frozen()
        if not tables["utterances"].count_rows():
            return ROWS.empty_table()
        profile = self._profile(tables, name)
        return self._check.table(tables["utterances"], profile, (least[0], least[1]))

    def reasons(self, utterance_id: str | None, name: str | None, top: int | None) -> pa.Table:
        """Return the rows of `why_deviates`, none for an empty database."""
        if utterance_id is None or name is None or top is None:
            raise UsageError("why_deviates: id, reference and top must not be NULL.")
        if top < 1:
            raise UsageError(f"why_deviates: top must be at least 1, not {top}.")
        tables = self._snapshot.frozen()
        if not tables["utterances"].count_rows():
            return _REASONS.empty_table()
        profile = self._profile(tables, name)
        found = why_deviates(tables["utterances"], tables["frames"], utterance_id, profile, top)
        columns = {
            "kind": [one.kind for one in found],
            "key": [one.key for one in found],
            "contribution": [one.contribution for one in found],
        }
        return pa.table(columns, schema=_REASONS)

    def _profile(self, tables: Snapshot, name: str) -> Profile:
        versions = (tables["utterances"].version, tables["reference_sets"].version)
        if versions != self._versions:
            self._versions, self._profiles = versions, {}
        if name not in self._profiles:
            self._profiles[name] = read_profile(
                tables["reference_sets"], tables["utterances"], name
            )
        return self._profiles[name]


def register_references(connection: duckdb.DuckDBPyConnection, snapshot: Snapshot) -> None:
    """Add the functions behind `quality_check` and `why_deviates`."""
    references = References(snapshot)

    def quality(names: pa.Array, passes: pa.Array, reviews: pa.Array) -> pa.Array:
        asked = zip(names.to_pylist(), passes.to_pylist(), reviews.to_pylist(), strict=True)
        return as_lists([references.quality(name, (one, two)) for name, one, two in asked], ROWS)

    def reasons(ids: pa.Array, names: pa.Array, tops: pa.Array) -> pa.Array:
        asked = zip(ids.to_pylist(), names.to_pylist(), tops.to_pylist(), strict=True)
        return as_lists([references.reasons(*one) for one in asked], _REASONS)

    functions: tuple[tuple[str, Callable[..., pa.Array], list[Any], str], ...] = (
        ("_e2v_quality_check", quality, ["VARCHAR", "DOUBLE", "DOUBLE"], _QUALITY),
        ("_e2v_why_deviates", reasons, ["VARCHAR", "VARCHAR", "INTEGER"], _REASON),
    )
    for name, function, parameters, returns in functions:
        put_batched(
            connection,
            name,
            function,
            parameters,
            returns,
            side_effects=True,  # else folded into a constant, slow for as many rows as calls
        )


def as_lists(tables: list[pa.Table], schema: pa.Schema) -> pa.ListArray:
    """Return one list of structs a table."""
    offsets = [0]
    for table in tables:
        offsets.append(offsets[-1] + table.num_rows)
    rows = pa.concat_tables([schema.empty_table(), *tables]).combine_chunks()
    columns = [rows[name].combine_chunks() for name in schema.names]
    structs = pa.StructArray.from_arrays(columns, fields=list(schema))
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), structs)
