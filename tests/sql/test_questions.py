"""Every example question of `sql/` opens with what it answers and runs on any database.

That each finds rows is tested in tests/analysis, on calls with events, clusters and a head.
"""

import pytest
from demo_database import DemoDatabase

import e2vdb
from e2vdb.query.definitions import QUESTION, definitions, questions, read_sql


@pytest.mark.parametrize("name", questions())
def test_question(demo: DemoDatabase, name: str) -> None:
    text = read_sql(name)
    assert text.splitlines()[0].startswith("-- ")
    assert text.splitlines()[0].endswith("?")
    with e2vdb.connect(demo.address) as db:
        assert db.sql(text).columns
        db.sql(text).fetchall()


def test_definitions_open_with_a_comment_too() -> None:
    assert questions()
    for name in definitions():
        assert not name.startswith(QUESTION)
        assert read_sql(name).startswith("-- "), name
