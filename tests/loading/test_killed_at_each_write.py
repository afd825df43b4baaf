"""Killed just before and just after every single write: the next ingest arrives at the same."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lance
import numpy as np
import pytest
from trees import D, name_of, table, vector, versions, write_output, write_tree

import e2vdb


class Killed(BaseException):
    """Nothing in the package catches this, as nothing catches kill -9."""


def killed_at(place: int, when: str, db: Path, root: Path) -> bool:
    """Ingest, ending before or after one of the writes; False where there were fewer writes."""
    count = 0

    def counted(write: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(*args: Any, **options: Any) -> Any:
            nonlocal count
            count += 1
            if count == place and when == "before":
                raise Killed
            done = write(*args, **options)
            if count == place and when == "after":
                raise Killed
            return done

        return wrapper

    with pytest.MonkeyPatch.context() as patch, e2vdb.connect(db) as opened:
        patch.setattr(lance.LanceDataset, "commit", counted(lance.LanceDataset.commit))
        patch.setattr(lance, "write_dataset", counted(lance.write_dataset))
        try:
            opened.ingest(root, workers=1, frames="distilled")
        except Killed:
            return True
    return False


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of 250 directories with rejects, frames and metadata that waits."""
    folder = tmp_path_factory.mktemp("before")
    root = write_tree(folder / "outputs", range(250))
    write_tree(root, range(500, 504), frames=4)
    write_output(root / "broken", 600)
    (root / "broken" / "result.json").write_text("{")
    (folder / "calls.csv").write_text("output_dir,agent\nnew one,Li\nelsewhere,Wu\n")
    with e2vdb.connect(folder / "db") as db:
        db.ingest(root, frames="distilled", metadata=folder / "calls.csv")
    write_tree(root, range(300, 310))
    write_output(root / name_of(500), 700, frames=9)
    write_output(root / name_of(501), 501)
    (root / name_of(501) / "frame_embeddings.npy").unlink()
    write_output(root / "broken", 600)
    write_output(root / name_of(502), 502, result=False)
    (root / name_of(502) / "result.json").write_text("{")
    write_output(root / "new one", 800)
    shutil.copytree(root / name_of(7), root / "a copy")
    np.save(root / name_of(8) / "embedding.npy", vector(9).reshape(1, D))
    shutil.copy(root / name_of(9) / "result.json", root / name_of(8) / "result.json")
    return folder


def content(db: Path) -> dict[str, list]:
    columns = {
        "utterances": ["utterance_id", "emotion", "content_hash", "warnings", "n_frames"],
        "frames": ["utterance_id", "frame_index", "embedding"],
        "rejects": ["utterance_id", "code"],
        "sources": ["utterance_id", "source_dir", "stamp"],
    }
    stored = {name: table(db, name).select(columns[name]).to_pylist() for name in columns}
    stored["metadata"] = table(db, "metadata").to_pylist()
    vectors = table(db, "utterances")["distilled"]
    assert vectors.null_count == 0
    return {name: sorted(rows, key=repr) for name, rows in stored.items()}


@pytest.mark.parametrize("when", ["before", "after"])
def test_every_write_may_be_the_last(before: Path, tmp_path: Path, when: str) -> None:
    shutil.copytree(before / "db", tmp_path / "whole")
    with e2vdb.connect(tmp_path / "whole") as db:
        db.ingest(before / "outputs", frames="distilled")
    expected = content(tmp_path / "whole")
    place, killed = 1, True
    while killed:
        db = tmp_path / f"db{place}"
        shutil.copytree(before / "db", db)
        killed = killed_at(place, when, db, before / "outputs")
        with e2vdb.connect(db) as opened:
            rows = opened.sql("SELECT count(*), count(DISTINCT utterance_id) FROM calls").fetchall()
            assert rows in ([(254, 254)], [(267, 267)])
            opened.ingest(before / "outputs", frames="distilled")
            assert content(db) == expected
            settled = versions(db)
            opened.ingest(before / "outputs", frames="distilled")
            assert versions(db) == settled
        place += 1
    assert place > 10


def test_a_first_ingest_may_end_anywhere(before: Path, tmp_path: Path) -> None:
    with e2vdb.connect(tmp_path / "whole") as db:
        db.ingest(before / "outputs", frames="distilled")
    expected = content(tmp_path / "whole")
    for place in range(1, 13):
        db = tmp_path / f"db{place}"
        assert killed_at(place, "after", db, before / "outputs")
        with e2vdb.connect(db) as opened:
            opened.ingest(before / "outputs", frames="distilled")
            assert content(db) == expected
