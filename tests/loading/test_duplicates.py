"""The warning `duplicate`: settled after each ingest, taken back when the twin changes."""

import shutil
from pathlib import Path

from trees import name_of, row, table, versions, write_output, write_tree

import e2vdb


def marked(db: Path) -> set[str]:
    rows = table(db, "utterances").to_pylist()
    return {one["utterance_id"] for one in rows if "duplicate" in one["warnings"]}


def test_the_later_of_two_is_marked_and_unmarked(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "outputs", range(4))
    with e2vdb.connect(tmp_path / "db") as db:
        db.ingest(root)
        assert marked(tmp_path / "db") == set()
        shutil.copytree(root / name_of(2), root / "copy")
        shutil.copytree(root / name_of(2), root / "a second copy")
        db.ingest(root)
        assert marked(tmp_path / "db") == {"copy", "a second copy"}
        before = versions(tmp_path / "db")
        db.ingest(root)
        assert versions(tmp_path / "db") == before
        write_output(root / name_of(2), 40)
        db.ingest(root)
        assert marked(tmp_path / "db") == {"copy"}
        write_output(root / "copy", 41)
        db.ingest(root)
        assert marked(tmp_path / "db") == set()
        assert len(table(tmp_path / "db", "utterances")) == 6


def test_twins_of_one_run_are_settled_by_id(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "outputs", [1])
    for name in ("it's a copy", "other's"):
        shutil.copytree(root / name_of(1), root / name)
    with e2vdb.connect(tmp_path / "db") as db:
        db.ingest(root)
        codes = [one["warnings"].count("duplicate") for one in _rows(tmp_path)]
        assert sorted(codes) == [0, 1, 1]
        vectors = {tuple(one["embedding"]) for one in _rows(tmp_path)}
        assert len(vectors) == 1


def test_a_marked_row_keeps_everything_else(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "outputs", range(300))
    with e2vdb.connect(tmp_path / "db") as db:
        db.ingest(root)
        write_output(root / name_of(7), 8)
        db.ingest(root)
        assert marked(tmp_path / "db") == {name_of(7)}
        old = row(tmp_path / "db", name_of(7))
        write_output(root / name_of(8), 9999)
        db.ingest(root)
        new = row(tmp_path / "db", name_of(7))
        assert new == {**old, "warnings": [w for w in old["warnings"] if w != "duplicate"]}
        assert new["distilled"] is not None


def test_an_ingest_killed_before_it_settled_is_completed(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "outputs", [1, 2])
    shutil.copytree(root / name_of(1), root / "copy")
    code = (
        "import os, sys, e2vdb\n"
        "import e2vdb.loading.ingest as ingest\n"
        "ingest.settle_duplicates = lambda store: os._exit(9)\n"
        "e2vdb.connect(sys.argv[1]).ingest(sys.argv[2])\n"
    )
    import subprocess
    import sys

    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "db"), str(root)])
    assert done.returncode == 9
    assert len(_rows(tmp_path)) == 3
    assert marked(tmp_path / "db") == set()
    with e2vdb.connect(tmp_path / "db") as db:
        assert db.ingest(root).unchanged == 3
    assert len(marked(tmp_path / "db")) == 1


def _rows(tmp_path: Path) -> list[dict]:
    return table(tmp_path / "db", "utterances").to_pylist()
