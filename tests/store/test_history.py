"""Reading the past: all tables together, by version, tag and time; what clean-up leaves."""

import time
from datetime import datetime, timedelta
from pathlib import Path

import lance
import pytest
from trees import NAMES, data_files, versions, write_output, write_tree

import e2vdb
from e2vdb.errors import UsageError

COUNTS = (
    "SELECT (SELECT count(*) FROM utterances), (SELECT count(*) FROM frames), "
    "(SELECT count(*) FROM rejects), (SELECT count(*) FROM metadata)"
)


def counts(db: Path, as_of: object = None) -> tuple:
    with e2vdb.connect(db, as_of=as_of) as opened:
        return opened.sql(COUNTS).fetchall()[0]


class Past:
    """A database of three states, each with a tag, a version and a moment."""

    def __init__(self, folder: Path) -> None:
        self.db, self.root = folder / "db", folder / "outputs"
        self.moments: list[datetime] = []
        self.numbers: list[int] = []
        self.states: list[tuple] = []
        for state in range(3):
            write_tree(self.root, range(10 * state, 10 * state + 4), frames=2)
            (self.root / f"outputs_2024010{state + 1}_000000").mkdir()
            (folder / "calls.csv").write_text(
                "utterance_id,agent\n" + "".join(f"u{i},a\n" for i in range(state + 1))
            )
            with e2vdb.connect(self.db) as db:
                db.load_metadata(folder / "calls.csv") if state else None
                self.numbers.append(db.ingest(self.root).version)
                db.tag(f"state-{state}")
            self.states.append(counts(self.db))
            time.sleep(0.02)
            self.moments.append(datetime.now())
            time.sleep(0.02)


@pytest.fixture
def past(tmp_path: Path) -> Past:
    return Past(tmp_path)


def test_every_way_to_name_a_moment_shows_all_tables_of_it(past: Past) -> None:
    assert past.states == [(4, 8, 1, 0), (8, 16, 2, 2), (12, 24, 3, 3)]
    for state in range(3):
        expected = past.states[state]
        assert counts(past.db, f"state-{state}") == expected
        assert counts(past.db, past.numbers[state]) == expected
        assert counts(past.db, str(past.numbers[state])) == expected
        assert counts(past.db, past.moments[state]) == expected
        assert counts(past.db, past.moments[state].isoformat()) == expected
        assert counts(past.db, past.moments[state].astimezone().isoformat()) == expected


@pytest.mark.parametrize(
    ("as_of", "words"),
    [
        (999, "999"),
        ("999", "999"),
        (0, "0"),
        (-1, "-1"),
        ("nobody", "nobody"),
        ("", "''"),
        ("2001-01-01", "2001-01-01"),
        (datetime(2001, 1, 1), "2001-01-01"),
    ],
)
def test_what_is_no_moment_of_it_is_a_mistake(past: Past, as_of: object, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        counts(past.db, as_of)


def test_the_past_cannot_be_written(past: Past) -> None:
    with e2vdb.connect(past.db, as_of="state-0") as db:
        for action in (
            lambda: db.ingest(past.root),
            db.optimize,
            db.distill,
            lambda: db.tag("x"),
            lambda: db.set("norm_min", 1),
        ):
            with pytest.raises(UsageError, match="as_of"):
                action()


def test_tags_are_named_listed_and_forgotten(past: Past) -> None:
    with e2vdb.connect(past.db) as db:
        named = {tag: one.number for one in db.versions() for tag in one.tags}
        assert named == {f"state-{state}": past.numbers[state] for state in range(3)}
        with pytest.raises(UsageError, match="state-1"):
            db.tag("state-1")
        for wrong in ("", "12", "a b", "a/b", "../x", "e2vdb-kept-mine"):
            with pytest.raises(UsageError):
                db.tag(wrong)
        db.untag("state-1")
        with pytest.raises(UsageError, match="state-1"):
            db.untag("state-1")
        assert db.tag("state-1") == past.numbers[2]
    assert counts(past.db, "state-1") == past.states[2]


def test_optimize_removes_old_versions_but_tagged_ones(past: Past) -> None:
    with e2vdb.connect(past.db) as db:
        db.untag("state-1")
        before = db.sql("FROM calls ORDER BY utterance_id").fetchall()
        done = db.optimize(keep_days=0)
        assert done.versions_removed > 0
        assert done.fragments_after < done.fragments_before
        assert db.sql("FROM calls ORDER BY utterance_id").fetchall() == before
        kept = {tag for one in db.versions() for tag in one.tags}
        assert kept == {"state-0", "state-2"}
        assert past.numbers[1] not in [one.number for one in db.versions()]
        assert db.ingest(past.root).unchanged == 12
    assert counts(past.db, "state-0") == past.states[0]
    assert counts(past.db, "state-2") == past.states[2] == counts(past.db)
    with pytest.raises(UsageError, match=str(past.numbers[1])):
        counts(past.db, past.numbers[1])


def test_optimize_keeps_what_is_young(past: Past) -> None:
    with e2vdb.connect(past.db) as db:
        assert db.optimize().versions_removed == 0
    for state in range(3):
        assert counts(past.db, past.numbers[state]) == past.states[state]


def test_versions_that_stay_stay_with_all_their_tables(
    past: Past, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`metadata` last changed before the time that is kept; the state after still needs it."""
    for state in range(3):
        with e2vdb.connect(past.db) as db:
            db.untag(f"state-{state}")
    time.sleep(1.2)
    write_tree(past.root, [500], frames=2)
    with e2vdb.connect(past.db) as db:
        number = db.ingest(past.root).version
        state = db.sql(COUNTS).fetchall()[0]
        (past.root.parent / "more.csv").write_text("utterance_id\nnew\n")
        db.load_metadata(past.root.parent / "more.csv")
        write_output(past.root / "one more", 501)
        db.ingest(past.root)
        db.optimize(keep_days=timedelta(seconds=1) / timedelta(days=1))
    assert counts(past.db, number) == state


def test_optimize_removes_what_killed_writers_left(past: Past) -> None:
    import shutil

    for name in ("utterances", "frames"):
        folder = past.db / f"{name}.lance" / "data"
        shutil.copy(next(folder.iterdir()), folder / "orphan.lance")
    with e2vdb.connect(past.db) as db:
        db.optimize()
        assert db.sql(COUNTS).fetchall()[0] == past.states[2]
    for name in ("utterances", "frames"):
        assert "orphan.lance" not in data_files(past.db, name)


def test_optimize_again_changes_nothing(past: Past) -> None:
    with e2vdb.connect(past.db) as db:
        db.optimize(keep_days=0)
        before = versions(past.db)
        done = db.optimize(keep_days=0)
        assert (done.versions_removed, done.fragments_before) == (0, done.fragments_after)
    assert versions(past.db) == before
    assert all(lance.dataset(str(past.db / f"{name}.lance")).count_rows() >= 0 for name in NAMES)
