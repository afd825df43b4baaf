"""Every client reads the published file and answers as `e2vdb sql` does on the live database."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from asking import NAMES, LineClient, installed, start
from questions import QUESTIONS

import e2vdb


@pytest.fixture(scope="module", params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    if not installed(request.param):
        pytest.skip(f"{request.param} is not installed; `make test-bi` does it")
    return str(request.param)


@pytest.fixture(scope="module")
def client(name, bi) -> Iterator[LineClient]:
    client = start(name, bi.file)
    yield client
    client.close()


@pytest.mark.parametrize("question", QUESTIONS)
def test_answers_are_those_of_the_live_database(client, bi, question):
    expected = bi.live(QUESTIONS[question].live)
    assert len(expected) > 1
    same(client.rows(QUESTIONS[question].published), expected)


def test_every_table_and_view_is_read_whole(client, bi):
    with duckdb.connect(bi.file, read_only=True) as here:
        names = here.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'main'"
        ).fetchall()
        assert len(names) > 20
        for (table,) in names:
            rows = f'SELECT count(*), count(DISTINCT columns::VARCHAR) FROM "{table}" AS columns'
            same(client.rows(rows), here.execute(rows).fetchall())


def test_comments_are_seen(client):
    uncommented = client.rows(
        "SELECT table_name FROM duckdb_tables() WHERE NOT internal AND comment IS NULL"
    )
    assert uncommented == []


def test_reading_and_publishing_do_not_wait_for_each_other(name, bi, tmp_path: Path):
    address = Path(shutil.copytree(bi.address, tmp_path / "e2v.lancedb"))
    file = Path(shutil.copy(bi.file, tmp_path / "bi.duckdb"))
    count = "SELECT count(*) FROM calls"
    client = start(name, file)
    before = client.rows(count)
    with e2vdb.connect(address) as db:
        db.publish(file, since="2024-04-01")
    assert client.rows(count) == before
    assert client.rows("SELECT count(*) FROM (FROM calls ORDER BY norm)") == before
    client.reopen()
    [[after]] = client.rows(count)
    assert 0 < after < before[0][0]
    client.close()


def same(answer: list[Any], expected: list[Any]) -> None:
    assert len(answer) == len(expected)
    for row, other in zip(answer, expected, strict=True):
        assert list(row) == [
            pytest.approx(value, rel=1e-9) if isinstance(value, float) else value for value in other
        ]


def test_names_sort_by_their_bytes_in_every_client(name, client):
    if name == "duckdb-1.1.3":
        # It packs short names into signed numbers before it sorts; docs/bi.md says what to set.
        client.rows("SET disabled_optimizers = 'compressed_materialization'")
    rows = client.rows("SELECT DISTINCT agent FROM calls WHERE agent IS NOT NULL ORDER BY agent")
    names = [agent for (agent,) in rows]
    assert {"赵磊", "agent_10"} <= set(names)
    assert names == sorted(names, key=str.encode)
