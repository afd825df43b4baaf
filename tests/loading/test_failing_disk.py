"""Full disks and trees that change under the reader: named, and nothing committed is lost."""

import errno
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from trees import ids, name_of, table, versions, write_output, write_tree

import e2vdb
from e2vdb.errors import E2VError, InputError, StorageError

LIMITED = """
import resource, signal, sys
import e2vdb
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
try:
    e2vdb.connect(sys.argv[1]).ingest(sys.argv[2], workers=int(sys.argv[3]))
except e2vdb.errors.StorageError as error:
    print(error)
"""


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_disk_that_takes_no_more(tmp_path: Path, workers: str) -> None:
    pytest.importorskip("resource")
    root = write_tree(tmp_path / "outputs", range(20))
    with e2vdb.connect(tmp_path / "db") as db:
        db.ingest(root)
        write_tree(root, range(100, 1400))
        code = [sys.executable, "-c", LIMITED, str(tmp_path / "db"), str(root), workers]
        done = subprocess.run(code, capture_output=True, text=True, timeout=120)
        assert str(tmp_path / "db") in done.stdout, done.stderr
        assert len(done.stdout.splitlines()) == 1
        assert "Traceback" not in done.stderr
        assert db.sql("SELECT count(*) >= 20 FROM calls").fetchall() == [(True,)]
        summary = db.ingest(root)
        assert summary.found == 1320
        assert summary.rejected == 0
    assert len(ids(tmp_path / "db")) == len(set(ids(tmp_path / "db"))) == 1320


def test_a_commit_that_finds_no_space_keeps_the_earlier_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import lance

    root = write_tree(tmp_path / "outputs", range(10), frames=3)
    with e2vdb.connect(tmp_path / "db") as db:
        db.ingest(root)
        write_tree(root, range(20, 25), frames=3)
        before = versions(tmp_path / "db")

        def full(*_args: object, **_options: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(lance.LanceDataset, "commit", full)
            with pytest.raises(StorageError, match="No space left on device") as caught:
                db.ingest(root)
        assert str(tmp_path / "db") in str(caught.value)
        assert versions(tmp_path / "db") == before
        assert db.sql("SELECT count(*) FROM calls").fetchall() == [(10,)]
        assert db.ingest(root).inserted == 5
    assert table(tmp_path / "db", "frames").num_rows == 45


def test_directories_that_vanish_while_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import e2vdb.loading.ingest as module

    root = write_tree(tmp_path / "outputs", range(6), frames=3)
    run = module.run_job

    def disturbed(job: object, target: object) -> object:
        if (root / name_of(1)).exists() and job.folders[0].path != str(root):
            shutil.rmtree(root / name_of(1))
            (root / name_of(2) / "result.json").unlink()
        return run(job, target)

    monkeypatch.setattr(module, "run_job", disturbed)
    with e2vdb.connect(tmp_path / "db") as db:
        summary = db.ingest(root, workers=1)
    assert summary.reject_codes == {"unreadable_file": 1}
    assert summary.inserted == 5
    (reject,) = table(tmp_path / "db", "rejects").to_pylist()
    assert reject["path"] == str(root / name_of(1))
    assert "no such file" in reject["detail"]
    assert name_of(2) in ids(tmp_path / "db")


def test_frames_that_shrink_between_two_readings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import e2vdb.loading.worker as module

    root = write_tree(tmp_path / "outputs", range(4), frames=5)
    rows = module.frame_rows

    def disturbed(files: object, source: object) -> object:
        if source.utterance_id == name_of(2):
            Path(source.path).write_bytes(Path(source.path).read_bytes()[:300])
        return rows(files, source)

    monkeypatch.setattr(module, "frame_rows", disturbed)
    with e2vdb.connect(tmp_path / "db") as db:
        summary = db.ingest(root, workers=1)
        assert (summary.inserted, summary.frames) == (3, 15)
        assert summary.reject_codes == {"unreadable_npy": 1}
        monkeypatch.undo()
        write_output(root / name_of(2), 2, frames=5)
        assert db.ingest(root).inserted == 1
    assert table(tmp_path / "db", "frames").num_rows == 20
    assert table(tmp_path / "db", "rejects").num_rows == 0


def test_an_id_whose_frames_fail_keeps_its_old_row_and_frames(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import e2vdb.loading.worker as module
    from e2vdb.ingest.rejects import Unusable

    root = write_tree(tmp_path / "outputs", range(4), frames=5)
    with e2vdb.connect(tmp_path / "db") as db:
        db.ingest(root)
        write_output(root / name_of(2), 99, frames=7)

        def failing(_files: object, source: object) -> object:
            raise Unusable("unreadable_file", source.path, "vanished")

        monkeypatch.setattr(module, "frame_rows", failing)
        summary = db.ingest(root, workers=1)
        assert (summary.updated, summary.unchanged, summary.rejected) == (0, 3, 1)
    frames = table(tmp_path / "db", "frames")
    assert frames.num_rows == 20
    assert frames["utterance_id"].to_pylist().count(name_of(2)) == 5


@pytest.mark.parametrize("kind", ["missing", "a file"])
def test_a_root_that_is_no_folder(tmp_path: Path, kind: str) -> None:
    root = tmp_path / "outputs"
    if kind == "a file":
        root.write_text("x")
    with e2vdb.connect(tmp_path / "db") as db, pytest.raises(InputError, match=str(root)):
        db.ingest(root)
    assert not (tmp_path / "db").exists()


def test_errors_share_one_base() -> None:
    assert issubclass(StorageError, E2VError)
    assert issubclass(InputError, E2VError)
    assert np.all([issubclass(one, E2VError) for one in E2VError.__subclasses__()])
