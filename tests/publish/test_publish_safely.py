"""Readers are never disturbed, failures leave the old file, and nothing is left lying about."""

import os
import signal
import subprocess
import sys
import threading
import time

import duckdb
import pytest
from build import write_output
from running import e2vdb as run

import e2vdb
from e2vdb.errors import BusyError, StorageError
from e2vdb.publish import duckdb_file
from e2vdb.publish.publish import PublishSummary
from e2vdb.publish.target import workplace


def calls(file) -> int:
    with duckdb.connect(file, read_only=True) as bi:
        count: int = bi.execute("SELECT count(*) FROM calls").fetchall()[0][0]
        return count


def left_over(file) -> list[str]:
    return [one.name for one in file.parent.iterdir() if one.name.startswith(f".{file.name}")]


def one_more(db, folder) -> None:
    write_output(folder / "in", "outputs_20240202_000000", seed=9, dimension=8)
    db.ingest(folder / "in", workers=1)


@pytest.mark.parametrize("broken", ["check_file", "put_file", "comment"])
def test_a_failure_leaves_the_old_file(small, monkeypatch, broken: str) -> None:
    file = small.parent / "bi.duckdb"
    with e2vdb.connect(small) as db:
        db.publish(file)
        one_more(db, small.parent)

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(duckdb_file, broken, full)
            with pytest.raises(StorageError, match="No space left"):
                db.publish(file)
        assert (calls(file), left_over(file)) == (2, [])
        db.publish(file)
        assert (calls(file), left_over(file)) == (3, [])


def test_rows_that_are_missing_are_noticed(small, monkeypatch) -> None:
    file = small.parent / "bi.duckdb"
    lost = duckdb_file._create
    with e2vdb.connect(small) as db:
        monkeypatch.setattr(
            duckdb_file,
            "_create",
            lambda job, part, select: lost(job, part, f"FROM ({select}) LIMIT 1"),
        )
        with pytest.raises(StorageError, match="calls came out with 1 rows"):
            db.publish(file)
    assert not file.exists()


def test_killed_in_the_middle(small) -> None:
    file = small.parent / "bi.duckdb"
    with e2vdb.connect(small) as db:
        db.publish(file)
        one_more(db, small.parent)
        code = (
            "import e2vdb, time\n"
            "from e2vdb.publish import duckdb_file\n"
            "duckdb_file.check_file = lambda *_: (print('here', flush=True), time.sleep(60))\n"
            f"e2vdb.connect({str(small)!r}).publish({str(file)!r})\n"
        )
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline() == b"here\n"
        with pytest.raises(BusyError):
            db.publish(file, wait=False)
        process.kill()
        process.wait()
        process.stdout.close()
        assert calls(file) == 2
        assert left_over(file)
        db.publish(file)
    assert (calls(file), left_over(file)) == (3, [])


def test_readers_keep_what_they_have_open(small) -> None:
    file = small.parent / "bi.duckdb"
    with e2vdb.connect(small) as db:
        db.publish(file)
        one_more(db, small.parent)
        code = (
            "import duckdb, sys\n"
            f"c = duckdb.connect({str(file)!r}, read_only=True)\n"
            "print(c.execute('SELECT count(*) FROM calls').fetchall(), flush=True)\n"
            "sys.stdin.readline()\n"
            "print(c.execute('SELECT count(*), max(emotion) FROM calls').fetchall())\n"
        )
        reader = subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert reader.stdout is not None
        assert reader.stdout.readline() == b"[(2,)]\n"
        db.publish(file)
        assert reader.communicate(b"\n")[0].startswith(b"[(2, ")
    assert calls(file) == 3


def test_a_client_that_holds_the_file_for_writing_is_in_nobodys_way(small) -> None:
    file = small.parent / "bi.duckdb"
    with e2vdb.connect(small) as db:
        db.publish(file)
        one_more(db, small.parent)
        with duckdb.connect(file) as client:
            client.execute("CREATE TABLE mine AS SELECT 1")
            assert file.with_name("bi.duckdb.wal").exists()
            assert "events" not in db.publish(file).computed
    assert calls(file) == 3
    with duckdb.connect(file, read_only=True) as bi:
        assert bi.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'mine'")
        assert bi.execute("SELECT count(*) FROM information_schema.tables").fetchall()[0][0] > 13


def test_two_at_once(small) -> None:
    file = small.parent / "bi.duckdb"
    found: list[bool] = []

    def publish() -> None:
        with e2vdb.connect(small) as db:
            found.append(db.publish(file).nothing_new)

    threads = [threading.Thread(target=publish) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [False, True, True]
    assert (calls(file), left_over(file)) == (2, [])


def test_the_place_is_cleaned_only_by_who_holds_it(tmp_path) -> None:
    target = tmp_path / "bi.duckdb"
    with workplace(target, wait=True) as folder:
        (folder / "work").write_text("x")
        with pytest.raises(BusyError), workplace(target, wait=False):
            pass
        assert (folder / "work").exists()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_every_publishes_news_and_ends_cleanly(small, number: int) -> None:
    file = small.parent / "bi.duckdb"
    words = ["publish", str(file), "--every", "0.2s", "--db", str(small)]
    process = subprocess.Popen([sys.executable, "-m", "e2vdb", *words], stderr=subprocess.PIPE)
    assert process.stderr is not None
    assert b"2 calls" in process.stderr.readline()
    assert b"nothing new" in process.stderr.readline()
    with e2vdb.connect(small) as db:
        one_more(db, small.parent)
    deadline = time.monotonic() + 60
    while calls(file) != 3 and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(number)
    assert process.communicate()[1].endswith(b"Stopped\n")
    assert (process.returncode, calls(file), left_over(file)) == (0, 3, [])


def test_ctrl_c_within_a_query(small, monkeypatch) -> None:
    file = small.parent / "bi.duckdb"
    with e2vdb.connect(small) as db:
        db.publish(file)
        one_more(db, small.parent)
    kept = duckdb_file._create

    def interrupted(*arguments: object) -> None:
        raise RuntimeError("Query interrupted")  # what DuckDB makes of Ctrl-C

    monkeypatch.setattr(duckdb_file, "_create", interrupted)
    once = run("publish", file, "--db", small)
    assert (once.code, calls(file), left_over(file)) == (130, 2, [])
    assert "Interrupted." in once.err

    def interrupted_twice(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(duckdb_file, "_create", interrupted_twice)
    every = run("publish", file, "--every", "1h", "--db", small)
    assert (every.code, calls(file), left_over(file)) == (0, 2, [])
    assert "abandoned" in every.err
    monkeypatch.setattr(duckdb_file, "_create", kept)
    assert run("publish", file, "--db", small).code == 0
    assert calls(file) == 3


def test_every_goes_on_after_a_failure(small, monkeypatch) -> None:
    file = small.parent / "bi.duckdb"
    found: list[str] = []

    def publish(*_: object, **__: object) -> object:
        found.append("called")
        if len(found) == 2:
            raise StorageError("The disk is full.")
        if len(found) == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        return PublishSummary(file, 2, ("calls",), (), 0.1, 10)

    monkeypatch.setattr(e2vdb.Database, "publish", publish)
    done = run("publish", file, "--every", "0.01s", "--db", small)
    assert (done.code, len(found)) == (0, 3)
    assert "The disk is full. Trying again in 0.01 s." in done.err
