"""kill -9 at random moments: whole commits, and the next ingest completes the database."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import lancedb
import pytest
from trees import D, table, write_tree

import e2vdb

CODE = "import sys, e2vdb; e2vdb.connect(sys.argv[1]).ingest(sys.argv[2], workers=2)"
SMALL = """
import e2vdb.loading.chunk, e2vdb.loading.ingest as ingest
ingest.ROWS_A_COMMIT = 400
"""
KILLS = 8


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """3,000 directories, 100 of them with frames, in three folders."""
    root = tmp_path_factory.mktemp("tree") / "outputs"
    for part in range(3):
        seeds = range(10_000 * part, 10_000 * part + 967)
        write_tree(root / f"team{part}", seeds)
        framed = range(10_000 * part + 5000, 10_000 * part + 5033)
        write_tree(root / f"team{part}", framed, frames=6)
    (root / "team0" / "outputs_20300101_000000").mkdir()
    return root


COLUMNS = ["utterance_id", "source_dir", "emotion", "content_hash", "warnings", "embedding"]


def content(db: Path) -> tuple[list, list, list]:
    """What an ingest has to arrive at, whenever it was disturbed."""
    rows = table(db, "utterances").select(COLUMNS).sort_by("utterance_id").to_pylist()
    frames = table(db, "frames").select(["utterance_id", "frame_index", "embedding"])
    order = [("utterance_id", "ascending"), ("frame_index", "ascending")]
    rejects = table(db, "rejects").drop_columns(["seen_at"]).to_pylist()
    return rows, frames.sort_by(order).to_pylist(), rejects


def descendants(pid: int) -> set[int]:
    """Processes started by this one, by /proc."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                parents[int(entry.name)] = int(
                    (entry / "stat").read_text().rpartition(")")[2].split()[1]
                )
            except (OSError, ProcessLookupError):
                continue
    found, more = set(), {pid}
    while more:
        more = {child for child, parent in parents.items() if parent in more} - found
        found |= more
    return found


def alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


def start(db: Path, root: Path) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", SMALL + CODE, str(db), str(root)], start_new_session=True
    )


def test_an_ingest_killed_again_and_again_is_completed(root: Path, tmp_path: Path) -> None:
    began = time.monotonic()
    assert start(tmp_path / "undisturbed", root).wait(120) == 0
    whole = time.monotonic() - began
    db, left, seen = tmp_path / "db", set(), 0
    chance = random.Random(7)
    for turn in range(KILLS):
        if turn == 5:  # from nothing once more, so that early moments are tried again
            db = tmp_path / "db2"
            seen = 0
        process = start(db, root)
        time.sleep(whole * (0.3 + 0.7 * (turn % 5 + chance.random()) / 5))
        left |= descendants(process.pid) if os.path.isdir("/proc") else set()
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        seen = check_whole(db, seen)
    assert start(db, root).wait(120) == 0
    assert content(db) == content(tmp_path / "undisturbed")
    with e2vdb.connect(db) as opened:
        again = opened.ingest(root)
        assert (again.found, again.unchanged, again.rejected) == (3001, 3000, 1)
        assert opened.sql("SELECT count(*) FROM utterances WHERE distilled IS NULL").fetchall() == [
            (0,)
        ]
        opened.optimize(keep_days=0)
        assert opened.sql("SELECT count(*) FROM calls").fetchall() == [(3000,)]
    for name in ("utterances", "frames", "rejects", "sources", "distillers"):
        assert files_of(db, name) == files_in_use(db, name), name
    deadline = time.monotonic() + 20
    while any(map(alive, left)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not [pid for pid in left if alive(pid)]


def check_whole(db: Path, seen: int) -> int:
    """Open the database with LanceDB's client: rows are unique, none is lost, frames complete."""
    if not (db / "utterances.lance" / "_versions").exists():
        return 0
    client = lancedb.connect(db)
    if "utterances" not in client.list_tables().tables:
        return 0
    rows = client.open_table("utterances").to_arrow()
    names = rows["utterance_id"].to_pylist()
    assert len(names) == len(set(names))
    assert len(names) >= seen
    assert rows.schema.field("embedding").type.list_size == D
    frames = client.open_table("frames").to_arrow()
    keys = list(
        zip(frames["utterance_id"].to_pylist(), frames["frame_index"].to_pylist(), strict=True)
    )
    assert len(keys) == len(set(keys))
    framed = {one["utterance_id"] for one in rows.to_pylist() if one["n_frames"]}
    assert framed <= set(frames["utterance_id"].to_pylist())
    return len(names)


def files_of(db: Path, name: str) -> set[str]:
    folder = db / f"{name}.lance" / "data"
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


def files_in_use(db: Path, name: str) -> set[str]:
    import lance

    fragments = lance.dataset(str(db / f"{name}.lance")).get_fragments()
    return {file.path for fragment in fragments for file in fragment.metadata.files}
