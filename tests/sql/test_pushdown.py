"""Filters pushed into Lance answer as DuckDB does on the same rows in a table of its own."""

from collections.abc import Iterator

import duckdb
import pytest
from demo_database import DemoDatabase

import e2vdb

RELATIONS = ("calls", "utterances", "frames", "metadata", "rejects")

CALLS = """
emotion = 'angry'
emotion <> 'angry'
emotion IS NULL
emotion IS NOT NULL
emotion IN ('sad', 'happy', NULL)
emotion NOT IN ('sad', 'happy')
emotion IS DISTINCT FROM 'neutral'
emotion LIKE 'a%'
emotion ILIKE '%A%' AND confidence > 0.5
emotion > 'm'
emotion BETWEEN 'b' AND 'n'
NOT negative
negative IS NULL
negative AND team = '华北组'
agent = '赵磊'
agent IS NULL
agent LIKE 'agent%' OR product = '宽带'
starts_with(agent, '张') AND angry > 0.1
product IN ('宽带', '云存储')
confidence > 0.9
confidence >= 0.5 AND confidence < 0.6
confidence = angry
angry + sad > 0.5
norm BETWEEN 19 AND 20
norm IS NULL
norm <> 20
isnan(norm)
n_frames > 1500
n_frames IS NULL
n_frames IN (1503, 1954)
sample_rate = 16000
duration_s < 31.5
duration_s IS NOT NULL AND duration_s <> 30
recorded_at < TIMESTAMP '2024-02-01'
recorded_at BETWEEN '2024-03-01' AND '2024-03-31 23:59:59'
recorded_at = '2024-01-04 09:47:05'
recorded_at IS NULL
recognized_at - recorded_at > INTERVAL 5 SECOND
"at" >= '2024-06-01' AND "at" < '2024-06-08'
"at"::DATE = '2024-06-03'
date_trunc('month', "at") = DATE '2024-05-01'
hour("at") BETWEEN 9 AND 11
called_at > recorded_at
called_at IS NULL
ingested_at > now() - INTERVAL 1 DAY
ingested_at < TIMESTAMPTZ '2020-01-01 00:00:00+08'
warnings = []
len(warnings) > 0
warnings IS NULL
list_contains(warnings, 'duplicate')
'duplicate' IN warnings OR 'norm_outlier' IN warnings
warnings <> ['duplicate']
utterance_id LIKE 'odd/%'
utterance_id = 'outputs_20240104_094705'
utterance_id IN (SELECT utterance_id FROM rejects)
content_hash < '8'
emotion = 'angry' AND agent IS NOT NULL AND norm > 18 AND "at" > '2024-03-01'
emotion = 'angry' OR agent IS NULL
(emotion = 'sad' OR emotion = 'angry') AND NOT (confidence < 0.4)
false
true
NULL
emotion = 'it''s "quoted"'
customer LIKE '%女士%'
length(customer) > 12
team IS NOT DISTINCT FROM NULL
"""
VECTORS = """
embedding IS NOT NULL
embedding IS NULL
distilled IS NOT NULL AND emotion = 'sad'
distilled IS NULL
embedding[1] > 0
distilled[1] > 0 AND norm < 20
array_cosine_similarity(embedding, embedding) > 0.99
result IS NULL
result->>'emotion' = 'angry'
emotion = 'distilled' OR norm > 22
warnings = ['no_embedding'] AND embedding IS NULL
"""
FRAMES = """
frame_index < 10
frame_index = 100 AND distance > 0.02
frame_index % 500 = 0
start_s BETWEEN 1 AND 1.1
distance > 0.3
emotion IS NULL AND frame_index = 3
embedding IS NOT NULL AND frame_index = 3
distilled[1] > 0 AND frame_index < 20
utterance_id LIKE 'odd/%' AND frame_index > 97
angry IS NOT NULL
"""
OTHERS = """
metadata | agent = '赵磊' AND called_at < '2024-03-01'
metadata | output_dir IS NULL
metadata | utterance_id IN ('outputs_20240104_094705', 'x')
rejects | code IN ('all_zero', 'bad_json')
rejects | detail LIKE '%never%'
rejects | seen_at > TIMESTAMPTZ '2020-01-01'
rejects | seen_at IS NULL
"""
QUESTIONS = """
SELECT count(*) FROM calls;
SELECT count(*) FROM frames;
SELECT count(*), count(emotion), count(distilled) FROM utterances;
SELECT DISTINCT emotion FROM calls;
SELECT emotion, count(*), round(avg(norm), 3) FROM calls GROUP BY ALL HAVING count(*) > 10;
SELECT c.agent, count(*) FROM calls c JOIN frames f USING (utterance_id) WHERE
    f.distance > 0.2 GROUP BY ALL;
SELECT count(*) FROM calls a JOIN calls b ON a.agent = b.agent AND a.utterance_id <
    b.utterance_id;
SELECT c.utterance_id FROM calls c ANTI JOIN metadata m USING (utterance_id);
SELECT m.agent, u.emotion FROM metadata m LEFT JOIN utterances u ON u.utterance_id =
    m.utterance_id AND u.emotion = 'sad';
WITH a AS (SELECT * FROM calls WHERE emotion = 'angry'), b AS (SELECT agent, count(*) AS
    n FROM a GROUP BY ALL) SELECT a.utterance_id, n FROM a JOIN b USING (agent) WHERE n > 3;
WITH a AS MATERIALIZED (FROM calls) SELECT (SELECT count(*) FROM a WHERE negative),
    (SELECT count(*) FROM a);
SELECT agent, utterance_id, row_number() OVER (PARTITION BY agent ORDER BY "at",
    utterance_id) AS n FROM calls QUALIFY n <= 2;
SELECT utterance_id, lag(emotion) OVER (ORDER BY utterance_id) FROM calls;
SELECT utterance_id, "at" FROM calls ORDER BY "at" DESC NULLS LAST, utterance_id LIMIT 7
    OFFSET 3;
SELECT * FROM calls UNION ALL SELECT * FROM calls WHERE negative;
SELECT agent FROM calls EXCEPT SELECT agent FROM metadata WHERE team = 'online';
SELECT utterance_id FROM utterances u WHERE EXISTS (FROM frames f WHERE f.utterance_id =
    u.utterance_id AND f.distance > 0.3);
SELECT utterance_id, (SELECT max(distance) FROM frames f WHERE f.utterance_id =
    c.utterance_id) FROM calls c;
SELECT list_transform(warnings, lambda w: upper(w)) FROM calls WHERE len(warnings) > 0;
SELECT unnest(warnings), emotion FROM calls;
SELECT utterance_id, distilled[1:3] FROM utterances WHERE emotion = 'sad';
SELECT agent, list(emotion ORDER BY utterance_id) FROM calls GROUP BY agent;
PIVOT (SELECT team, emotion FROM calls) ON emotion USING count(*) GROUP BY team;
SELECT min(embedding[5]), max(embedding[1024]) FROM frames;
SUMMARIZE SELECT emotion, agent FROM calls;
"""


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line]


STATEMENTS = [
    *(one.strip() for one in QUESTIONS.split(";") if one.strip()),
    *(f"SELECT * FROM calls WHERE {one}" for one in lines(CALLS)),
    *(f"SELECT utterance_id FROM calls WHERE {one}" for one in lines(CALLS)),
    *(f"SELECT count(*) FROM utterances WHERE {one}" for one in lines(VECTORS)),
    *(f"SELECT utterance_id, distilled FROM utterances WHERE {one}" for one in lines(VECTORS)),
    *(f"SELECT * EXCLUDE embedding FROM frames WHERE {one}" for one in lines(FRAMES)),
    *("SELECT * FROM {} WHERE {}".format(*one.split(" | ")) for one in lines(OTHERS)),
]


@pytest.fixture(scope="module")
def database(demo: DemoDatabase) -> Iterator[e2vdb.Database]:
    with e2vdb.connect(demo.address) as db:
        yield db


@pytest.fixture(scope="module")
def native(database: e2vdb.Database) -> Iterator[duckdb.DuckDBPyConnection]:
    """The same rows in tables of DuckDB's own."""
    with duckdb.connect() as connection:
        for name in RELATIONS:
            rows = database.sql(f"FROM {name}").to_arrow_table()
            connection.register("rows", rows)
            connection.execute(f"CREATE TABLE {name} AS FROM rows")
            connection.unregister("rows")
        connection.execute("ALTER TABLE utterances ALTER result TYPE JSON")
        yield connection


def rows_of(relation: duckdb.DuckDBPyRelation) -> list[str]:
    return sorted(map(repr, relation.fetchall()))


@pytest.mark.parametrize("statement", STATEMENTS)
def test_same_rows(
    database: e2vdb.Database, native: duckdb.DuckDBPyConnection, statement: str
) -> None:
    assert rows_of(database.sql(statement)) == rows_of(native.sql(statement))


def test_the_filters_select_something(database: e2vdb.Database) -> None:
    """Most of the clauses above choose some rows and not all, or they would test nothing."""
    counts = [
        len(database.sql(f"SELECT 1 FROM calls WHERE {one}").fetchall()) for one in lines(CALLS)
    ]
    assert sum(0 < count < 320 for count in counts) > 0.8 * len(counts)


PARAMETERS = [
    ("SELECT utterance_id FROM calls WHERE emotion = $e AND norm > $n", {"e": "sad", "n": 19.5}),
    ('SELECT utterance_id FROM calls WHERE "at" > $t::TIMESTAMP', {"t": "2024-06-01"}),
    ("SELECT utterance_id FROM calls WHERE agent = ? OR n_frames = ?", ["赵磊", 1503]),
    ("SELECT utterance_id FROM calls WHERE agent IN (SELECT unnest($a))", {"a": ["赵磊", "李娜"]}),
    ("SELECT count(*) FROM calls WHERE $x IS NULL", {"x": None}),
]


@pytest.mark.parametrize(("statement", "values"), PARAMETERS)
def test_parameters(
    database: e2vdb.Database, native: duckdb.DuckDBPyConnection, statement: str, values: object
) -> None:
    expected = rows_of(native.sql(statement, params=values))
    assert expected
    assert rows_of(database.sql(statement, values)) == expected


def test_prepared_in_sql(database: e2vdb.Database, native: duckdb.DuckDBPyConnection) -> None:
    connection = database.connection()
    for one in (connection, native):
        one.execute("PREPARE by_emotion AS SELECT utterance_id FROM calls WHERE emotion = $1")
    for emotion in ("sad", "happy", "none"):
        execute = f"EXECUTE by_emotion('{emotion}')"
        found = sorted(connection.execute(execute).fetchall())
        assert found == sorted(native.execute(execute).fetchall())
