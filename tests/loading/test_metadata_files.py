"""Metadata files of every kind, read with types that can be trusted."""

import gzip
import json
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import e2vdb
from e2vdb.errors import InputError
from e2vdb.loading.metadata_file import read_metadata_file

ROWS = [
    {"utterance_id": "a", "agent": "Li", "called_at": "2024-01-04 22:30:00", "score": 3},
    {"utterance_id": "b", "agent": "王芳", "called_at": "2024-01-05 08:00:00", "score": 4},
]
CSV = "utterance_id,agent,called_at,score\n" + "".join(
    ",".join(str(value) for value in row.values()) + "\n" for row in ROWS
)


def write_parquet(path: Path) -> None:
    pq.write_table(pa.Table.from_pylist(ROWS), path)


WRITERS = {
    "calls.csv": lambda path: path.write_text(CSV, "utf-8"),
    "calls.tsv": lambda path: path.write_text(CSV.replace(",", "\t"), "utf-8"),
    "semicolons.csv": lambda path: path.write_text(CSV.replace(",", ";"), "utf-8"),
    "bom.csv": lambda path: path.write_text(CSV, "utf-8-sig"),
    "gbk.csv": lambda path: path.write_text(CSV, "gbk"),
    "windows.csv": lambda path: path.write_bytes(CSV.replace("\n", "\r\n").encode()),
    "calls.csv.gz": lambda path: path.write_bytes(gzip.compress(CSV.encode())),
    "calls.json": lambda path: path.write_text(json.dumps(ROWS), "utf-8"),
    "calls.jsonl": lambda path: path.write_text("\n".join(map(json.dumps, ROWS)), "utf-8"),
    "calls.ndjson": lambda path: path.write_text("\n".join(map(json.dumps, ROWS)), "utf-8"),
    "calls.json.gz": lambda path: path.write_bytes(gzip.compress(json.dumps(ROWS).encode())),
    "calls.parquet": write_parquet,
    "CALLS.CSV": lambda path: path.write_text(CSV, "utf-8"),
    "it's 通话.csv": lambda path: path.write_text(CSV, "utf-8"),
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_kind_says_the_same(tmp_path: Path, name: str) -> None:
    WRITERS[name](tmp_path / name)
    rows = read_metadata_file(tmp_path / name)
    assert rows.schema.field("called_at").type == pa.timestamp("us")
    assert pa.types.is_integer(rows.schema.field("score").type)
    assert rows.to_pylist() == [
        {**row, "called_at": datetime.fromisoformat(row["called_at"])} for row in ROWS
    ]


def read(tmp_path: Path, text: str, name: str = "calls.csv") -> list[dict]:
    (tmp_path / name).write_text(text, "utf-8")
    return read_metadata_file(tmp_path / name).to_pylist()


def test_numbers_of_things_stay_text(tmp_path: Path) -> None:
    (row,) = read(
        tmp_path,
        "utterance_id,extension,phone,order,agent,count,share\n"
        "000123,007,+8613800000000,12345678901234567890,0042,12,0.5\n",
    )
    assert row == {
        "utterance_id": "000123",
        "extension": "007",
        "phone": "+8613800000000",
        "order": "12345678901234567890",
        "agent": "0042",
        "count": 12,
        "share": 0.5,
    }


def test_one_padded_value_makes_the_column_text(tmp_path: Path) -> None:
    lines = "".join(f"u{i},{i}\n" for i in range(1, 3000))
    rows = read(tmp_path, f"utterance_id,room\n{lines}last,0100\n")
    assert [rows[0]["room"], rows[-1]["room"]] == ["1", "0100"]


def test_our_names_are_known_in_any_case_and_others_kept(tmp_path: Path) -> None:
    (row,) = read(
        tmp_path,
        " Utterance_ID ,AGENT,Team ,Called_At,客户等级,Order No.,select\n"
        "a,x,y,2024-01-04 10:00,金,7,s\n",
    )
    assert row == {
        "utterance_id": "a",
        "agent": "x",
        "team": "y",
        "called_at": datetime(2024, 1, 4, 10),
        "客户等级": "金",
        "Order No_": 7,
        "select": "s",
    }


@pytest.mark.parametrize("name", ["calls.csv", "calls.json"])
@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2024-01-04 22:30:00", datetime(2024, 1, 4, 22, 30)),
        ("2024-01-04T22:30:00.250", datetime(2024, 1, 4, 22, 30, 0, 250_000)),
        ("2024/1/4 22:30", datetime(2024, 1, 4, 22, 30)),
        ("2024-01-04", datetime(2024, 1, 4)),
        ("2024-01-04T22:30:00+08:00", datetime(2024, 1, 4, 22, 30)),
        ("2024-01-04T22:30:00Z", datetime(2024, 1, 4, 22, 30)),
        ("", None),
        ("  ", None),
    ],
)
def test_times_are_the_clock_on_the_wall(
    tmp_path: Path, name: str, written: str, meant: datetime | None
) -> None:
    text = f"utterance_id,called_at\na,{written}\n"
    if name.endswith("json"):
        text = json.dumps([{"utterance_id": "a", "called_at": written}])
    assert read(tmp_path, text, name) == [{"utterance_id": "a", "called_at": meant}]


@pytest.mark.parametrize("wrong", ["yesterday", "1704378600", "2024-13-01 10:00", "04.01.2024 9h"])
@pytest.mark.parametrize("name", ["calls.csv", "calls.json"])
def test_a_time_that_is_none_is_named(tmp_path: Path, name: str, wrong: str) -> None:
    good = "2024-01-04 22:30:00"
    text = f"utterance_id,Called_At\na,{good}\nb,{wrong}\n"
    if name.endswith("json"):
        rows = [{"utterance_id": "a", "Called_At": good}, {"utterance_id": "b", "Called_At": wrong}]
        text = json.dumps(rows)
    with pytest.raises(InputError, match=wrong.replace(".", r"\.")) as caught:
        read(tmp_path, text, name)
    assert "Called_At" in str(caught.value)
    assert str(tmp_path / name) in str(caught.value)


def test_a_wrong_time_is_found_before_any_directory_is_read(tmp_path: Path) -> None:
    (tmp_path / "outputs").mkdir()
    (tmp_path / "calls.csv").write_text("utterance_id,called_at\na,soon\n")
    with e2vdb.connect(tmp_path / "db") as db, pytest.raises(InputError, match="soon"):
        db.ingest(tmp_path / "outputs", metadata=tmp_path / "calls.csv")
    assert not (tmp_path / "db").exists()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("calls.csv", b"name,agent\na,b\n", "utterance_id or output_dir"),
        ("calls.csv", b"utterance_id,No.,No_\na,b,c\n", "twice"),
        ("calls.xlsx", b"PK", ".csv"),
        ("calls", b"utterance_id\n", ".csv"),
        ("calls.parquet", b"not parquet", "calls.parquet"),
        ("calls.json", b"{", "calls.json"),
        ("calls.csv", b"\xff\xfe\x00\x01", "calls.csv"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(
    tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=words) as caught:
        read_metadata_file(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.csv"):
        read_metadata_file(tmp_path / "nowhere.csv")


KINDS = {
    "small": "7::TINYINT",
    "flag": "true",
    "price": "12.50::DECIMAL(10,2)",
    "day": "DATE '2024-01-04'",
    "moment": "TIMESTAMP '2024-01-04 10:00:00'",
    "instant": "TIMESTAMPTZ '2024-01-04 10:00:00+00'",
    "clock": "TIME '10:30:00'",
    "tags": "['x', 'y']",
    "nested": "{'a': 1, 'b': ['z']}",
    "map": "MAP {'k': 1}",
    "bytes": "'ab'::BLOB",
    "uuid": "'6ec7c2a4-1234-4321-8888-aaaaaaaaaaaa'::UUID",
    "long": "INTERVAL 3 HOUR",
    "choice": "'red'::ENUM('red', 'blue')",
    "vector": "[1.0, 2.0]::FLOAT[2]",
    "nan": "'nan'::DOUBLE",
}
AS_TEXT = {"uuid", "long", "choice"}


def test_every_type_is_kept_through_storage_and_settles(tmp_path: Path) -> None:
    file = tmp_path / "calls.parquet"
    columns = ", ".join(f"{value} AS {name}" for name, value in KINDS.items())
    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT 'a' AS utterance_id, {columns}) TO '{file}'")
        native = connection.sql(f"FROM '{file}'")
        expected = dict(zip(native.columns, map(str, native.types), strict=True))
    with e2vdb.connect(tmp_path / "db") as db:
        assert db.load_metadata(file).changed
        relation = db.sql("FROM metadata")
        found = dict(zip(relation.columns, map(str, relation.types), strict=True))
        for name in KINDS:
            assert found[name] == ("VARCHAR" if name in AS_TEXT else expected[name]), name
        assert not db.load_metadata(file).changed
