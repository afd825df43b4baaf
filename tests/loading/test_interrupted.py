"""Ctrl-C commits what was read and exits 130; the same command goes on from there."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from trees import ids, write_tree

import e2vdb

CODE = """
import os, signal, sys
import e2vdb.loading.ingest as ingest
from e2vdb.cli.app import main

take, turns = ingest._Run._take, 0
def taken(self, outcome):
    global turns
    take(self, outcome)
    turns += 1
    if turns == 3:
        os.killpg(0, signal.SIGINT)  # as a terminal does: to all processes of the command
ingest._Run._take = taken
main(["ingest", "--db", sys.argv[1], sys.argv[2], "--workers", sys.argv[3]])
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tree(tmp_path_factory.mktemp("tree") / "outputs", range(2600))


@pytest.mark.parametrize("workers", ["1", "2"])
def test_what_was_read_is_committed(root: Path, tmp_path: Path, workers: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(tmp_path / "db"), str(root), workers],
        capture_output=True,
        text=True,
        start_new_session=True,
        timeout=120,
    )
    assert done.returncode == 130, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert "Interrupted" in done.stderr
    rows = ids(tmp_path / "db")
    assert 0 < len(rows) == len(set(rows))
    assert f"{len(rows):,} inserted" in done.stderr
    with e2vdb.connect(tmp_path / "db") as db:
        summary = db.ingest(root)
        assert (summary.inserted, summary.unchanged) == (2600 - len(rows), len(rows))


AT_ANY_TIME = """
import sys
from e2vdb.cli.app import main
main(["ingest", "--db", sys.argv[1], sys.argv[2], "--workers", "2"])
"""


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="no process groups on this system")
def test_at_any_time_there_is_no_traceback(root: Path, tmp_path: Path) -> None:
    for turn in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", AT_ANY_TIME, str(tmp_path / "db"), str(root)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            process.communicate(timeout=0.8 + 0.35 * turn)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
        assert process.returncode in (0, 130), err
        assert out == ""
        assert "Traceback" not in err, err
    with e2vdb.connect(tmp_path / "db") as db:
        assert db.ingest(root).found == 2600
    assert len(ids(tmp_path / "db")) == len(set(ids(tmp_path / "db"))) == 2600
