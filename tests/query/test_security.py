"""Nothing in SQL changes what is stored, writes a file, or reads one (but e2v_load, .npy)."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from build import write_json
from demo_database import plain_database

import e2vdb

REFUSED = """
COPY calls TO '{there}/x.csv'
COPY (SELECT 1) TO '{there}/x.parquet' (FORMAT parquet)
COPY (SELECT 1) TO '{db}/x.parquet' (FORMAT parquet)
ATTACH '{there}/x.duckdb' AS x
ATTACH '{db}/utterances.lance' AS x
INSTALL httpfs
FORCE INSTALL spatial
LOAD httpfs
LOAD '{there}/x.duckdb_extension'
UPDATE EXTENSIONS
EXPORT DATABASE '{there}/export'
IMPORT DATABASE '{there}/export'
PREPARE w AS COPY (SELECT 1) TO '{there}/z.csv'; EXECUTE w
EXPLAIN ANALYZE COPY (SELECT 1) TO '{there}/z.csv'
FROM query('COPY (SELECT 1) TO ''{there}/q.csv''')
SET enable_external_access = true
SET GLOBAL enable_external_access = true
SET lock_configuration = false
RESET lock_configuration
SET temp_directory = '{there}/t'
SET allowed_directories = ['/']
SET allowed_paths = ['/etc/passwd']
SET allowed_configs = ['temp_directory']
RESET allowed_configs
SET profiling_output = '{there}/p'
SET SESSION profiling_output = '{there}/p'
SET profile_output = '{there}/p'
PRAGMA profiling_output = '{there}/p'
PRAGMA enable_profiling = 'json'
SET log_query_path = '{there}/l'
SET logging_storage = 'file'
SET home_directory = '{there}'
SET secret_directory = '{there}/s'
SET extension_directory = '{there}/e'
SET custom_extension_repository = '{there}'
CALL enable_logging(storage = 'file', storage_path = '{there}/log')
CALL enable_logging('QueryLog', storage = 'file', storage_path = '{there}/log')
FROM read_csv('{secret}')
FROM read_text('{secret}')
FROM read_blob('{secret}')
FROM read_json('{secret}')
FROM read_ndjson_objects('{secret}')
FROM sniff_csv('{secret}')
FROM glob('{there}/*')
FROM '{secret}'
FROM '{there}/*.json'
FROM query_table('{secret}')
FROM parquet_metadata('{there}/x.parquet')
FROM read_parquet('{db}/utterances.lance/data/*.lance')
FROM read_csv('/dev/stdin')
FROM read_csv('/etc/passwd')
FROM 'http://127.0.0.1:9/x.csv'
FROM read_csv('https://127.0.0.1:9/x.csv')
FROM read_parquet('s3://bucket/x.parquet')
SELECT getenv('HOME')
CREATE MACRO f() AS TABLE FROM read_text('{secret}')
CREATE VIEW v AS FROM read_text('{secret}')
CREATE TABLE v AS FROM read_text('{secret}')
CREATE PERSISTENT SECRET s (TYPE http, BEARER_TOKEN 'x')
CREATE PERSISTENT SECRET s (TYPE s3, KEY_ID 'a', SECRET 'b')
INSERT INTO utterances (utterance_id) VALUES ('x')
INSERT INTO calls (utterance_id) VALUES ('x')
INSERT INTO frames (utterance_id) VALUES ('x')
INSERT INTO metadata (utterance_id) VALUES ('x')
UPDATE calls SET emotion = 'sad'
UPDATE utterances SET emotion = 'sad'
UPDATE frames SET distance = 0
UPDATE settings SET value = 0
DELETE FROM calls
DELETE FROM utterances
DELETE FROM frames
DELETE FROM rejects
TRUNCATE metadata
TRUNCATE distillers
DROP TABLE utterances
DROP TABLE frames
DROP TABLE _utterances
DROP SCHEMA main CASCADE
ALTER TABLE frames ADD COLUMN x INTEGER
MERGE INTO frames USING (SELECT 1) s ON false WHEN NOT MATCHED THEN INSERT VALUES (1)
SELECT e2v_load('{secret}')
SELECT e2v_load('/etc/passwd')
"""

OWN_SESSION_ONLY = """
DROP VIEW calls
DROP VIEW IF EXISTS frames
DROP VIEW _utterances
CREATE OR REPLACE VIEW frames AS SELECT 1 AS x
ALTER VIEW utterances RENAME TO x
CREATE TEMP TABLE mine AS FROM frames
CREATE OR REPLACE MACRO emotion_zh(x) AS 'nothing'
CREATE TABLE mine AS FROM calls
ATTACH ':memory:' AS m
CHECKPOINT
VACUUM
"""


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line]


def fingerprint(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home with a database and a file that nobody may read through SQL."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder))
        patch.chdir(folder)
        write_json(folder / "secret.json", {"secret": "opensesame"})
        plain_database(folder)
        yield folder


def filled(statement: str, home: Path) -> str:
    names = {"there": home, "db": home / "plain.lancedb", "secret": home / "secret.json"}
    for name, path in names.items():
        statement = statement.replace(f"{{{name}}}", str(path))
    return statement


@pytest.mark.parametrize("how", ["sql", "connection"])
@pytest.mark.parametrize("statement", lines(REFUSED))
def test_refused(home: Path, statement: str, how: str) -> None:
    before = fingerprint(home)
    with e2vdb.connect(home / "plain.lancedb") as db:
        ask = db.sql if how == "sql" else db.connection().sql
        with pytest.raises(duckdb.Error) as raised:
            answer = ask(filled(statement, home))
            answer.fetchall() if answer is not None else None
        assert "opensesame" not in str(raised.value)
    assert fingerprint(home) == before


@pytest.mark.parametrize("statement", lines(OWN_SESSION_ONLY))
def test_what_a_session_does_to_itself_stays_there(home: Path, statement: str) -> None:
    before = fingerprint(home)
    with e2vdb.connect(home / "plain.lancedb") as db:
        connection = db.connection()
        connection.execute(statement)
        assert db.sql("SELECT count(*), max(emotion_zh('sad')) FROM calls").fetchall() == [
            (2, "难过")
        ]
        assert db.sql("SELECT count(*) FROM frames").fetchall() == [(0,)]
    assert fingerprint(home) == before


def test_harmless_settings_can_be_set(home: Path) -> None:
    with e2vdb.connect(home / "plain.lancedb") as db:
        db.sql("SET TimeZone = 'Asia/Shanghai'")
        assert db.sql("SELECT current_setting('TimeZone')").fetchall() == [("Asia/Shanghai",)]
        db.sql("SET threads = 2")
        db.sql("SET memory_limit = '1GB'")


def test_python_variables_are_no_tables(home: Path) -> None:
    import pandas as pd

    hidden = pd.DataFrame({"secret": ["opensesame"]})
    with e2vdb.connect(home / "plain.lancedb") as db:
        with pytest.raises(duckdb.Error, match="locked"):
            db.sql("SET python_enable_replacements = true")
        for ask in (db.sql, db.connection().sql):
            with pytest.raises(duckdb.Error, match="does not exist"):
                ask("FROM hidden").fetchall()
    assert len(hidden) == 1
