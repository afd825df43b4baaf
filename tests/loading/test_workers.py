"""Worker processes: for plain scripts, for odd main modules, for any number of them."""

import subprocess
import sys
from pathlib import Path

import pytest
from trees import ids, table, write_tree

import e2vdb
from e2vdb.errors import UsageError


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tree(tmp_path_factory.mktemp("tree") / "outputs", range(1300))


SCRIPT = """
import sys
import e2vdb

print("the script runs")
db = e2vdb.connect(sys.argv[1])
summary = db.ingest(sys.argv[2], workers=2)
print(summary.inserted, __name__, __file__ == sys.argv[0])
"""


def test_a_plain_script_needs_no_guard(root: Path, tmp_path: Path) -> None:
    script = tmp_path / "my script.py"
    script.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "db"), str(root)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stderr == ""
    assert done.stdout == "the script runs\n1300 __main__ True\n"
    assert len(ids(tmp_path / "db")) == 1300


def test_a_script_on_stdin_needs_no_guard(root: Path, tmp_path: Path) -> None:
    script = SCRIPT.replace("__file__ == sys.argv[0]", "True")
    done = subprocess.run(
        [sys.executable, "-", str(tmp_path / "db"), str(root)],
        input=script,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.stdout, done.stderr) == ("the script runs\n1300 __main__ True\n", "")


def test_any_number_of_workers_reads_the_same(root: Path, tmp_path: Path) -> None:
    columns = ["utterance_id", "content_hash", "embedding", "warnings", "emotion"]
    stored = []
    for workers in (1, 3):
        with e2vdb.connect(tmp_path / f"db{workers}") as db:
            assert db.ingest(root, workers=workers).inserted == 1300
        rows = table(tmp_path / f"db{workers}", "utterances").select(columns)
        stored.append(rows.sort_by("utterance_id"))
    assert stored[0].equals(stored[1])


def test_no_workers_is_a_mistake(root: Path, tmp_path: Path) -> None:
    with e2vdb.connect(tmp_path / "db") as db, pytest.raises(UsageError, match="workers"):
        db.ingest(root, workers=0)
