"""Batches of directories become the rows and rejects that an ingest of the tree makes."""

from pathlib import Path

import build
import numpy as np
import pytest
from trees import D, ids, name_of, table, write_output, write_tree

import e2vdb
from e2vdb.ingest.files import LocalFiles
from e2vdb.loading.ingest import IngestOptions
from e2vdb.loading.intake import Intake
from e2vdb.store.address import resolve
from e2vdb.store.store import Store


def intake(db: Path, root: Path, **choices: object) -> Intake:
    made = Intake(Store(resolve(db)), root.resolve(), IngestOptions(**choices))
    made.prepare()
    return made


def contents(db: Path) -> dict[str, list]:
    columns = {
        "utterances": ["utterance_id", "source_dir", "emotion", "content_hash"],
        "frames": ["utterance_id", "frame_index", "embedding"],
        "rejects": ["utterance_id", "source_dir", "path", "code", "detail"],
        "sources": ["utterance_id", "source_dir", "stamp", "files"],
    }
    stored = {name: table(db, name).select(columns[name]).to_pylist() for name in columns}
    return {name: sorted(rows, key=repr) for name, rows in stored.items()}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Directories of all kinds: good, broken, with frames, flat, nested, twice the same."""
    root = write_tree(tmp_path / "outputs", range(20))
    write_tree(root, range(100, 103), frames=4)
    write_tree(root / "team", range(200, 205))
    build.write_flat(root, "flat", {f"k{i}": build.vector(i, D) for i in range(4)})
    (root / "outputs_20300101_000000").mkdir()
    (write_output(root / "broken", 600) / "result.json").write_text("{")
    np.save(write_output(root / "nan", 601) / "embedding.npy", np.full((1, D), np.nan, np.float32))
    write_output(root / "twin", 7)
    return root


def test_the_same_as_an_ingest(root: Path, tmp_path: Path) -> None:
    with e2vdb.connect(tmp_path / "whole") as db:
        db.ingest(root, workers=1)
    taking = intake(tmp_path / "db", root)
    folders = [one for slice_ in taking.changed() for one in slice_]
    assert len(folders) == 20 + 3 + 5 + 1 + 1 + 3
    found = 0
    for start in range(0, len(folders), 5):
        taken = taking.take(folders[start : start + 5])
        found += taken.summary.found
        assert taken.summary.found == len(taken.ids)
    taking.settle()
    assert found == 20 + 3 + 5 + 4 + 1 + 3
    assert contents(tmp_path / "db") == contents(tmp_path / "whole")
    for db in ("db", "whole"):  # which of the two came first is a matter of order
        warned = table(tmp_path / db, "utterances")["warnings"].to_pylist()
        assert sum("duplicate" in codes for codes in warned) == 1
    assert [one for slice_ in taking.changed() for one in slice_] == []


def test_again_changed_and_mended(root: Path, tmp_path: Path) -> None:
    taking = intake(tmp_path / "db", root)
    folders = [one for slice_ in taking.changed() for one in slice_]
    taking.take(folders)
    again = taking.take(folders).summary
    assert (again.inserted, again.updated, again.rejected, again.unchanged) == (0, 0, 3, 33 - 0)
    write_output(root / "broken", 600)
    write_output(root / name_of(3), 900, emotion="sad")
    changed = [one for slice_ in taking.changed() for one in slice_]
    assert sorted(changed) == sorted([str(root / "broken"), str(root / name_of(3))])
    done = taking.take(changed).summary
    assert (done.inserted, done.updated, done.rejected) == (1, 1, 0)
    with e2vdb.connect(tmp_path / "whole") as db:
        db.ingest(root, workers=1)
    taking.settle()
    assert contents(tmp_path / "db") == contents(tmp_path / "whole")


def test_every_noticed_directory_is_a_row_or_a_reject(root: Path, tmp_path: Path) -> None:
    taking = intake(tmp_path / "db", root)
    gone = str(root / "gone")
    taken = taking.take([gone, str(root / name_of(1))])
    assert (taken.summary.inserted, dict(taken.summary.reject_codes)) == (1, {"unreadable_file": 1})
    assert set(taken.ids) == {"gone", name_of(1)}


def test_ids_as_an_ingest_gives_them(root: Path, tmp_path: Path) -> None:
    write_output(root, 950)
    with e2vdb.connect(tmp_path / "whole") as db:
        db.ingest(root, workers=1, source="north/2024")
    taking = intake(tmp_path / "db", root, source="north/2024")
    for slice_ in taking.changed():
        if slice_:
            taking.take(slice_)
    assert ids(tmp_path / "db") == ids(tmp_path / "whole")
    assert "north/2024/outputs" in ids(tmp_path / "db")


def test_the_first_directories_decide_the_dimension(tmp_path: Path) -> None:
    root = tmp_path / "outputs"
    root.mkdir()
    taking = intake(tmp_path / "db", root)
    folder = write_output(root / name_of(1), 1, dimension=24)
    assert taking.take([str(folder)]).summary.inserted == 1
    other = write_output(root / name_of(2), 2, dimension=32)
    assert dict(taking.take([str(other)]).summary.reject_codes) == {"wrong_dimension": 1}


def test_metadata_that_came_before(tmp_path: Path) -> None:
    root = tmp_path / "outputs"
    root.mkdir()
    taking = intake(tmp_path / "db", root)
    (tmp_path / "calls.csv").write_text(f"output_dir,agent\n/x/{name_of(1)}/,Li\nelse,Wu\n")
    with e2vdb.connect(tmp_path / "db") as db:
        db.load_metadata(tmp_path / "calls.csv")
        taking.take([str(write_output(root / name_of(1), 1))])
        assert db.sql("SELECT agent FROM calls").fetchall() == [("Li",)]


def test_a_sweep_reads_no_file(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taking = intake(tmp_path / "db", root)

    def refuse(*_: object) -> None:
        raise AssertionError("read")

    monkeypatch.setattr(LocalFiles, "read", refuse)
    monkeypatch.setattr(LocalFiles, "open", refuse)
    assert sum(len(slice_) for slice_ in taking.changed()) == 33


def test_a_long_folder_is_read_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("e2vdb.ingest.batches.PART", 3)
    monkeypatch.setattr("e2vdb.loading.intake.MANY", 5)
    root = tmp_path / "outputs"
    flat = build.write_flat(root, "flat", {f"k{i}": build.vector(i, D) for i in range(10)})
    write_output(flat / name_of(1), 1)
    taking = intake(tmp_path / "db", root)
    assert taking.take([str(flat)]).summary.inserted == 10
    assert taking.take([str(flat)]).summary.unchanged == 10
    assert ids(tmp_path / "db") == [f"flat/k{i}" for i in range(10)]
