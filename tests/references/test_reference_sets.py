"""Adding, listing, removing: from Python and from the command line."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

import e2vdb
from e2vdb.cli.app import cli
from e2vdb.errors import UsageError

from .conftest import Voices


@pytest.fixture
def db(voices: Voices, tmp_path: Path) -> e2vdb.Database:
    copy = shutil.copytree(voices.folder / "e2v.lancedb", tmp_path / "e2v.lancedb")
    with e2vdb.connect(copy) as opened:
        opened.references.remove("good")
        yield opened


def stored(db: e2vdb.Database) -> list[tuple[str, str]]:
    query = "SELECT name, utterance_id FROM reference_sets ORDER BY ALL"
    return db.sql(query).fetchall()


def test_adds_by_condition_and_by_id(db: e2vdb.Database) -> None:
    first = db.references.add("set", where="utterance_id <= 'call002' -- the first three")
    again = db.references.add("set", where="at IS NULL")
    assert (first.added, first.present) == (3, 0)
    assert again.added == 37
    assert again.without_embedding == 1  # `silent`
    assert len(stored(db)) == 40


def test_adding_again_keeps_the_first_time(db: e2vdb.Database) -> None:
    db.references.add("set", ids=["call001"])
    before = db.sql("FROM reference_sets").fetchall()
    done = db.references.add("set", ids=["call001", "call001"])
    assert (done.added, done.present) == (0, 1)
    assert db.sql("FROM reference_sets").fetchall() == before


def test_lists_and_removes(db: e2vdb.Database) -> None:
    db.references.add("b", ids=["call001", "call002"])
    db.references.add("a", ids=["call001"])
    assert [(one.name, one.calls) for one in db.references.list()] == [("a", 1), ("b", 2)]
    assert db.references.remove("b", ids=["call002"]) == 1
    assert db.references.remove("a") == 1
    assert stored(db) == [("b", "call001")]


def test_profile_is_unit_vectors_and_their_mean(db: e2vdb.Database, voices: Voices) -> None:
    db.references.add("set", ids=["call003", "call001"])
    profile = db.references.profile("set")
    assert profile.ids.to_pylist() == ["call001", "call003"]
    assert profile.units == pytest.approx(voices.units[[1, 3]], abs=1e-6)
    assert profile.mean == pytest.approx(voices.units[[1, 3]].mean(axis=0), abs=1e-7)


def test_refuses_what_does_not_fit(db: e2vdb.Database) -> None:
    for arguments, sentence in (
        ({"ids": ["nobody"]}, "no utterance 'nobody'"),
        ({"ids": ["silent"]}, "has an embedding"),
        ({"where": "emotion = 'fearful'"}, "No call matches"),
        ({"where": "emotion ="}, "cannot be used"),
        ({}, "Name calls"),
    ):
        with pytest.raises(UsageError, match=sentence):
            db.references.add("set", **arguments)
    with pytest.raises(UsageError, match="needs a name"):
        db.references.add(" ", ids=["call001"])
    db.references.add("set", ids=["call001"])
    with pytest.raises(UsageError, match="'call002' is not in"):
        db.references.remove("set", ids=["call002"])
    with pytest.raises(UsageError, match="There is no reference set 'other'; there are set"):
        db.references.remove("other")


def test_the_past_cannot_be_written(db: e2vdb.Database) -> None:
    with e2vdb.connect(db.address.uri, as_of=1) as past, pytest.raises(UsageError, match="past"):
        past.references.add("set", ids=["call001"])


def test_a_database_made_before_reference_sets_is_read_and_written(db: e2vdb.Database) -> None:
    for table in ("reference_sets", "alignments", "text_vectors"):
        shutil.rmtree(Path(db.address.uri) / f"{table}.lance")
    with e2vdb.connect(db.address.uri) as old:
        assert old.references.list() == []
        with e2vdb.connect(db.address.uri, as_of=old.versions()[-1].number) as past:
            assert past.sql("FROM reference_sets").fetchall() == []
        assert old.sql("FROM reference_sets").fetchall() == []
        old.references.add("set", ids=["call001"])
        assert stored(old) == [("set", "call001")]


def test_commands(db: e2vdb.Database) -> None:
    def run(*arguments: str) -> str:
        done = CliRunner().invoke(cli, ["--db", db.address.uri, "reference", *arguments])
        assert done.exception is None, done.output
        return done.output

    assert "2 calls added to set" in run("add", "set", "--ids", "call001", "--ids", "call002")
    assert "18 calls added" in run("add", "set", "--where", "emotion = 'happy'")
    assert run("list").split()[:3] == ["set", "20", "calls"]
    assert "1 calls removed" in run("remove", "set", "--ids", "call001")
    assert "19 calls removed" in run("remove", "set")
    assert run("list") == ""
