"""A file that `e2vdb publish` wrote, over the wire: the answers of the live database."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from serving import TOKEN, Wire, free_port

import e2vdb
from e2vdb.demo import write_demo
from e2vdb.serve.server import Server

PAIRS = {
    "SELECT agent, count(*), avg(negative::INT) FROM calls GROUP BY agent ORDER BY agent": None,
    "SELECT DISTINCT emotion_zh(emotion) AS zh FROM calls ORDER BY zh": None,
    "SELECT agent, calls, status FROM agent_health() ORDER BY agent": None,
    "SELECT max(at_local) FROM calls": 'SELECT max("at") FROM calls',
    "FROM agent_trend(bucket := 'month', agent := '赵磊')": None,
}


@pytest.fixture(scope="module")
def address(quack: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("served")
    write_demo(folder, calls=60)
    with e2vdb.connect(folder / "e2v.lancedb") as db:
        db.ingest(folder / "outputs", metadata=folder / "calls.csv", workers=1)
        db.publish(folder / "bi.duckdb")
    return folder / "e2v.lancedb"


@pytest.fixture(scope="module")
def published(address: Path) -> Iterator[Wire]:
    file, port = address.with_name("bi.duckdb"), free_port()
    server = Server(file, TOKEN, "127.0.0.1", port)
    wire = Wire(server, file, port)
    yield wire
    wire.close()
    server.close()


@pytest.mark.parametrize("question", PAIRS)
def test_answers_are_those_of_the_live_database(published: Wire, address: Path, question: str):
    with e2vdb.connect(address) as db:
        relation = db.sql(PAIRS[question] or question)
        assert relation is not None
        expected = relation.fetchall()
    assert expected
    answer = published.ask(question)
    assert answer == [
        tuple(
            pytest.approx(value, rel=1e-9) if isinstance(value, float) else value for value in row
        )
        for row in expected
    ]


def test_every_table_and_view_is_there_whole(published: Wire):
    with duckdb.connect(published.file, read_only=True) as here:
        names = here.execute("SELECT table_name FROM information_schema.tables").fetchall()
        assert len(names) > 20
        for (name,) in names:
            count = f'SELECT count(*) FROM "{name}"'
            assert published.ask(count) == here.execute(count).fetchall()
    assert sorted(published.ask("SHOW TABLES")) == sorted(names)


def test_meta_says_when_and_from_what(published: Wire):
    assert published.server.published()["store_version"] > 0
