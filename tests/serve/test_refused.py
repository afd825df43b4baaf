"""Over the wire nothing is written, read from disk, attached, installed or configured."""

import duckdb
import pytest
from serving import Wire

READ_A_FILE = [
    "SELECT * FROM read_csv('{file}')",
    "SELECT * FROM read_csv_auto('{file}')",
    "SELECT * FROM read_text('{file}')",
    "SELECT * FROM read_blob('{file}')",
    "SELECT * FROM read_json('{file}')",
    "SELECT * FROM read_parquet('{file}')",
    "SELECT * FROM parquet_metadata('{file}')",
    "SELECT * FROM sniff_csv('{file}')",
    "SELECT * FROM glob('{folder}/*')",
    "SELECT * FROM system.main.read_text('{file}')",
    "SELECT * FROM \"READ_TEXT\"('{file}')",
    "SELECT * FROM read_text(['{file}'])",
    "SELECT * FROM parquet_scan('{published}')",
    "SELECT * FROM read_blob('{published}')",
    "FROM '{file}'",
    'FROM "{file}"',
    "FROM '{published}'",
    "SELECT * FROM read_csv('/dev/stdin')",
    "SELECT * FROM read_text('https://127.0.0.1:1/x')",
    "SELECT * FROM read_csv('s3://bucket/x.csv')",
    "FROM 'http://127.0.0.1:1/x.parquet'",
    "SELECT (SELECT content FROM read_text('{file}'))",
    "WITH secret AS MATERIALIZED (FROM read_text('{file}')) FROM secret",
    "FROM calls WHERE EXISTS (FROM read_text('{file}'))",
    "FROM calls, LATERAL (FROM read_text('{file}'))",
    "FROM calls_below(n := (SELECT count(*) FROM read_text('{file}')))",
    "SELECT 1 ORDER BY (SELECT content FROM read_text('{file}'))",
    "SELECT 1 LIMIT (SELECT count(*) FROM glob('{folder}/*'))",
    "FROM calls UNION ALL BY NAME FROM read_text('{file}')",
    "DESCRIBE FROM read_text('{file}')",
    "SUMMARIZE FROM read_csv('{file}')",
    "SHOW TABLES FROM '{file}'",
    "FROM (PIVOT read_csv('{file}') ON a IN (1) USING count(*))",
]
AROUND = [
    "FROM query('SELECT 1')",
    "FROM query('FROM read_text(''{file}'')')",
    "FROM query_table('calls')",
    "FROM query_table(['{file}'])",
    "FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))",
    "SELECT getenv('HOME')",
    "SELECT \"GetEnv\"('HOME')",
    "SELECT [getenv(x) FOR x IN ['HOME']]",
    "SELECT 'HOME'.getenv()",
    "SELECT current_setting('quack_authorization_function')",
    "SELECT getvariable('x')",
    "SELECT write_log('x')",
    "FROM duckdb_secrets()",
    "FROM which_secret('{file}', 'http')",
    "FROM duckdb_settings()",
    "FROM duckdb_databases()",
    "FROM duckdb_databases",
    "FROM pragma_database_list",
    "FROM duckdb_logs",
    "FROM duckdb_logs()",
    "FROM duckdb_extensions()",
    "FROM duckdb_temporary_files()",
    "FROM duckdb_external_file_cache()",
    "FROM pragma_storage_info('calls')",
    "FROM quack_server_list()",
    "FROM quack_active_connections()",
    "FROM quack_query('quack:127.0.0.1:1', 'SELECT 1', token := 'abcd')",
    "FROM quack_serve('quack:127.0.0.1:1')",
    "FROM quack_stop('quack:127.0.0.1:{port}')",
    "SELECT quack_check_token('a', 'b', 'c')",
    "FROM whoami()",
    "FROM postgres_scan('', '', '')",
    "FROM sqlite_scan('{file}', 'x')",
    "FROM checkpoint()",
    "FROM enable_logging()",
    "FROM arrow_scan(0, 0, 0)",
]
WRITE = [
    "CREATE TABLE t (i INTEGER)",
    "CREATE TEMP TABLE t (i INTEGER)",
    "CREATE OR REPLACE VIEW calls AS SELECT 1",
    "CREATE TEMP VIEW t AS SELECT 1",
    "CREATE TEMP MACRO f() AS TABLE FROM read_text('{file}')",
    "CREATE OR REPLACE MACRO gate.main.permit(s, q) AS q",
    "CREATE SCHEMA s",
    "CREATE SEQUENCE s",
    "CREATE TYPE t AS ENUM ('a')",
    "CREATE SECRET (TYPE http, BEARER_TOKEN 'x')",
    "INSERT INTO calls VALUES (9, 'x')",
    "INSERT INTO published_1.main.calls VALUES (9, 'x')",
    "WITH x AS (SELECT 9, 'x') INSERT INTO published_1.main.calls FROM x",
    "/* SELECT */ INSERT INTO published_1.main.calls VALUES (9, 'x')",
    "INSERT INTO published_1.main.calls VALUES (9, 'x') RETURNING *",
    "UPDATE published_1.main.calls SET agent = 'x'",
    "DELETE FROM published_1.main.calls",
    "TRUNCATE published_1.main.calls",
    "MERGE INTO published_1.main.calls USING calls c ON true WHEN MATCHED THEN DELETE",
    "DROP VIEW calls",
    "DROP MACRO gate.main.permit",
    "ALTER VIEW calls RENAME TO c",
    "COMMENT ON VIEW calls IS 'x'",
    "SELECT 1; CREATE TABLE t (i INTEGER)",
    "SELECT 1; SELECT 2",
    "CREATE TABLE t (i INTEGER); SELECT 1",
    "BEGIN",
    "COMMIT",
    "SELECT nextval('s')",
    "SELECT setseed(0.5)",
]
OTHER_STATEMENTS = [
    "ATTACH '{file}' AS other",
    "ATTACH '{published}' AS other",
    "ATTACH ':memory:' AS other",
    "ATTACH 'quack:127.0.0.1:1' AS other (TOKEN 'abcd')",
    "DETACH published_1",
    "USE published_1",
    "COPY calls TO '{folder}/out.csv'",
    "COPY calls TO '{published}'",
    "COPY (SELECT 1) TO '{folder}/out.parquet' (FORMAT parquet)",
    "COPY published_1.main.calls FROM '{file}'",
    "COPY FROM DATABASE published_1 TO memory",
    "EXPORT DATABASE '{folder}/out'",
    "IMPORT DATABASE '{folder}/out'",
    "INSTALL httpfs",
    "INSTALL spatial FROM community",
    "FORCE INSTALL json",
    "LOAD json",
    "LOAD '{file}'",
    "UPDATE EXTENSIONS",
    "SET threads = 1",
    "SET GLOBAL quack_authorization_function = 'quack_nop_authorization'",
    "SET VARIABLE x = 1",
    "SET enable_external_access = true",
    "SET lock_configuration = false",
    "RESET quack_authorization_function",
    "RESET lock_configuration",
    "PRAGMA database_list",
    "PRAGMA threads = 1",
    "PRAGMA enable_logging",
    "CALL pragma_version()",
    "CALL quack_stop('quack:127.0.0.1:{port}')",
    "PREPARE p AS SELECT 1",
    "PREPARE p AS CREATE TABLE t (i INTEGER)",
    "EXECUTE p",
    "DEALLOCATE p",
    "CHECKPOINT",
    "VACUUM",
    "EXPLAIN ANALYZE CREATE TABLE t (i INTEGER)",
    "EXPLAIN ANALYZE SELECT 1",
    "",
    "-- nothing",
]


@pytest.mark.parametrize("query", READ_A_FILE + AROUND + WRITE + OTHER_STATEMENTS)
def test_a_query_that_does_more_than_read_the_published_tables_is_refused(wire: Wire, query):
    folder = wire.file.parent
    secret = folder / "secret.csv"
    secret.write_text("a\nsecret\n")
    before = sorted(one.name for one in folder.iterdir())
    published = wire.file.read_bytes()
    text = (
        query.replace("{file}", str(secret))
        .replace("{folder}", str(folder))
        .replace("{published}", str(wire.file))
        .replace("{port}", str(wire.port))
    )
    with pytest.raises(duckdb.Error) as refused:
        wire.ask(text)
    said = str(refused.value)
    assert "This server" in said or "Authorization failed" in said or "syntax error" in said, said
    assert wire.ask("SELECT count(*) FROM calls") == [(5,)]
    assert sorted(one.name for one in folder.iterdir()) == before
    assert wire.file.read_bytes() == published


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO r.calls VALUES (9, 'x')",
        "INSERT INTO r.main.calls SELECT 9, 'x'",
        "UPDATE r.calls SET agent = 'x'",
        "DELETE FROM r.calls",
        "CREATE TABLE r.t (i INTEGER)",
        "CREATE TABLE r.t AS SELECT 1",
        "CREATE VIEW r.t AS SELECT 1",
        "DROP VIEW r.calls",
        "ALTER VIEW r.calls RENAME TO c",
    ],
)
def test_the_attached_server_is_not_written_either(wire: Wire, statement):
    with pytest.raises(duckdb.Error):
        wire.client().execute(statement)
    assert wire.client().execute("SELECT count(*) FROM r.calls").fetchall() == [(5,)]


@pytest.mark.parametrize("setting", ["enable_external_access", "lock_configuration"])
def test_the_lock_holds_without_the_gate(wire: Wire, setting):
    inside = wire.server._connection
    values = dict(inside.execute("SELECT name, value FROM duckdb_settings()").fetchall())
    assert values["enable_external_access"] == "false"
    assert values["lock_configuration"] == "true"
    with pytest.raises(duckdb.Error):
        inside.execute(f"RESET {setting}")
    for statement in (
        "FROM read_text('/etc/hostname')",
        "COPY calls TO '/tmp/e2vdb-refused.csv'",
        "ATTACH '/tmp/e2vdb-refused.duckdb'",
        "INSTALL spatial",
        "DELETE FROM published_1.main.calls",
    ):
        with pytest.raises(duckdb.Error):
            inside.execute(statement)


@pytest.mark.parametrize("token", ["wrong", "", "quack"])
def test_another_token_is_refused(wire: Wire, token):
    with pytest.raises(duckdb.Error):
        wire.client(token).execute("FROM r.calls")
