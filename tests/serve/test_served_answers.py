"""What may be asked over the wire is answered as DuckDB answers it on the file itself."""

import duckdb
import pytest
from serving import Wire

QUESTIONS = [
    "SELECT agent, count(*), avg(call) FROM calls GROUP BY ALL",
    "FROM calls ORDER BY call DESC LIMIT 2",
    "FROM first_calls",
    "SELECT emotion_zh('angry'), '坐席' || agent FROM calls LIMIT 1",
    "FROM calls_below()",
    "FROM Calls_Below(n := 3)",
    "WITH few AS (FROM calls WHERE call < 3) SELECT sum(call) OVER (ORDER BY call) FROM few",
    "SELECT unnest([1, 2]), x FROM generate_series(1, 2) t(x)",
    "VALUES (1, 'a'), (2, 'b')",
    "SELECT list_transform([1, 2], lambda x: x + 1)",
    "SELECT count(*) FROM calls JOIN meta ON true;",
    "SELECT 'read_csv(''/etc/passwd'') -- ; ATTACH' AS text",
    "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'calls' "
    "AND table_catalog = current_database() ORDER BY ordinal_position",
    "SHOW TABLES",
    "DESCRIBE calls",
    "SUMMARIZE calls",
]


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_answer_is_that_of_the_file(wire: Wire, question):
    with duckdb.connect(wire.file, read_only=True) as there:
        expected = there.execute(question).fetchall()
    assert wire.ask(question) == expected


def test_tables_are_read_by_name_with_filters_and_joins(wire: Wire):
    client = wire.client()
    assert client.execute("SELECT call FROM r.calls WHERE call = 3").fetchall() == [(3,)]
    assert client.execute("SELECT agent FROM r.first_calls").fetchall() == [("王芳",)] * 2


def test_comments_travel(wire: Wire):
    assert wire.ask(
        "SELECT comment FROM duckdb_views() WHERE view_name = 'calls' AND comment IS NOT NULL"
    ) == [("one row a call",)]
    assert wire.ask(
        "SELECT DISTINCT comment FROM duckdb_columns() "
        "WHERE table_name = 'calls' AND column_name = 'agent'"
    ) == [("坐席's name",)]


def test_a_mistake_is_told_as_duckdb_tells_it(wire: Wire):
    with pytest.raises(duckdb.Error, match="syntax error at or near"):
        wire.ask("SELEC 1")
    with pytest.raises(duckdb.Error, match="nowhere does not exist"):
        wire.ask("FROM nowhere")
