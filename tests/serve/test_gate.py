"""What the gate lets through, in whichever DuckDB is installed: it is SQL and needs no Quack."""

from collections.abc import Iterator
from importlib.resources import files

import duckdb
import pytest
from answered_queries import QUESTIONS
from hypothesis import given
from hypothesis import strategies as st
from refused_queries import REFUSED, filled

Gate = duckdb.DuckDBPyConnection


@pytest.fixture(scope="module")
def gate() -> Iterator[Gate]:
    with duckdb.connect() as connection:
        connection.execute("ATTACH ':memory:' AS gate")
        connection.execute("CREATE MACRO gate.main.published() AS ['calls_below']")
        connection.execute(files("e2vdb.serve").joinpath("gate.sql").read_text("utf-8"))
        yield connection


def permitted(gate: Gate, query: str) -> str | None:
    [[text]] = gate.execute("SELECT gate.main.permit('session', $1)", [query]).fetchall()
    return text


@pytest.mark.parametrize("query", REFUSED)
def test_what_does_more_than_read_becomes_an_error_or_nothing(gate: Gate, query: str):
    text = permitted(gate, filled(query, "/data", 9494))
    assert text is None or text.startswith("SELECT error('")


@pytest.mark.parametrize("query", QUESTIONS)
def test_a_question_is_run_as_it_is_written(gate: Gate, query: str):
    assert permitted(gate, query) == query


PARTS = [
    *("SELECT", "FROM", "WITH", "x AS", "(", ")", ",", ";", "*", "1", "calls", "AS", "'a'", '"'),
    *("--", "/*", "*/", "\n", "'", "$$", "INSERT INTO", "DELETE FROM", "ATTACH", "COPY", "TO"),
    *("CREATE TABLE", "read_text", "getenv", "query", "SET", "UNION", "WHERE", "EXPLAIN", "\0"),
]


@given(st.lists(st.sampled_from(PARTS), max_size=12).map(" ".join))
def test_what_is_let_through_is_one_select_for_duckdb_too(gate: Gate, query: str):
    text = permitted(gate, query)
    if text is not None:
        statements = gate.extract_statements(text)
        assert [one.type for one in statements] == [duckdb.StatementType.SELECT]
