"""The rows of `calls` of a few utterances, read for them alone, as a table that SQL can filter."""

from collections.abc import Collection

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from e2vdb.query.calls import (
    QUALITY,
    ROW,
    calls_schema,
    metadata_names,
    said_quality,
    told_quality,
)
from e2vdb.query.definitions import read_sql
from e2vdb.query.snapshot import Snapshot
from e2vdb.query.statement import quote_at
from e2vdb.store.commits import one_of


def few_calls(snapshot: Snapshot, ids: Collection[str]) -> tuple[pa.Table, pa.Table]:
    """Return rows of `_call_rows`, and the id and embedding of each, in one order.

    What is compared costs what these calls cost, not what the whole of `calls` does.
    """
    names = metadata_names(snapshot)
    schema = calls_schema(snapshot, names)
    wanted = one_of("utterance_id", ids)
    utterances, metadata = snapshot["utterances"], snapshot["metadata"]
    own = [name for name in schema.names if name in utterances.schema.names]
    rows = utterances.to_table(columns=[*own, "embedding"], filter=wanted)
    said = metadata.to_table(filter=wanted)
    place = pc.index_in(rows["utterance_id"], value_set=said["utterance_id"], skip_nulls=True)
    columns = []
    for field in schema:
        if field.name == ROW:
            columns.append(pa.chunked_array([pa.array(range(rows.num_rows), pa.int64())]))
        elif field.name in own:
            columns.append(rows[field.name])
        elif field.name in names and names[field.name] in said.column_names:
            columns.append(said[names[field.name]].take(place))
        else:
            columns.append(pa.chunked_array([pa.nulls(rows.num_rows, field.type)]))
    quality = said_quality(schema, names)
    if quality is not None:
        told = told_quality(*(columns[schema.get_field_index(one)] for one in (quality, QUALITY)))
        columns[schema.get_field_index(QUALITY)] = told
    return pa.table(columns, schema=schema), rows.select(["utterance_id", "embedding"])


def view_calls(connection: duckdb.DuckDBPyConnection, rows: pa.Table) -> None:
    """Make these rows what `calls` shows on a connection."""
    connection.register("_call_rows", rows)
    connection.execute(read_sql("calls"))


def filtered(relation: duckdb.DuckDBPyRelation, condition: str) -> duckdb.DuckDBPyRelation:
    """Return the rows that fulfil a condition, in which a bare `at` may stand."""
    try:
        return relation.filter(condition)
    except duckdb.ParserException:
        return relation.filter(quote_at(condition))
