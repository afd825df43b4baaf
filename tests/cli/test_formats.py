"""Answers in every format, read back with libraries that did not write them."""

import csv
import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from running import e2vdb

QUERY = """
SELECT utterance_id, agent, c.warnings, c.n_frames, negative, "at", distilled, 'a|b, "c"' AS odd,
    [1, NULL, 3] AS list, NULL AS nothing, emotion_zh(c.emotion) AS 情绪
FROM calls c JOIN utterances u USING (utterance_id)
WHERE utterance_id IN ('outputs_20240104_094705', 'odd/outputs_20240116_073000')
ORDER BY utterance_id
"""


@pytest.fixture
def ask(demo, tmp_path: Path):
    def ask(kind: str, *, to_file: bool = False) -> bytes:
        file = tmp_path / f"answer.{kind}"
        where = ["--output", str(file)] if to_file else ["--format", kind]
        done = e2vdb("--db", demo.address, "sql", QUERY, *where)
        assert (done.code, done.err) == (0, "")
        assert bool(done.raw) != to_file
        return file.read_bytes() if to_file else done.raw

    return ask


@pytest.mark.parametrize("to_file", [False, True])
def test_csv(ask, to_file: bool) -> None:
    rows = list(csv.DictReader(io.StringIO(ask("csv", to_file=to_file).decode())))
    assert [row["utterance_id"] for row in rows] == [
        "odd/outputs_20240116_073000",
        "outputs_20240104_094705",
    ]
    assert rows[0]["warnings"] == "[no_embedding]"
    assert (rows[0]["n_frames"], rows[1]["n_frames"], rows[0]["nothing"]) == ("", "1503", "")
    assert len(json.loads(rows[1]["distilled"])) == 38
    assert rows[1]["odd"] == 'a|b, "c"'
    assert (rows[1]["情绪"], rows[1]["at"]) == ("中立", "2024-01-04 09:47:05")


@pytest.mark.parametrize("kind", ["json", "jsonl"])
@pytest.mark.parametrize("to_file", [False, True])
def test_json(ask, kind: str, to_file: bool) -> None:
    text = ask(kind, to_file=to_file).decode()
    rows = json.loads(text) if kind == "json" else [json.loads(one) for one in text.splitlines()]
    assert rows[0]["warnings"] == ["no_embedding"]
    assert rows[0]["distilled"] is None
    assert len(rows[1]["distilled"]) == 38
    assert rows[1]["list"] == [1, None, 3]
    assert (rows[1]["negative"], rows[1]["情绪"]) == (False, "中立")


@pytest.mark.parametrize("to_file", [False, True])
def test_parquet_and_arrow(ask, to_file: bool) -> None:
    parquet = pq.read_table(io.BytesIO(ask("parquet", to_file=to_file)))
    arrow = pa.ipc.open_file(io.BytesIO(ask("arrow", to_file=to_file))).read_all()
    assert parquet.to_pydict() == arrow.to_pydict()
    assert arrow.schema.field("distilled").type == pa.list_(pa.float32(), 38)
    assert arrow["list"].to_pylist()[0] == [1, None, 3]
    assert arrow["情绪"].to_pylist() == ["中立", "中立"]


@pytest.mark.parametrize("to_file", [False, True])
def test_markdown(ask, to_file: bool) -> None:
    text = ask("markdown", to_file=to_file).decode()
    head, rule, first, second = text.splitlines()
    assert head.split(" | ")[0] == "| utterance_id"
    assert rule.count("---") == 11
    assert "[no_embedding]" in first
    assert '"c"' in second
    assert "a\\|b" in second
    assert "… 38 values]" in second


@pytest.mark.parametrize("to_file", [False, True])
def test_table(ask, to_file: bool) -> None:
    text = ask("table", to_file=to_file).decode()
    assert "中立" in text
    assert "[no_embedding]" in text
    assert "… 38 values]" in text
    assert len(text.splitlines()) == 6


def test_no_rows(demo) -> None:
    for kind, expected in {"csv": "x\n", "jsonl": "", "markdown": "| x |\n| --- |\n"}.items():
        done = e2vdb("sql", "SELECT 1 AS x WHERE false", "--format", kind, "--db", demo.address)
        assert (done.code, done.out) == (0, expected)
    done = e2vdb("sql", "SELECT 1 AS x WHERE false", "--format", "json", "--db", demo.address)
    assert json.loads(done.out) == []


def test_a_long_table_is_cut_and_says_so(demo) -> None:
    done = e2vdb("sql", "SELECT * FROM range(501)", "--db", demo.address)
    assert len(done.out.splitlines()) == 504
    assert "first 500 rows" in done.err


def test_an_error_leaves_no_half_file_and_the_old_one(demo, tmp_path: Path) -> None:
    file = tmp_path / "answer.csv"
    file.write_text("old")
    # The error comes with the last of many rows, when others may have been written.
    query = "SELECT CASE WHEN i = 299999 THEN error('late') ELSE i END AS i FROM range(300000) t(i)"
    done = e2vdb("sql", query, "-o", str(file), "--db", demo.address)
    assert done.code == 1
    assert "late" in done.err
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_the_ending_chooses_the_format(demo, tmp_path: Path) -> None:
    for name, start in {"a.md": b"| x |", "b.ndjson": b'{"x":1}', "c.parquet": b"PAR1"}.items():
        done = e2vdb("sql", "SELECT 1 AS x", "-o", str(tmp_path / name), "--db", demo.address)
        assert (done.code, done.raw) == (0, b"")
        assert (tmp_path / name).read_bytes().startswith(start)
