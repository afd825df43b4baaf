"""--frames full, distilled and none, and going from one to another."""

import math
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from trees import D, frame_vectors, table, versions, write_tree

import e2vdb

COUNT = 7


@pytest.fixture
def few(tmp_path: Path) -> Path:
    root = write_tree(tmp_path / "outputs", range(3))
    write_tree(root, range(100, 103), frames=COUNT)
    time.sleep(0.05)
    return root


@pytest.fixture
def many(few: Path) -> Path:
    """Enough for a distiller."""
    return write_tree(few, range(200, 460))


def frames(db: Path) -> list[dict]:
    return (
        table(db, "frames")
        .sort_by([("utterance_id", "ascending"), ("frame_index", "ascending")])
        .to_pylist()
    )


def has_embeddings(db: Path) -> set[bool]:
    return {one["embedding"] is not None for one in frames(db)}


def test_full_frames_hold_what_the_file_holds(few: Path, tmp_path: Path) -> None:
    with e2vdb.connect(tmp_path / "db") as db:
        summary = db.ingest(few)
        assert summary.frames == 3 * COUNT
        types = db.sql("SELECT DISTINCT typeof(embedding) FROM frames").fetchall()
        assert types == [(f"FLOAT[{D}]",)]
    stored = frames(tmp_path / "db")
    assert [one["frame_index"] for one in stored] == list(range(COUNT)) * 3
    assert all(math.isclose(one["start_s"], 0.02 * one["frame_index"]) for one in stored)
    given = np.concatenate([frame_vectors(seed, COUNT) for seed in (100, 101, 102)])
    got = np.array([one["embedding"] for one in stored], np.float64)
    assert np.array_equal(got, given.astype(np.float16).astype(np.float64))
    means = np.repeat(given.reshape(3, COUNT, D).astype(np.float64).mean(axis=1), COUNT, axis=0)
    cosine = (given * means).sum(1) / np.linalg.norm(given, axis=1) / np.linalg.norm(means, axis=1)
    distances = [one["distance"] for one in stored]
    assert np.allclose(distances, 1 - cosine, atol=1e-5)


def test_none_keeps_no_frames_and_full_brings_them(few: Path, tmp_path: Path) -> None:
    with e2vdb.connect(tmp_path / "db") as db:
        db.ingest(few, frames="none")
        assert frames(tmp_path / "db") == []
        summary = db.ingest(few, frames="full")
        assert (summary.updated, summary.unchanged) == (3, 3)
        assert len(frames(tmp_path / "db")) == 3 * COUNT
        summary = db.ingest(few, frames="none")
        assert (summary.updated, summary.unchanged) == (3, 3)
        assert frames(tmp_path / "db") == []
        rows = {(one["n_frames"]) for one in table(tmp_path / "db", "utterances").to_pylist()}
        assert rows == {None, COUNT}


def test_distilled_frames_have_short_vectors_only(many: Path, tmp_path: Path) -> None:
    with e2vdb.connect(tmp_path / "db") as db:
        db.ingest(many, frames="distilled")
        assert has_embeddings(tmp_path / "db") == {False}
        stored = frames(tmp_path / "db")
        assert len(stored) == 3 * COUNT
        given = np.concatenate([frame_vectors(seed, COUNT) for seed in (100, 101, 102)])
        assert np.allclose([one["distilled"] for one in stored], pca(db, given), atol=2e-3)
        before = versions(tmp_path / "db")
        db.ingest(many, frames="distilled")
        assert versions(tmp_path / "db") == before
        db.ingest(many, frames="full")
        assert has_embeddings(tmp_path / "db") == {True}
        assert len(frames(tmp_path / "db")) == 3 * COUNT
        db.ingest(many, frames="distilled")
        assert has_embeddings(tmp_path / "db") == {False}
        assert np.allclose(
            [one["distilled"] for one in frames(tmp_path / "db")], pca(db, given), atol=2e-3
        )


def pca(db: e2vdb.Database, vectors: np.ndarray) -> np.ndarray:
    """Apply the stored PCA in double precision."""
    ((mean, components),) = db.sql("SELECT mean, components FROM distillers").fetchall()
    unit = vectors.astype(np.float64)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    return (unit - np.array(mean)) @ np.array(components).T


def test_frames_kept_distilled_survive_a_refit(many: Path, tmp_path: Path) -> None:
    with e2vdb.connect(tmp_path / "db") as db:
        db.ingest(many, frames="distilled")
        before = np.array([one["distilled"] for one in frames(tmp_path / "db")])
        db.distill(0.9)
        assert has_embeddings(tmp_path / "db") == {False}
        after = np.array([one["distilled"] for one in frames(tmp_path / "db")])
        mean, components = db.sql(
            "SELECT mean, components FROM distillers ORDER BY distiller_id DESC LIMIT 1"
        ).fetchall()[0]
        old_mean, old = db.sql(
            "SELECT mean, components FROM distillers ORDER BY distiller_id LIMIT 1"
        ).fetchall()[0]
        restored = before @ np.array(old) + np.array(old_mean)
        assert np.allclose(after, (restored - np.array(mean)) @ np.array(components).T, atol=1e-5)


def test_too_few_for_a_distiller_keeps_them_in_full_until_there_is_one(
    few: Path, tmp_path: Path
) -> None:
    with e2vdb.connect(tmp_path / "db") as db:
        summary = db.ingest(few, frames="distilled")
        assert any("256" in note for note in summary.notes)
        assert has_embeddings(tmp_path / "db") == {True}
        write_tree(few, range(300, 560))
        db.ingest(few, frames="distilled")
        assert has_embeddings(tmp_path / "db") == {False}
        assert all(one["distilled"] is not None for one in frames(tmp_path / "db"))


def test_a_kill_before_the_full_vectors_are_dropped_is_completed(
    many: Path, tmp_path: Path
) -> None:
    code = (
        "import os, sys, e2vdb\n"
        "import e2vdb.loading.ingest as ingest\n"
        "ingest.drop_frame_embeddings = lambda *_: os._exit(9)\n"
        "e2vdb.connect(sys.argv[1]).ingest(sys.argv[2], frames='distilled')\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "db"), str(many)])
    assert done.returncode == 9
    assert has_embeddings(tmp_path / "db") == {True}
    with e2vdb.connect(tmp_path / "db") as db:
        db.ingest(many, frames="distilled")
        assert has_embeddings(tmp_path / "db") == {False}
        before = versions(tmp_path / "db")
        db.ingest(many, frames="distilled")
        assert versions(tmp_path / "db") == before


def test_distilled_leaves_the_full_frames_of_other_trees_alone(many: Path, tmp_path: Path) -> None:
    other = write_tree(tmp_path / "other", range(900, 903), frames=COUNT)
    with e2vdb.connect(tmp_path / "db") as db:
        db.ingest(other)
        db.ingest(many, frames="distilled")
        kept = {one["utterance_id"] for one in frames(tmp_path / "db") if one["embedding"]}
        assert kept == set(os.listdir(other))


def test_a_zero_frame_has_no_distilled_vector(many: Path, tmp_path: Path) -> None:
    folder = many / "outputs_20250101_000000"
    folder.mkdir()
    vectors = frame_vectors(5, COUNT)
    vectors[3] = 0
    np.save(folder / "frame_embeddings.npy", vectors)
    with e2vdb.connect(tmp_path / "db") as db:
        db.ingest(many)
        missing = db.sql(
            "SELECT frame_index, distance FROM frames WHERE distilled IS NULL"
        ).fetchall()
    assert missing == [(3, 1.0)]


def test_an_unknown_mode_is_a_mistake(few: Path, tmp_path: Path) -> None:
    with (
        e2vdb.connect(tmp_path / "db") as db,
        pytest.raises(e2vdb.errors.UsageError, match="full, distilled, none"),
    ):
        db.ingest(few, frames="some")
