"""The column `at` may be written bare; nothing else in a query is touched."""

import duckdb
import pytest
from demo_database import DemoDatabase

import e2vdb
from e2vdb.query.statement import quote_at

BARE = {
    "SELECT at FROM calls": 320,
    "SELECT AT, emotion FROM calls": 320,
    "SELECT calls.at FROM calls": 320,
    "SELECT c.at::DATE AS day FROM calls c": 320,
    "SELECT max(at) FROM calls": 1,
    "SELECT date_trunc('week', at) AS week, count(*) FROM calls GROUP BY week": 27,
    "FROM calls WHERE at IS NOT NULL": 318,
    "FROM calls WHERE at BETWEEN '2024-01-01' AND '2024-12-31'": 318,
    "FROM calls WHERE (at) > '2024-01-01' AND NOT at IS NULL": 318,
    "FROM calls ORDER BY at": 320,
    "SELECT emotion FROM calls ORDER BY at DESC NULLS LAST, emotion": 320,
    "SELECT at AS time FROM calls LIMIT 3": 3,
    "SELECT emotion AS at FROM calls LIMIT 3": 3,
    "SELECT lag(at) OVER (PARTITION BY agent ORDER BY at) FROM calls": 320,
    "SELECT * EXCLUDE (at) FROM calls": 320,
    "SELECT count(*) FILTER (WHERE at > '2024-02-01') FROM calls": 1,
    "WITH t AS (FROM calls) SELECT at FROM t JOIN calls USING (at) ORDER BY at LIMIT 1": 1,
    "SELECT a.at FROM calls a JOIN calls b ON a.at = b.at AND a.utterance_id = b.utterance_id": 318,
    "SELECT list(at ORDER BY at) FROM calls GROUP BY emotion": 10,
    "SELECT {'at': at} FROM calls LIMIT 1": 1,
    "SELECT\n  at -- the time at which\nFROM calls /* at */ WHERE at\n<\n'2024-02-01'": None,
    "SELECT at, 'at' AS t, \"at\" FROM calls WHERE emotion <> 'at'": 318,
}


@pytest.fixture(scope="module")
def database(demo: DemoDatabase):
    with e2vdb.connect(demo.address) as db:
        yield db


@pytest.mark.parametrize("query", BARE)
def test_bare(database: e2vdb.Database, query: str) -> None:
    rows = database.sql(query).fetchall()
    assert len(rows) == (BARE[query] or len(rows)) > 0
    quoted = database.sql(quote_at(query)).fetchall()
    assert sorted(map(repr, rows)) == sorted(map(repr, quoted))


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ("SELECT 'at', 'look at this'", ("at", "look at this")),
        ('SELECT 1 AS "at" -- at', (1,)),
        ("SELECT 1 /* at */ AS x", (1,)),
        ("SELECT $$ at $$", (" at ",)),
        ("SELECT 'it''s at'", ("it's at",)),
        ("SELECT TIMESTAMP '2024-01-01' AT TIME ZONE 'UTC' IS NOT NULL", (True,)),
    ],
)
def test_untouched(database: e2vdb.Database, query: str, answer: tuple) -> None:
    assert database.sql(query).fetchall() == [answer]


@pytest.mark.parametrize(
    "text",
    ["SELECT 'at', \"at\" FROM calls", "SELECT 1 -- at", "SELECT 1 /* at */", "SELECT $$at$$"],
)
def test_quotes_comments_and_strings_are_no_words(text: str) -> None:
    assert quote_at(text) == text


def test_time_travel_is_left_to_duckdb(database: e2vdb.Database) -> None:
    with pytest.raises(duckdb.Error) as raised:
        database.sql("FROM calls AT (VERSION => 3)").fetchall()
    assert '"at"' not in str(raised.value).lower().replace("at (version", "")


def test_an_error_is_that_of_what_was_written(database: e2vdb.Database) -> None:
    with pytest.raises(duckdb.ParserException, match="SELEC"):
        database.sql("SELEC at FROM calls")


def test_parameters_and_at(database: e2vdb.Database) -> None:
    rows = database.sql("SELECT at FROM calls WHERE at > $t::TIMESTAMP", {"t": "2024-06-28"})
    assert rows.fetchall()
