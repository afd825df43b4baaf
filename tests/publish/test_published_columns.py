"""What BI tools see: plain types, both times, a comment on everything, who published it."""

import json
from datetime import datetime
from zoneinfo import ZoneInfo

import duckdb
from publishing import ZONE

import e2vdb
from e2vdb.publish.columns import select_list

MINE = "database_name = current_database() AND NOT internal"


def test_no_column_is_nested(bi) -> None:
    kinds = bi.execute(f"SELECT DISTINCT data_type FROM duckdb_columns() WHERE {MINE}").fetchall()
    plain = {"VARCHAR", "BOOLEAN", "INTEGER", "BIGINT", "FLOAT", "DOUBLE", "DATE", "TIMESTAMP"}
    assert {kind for (kind,) in kinds} <= plain


def test_everything_has_a_comment(bi) -> None:
    for catalogue, name in (
        ("duckdb_tables", "table_name"),
        ("duckdb_views", "view_name"),
        ("duckdb_columns", "table_name || '.' || column_name"),
        ("duckdb_functions", "function_name"),
    ):
        query = f"SELECT {name}, comment FROM {catalogue}() WHERE {MINE}"
        found = bi.execute(query).fetchall()
        assert found
        assert [one for one, comment in found if not comment] == []


def test_only_metadata_columns_have_the_general_comment(bi) -> None:
    query = f"SELECT table_name, column_name, comment FROM duckdb_columns() WHERE {MINE}"
    general = {
        (table, column)
        for table, column, comment in bi.execute(query).fetchall()
        if comment.endswith("of your metadata.")
    }
    assert general == set()


def test_local_and_utc_times(bi) -> None:
    times = {
        (table, column)
        for table, column in bi.execute(
            "SELECT table_name, column_name FROM duckdb_columns() JOIN duckdb_tables() "
            "USING (table_name, database_name) "
            f"WHERE data_type = 'TIMESTAMP' AND {MINE.replace('NOT internal', 'true')}"
        ).fetchall()
    }
    local = {(table, column) for table, column in times if not column.endswith("_utc")}
    assert {("calls", "at_local"), ("calls", "ingested_at"), ("trend_daily", "bucket")} <= local
    for table, column in local:
        utc = f"{column.removesuffix('_local')}_utc"
        rows = bi.execute(f"SELECT DISTINCT {column}, {utc} FROM {table}").fetchall()
        for here, there in rows:
            assert there == in_utc(here), (table, column)


def in_utc(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    return moment.replace(tzinfo=ZoneInfo(ZONE)).astimezone(ZoneInfo("UTC")).replace(tzinfo=None)


def test_meta(bi, live, published) -> None:
    names = [name for name, *_ in bi.execute("DESCRIBE meta").fetchall()]
    meta = dict(zip(names, bi.execute("FROM meta").fetchall()[0], strict=True))
    assert meta["database"] == str(published.address)
    assert meta["timezone"] == ZONE
    stored = {table.name: table.version for table in live.info().tables}
    assert meta["store_version"] == stored["utterances"]
    versions = json.loads(meta["store_versions"])
    assert {"utterances", "metadata", "frames", "neighbors"} <= versions.keys()
    assert versions == {name: stored[name] for name in versions}
    assert json.loads(meta["options"])["vectors"] == "none"
    for table, rows in bi.execute("SELECT table_name, rows FROM meta_tables").fetchall():
        assert bi.execute(f"SELECT count(*) FROM {table}").fetchall() == [(rows,)]


def test_the_file_is_of_the_oldest_form(published) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{published.file}' AS bi (READ_ONLY)")
        found = connection.execute("SELECT tags FROM duckdb_databases() WHERE database_name = 'bi'")
        assert "v1.0.0" in str(found.fetchall())


def test_nested_and_hostile_columns() -> None:
    kinds = {
        'a "quoted" name': "STRUCT(x INTEGER)[]",
        "when": "TIMESTAMP WITH TIME ZONE",
        "then": "TIMESTAMP_NS",
        "then_utc": "VARCHAR",
        "words": "VARCHAR[]",
        "raw": "JSON",
        "number": "DECIMAL(10,2)",
    }
    listed = ", ".join(select_list(kinds, "Asia/Shanghai", set()))
    with duckdb.connect() as connection:
        relation = connection.sql(
            f'SELECT {listed} FROM (SELECT [{{\'x\': 1}}] AS "a ""quoted"" name", '
            "TIMESTAMPTZ '2024-01-01 00:00:00+00' AS \"when\", "
            "TIMESTAMP_NS '2024-01-01 08:00:00' AS \"then\", 'kept' AS then_utc, ['a'] AS words, "
            "'{\"b\": 1}'::JSON AS raw, 1.5::DECIMAL(10,2) AS number)"
        )
        names, rows = relation.columns, relation.fetchall()
    row = dict(zip(names, rows[0], strict=True))
    assert row['a "quoted" name'] == '[{"x":1}]'
    assert row["when"] == datetime(2024, 1, 1, 8)
    assert row["when_utc"] == datetime(2024, 1, 1)
    assert row["then"] == datetime(2024, 1, 1, 8)
    assert row["then_utc"] == datetime(2024, 1, 1)
    assert row["metadata_then_utc"] == "kept"
    assert (row["words"], row["raw"]) == ('["a"]', '{"b": 1}')


def test_metadata_in_the_way_of_our_names(small) -> None:
    names = {
        "at": "'mine'",
        "AT_LOCAL": "'local'",
        "at_utc": "'utc'",
        "metadata_at_utc": "'second'",
        "x'; DROP TABLE calls; --\"": "'harmless'",
        "parts": "{'a': [1, 2]}",
        "seen": "TIMESTAMPTZ '2024-07-01 00:00:00+00'",
        "里程": "3",
    }
    columns = ", ".join(
        f'{value} AS "{name.replace(chr(34), 2 * chr(34))}"' for name, value in names.items()
    )
    file = small.parent / "m.parquet"
    with duckdb.connect() as connection:
        one = "'outputs_20240101_000000' AS utterance_id"
        connection.execute(f"COPY (SELECT {one}, {columns}) TO '{file}'")
    with e2vdb.connect(small) as db:
        db.load_metadata(file)
        db.publish(small.parent / "bi.duckdb", timezone=ZONE)
    with duckdb.connect(small.parent / "bi.duckdb", read_only=True) as bi:
        relation = bi.sql("FROM calls WHERE utterance_id = 'outputs_20240101_000000'")
        row = dict(zip(relation.columns, relation.fetchall()[0], strict=True))
        del relation
    assert row["at_local"] == datetime(2024, 1, 1)
    assert row["at_utc"] == datetime(2023, 12, 31, 23)
    assert row["metadata_at"] == "mine"
    assert row["metadata_AT_LOCAL"] == "local"
    assert {row[name] for name in row if name.endswith("metadata_at_utc")} == {"utc", "second"}
    assert row["x'; DROP TABLE calls; --\""] == "harmless"
    assert row["parts"] == '{"a":[1,2]}'
    assert row["seen_utc"] == datetime(2024, 7, 1)
    assert row["里程"] == 3
