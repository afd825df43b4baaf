"""`rejects`: who comes, who stays, who leaves."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from trees import ids, name_of, row, table, versions, write_output, write_tree

import e2vdb


def codes(db: Path) -> dict[str, str]:
    rejects = table(db, "rejects").to_pylist()
    return {one["utterance_id"]: one["code"] for one in rejects}


def test_a_mended_directory_leaves(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "outputs", range(3))
    (root / name_of(1) / "embedding.npy").write_bytes(b"\x93NUMPY")
    (root / name_of(9)).mkdir()
    with e2vdb.connect(tmp_path / "db") as db:
        db.ingest(root)
        assert codes(tmp_path / "db") == {
            name_of(1): "unreadable_npy",
            name_of(9): "empty_directory",
        }
        (first,) = [r for r in table(tmp_path / "db", "rejects").to_pylist() if "npy" in r["code"]]
        assert first["path"].endswith(f"{name_of(1)}/embedding.npy")
        assert first["source_dir"] == str(root / name_of(1))
        write_output(root / name_of(1), 1)
        summary = db.ingest(root)
        assert (summary.inserted, summary.unchanged, summary.rejected) == (1, 2, 1)
        assert codes(tmp_path / "db") == {name_of(9): "empty_directory"}
        write_output(root / name_of(9), 9)
        assert db.ingest(root).rejected == 0
    assert codes(tmp_path / "db") == {}


def test_a_broken_one_that_was_a_row_keeps_it_until_mended(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "outputs", range(3))
    with e2vdb.connect(tmp_path / "db") as db:
        db.ingest(root)
        good = row(tmp_path / "db", name_of(1))
        content = (root / name_of(1) / "result.json").read_text()
        (root / name_of(1) / "result.json").write_text("[")
        time.sleep(0.05)
        for _ in range(2):
            summary = db.ingest(root)
            assert (summary.unchanged, summary.rejected, summary.found) == (2, 1, 3)
        assert codes(tmp_path / "db") == {name_of(1): "bad_json"}
        assert row(tmp_path / "db", name_of(1)) == good
        (root / name_of(1) / "result.json").write_text(content)
        summary = db.ingest(root)
        assert (summary.unchanged, summary.rejected) == (3, 0)
        assert codes(tmp_path / "db") == {}
        assert row(tmp_path / "db", name_of(1)) == good


def test_a_reject_seen_again_keeps_its_first_date_and_takes_a_new_code(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "outputs", range(2))
    (root / name_of(0) / "result.json").write_text("[")
    with e2vdb.connect(tmp_path / "db") as db:
        db.ingest(root)
        seen = table(tmp_path / "db", "rejects")["seen_at"].to_pylist()
        before = versions(tmp_path / "db")
        db.ingest(root, reread=True)
        assert table(tmp_path / "db", "rejects")["seen_at"].to_pylist() == seen
        assert versions(tmp_path / "db")["rejects"] == before["rejects"]
        np.save(root / name_of(0) / "embedding.npy", np.zeros((1, 64), np.float32))
        write_output(root / name_of(0), 0, embedding=False)
        db.ingest(root)
        assert codes(tmp_path / "db") == {name_of(0): "all_zero"}
        assert table(tmp_path / "db", "rejects").num_rows == 1


def test_an_empty_directory_that_becomes_a_flat_folder_leaves(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "outputs", range(2))
    (root / name_of(9)).mkdir()
    with e2vdb.connect(tmp_path / "db") as db:
        assert db.ingest(root).reject_codes == {"empty_directory": 1}
        np.save(root / name_of(9) / "utt.npy", np.arange(64, dtype=np.float32))
        summary = db.ingest(root)
        assert (summary.inserted, summary.rejected) == (1, 0)
    assert codes(tmp_path / "db") == {}


@contextmanager
def without_power() -> Iterator[None]:
    """Act as a user to whom permissions apply, even where tests run as root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="e2vdb-test-"))
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="no such permissions on this system")
def test_files_and_folders_without_permission_are_named(open_folder: Path) -> None:
    root = write_tree(open_folder / "outputs", range(4))
    closed = root / name_of(1) / "result.json"
    closed.chmod(0)
    (root / name_of(2)).chmod(0)
    team = write_tree(root / "team", [30])
    team.chmod(0)
    with without_power(), e2vdb.connect(open_folder / "db") as db:
        summary = db.ingest(root, workers=1)
    assert summary.reject_codes == {"unreadable_file": 3}
    rejects = {one["path"]: one for one in table(open_folder / "db", "rejects").to_pylist()}
    assert set(rejects) == {str(closed), str(root / name_of(2)), str(team)}
    assert "permission denied" in rejects[str(closed)]["detail"]
    assert ids(open_folder / "db") == [name_of(0), name_of(3)]
    for path in (closed, root / name_of(2), team):
        path.chmod(0o755)
    with without_power(), e2vdb.connect(open_folder / "db") as db:
        summary = db.ingest(root, workers=1)
    assert (summary.inserted, summary.unchanged, summary.rejected) == (3, 2, 0)
    assert codes(open_folder / "db") == {}


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="no such permissions on this system")
def test_a_database_folder_that_cannot_be_written_is_named(open_folder: Path) -> None:
    root = write_tree(open_folder / "outputs", range(2))
    with e2vdb.connect(open_folder / "db") as db:
        db.ingest(root)
        db.sql("FROM calls")  # imports what a user without power may not be able to read
    for folder, _, files in os.walk(open_folder / "db"):
        os.chmod(folder, 0o555)
        for file in files:
            os.chmod(os.path.join(folder, file), 0o444)
    write_tree(root, [5])
    with without_power(), e2vdb.connect(open_folder / "db") as db:
        with pytest.raises(e2vdb.errors.StorageError, match=str(open_folder / "db")):
            db.ingest(root, workers=1)
        assert db.sql("SELECT count(*) FROM calls").fetchall() == [(2,)]
