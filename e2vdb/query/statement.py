"""Running one SQL text: parameters, and the column name `at`, which DuckDB reserves."""

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

Parameters = Mapping[str, Any] | Sequence[Any] | None


def run(
    connection: duckdb.DuckDBPyConnection, query: str, params: Parameters = None
) -> duckdb.DuckDBPyRelation | None:
    """Return the relation of a query, None for a statement without rows.

    `calls.at` is a column and AT a keyword of DuckDB's time travel, so a text that does not
    parse is tried once more with the bare word quoted. A text that parses is never touched.
    """
    try:
        return connection.sql(query, params=params)
    except duckdb.ParserException:
        quoted = quote_at(query)
        if quoted == query:
            raise
    try:
        return connection.sql(quoted, params=params)
    except duckdb.ParserException:
        return connection.sql(query, params=params)  # the error of what was written


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
