"""What may be asked over the wire is answered as DuckDB answers it on the file itself."""

import duckdb
import pytest
from answered_queries import QUESTIONS
from serving import Wire


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
