"""What the gate lets through, in whichever DuckDB is installed: it is SQL and needs no Quack."""

import random
from collections.abc import Iterator
from importlib.resources import files

import duckdb
import pytest
from answered_queries import QUESTIONS
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


def test_what_is_let_through_is_one_select_for_duckdb_too(gate: Gate):
    chance = random.Random(0)
    through = 0
    for _ in range(400):
        begin = chance.choice(["", "SELECT 1", "FROM calls"])
        query = " ".join([begin, *chance.choices(PARTS, k=chance.randrange(8))])
        text = permitted(gate, query)
        if text is not None:
            through += text == query
            kinds = [str(one.type) for one in gate.extract_statements(text)]
            assert kinds == ["StatementType.SELECT"], query
    assert through > 5
