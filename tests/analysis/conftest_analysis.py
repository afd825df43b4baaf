"""Helpers that the tests of this folder import."""

import e2vdb


def rows_of(db: e2vdb.Database, query: str, params: object = None) -> list[dict]:
    """Return a query's rows as dictionaries."""
    return db.sql(query, params).to_arrow_table().to_pylist()
