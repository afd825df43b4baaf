"""Tools that look at tables before they ask see every table with every column and its type."""

import duckdb
import pytest
from asking import installed, start


@pytest.mark.parametrize("name", ["sqlalchemy", "ibis"])
def test_every_table_is_reflected(name, bi):
    if not installed(name):
        pytest.skip(f"{name} is not installed; `make test-bi` does it")
    with duckdb.connect(bi.file, read_only=True) as here:
        rows = here.execute(
            "SELECT table_name, column_name FROM information_schema.columns "
            "WHERE table_schema = 'main' ORDER BY table_name, ordinal_position"
        ).fetchall()
    expected: dict[str, list[str]] = {}
    for table, column in rows:
        expected.setdefault(table, []).append(column)
    client = start(name, bi.file)
    reflected = client.columns()
    client.close()
    seen = {table: [column for column, _ in columns] for table, columns in reflected.items()}
    assert {table: seen.get(table) for table in expected} == expected
    kinds = {kind.lower() for table in expected for _, kind in reflected[table]}
    assert not kinds & {"null", "nulltype", "unknown"}
