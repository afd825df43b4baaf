"""Hidden folders are left alone: embed and others make in them what is not finished."""

from pathlib import Path

from build import write_output

import e2vdb


def test_a_hidden_folder_is_not_looked_into(tmp_path: Path) -> None:
    write_output(tmp_path / "out", seed=1)
    write_output(tmp_path / "out" / ".e2vdb-embed", "1f00", seed=2)
    write_output(tmp_path / "out" / "north" / ".trash", seed=3)
    with e2vdb.connect(tmp_path / "db") as db:
        done = db.ingest(tmp_path / "out")
        assert (done.inserted, done.rejected) == (1, 0)


def test_a_hidden_root_is_read(tmp_path: Path) -> None:
    write_output(tmp_path / ".outputs")
    with e2vdb.connect(tmp_path / "db") as db:
        assert db.ingest(tmp_path / ".outputs").inserted == 1
