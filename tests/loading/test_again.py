"""Running an ingest again: nothing for what is unchanged, a new row for what changed."""

import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from trees import (
    frame_vectors,
    ids,
    name_of,
    row,
    table,
    vector,
    versions,
    write_output,
    write_tree,
)

import e2vdb


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """Good, nested, flat, framed and broken directories among foreign files."""
    root = write_tree(tmp_path / "outputs", range(6))
    write_output(root / "north" / "deep" / "call one", 10)
    write_output(root / "framed", 11, frames=12)
    write_output(root / "only result", 12, embedding=False)
    write_output(root / "only vector", 13, result=False)
    (root / "flat").mkdir()
    for seed in (20, 21):
        np.save(root / "flat" / f"utt{seed}.npy", vector(seed))
    (root / "notes.txt").write_text("nothing of ours")
    (root / "pictures").mkdir()
    (root / "pictures" / "a.png").write_bytes(b"png")
    (root / "outputs_20240105_000000").mkdir()
    write_output(root / "broken json", 14)
    (root / "broken json" / "result.json").write_text("{")
    write_output(root / "nan", 15)
    np.save(root / "nan" / "embedding.npy", np.full((1, 64), np.nan, np.float32))
    write_output(root / "short", 16, dimension=32)
    time.sleep(0.05)  # file times are too fresh to be trusted before
    return root


def adds_up(summary: object) -> bool:
    numbers = summary.as_dict()
    parts = ("inserted", "updated", "unchanged", "rejected")
    return numbers["found"] == sum(numbers[part] for part in parts) and numbers["rejected"] == sum(
        numbers["reject_codes"].values()
    )


def test_the_summary_adds_up_and_counts_every_directory(mixed: Path, tmp_path: Path) -> None:
    with e2vdb.connect(tmp_path / "db") as db:
        summary = db.ingest(mixed)
    assert adds_up(summary)
    assert (summary.inserted, summary.rejected) == (12, 4)
    assert summary.found == 16
    assert summary.reject_codes == {
        "empty_directory": 1,
        "bad_json": 1,
        "not_finite": 1,
        "wrong_dimension": 1,
    }
    assert summary.frames == 12
    assert len(ids(tmp_path / "db")) == 12
    assert {"flat/utt20", "flat/utt21", "north/deep/call one"} <= set(ids(tmp_path / "db"))
    assert summary.rate == pytest.approx(summary.found / summary.seconds)


@pytest.mark.parametrize("frames", ["full", "distilled", "none"])
def test_the_second_run_writes_nothing(mixed: Path, tmp_path: Path, frames: str) -> None:
    with e2vdb.connect(tmp_path / "db") as db:
        first = db.ingest(mixed, frames=frames)
        before = versions(tmp_path / "db")
        for _ in range(2):
            again = db.ingest(mixed, frames=frames)
            assert adds_up(again)
            assert (again.inserted, again.updated) == (0, 0)
            assert again.unchanged == first.inserted
            assert again.reject_codes == first.reject_codes
            assert versions(tmp_path / "db") == before


def test_files_touched_but_not_changed_write_no_row(mixed: Path, tmp_path: Path) -> None:
    with e2vdb.connect(tmp_path / "db") as db:
        db.ingest(mixed)
        before = versions(tmp_path / "db")
        for file in mixed.rglob("*.npy"):
            file.touch()
        time.sleep(0.05)
        again = db.ingest(mixed)
        assert (again.inserted, again.updated) == (0, 0)
        after = versions(tmp_path / "db")
        assert {name for name in after if after[name] != before[name]} == {"sources"}


def test_a_run_in_the_very_moment_of_writing_is_not_fooled(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "outputs", range(3))
    with e2vdb.connect(tmp_path / "db") as db:
        for seed in range(50, 60):
            db.ingest(root)
            write_output(root / name_of(1), seed)
            db.ingest(root)
            stored = row(tmp_path / "db", name_of(1))["embedding"]
            assert np.array_equal(np.array(stored, np.float32), vector(seed))


def test_a_changed_directory_replaces_its_row_and_frames(mixed: Path, tmp_path: Path) -> None:
    with e2vdb.connect(tmp_path / "db") as db:
        first = db.ingest(mixed)
        old = row(tmp_path / "db", "framed")
        write_output(mixed / "framed", 77, frames=5, emotion="sad")
        write_output(mixed / name_of(2), 78, emotion="angry")
        summary = db.ingest(mixed)
        assert adds_up(summary)
        assert (summary.inserted, summary.updated) == (0, 2)
        assert summary.unchanged == first.inserted - 2
    assert len(ids(tmp_path / "db")) == first.inserted
    new = row(tmp_path / "db", "framed")
    assert (new["emotion"], new["n_frames"]) == ("sad", 5)
    assert new["ingested_at"] > old["ingested_at"]
    frames = table(tmp_path / "db", "frames").sort_by("frame_index")
    assert frames["utterance_id"].to_pylist() == ["framed"] * 5
    assert frames["frame_index"].to_pylist() == [0, 1, 2, 3, 4]
    stored = np.array(frames["embedding"].to_pylist(), np.float16)
    assert np.array_equal(stored, frame_vectors(77, 5).astype(np.float16))
    assert np.array_equal(np.array(row(tmp_path / "db", name_of(2))["embedding"]), vector(78))


def test_frames_that_are_gone_leave_the_table(mixed: Path, tmp_path: Path) -> None:
    with e2vdb.connect(tmp_path / "db") as db:
        db.ingest(mixed)
        (mixed / "framed" / "frame_embeddings.npy").unlink()
        assert db.ingest(mixed).updated == 1
    assert table(tmp_path / "db", "frames").num_rows == 0
    assert row(tmp_path / "db", "framed")["n_frames"] is None


def test_deleted_sources_keep_their_rows(mixed: Path, tmp_path: Path) -> None:
    with e2vdb.connect(tmp_path / "db") as db:
        db.ingest(mixed)
        before, rows = versions(tmp_path / "db"), ids(tmp_path / "db")
        shutil.rmtree(mixed / "framed")
        (mixed / "flat" / "utt20.npy").unlink()
        summary = db.ingest(mixed)
        assert adds_up(summary)
        assert summary.unchanged == 10
        assert ids(tmp_path / "db") == rows
        assert versions(tmp_path / "db")["utterances"] == before["utterances"]
        assert table(tmp_path / "db", "frames").num_rows == 12


def test_reread_replaces_every_row_once(mixed: Path, tmp_path: Path) -> None:
    with e2vdb.connect(tmp_path / "db") as db:
        first = db.ingest(mixed)
        summary = db.ingest(mixed, reread=True)
        assert adds_up(summary)
        assert (summary.inserted, summary.updated) == (0, first.inserted)
        assert len(ids(tmp_path / "db")) == len(set(ids(tmp_path / "db"))) == first.inserted
        assert table(tmp_path / "db", "frames").num_rows == 12


def test_deleting_the_file_times_costs_time_and_nothing_else(mixed: Path, tmp_path: Path) -> None:
    with e2vdb.connect(tmp_path / "db") as db:
        first = db.ingest(mixed)
        before = versions(tmp_path / "db")
        shutil.rmtree(tmp_path / "db" / "sources.lance")
        again = db.ingest(mixed)
        assert (again.inserted, again.updated, again.unchanged) == (0, 0, first.inserted)
        after = versions(tmp_path / "db")
        assert all(after[name] == before[name] for name in before if name != "sources")
