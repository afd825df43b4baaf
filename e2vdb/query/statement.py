"""Running one SQL text: parameters, and the column name `at`, which DuckDB reserves."""

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

_LOCKS_PYTHON = duckdb.__version__.startswith("1.")
Parameters = Mapping[str, Any] | Sequence[Any] | None


def run(
    connection: duckdb.DuckDBPyConnection, query: str, params: Parameters = None
) -> duckdb.DuckDBPyRelation | None:
    """Return the relation of a query, None for a statement without rows.

    `calls.at` is a column and AT a keyword of DuckDB's time travel, so a text that does not
    parse is tried once more with the bare word quoted. A text that parses is never touched.
    """
    try:
        return _relation(connection, query, params)
    except duckdb.ParserException:
        quoted = quote_at(query)
        if quoted == query:
            raise
    try:
        return _relation(connection, quoted, params)
    except duckdb.ParserException:
        return _relation(connection, query, params)  # the error of what was written


def _relation(
    connection: duckdb.DuckDBPyConnection, query: str, params: Parameters
) -> duckdb.DuckDBPyRelation | None:
    """Return the relation of a query as DuckDB makes it.

    With parameters DuckDB 1.5 reads the whole answer at once and keeps Python locked meanwhile:
    where a Python function runs on another of its threads, both wait for ever. Its `execute`
    lets Python go.
    """
    if params is None or not _LOCKS_PYTHON:
        return connection.sql(query, params=params)
    found = connection.execute(query, params)
    if not found.description:
        return None
    return connection.from_arrow(found.to_arrow_table())


def quote_at(query: str) -> str:
    """Return the query with each bare word `at` in double quotes."""
    tokens = duckdb.tokenize(query)
    starts = [start for start, _ in tokens]
    pieces, after = [], 0
    for (start, kind), end in zip(tokens, [*starts[1:], len(query)], strict=True):
        word = query[start:end].split(maxsplit=1)[0] if query[start:end].strip() else ""
        if kind == duckdb.token_type.keyword and word.lower() == "at":
            pieces += [query[after:start], '"at"']
            after = start + 2
    return "".join([*pieces, query[after:]])
