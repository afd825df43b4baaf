"""One dimension a database: that of most directories of the first ingest, or the one given."""

from pathlib import Path

import numpy as np
import pytest
from trees import ids, table, versions, write_output, write_tree

import e2vdb
from e2vdb.errors import UsageError


def test_the_majority_decides(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "outputs", range(5), dimension=48)
    write_tree(root / "base", range(100, 103), dimension=32)
    with e2vdb.connect(tmp_path / "db") as db:
        summary = db.ingest(root)
        assert (summary.inserted, summary.reject_codes) == (5, {"wrong_dimension": 3})
        assert db.info().dimension == 48


def test_frames_count_too_and_broken_ones_do_not(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "outputs", range(2), dimension=48, embedding=False, frames=3)
    write_output(root / "other", 9, dimension=32)
    for name in ("x", "y", "z"):
        (root / name).mkdir()
        (root / name / "embedding.npy").write_bytes(b"not npy")
    with e2vdb.connect(tmp_path / "db") as db:
        db.ingest(root)
        assert db.info().dimension == 48


def test_the_one_given_wins_over_the_majority(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "outputs", range(3), dimension=48)
    write_output(root / "base", 9, dimension=32)
    with e2vdb.connect(tmp_path / "db") as db:
        summary = db.ingest(root, dimension=32)
        assert (summary.inserted, summary.reject_codes) == (1, {"wrong_dimension": 3})
        before = versions(tmp_path / "db")
        assert db.ingest(root, dimension=32).unchanged == 1
        assert db.ingest(root).unchanged == 1
        assert versions(tmp_path / "db") == before


def test_another_dimension_than_the_stored_one_is_a_mistake(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "outputs", range(3))
    with e2vdb.connect(tmp_path / "db") as db:
        db.ingest(root)
        before = versions(tmp_path / "db")
        with pytest.raises(UsageError, match="64"):
            db.ingest(root, dimension=768)
        assert versions(tmp_path / "db") == before


@pytest.mark.parametrize("first", ["an empty folder", "a setting", "metadata"])
def test_what_comes_before_the_directories_decides_nothing(tmp_path: Path, first: str) -> None:
    root = write_tree(tmp_path / "outputs", range(3), dimension=48)
    (tmp_path / "empty").mkdir()
    (tmp_path / "calls.csv").write_text("utterance_id,agent\na,b\n")
    with e2vdb.connect(tmp_path / "db") as db:
        if first == "an empty folder":
            assert db.ingest(tmp_path / "empty").found == 0
        elif first == "a setting":
            db.set("norm_min", 1)
        else:
            db.load_metadata(tmp_path / "calls.csv")
        assert db.info().dimension == 1024
        assert db.ingest(root).inserted == 3
        assert db.info().dimension == 48
        assert db.settings().norm_min == (1 if first == "a setting" else 15)
        assert db.sql("SELECT count(*) FROM metadata").fetchall() == [(int(first == "metadata"),)]


def test_a_dimension_given_to_no_avail_can_be_told_apart(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "outputs", range(3), dimension=48)
    with e2vdb.connect(tmp_path / "db") as db:
        assert db.ingest(root, dimension=32).reject_codes == {"wrong_dimension": 3}
        assert db.ingest(root).reject_codes == {"wrong_dimension": 3}
        assert ids(tmp_path / "db") == []


@pytest.mark.parametrize("dimension", [0, -1])
def test_no_dimension_below_one(tmp_path: Path, dimension: int) -> None:
    root = write_tree(tmp_path / "outputs", range(1))
    with e2vdb.connect(tmp_path / "db") as db, pytest.raises(UsageError, match="at least 1"):
        db.ingest(root, dimension=dimension)


def test_results_alone_make_a_database_of_the_usual_dimension(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "outputs", range(3), embedding=False)
    with e2vdb.connect(tmp_path / "db") as db:
        assert db.ingest(root).inserted == 3
        assert db.info().dimension == 1024
    vectors = table(tmp_path / "db", "utterances")["embedding"].to_pylist()
    assert vectors == [None] * 3
    assert np.all(
        [
            row == ["no_embedding", "unparsed_time"] or "no_embedding" in row
            for row in table(tmp_path / "db", "utterances")["warnings"].to_pylist()
        ]
    )
