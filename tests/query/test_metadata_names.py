"""Metadata columns that are called like ours keep their values under another name."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from demo_database import plain_database

import e2vdb

CLASHING = {
    "emotion": "their emotion",
    "Norm": 7,
    "at": "noon",
    "negative": False,
    "result": "closed",
    "embedding": "short",
    "distilled": "spirit",
    "metadata_norm": "also mine",
    "Region": "north",
    "select": "reserved",
    'odd "name"': "quoted",
    "中文": "好",
}


@pytest.fixture
def database(tmp_path: Path):
    with e2vdb.connect(plain_database(tmp_path)) as db:
        row = {"utterance_id": "no_time", **CLASHING}
        pq.write_table(pa.Table.from_pylist([row]), tmp_path / "clash.parquet")
        db.load_metadata(tmp_path / "clash.parquet")
        yield db


def test_ours_keep_their_meaning_and_theirs_their_values(database: e2vdb.Database) -> None:
    answer = database.sql("FROM calls WHERE utterance_id = 'no_time'")
    row = dict(zip(answer.columns, answer.fetchall()[0], strict=True))
    assert row["emotion"] is None
    assert row["at"] is None
    assert row["negative"] is None
    assert 19 < row["norm"] < 21
    for name in ("emotion", "at", "negative", "result", "embedding", "distilled"):
        assert row[f"metadata_{name}"] == CLASHING[name]
    assert row["metadata_norm"] == "also mine"
    assert row["metadata_metadata_Norm"] == 7
    for name in ("Region", "select", 'odd "name"', "中文"):
        assert row[name] == CLASHING[name]


def test_metadata_itself_has_the_names_of_the_file(database: e2vdb.Database) -> None:
    names = database.sql("FROM metadata").columns
    assert set(CLASHING) <= set(names)
    assert database.sql("SELECT region FROM calls WHERE region = 'north'").fetchall() == [
        ("north",)
    ]


def test_types_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "types.csv"
    file.write_text(
        "output_dir,called_at,seconds,paid,day,extension\n"
        "no_time,2024-03-01 08:30:00,12,true,2024-03-01,007\n"
        "outputs_20240104_223000,,13,false,2024-03-02,012\n",
        encoding="utf-8",
    )
    with e2vdb.connect(plain_database(tmp_path)) as db:
        db.load_metadata(file)
        kinds = dict(db.sql("SELECT column_name, column_type FROM (DESCRIBE calls)").fetchall())
        assert kinds["seconds"] in ("BIGINT", "INTEGER")
        assert (kinds["paid"], kinds["day"], kinds["called_at"], kinds["extension"]) == (
            "BOOLEAN",
            "DATE",
            "TIMESTAMP",
            "VARCHAR",
        )
        times = db.sql('SELECT "at"::VARCHAR FROM calls ORDER BY "at"').fetchall()
        assert times == [("2024-01-04 22:30:00",), ("2024-03-01 08:30:00",)]
        assert db.sql("SELECT seconds FROM calls WHERE extension = '007'").fetchall() == [(12,)]
