"""Where a database may be, and what is refused before anything is written there."""

from pathlib import Path

import lancedb
import pytest
from trees import write_tree

import e2vdb
from e2vdb.errors import AddressError
from e2vdb.store.address import resolve


def test_the_address_given_then_the_variable_then_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("E2VDB_URI", raising=False)
    assert resolve().uri == str(tmp_path / "e2v.lancedb")
    monkeypatch.setenv("E2VDB_URI", str(tmp_path / "other"))
    assert resolve().uri == str(tmp_path / "other")
    assert resolve("mine").uri == str(tmp_path / "mine")
    assert resolve(f"file://{tmp_path}/x").uri == str(tmp_path / "x")
    store = resolve("s3://bucket/db/", {"region": "eu"})
    assert (store.uri, store.folder) == ("s3://bucket/db", None)
    assert dict(store.storage_options) == {"region": "eu"}


@pytest.mark.parametrize(
    "name", ["db", "dbase/inner", "my calls", "通话 数据库", "it's", "a%20b#c?"]
)
def test_any_folder_name_works_and_opens_with_lancedb(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    root = write_tree(tmp_path / "outputs", range(3), frames=2)
    with e2vdb.connect(name) as db:
        db.ingest(root)
        assert db.sql("SELECT count(*) FROM calls").fetchall() == [(3,)]
    client = lancedb.connect(tmp_path / name)
    assert {"utterances", "frames", "metadata", "rejects"} <= set(client.list_tables().tables)
    assert client.open_table("utterances").count_rows() == 3
    hits = client.open_table("utterances").search([1.0] * 64, "embedding").limit(2).to_list()
    assert len(hits) == 2


def test_a_file_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(AddressError, match=str(tmp_path / "file")):
        e2vdb.connect(tmp_path / "file")


@pytest.mark.parametrize("address", ["", "  "])
def test_an_empty_address_is_a_mistake(address: str) -> None:
    with pytest.raises(AddressError, match="empty"):
        e2vdb.connect(address)


def test_a_folder_of_other_files_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "outputs", range(2))
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "letter.txt").write_text("x")
    with e2vdb.connect(folder) as db, pytest.raises(AddressError, match=r"letter\.txt"):
        db.ingest(root)
    assert [path.name for path in folder.iterdir()] == ["letter.txt"]
    with e2vdb.connect(root) as db, pytest.raises(AddressError, match=str(root)):
        db.ingest(root)
    with e2vdb.connect(folder) as db, pytest.raises(AddressError, match="no e2vdb database"):
        db.sql("FROM calls")


def test_an_empty_folder_and_hidden_files_are_fine(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "outputs", range(2))
    (tmp_path / "db").mkdir()
    (tmp_path / "db" / ".DS_Store").write_text("x")
    with e2vdb.connect(tmp_path / "db") as db:
        assert db.ingest(root).inserted == 2
        (tmp_path / "db" / "README.txt").write_text("somebody's note")
        assert db.ingest(root).unchanged == 2


def test_no_database_is_said_and_none_is_made(tmp_path: Path) -> None:
    with e2vdb.connect(tmp_path / "nowhere") as db:
        for action in (
            lambda: db.sql("FROM calls"),
            db.info,
            db.versions,
            db.settings,
            db.optimize,
        ):
            with pytest.raises(AddressError, match=f"no e2vdb database at {tmp_path / 'nowhere'}"):
                action()
    assert not (tmp_path / "nowhere").exists()
