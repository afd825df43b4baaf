"""Runs every `.test` file of this folder: queries with the rows they must give.

    database plain              which database: demo (unless said otherwise), plain or empty
    query                       then the query, a line of four dashes, and the expected rows
    SELECT 1, NULL, [1.5]       {demo} stands for the demo's folder
    ----
    1 | NULL | [1.5]

    error                       the same with a part of the error's text

Records end with an empty line; lines that begin with # are comments.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from demo_database import DemoDatabase, plain_database

import e2vdb

FILES = sorted(Path(__file__).parent.glob("*.test"))


@dataclass(frozen=True)
class Record:
    kind: str
    database: str
    query: str
    expected: list[str]


def records(file: Path) -> Iterator[Record]:
    database = "demo"
    for block in file.read_text("utf-8").split("\n\n"):
        lines = [line for line in block.splitlines() if line and not line.startswith("#")]
        if not lines:
            continue
        kind, _, name = lines[0].partition(" ")
        if kind == "database":
            database = name
            continue
        assert kind in ("query", "error"), f"{file.name}: {lines[0]}"
        dashes = lines.index("----")
        yield Record(kind, database, "\n".join(lines[1:dashes]), lines[dashes + 1 :])


def shown(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(shown, value))}]"
    return str(value)


@pytest.fixture(scope="module")
def databases(
    demo: DemoDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, e2vdb.Database]]:
    plain = plain_database(tmp_path_factory.mktemp("plain"))
    empty = tmp_path_factory.mktemp("empty")
    (empty / "nothing").mkdir()
    with (
        e2vdb.connect(demo.address) as one,
        e2vdb.connect(plain) as two,
        e2vdb.connect(empty / "empty.lancedb") as three,
    ):
        three.ingest(empty / "nothing", workers=1)
        yield {"demo": one, "plain": two, "empty": three}


CASES = [
    pytest.param(record, id=f"{file.stem}-{number}")
    for file in FILES
    for number, record in enumerate(records(file), start=1)
]


@pytest.mark.parametrize("record", CASES)
def test_rows(record: Record, databases: dict[str, e2vdb.Database], demo: DemoDatabase) -> None:
    query = record.query.replace("{demo}", str(demo.directory))
    db = databases[record.database]
    if record.kind == "error":
        with pytest.raises(duckdb.Error) as raised:
            db.sql(query).fetchall()
        for part in record.expected:
            assert part in str(raised.value)
        return
    rows = [" | ".join(map(shown, row)) for row in db.sql(query).fetchall()]
    assert rows == record.expected
