"""Two trees in one database: ids that clash, --source, a tree that moved."""

from pathlib import Path

import pytest
from trees import ids, name_of, row, table, versions, write_output, write_tree

import e2vdb


def test_other_content_under_the_same_id_is_a_conflict(tmp_path: Path) -> None:
    north = write_tree(tmp_path / "north", [1, 2])
    south = write_tree(tmp_path / "south", [2, 3])
    write_output(south / name_of(2), 99)
    with e2vdb.connect(tmp_path / "db") as db:
        db.ingest(north)
        for inserted in (1, 0):
            summary = db.ingest(south)
            assert summary.inserted == inserted
            assert summary.reject_codes == {"id_conflict": 1}
        (reject,) = table(tmp_path / "db", "rejects").to_pylist()
        assert "--source" in reject["detail"]
        assert str(north / name_of(2)) in reject["detail"]
        assert row(tmp_path / "db", name_of(2))["source_dir"] == str(north / name_of(2))
        before = versions(tmp_path / "db")
        assert db.ingest(north).unchanged == 2
        assert versions(tmp_path / "db") == before


def test_source_keeps_both(tmp_path: Path) -> None:
    north = write_tree(tmp_path / "north", [1, 2])
    south = write_tree(tmp_path / "south", [2, 3])
    write_output(south / name_of(2), 99)
    with e2vdb.connect(tmp_path / "db") as db:
        db.ingest(north)
        summary = db.ingest(south, source="south")
        assert (summary.inserted, summary.rejected) == (2, 0)
        assert ids(tmp_path / "db") == sorted(
            [name_of(1), name_of(2), f"south/{name_of(2)}", f"south/{name_of(3)}"]
        )
        assert db.ingest(south, source="south").unchanged == 2


@pytest.mark.parametrize("name", ["", " ", "/"])
def test_an_empty_source_is_a_mistake(tmp_path: Path, name: str) -> None:
    root = write_tree(tmp_path / "outputs", [1])
    with e2vdb.connect(tmp_path / "db") as db, pytest.raises(e2vdb.errors.UsageError):
        db.ingest(root, source=name)


def test_the_same_tree_moved_is_unchanged(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "outputs", range(4))
    with e2vdb.connect(tmp_path / "db") as db:
        db.ingest(root)
        before = versions(tmp_path / "db")
        moved = root.rename(tmp_path / "archive")
        summary = db.ingest(moved)
        assert (summary.inserted, summary.unchanged, summary.rejected) == (0, 4, 0)
        after = versions(tmp_path / "db")
        assert {name for name in after if after[name] != before[name]} <= {"sources"}
        db.ingest(moved)
        assert versions(tmp_path / "db") == after


def test_a_link_to_the_root_is_the_root(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "outputs", range(2))
    (tmp_path / "link").symlink_to(root)
    with e2vdb.connect(tmp_path / "db") as db:
        db.ingest(tmp_path / "link")
        before = versions(tmp_path / "db")
        assert db.ingest(root).unchanged == 2
        assert versions(tmp_path / "db") == before
