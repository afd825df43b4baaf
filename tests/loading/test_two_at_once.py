"""One writer at a time: the second waits and says so, or fails cleanly; readers never wait."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from trees import ids, name_of, table, versions, write_tree

import e2vdb
from e2vdb.errors import BusyError
from e2vdb.loading.ingest import Talk
from e2vdb.store.address import resolve
from e2vdb.store.lock import writer_lock


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "outputs", range(20), frames=3)


def test_the_second_waits_and_says_so(root: Path, tmp_path: Path) -> None:
    said: list[str] = []
    heard = threading.Event()

    def say(sentence: str) -> None:
        said.append(sentence)
        heard.set()

    def second() -> None:
        with e2vdb.connect(tmp_path / "db") as db:
            db.ingest(root, talk=Talk(say=say))

    with writer_lock(resolve(tmp_path / "db")):
        thread = threading.Thread(target=second)
        thread.start()
        assert heard.wait(60)
        assert thread.is_alive()
        assert not (tmp_path / "db" / "utterances.lance").exists()
    thread.join(60)
    assert not thread.is_alive()
    assert str(tmp_path / "db") in said[0]
    assert len(said) == 1
    assert len(ids(tmp_path / "db")) == 20


def test_without_waiting_it_fails_cleanly(root: Path, tmp_path: Path) -> None:
    (tmp_path / "calls.csv").write_text("utterance_id,agent\na,b\n")
    with e2vdb.connect(tmp_path / "db") as db:
        db.ingest(root)
        before = versions(tmp_path / "db")
        with writer_lock(db.address):
            for action in (
                lambda: db.ingest(root, wait=False),
                lambda: db.load_metadata(tmp_path / "calls.csv", wait=False),
                lambda: db.distill(wait=False),
                lambda: db.optimize(wait=False),
            ):
                with pytest.raises(BusyError, match=str(tmp_path / "db")):
                    action()
            assert db.sql("SELECT count(*) FROM calls").fetchall() == [(20,)]
        assert versions(tmp_path / "db") == before
        assert db.ingest(root, wait=False).unchanged == 20


def test_two_processes_at_once_make_every_row_once(root: Path, tmp_path: Path) -> None:
    other = write_tree(tmp_path / "other", [*range(10, 20), *range(30, 40)], frames=3)
    code = "import sys, e2vdb; print(e2vdb.connect(sys.argv[1]).ingest(sys.argv[2]).found)"
    running = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path / "db"), str(tree)], stdout=subprocess.PIPE
        )
        for tree in (root, other, root)
    ]
    said = [process.communicate(timeout=120)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0, 0]
    assert said == [b"20\n"] * 3
    assert ids(tmp_path / "db") == sorted(name_of(seed) for seed in [*range(20), *range(30, 40)])
    assert table(tmp_path / "db", "frames").num_rows == 30 * 3


def test_readers_see_whole_commits_while_another_writes(root: Path, tmp_path: Path) -> None:
    with e2vdb.connect(tmp_path / "db") as db:
        db.ingest(root)
        done = threading.Event()

        def write() -> None:
            with e2vdb.connect(tmp_path / "db") as writer:
                for start in range(1000, 1040, 10):
                    writer.ingest(write_tree(root, range(start, start + 10), frames=3))
            done.set()

        thread = threading.Thread(target=write)
        thread.start()
        seen = []
        while not done.is_set():
            seen += db.sql(
                "SELECT count(*), (SELECT count(*) FROM frames SEMI JOIN utterances "
                "USING (utterance_id)) FROM utterances"
            ).fetchall()
        thread.join()
    assert all(frames == 3 * rows for rows, frames in seen)
    assert {rows for rows, _ in seen} <= {20, 30, 40, 50, 60}
