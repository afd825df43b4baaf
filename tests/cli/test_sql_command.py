"""`e2vdb sql`: where the query and its values come from, and what is said when it is wrong."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from running import e2vdb, e2vdb_process

COUNT = "SELECT count(*) AS n FROM calls"


def test_from_a_file(demo, tmp_path: Path) -> None:
    file = tmp_path / "问题.sql"
    file.write_text(
        "\ufeff-- with a comment\nSELECT at FROM calls\nORDER BY at LIMIT 1;\n", "utf-8"
    )
    done = e2vdb("sql", "-f", file, "--format", "csv", "--db", demo.address)
    assert (done.code, done.out) == (0, "at\n2024-01-01 10:07:33\n")


def test_parameters_keep_their_types(demo) -> None:
    query = "SELECT typeof($n), typeof($x), typeof($s), typeof($q), typeof($b), $z IS NULL, $s"
    values = ["n=3", "x=0.5", "s=赵磊 = x", 'q="123"', "b=true", "z=null"]
    words = [word for value in values for word in ("-p", value)]
    done = e2vdb("sql", query, *words, "--format", "jsonl", "--db", demo.address)
    assert done.code == 0
    assert list(__import__("json").loads(done.out).values()) == [
        *("INTEGER", "DOUBLE", "VARCHAR", "VARCHAR", "BOOLEAN"),
        *(True, "赵磊 = x"),
    ]


def test_where_the_database_is(demo, tmp_path: Path) -> None:
    for words, env in (
        (["--db", demo.address, "sql", COUNT], {}),
        (["sql", COUNT, "--db", demo.address], {}),
        (["sql", COUNT], {"E2VDB_URI": str(demo.address)}),
        (["--db", demo.address, "sql", COUNT], {"E2VDB_URI": "/nowhere"}),
        (["--db", "/nowhere", "sql", COUNT, "--db", demo.address], {}),
    ):
        done = e2vdb(*words, "--format", "csv", env=env)
        assert (done.code, done.out, done.err) == (0, "n\n320\n", "")


def test_as_of(demo, tmp_path: Path) -> None:
    address = demo.copy(tmp_path)
    assert e2vdb("tag", "spring", "--db", address).code == 0
    assert e2vdb("distill", "--variance", "0.7", "--db", address).code == 0
    kind = "SELECT typeof(distilled) AS kind FROM utterances LIMIT 1"
    for as_of, expected in (("spring", "FLOAT[38]"), ("2", "FLOAT[]"), ("2999-01-01", "")):
        words = ["--as-of", as_of, "--format", "csv", "--db", address]
        found = e2vdb("sql", kind, *words).out.split()[1]
        assert found == (expected or e2vdb("sql", kind, *words[2:]).out.split()[1])


WRONG = {
    "SELEC 1": "syntax error",
    "SELECT nope FROM calls": "nope",
    "FROM nothing": "nothing",
    "": "empty",
    "   ": "empty",
    "SELECT $n": "n",
    "COPY calls TO 'x.csv'": "--output",
    "FROM read_csv('x.csv')": "e2vdb metadata",
    "DELETE FROM frames": "delete",
    "SELECT e2v_load('/no/such.npy')": "unreadable_file: /no/such.npy",
    "SELECT 'a'::INTEGER": "convert",
    "SELECT 1 +": "syntax error",
}


@pytest.mark.parametrize("query", WRONG)
def test_wrong_queries(demo, query: str) -> None:
    done = e2vdb("sql", query, "--db", demo.address)
    assert (done.code, done.raw) == (1, b"")
    assert done.err.startswith("Error: ")
    assert WRONG[query].lower() in done.err.lower()
    assert "Traceback" not in done.err
    assert "UDF" not in done.err


@pytest.mark.parametrize(
    ("words", "code", "part"),
    [
        (["sql", "SELECT 1", "--db", "/no/database"], 1, "/no/database"),
        (["sql", "SELECT 1", "--db", "/etc/passwd"], 1, "is a file"),
        (["sql", "-f", "/no/file.sql"], 1, "/no/file.sql"),
        (["sql", "SELECT 1", "-p", "novalue"], 1, "NAME=VALUE"),
        (["sql"], 2, "Give one query"),
        (["sql", "SELECT 1", "-f", "x"], 2, "Give one query"),
        (["sql", "SELECT 1", "--format", "xml"], 2, "xml"),
        (["nonsense"], 2, "nonsense"),
    ],
)
def test_wrong_words(words: list[str], code: int, part: str) -> None:
    done = e2vdb(*words)
    assert (done.code, done.raw) == (code, b"")
    assert part in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("as_of", ["nope", "99", "1999-01-01"])
def test_wrong_times(demo, as_of: str) -> None:
    done = e2vdb("sql", COUNT, "--as-of", as_of, "--db", demo.address)
    assert (done.code, done.raw) == (1, b"")
    assert done.err.startswith("Error: ")


def test_output_that_cannot_be_written(demo) -> None:
    done = e2vdb("sql", COUNT, "-o", "/no/such/folder/a.csv", "--db", demo.address)
    assert done.code == 1
    assert "/no/such/folder/a.csv cannot be written" in done.err


@pytest.mark.parametrize("kind", ["csv", "jsonl", "markdown", "table"])
def test_head_may_leave_early(demo, kind: str) -> None:
    query = "SELECT utterance_id, frame_index, distance, embedding FROM frames LIMIT 2000"
    command = shlex.join([sys.executable, "-m", "e2vdb", "--db", str(demo.address), "sql", query])
    line = f"set -o pipefail; {command} --format {kind} | head -n 1"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True)
    assert (done.returncode, done.stderr.replace("The first 500 rows", "")[:2]) in (
        (0, ""),
        (0, "; "),
    )
    assert len(done.stdout.splitlines()) == 1


def test_stderr_is_empty_in_a_process_of_its_own(demo) -> None:
    for words in (["sql", COUNT, "--format", "csv"], ["sql", "SELECT e2v_load('x')"]):
        done = e2vdb_process(*words, "--db", demo.address)
        assert done.err.count("\n") == (0 if done.code == 0 else 1), done.err
